#!/usr/bin/env python3
"""What the echo broker says of its topics, partitions and of itself.

    KWIRE_BUILD_DIR=build/release python3 tests/examples/test_echo_broker_describes.py
"""

import pathlib
import struct
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import kafka_bytes as kb
from echo_broker_topics import *


class Descriptions(TopicsTest):
    def test_the_cluster_is_described_in_each_version(self):
        def ask(version, kind=1, operations=False):
            def write(w):
                w.put("?", operations)
                if version >= 1:
                    w.put("b", kind)
                if version >= 2:
                    w.put("?", False)

            def read(r):
                def broker():
                    out = r.get("i"), r.string(), r.get("i"), r.string()
                    if version >= 2:
                        self.assertFalse(r.get("?"))
                    r.tags()
                    return out
                _, error = r.get("ih")
                self.assertEqual(r.string() is None, error == 0)
                if version >= 1:
                    self.assertEqual(r.get("b"), 1)
                name, controller = r.string(), r.get("i")
                return error, name, controller, r.array(broker), r.get("i")
            return self.ask(DESCRIBE_CLUSTER, version, write, read)
        for version in range(3):
            self.assertEqual(ask(version), (0, "kwire-echo-broker", 1, [(1, "127.0.0.1", self.broker.port, None)], NOT_ASKED))
            self.assertEqual(ask(version, operations=True)[4], 0b1111110100000)
        self.assertEqual((ask(1, 2)[0], ask(2, 3)[0]), (114, 115))

    def test_partitions_are_described_a_limited_number_at_a_time(self):
        self.create_topics([("a", 3, 1), ("b", 1, 1), ("c", 2, 1)])

        def ask(names, limit, cursor=None):
            def write(w):
                def put(name):
                    w.string(name)
                    w.tags()
                w.array(names, put)
                w.put("i", limit)
                w.put("b", -1 if cursor is None else 1)
                if cursor is not None:
                    w.string(cursor[0])
                    w.put("i", cursor[1])
                    w.tags()

            def read(r):
                def partition():
                    error, index, leader, epoch = r.get("hiii")
                    lists = [r.array(lambda: r.get("i")) for _ in range(5)]
                    r.tags()
                    self.assertEqual((error, leader, epoch, lists), (0, 1, 0, [[1], [1], [], [], []]))
                    return index

                def topic():
                    error, name, ident, internal = r.get("h"), r.string(), r.take(16), r.get("?")
                    partitions = r.array(partition)
                    self.assertEqual((ident == NO_ID, internal, r.get("i")), (error != 0, False, NOT_ASKED if error else TOPIC_OPERATIONS))
                    r.tags()
                    return name, error, partitions
                r.get("i")
                topics, following = r.array(topic), None
                if r.get("b") >= 0:
                    following = r.string(), r.get("i")
                    r.tags()
                return topics, following
            return self.ask(DESCRIBE_TOPIC_PARTITIONS, 0, write, read)
        self.assertEqual(ask([], 2000), ([("a", 0, [0, 1, 2]), ("b", 0, [0]), ("c", 0, [0, 1])], None))
        self.assertEqual(ask([], 2), ([("a", 0, [0, 1])], ("a", 2)))
        self.assertEqual(ask([], 2, ("a", 2)), ([("a", 0, [2]), ("b", 0, [0])], ("c", 0)))
        self.assertEqual(ask([], 2, ("c", 0)), ([("c", 0, [0, 1])], None))
        self.assertEqual(ask(["c", "none", "a", "a b"], -1), ([("a", 0, [0])], ("a", 1)))
        self.assertEqual(ask(["c", "none", "a b", "b"], 9), ([("a b", 17, []), ("b", 0, [0]), ("c", 0, [0, 1]), ("none", 3, [])], None))
        self.assertEqual(ask(["b"], 9, ("b", -1)), ([("b", 42, [])], None))

    def test_the_end_of_an_epoch_is_told_in_each_version(self):
        self.one.create(self.topic)
        self.one.produce(self.topic, kb.batch([b"value"]))

        def ask(version, *partitions):
            def write(w):
                def put(one):
                    w.put("i", one[0])
                    if version >= 2:
                        w.put("i", one[1])
                    w.put("i", one[2])
                    w.tags()

                def topic(_):
                    w.string(self.topic)
                    w.array(partitions, put)
                    w.tags()
                if version >= 3:
                    w.put("i", -1)
                w.array([0], topic)

            def read(r):
                def get():
                    error, index = r.get("hi")
                    out = error, index, r.get("i") if version >= 1 else None, r.get("q")
                    r.tags()
                    return out

                def topic():
                    r.string()
                    out = r.array(get)
                    r.tags()
                    return out
                if version >= 2:
                    r.get("i")
                return r.array(topic)[0]
            return self.ask(OFFSET_FOR_LEADER_EPOCH, version, write, read)
        for version in range(5):
            epoch, none = (0, -1) if version >= 1 else (None, None)
            self.assertEqual(ask(version, (0, -1, 0), (1, 0, 0), (0, -1, 5), (7, -1, 0)),
                             [(0, 0, epoch, 1), (0, 1, epoch, 0), (0, 0, none, -1), (3, 7, none, -1)])
        self.assertEqual(ask(4, (0, 1, 0), (0, -2, 0)), [(75, 0, -1, -1), (74, 0, -1, -1)])

    def test_metadata_tells_operations_only_to_those_that_ask(self):
        self.one.create(self.topic)

        def operations(version, asked):
            w = kb.Writer(version >= 9)

            def put(name):
                if version >= 10:
                    w.out += NO_ID
                w.string(name)
                w.tags()
            w.array([self.topic] * 3, put)
            w.put("?", False)
            if version in range(8, 11):
                w.put("?", asked)
            w.put("?", asked)
            w.tags()
            data = self.one.ask(METADATA, version, w.out)
            tail = {8: (">ii", 8), 9: (">ixix", 10), 10: (">ixix", 10), 11: (">ixx", 6), 12: (">ixx", 6), 13: (">ixhx", 8)}[version]
            self.assertEqual(data.count(self.topic.encode()), 1)
            return struct.unpack(tail[0], data[-tail[1]:])
        for version in range(8, 14):
            cluster = version <= 10
            end = (0,) if version == 13 else ()
            self.assertEqual(operations(version, False), (NOT_ASKED,) * (2 if cluster else 1) + end)
            self.assertEqual(operations(version, True), (TOPIC_OPERATIONS,) + ((0b1111110100000,) if cluster else ()) + end)

    def test_the_sizes_of_partitions_are_told_in_each_version(self):
        self.one.create(self.topic)
        size = len(kb.batch([b"value"]))
        self.one.produce(self.topic, kb.batch([b"value"]))
        for version in range(1, 5):
            for asked in (None, [(self.topic, [1, 0, 9]), ("none", [0])]):
                def write(w):
                    def put(topic):
                        w.string(topic[0])
                        w.array(topic[1], lambda index: w.put("i", index))
                        w.tags()
                    w.array(asked, put)

                def read(r):
                    def partition():
                        out = r.get("iqq?")
                        r.tags()
                        return out

                    def topic():
                        out = r.string(), r.array(partition)
                        r.tags()
                        return out

                    def directory():
                        out = r.get("h"), r.string(), r.array(topic)
                        if version >= 4:
                            self.assertEqual(r.get("qq"), (-1, -1))
                        r.tags()
                        return out
                    r.get("i")
                    if version >= 3:
                        self.assertEqual(r.get("h"), 0)
                    return r.array(directory)
                self.assertEqual(self.ask(DESCRIBE_LOG_DIRS, version, write, read),
                                 [(0, "memory", [(self.topic, [(0, size, 0, False), (1, 0, 0, False)])])])


if __name__ == "__main__":
    unittest.main(verbosity=2)
