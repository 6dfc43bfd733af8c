#!/usr/bin/env python3
"""Clients older than Kafka 0.11: what they produce, and what they fetch of what others produced.

    KWIRE_BUILD_DIR=build/release python3 tests/examples/test_echo_broker_old_formats.py

Produce v0-2 carries messages of magic 0 and 1. Fetch v0-1 knows magic 0 only, v2-3 magic 1 too, later versions every magic. The
expected codes are those of Apache Kafka 3.9.2, the newest that serves these versions.
"""

import gzip
import pathlib
import struct
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import kafka_bytes as kb
import old_messages as old
from echo_broker_topics import *

ZSTD = 4


def new_records(data):
    """[(magic, offset, timestamp, key, value)] of batches of magic 2 without compression, or with gzip."""
    out, at = [], 0
    while at < len(data):
        base, length = struct.unpack_from(">qi", data, at)
        attributes, _, first_time, _, _, _, _, count = struct.unpack_from(">hiqqqhii", data, at + 21)
        body = data[at + 61:at + 12 + length]
        r = kb.Reader(gzip.decompress(body) if attributes & 7 else body, True)

        def signed():
            n = r.uvarint()
            return n >> 1 ^ -(n & 1)

        def field():
            size = signed()
            return None if size < 0 else r.take(size)
        for _ in range(count):
            signed(), r.get("b")
            time, delta = signed(), signed()
            out.append((2, base + delta, first_time + time, field(), field()))
            assert signed() == 0
        r.end()
        at += 12 + length
    return out


def any_records(data):
    """The same for batches of all formats, one after another."""
    out = []
    while data:
        size = 12 + struct.unpack_from(">i", data, 8)[0]
        out += new_records(data[:size]) if data[16] == 2 else old.read(data[:size])[0]
        data = data[size:]
    return out


class OldFormats(TopicsTest):
    arguments = ("--partitions", "2")
    copied = r"\d+"  # conversions copy, and wrappers that are compressed again

    def setUp(self):
        super().setUp()
        self.peer = self.client()
        self.ident = self.peer.create(self.topic)


    def fetched(self, version, offset=0, limit=1 << 20, partition=0, **options):
        """(error, records) of one partition."""
        name = self.ident if version >= 13 else self.topic
        (_, error, _, records), = self.peer.fetch(name, [(partition, offset, limit)], version, **options)
        return error, records

    # -- produce

    def test_plain_messages_are_stored_as_they_come_with_their_offsets_set_in_place(self):
        next_offset = 0
        for version in (0, 1, 2):
            for magic in (0, 1):
                sent = [old.message(magic, b"v%d" % n, key=b"k" if n else None, timestamp=n) for n in range(3)]
                self.assertEqual(self.peer.produce(self.topic, b"".join(sent), version=version), (0, next_offset))
                stored = b"".join(struct.pack(">q", next_offset + n) + one[8:] for n, one in enumerate(sent))
                self.assertEqual(self.fetched(11, next_offset), (0, stored))
                next_offset += 3
        self.assertEqual(self.peer.list_offset(self.topic, -1)[2], next_offset)

    def test_a_wrapper_of_magic_1_keeps_its_bytes_and_one_of_magic_0_its_messages(self):
        inner = [old.message(1, b"v%d" % n, offset=n, timestamp=100 - n) for n in range(4)]
        sent = old.wrapper(1, inner, offset=3, timestamp=100)
        self.assertEqual(self.peer.produce(self.topic, sent, version=2), (0, 0))
        self.assertEqual(self.peer.produce(self.topic, sent, version=2), (0, 4))
        self.assertEqual(self.fetched(2), (0, sent + struct.pack(">q", 7) + sent[8:]))
        for offsets in ((0, 1, 2), (0, 0, 0), (5, 6, 7)):  # old producers leave them 0
            sent = old.wrapper(0, [old.message(0, b"x", offset=n) for n in offsets])
            error, base = self.peer.produce(self.topic, sent, version=0)
            self.assertEqual(error, 0)
            self.assertEqual(old.read(self.fetched(0, base)[1])[0], [(0, base + n, -1, None, b"x") for n in range(3)])
        sent = old.wrapper(1, [old.message(1, b"x", offset=0, timestamp=n) for n in (3, 9, 5)], timestamp=4)
        error, base = self.peer.produce(self.topic, sent, version=2)
        self.assertEqual(old.read(self.fetched(2, base)[1])[0], [(1, base + n, t, None, b"x") for n, t in enumerate((3, 9, 5))])

    def test_message_sets_that_are_refused_change_nothing(self):
        good = old.message(1, b"good")
        nested = old.wrapper(1, [old.wrapper(1, [good])])
        for what, error, records in (
                ("bad checksum", 2, old.message(0, b"x", damage=True)),
                ("bad checksum after a good message", 2, good + old.message(1, b"x", damage=True)),
                ("bad checksum of a wrapper", 2, old.wrapper(1, [good], damage=True)),
                ("bad checksum in a wrapper", 2, old.wrapper(1, [old.message(1, b"x", damage=True)])),
                ("a value longer than its message", 87, old.message(0, None)[:-4] + b"\0\0\1\0"),
                ("gzip that is none", 87, old.message(1, b"none", attributes=1)),
                ("zstd", 87, old.message(1, b"none", attributes=4)),
                ("codec 5", 87, old.message(1, b"none", attributes=5)),
                ("an empty wrapper", 87, old.wrapper(1, [])),
                ("a wrapper in a wrapper", 87, nested),
                ("a message that is cut in a wrapper", 87, old.wrapper(1, [good, good[:-1]])),
                ("another magic in a wrapper", 87, old.wrapper(1, [old.message(0, b"x")])),
                ("a wrapper and a message", 87, old.wrapper(1, [good]) + good),
                ("two wrappers", 87, old.wrapper(1, [good]) * 2),
                ("a batch of magic 2 after a message", 87, good + kb.batch([b"x"])),
                ("messages of both formats", 87, good + old.message(0, b"x")),
                ("append time without a time", 32, old.message(1, b"x", attributes=8, timestamp=-1)),
                ("a timestamp of the far future", 32, old.message(1, b"x", timestamp=1 << 60)),
                ("a timestamp of the far future in a wrapper", 32, old.wrapper(1, [old.message(1, b"x", timestamp=1 << 60)])),
                ("magic 3", 2, good + good[:16] + b"\3" + good[17:]),
                ("more than 1 MiB", 10, old.message(1, bytes(1 << 20)))):
            if what == "a value longer than its message":  # its checksum must be right
                body = records[16:]
                records = records[:12] + struct.pack(">I", old.zlib.crc32(body)) + body
            for version in (0, 1, 2):
                with self.subTest(what, version=version):
                    self.assertEqual(self.peer.produce(self.topic, records, version=version), (error, -1))
        for nothing in (b"", good[:-1]):
            self.assertEqual(self.peer.produce(self.topic, nothing, version=2), (0, -1))
        self.assertEqual(self.peer.list_offset(self.topic, -1)[2], 0)
        self.assertEqual(self.peer.produce(self.topic, good + good[:-1], version=2), (0, 0))  # what is cut does not count
        self.assertEqual(self.peer.list_offset(self.topic, -1)[2], 1)
        bomb = old.wrapper(1, [old.message(1, bytes(1 << 20), offset=n) for n in range(80)])
        self.assertEqual(self.peer.produce(self.topic, bomb, version=2), (87, -1))

    def test_old_messages_follow_the_settings_of_their_topic(self):
        self.create_topics([("timed", 1, 1, {}, {"message.timestamp.type": "LogAppendTime", "max.message.bytes": "200"})])
        before = int(time.time() * 1000)
        inner = [old.message(1, b"x", offset=n, timestamp=n) for n in range(3)]
        for number, records in enumerate((b"".join(inner), old.wrapper(1, inner, offset=2, timestamp=2), old.wrapper(1, inner[:1] * 3))):
            self.assertEqual(self.peer.produce("timed", records, version=1), (0, 3 * number))
        for version in (1, 2):
            self.assertEqual(self.peer.produce("timed", old.message(1, b"x" * 200), version=version), (10, -1))
        (_, error, _, stored), = self.peer.fetch("timed", [(0, 0, 1 << 20)], 11)
        self.assertEqual(error, 0)
        while stored:
            size = 12 + struct.unpack_from(">i", stored, 8)[0]
            attributes, timestamp = struct.unpack_from(">Bq", stored, 17)
            self.assertEqual(attributes & 8, 8)
            self.assertGreaterEqual(timestamp, before)
            self.assertEqual(old.zlib.crc32(stored[16:size]), struct.unpack_from(">I", stored, 12)[0])
            stored = stored[size:]
        error, time_found, offset = self.peer.list_offset("timed", before)
        self.assertEqual((error, offset, time_found >= before), (0, 0, True))
        self.assertEqual(self.peer.produce("timed", inner[0], version=1), (0, 9))

    # -- every way in, every way out

    def test_what_any_version_produces_every_version_fetches(self):
        ways = []
        for version in range(3):
            for magic in (0, 1):
                for gzipped in (False, True):
                    ways.append((version, magic, gzipped))
        for version in range(3, 14):
            ways += [(version, 2, False), (version, 2, True)]
        expected = []
        for number, (version, magic, gzipped) in enumerate(ways):
            values = [b"%d of %d" % (n, number) * 10 for n in range(3)]
            if magic == 2:
                records = kb.batch(values, timestamp=number * 1000, step=10, attributes=1 if gzipped else 0,
                                   records=gzip.compress if gzipped else None)
            else:
                inner = [old.message(magic, value, offset=n if gzipped else 0, timestamp=number * 1000 + n * 10)
                         for n, value in enumerate(values)]
                records = old.wrapper(magic, inner, timestamp=number * 1000 + 20) if gzipped else b"".join(inner)
            name = self.ident if version >= 13 else self.topic
            self.assertEqual(self.peer.produce(name, records, version=version), (0, 3 * number))
            for n, value in enumerate(values):
                expected.append((magic, 3 * number + n, number * 1000 + n * 10 if magic else -1, None, value))
        for version in range(19):
            best = 0 if version < 2 else 1 if version < 4 else 2
            for offset in range(len(expected)):
                error, records = self.fetched(version, offset)
                self.assertEqual(error, 0)
                got = any_records(records)
                got = [one for one in got if one[1] >= offset]  # a compressed batch comes whole
                wanted = [(min(magic, best), at, time if best else -1, key, value)
                          for magic, at, time, key, value in expected[offset:]]
                if version < 4 and len(got) < len(wanted):  # a limited number of compressed batches is converted at a time
                    self.assertGreaterEqual(len(got), min(len(wanted), 16))
                    wanted = wanted[:len(got)]
                self.assertEqual(got, wanted, (version, offset))
            self.assertEqual(self.fetched(version, len(expected)), (0, b""))
            self.assertEqual(self.fetched(version, len(expected) + 1)[0], 1)

    def test_headers_are_left_out_for_old_consumers(self):
        with_header = b"\0" + kb.zigzag(0) + kb.zigzag(0) + kb.zigzag(-1) + kb.zigzag(1) + b"v" + kb.zigzag(1)
        with_header += kb.zigzag(1) + b"h" + kb.zigzag(1) + b"x"
        self.peer.produce(self.topic, kb.batch([b"v"], records=kb.zigzag(len(with_header)) + with_header))
        for version, magic, time in ((0, 0, -1), (1, 0, -1), (2, 1, 1000), (3, 1, 1000)):
            self.assertEqual(old.read(self.fetched(version)[1]), ([(magic, 0, time, None, b"v")], 0))

    def test_zstd_cannot_be_converted_and_what_comes_before_it_is_answered_first(self):
        self.peer.produce(self.topic, kb.batch([b"before"]))
        # a frame of one raw block
        plain = kb.record(0, None, b"zstd")
        frame = bytes.fromhex("28b52ffd") + bytes([0x20, len(plain)]) + struct.pack("<I", len(plain) << 3 | 1)[:3] + plain
        self.assertEqual(self.peer.produce(self.topic, kb.batch([b"zstd"], attributes=ZSTD, records=frame)), (0, 1))
        for version in range(4):
            error, records = self.fetched(version)
            self.assertEqual((error, [one[1] for one in old.read(records)[0]]), (0, [0]))
            self.assertEqual(self.fetched(version, 1), (76, b""))
        for version in range(4, 13):  # not converted, so it is as Kafka leaves it: the consumer decides
            self.assertEqual(self.fetched(version, 1)[0], 0)

    # -- limits of old fetches

    def test_versions_before_3_cut_a_message_that_is_too_large_and_version_3_sends_it_whole(self):
        self.peer.produce(self.topic, kb.batch([b"x" * 1000]) )
        self.peer.produce(self.topic, old.message(0, b"y" * 1000), version=0)
        for offset in (0, 1):
            for version in (0, 1, 2):
                error, records = self.fetched(version, offset, limit=500)
                self.assertEqual((error, len(records)), (0, 500))
                self.assertEqual(old.read(records), ([], 500))
                self.assertEqual(self.fetched(version, offset, limit=0), (0, b""))
            error, records = self.fetched(3, offset, limit=500)
            self.assertEqual([one[1] for one in old.read(records)[0]], [offset])

    def test_messages_before_the_offset_take_no_place_in_a_small_fetch(self):
        self.peer.produce(self.topic, kb.batch([b"x" * 100] * 50))
        self.peer.produce(self.topic, b"".join(old.message(1, b"x" * 100) for _ in range(50)), version=2)
        for version in range(4):
            for offset in range(100):
                (first, *_), _ = old.read(self.fetched(version, offset, limit=150)[1])
                self.assertEqual(first[1], offset)

    def test_a_fetch_of_an_old_version_waits_for_records(self):
        late = self.client()
        late.send(FETCH, 1, kb.fetch_body(1, self.topic, [(0, 0, 1 << 20)], max_wait=20_000, min_bytes=1))
        late.wait_until_read()
        self.peer.produce(self.topic, kb.batch([b"now"]))
        _, ((_, error, _, records),) = kb.fetch_answer(1, late.receive())
        self.assertEqual((error, old.read(records)[0]), (0, [(0, 0, -1, None, b"now")]))

    # -- fetch sessions and leader epochs

    def test_fetch_sessions_are_declined_and_those_that_are_not_known_refused(self):
        self.peer.produce(self.topic, kb.batch([b"x"]))
        for version in range(7, 19):
            name = self.ident if version >= 13 else self.topic
            for session, refused in (((0, 0), 0), ((0, -1), 0), ((5, 0), 0), ((5, -1), 0), ((0, 1), 70), ((5, 1), 70), ((5, 7), 70)):
                body = kb.fetch_body(version, name, [(0, 0, 100)], session=session)
                error, answer = kb.fetch_answer(version, self.peer.ask(FETCH, version, body))
                self.assertEqual((error, answer is None), (refused, refused != 0), (version, session))

    def test_other_leader_epochs_are_refused(self):
        self.peer.produce(self.topic, kb.batch([b"x"]))
        for epoch, error in ((-1, 0), (0, 0), (1, 75), (-2, 74)):
            for version in range(9, 19):
                self.assertEqual(self.fetched(version, epoch=epoch)[0], error if epoch >= 0 else 0)
            for version in range(4, 12):
                body = kb.list_offsets_body(version, self.topic, [(0, -1)], epoch)
                self.assertEqual(kb.list_offsets_answer(version, self.peer.ask(LIST_OFFSETS, version, body))[0][1], error)

    # -- offsets by time

    def test_offsets_by_time_are_found_in_messages_of_magic_1_and_never_in_magic_0(self):
        inner = [old.message(1, b"x", offset=n, timestamp=1000 + n * 10) for n in range(4)]
        self.peer.produce(self.topic, old.message(0, b"old"), version=0)
        self.peer.produce(self.topic, old.wrapper(1, inner, offset=3, timestamp=1030), version=2)
        self.peer.produce(self.topic, b"".join(old.message(1, b"x", timestamp=2000 + n) for n in (0, 9, 5)), version=2)
        for asked, timestamp, offset in ((0, 1000, 1), (1001, 1010, 2), (1030, 1030, 4), (1031, 2000, 5), (2003, 2009, 6),
                                         (2010, -1, -1), (-3, 2009, 6), (-2, -1, 0), (-1, -1, 8)):
            self.assertEqual(self.peer.list_offset(self.topic, asked), (0, timestamp, offset), asked)

    def test_version_0_of_list_offsets_lists_where_segments_begin(self):
        def ask(timestamp, most):
            body = kb.list_offsets_body(0, self.topic, [(0, timestamp)], most=most)
            (index, error, offsets), = kb.list_offsets_answer(0, self.peer.ask(LIST_OFFSETS, 0, body))
            self.assertEqual(index, 0)
            return error, offsets
        self.assertEqual(ask(-1, 10), (0, [0]))
        self.peer.produce(self.topic, kb.batch([b"x"] * 3, timestamp=1000))
        for timestamp, most, offsets in ((-1, 10, [3, 0]), (-1, 1, [3]), (-1, 0, []), (-2, 10, [0]), (2000, 10, [0]), (1000, 1, [0]),
                                         (999, 10, []), (1 << 60, 10, [3, 0])):
            self.assertEqual(ask(timestamp, most), (0, offsets), (timestamp, most))
        self.assertEqual(ask(-1, -1), (-1, []))
        self.assertEqual(ask(-3, 1), (35, []))
        self.assertEqual(ask(-1, 2**31 - 1), (0, [3, 0]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
