#!/usr/bin/env python3
"""A broker with SASL/PLAIN, as far as clients can tell: authenticates them as Kafka does, then relays to a broker without SASL.

    python3 sasl_front.py --upstream 127.0.0.1:9092 --sasl v1 --user alice --password secret --advertise 9099

--sasl none  needs no authentication
--sasl v0    offers SaslHandshake v0 alone, so that tokens are raw frames without headers
--sasl v1    offers SaslHandshake v0 and v1, and SaslAuthenticate

In responses to Metadata and FindCoordinator the port of the broker becomes that of --advertise, as on a host that clients cannot
reach directly. Prints its own port first, and totals as JSON after SIGTERM. Knows nothing of kwire.
"""

import argparse
import asyncio
import collections
import json
import signal
import struct
import sys

METADATA, FIND_COORDINATOR, SASL_HANDSHAKE, API_VERSIONS, SASL_AUTHENTICATE = 3, 10, 17, 18, 36
UNSUPPORTED_SASL_MECHANISM, ILLEGAL_SASL_STATE, UNSUPPORTED_VERSION, SASL_AUTHENTICATION_FAILED = 33, 34, 35, 58
OFFERED = {"v0": {SASL_HANDSHAKE: (0, 0)}, "v1": {SASL_HANDSHAKE: (0, 1), SASL_AUTHENTICATE: (0, 2)}, "none": {}}


class Refused(Exception):
    """The reason to close the connection."""


def uvarint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def read_uvarint(data, at):
    out = shift = 0
    while True:
        out |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return out, at


def framed(data):
    return struct.pack(">i", len(data)) + data


async def read_frame(reader):
    """None at the end of the stream."""
    try:
        size, = struct.unpack(">i", await reader.readexactly(4))
        return await reader.readexactly(size)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def header_of(frame):
    """(API, version, correlation id, body of a request that is not flexible)."""
    api, version, correlation = struct.unpack_from(">hhi", frame)
    client_id, = struct.unpack_from(">h", frame, 8)
    return api, version, correlation, frame[10 + max(client_id, 0):]


def with_sasl(frame, version, offered):
    """A response to ApiVersions in which the SASL APIs are those of `offered`."""
    error, = struct.unpack_from(">h", frame, 4)
    if error == UNSUPPORTED_VERSION:
        return frame
    flexible = version >= 3
    if flexible:
        count, at = read_uvarint(frame, 6)
        count -= 1
    else:
        count, at = struct.unpack_from(">i", frame, 6)[0], 10
    apis = {}
    for _ in range(count):
        api, low, high = struct.unpack_from(">hhh", frame, at)
        at += 6
        if flexible:
            assert frame[at] == 0, "an entry of ApiVersions has tags"
            at += 1
        apis[api] = (low, high)
    apis.pop(SASL_HANDSHAKE, None)
    apis.update(offered)
    tags = b"\0" if flexible else b""
    entries = b"".join(struct.pack(">hhh", api, *apis[api]) + tags for api in sorted(apis))
    length = uvarint(len(apis) + 1) if flexible else struct.pack(">i", len(apis))
    return frame[:6] + length + entries + frame[at:]


def compact_string(text):
    return b"\0" if text is None else uvarint(len(text) + 1) + text.encode()


def classic_string(text):
    return struct.pack(">h", -1) if text is None else struct.pack(">h", len(text)) + text.encode()


class Front:
    def __init__(self, options):
        self.options = options
        self.host, port = options.upstream.rsplit(":", 1)
        self.port = int(port)
        self.offered = OFFERED[options.sasl]
        self.totals = collections.Counter(connections=0, raw=0, authenticate=0, refused=0)
        self.replacement = (f"{self.host}".encode() + struct.pack(">i", self.port),
                            f"{self.host}".encode() + struct.pack(">i", options.advertise))

    def accepts(self, token):
        """Whether a token of PLAIN (RFC 4616) has the right name and password."""
        parts = token.split(b"\0")
        return (len(parts) == 3 and parts[0] in (b"", self.options.user.encode())
                and parts[1:] == [self.options.user.encode(), self.options.password.encode()])

    async def serve(self, reader, writer):
        self.totals["connections"] += 1
        broker_reader, broker_writer = await asyncio.open_connection(self.host, self.port)
        try:
            await self.relay_requests(reader, writer, broker_reader, broker_writer)
        except Refused as why:
            print(f"refused: {why}", file=sys.stderr, flush=True)
        except ConnectionError:
            pass
        finally:
            broker_writer.close()
            writer.close()

    async def relay_requests(self, reader, writer, broker_reader, broker_writer):
        if self.options.sasl != "none" and not await self.authenticate(reader, writer, broker_reader, broker_writer):
            return
        asked = {}  # API and version of the requests whose responses are changed, by correlation id
        responses = asyncio.create_task(self.relay_responses(broker_reader, writer, asked))
        try:
            while (frame := await read_frame(reader)) is not None:
                api, version, correlation = struct.unpack_from(">hhi", frame)
                if api in (API_VERSIONS, METADATA, FIND_COORDINATOR):
                    asked[correlation] = api, version
                broker_writer.write(framed(frame))
                await broker_writer.drain()
            broker_writer.write_eof()
            await responses
        finally:
            responses.cancel()

    async def relay_responses(self, broker_reader, writer, asked):
        while (frame := await read_frame(broker_reader)) is not None:
            api, version = asked.pop(struct.unpack_from(">i", frame)[0], (None, 0))
            if api == API_VERSIONS:
                frame = with_sasl(frame, version, self.offered)
            elif api is not None:
                frame = frame.replace(*self.replacement)
            writer.write(framed(frame))
            await writer.drain()
        writer.close()

    async def authenticate(self, reader, writer, broker_reader, broker_writer):
        """False if the client left. Otherwise it has the right password: Refused if not."""
        handshake = None
        while (frame := await read_frame(reader)) is not None:
            if handshake == 0:
                self.totals["raw"] += 1
                if not self.accepts(frame):
                    self.totals["refused"] += 1
                    raise Refused("wrong password in a raw token")  # there is no response for that
                writer.write(framed(b""))
                return True
            api, version, correlation, body = header_of(frame)
            low, high = {API_VERSIONS: (-1, 32767), **self.offered}.get(api, (0, -1))
            if not low <= version <= high:
                raise Refused(f"API {api} version {version} before authentication")
            if api == API_VERSIONS:
                broker_writer.write(framed(frame))
                answer = await read_frame(broker_reader)
                if answer is None:
                    return False
                writer.write(framed(with_sasl(answer, version, self.offered)))
            elif api == SASL_HANDSHAKE:
                error = 0 if body == classic_string("PLAIN") else UNSUPPORTED_SASL_MECHANISM
                writer.write(framed(struct.pack(">ihi", correlation, error, 1) + classic_string("PLAIN")))
                if error:
                    raise Refused("a mechanism other than PLAIN")
                handshake = version
            else:
                if handshake is None:
                    raise Refused("SaslAuthenticate before SaslHandshake")
                self.totals["authenticate"] += 1
                if self.authenticate_request(writer, version, correlation, body):
                    return True
                self.totals["refused"] += 1
                await writer.drain()
                raise Refused("wrong password in SaslAuthenticate")
            await writer.drain()
        return False

    def authenticate_request(self, writer, version, correlation, body):
        if version >= 2:
            length, at = read_uvarint(body, 1)  # after the tags of the header
            token = body[at:at + length - 1]
        else:
            token = body[4:4 + struct.unpack_from(">i", body)[0]]
        accepted = self.accepts(token)
        error = 0 if accepted else SASL_AUTHENTICATION_FAILED
        message = None if accepted else "Authentication failed: Invalid username or password"
        if version >= 2:
            answer = b"\0" + struct.pack(">h", error) + compact_string(message) + uvarint(1) + struct.pack(">q", 0) + b"\0"
        else:
            answer = struct.pack(">h", error) + classic_string(message) + struct.pack(">i", 0)
            answer += struct.pack(">q", 0) if version == 1 else b""
        writer.write(framed(struct.pack(">i", correlation) + answer))
        return accepted


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", type=int, default=0)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--sasl", choices=sorted(OFFERED), required=True)
    parser.add_argument("--user", default="alice")
    parser.add_argument("--password", default="secret")
    parser.add_argument("--advertise", type=int, required=True)
    front = Front(parser.parse_args())
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    server = await asyncio.start_server(front.serve, "127.0.0.1", front.options.listen, limit=1 << 20)
    print(f"listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await ended.wait()
    print(json.dumps(front.totals), flush=True)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except asyncio.CancelledError:
        pass
