#!/usr/bin/env python3
"""What examples/proxy costs beside a plain TCP relay with the same Asio, both between one client and one echo broker.

    python3 bench/proxy_and_relay.py [--rounds N] ECHO_BROKER PROXY RELAY

Records of 1 KiB are produced and fetched. First in batches of 100, eight requests in flight: processor time of the proxy and of the
relay, the kernel's work for them included, per MB that passes (once produced, once fetched). Then one record in a request, one request
in flight: the time of a Produce and a Fetch, directly and through each. All take turns in every round; the figures are medians of
rounds, and ratios are those of each round. On a machine that does other work only the ratios mean something.
"""

import argparse
import os
import pathlib
import statistics
import struct
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "examples")]
from broker_and_kafka import Client  # noqa: E402
import kafka_bytes as kb  # noqa: E402

PRODUCE, FETCH, METADATA = 0, 1, 3
TOPIC, IN_FLIGHT, RECORD, PAIRS = "orders", 8, 1024, 1000
MB = 1e6


class Program:
    def __init__(self, *command):
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])

    def cpu(self):
        """Seconds that its only thread has run."""
        return int(pathlib.Path(f"/proc/{self.process.pid}/schedstat").read_text().split()[0]) / 1e9

    def stop(self):
        self.process.terminate()
        self.process.communicate()


def produce(records):
    return kb.frame(PRODUCE, 7, kb.produce_body(7, TOPIC, [(0, kb.batch([os.urandom(RECORD)] * records))]))


def fetch(offset, size):
    return kb.frame(FETCH, 11, kb.fetch_body(11, TOPIC, [(0, offset, size)]))


def base_offset(answer):
    """Of a Produce response, v7, with one partition: after the correlation id, counts, the name, the index and the error."""
    error, offset = struct.unpack_from(">hq", answer, 4 + 4 + 2 + len(TOPIC) + 4 + 4)
    assert error == 0, error
    return offset


def many(client, request, size, rounds):
    """Bytes that have passed: what was produced, and what was fetched."""
    passed = 0
    for _ in range(rounds):
        client.socket.sendall(request * IN_FLIGHT)
        offsets = [base_offset(client.answer()) for _ in range(IN_FLIGHT)]
        client.socket.sendall(b"".join(fetch(offset, size) for offset in offsets))
        fetched = sum(len(client.answer()) for _ in offsets)
        assert fetched > IN_FLIGHT * size, fetched
        passed += IN_FLIGHT * len(request) + fetched
    return passed


def one_by_one(client, request, size, count):
    """Seconds of each pair of Produce and Fetch."""
    out = []
    for _ in range(count):
        before = time.perf_counter()
        client.socket.sendall(request)
        offset = base_offset(client.answer())
        client.socket.sendall(fetch(offset, size))
        answer = client.answer()
        out.append(time.perf_counter() - before)
        assert len(answer) > RECORD
    return out


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=15)
    options.add_argument("broker")
    options.add_argument("proxy")
    options.add_argument("relay")
    chosen = options.parse_args()
    broker = Program(chosen.broker, "--memory-mib", "256")
    ways = {"relay 64K": Program(chosen.relay, broker.port, 64), "relay 1M": Program(chosen.relay, broker.port, 1024),
            "proxy": Program(chosen.proxy, "--upstream", f"127.0.0.1:{broker.port}")}
    clients = {"direct": Client(broker)} | {name: Client(one) for name, one in ways.items()}
    figures = {what: {name: [] for name in clients} for what in ("per MB", "per pair", "p50", "p99")}

    def measure(what, name, work):
        """Adds the processor time of the proxy or relay, in microseconds for each unit of work that was done."""
        before = ways[name].cpu() if name in ways else 0
        done = work()
        if name in ways:
            figures[what][name].append((ways[name].cpu() - before) / done * 1e6)

    def latencies(name, client):
        took = sorted(one_by_one(client, single, len(single), PAIRS))
        figures["p50"][name].append(took[len(took) // 2] * 1e6)
        figures["p99"][name].append(took[len(took) * 99 // 100] * 1e6)
        return PAIRS

    try:
        clients["direct"].ask(METADATA, 7, kb.metadata_body(7, [TOPIC]))
        batches, single = produce(100), produce(1)
        for client in clients.values():  # warm up
            many(client, batches, len(batches) - 100, 10)
            one_by_one(client, single, len(single), 100)
        for _ in range(chosen.rounds):
            for name, client in clients.items():
                measure("per MB", name, lambda: many(client, batches, len(batches) - 100, 30) / MB)  # noqa: B023
            for name, client in clients.items():
                measure("per pair", name, lambda: latencies(name, client))  # noqa: B023
    finally:
        for one in [broker, *ways.values()]:
            one.stop()
    print(f"load of the machine: {os.getloadavg()[0]:.1f}, {chosen.rounds} rounds of {PAIRS} pairs")
    print(f"{'':34}" + "".join(f"{name:>11}" for name in clients) + "    proxy / relay 64K, 1M")
    for what, title in (("per MB", "processor time per MB, us"), ("per pair", "processor time per pair, us"),
                        ("p50", "Produce and Fetch, p50, us"), ("p99", "Produce and Fetch, p99, us")):
        cells = [statistics.median(values) if values else None for values in figures[what].values()]
        ratios = [statistics.median(p / r for p, r in zip(figures[what]["proxy"], figures[what][relay]))
                  for relay in ("relay 64K", "relay 1M")]
        print(f"{title:34}" + "".join(f"{cell:11.0f}" if cell is not None else f"{'':11}" for cell in cells)
              + "".join(f"{ratio:10.2f}" for ratio in ratios))


if __name__ == "__main__":
    main()
