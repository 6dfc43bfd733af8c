#!/usr/bin/env python3
"""Clients that mean harm, or make mistakes: the echo broker goes on serving others.

    KWIRE_BUILD_DIR=build/release python3 tests/examples/test_echo_broker_hostile.py
"""

import pathlib
import struct
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import kafka_bytes as kb
from echo_broker import *
from group_bytes import Member

ADD_PARTITIONS, CREATE_PARTITIONS, DESCRIBE_PRODUCERS = 24, 37, 61
INVALID_TOPIC = 17


class Hostile(BrokerTest):
    def check_end(self):
        """The broker copies what it writes itself, and no records of clients."""
        try:
            self.assertIsNone(self.broker.process.poll(), self.broker.errors())
            status, rest = self.broker.stop()
            self.assertEqual(status, 0, self.broker.errors())
            self.assertIn("copied to free frames: 0,", rest)
            self.assertNotIn("ERROR", self.broker.errors())
        finally:
            self.broker.process.stdout.close()
            self.broker.log.close()

    def assert_serves(self):
        """The broker answers another client at once: without much work before."""
        client = self.client()
        before = self.broker.cpu_seconds()
        client.create(self.topic)
        self.assertLess(self.broker.cpu_seconds() - before, 5)


class Groups(Hostile):
    def test_static_members_that_allow_no_time_to_join_do_not_hold_up_others(self):
        one, other, again = (Member(self.broker) for _ in range(3))
        for member in (one, other, again):
            self.addCleanup(member.socket.close)
        one.join(instance="a")
        one.sync()
        other.send_join()
        other.receive_join()
        other.send_join()
        one.join(instance="a")
        other.receive_join()
        one.send_sync(instance="a")
        other.sync()
        self.assertEqual(again.join(instance="a", member="", rebalance=0)["error"], 0)  # in the place of the first
        self.assertEqual(other.describe()["state"], "Stable")
        other.leave()  # the static member is the only one, and does not join
        before = self.broker.cpu_seconds()
        time.sleep(1)
        self.assert_serves()
        self.assertLess(self.broker.cpu_seconds() - before, 0.5)


class Answers(Hostile):
    def test_the_producers_of_a_partition_are_described_once(self):
        client = self.client()
        client.create(self.topic)
        for producer in range(10):
            batch = kb.batch([b"v"], producer=(producer, 0, 0))
            self.assertEqual(client.produce(self.topic, batch)[0], 0)
        w = kb.Writer(True)

        def topic(name):
            w.string(name)
            w.array([0] * 100_000, lambda index: w.put("i", index))
            w.tags()
        w.array([self.topic], topic)
        w.tags()
        kb.FLEXIBLE[DESCRIBE_PRODUCERS] = 0
        self.assertLess(len(client.ask(DESCRIBE_PRODUCERS, 0, w.out)), 1000)


    def test_a_coordinator_that_is_asked_for_many_times_is_named_once(self):
        keys = b"\x02g" * 100_000
        body = b"\0" + kb.uvarint(100_001) + keys + b"\0"
        self.assertLess(len(self.client().ask(FIND_COORDINATOR, 4, body)), 1000)

    def test_a_question_of_more_than_16_mib_closes_its_connection(self):
        client = self.client()
        size = 17 << 20
        client.socket.sendall(kb.frame(FIND_COORDINATOR, 4, b"\0" + kb.uvarint(size + 1) + b"\x01" * size + b"\0"))
        self.assertTrue(client.is_closed())
        self.assertIn("FindCoordinator of ", self.broker.errors())
        self.assert_serves()


class OwnTopics(Hostile):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.arguments = ("--data-dir", self.folder.name, "--fsync", "never")  # thousands of files on any disk
        super().setUp()

    def test_only_the_broker_writes_to_its_own_topics(self):
        client = self.client()
        for name in ("__consumer_offsets", "__transaction_state"):
            self.assertEqual(client.produce(name, kb.batch([b"v"]))[0], INVALID_TOPIC)

    @unittest.skipIf(SANITIZED, "takes too long")
    def test_a_transaction_of_thousands_of_partitions_times_out_and_is_recorded(self):
        client, count = self.client(), 4500
        names = [f"{number:05}".rjust(249, "x") for number in range(count)]
        for first in range(0, count, 500):
            client.ask(METADATA, 12, kb.metadata_body(12, names[first:first + 500]))
        _, *producer = kb.init_producer_answer(4, client.ask(INIT_PRODUCER, 4, kb.init_producer_body(4, "t", 500)))
        answer = kb.add_partitions_answer(3, client.ask(ADD_PARTITIONS, 3, kb.add_partitions_body(
            3, "t", producer, {name: [0] for name in names})))
        self.assertEqual(set(answer.values()), {0})
        self.wait_until(lambda: client.list_offset(names[-1], -1)[2] == 1)  # the marker of the abort
        self.assert_serves()

    def test_the_partitions_of_its_own_topics_stay_as_they_are(self):
        client = self.client()
        body = struct.pack(">i", 1) + struct.pack(">h", 18) + b"__consumer_offsets" + struct.pack(">iiib", 50, -1, 1000, 0)
        answer = client.ask(CREATE_PARTITIONS, 0, body)
        self.assertEqual(struct.unpack_from(">h", answer, 4 + 4 + 2 + 18)[0], INVALID_TOPIC)


if __name__ == "__main__":
    unittest.main(verbosity=2)
