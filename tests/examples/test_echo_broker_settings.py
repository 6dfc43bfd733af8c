#!/usr/bin/env python3
"""The settings of topics in the echo broker: described, changed and honoured; and records that are deleted.

    KWIRE_BUILD_DIR=build/release python3 tests/examples/test_echo_broker_settings.py
"""

import pathlib
import struct
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import kafka_bytes as kb
from echo_broker_topics import *


class Settings(TopicsTest):
    def test_settings_are_described_in_each_version(self):
        self.create_topics([("orders", 1, 1, {}, {"max.message.bytes": "2000"})])
        for version in range(5):
            error, settings = self.describe_configs(TOPIC, "orders", version)
            self.assertEqual(error, 0)
            own, default = settings["max.message.bytes"], settings["message.timestamp.type"]
            self.assertEqual(own[:3], ("2000", False if version == 0 else 1, False))
            self.assertEqual(default[:3], ("CreateTime", True if version == 0 else 5, False))
            if version >= 1:
                self.assertEqual(own[3], [("max.message.bytes", "2000", 1), ("message.max.bytes", "1048588", 5)])
                self.assertEqual(default[3], [("log.message.timestamp.type", "CreateTime", 5)])
                self.assertEqual(self.describe_configs(TOPIC, "orders", version, synonyms=False)[1]["max.message.bytes"][3], [])
            self.assertEqual(set(self.describe_configs(TOPIC, "orders", version, ["retention.ms", "color"])[1]), {"retention.ms"})
        error, settings = self.describe_configs(NODE, "1")
        self.assertEqual((error, settings["num.partitions"][:3]), (0, ("2", 4, True)))
        self.assertEqual(settings["message.max.bytes"][:3], ("1048588", 5, True))
        for kind, name, error in ((TOPIC, "none", 3), (TOPIC, "a b", 17), (NODE, "2", 42), (NODE, "x", 42), (NODE, "", 0), (8, "1", 0),
                                  (99, "x", 42)):
            self.assertEqual(self.describe_configs(kind, name), (error, {}), (kind, name))

    def test_settings_are_replaced_by_alter_configs(self):
        self.one.create("orders")
        for version in range(3):
            self.assertEqual(self.alter_configs([("retention.bytes", "1"), ("max.message.bytes", "2")], version=version), 0)
            self.assertEqual(self.alter_configs([("retention.bytes", str(version))], version=version), 0)
            self.assertEqual(self.alter_configs([("retention.bytes", "99")], version=version, validate_only=True), 0)
            settings = self.describe_configs(TOPIC, "orders")[1]
            self.assertEqual([settings[name][:2] for name in ("retention.bytes", "max.message.bytes")],
                             [(str(version), 1), ("1048588", 5)])
        for settings, error in (([("color", "red")], 40), ([("retention.bytes", "x")], 40), ([("retention.bytes", None)], 42),
                                ([("max.message.bytes", "7"), ("min.insync.replicas", "2")], 40)):
            self.assertEqual(self.alter_configs(settings), error, settings)
        self.assertEqual(self.describe_configs(TOPIC, "orders")[1]["max.message.bytes"][0], "1048588")
        self.assertEqual(self.alter_configs([], name="none"), 3)
        self.assertEqual(self.alter_configs([("num.partitions", "3")], kind=NODE, name="1"), 42)

    def test_single_settings_are_changed_by_incremental_alter_configs(self):
        set_to, delete, append, subtract = range(4)
        self.one.create("orders")

        def value(name):
            return self.describe_configs(TOPIC, "orders")[1][name][0]
        for version in range(2):
            self.assertEqual(self.change_configs([("retention.bytes", set_to, "10")], version), 0)
            self.assertEqual(self.change_configs([("max.message.bytes", set_to, "20"), ("cleanup.policy", append, "compact")], version), 0)
            self.assertEqual([value(n) for n in ("retention.bytes", "max.message.bytes", "cleanup.policy")],
                             ["10", "20", "delete,compact"])
            self.assertEqual(self.change_configs([("retention.bytes", delete, None), ("cleanup.policy", subtract, "compact")], version), 0)
            self.assertEqual([value(n) for n in ("retention.bytes", "max.message.bytes", "cleanup.policy")], ["-1", "20", "delete"])
        for settings, error in (([("color", set_to, "red")], 40), ([("retention.bytes", append, "1")], 40), ([("retention.bytes", 9, "1")], 42),
                                ([("retention.bytes", set_to, None)], 42), ([("retention.bytes", set_to, "1")] * 2, 42),
                                ([("cleanup.policy", set_to, "burn")], 40), ([("color", delete, None)], 0)):
            self.assertEqual(self.change_configs(settings), error, settings)

    def test_the_type_of_timestamps_is_that_of_the_topic(self):
        self.create_topics([("orders", 1, 1, {}, {"message.timestamp.type": "LogAppendTime"})])
        before = int(time.time() * 1000)
        records = kb.batch([b"one", b"two"], timestamp=1000, step=500)
        self.one.ask(PRODUCE, 7, kb.produce_body(7, "orders", [(0, records)]))
        raw = self.one.ask(PRODUCE, 7, kb.produce_body(7, "orders", [(0, records)]))
        partition = raw[raw.index(b"orders") + len("orders"):]
        _, index, error, offset, time_of_append = struct.unpack_from(">iihqq", partition)
        self.assertEqual((index, error, offset), (0, 0, 2))
        self.assertTrue(before <= time_of_append <= time.time() * 1000, time_of_append)
        (_, _, _, records), = self.one.fetch("orders", [(0, 2, 1 << 20)])
        attributes, _, base_time, max_time = struct.unpack_from(">hiqq", records, 21)
        self.assertEqual((attributes, base_time, max_time), (8, 1000, time_of_append))
        self.assertEqual(kb.crc32c(records[21:]), struct.unpack_from(">I", records, 17)[0])
        self.assertEqual(self.one.list_offset("orders", time_of_append)[:2], (0, time_of_append))
        self.assertEqual(self.change_configs([("message.timestamp.type", 1, None)]), 0)
        self.one.produce("orders", kb.batch([b"three"], timestamp=1500))
        self.assertEqual(struct.unpack_from(">hiqq", self.one.fetch("orders", [(0, 4, 1 << 20)])[0][3], 21), (0, 0, 1500, 1500))

    def test_the_largest_batch_is_that_of_the_topic(self):
        self.one.create("orders")
        records = kb.batch([b"x" * 500])
        self.change_configs([("max.message.bytes", 0, str(len(records) - 1))])
        self.assertEqual(self.one.produce("orders", records), (10, -1))
        self.change_configs([("max.message.bytes", 0, str(len(records)))])
        self.assertEqual(self.one.produce("orders", records), (0, 0))

    def test_a_topic_keeps_no_more_than_its_retention(self):
        size = len(kb.batch([b"x" * 100]))
        self.create_topics([("orders", 1, 1, {}, {"retention.bytes": str(3 * size)})])
        for offset in range(10):
            self.assertEqual(self.one.produce("orders", kb.batch([b"x" * 100])), (0, offset))
        self.assertEqual(self.one.list_offset("orders", -2), (0, -1, 7))
        self.assertEqual(self.one.fetch("orders", [(0, 6, 1000)])[0][1], 1)
        self.assertEqual(len(self.one.fetch("orders", [(0, 7, 1000)])[0][3]), 3 * size)

    def test_records_are_deleted_in_each_version(self):
        self.one.create(self.topic)
        batches = [kb.batch([b"a%d" % i, b"b%d" % i]) for i in range(6)]
        for records in batches:
            self.one.produce(self.topic, records)
        for version, offset in enumerate((2, 5, 6)):
            self.assertEqual(self.delete_records([(0, offset)], version=version), [(0, offset, 0)])
            self.assertEqual(self.one.list_offset(self.topic, -2), (0, -1, offset))
            self.assertEqual(self.one.fetch(self.topic, [(0, offset - 1, 1 << 20)])[0][1], 1)
            (_, error, high, records), = self.one.fetch(self.topic, [(0, offset, 1 << 20)])
            first = offset // 2
            self.assertEqual((error, high, records), (0, 12, b"".join(stamped(b, 2 * i) for i, b in enumerate(batches) if i >= first)))
        self.assertEqual(self.delete_records([(0, 3), (0, 13), (0, -2), (9, 0)]), [(0, 6, 0), (0, -1, 1), (0, -1, 1), (9, -1, 3)])
        self.assertEqual(self.delete_records([(0, -1), (1, -1), (1, 0)]), [(0, 12, 0), (1, 0, 0), (1, 0, 0)])
        self.assertEqual(self.one.fetch(self.topic, [(0, 12, 1000)]), [(0, 0, 12, b"")])
        self.assertEqual(self.one.produce(self.topic, batches[0]), (0, 12))


if __name__ == "__main__":
    unittest.main(verbosity=2)
