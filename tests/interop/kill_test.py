#!/usr/bin/env python3
"""`kill -9` of the echo broker while clients produce and commit: what it has acknowledged is there after the next start.

    KWIRE_BUILD_DIR=build/release python3 tests/interop/kill_test.py [--rounds 20] [--seed N]

The broker keeps its log in a directory and runs with `--fsync always`. In each round an idempotent producer and one without sequence
numbers write with acks=all, and a consumer group reads and commits. A second thread kills the broker at a random moment,
and starts it again. The clients live on through all rounds. Then:

* each acknowledged record is at the offset that its producer was told;
* the records of the idempotent producer are there once and in order;
* a commit that was answered is what another member of the group is told; the group goes on there, and skips nothing.

Exit status: 0; 1 if one of these is not so; 77 without confluent-kafka.
"""

import argparse
import collections
import pathlib
import random
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from with_confluent import restart_with_confluent  # noqa: E402

restart_with_confluent()

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition  # noqa: E402
from broker_process import BrokerProcess  # noqa: E402

PARTITIONS = 3
PATIENCE = 60  # seconds until clients must have got over a kill
AT_ONCE = 20  # records to each topic between two looks at the answers
PLAIN, IDEMPOTENT = "plain", "idempotent"
RECONNECT = {"reconnect.backoff.ms": 50, "reconnect.backoff.max.ms": 200, "retry.backoff.ms": 50, "log_level": 0}


class Failure(Exception):
    """The broker has broken a promise."""


def expect(true, what):
    if not true:
        raise Failure(what)


class Writer:
    """A producer, what it was asked to write to each partition, and what was acknowledged."""

    def __init__(self, address, topic, **settings):
        self.topic, self.count, self.acknowledged = topic, 0, 0
        self.sent = collections.defaultdict(list)  # partition: values in their order
        self.placed = {}  # (partition, offset): value
        self.producer = Producer({"bootstrap.servers": address, "acks": "all", "linger.ms": 2, "batch.num.messages": 50,
                                  "message.timeout.ms": PATIENCE * 1000, **RECONNECT, **settings})

    def write(self):
        for _ in range(AT_ONCE):
            partition, value = self.count % PARTITIONS, b"%s %d" % (self.topic.encode(), self.count)
            self.producer.produce(self.topic, value, partition=partition, on_delivery=self.told)
            self.sent[partition].append(value)
            self.count += 1
        self.producer.poll(0)

    def told(self, error, message):
        expect(error is None, f"{self.topic}: a record was not delivered: {error}")
        self.acknowledged += 1
        if message.offset() >= 0:  # a duplicate that is older than the batches that the broker knows has none
            place = message.partition(), message.offset()
            expect(place not in self.placed, f"{self.topic}: two records were acknowledged for {place}")
            self.placed[place] = message.value()

    def finish(self):
        expect(self.producer.flush(PATIENCE) == 0, f"{self.topic}: records without an answer after {PATIENCE} s")


class Member:
    """A member of a consumer group, with the offsets that it has read and those whose commit was answered."""

    def __init__(self, address):
        self.address, self.next, self.committed = address, {}, {}
        self.consumer = Consumer(self.settings())
        self.consumer.subscribe([IDEMPOTENT])

    def settings(self):
        return {"bootstrap.servers": self.address, "group.id": "readers", "auto.offset.reset": "earliest", "enable.auto.commit": False,
                "session.timeout.ms": 6000, "heartbeat.interval.ms": 300, "topic.metadata.refresh.interval.ms": 500, **RECONNECT}

    def read(self, patience=0.01):
        for message in self.consumer.consume(50, patience):
            if message.error():
                continue  # such as a connection that was lost
            partition, offset = message.partition(), message.offset()
            known, least = self.next.get(partition, 0), self.committed.get(partition, 0)
            expect(offset <= known, f"the group has skipped records {known} to {offset - 1} of partition {partition}")
            expect(offset >= least, f"the group is back at {offset} of partition {partition}, after {least} was committed")
            self.next[partition] = max(known, offset + 1)

    def commit(self):
        at = [TopicPartition(IDEMPOTENT, partition, offset) for partition, offset in self.next.items()]
        if not at:
            return
        try:
            for one in self.consumer.commit(offsets=at, asynchronous=False):
                if one.error is None:
                    self.committed[one.partition] = one.offset
        except KafkaException:
            pass  # the broker is gone, or the member has to join again: it may count or not

    def check_committed(self):
        """What a member is told that joins now."""
        other = Consumer(self.settings())
        for one in other.committed([TopicPartition(IDEMPOTENT, p) for p in range(PARTITIONS)], PATIENCE):
            least = self.committed.get(one.partition, 0)
            expect(max(one.offset, 0) >= least, f"partition {one.partition}: {least} was committed, and now it is {one.offset}")
        other.close()

    def catch_up(self, sent):
        end = time.monotonic() + PATIENCE
        while any(self.next.get(partition, 0) < len(values) for partition, values in sent.items()):
            expect(time.monotonic() < end, f"the group has read up to {self.next} within {PATIENCE} s after the start")
            self.read(0.1)


def stored(address, topic):
    """{partition: [(offset, value)]} as a reader without a group finds it."""
    reader = Consumer({"bootstrap.servers": address, "group.id": "reader", "enable.auto.commit": False, **RECONNECT})
    places = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
    ends = {one.partition: reader.get_watermark_offsets(one, PATIENCE)[1] for one in places}
    reader.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    out = {partition: [] for partition in range(PARTITIONS)}
    end = time.monotonic() + PATIENCE
    while any(ends[p] and (not out[p] or out[p][-1][0] < ends[p] - 1) for p in out):
        expect(time.monotonic() < end, f"{topic}: cannot be read to its end")
        for message in reader.consume(1000, 0.2):
            if not message.error():
                out[message.partition()].append((message.offset(), message.value()))
    reader.close()
    return out


def check(writer, found):
    by_place = {(partition, offset): value for partition, records in found.items() for offset, value in records}
    for place, value in writer.placed.items():
        expect(by_place.get(place) == value, f"{writer.topic}: {value} was acknowledged at {place}, where {by_place.get(place)} is")
    for partition, sent in writer.sent.items():
        values = [value for _, value in found[partition]]
        if writer.topic == IDEMPOTENT:
            expect(values == sent, f"{writer.topic} {partition}: {len(sent)} written, {len(values)} found, {len(set(values))} of them different")
        else:  # may be there twice
            expect(set(values) == set(sent), f"{writer.topic} {partition}: {len(set(sent) - set(values))} records are lost")


def one_round(broker, writers, member, chance):
    before = [writer.acknowledged for writer in writers]
    back, waiting = threading.Event(), []

    def kill_and_start():
        time.sleep(chance.uniform(0.3, 1.0))
        broker.kill()
        waiting.extend(writer.count - writer.acknowledged for writer in writers)
        try:
            broker.start()
        finally:
            back.set()

    killer = threading.Thread(target=kill_and_start)
    killer.start()
    turns = 0
    try:
        while not back.is_set():
            for writer in writers:
                if writer.count - writer.acknowledged < 2000:
                    writer.write()
                writer.producer.poll(0)
            member.read()
            turns += 1
            if turns % 5 == 0:  # its answer takes a turn of the disk, and the producers shall not wait for it always
                member.commit()
    finally:
        killer.join()
    for writer, then in zip(writers, before):
        writer.finish()
        expect(writer.acknowledged > then, "nothing was acknowledged in this round")
    member.check_committed()
    member.catch_up(writers[0].sent)
    member.commit()
    return waiting


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=4)
    options.add_argument("--seed", type=int, default=time.time_ns() % 100000)
    chosen = options.parse_args()
    chance = random.Random(chosen.seed)
    with tempfile.TemporaryDirectory() as folder:
        broker = BrokerProcess(pathlib.Path(folder), "--fsync", "always", "--partitions", str(PARTITIONS))
        try:
            writers = [Writer(broker.address, IDEMPOTENT, **{"enable.idempotence": True}), Writer(broker.address, PLAIN)]
            member = Member(broker.address)
            for number in range(1, chosen.rounds + 1):
                start = time.monotonic()
                waiting = one_round(broker, writers, member, chance)
                for writer in writers:
                    check(writer, stored(broker.address, writer.topic))
                print(f"round {number}: killed with {waiting} records without an answer; {[w.acknowledged for w in writers]} acknowledged "
                      f"and found; committed {member.committed}; {time.monotonic() - start:.1f} s", flush=True)
            member.consumer.close()
            status, totals = broker.stop()
            expect(status == 0, f"the broker ended with {status}")
            print(totals)
        except Failure as failure:
            print(f"FAILED with --seed {chosen.seed}: {failure}\nthe broker's log:\n{broker.errors()[-2000:]}")
            sys.exit(1)
        finally:
            broker.kill()
            broker.log.close()


if __name__ == "__main__":
    main()
