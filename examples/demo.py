"""The driver of demo.sh: lets kcat and kafka-python produce and consume, and compares what they sent and received.

    /usr/bin/python3 examples/demo.py HOST:PORT PARTITIONS

Uses Debian's kcat and python3-kafka. Exits with 0 only if every message came back byte for byte, in order.
"""

import collections
import random
import re
import signal
import subprocess
import sys
import time
import zlib

import kafka

MESSAGES = 1000
GROUP = 50  # messages with the same headers and partition, since kcat sets those once per run
LARGEST = 100_000
PATIENCE = 240  # timeout for one run of a client, in seconds

# kcat splits its input at these; no key or value may contain them.
KEY_END = b"<-end of key->"
MESSAGE_END = b"<-end of message->"

Message = collections.namedtuple("Message", "key value headers")


def make_groups(client, partitions):
    """[(partition, whether empty means null, messages)] for a client to send; the same in every run."""
    rng = random.Random(client.name)
    sizes = [1, 2, 127, 128, 16_383, 16_384, 65_535, 65_536, LARGEST - 1, LARGEST]
    groups = []
    for number in range(MESSAGES // GROUP):
        headers = [(b"group", b"%d" % number), (b"from", client.name.encode())]
        if number % 3 == 0:
            headers += [(b"twice", b"first"), (b"twice", b"second"), (b"empty", b"")]
        if number % 4 == 0:
            headers += [(b"bytes", bytes(range(128, 256)))]
            if client.sends_null_headers:
                headers += [(b"null", None)]
        if number % 5 == 4:
            headers = []
        has_nulls = number % 2 == 1
        messages = []
        for i in range(GROUP):
            size = sizes.pop() if sizes and i % 10 == 5 else int(LARGEST ** rng.random())
            key, value = b"key %d" % rng.randrange(100), rng.randbytes(size)
            if i % 10 == 0:
                value = None if has_nulls else b""
            if i % 10 == 1 or (i == 20 and has_nulls and client.sends_nothing):
                key = None
            if i % 10 == 2:
                key = rng.randbytes(300) if has_nulls else b""
            assert not any(end in part for part in (key, value) if part for end in (KEY_END, MESSAGE_END))
            messages.append(Message(key, value, headers))
        groups.append((number % partitions, has_nulls, messages))
    return groups


def by_partition(groups, partitions):
    out = {p: [] for p in range(partitions)}
    for partition, _, messages in groups:
        out[partition] += messages
    return out


def size_of(messages):
    return sum(len(m.key or b"") + len(m.value or b"") for m in messages)


class Kcat:
    name = "kcat"
    sends_null_headers = True
    sends_nothing = True  # neither key nor value

    def __init__(self, address):
        self.address = address

    @staticmethod
    def version():
        text = subprocess.run(["kcat", "-V"], capture_output=True, text=True, timeout=PATIENCE).stdout
        return "{} (librdkafka {})".format(*re.search(r"Version (\S+) .*librdkafka (\S+)", text).groups())

    def run(self, *arguments, stdin=b""):
        done = subprocess.run(["kcat", "-m", "60", "-b", self.address, *arguments], input=stdin, capture_output=True, timeout=PATIENCE)
        if done.returncode != 0:
            raise SystemExit(f"kcat exited with status {done.returncode}: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def produce(self, topic, groups):
        for partition, has_nulls, messages in groups:
            options = ["-Z"] if has_nulls else []  # empty keys and values are sent as null
            for name, value in messages[0].headers:
                options += ["-H", name if value is None else name + b"=" + value]
            lines = []
            for message in messages:
                # A line without KEY_END has no key; with -Z, neither has one with an empty key.
                key = b"" if message.key is None and message.value else (message.key or b"") + KEY_END
                lines.append(key + (message.value or b"") + MESSAGE_END)
            self.run("-P", "-t", topic, "-p", str(partition), "-K", KEY_END, "-D", MESSAGE_END, *options,
                     stdin=b"".join(lines))

    def consume(self, topic, partitions, count):
        """{partition: messages}. kcat prints headers as text; expected() converts the sent ones to the same text."""
        out = self.run("-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", "%p %o %K %S\n%k%s%h" + MESSAGE_END.decode())
        received = {p: [] for p in range(partitions)}
        at = 0

        def take(n):  # -1 means null
            nonlocal at
            if n < 0:
                return None
            at += n
            return out[at - n:at]
        while at < len(out):
            line_end = out.index(b"\n", at)
            partition, offset, key_size, value_size = map(int, out[at:line_end].split())
            at = line_end + 1
            key, value = take(key_size), take(value_size)
            headers = take(out.index(MESSAGE_END, at) - at)
            at += len(MESSAGE_END)
            check_offset(partition, offset, received)
            received[partition].append(Message(key, value, headers))
        return received

    @staticmethod
    def expected(message):
        headers = (name + b"=" + (b"NULL" if value is None else value) for name, value in message.headers)
        return message._replace(headers=b",".join(headers))


class KafkaPython:
    name = "kafka-python"
    sends_null_headers = False
    sends_nothing = False

    def __init__(self, address):
        self.address = address

    @staticmethod
    def version():
        return kafka.__version__

    def produce(self, topic, groups):
        producer = kafka.KafkaProducer(bootstrap_servers=self.address, linger_ms=5, api_version_auto_timeout_ms=60_000,
                                       request_timeout_ms=PATIENCE * 1000)
        sent = []
        for partition, _, messages in groups:
            for message in messages:
                headers = [(name.decode(), value) for name, value in message.headers]
                sent.append(producer.send(topic, message.value, message.key, headers, partition))
        producer.flush(PATIENCE)
        for future in sent:
            future.get(PATIENCE)
        producer.close()

    def consume(self, topic, partitions, count):
        consumer = kafka.KafkaConsumer(bootstrap_servers=self.address, auto_offset_reset="earliest", enable_auto_commit=False,
                                       api_version_auto_timeout_ms=60_000)
        consumer.assign([kafka.TopicPartition(topic, p) for p in range(partitions)])
        received = {p: [] for p in range(partitions)}
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and sum(map(len, received.values())) < count:
            for records in consumer.poll(500).values():
                for record in records:
                    check_offset(record.partition, record.offset, received)
                    headers = [(name.encode(), value) for name, value in record.headers]
                    received[record.partition].append(Message(record.key, record.value, headers))
        consumer.close()
        return received

    @staticmethod
    def expected(message):
        return message


def check_offset(partition, offset, received):
    if offset != len(received[partition]):
        raise SystemExit(f"partition {partition}: offset {offset} came after {len(received[partition])} messages")


def shown(field):
    if isinstance(field, bytes) and len(field) > 40:
        return f"{len(field):,} bytes with CRC-32 {zlib.crc32(field):08x}"
    return repr(field)


def compare(received, expected):
    for partition, messages in expected.items():
        for offset, (got, want) in enumerate(zip(received[partition], messages)):
            for field in Message._fields:
                if getattr(got, field) != getattr(want, field):
                    raise SystemExit(f"partition {partition}, offset {offset}: the {field} was sent as "
                                     f"{shown(getattr(want, field))} and came back as {shown(getattr(got, field))}")
        if len(received[partition]) != len(messages):
            raise SystemExit(f"partition {partition}: {len(messages)} messages were sent, {len(received[partition])} came back")


def main(address, partitions):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a running kcat is stopped too
    clients = [Kcat(address), KafkaPython(address)]
    print("== " + " and ".join(f"{c.name} {c.version()}" for c in clients), "write 1000 messages each,")
    print(f"   with keys, headers and nulls, of 0 to {LARGEST:,} bytes, and read their own and each other's")
    print(f"\n   {'written by':14}{'read by':14}{'messages':>10}{'bytes':>14}{'seconds':>10}\n")
    sent = {}
    for client in clients:
        topic = f"from-{client.name}"
        groups = make_groups(client, partitions)
        sent[client.name] = by_partition(groups, partitions)
        everything = [m for _, _, messages in groups for m in messages]
        began = time.monotonic()
        client.produce(topic, groups)
        took = time.monotonic() - began
        print(f"   {client.name:14}{'':14}{len(everything):10,}{size_of(everything):14,}{took:10.2f}", flush=True)
        for reader in sorted(clients, key=lambda c: c is not client):
            began = time.monotonic()
            received = reader.consume(topic, partitions, MESSAGES)
            took = time.monotonic() - began
            compare(received, {p: [reader.expected(m) for m in messages] for p, messages in sent[client.name].items()})
            everything = [m for messages in received.values() for m in messages]
            print(f"   {'':14}{reader.name:14}{len(everything):10,}{size_of(everything):14,}{took:10.2f}   all equal", flush=True)
    print()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
