#!/usr/bin/env python3
"""The processor time of the echo broker per request, of two builds of it side by side.

    python3 bench/broker_cpu.py [--rounds N] <echo_broker>...

Prints microseconds per request, the least of some interleaved rounds, and the ratio of each program to the first one. Time is
that of the process with the kernel's work for it, from /proc; the client's does not count.
"""

import argparse
import os
import pathlib
import socket
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "examples"))
import kafka_bytes as kb  # noqa: E402

PRODUCE, FETCH, METADATA, API_VERSIONS = 0, 1, 3, 18
TOPIC = "orders"


class Broker:
    def __init__(self, program):
        self.process = subprocess.Popen([program, "--memory-mib", "32"], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])

    def cpu(self):
        """Nanoseconds that its only thread has run."""
        return int(pathlib.Path(f"/proc/{self.process.pid}/schedstat").read_text().split()[0])

    def stop(self):
        self.process.terminate()
        self.process.communicate()


class Client:
    def __init__(self, broker):
        self.socket = socket.create_connection(("127.0.0.1", broker.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def answer(self):
        def read(n):
            data = bytearray(n)
            view = memoryview(data)
            while view:
                got = self.socket.recv_into(view)
                if got == 0:
                    raise EOFError("the broker closed the connection")
                view = view[got:]
            return data
        return read(struct.unpack(">i", read(4))[0])

    def ask(self, request, count, in_flight):
        """Sends a request `count` times, so many at a time; returns the bytes of the answers."""
        received = 0
        for _ in range(count // in_flight):
            self.socket.sendall(request * in_flight)
            for _ in range(in_flight):
                received += len(self.answer())
        return received


def filled(client, size, of_size):
    """Stores `size` bytes of batches of `of_size` bytes, and returns the offset of the first one."""
    request = kb.frame(PRODUCE, 7, kb.produce_body(7, TOPIC, [(0, kb.batch([bytes(of_size - 80)]))]))
    client.ask(request, size // of_size, 1)


def produce(size):
    return kb.frame(PRODUCE, 7, kb.produce_body(7, TOPIC, [(0, kb.batch([bytes(size)]))]))


def fetch(size):
    return kb.frame(FETCH, 11, kb.fetch_body(11, TOPIC, [(0, 0, size)], max_bytes=size))


# What is asked, how often in a round, how many at a time, and what must be stored before.
ROWS = [
    ("ApiVersions, one by one", kb.frame(API_VERSIONS, 0, b""), 3000, 1, None),
    ("ApiVersions, 50 in flight", kb.frame(API_VERSIONS, 0, b""), 10_000, 50, None),
    ("Produce of 1 kB, 50 in flight", produce(1000), 10_000, 50, None),
    ("Produce of 16 kB", produce(16_384), 1500, 1, None),
    ("Produce of 64 kB", produce(65_536), 800, 1, None),
    ("Produce of 1 MB", produce(1_000_000), 60, 1, None),
    ("Fetch of 1 MB, batches of 64 kB", fetch(1_000_000), 100, 1, 65_536),
    ("Fetch of 1 MB, batches of 1 kB", fetch(1_000_000), 100, 1, 1000),
]


def measured(program, row):
    """Microseconds per request, and the bytes of the answers."""
    _, request, count, in_flight, batches = row
    broker = Broker(program)
    try:
        client = Client(broker)
        client.ask(kb.frame(METADATA, 5, kb.metadata_body(5, [TOPIC])), 1, 1)
        if batches:
            filled(client, 1_100_000, batches)
        client.ask(request, in_flight, in_flight)
        before = broker.cpu()
        received = client.ask(request, count, in_flight)
        return (broker.cpu() - before) / count / 1000, received
    finally:
        broker.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("programs", nargs="+")
    arguments = parser.parse_args()
    print("| request | " + " | ".join(os.path.relpath(p) for p in arguments.programs) + " | ratio |")
    print("|---|" + "---|" * (len(arguments.programs) + 1))
    for row in ROWS:
        least = [float("inf")] * len(arguments.programs)
        received = set()
        for _ in range(arguments.rounds):
            for i, program in enumerate(arguments.programs):
                time, size = measured(program, row)
                least[i] = min(least[i], time)
                received.add(size)
        if len(received) != 1:
            sys.exit(f"{row[0]}: the answers differ: {received}")
        ratios = ", ".join(f"{time / least[0]:.2f}" for time in least[1:]) or "-"
        print(f"| {row[0]} | " + " | ".join(f"{time:.1f} us" for time in least) + f" | {ratios} |", flush=True)


if __name__ == "__main__":
    main()
