#!/usr/bin/env python3
"""Real clients in consumer groups of the echo broker: they join, share partitions, leave, crash and go on where they committed.

    KWIRE_BUILD_DIR=build/release python3 tests/examples/test_echo_broker_group_clients.py

A client that is not installed is skipped with a message.
"""

import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import kafka_bytes as kb
from echo_broker import *
from pythons import python_with

# Two consumers, each in a thread, since one that joins waits for the other; prints what happened, and fails by itself.
KAFKA_PYTHON = """
import os, sys, threading, time
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
patient = {"api_version_auto_timeout_ms": 60_000}
address, topic = sys.argv[1:]
partitions = [TopicPartition(topic, 0), TopicPartition(topic, 1)]
got = []

class Reader(threading.Thread):
    def __init__(self):
        super().__init__()
        self.assigned, self.stop, self.to_seek = 0, False, None
        self.start()

    def run(self):
        consumer = KafkaConsumer(topic, bootstrap_servers=address, group_id="python", auto_offset_reset="earliest",
                                 enable_auto_commit=False, session_timeout_ms=6000, heartbeat_interval_ms=200, **patient)
        while not self.stop:
            for records in consumer.poll(100).values():
                consumer.commit()
                got.extend(r.value for r in records)  # who sees them may look for what was committed
            self.assigned = len(consumer.assignment())
            if self.to_seek is not None:
                consumer.seek(*self.to_seek)
                self.to_seek = None
        print("committed", [consumer.committed(p) for p in partitions])
        consumer.close()

    def close(self):
        self.stop = True
        self.join()

def wait(condition):
    end = time.monotonic() + 100
    while not condition():
        if time.monotonic() > end:
            print("hangs", got, file=sys.stderr, flush=True)
            os._exit(1)
        time.sleep(0.02)

def show(what, count):
    wait(lambda: len(got) == count)
    print(what, sorted(got))
    got.clear()

def produce(*values):
    producer = KafkaProducer(bootstrap_servers=address, request_timeout_ms=100_000, **patient)
    for i, value in enumerate(values):
        producer.send(topic, value, partition=i % 2)
    producer.flush()
    producer.close()

produce(b"0", b"1", b"2", b"3")
one = Reader()
show("first", 4)
two = Reader()
wait(lambda: one.assigned == two.assigned == 1)
produce(b"4", b"5")
show("shared", 2)
two.close()
wait(lambda: one.assigned == 2)
one.to_seek = partitions[0], 1
show("again", 2)
one.close()
produce(b"6")
three = Reader()
show("later", 1)
admin = KafkaAdminClient(bootstrap_servers=address, request_timeout_ms=100_000, **patient)
print("groups", admin.list_consumer_groups())
described = admin.describe_consumer_groups(["python"])[0]
print("described", described.state, len(described.members))
wait(lambda: sorted((p.partition, o.offset) for p, o in admin.list_consumer_group_offsets("python").items()) == [(0, 4), (1, 3)])
three.close()
print("deleted", [error.__name__ for _, error in admin.delete_consumer_groups(["python"])])
admin.close()
"""


class Kcat:
    """A consumer in a group, as a process."""

    def __init__(self, test, topic):
        self.log, self.output = tempfile.TemporaryFile("a+"), tempfile.TemporaryFile("w+")
        settings = {"auto.offset.reset": "earliest", "session.timeout.ms": 4000, "heartbeat.interval.ms": 200,
                    "auto.commit.interval.ms": 100, "topic.metadata.refresh.interval.ms": 1000}
        self.process = subprocess.Popen(
            ["kcat", "-b", f"127.0.0.1:{test.broker.port}", "-u", "-f", "%p:%s\n",
             *(x for item in settings.items() for x in ("-X", "%s=%s" % item)), "-G", "kcat", topic],
            stdout=self.output, stderr=self.log)
        test.addCleanup(self.close)

    @staticmethod
    def text(file):
        file.seek(0)
        return file.read()

    def assigned(self):
        """How many partitions it has."""
        lines = re.findall(r"rebalanced \(memberid [^)]*\): (assigned|revoked): (.*)", self.text(self.log))
        return len(re.findall(r"\[\d+\]", lines[-1][1])) if lines and lines[-1][0] == "assigned" else 0

    def values(self):
        return self.text(self.output).split()

    def stop(self, how):
        if self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(PATIENCE)

    def close(self):
        self.stop(signal.SIGKILL)
        self.log.close()
        self.output.close()


class GroupClients(BrokerTest):
    arguments = ("--partitions", "2", "--group-session-ms", "500")

    @unittest.skipUnless(shutil.which("kcat"), "kcat is not installed")
    def test_two_kcats_share_a_topic_and_go_on_when_one_leaves_or_crashes(self):
        client = self.client()
        client.create(self.topic)
        for partition in range(2):
            self.assertEqual(client.produce(self.topic, kb.batch([b"a"]), partition)[0], 0)
        one = Kcat(self, self.topic)
        self.wait_until(lambda: sorted(one.values()) == ["0:a", "1:a"])
        for how in (signal.SIGTERM, signal.SIGKILL):
            other = Kcat(self, self.topic)
            self.wait_until(lambda: one.assigned() == other.assigned() == 1)
            other.stop(how)
            self.wait_until(lambda: one.assigned() == 2)
        for partition in range(2):
            client.produce(self.topic, kb.batch([b"b"]), partition)
        self.wait_until(lambda: sorted(one.values()) == ["0:a", "0:b", "1:a", "1:b"])
        one.stop(signal.SIGTERM)
        client.produce(self.topic, kb.batch([b"c"]))
        last = Kcat(self, self.topic)  # the group goes on where it has committed
        self.wait_until(lambda: last.values())
        last.stop(signal.SIGTERM)
        self.assertEqual(last.values(), ["0:c"])

    def test_kafka_python_joins_leaves_commits_and_seeks(self):
        python = python_with("kafka")
        if python is None:
            self.skipTest("no Python with kafka-python")
        done = subprocess.run([python, "-c", KAFKA_PYTHON, f"127.0.0.1:{self.broker.port}", self.topic], capture_output=True,
                              text=True, timeout=4 * PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        self.assertEqual(done.stdout.splitlines(), [
            "first [b'0', b'1', b'2', b'3']", "shared [b'4', b'5']", "committed [3, 3]", "again [b'2', b'4']", "committed [3, 3]",
            "later [b'6']", "groups [('python', 'consumer')]", "described Stable 1", "committed [4, 3]", "deleted ['NoError']"])

    def test_confluent_kafka_joins_commits_and_leaves(self):
        python = python_with("confluent_kafka")
        if python is None:
            self.skipTest("no Python with confluent-kafka")
        program = """
import sys
from confluent_kafka import Consumer, Producer
address, topic = sys.argv[1:]
producer = Producer({"bootstrap.servers": address})
producer.produce(topic, b"x")
producer.flush()
for _ in range(2):
    consumer = Consumer({"bootstrap.servers": address, "group.id": "confluent", "auto.offset.reset": "earliest",
                         "enable.auto.commit": False, "session.timeout.ms": 6000})
    consumer.subscribe([topic])
    message = consumer.poll(100)
    print(message.offset(), message.value())
    consumer.commit(message, asynchronous=False)
    consumer.close()
    producer.produce(topic, b"y", partition=message.partition())
    producer.flush()
"""
        done = subprocess.run([python, "-c", program, f"127.0.0.1:{self.broker.port}", self.topic], capture_output=True, text=True,
                              timeout=4 * PATIENCE)
        self.assertEqual((done.returncode, done.stdout), (0, "0 b'x'\n1 b'y'\n"), done.stderr)


if __name__ == "__main__":
    unittest.main()
