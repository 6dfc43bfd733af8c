#!/usr/bin/env python3
"""What a broker's processor second does: the echo broker, in memory and with files, and Apache Kafka 4.4.0.

    python3 bench/broker_and_kafka.py [--rounds 3] [--only WORD] [--no-kafka] --work DIR <echo_broker>...

The same client sends the same bytes to each: acks=1, or all for an idempotent producer, five requests in flight, one connection; it
reads as Java's consumer does, one request at a time of up to 1 MiB. Prints MB per second of processor time of the broker's process,
user and system, the median of some rounds, which are interleaved; and how many times as many as Kafka's. The client's time does not
count. Kafka runs from Maven with 512 MB of heap, and is warmed up by a run of each row that is not counted.

A virtual machine pays for memory that it has not used before; `--touch-gib` uses so much before each run, so that no broker pays.
"""

import argparse
import mmap
import os
import pathlib
import shutil
import socket
import statistics
import struct
import subprocess
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent / "tests"
sys.path[:0] = [str(TESTS / "examples"), str(TESTS / "interop" / "compare_with_kafka")]
import kafka_bytes as kb  # noqa: E402
import kafka_node  # noqa: E402

PRODUCE, FETCH, METADATA, INIT_PRODUCER_ID = 0, 1, 3, 22
COORDINATOR_LOAD_IN_PROGRESS = 14
IN_FLIGHT = 5
PASSES = 4  # of a reader
MIB = 1 << 20
ticks = os.sysconf("SC_CLK_TCK")


def cpu_of(pid):
    """Seconds of all its threads, in the system too."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / ticks


class Echo:
    def __init__(self, program, work, on_disk):
        self.data = work / "echo-data"
        shutil.rmtree(self.data, ignore_errors=True)
        # Kafka leaves it to the system too when files are synced; and what is kept in memory only grows, as its log does.
        arguments = ["--data-dir", str(self.data), "--fsync", "never"] if on_disk else ["--memory-mib", "6000"]
        self.process = subprocess.Popen([program, "--port", "0", *arguments], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])

    def cpu(self):
        return cpu_of(self.process.pid)

    def stop(self):
        self.process.terminate()
        self.process.communicate()
        shutil.rmtree(self.data, ignore_errors=True)


class Kafka:
    def __init__(self, work):
        self.cluster = kafka_node.Cluster("kafka_4_4.xml", work)
        self.port = self.cluster.nodes[0].port

    def cpu(self):
        return cpu_of(self.cluster.nodes[0].process.pid)

    def stop(self):
        self.cluster.stop()


class Client:
    def __init__(self, broker):
        self.socket = socket.create_connection(("127.0.0.1", broker.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray(4 * MIB)
        self.begin, self.end = 0, 0

    def answer(self):
        """The next answer without its length; valid until the next call."""
        view = memoryview(self.buffer)
        while True:
            there = self.end - self.begin
            size = 4 if there < 4 else 4 + struct.unpack_from(">i", self.buffer, self.begin)[0]
            if there >= size > 4:
                self.begin += size
                return view[self.begin - size + 4:self.begin]
            if len(self.buffer) - self.begin < size or self.begin == self.end:
                self.buffer[:there] = self.buffer[self.begin:self.end]
                self.begin, self.end = 0, there
            got = self.socket.recv_into(view[self.end:])
            if got == 0:
                raise EOFError("the broker closed the connection")
            self.end += got

    def ask(self, key, version, body):
        self.socket.sendall(kb.frame(key, version, body))
        return bytes(self.answer()[4:])

    def send_all(self, requests):
        waiting = 0
        for request in requests:
            self.socket.sendall(request)
            waiting += 1
            if waiting == IN_FLIGHT:
                self.check(self.answer())
                waiting -= 1
        for _ in range(waiting):
            self.check(self.answer())

    @staticmethod
    def check(answer):
        code = struct.unpack_from(">h", answer, 4 + 4 + 2 + len("t000000000") + 4 + 4)[0]
        if code != 0:
            sys.exit(f"an answer has error {code}")


def produce_request(topic, batch, acks):
    return kb.frame(PRODUCE, 7, kb.produce_body(7, topic, [(0, batch)], acks))


def plain_requests(client, topic, size, records, count):
    request = produce_request(topic, kb.batch([bytes(size)] * records), 1)
    return (request for _ in range(count))


def idempotent_requests(client, topic, size, records, count):
    """Those of a producer with an id: only the sequence number changes from batch to batch, and the checksum with it."""
    failure = COORDINATOR_LOAD_IN_PROGRESS
    while failure == COORDINATOR_LOAD_IN_PROGRESS:
        failure, producer, epoch = struct.unpack_from(">hqh", client.ask(INIT_PRODUCER_ID, 1, struct.pack(">hi", -1, 60000)), 4)
    if failure != 0:
        sys.exit(f"no producer id: error {failure}")
    batch = kb.batch([bytes(size)] * records, producer=(producer, epoch, 0))
    request = bytearray(produce_request(topic, batch, -1))
    at = len(request) - len(batch)
    head, tail = bytearray(batch[21:61]), batch[61:]  # what the checksum covers
    sequence_in_head = 53 - 21

    def through(state):  # of the checksum, over the bytes after the head; linear but for a constant
        for byte in tail:
            state = kb.CRC32C[(state ^ byte) & 0xFF] ^ state >> 8
        return state
    zero = through(0)
    columns = [through(1 << bit) ^ zero for bit in range(32)]
    tables = []
    for part in range(4):
        table = [0] * 256
        for value in range(256):
            for bit in range(8):
                if value >> bit & 1:
                    table[value] ^= columns[8 * part + bit]
        tables.append(table)
    a, b, c, d = tables
    for number in range(count):
        struct.pack_into(">i", head, sequence_in_head, number * records)
        state = 0xFFFFFFFF
        for byte in head:
            state = kb.CRC32C[(state ^ byte) & 0xFF] ^ state >> 8
        state = zero ^ a[state & 255] ^ b[state >> 8 & 255] ^ c[state >> 16 & 255] ^ d[state >> 24]
        struct.pack_into(">I", request, at + 17, state ^ 0xFFFFFFFF)
        struct.pack_into(">i", request, at + 53, number * records)
        yield request


def produce(client, topic, requests, size, records, mib):
    count = mib * MIB // (size * records)
    return lambda: client.send_all(requests(client, topic, size, records, count))


def fetch(client, topic, requests, size, records, mib):
    """Reads all that the topic has, from the beginning, four times."""
    count = mib * MIB // (size * records)
    client.send_all(requests(client, topic, size, records, count))
    in_batch = len(kb.batch([bytes(size)] * records))

    def read_all():
        offset = 0
        while offset < count * records:
            client.socket.sendall(kb.frame(FETCH, 11, kb.fetch_body(11, topic, [(0, offset, MIB)], max_wait=500)))
            batches = len(client.answer()) // in_batch
            if batches == 0:
                sys.exit("an answer without a batch")
            offset += batches * records
    return lambda: [read_all() for _ in range(PASSES)]


# A name, what is measured, how requests are made, bytes and records of a batch, MiB in all, and how many are asked.
ROWS = [
    ("produce 1 KiB, batches of 64 KiB", produce, plain_requests, 1024, 62, 3000, 6),
    ("fetch 1 KiB, batches of 64 KiB", fetch, plain_requests, 1024, 62, 1000, 8),
    ("one record of 1 KiB a request", produce, plain_requests, 1024, 1, 120, 10),
    ("produce 100 B, idempotent, batches of 16 KiB", produce, idempotent_requests, 100, 150, 1000, 6),
    ("fetch 100 B, batches of 16 KiB", fetch, plain_requests, 100, 150, 1000, 8),
]


def measured(broker, row, number):
    _, work, requests, size, records, mib, _ = row
    read_or_written = mib * MIB * (PASSES if work is fetch else 1)
    topic = f"t{number:09}"
    client = Client(broker)
    created = client.ask(METADATA, 4, kb.metadata_body(4, [topic]))
    while b"\0\3" + struct.pack(">h", len(topic)) + topic.encode() in created or b"\0\5" + struct.pack(">h", len(topic)) + topic.encode() in created:
        created = client.ask(METADATA, 4, kb.metadata_body(4, [topic]))
    run = work(client, topic, requests, size, records, mib)
    before = broker.cpu()
    run()
    used = broker.cpu() - before
    client.socket.close()
    return read_or_written / 1e6 / max(used, 1 / ticks), used


def touch(gib):
    memory = mmap.mmap(-1, gib << 30)
    for at in range(0, gib << 30, 4096):
        memory[at] = 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--no-kafka", action="store_true")
    parser.add_argument("--touch-gib", type=int, default=0)
    parser.add_argument("--scale", type=float, default=1, help="of the bytes of each row")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="a directory for Kafka's jars and for data")
    parser.add_argument("programs", nargs="*")
    arguments = parser.parse_args()
    rows = [(*row[:5], max(1, int(row[5] * arguments.scale)), row[6]) for row in ROWS if arguments.only in row[0]]
    kafka = None if arguments.no_kafka else Kafka(arguments.work)
    number = 0
    places = [(f"{program} {'files' if on_disk else 'memory'}", program, on_disk)
              for program in arguments.programs for on_disk in (False, True)]
    try:
        if kafka:
            for row in rows:
                number += 1
                measured(kafka, row, number)
        for row in rows:
            found = {}
            for _ in range(arguments.rounds):
                for name, program, on_disk in [*places, *([("Kafka", None, None)] if kafka else [])]:
                    number += 1
                    if arguments.touch_gib:
                        touch(arguments.touch_gib)
                    broker = kafka if program is None else Echo(program, arguments.work, on_disk)
                    try:
                        found.setdefault(name, []).append(measured(broker, row, number))
                    finally:
                        if broker is not kafka:
                            broker.stop()
            base = statistics.median(rate for rate, _ in found["Kafka"]) if kafka else None
            for name, runs in found.items():
                rate = statistics.median(rate for rate, _ in runs)
                ratio = f"{rate / base:.1f}x of {row[6]}x" if base and name != "Kafka" else ""
                print(f"| {row[0]} | {name} | {rate:.0f} MB/s | {ratio} | {', '.join(f'{used:.2f} s' for _, used in runs)} |", flush=True)
    finally:
        if kafka:
            kafka.stop()


if __name__ == "__main__":
    main()
