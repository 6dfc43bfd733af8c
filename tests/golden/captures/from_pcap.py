#!/usr/bin/env python3
"""Kafka frames out of packet captures, one JSON object a line, in the order in which they were sent.

    python3 tests/golden/captures/from_pcap.py INDEX.tsv > frames.jsonl

INDEX.tsv has one capture a line, in columns: the name of a .pcap beside it (Ethernet, IPv4, TCP), the broker, its port. TCP
segments are put in order by their sequence numbers; what was sent twice counts once, and a gap ends the run.
"""

import json
import pathlib
import struct
import sys


def packets(path):
    """(source, destination, sequence number, syn, payload) of each TCP segment."""
    data = path.read_bytes()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    assert struct.unpack_from(order + "I", data, 20)[0] == 1, "not Ethernet"
    at = 24
    while at < len(data):
        size, whole = struct.unpack_from(order + "II", data, at + 8)
        assert size == whole, "a packet that is cut"
        packet = data[at + 16:at + 16 + size]
        at += 16 + size
        if packet[12:14] != b"\x08\x00" or packet[23] != 6:
            continue
        ip = 14 + (packet[14] & 15) * 4
        end = 14 + struct.unpack_from(">H", packet, 16)[0]
        source, destination, sequence = struct.unpack_from(">HHI", packet, ip)
        payload = packet[ip + (packet[ip + 12] >> 4) * 4:end]
        yield (packet[26:30], source), (packet[30:34], destination), sequence, bool(packet[ip + 13] & 2), payload


class Stream:
    """One direction of a connection: bytes in order, cut into frames."""

    def __init__(self, first):
        self.next = first
        self.waiting = {}
        self.bytes = bytearray()

    def add(self, sequence, payload):
        if payload:
            self.waiting[sequence] = max(payload, self.waiting.get(sequence, b""), key=len)
        progress = True
        while progress:
            progress = False
            for start in list(self.waiting):
                skip = self.next - start & 0xFFFFFFFF
                if skip < 0x80000000:
                    piece = self.waiting.pop(start)[skip:]
                    self.bytes += piece
                    self.next = self.next + len(piece) & 0xFFFFFFFF
                    progress = True

    def frames(self):
        while len(self.bytes) >= 4:
            size = struct.unpack_from(">i", self.bytes)[0]
            assert 0 <= size < 1 << 24, "no frames of Kafka's"
            if len(self.bytes) < 4 + size:
                break
            yield bytes(self.bytes[4:4 + size])
            del self.bytes[:4 + size]


def main():
    index = pathlib.Path(sys.argv[1])
    for line in index.read_text().splitlines():
        columns = line.split("\t")
        path = index.parent / f"{columns[0]}.pcap"
        if not path.exists():
            continue
        port, streams, numbers = int(columns[2]), {}, {}
        for source, destination, sequence, syn, payload in packets(path):
            if port not in (source[1], destination[1]):
                continue
            if syn:
                streams[source, destination] = Stream(sequence + 1 & 0xFFFFFFFF)
                continue
            stream = streams[source, destination]
            stream.add(sequence, payload)
            client = source if destination[1] == port else destination
            number = numbers.setdefault(client, len(numbers))
            for frame in stream.frames():
                print(json.dumps({"capture": columns[0], "broker": columns[1], "connection": number,
                                  "from": "client" if source == client else "broker", "hex": frame.hex()}))
        for stream in streams.values():
            assert not stream.waiting, f"a gap in {path}"
            if stream.bytes:
                print(f"{path.name}: {len(stream.bytes)} bytes of a frame that is cut", file=sys.stderr)


if __name__ == "__main__":
    main()
