"""Transactions of the echo broker: states and codes with raw frames, and whole transactions with librdkafka.

The code of each refusal is Kafka's.
"""

import json
import pathlib
import struct
import subprocess
import time
import unittest

import echo_broker as eb
import kafka_bytes as kb
from echo_broker_transactions import *
from pythons import python_with


class Producers(TransactionsTest):
    def test_each_idempotent_producer_gets_a_new_id(self):
        first, second = self.producer(None), self.producer(None)
        self.assertEqual((first[1], second[1]), (0, 0))
        self.assertNotEqual(first[0], second[0])

    def test_a_transactional_id_keeps_its_producer_id_and_gets_a_new_epoch_each_time(self):
        producer, epoch = self.producer()
        self.assertEqual(epoch, 0)
        self.assertEqual(self.producer(), (producer, 1))
        self.assertNotEqual(self.producer("other")[0], producer)

    def test_time_outs_have_bounds(self):
        for timeout, error in (0, INVALID_TIMEOUT), (-1, INVALID_TIMEOUT), (1, 0), (900_000, 0), (900_001, INVALID_TIMEOUT):
            with self.subTest(timeout):
                self.assertEqual(self.initialize(timeout=timeout)[0], error)

    def test_requests_that_make_no_sense_are_invalid(self):
        self.assertEqual(self.initialize(""), (42, -1, -1))
        self.assertEqual(self.initialize(producer=(5, -1))[0], 42)
        self.assertEqual(self.initialize(producer=(-1, 5))[0], 42)

    def test_a_producer_that_says_who_it_is_goes_on_with_the_next_epoch_and_may_ask_again(self):
        producer, epoch = self.producer()
        self.assertEqual(self.producer(producer=(producer, 0)), (producer, 1))
        self.assertEqual(self.producer(producer=(producer, 0)), (producer, 1))  # the answer was lost
        self.assertEqual(self.producer(producer=(producer, 1)), (producer, 2))
        self.assertEqual(self.initialize(producer=(producer, 0)), (FENCED, -1, -1))
        self.assertEqual(self.initialize(producer=(producer, 0), version=3), (INVALID_EPOCH, -1, -1))
        self.assertEqual(self.initialize(producer=(producer + 1, 2))[0], FENCED)
        self.producer()  # another instance: from here on even the last one is fenced
        self.assertEqual(self.initialize(producer=(producer, 2))[0], FENCED)

    def test_a_new_producer_id_follows_when_the_epochs_are_used_up(self):
        producer, epoch = self.producer()
        while epoch < 32766:
            same, epoch = self.producer(producer=(producer, epoch))
            self.assertEqual(same, producer)
        new, epoch = self.producer(producer=(producer, 32766))
        self.assertNotEqual(new, producer)
        self.assertEqual(epoch, 0)
        self.assertEqual(self.producer(producer=(producer, 32766)), (new, 0))  # the answer was lost

    def test_ids_without_a_transaction_are_forgotten_when_they_would_take_too_much_memory(self):
        kept, idle = self.producer("kept", timeout=900_000), self.producer("idle")
        self.add(kept, transactional_id="kept")
        for number in range(2500):  # 80 MB
            self.producer(f"{number:032000}")
        self.assertEqual(self.add(idle, transactional_id="idle"), INVALID_MAPPING)
        self.assertEqual(self.end(kept, True, transactional_id="kept"), 0)
        if not eb.SANITIZED:
            self.assertLess(self.broker.status("VmRSS"), 120_000)

    def test_sequence_numbers_begin_again_with_an_epoch_that_a_marker_brought(self):
        producer, _ = self.producer()
        self.assertEqual(self.produce((producer, 0), 0, version=12), (0, 0))
        self.assertEqual(self.end((producer, 0), True, version=5), (0, producer, 1))
        self.assertEqual(self.produce((producer, 1), 1, version=12)[0], OUT_OF_ORDER)
        self.assertEqual(self.produce((producer, 1), 0, version=12), (0, 2))
        self.assertEqual(self.produce((producer, 1), 0, version=12), (0, 2))  # again: known
        self.assertEqual(self.produce((producer, 1), 2, version=12)[0], OUT_OF_ORDER)
        self.assertEqual(self.produce((producer, 0), 1, version=12)[0], INVALID_EPOCH)


class States(TransactionsTest):
    def test_a_transaction_goes_through_its_states(self):
        producer = self.producer()
        self.assertEqual(self.state(), (0, "Empty", *producer, []))
        self.assertEqual(self.end(producer, True), INVALID_STATE)
        self.assertEqual(self.end(producer, False), INVALID_STATE)
        self.assertEqual(self.add(producer), 0)
        self.assertEqual(self.state(), (0, "Ongoing", *producer, [(self.topic, [0])]))
        self.assertEqual(self.add(producer), 0)
        self.assertEqual(self.end(producer, True), 0)
        self.assertEqual(self.state(), (0, "CompleteCommit", *producer, []))
        self.assertEqual(self.end(producer, True), 0)  # again
        self.assertEqual(self.end(producer, False), INVALID_STATE)
        self.assertEqual(self.add(producer), 0)
        self.assertEqual(self.end(producer, False), 0)
        self.assertEqual(self.state(), (0, "CompleteAbort", *producer, []))
        self.assertEqual(self.end(producer, False), 0)
        self.assertEqual(self.end(producer, True), INVALID_STATE)
        self.assertEqual(self.state("unknown")[0], NOT_FOUND)

    def test_each_request_must_come_from_the_newest_producer_of_its_id(self):
        producer, epoch = self.producer()
        self.producer()
        cases = (("", (producer, 1), 42), ("unknown", (producer, 1), INVALID_MAPPING), ("t", (producer + 1, 1), INVALID_MAPPING),
                 ("t", (producer, 0), FENCED), ("t", (producer, 2), FENCED))
        for transactional_id, who, error in cases:
            with self.subTest(transactional_id=transactional_id, producer=who):
                for version in range(6):
                    expected = INVALID_EPOCH if version < 2 and error == FENCED else error
                    self.assertEqual(self.add(who, transactional_id=transactional_id, version=version), expected)
                    ended = self.end(who, True, transactional_id=transactional_id, version=version)
                    self.assertEqual(ended, expected if version < 5 else (expected, -1, -1))
                    if version < 5:
                        body = kb.add_offsets_body(version, transactional_id, who, "group")
                        error_code = struct.unpack_from(">h", self.one.ask(ADD_OFFSETS, version, body), 4)[0]
                        self.assertEqual(error_code, expected)

    def test_partitions_are_added_all_or_none(self):
        producer = self.producer()
        self.assertEqual(self.add(producer, {self.topic: [0, 7], "unknown": [0]}),
                         {(self.topic, 0): NOT_ATTEMPTED, (self.topic, 7): 3, ("unknown", 0): 3})
        self.assertEqual(self.state()[1], "Empty")

    def test_the_batched_form_adds_or_only_verifies(self):
        producer = self.producer()
        self.assertEqual(self.add(producer, verify=True, version=5), ABORTABLE)
        self.assertEqual(self.add(producer, version=5), 0)
        self.assertEqual(self.add(producer, {self.topic: [0, 1]}, verify=True, version=5),
                         {(self.topic, 0): 0, (self.topic, 1): ABORTABLE})
        self.assertEqual(self.state()[4], [(self.topic, [0])])

    def test_initialization_aborts_what_the_last_producer_left_and_is_asked_for_again(self):
        producer, _ = self.producer()
        self.add((producer, 0))
        self.produce((producer, 0), 0)
        self.assertEqual(self.initialize(), (CONCURRENT, -1, -1))
        self.assertEqual(self.state(), (0, "CompleteAbort", producer, 1, []))
        self.assertEqual(self.initialize(), (0, producer, 2))
        self.assertEqual(self.produce((producer, 0), 1)[0], INVALID_EPOCH)
        self.assertEqual(self.end((producer, 0), True), FENCED)
        self.assertEqual(self.fetch()[1:3], (2, [(producer, 0)]))

    def test_from_end_txn_5_on_each_end_brings_a_new_epoch_and_may_come_again(self):
        producer, _ = self.producer()
        self.assertEqual(self.end((producer, 0), True, version=5), (INVALID_STATE, -1, -1))
        self.assertEqual(self.end((producer, 0), False, version=5), (0, producer, 1))  # an abort of nothing
        self.assertEqual(self.end((producer, 0), False, version=5), (0, producer, 1))  # again
        self.assertEqual(self.end((producer, 0), True, version=5), (INVALID_STATE, -1, -1))
        self.produce((producer, 1), 0, version=12)
        self.assertEqual(self.end((producer, 0), True, version=5), (FENCED, -1, -1))
        self.assertEqual(self.end((producer, 1), True, version=5), (0, producer, 2))
        self.assertEqual(self.end((producer, 1), True, version=5), (0, producer, 2))
        self.assertEqual(self.end((producer, 2), True, version=5), (INVALID_STATE, -1, -1))

    def test_a_new_producer_id_follows_an_end_that_uses_up_the_epochs(self):
        first = producer = self.producer()
        while producer[1] < 32766:
            producer = self.producer(producer=producer)
        self.produce(producer, 0, version=12)
        error, *following = self.end(producer, True, version=5)
        self.assertEqual((error, following[1]), (0, 0))
        self.assertNotEqual(following[0], first[0])
        self.assertEqual(self.end(producer, True, version=5), (0, *following))  # again
        self.assertEqual(self.produce(tuple(following), 0, version=12), (0, 2))

    def test_a_transaction_that_takes_too_long_is_aborted_and_its_producer_fenced(self):
        producer, _ = self.producer(timeout=2000)  # enough for a test that has to wait for a processor
        self.add((producer, 0))
        self.produce((producer, 0), 0)
        self.wait_until(lambda: self.state()[1] == "CompleteAbort")
        self.assertEqual(self.state(), (0, "CompleteAbort", producer, 1, []))
        self.assertEqual(self.fetch()[:3], (2, 2, [(producer, 0)]))
        self.assertEqual(self.produce((producer, 0), 1)[0], INVALID_EPOCH)
        self.assertEqual(self.end((producer, 0), True), FENCED)
        self.assertEqual(self.producer(producer=(producer, 0), timeout=200), (producer, 1))  # it may go on
        self.assertEqual(self.producer(producer=(producer, 1), timeout=200), (producer, 2))

    def test_transactions_are_listed_by_state_producer_and_age(self):
        first, second = self.producer("a"), self.producer("b")
        self.add(second, transactional_id="b")

        def listed(states=(), producers=(), duration=-1):
            w = kb.Writer(True)
            w.array(states, w.string)
            w.array(producers, lambda one: w.put("q", one))
            w.put("q", duration)
            w.tags()
            r = kb.Reader(self.one.ask(LIST_TRANSACTIONS, 1, w.out), True)
            self.assertEqual(r.get("ih"), (0, 0))
            unknown = r.array(r.string)

            def one():
                out = r.string(), r.get("q"), r.string()
                r.tags()
                return out
            out = r.array(one)
            r.tags()
            r.end()
            return unknown, out
        a, b = ("a", first[0], "Empty"), ("b", second[0], "Ongoing")
        self.assertEqual(listed(), ([], [a, b]))
        self.assertEqual(listed(["Ongoing"]), ([], [b]))
        self.assertEqual(listed(["Ongoing", "Asleep"]), (["Asleep"], [b]))
        self.assertEqual(listed(["Asleep"]), (["Asleep"], []))
        self.assertEqual(listed(producers=[first[0]]), ([], [a]))
        time.sleep(0.01)
        self.assertEqual(listed(duration=1), ([], [b]))
        self.assertEqual(listed(duration=60_000), ([], []))


class Writes(TransactionsTest):
    def test_a_transactional_batch_needs_a_transaction_with_its_partition(self):
        producer = self.producer()
        self.assertEqual(self.produce(producer, 0, transactional_id=None)[0], NOT_AUTHORIZED)
        self.assertEqual(self.produce(producer, 0, transactional_id="unknown")[0], INVALID_MAPPING)
        self.assertEqual(self.produce(producer, 0)[0], INVALID_STATE)
        self.assertEqual(self.produce(producer, 0, version=11)[0], ABORTABLE)
        self.add(producer, {self.topic: [1]})
        self.assertEqual(self.produce(producer, 0)[0], INVALID_STATE)
        self.assertEqual(self.produce(producer, 0, partition=1), (0, 0))

    def test_from_produce_12_on_a_batch_adds_its_partition(self):
        producer = self.producer()
        for version, partition in (12, 0), (13, 1):
            self.assertEqual(self.produce(producer, 0, version=version, partition=partition), (0, 0))
        self.assertEqual(self.state(), (0, "Ongoing", *producer, [(self.topic, [0, 1])]))

    def test_a_transaction_of_the_second_protocol_begins_with_sequence_number_0(self):
        first, second = self.producer("a"), self.producer("b")
        self.assertEqual(self.produce(first, 5, transactional_id="a", version=12)[0], OUT_OF_ORDER)
        self.add(second, transactional_id="b")
        self.assertEqual(self.produce(second, 5, transactional_id="b", version=11), (0, 0))

    def test_a_producer_with_an_open_transaction_writes_nothing_outside_of_it(self):
        producer = self.producer()
        self.produce(producer, 0, version=12)
        self.assertEqual(self.produce(producer, 1, transactional=False)[0], INVALID_STATE)
        self.assertEqual(self.produce(producer, 1, version=12), (0, 1))

    def test_producers_of_a_partition_are_described(self):
        producer = self.producer()
        self.produce(producer, 0, [b"a", b"b"], version=12)

        def described(index):
            w = kb.Writer(True)

            def topic(name):
                w.string(name)
                w.array([index], lambda one: w.put("i", one))
                w.tags()
            w.array([self.topic], topic)
            w.tags()
            r = kb.Reader(self.one.ask(DESCRIBE_PRODUCERS, 0, w.out), True)
            r.get("i")

            def one():
                out = r.get("qiiqiq")
                r.tags()
                return out

            def partition():
                out = *r.get("ih"), r.string(), r.array(one)
                r.tags()
                return out

            def answer():
                r.string()
                out = r.array(partition)
                r.tags()
                return out
            out = r.array(answer)[0][0]
            r.tags()
            r.end()
            return out
        self.assertEqual(described(0), (0, 0, None, [(*producer, 1, 1000, -1, 0)]))
        self.assertEqual(described(7), (7, 3, None, []))
        self.end(producer, True)
        only = described(0)[3][0]
        self.assertEqual((only[:3], only[4:]), ((*producer, 1), (0, -1)))


class Reads(TransactionsTest):
    def test_a_reader_of_committed_records_stops_before_the_first_open_transaction(self):
        first, second = self.producer("a"), self.producer("b")
        for number in 0, 1:  # offsets 0 to 3
            self.produce(first, number, transactional_id="a", version=12)
            self.produce(second, number, transactional_id="b", version=12)
        plain = kb.batch([b"plain"])
        self.assertEqual(self.one.produce(self.topic, plain), (0, 4))
        high, stable, aborted, records = self.fetch()
        self.assertEqual((high, stable, aborted, records), (5, 0, [], b""))
        self.assertEqual((self.latest(0), self.latest(1)), (5, 0))
        self.assertEqual(self.fetch(isolation=0)[:3], (5, 0, None))
        self.assertGreater(len(self.fetch(isolation=0)[3]), 4 * 61)

        self.assertEqual(self.end(second, True, transactional_id="b"), 0)  # its first record is after one of the other
        self.assertEqual(self.fetch()[:3], (6, 0, []))
        self.assertEqual(self.end(first, False, transactional_id="a"), 0)
        high, stable, aborted, records = self.fetch()
        self.assertEqual((high, stable, aborted), (7, 7, [(first[0], 0)]))
        self.assertEqual(records, self.fetch(isolation=0)[3])
        self.assertEqual(self.latest(1), 7)
        self.assertEqual(self.fetch(7)[2], [])  # after the marker
        self.assertEqual(self.fetch(6)[2], [(first[0], 0)])

    def test_markers_are_control_batches_of_the_producer(self):
        producer = self.producer()
        self.produce(producer, 0, version=12)
        self.end(producer, True)
        marker = self.fetch(1, isolation=0)[3]
        base, _, leader_epoch, magic = struct.unpack_from(">qiib", marker)
        attributes, = struct.unpack_from(">h", marker, 21)
        self.assertEqual((len(marker), base, leader_epoch, magic, attributes), (MARKER, 1, 0, 2, 0x30))
        self.assertEqual(struct.unpack_from(">qhi", marker, 43), (*producer, -1))
        self.assertEqual(struct.unpack_from(">I", marker, 17)[0], kb.crc32c(marker[21:]))
        self.assertEqual(marker[66:70], b"\0\0\0\1")  # version 0, commit

    def test_a_partition_without_records_of_the_transaction_gets_a_marker_too(self):
        producer = self.producer()
        self.add(producer, {self.topic: [1]})
        self.end(producer, False)
        self.assertEqual(self.fetch(partition=1)[:3], (1, 1, []))

    def test_a_reader_that_waits_wakes_when_its_records_are_committed(self):
        producer = self.producer()
        reader = self.client()
        began = time.monotonic()
        reader.send(eb.FETCH, 11, kb.fetch_body(11, self.topic, [(0, 0, 1 << 20)], max_wait=20_000, isolation=1))
        self.produce(producer, 0, version=12)
        reader.socket.settimeout(0.2)
        with self.assertRaises(TimeoutError):
            reader.read(1)
        reader.socket.settimeout(eb.PATIENCE)
        self.end(producer, True)
        stable = {}
        error, answer = kb.fetch_answer(11, reader.receive(), stable)
        self.assertEqual(stable[0], (2, []))
        self.assertGreater(len(answer[0][3]), MARKER)
        self.assertLess(time.monotonic() - began, eb.SOON)

    def test_plain_records_wake_a_reader_of_committed_ones(self):
        reader = self.client()
        reader.send(eb.FETCH, 11, kb.fetch_body(11, self.topic, [(0, 0, 1 << 20)], max_wait=20_000, isolation=1))
        reader.wait_until_read()
        began = time.monotonic()
        self.one.produce(self.topic, kb.batch([b"plain"]))
        self.assertTrue(kb.fetch_answer(11, reader.receive(), {})[1][0][3])
        self.assertLess(time.monotonic() - began, eb.SOON)

    def test_the_transaction_state_is_written_to_its_topic_if_there_is_one(self):
        self.one.ask(eb.METADATA, 12, kb.metadata_body(12, ["__transaction_state"]))
        producer = self.producer()
        self.produce(producer, 0, version=12)
        self.end(producer, True)
        records = [self.one.fetch("__transaction_state", [(i, 0, 1 << 20)])[0][3] for i in (0, 1)]
        found = [r for r in records if r]
        self.assertEqual(len(found), 1)
        self.assertEqual(found[0].count(b"\0\0\0\1t"), 4)  # empty, ongoing, prepared, complete


LIBRDKAFKA = pathlib.Path(__file__).with_name("transactions_of_librdkafka.py")
PYTHON = python_with("confluent_kafka")


@unittest.skipUnless(PYTHON, "confluent-kafka is missing")
class Librdkafka(TransactionsTest):
    def run_client(self, *arguments):
        done = subprocess.run([PYTHON, LIBRDKAFKA, f"127.0.0.1:{self.broker.port}", *arguments], capture_output=True, text=True,
                              timeout=4 * eb.PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_commits_are_read_and_aborts_are_not(self):
        self.assertEqual(self.run_client("commits_and_aborts"), {
            "read_committed": ["first 0", "first 1", "third 0", "third 1"],
            "read_uncommitted": ["first 0", "first 1", "second 0", "second 1", "third 0", "third 1"]})

    def test_a_producer_is_fenced_by_the_next_one_of_its_id(self):
        self.assertEqual(self.run_client("fencing"), {"error": "_FENCED", "read_committed": ["new"]})


if __name__ == "__main__":
    unittest.main(verbosity=2)
