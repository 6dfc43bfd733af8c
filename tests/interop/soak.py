#!/usr/bin/env python3
"""Many records through the echo broker: idempotent producers, and one consumer group whose members come and go.

    KWIRE_BUILD_DIR=build/release python3 tests/interop/soak.py [--records 20000000] [--protocol consumer]

Each record says who wrote it and the how-manieth of its partition it is. Some members read all the time, others join for seconds and
leave again, so partitions change hands. Members commit when partitions are taken from them. At the end the parts that members have
read must fit together: no offset is missing, none was read twice, and the numbers of each producer in each partition go up by one.
Then the clients leave, and the broker's memory and descriptors must be what they were at the start.

Exit status: 0; 1 if one of these is not so; 77 without confluent-kafka.
"""

import argparse
import multiprocessing
import pathlib
import queue
import struct
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from with_confluent import restart_with_confluent  # noqa: E402

restart_with_confluent()

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition  # noqa: E402
from confluent_kafka.admin import AdminClient, NewTopic  # noqa: E402
from broker_process import BrokerProcess  # noqa: E402

TOPIC, GROUP, PARTITIONS = "soak", "soakers", 6
RECORD = struct.Struct(">IQ88x")  # producer, its number in this partition
STALL = 60  # seconds without a record after which the run has failed
MORE_MEMORY = 24  # MiB that the broker may have more at the end: what allocators keep, and the index of what is stored
context = multiprocessing.get_context("spawn")


class Failure(Exception):
    """Records are lost, or read twice, or in another order."""


def write(address, writer, count, errors):
    """A process: `count` records, to all partitions in turn."""
    def told(error, _):
        if error is not None:
            errors.put(f"producer {writer}: {error}")
    producer = Producer({"bootstrap.servers": address, "enable.idempotence": True, "linger.ms": 5, "queue.buffering.max.messages": 200000})
    for number in range(count):
        while True:
            try:
                producer.produce(TOPIC, RECORD.pack(writer, number // PARTITIONS), partition=number % PARTITIONS, on_delivery=told)
                break
            except BufferError:
                producer.poll(0.05)
        if number % 1000 == 0:
            producer.poll(0)
    if producer.flush(STALL) != 0:
        errors.put(f"producer {writer}: records without an answer")


class Run:
    """Records of one partition that were read one after the other, without another member between."""

    def __init__(self, offset):
        self.first = self.next = offset
        self.numbers = {}  # producer: [first, next]

    def add(self, offset, value):
        self.next = offset + 1
        writer, number = RECORD.unpack(value)
        known = self.numbers.get(writer)
        if known is None:
            self.numbers[writer] = [number, number + 1]
        elif known[1] == number:
            known[1] = number + 1
        else:
            raise Failure(f"offset {offset}: number {number} of producer {writer} comes after {known[1] - 1}")


def read(address, protocol, seconds, stop, total, out):
    """A process: a member of the group for some seconds, or until it is told to stop."""
    runs, current, rebalances, errors = [], {}, 0, []
    settings = {"bootstrap.servers": address, "group.id": GROUP, "auto.offset.reset": "earliest", "enable.auto.commit": True,
                "auto.commit.interval.ms": 1000, "group.protocol": protocol}
    if protocol == "classic":
        settings |= {"session.timeout.ms": 30000, "heartbeat.interval.ms": 500}
    member = Consumer(settings)

    def assigned(_, places):
        nonlocal rebalances
        rebalances += 1

    def revoked(one, _):
        try:
            one.commit(asynchronous=False)
        except KafkaException as failure:
            if failure.args[0].name() != "_NO_OFFSET":
                errors.append(f"commit: {failure}")

    member.subscribe([TOPIC], on_assign=assigned, on_revoke=revoked)
    end = time.monotonic() + seconds
    try:
        while not stop.is_set() and time.monotonic() < end:
            messages = member.consume(5000, 0.2)
            for message in messages:
                if message.error():
                    errors.append(str(message.error()))
                    continue
                partition, offset = message.partition(), message.offset()
                run = current.get(partition)
                if run is None or run.next != offset:
                    run = current[partition] = Run(offset)
                    runs.append((partition, run))
                run.add(offset, message.value())
            if messages:
                with total.get_lock():
                    total.value += len(messages)
        member.close()
    except (Failure, KafkaException) as failure:
        errors.append(str(failure))
    out.put((rebalances, errors, [(partition, run.first, run.next, run.numbers) for partition, run in runs]))


def check(runs, written):
    """`runs` of all members; `written`: {producer: its records}."""
    faults = []
    for partition in range(PARTITIONS):
        at, numbers = 0, {writer: 0 for writer in written}
        for _, first, end, parts in sorted(run for run in runs if run[0] == partition):
            if first > at:
                faults.append(f"partition {partition}: {at} to {first - 1} were never read")
            if first < at:
                faults.append(f"partition {partition}: {first} to {min(at, end) - 1} were read twice")
            for writer, (low, high) in parts.items():
                if first == at and low != numbers[writer]:
                    faults.append(f"partition {partition}: at {first} producer {writer} goes on with {low} instead of {numbers[writer]}")
                numbers[writer] = max(numbers[writer], high)
            at = max(at, end)
        for writer, count in written.items():
            expected = len(range(partition, count, PARTITIONS))
            if numbers[writer] != expected:
                faults.append(f"partition {partition}: {numbers[writer]} of {expected} records of producer {writer}")
    return faults


class Group:
    """The members as processes, and what they have said at their end."""

    def __init__(self, address, protocol):
        self.address, self.protocol, self.total, self.out = address, protocol, context.Value("Q", 0), context.Queue()
        self.stop, self.running, self.results = context.Event(), [], []

    def join(self, seconds=10 ** 6):
        member = context.Process(target=read, args=(self.address, self.protocol, seconds, self.stop, self.total, self.out), daemon=True)
        member.start()
        self.running.append(member)

    def collect(self):
        try:
            while True:
                self.results.append(self.out.get_nowait())
        except queue.Empty:
            pass
        for member in [one for one in self.running if not one.is_alive()]:
            member.join()
            self.running.remove(member)

    def leave(self):
        self.stop.set()
        end = time.monotonic() + STALL
        while self.running and time.monotonic() < end:
            self.collect()
            time.sleep(0.1)
        self.collect()
        if self.running:
            raise Failure(f"{len(self.running)} members do not end")


def until_all_is_read(group, producers, records, errors, broker):
    """Members come and go meanwhile: every few seconds one joins and leaves again."""
    last, moved, next_visit, next_line = 0, time.monotonic(), time.monotonic() + 0.5, time.monotonic() + 30
    while group.total.value < records or any(one.is_alive() for one in producers):
        time.sleep(0.1)
        now, seen = time.monotonic(), group.total.value
        if seen != last:
            last, moved = seen, now
        if not errors.empty():
            raise Failure(errors.get())
        if now - moved > STALL:
            raise Failure(f"only {seen} of {records} records were read; nothing in the last {STALL} s")
        group.collect()
        if now > next_visit:
            group.join(seconds=3)
            next_visit = now + 5
        if now > next_line:
            print(f"{seen} read; the broker has {broker.memory_mib():.0f} MiB, {broker.descriptors()} descriptors", flush=True)
            next_line = now + 30


def wait_for_baseline(broker, memory, descriptors):
    end = time.monotonic() + 30
    while time.monotonic() < end and (broker.descriptors() > descriptors or broker.memory_mib() > memory + MORE_MEMORY):
        time.sleep(0.2)
    print(f"memory: {memory:.1f} MiB before, {broker.memory_mib():.1f} after; descriptors: {descriptors}, {broker.descriptors()}")
    if broker.descriptors() > descriptors or broker.memory_mib() > memory + MORE_MEMORY:
        raise Failure("memory or descriptors are not back")


def soak(broker, chosen):
    admin = AdminClient({"bootstrap.servers": broker.address})
    for future in admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)]).values():
        future.result(STALL)
    del admin
    time.sleep(1)
    memory, descriptors = broker.memory_mib(), broker.descriptors()
    start, errors = time.monotonic(), context.Queue()
    share = chosen.records // chosen.producers
    written = {writer: share for writer in range(chosen.producers)}
    producers = [context.Process(target=write, args=(broker.address, writer, count, errors), daemon=True) for writer, count in written.items()]
    group = Group(broker.address, chosen.protocol)
    for _ in range(chosen.members):
        group.join()
    for one in producers:
        one.start()
    until_all_is_read(group, producers, sum(written.values()), errors, broker)
    reader = Consumer({"bootstrap.servers": broker.address, "group.id": "reader"})
    stored = sum(reader.get_watermark_offsets(TopicPartition(TOPIC, p), STALL)[1] for p in range(PARTITIONS))
    reader.close()
    group.leave()
    seconds = time.monotonic() - start
    faults = [error for _, said, _ in group.results for error in said]
    runs = [run for _, _, parts in group.results for run in parts]
    faults += check(runs, written)
    print(f"{sum(written.values())} records written, {stored} stored, {group.total.value} read by {len(group.results)} members in {len(runs)} parts, "
          f"{sum(count for count, _, _ in group.results)} assignments; {seconds:.0f} s")
    if faults:
        raise Failure("\n".join(faults[:20]))
    wait_for_baseline(broker, memory, descriptors)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--records", type=int, default=200000)
    options.add_argument("--producers", type=int, default=2)
    options.add_argument("--members", type=int, default=2, help="that stay; others come and go")
    options.add_argument("--protocol", choices=["classic", "consumer"], default="classic")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        broker = BrokerProcess(pathlib.Path(folder), "--partitions", str(PARTITIONS))
        try:
            soak(broker, chosen)
            status, totals = broker.stop()
            print(totals)
            if status != 0:
                raise Failure(f"the broker ended with {status}")
        except Failure as failure:
            print(f"FAILED: {failure}\nthe broker's log:\n{broker.errors()[-2000:]}")
            sys.exit(1)
        finally:
            broker.kill()
            broker.log.close()


if __name__ == "__main__":
    main()
