#!/usr/bin/env python3
"""The echo broker with --data-dir: groups, transactions, producers and deleted records outlive a stop and a kill -9.

    KWIRE_BUILD_DIR=build/release python3 tests/examples/test_echo_broker_restart.py
"""

import pathlib
import shutil
import signal
import struct
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import group_bytes as gb
import kafka_bytes as kb
from echo_broker import *
from echo_broker_topics import TopicsTest
from echo_broker_transactions import *

UNSTABLE_OFFSET_COMMIT = 88
COMMITTED, ABORTED = b"committed", b"aborted"


class RestartTest(TransactionsTest):
    """Each test does its work before and after a restart, once for each way to stop."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="echo_broker_")
        self.addCleanup(shutil.rmtree, self.directory)
        self.arguments = ("--partitions", "2", "--data-dir", f"{self.directory}/data")
        super().setUp()

    def restart(self, how):
        self.broker.stop(how)
        self.assertNotIn("ERROR", self.broker.errors())  # of a sanitizer
        self.one.socket.close()
        self.broker.process.stdout.close()
        self.broker.log.close()
        self.broker = Broker(*self.arguments)
        self.one = self.client()

    def each_stop(self):
        """(how, name): restart(how), and a name that has not been used before."""
        for how in (signal.SIGTERM, signal.SIGKILL):
            yield how, f"name-{how.name}"

    def new_topic(self, name):
        self.topic = name
        self.ident = self.one.create(name)

    def values(self, isolation=1):
        """The records of partition 0 that a consumer shows: without markers, and if `isolation` is 1 without aborted ones."""
        _, _, aborted, data = self.fetch(isolation=isolation)
        begun = sorted(aborted or [], key=lambda one: one[1])
        skipped, shown = set(), []
        while data:
            base, size = struct.unpack_from(">qi", data)
            batch, data = data[:12 + size], data[12 + size:]
            attributes, producer = struct.unpack_from(">h", batch, 21)[0], struct.unpack_from(">q", batch, 43)[0]
            while begun and begun[0][1] <= base:
                skipped.add(begun.pop(0)[0])
            if attributes & 32:
                skipped.discard(producer)
            elif not (attributes & 16 and producer in skipped):
                shown += [word for word in (COMMITTED, ABORTED) if word in batch]
        return shown

    # -- offsets of groups

    def commit_offsets(self, group, topics):
        body = gb.commit_body(9, group, topics)
        return gb.commit_answer(9, self.one.ask(gb.OFFSET_COMMIT, 9, body))

    def commit_offset_in_transaction(self, transactional_id, producer, group, offset):
        """The error for partition 0 of the topic."""
        body = gb.transactional_commit_body(3, transactional_id, producer, group, {self.topic: [(0, offset, "")]})
        answer = gb.commit_answer(3, self.one.ask(gb.TXN_OFFSET_COMMIT, 3, body), throttled_from=0, flexible_from=3, ids_from=99)
        return answer[self.topic][0]

    def add_offsets(self, transactional_id, producer, group):
        body = kb.add_offsets_body(3, transactional_id, producer, group)
        return struct.unpack_from(">ih", self.one.ask(ADD_OFFSETS, 3, body))[1]

    def committed_offset(self, group, *, stable=False):
        """(offset, error) of partition 0 of the topic."""
        body = gb.fetch_body(9, {group: {self.topic: [0]}}, stable=stable)
        (error, topics), = gb.fetch_answer(9, self.one.ask(gb.OFFSET_FETCH, 9, body)).values()
        self.assertEqual(error, 0)
        offset, _, _, error = topics[self.topic][0]
        return offset, error


class Groups(RestartTest):
    def test_committed_offsets_are_there_again(self):
        for how, group in self.each_stop():
            self.assertEqual(self.commit_offsets(group, {self.topic: [(0, 7, "note"), (1, 8, "")]}), {self.topic: {0: 0, 1: 0}})
            self.assertEqual(self.commit_offsets(group, {self.topic: [(0, 9, "newer")]}), {self.topic: {0: 0}})
            self.restart(how)
            body = gb.fetch_body(9, {group: None})
            self.assertEqual(gb.fetch_answer(9, self.one.ask(gb.OFFSET_FETCH, 9, body)),
                             {group: (0, {self.topic: {0: (9, 0, "newer", 0), 1: (8, 0, "", 0)}})})

    def test_deleted_offsets_and_groups_stay_deleted(self):
        for how, group in self.each_stop():
            for name in (group, group + "-kept"):
                self.commit_offsets(name, {self.topic: [(0, 7, ""), (1, 8, "")]})
            self.assertEqual(gb.delete_answer(2, self.one.ask(gb.DELETE, 2, gb.delete_body(2, [group]))), {group: 0})
            body = gb.offset_delete_body(group + "-kept", {self.topic: [0]})
            self.assertEqual(gb.offset_delete_answer(self.one.ask(gb.OFFSET_DELETE, 0, body)), (0, {self.topic: {0: 0}}))
            self.restart(how)
            groups = gb.list_answer(5, self.one.ask(gb.LIST, 5, gb.list_body(5)))
            self.assertNotIn(group, groups)
            self.assertIn(group + "-kept", groups)
            self.assertEqual(self.committed_offset(group), (-1, 0))
            self.assertEqual(self.committed_offset(group + "-kept"), (-1, 0))

    def test_a_member_of_a_classic_group_goes_on_in_its_generation(self):
        for how, group in self.each_stop():
            member = gb.Member(self.broker, group)
            member.join(session=30_000)
            self.assertEqual(member.sync([(member.id, b"mine")])[0], 0)
            self.assertEqual(member.commit({self.topic: [(0, 5, "")]}, generation=member.generation, member=member.id),
                             {self.topic: {0: 0}})
            member.socket.close()
            self.restart(how)
            again = gb.Member(self.broker, group)
            self.addCleanup(again.socket.close)
            again.id, again.generation = member.id, member.generation
            self.assertEqual(again.heartbeat(), 0)
            self.assertEqual(again.sync()[3], b"mine")
            described = again.describe()
            self.assertEqual((described["state"], described["protocol"], list(described["members"])),
                             ("Stable", "range", [member.id]))
            self.assertEqual(again.commit({self.topic: [(0, 6, "")]}, generation=again.generation, member=again.id),
                             {self.topic: {0: 0}})
            self.assertEqual(self.committed_offset(group), (6, 0))
            again.join(session=30_000)
            self.assertEqual(again.generation, member.generation + 1)


class Transactions(RestartTest):
    def test_what_was_committed_and_what_was_aborted_stays_so(self):
        for how, name in self.each_stop():
            self.new_topic(name)
            first, second = self.producer(name + "-a"), self.producer(name + "-b")
            self.assertEqual(self.produce(first, 0, [ABORTED], transactional_id=name + "-a", version=12), (0, 0))
            self.assertEqual(self.produce(second, 0, [COMMITTED], transactional_id=name + "-b", version=12), (0, 1))
            self.assertEqual(self.end(first, False, transactional_id=name + "-a"), 0)
            self.assertEqual(self.end(second, True, transactional_id=name + "-b"), 0)
            before = self.fetch()
            self.assertEqual(before[:3], (4, 4, [(first[0], 0)]))
            self.restart(how)
            self.assertEqual(self.fetch(), before)
            self.assertEqual((self.values(0), self.values(1)), ([ABORTED, COMMITTED], [COMMITTED]))
            self.assertEqual((self.latest(0), self.latest(1)), (4, 4))
            self.assertEqual(self.state(name + "-a"), (0, "CompleteAbort", *first, []))
            self.assertEqual(self.state(name + "-b"), (0, "CompleteCommit", *second, []))
            self.assertEqual(self.end(second, True, transactional_id=name + "-b"), 0)  # a retry

    def test_an_open_transaction_may_go_on_and_commit(self):
        for how, name in self.each_stop():
            self.new_topic(name)
            producer = self.producer(name)
            self.assertEqual(self.produce(producer, 0, [COMMITTED], transactional_id=name, version=12), (0, 0))
            self.restart(how)
            self.assertEqual(self.state(name), (0, "Ongoing", *producer, [(name, [0])]))
            self.assertEqual(self.fetch(), (1, 0, [], b""))
            self.assertEqual((self.latest(0), self.latest(1)), (1, 0))
            self.assertEqual(self.produce(producer, 1, [COMMITTED], transactional_id=name, version=12), (0, 1))
            self.assertEqual(self.end(producer, True, transactional_id=name), 0)
            self.assertEqual(self.fetch()[:3], (3, 3, []))
            self.assertEqual(self.values(), [COMMITTED] * 2)

    def test_a_new_instance_of_the_producer_aborts_what_was_open(self):
        for how, name in self.each_stop():
            self.new_topic(name)
            producer, _ = self.producer(name)
            self.produce((producer, 0), 0, [ABORTED], transactional_id=name, version=12)
            self.restart(how)
            self.assertEqual(self.initialize(name), (CONCURRENT, -1, -1))  # aborted now; the client asks again
            self.assertEqual(self.initialize(name), (0, producer, 2))
            self.assertEqual(self.fetch()[1:3], (2, [(producer, 0)]))
            self.assertEqual(self.end((producer, 0), True, transactional_id=name), FENCED)
            self.assertEqual(self.produce((producer, 0), 1, transactional_id=name)[0], INVALID_EPOCH)
            self.assertEqual(self.produce((producer, 2), 0, [COMMITTED], transactional_id=name, version=12), (0, 2))
            self.assertEqual(self.end((producer, 2), True, transactional_id=name), 0)
            self.restart(how)
            self.assertEqual(self.values(), [COMMITTED])
            self.assertEqual(self.fetch()[2], [(producer, 0)])

    def test_an_open_transaction_times_out_as_if_there_had_been_no_restart(self):
        for how, name in self.each_stop():
            self.new_topic(name)
            producer = self.producer(name, timeout=1500)
            self.produce(producer, 0, [ABORTED], transactional_id=name, version=12)
            self.restart(how)
            self.wait_until(lambda: self.state(name)[1] == "CompleteAbort")
            self.assertEqual(self.fetch()[:3], (2, 2, [(producer[0], 0)]))
            self.assertEqual(self.values(), [])

    def test_no_producer_id_is_given_to_a_second_producer(self):
        ids = [self.producer(None)[0], self.producer()[0]]
        for how, name in self.each_stop():
            self.restart(how)
            ids += [self.producer(None)[0], self.producer(name)[0]]
        self.assertEqual(len(ids), len(set(ids)))

    def test_sequence_numbers_go_on_and_a_retry_is_answered_with_its_old_offset(self):
        for how, name in self.each_stop():
            self.new_topic(name)
            producer = self.producer(None)
            for sequence in range(0, 14, 2):
                self.assertEqual(self.produce(producer, sequence, [b"a", b"b"], transactional=False), (0, sequence))
            self.restart(how)
            for sequence in range(4, 14, 2):  # the last five
                self.assertEqual(self.produce(producer, sequence, [b"a", b"b"], transactional=False), (0, sequence))
            self.assertEqual(self.produce(producer, 20, transactional=False), (OUT_OF_ORDER, -1))
            self.assertEqual(self.produce(producer, 14, transactional=False), (0, 14))
            self.assertEqual(self.latest(0), 15)


class OffsetsInTransactions(RestartTest):
    def test_they_hold_when_the_transaction_commits_and_are_unstable_before(self):
        for how, name in self.each_stop():
            producer = self.producer(name)
            self.commit_offsets(name, {self.topic: [(0, 3, "")]})
            self.assertEqual(self.add_offsets(name, producer, name), 0)
            self.assertEqual(self.commit_offset_in_transaction(name, producer, name, 40), 0)
            for restarted in (False, True):
                self.assertEqual(self.committed_offset(name, stable=True), (-1, UNSTABLE_OFFSET_COMMIT))
                self.assertEqual(self.committed_offset(name), (3, 0))
                if not restarted:
                    self.restart(how)
            self.assertEqual(self.end(producer, True, transactional_id=name), 0)
            self.assertEqual(self.committed_offset(name, stable=True), (40, 0))
            self.restart(how)
            self.assertEqual(self.committed_offset(name, stable=True), (40, 0))

    def test_they_vanish_when_the_transaction_is_aborted(self):
        for how, name in self.each_stop():
            producer = self.producer(name)
            self.commit_offsets(name, {self.topic: [(0, 3, "")]})
            self.assertEqual(self.add_offsets(name, producer, name), 0)
            self.assertEqual(self.commit_offset_in_transaction(name, producer, name, 40), 0)
            self.restart(how)
            self.assertEqual(self.end(producer, False, transactional_id=name), 0)
            self.assertEqual(self.committed_offset(name, stable=True), (3, 0))
            self.restart(how)
            self.assertEqual(self.committed_offset(name, stable=True), (3, 0))


class DeletedRecords(RestartTest):
    ask, delete_records = TopicsTest.ask, TopicsTest.delete_records

    def test_the_first_offset_stays_and_no_time_finds_a_deleted_record(self):
        for how, name in self.each_stop():
            self.new_topic(name)
            # Offsets 0 to 3; the latest record is the first one.
            late, early = kb.record(0, None, b"late", 900), b"".join(kb.record(n, None, b"early", n) for n in (1, 2, 3))
            batch = kb.batch([], records=late + early, count=4, last_delta=3, max_timestamp=1900)
            self.assertEqual(self.one.produce(name, batch), (0, 0))
            self.assertEqual(self.one.list_offset(name, -3), (0, 1900, 0))
            self.assertEqual(self.delete_records([(0, 2)], name), [(0, 2, 0)])
            for restarted in (False, True):
                self.assertEqual(self.one.list_offset(name, -2), (0, -1, 2))
                self.assertEqual(self.one.list_offset(name, 0), (0, 1002, 2))
                self.assertEqual(self.one.list_offset(name, 1003), (0, 1003, 3))
                self.assertEqual(self.one.list_offset(name, 1500), (0, -1, -1))
                self.assertEqual(self.one.list_offset(name, -3), (0, 1003, 3))
                self.assertEqual(self.one.fetch(name, [(0, 1, 1 << 20)])[0][1], 1)  # out of range
                if not restarted:
                    self.restart(how)
            self.assertEqual(self.one.produce(name, kb.batch([b"new"], timestamp=1003)), (0, 4))
            self.assertEqual(self.one.list_offset(name, -3), (0, 1003, 3))  # the first one of that time


if __name__ == "__main__":
    unittest.main(verbosity=2)
