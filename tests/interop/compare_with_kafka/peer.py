"""A client that sends one broker any request, and says what came back as a value that can be compared."""

import base64
import itertools
import json
import pathlib
import socket
import struct
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "schema"))

import model  # noqa: E402
import old_messages as old  # noqa: E402

REQUESTS = {message.name.removesuffix("Request"): message
            for group in model.load_directory(ROOT / "schema" / "messages").values()
            for message in group if message.kind == "request"}
PATIENCE = 10  # seconds
# What differs from broker to broker, or from run to run, and does not matter. An error's text is free.
FREE = {"throttleTimeMs", "topicId", "clusterId", "port", "errorMessage", "batchIndexErrorMessage", "producerId", "nodeEndpoints",
        "finalizedFeaturesEpoch", "logAppendTimeMs", "currentLeader", "memberId", "leader", "topicAuthorizedOperations",
        "clusterAuthorizedOperations"}


class NotServed(Exception):
    """The echo broker does not serve the API of a case."""


class Converter:
    """kwire-convert: bytes from JSON, and JSON from bytes."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **question):
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise ValueError(answer["error"]["text"])
        return answer

    def encode(self, message, version, value):
        return bytes.fromhex(self.ask(message=message, version=version, json=value)["hex"])

    def decode(self, message, version, data):
        return self.ask(message=message, version=version, hex=data.hex())["json"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def described(data):
    """What is in a records field: the headers of batches of magic 2, the messages of older formats, and what is cut short."""
    out, at = [], 0
    while len(data) - at >= 17:
        base, length, magic = struct.unpack_from(">qi4xb", data, at)
        one = data[at:at + 12 + length]
        if len(one) < 12 + length:
            break
        if magic == 2:
            crc, attributes, *rest = struct.unpack_from(">Ihiqqqhii", one, 17)
            names = ("last delta", "first time", "largest time", "producer", "epoch", "sequence", "count")
            out.append({"base": base, "size": len(one), "crc": crc, "attributes": attributes, **dict(zip(names, rest))})
        else:
            out.append([[field.hex() if isinstance(field, bytes) else field for field in message] for message in old.read(one)[0]])
        at += len(one)
    return {"batches": out, "bytes of one that is cut": len(data) - at}


def comparable(value):
    if isinstance(value, dict):
        return {name: described(base64.b64decode(field or "")) if name == "records" else comparable(field)
                for name, field in value.items() if name not in FREE}
    if isinstance(value, list):
        items = [comparable(item) for item in value]
        # groups and topics are answered in any order
        named = all(isinstance(item, dict) and ("groupId" in item or "name" in item) for item in items)
        return sorted(items, key=json.dumps) if named else items
    return value


NOT_READY = (14, 15, 16, 51)  # codes of a coordinator that is loading, or of a transaction that is ending


class Peer:
    """Each answer is compared as JSON; "closed" and "silence" are answers too."""

    def __init__(self, port, converter, served=None):
        """`served`: the API keys that may be asked for; any if it is None."""
        self.port, self.converter, self.served = port, converter, served
        self.socket = None
        self.topics = itertools.count()  # of this peer

    def connect(self):
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def close(self):
        if self.socket is not None:
            self.socket.close()
        self.socket = None

    def exchange(self, frame):
        """The next frame after `frame` was sent; "closed" or "silence" without one."""
        self.connect()
        try:
            self.socket.sendall(frame)
            size = self.read(4)
            return self.read(struct.unpack(">i", size)[0])
        except (EOFError, ConnectionError):
            self.close()
            return "closed"
        except TimeoutError:
            self.close()
            return "silence"

    def read(self, size):
        out = b""
        while len(out) < size:
            more = self.socket.recv(size - len(out))
            if not more:
                raise EOFError
            out += more
        return out

    def require(self, name):
        if self.served is not None and REQUESTS[name].key not in self.served:
            raise NotServed(name)

    def send(self, name, version, body, header_tags=b"\0"):
        """The answer to a request with this body, as comparable JSON."""
        self.require(name)
        flexible = REQUESTS[name].flexible(version)
        header = struct.pack(">hhih", REQUESTS[name].key, version, 7, 7) + b"compare"
        if flexible:
            header += header_tags
        frame = self.exchange(struct.pack(">i", len(header) + len(body)) + header + body)
        if isinstance(frame, str):
            return frame
        assert frame[:4] == b"\0\0\0\7", "the correlation id of another request"
        tagged = name != "ApiVersions" and flexible
        return comparable(self.converter.decode(name + "Response", version, frame[5 if tagged else 4:]))

    def ask(self, name, version, **fields):
        """The same for a request as JSON."""
        self.require(name)
        return self.send(name, version, self.converter.encode(name + "Request", version, fields))

    def has_leader(self, topic):
        answer = self.ask("ListOffsets", 1, replicaId=-1, topics=[{"name": topic, "partitions": [{"partitionIndex": 0, "timestamp": -1}]}])
        return answer["topics"][0]["partitions"][0]["errorCode"] == 0

    def wait_for_leader(self, topic):
        end = time.monotonic() + 30
        while not self.has_leader(topic):
            if time.monotonic() > end:
                raise AssertionError(f"{topic} has no leader")
            time.sleep(0.05)

    def topic(self):
        """A new topic of one partition."""
        name = f"compared-{next(self.topics)}"
        end = time.monotonic() + 30
        while True:
            answer = self.ask("Metadata", 4, topics=[{"name": name}], allowAutoTopicCreation=True)
            (found,) = answer["topics"]
            if found["errorCode"] == 0 and self.has_leader(name):
                return name
            if time.monotonic() > end:
                raise AssertionError(f"{name} is not created: {answer}")
            time.sleep(0.05)

    def wait_for_coordinators(self):
        """Kafka creates its topics for groups and transactions when they are first asked for."""
        producer = {"transactionalId": "warm", "transactionTimeoutMs": 10_000, "producerId": -1, "producerEpoch": -1}
        group = {"groupId": "warm", "generationId": 1, "memberId": "unknown", "groupInstanceId": None}
        end = time.monotonic() + 60
        for kind, name, version, fields in ((0, "Heartbeat", 4, group), (1, "InitProducerId", 4, producer)):
            while (self.ask("FindCoordinator", 3, key="warm", keyType=kind)["errorCode"] in NOT_READY or
                   self.ask(name, version, **fields)["errorCode"] in NOT_READY):
                if time.monotonic() > end:
                    raise AssertionError("Kafka's coordinators do not come up")
                time.sleep(0.1)
