#!/usr/bin/env python3
"""Five clients through examples/proxy to three nodes of Apache Kafka.

    KWIRE_BUILD_DIR=build/proxy python3 tests/interop/proxy/with_kafka.py [--only CLIENT] [--part open|tenants|sealed|failover]

Each client runs its scenarios of tests/interop/clients through a proxy of its own kind: an open one, those of two tenants at the same
time and with the same names, and one that encrypts values. Then all of them write and read while the leaders of their partitions
change and a broker stops and starts again.

The brokers say to clients that they are at 127.N.0.x, and the proxies listen at 127.N.1.x, with N of this run. A capture of both
sides shows what every client saw and where it connected to. Exit status 77 without Kafka, or if nothing failed but a client or the
wire could not be looked at.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import threading
import time
import uuid

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("clients", "compare_with_kafka")] + [str(HERE.parents[1] / "examples")]

import capture  # noqa: E402
import kafka_node  # noqa: E402
import run as clients  # noqa: E402
from programs import Program  # noqa: E402

BUILD = pathlib.Path(os.environ["KWIRE_BUILD_DIR"]).resolve()
WORK = BUILD / "interop"
SKIPPED = 77
NETWORK = f"127.{64 + os.getpid() % 128}"
BROKERS, PROXIES = f"{NETWORK}.0.", f"{NETWORK}.1."
CLIENTS = ["confluent-kafka 2.16.1 (librdkafka)", "kafkajs 2.2.4", "franz-go 1.22.2", "sarama 1.61.1", "kafka-clients 4.4.0 (Java)"]
NEW_GROUPS = "kafka-clients 4.4.0, KIP-848"
PARTS = {"open": ["plain", "zstd", "headers", "idempotent", "transactions", "group", "admin"],
         "tenants": ["plain", "transactions", "group", "admin"],
         "sealed": ["plain", "gzip", "zstd", "nulls", "large", "transactions", "group", "admin"]}


class Proxies:
    """By name: "open", "red." and "blue." for tenants, and "sealed"."""

    def __init__(self, kafka):
        key = WORK / "key"
        key.write_text("0123456789abcdef" * 4)
        upstream = [word for node in kafka.nodes for word in ("--upstream", f"{node.host}:{node.port}")]
        self.running = {}
        for n, (name, more) in enumerate({"open": [], "red.": ["--topic-prefix", "red."], "blue.": ["--topic-prefix", "blue."],
                                          "sealed": ["--encrypt-values", key]}.items()):
            self.running[name] = Program(BUILD / "examples" / "proxy", *upstream, "--listen", f"{PROXIES}{n + 1}:0", "--verbose", *more)
        self.addresses = {name: f"{PROXIES}{n + 1}:{one.port}" for n, (name, one) in enumerate(self.running.items())}

    def dialled_from(self):
        """The addresses of the proxies' own connections to brokers, by what they say of them."""
        return {(host, int(port)) for one in self.running.values()
                for host, port in re.findall(r"^\S+: connected from (\S+):(\d+) to ", one.errors(), re.M)}

    def stop(self):
        """True if all ended well."""
        well = True
        for name, one in self.running.items():
            alive = one.process.poll() is None
            status, totals = one.stop() if alive else (one.process.returncode, "")
            print(f"proxy {name:7} {'ended by itself with' if not alive else 'status'} {status}: {totals.strip()}", flush=True)
            complaints = {line.split(": ", 1)[-1] for line in one.errors().splitlines() if re.match(r"127\.\S+:\d+: (?!connected)", line)}
            for line in sorted(complaints):
                print(f"    {line}", flush=True)
            well &= alive and status == 0 and not re.search("ERROR|runtime error", one.errors())
        return well


class Run:
    def __init__(self, kafka, proxies, installed):
        self.kafka, self.proxies, self.installed = kafka, proxies, installed
        self.failures, self.lock = 0, threading.Lock()

    def drive(self, client, scenario, proxy, topic, more=None):
        command, environment = self.installed[client]
        state, seconds, said = clients.drive(command, scenario, self.proxies.addresses[proxy], topic,
                                             {"NODES": str(len(self.kafka.nodes)), **environment, **(more or {})})
        with self.lock:
            print(f"{client:36} {proxy:7} {scenario:14} {state} {seconds:6.1f} s", flush=True)
            if state == "failed":
                self.failures += 1
                print("    " + "\n    ".join(said.strip().splitlines()[-12:]), flush=True)
        return state == "passed"

    def together(self, calls):
        threads = [threading.Thread(target=self.drive, args=call) for call in calls]
        for one in threads:
            one.start()
        for one in threads:
            one.join()

    def open(self):
        for client in self.installed:
            for scenario in ["group"] if client == NEW_GROUPS else PARTS["open"]:
                self.drive(client, scenario, "open", f"{scenario}-{uuid.uuid4().hex[:12]}")

    def tenants(self):
        """Both tenants at once, each with a topic, a group and a transactional id of the same name."""
        for client in self.installed:
            for scenario in ["group"] if client == NEW_GROUPS else PARTS["tenants"]:
                topic = f"{scenario}-{uuid.uuid4().hex[:12]}"
                self.together([(client, scenario, tenant, topic) for tenant in ("red.", "blue.")])

    def sealed(self):
        for client in self.installed:
            for scenario in [] if client == NEW_GROUPS else PARTS["sealed"]:
                topic = f"{scenario}-{uuid.uuid4().hex[:12]}"
                passed = self.drive(client, scenario, "sealed", topic)
                if passed and scenario == "plain":
                    self.expect_unreadable(topic)

    def expect_unreadable(self, topic):
        """Who reads without the key must get other values."""
        reader = clients.second_reader()
        if reader is None:
            return
        state, _, said = clients.drive(reader, "check-plain", self.proxies.addresses["open"], topic, {})
        if state == "passed" or "AssertionError: record 0: " not in said:
            self.failures += 1
            print("    values are stored as they were sent, or cannot be read back: " + said[-300:], flush=True)

    def failover(self):
        """Every client through the open proxy, and through the others one each. Leaders move, then each broker stops and starts."""
        admin = "franz-go 1.22.2"
        if admin not in self.installed:
            return print("failover is left out: franz-go, which moves leaders, is not there")
        enough = WORK / "enough"
        enough.unlink(missing_ok=True)
        names = [client for client in self.installed if client != NEW_GROUPS]
        pairs = [(client, "open") for client in names] + list(zip(names, ("red.", "blue.", "sealed", "red.", "sealed")))
        jobs = [(client, "failover", proxy, f"failover-{n}", {"ENOUGH": str(enough)}) for n, (client, proxy) in enumerate(pairs)]
        for _, _, proxy, topic, _ in jobs:
            self.drive(admin, "spread", proxy, topic)
        working = threading.Thread(target=self.together, args=[jobs])
        working.start()
        try:
            time.sleep(5)
            for _, _, proxy, topic, _ in jobs:
                self.drive(admin, "move_leader", proxy, topic)
            node = self.kafka.nodes[1]
            print(f"broker 2 at {node.host}:{node.port} stops", flush=True)
            node.stop()
            time.sleep(5)
            node.start()
            node.wait()
            print("broker 2 runs again", flush=True)
            time.sleep(10)
            self.drive(admin, "move_leader", "open", "failover-0")
        finally:
            enough.touch()
            working.join()


def check(found, dropped, kafka, dialled):
    """Prints what the capture shows, and returns how many faults it has."""
    real = {(node.host, node.port) for node in kafka.nodes}
    client_side = [one for one in found if one.server[0].startswith(PROXIES)]
    broker_side = [one for one in found if one.server[0].startswith(BROKERS)]
    faults = []
    for one in broker_side:
        if one.server not in real:
            faults.append(f"{one.client} connects to {one.server}, where no broker listens")
        elif one.accepted and one.client not in dialled:
            faults.append(f"{one.client}, which is not the proxy, connects to {one.server}")
    opened = {one.server for one in client_side if one.accepted}
    for one in client_side:
        if one.server not in opened:
            faults.append(f"a client connects to {one.server}, where no proxy listens")
        for data in (one.sent.data, one.received.data):
            if (at := data.find(BROKERS.encode())) >= 0:
                faults.append(f"a client of {one.server} sees a real address: {bytes(data[max(at - 60, 0):at + 40])!r}")
    told = sum(one.received.data.count(BROKERS.encode()) for one in broker_side)
    size = sum(len(one.sent.data) + len(one.received.data) for one in client_side)
    missing = sum(one.sent.missing + one.received.missing for one in client_side)
    print(f"capture: {len(client_side)} connections of clients with {size:,} bytes, to {len(opened)} ports of proxies; "
          f"{len(broker_side)} connections to brokers, which told their addresses {told} times; "
          f"{missing:,} bytes of clients and {dropped} packets were not captured", flush=True)
    if not client_side or told < len(kafka.nodes):
        faults.append("the capture does not show both sides")
    if missing > size // 100:
        faults.append("too much was not captured")
    for fault in faults[:20]:
        print(f"    {fault}")
    return len(faults)


def install(only):
    known = {name: (command, environment) for name, command, environment in clients.CLIENTS}
    out, missing = {}, []
    for name in [*CLIENTS, NEW_GROUPS]:
        if only not in name:
            continue
        command, environment = known[name]
        try:
            out[name] = command(), environment
        except clients.Missing as why:
            print(f"{name}: left out, since it cannot be installed here: {why}", flush=True)
            missing.append(name)
    return out, missing


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--only", default="", help="clients whose name contains this")
    options.add_argument("--part", default="", help="one of the parts: " + ", ".join([*PARTS, "failover"]))
    chosen = options.parse_args()
    installed, unseen = install(chosen.only)
    if not installed:
        sys.exit(SKIPPED)
    try:
        kafka = kafka_node.Cluster("kafka_4_4.xml", WORK / "kafka", [f"{BROKERS}{n}" for n in (1, 2, 3)], partitions=4)
    except kafka_node.Unavailable as why:
        print(f"the proxy before Kafka is skipped: {why}")
        sys.exit(SKIPPED)
    failures = 0
    try:
        proxies = Proxies(kafka)
        ports = [port for node in kafka.nodes for port in [node.port]]
        try:
            watching = capture.Capture(WORK / "proxy.pcap", f"tcp and (net {PROXIES}0/24 or (net {BROKERS}0/24 and ("
                                       + " or ".join(f"port {port}" for port in ports) + ")))")
        except capture.Unavailable as why:
            print(f"the wire is not looked at, since capturing is not possible here: {why}", flush=True)
            watching = None
            unseen.append("the wire")
        run = Run(kafka, proxies, installed)
        for part in [*PARTS, "failover"]:
            if chosen.part in ("", part):
                print(f"== {part}", flush=True)
                getattr(run, part)()
        failures += run.failures
        if watching:
            failures += check(*watching.stop(), kafka, proxies.dialled_from())
        failures += not proxies.stop()
    finally:
        kafka.stop()
    print(f"{failures} failures")
    if unseen and not failures:
        print("not all was looked at: " + ", ".join(unseen))
        sys.exit(SKIPPED)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
