#!/usr/bin/env python3
"""Which records the echo broker takes, what it does with a batch that comes twice, and which record it finds by time.

    KWIRE_BUILD_DIR=build/release python3 tests/examples/test_echo_broker_records.py

The expected codes are those of Apache Kafka 4.4.0 for the same bytes. Two differ: for records that are garbage and for an unassigned
compression type Kafka runs into an unexpected exception and answers -1.
"""

import gzip
import pathlib
import struct
import sys
import unittest
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import kafka_bytes as kb
from echo_broker import *

GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4
LOG_APPEND_TIME, TRANSACTIONAL, CONTROL = 8, 16, 32
GOOD = kb.batch([b"good"])


def gzip_bomb(size):
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    out = b"".join(deflate.compress(bytes(1 << 20)) for _ in range(size >> 20))
    return out + deflate.flush()


def with_magic(batch, magic):
    return batch[:16] + bytes([magic]) + batch[17:]


# (what, error, records): what every version from 3 on refuses.
REFUSED = [
    ("null", 87, None),
    ("empty", 87, b""),
    ("cut", 87, GOOD[:-1]),
    ("cut before the magic", 87, GOOD[:16]),
    ("two batches", 87, GOOD + GOOD),
    ("bad checksum", 2, kb.batch([b"x"], damage=True)),
    ("magic 1", 87, with_magic(GOOD, 1)),
    ("magic 3", 2, with_magic(GOOD, 3)),
    ("magic 3 after the batch", 2, GOOD + with_magic(GOOD, 3)),
    ("a length below every batch's", 2, GOOD[:8] + struct.pack(">i", 5) + GOOD[12:]),
    ("base offset 5", 87, kb.batch([b"x"], base_offset=5)),
    ("count 3 of 2", 87, kb.batch([b"x", b"y"], count=3)),
    ("count 3 of 2, with its offsets", 87, kb.batch([b"x", b"y"], count=3, last_delta=2)),
    ("count 1, two records", 87, kb.batch([b"x", b"y"], count=1, last_delta=0)),
    ("count 0", 87, kb.batch([], last_delta=0)),
    ("count 0 of 1", 87, kb.batch([b"x"], count=0)),
    ("count 2^31-1", 87, kb.batch([b"x"], count=2**31 - 1, last_delta=2**31 - 2)),
    ("offsets that the records do not have", 87, kb.batch([b"x"], last_delta=5)),
    ("two records of one offset", 87, kb.batch([b"x"] * 2, records=kb.record(0, None, b"x") * 2)),
    ("garbage records", 87, kb.batch([b"x"], records=b"\xff" * 40)),
    ("a byte after the records", 87, kb.batch([b"x"], records=lambda plain: plain + b"\0")),
    ("a record that is cut", 87, kb.batch([b"x" * 9], records=lambda plain: plain[:-3])),
    ("gzip that is none", 87, kb.batch([b"x"], attributes=GZIP)),
    ("gzip that is cut", 87, kb.batch([b"x"], attributes=GZIP, records=lambda plain: gzip.compress(plain)[:-6])),
    ("gzip of garbage", 87, kb.batch([b"x"], attributes=GZIP, records=gzip.compress(b"\xff" * 40))),
    ("gzip of two records, count 1", 87, kb.batch([b"x", b"y"], attributes=GZIP, count=1, last_delta=0, records=gzip.compress)),
    ("snappy that is none", 87, kb.batch([b"x"], attributes=SNAPPY)),
    ("lz4 that is none", 87, kb.batch([b"x"], attributes=LZ4)),
    ("zstd that is none", 87, kb.batch([b"x"], attributes=ZSTD)),
    ("codec 5", 76, kb.batch([b"x"], attributes=5)),
    ("codec 7", 76, kb.batch([b"x"], attributes=7)),
    ("control batch", 87, kb.batch([b"x"], attributes=CONTROL)),
    ("transactional, without a transaction, and with another defect", 53,
     kb.batch([b"x"], attributes=TRANSACTIONAL, producer=(1, 0, 0), damage=True)),
    ("transactional, without a transaction", 53, kb.batch([b"x"], attributes=TRANSACTIONAL, producer=(1, 0, 0))),
    ("a timestamp more than an hour ahead", 32, kb.batch([b"x"], timestamp=1 << 60)),
    ("append time without a time", 32, kb.batch([b"x"], attributes=LOG_APPEND_TIME, timestamp=-1)),
    ("a producer id without a sequence number", 87, kb.batch([b"x"], producer=(3, 0, -1))),
    ("more than 1 MiB", 10, kb.batch([b"x" * (1 << 20)])),
]


class Records(BrokerTest):
    def setUp(self):
        super().setUp()
        self.peer = self.client()
        self.peer.create(self.topic)

    def stored(self, offset=0, partition=0):
        (_, error, _, records), = self.peer.fetch(self.topic, [(partition, offset, 1 << 30)])
        self.assertEqual(error, 0)
        return records

    # -- what a leader takes

    def test_records_that_a_consumer_could_not_read_are_refused_and_not_stored(self):
        for version in (7, 9):
            for what, error, records in REFUSED:
                with self.subTest(what, version=version):
                    self.assertEqual(self.peer.produce(self.topic, records, version=version), (error, -1))
        self.assertEqual(self.stored(), b"")
        self.assertEqual(self.peer.produce(self.topic, GOOD), (0, 0))

    def test_a_refusal_has_a_reason_with_the_place_of_the_error(self):
        body = kb.produce_body(8, self.topic, [(0, kb.batch([b"x"], records=b"\xff" * 40))])
        answer = self.peer.ask(PRODUCE, 8, body)
        self.assertIn(b"batches[0].records[0]", answer)
        self.peer.send(PRODUCE, 8, kb.produce_body(8, self.topic, [(0, kb.batch([b"x"], damage=True))], acks=0))
        self.assertTrue(self.peer.is_closed())
        self.assertRegex(self.broker.errors(), "refused records without acknowledgement: .*batches.0..crc: crc_mismatch")
        self.peer = self.client()

    def test_versions_and_targets_that_are_refused(self):
        zstd_none = kb.batch([b"x"], attributes=ZSTD)
        for version in (3, 6):
            self.assertEqual(self.peer.produce(self.topic, zstd_none, version=version), (76, -1))
        self.assertEqual(self.peer.produce(self.topic, GOOD, acks=2), (21, -1))
        self.assertEqual(self.peer.produce("not created", GOOD), (3, -1))
        self.assertEqual(self.peer.produce(self.topic, GOOD, partition=2), (3, -1))
        self.assertEqual(self.peer.produce(self.topic, GOOD, partition=-1), (3, -1))
        self.assertEqual(self.peer.produce(bytes(16), GOOD, version=13), (100, -1))
        self.assertEqual(self.stored(), b"")

    def test_a_second_batch_that_is_cut_does_not_count(self):
        for number, rest in enumerate((b"\0", GOOD[:16], GOOD[:-1])):
            self.assertEqual(self.peer.produce(self.topic, GOOD + rest), (0, number))
        self.assertEqual(self.stored(), b"".join(stamped(GOOD, n) for n in range(3)))

    def test_a_wrong_timestamp_type_or_largest_timestamp_is_corrected(self):
        right = kb.batch([b"x"] * 3, timestamp=5000, step=10)
        for offset, wrong in ((0, kb.batch([b"x"] * 3, timestamp=5000, step=10, max_timestamp=7)),
                              (3, kb.batch([b"x"] * 3, timestamp=5000, step=10, max_timestamp=-1))):
            self.assertEqual(self.peer.produce(self.topic, wrong), (0, offset))
            self.assertEqual(self.stored(offset), stamped(right, offset))
        append_time = kb.batch([b"x"] * 3, timestamp=5000, step=10, attributes=LOG_APPEND_TIME)
        self.assertEqual(self.peer.produce(self.topic, append_time), (0, 6))
        self.assertEqual(self.stored(6), stamped(right, 6))

    def test_compressed_batches_are_opened_up_to_a_limit_and_stored_as_they_came(self):
        fine = kb.batch([bytes(20 << 20)], attributes=GZIP, records=gzip.compress)
        self.assertEqual(self.peer.produce(self.topic, fine), (0, 0))
        self.assertEqual(self.stored(), stamped(fine, 0))
        bomb = kb.batch([b"x"], attributes=GZIP, records=gzip_bomb(200 << 20))
        for _ in range(3):
            self.assertEqual(self.peer.produce(self.topic, bomb), (87, -1))
        if not SANITIZED:
            self.assertLess(self.broker.status("VmHWM"), 120 << 10, "kB")
            self.assertLess(self.broker.status("VmRSS"), 30 << 10, "kB")

    # -- batches that come twice (KIP-98)

    def sequence(self, steps, topic=None):
        """Produces (producer id, epoch, sequence, records) and compares with (error, offset)."""
        for number, (producer, result) in enumerate(steps):
            *who, count = producer
            records = kb.batch([b"x"] * count, producer=tuple(who))
            self.assertEqual(self.peer.produce(topic or self.topic, records), result, number)

    def test_a_batch_that_comes_again_is_acknowledged_with_its_offset_and_not_stored_again(self):
        self.sequence([((7, 0, 0, 2), (0, 0)), ((7, 0, 0, 2), (0, 0)), ((7, 0, 2, 1), (0, 2)), ((8, 0, 0, 1), (0, 3)),
                       ((7, 0, 3, 1), (0, 4)), ((7, 0, 4, 1), (0, 5)), ((7, 0, 5, 1), (0, 6)),
                       ((7, 0, 0, 2), (0, 0)), ((7, 0, 3, 1), (0, 4)), ((8, 0, 0, 1), (0, 3)),  # the last five
                       ((7, 0, 6, 1), (0, 7)), ((7, 0, 0, 2), (45, -1)), ((7, 0, 2, 1), (0, 2))])
        self.assertEqual(self.peer.list_offset(self.topic, -1)[2], 8)
        self.assertEqual(self.peer.produce(self.topic, kb.batch([b"x"], producer=(7, 0, 0)), 1), (0, 0))  # of each partition

    def test_gaps_and_batches_of_other_limits_are_out_of_order(self):
        self.sequence([((7, 0, 0, 1), (0, 0)), ((7, 0, 5, 1), (45, -1)), ((7, 0, 1, 1), (0, 1)), ((7, 0, 0, 2), (45, -1)),
                       ((7, 0, 3, 1), (45, -1)), ((7, 0, 2, 3), (0, 2)), ((7, 0, 3, 1), (45, -1)), ((7, 0, 5, 1), (0, 5))])

    def test_a_new_epoch_begins_at_0_and_ends_the_old_one(self):
        self.sequence([((7, 2, 0, 1), (0, 0)), ((7, 1, 1, 1), (47, -1)), ((7, 3, 1, 1), (45, -1)), ((7, 3, 0, 1), (0, 1)),
                       ((7, 3, 0, 1), (0, 1)), ((7, 2, 0, 1), (47, -1)), ((7, 3, 1, 1), (0, 2))])

    def test_a_producer_that_is_not_known_may_begin_anywhere_and_numbers_wrap(self):
        top = 2**31 - 1
        self.sequence([((7, 0, top - 1, 1), (0, 0)), ((7, 0, top, 3), (0, 1)), ((7, 0, top, 3), (0, 1)), ((7, 0, 1, 1), (45, -1)),
                       ((7, 0, 2, 1), (0, 4)), ((9, 5, top, 1), (0, 5)), ((9, 5, 0, 1), (0, 6))])

    def test_a_batch_that_comes_twice_in_one_request_is_stored_once(self):
        one = kb.batch([b"x"], producer=(7, 0, 0))
        body = kb.produce_body(7, self.topic, [(0, one), (0, one), (1, one)])
        self.assertEqual(kb.produce_answer(7, self.peer.ask(PRODUCE, 7, body)), [(0, 0, 0), (0, 0, 0), (1, 0, 0)])
        self.assertEqual(self.stored(), stamped(one, 0))

    # -- offsets by time

    def test_the_first_record_of_a_time_is_named_with_its_own_timestamp(self):
        for attributes, partition, compress in ((0, 0, None), (GZIP, 1, gzip.compress)):
            ten = kb.batch([b"x"] * 10, timestamp=0, step=1000, attributes=attributes, records=compress)
            self.assertEqual(self.peer.produce(self.topic, ten, partition), (0, 0))
            late = kb.batch([b"x"] * 3, timestamp=20_000, step=-5000, max_timestamp=20_000, attributes=attributes,
                            records=compress)
            self.assertEqual(self.peer.produce(self.topic, late, partition), (0, 10))
            for version in range(1, 12):
                for asked, timestamp, offset in ((0, 0, 0), (1, 1000, 1), (5500, 6000, 6), (9000, 9000, 9), (9001, 20_000, 10),
                                                 (20_000, 20_000, 10), (20_001, -1, -1)):
                    self.assertEqual(self.peer.list_offset(self.topic, asked, partition, version), (0, timestamp, offset))

    def test_the_record_with_the_largest_timestamp_is_the_first_of_its_kind(self):
        self.assertEqual(self.peer.list_offset(self.topic, -3), (0, -1, -1))
        for timestamp in (100, 300, 200, 300):
            self.peer.produce(self.topic, kb.batch([b"x"] * 3, timestamp=timestamp - 5, step=5, max_timestamp=0))
        self.assertEqual(self.peer.list_offset(self.topic, -3, version=7), (0, 305, 5))
        self.assertEqual(self.peer.list_offset(self.topic, -3, version=6), (35, -1, -1))

    def test_special_times_have_the_versions_that_kafka_has(self):
        self.peer.produce(self.topic, GOOD)
        for asked, since, result in ((-1, 1, (0, -1, 1)), (-2, 1, (0, -1, 0)), (-3, 7, (0, 1000, 0)), (-4, 8, (0, -1, 0)),
                                     (-5, 9, (0, -1, -1)), (-6, 11, (0, -1, -1)), (-7, 12, None), (-2**63, 12, None)):
            for version in range(1, 12):
                expected = result if version >= since else (35, -1, -1)
                self.assertEqual(self.peer.list_offset(self.topic, asked, version=version), expected, (asked, version))

    def test_a_partition_that_is_asked_for_twice_is_answered_once(self):
        self.peer.produce(self.topic, GOOD)
        body = kb.list_offsets_body(11, self.topic, [(0, 5), (0, 5), (1, -1)])
        answer = kb.list_offsets_answer(11, self.peer.ask(LIST_OFFSETS, 11, body))
        self.assertEqual([(p, e) for p, e, _, _ in answer], [(0, 0), (0, 42), (1, 0)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
