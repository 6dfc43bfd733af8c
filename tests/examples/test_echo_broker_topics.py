#!/usr/bin/env python3
"""The echo broker's topics: created, deleted, and there again after a restart.

    KWIRE_BUILD_DIR=build/release python3 tests/examples/test_echo_broker_topics.py
"""

import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import kafka_bytes as kb
from echo_broker_topics import *
from pythons import python_with


KAFKA_PYTHON = """
import sys
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewPartitions, NewTopic
from kafka.errors import InvalidPartitionsError, MessageSizeTooLargeError, TopicAlreadyExistsError, UnknownTopicOrPartitionError

def fails(error, call, *arguments):
    try:
        call(*arguments)
    except error:
        return
    raise SystemExit(f"no {error}")

address = sys.argv[1]
patient = {"api_version_auto_timeout_ms": 60_000, "request_timeout_ms": 60_000}
admin = KafkaAdminClient(bootstrap_servers=address, **patient)
orders = NewTopic("orders", 3, 1, topic_configs={"message.timestamp.type": "LogAppendTime"})
admin.create_topics([orders, NewTopic("bills", -1, -1, {0: [1], 1: [1]})], validate_only=True)
assert admin.list_topics() == []
admin.create_topics([orders, NewTopic("bills", -1, -1, {0: [1], 1: [1]})])
fails(TopicAlreadyExistsError, admin.create_topics, [orders])
assert sorted(admin.list_topics()) == ["bills", "orders"]
assert [len(t["partitions"]) for t in admin.describe_topics(["orders", "bills"])] == [3, 2]
admin.create_partitions({"bills": NewPartitions(5)})
fails(InvalidPartitionsError, admin.create_partitions, {"bills": NewPartitions(5)})
assert [len(t["partitions"]) for t in admin.describe_topics(["bills"])] == [5]

resource = ConfigResource(ConfigResourceType.TOPIC, "orders", {"max.message.bytes": "2000"})
admin.alter_configs([resource])
answer, = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, "orders")])
settings = {name: (value, source) for name, value, _, source, *_ in answer.resources[0][4]}
assert settings["max.message.bytes"] == ("2000", 1), settings
assert settings["message.timestamp.type"] == ("CreateTime", 5), settings  # AlterConfigs replaces all
answer, = admin.describe_configs([ConfigResource(ConfigResourceType.BROKER, "1")])
assert "num.partitions" in {entry[0] for entry in answer.resources[0][4]}
assert len(admin.describe_cluster()["brokers"]) == 1

producer = KafkaProducer(bootstrap_servers=address, **patient)
assert producer.send("orders", b"small", partition=0).get(60).offset == 0
fails(MessageSizeTooLargeError, producer.send("orders", b"x" * 3000, partition=0).get, 60)
admin.delete_topics(["orders"])
assert admin.list_topics() == ["bills"]
fails(UnknownTopicOrPartitionError, admin.delete_topics, ["orders"])
print("done")
"""


class Topics(TopicsTest):
    @unittest.skipUnless(python_with("kafka"), "kafka-python is missing")
    def test_the_admin_client_of_kafka_python(self):
        done = subprocess.run([python_with("kafka"), "-c", KAFKA_PYTHON, f"127.0.0.1:{self.broker.port}"], capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE)
        self.assertEqual(done.stdout, "done\n", done.stderr)

    def test_topics_are_created_in_each_version(self):
        for version in range(8):
            name = f"v{version}"
            (error, partitions, ident, settings), = self.create_topics(
                [(name, 3, 1, {}, {"retention.bytes": "5000"})], version).values()
            self.assertEqual(error, 0)
            self.assertEqual(self.partitions(name), 3)
            if version >= 5:
                self.assertEqual(partitions, 3)
                self.assertEqual(settings["retention.bytes"], ("5000", False, 1, False))
                self.assertEqual(settings["cleanup.policy"], ("delete", False, 5, False))
            if version >= 7:
                self.assertEqual((ident[6] >> 4, ident[8] >> 6), (4, 2))  # a random UUID
                self.assertEqual(kb.metadata_answer(12, self.one.ask(METADATA, 12, kb.metadata_body(12, [name])))[2][name][1], ident)

    def test_defaults_and_assignments_say_how_many_partitions_a_topic_has(self):
        self.assertEqual(self.create_errors(("default", -1, -1), ("assigned", -1, -1, {1: [1], 0: [1], 2: [1]})),
                         {"default": 0, "assigned": 0})
        self.assertEqual((self.partitions("default"), self.partitions("assigned")), (2, 3))

    def test_topics_that_cannot_be_created_have_an_error_each(self):
        self.assertEqual(self.create_errors(("here", 1, 1)), {"here": 0})
        wanted = {"here": ((1, 1), 36), "a b": ((1, 1), 17), "": ((1, 1), 17), "..": ((1, 1), 17), "x" * 250: ((1, 1), 17),
                  "__cluster_metadata": ((1, 1), 29), "zero": ((0, 1), 37), "minus": ((-2, 1), 37), "no-replica": ((1, 0), 38),
                  "replicas": ((1, 2), 38), "many": ((2**31 - 1, 1), 44),
                  "other-broker": ((-1, -1, {0: [2]}), 39), "two-brokers": ((-1, -1, {0: [1, 1]}), 39), "gap": ((-1, -1, {1: [1]}), 39),
                  "no-brokers": ((-1, -1, {0: []}), 39), "both": ((1, -1, {0: [1]}), 42), "both-too": ((-1, 1, {0: [1]}), 42),
                  "unknown-setting": ((1, 1, {}, {"color": "red"}), 40), "null": ((1, 1, {}, {"retention.bytes": None}), 40),
                  "value": ((1, 1, {}, {"message.timestamp.type": "now"}), 40), "good": ((1, 1), 0)}
        self.assertEqual(self.create_errors(*((name, *rest) for name, (rest, _) in wanted.items())),
                         {name: error for name, (_, error) in wanted.items()})
        self.assertEqual(self.create_errors(("twice", 1, 1), ("once", 1, 1), ("twice", 1, 1)), {"twice": 42, "once": 0})

    def test_a_topic_whose_name_differs_from_another_one_in_dots_and_underscores_only_is_refused(self):
        self.assertEqual(self.create_errors(("a.b_c", 1, 1)), {"a.b_c": 0})
        self.assertEqual(self.create_errors(("a_b.c", 1, 1), ("a_b_c", 1, 1), ("a.b_c", 1, 1), ("a-b-c", 1, 1)),
                         {"a_b.c": 17, "a_b_c": 17, "a.b_c": 36, "a-b-c": 0})
        found = kb.metadata_answer(12, self.one.ask(METADATA, 12, kb.metadata_body(12, ["a.b.c"])))[2]
        self.assertEqual(found["a.b.c"][0], 17)  # nor does it come to be when a client asks for it
        self.delete_topics(["a.b_c"])
        self.assertEqual(self.create_errors(("a_b.c", 1, 1)), {"a_b.c": 0})

    def test_validation_creates_nothing(self):
        self.assertEqual(self.create_errors(("orders", 4, 1), validate_only=True), {"orders": 0})
        self.assertEqual(self.create_errors(("one", 60_000, 1), ("two", 60_000, 1), validate_only=True), {"one": 0, "two": 44})
        self.assertEqual(self.create_errors(("orders", 4, 1)), {"orders": 0})
        self.assertEqual(self.create_partitions([("orders", 5, None)], validate_only=True), {"orders": 0})
        self.assertEqual(self.partitions("orders"), 4)

    def test_topics_are_deleted_by_name_and_by_id_in_each_version(self):
        for version in range(7):
            ident = self.one.create("orders")
            self.assertEqual(self.delete_topics(["orders", "none"], version),
                             [("none", NO_ID if version >= 6 else None, 3), ("orders", ident if version >= 6 else None, 0)])
            self.assertNotEqual(self.one.create("orders"), ident)  # an id is never used again
            self.assertEqual(self.delete_topics(["orders"], version)[0][2], 0)
        ident = self.one.create("orders")
        self.assertEqual(sorted(self.delete_topics([ident, b"x" * 16, NO_ID]), key=str),
                         sorted([("orders", ident, 0), (None, b"x" * 16, 100), (None, NO_ID, 42)], key=str))
        self.one.create("orders")
        self.assertEqual([error for *_, error in self.delete_topics(["orders", "orders"])], [42])

    def test_a_topic_of_the_same_name_has_nothing_of_the_deleted_one(self):
        for _ in range(3):
            self.one.create(self.topic)
            records = kb.batch([b"first", b"second"], producer=(7, 0, 0))
            self.assertEqual(self.one.produce(self.topic, records), (0, 0))  # not the duplicate of a batch of the old topic
            self.assertEqual(self.one.fetch(self.topic, [(0, 0, 1000)]), [(0, 0, 2, stamped(records, 0))])
            self.assertEqual(self.delete_topics([self.topic])[0][2], 0)
            self.assertEqual(self.one.produce(self.topic, records), (3, -1))

    def test_a_fetch_that_waits_ends_when_its_topic_is_deleted(self):
        self.one.create(self.topic)
        self.one.create("other")
        waiting = self.client()
        waiting.send(FETCH, 11, kb.fetch_body(11, self.topic, [(0, 0, 1000), (1, 0, 1000), (0, 0, 1000)], max_wait=20_000))
        began = time.monotonic()
        waiting.wait_until_read()
        self.assertEqual(self.delete_topics([self.topic])[0][2], 0)
        error, partitions = kb.fetch_answer(11, waiting.receive())
        self.assertLess(time.monotonic() - began, SOON)
        self.assertEqual((error, [p[:2] for p in partitions]), (0, [(0, 3), (1, 3), (0, 3)]))

    def test_a_fetch_that_waits_goes_on_when_partitions_are_added(self):
        self.one.create(self.topic)
        waiting = self.client()
        waiting.send(FETCH, 11, kb.fetch_body(11, self.topic, [(1, 0, 1000)], max_wait=20_000))
        waiting.wait_until_read()
        for count in range(3, 200, 7):
            self.assertEqual(self.create_partitions([(self.topic, count, None)]), {self.topic: 0})
        records = kb.batch([b"value"])
        self.assertEqual(self.one.produce(self.topic, records, 1), (0, 0))
        self.assertEqual(kb.fetch_answer(11, waiting.receive()), (0, [(1, 0, 1, stamped(records, 0))]))

    def test_partitions_are_added_in_each_version(self):
        self.one.create(self.topic)
        for version in range(4):
            self.assertEqual(self.create_partitions([(self.topic, 4 + version, [[1]] * (2 if version == 0 else 1))], version),
                             {self.topic: 0})
            self.assertEqual(self.partitions(self.topic), 4 + version)
        for count, assignments, error in ((7, None, 37), (6, None, 37), (-1, None, 37), (9, [[1]], 39), (8, [[2]], 39),
                                          (200_000, None, 44)):
            self.assertEqual(self.create_partitions([(self.topic, count, assignments)]), {self.topic: error}, count)
        self.assertEqual(self.create_partitions([("none", 9, None)]), {"none": 3})
        self.assertEqual(self.create_partitions([(self.topic, 8, None), (self.topic, 9, None)]), {self.topic: 42})
        self.assertEqual(self.partitions(self.topic), 7)

    def test_memory_of_deleted_topics_is_free(self):
        self.one.create("kept")
        self.one.produce("kept", kb.batch([b"kept"]))
        records = kb.batch([b"x" * 900_000])
        for round in range(30):
            self.one.create(self.topic)
            for _ in range(10):
                self.assertEqual(self.one.produce(self.topic, records)[0], 0)
            if round == 3:
                before = self.broker.status("VmRSS")
            self.assertEqual(self.delete_topics([self.topic])[0][2], 0)
        if not SANITIZED:
            self.assertLess(self.broker.status("VmRSS"), before + 20_000)
        self.assertEqual(self.one.fetch("kept", [(0, 0, 1000)])[0][3], stamped(kb.batch([b"kept"]), 0))


class TopicsInADirectory(TopicsTest):
    """Topics are there again after a restart."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name) / "data"
        self.arguments = ("--partitions", "2", "--data-dir", str(self.directory))
        super().setUp()

    def check_end(self):
        try:
            self.assertEqual(self.broker.stop()[0], 0, self.broker.errors())
        finally:
            self.close()

    def close(self):
        if self.broker.process.poll() is None:
            self.broker.process.kill()
        self.broker.process.stdout.close()
        self.broker.log.close()

    def restart(self, how=signal.SIGKILL):
        self.broker.stop(how)
        self.one.socket.close()
        self.close()
        self.broker = Broker(*self.arguments)
        self.one = self.client()

    def known(self):
        """{name: (error, id, partitions)} of all topics that are not the broker's own."""
        topics = kb.metadata_answer(12, self.one.ask(METADATA, 12, kb.metadata_body(12, None)))[2]
        self.assertLessEqual({"__consumer_offsets", "__transaction_state"}, set(topics))
        return {name: topic for name, topic in topics.items() if not name.startswith("__")}

    def test_topics_have_their_ids_partitions_and_settings_after_a_restart(self):
        self.create_topics([("a", 3, 1, {}, {"retention.bytes": "5000", "max.message.bytes": "100"}), ("b", 1, 1), ("c", 1, 1)])
        self.one.create("automatic")
        self.create_partitions([("b", 5, None)])
        self.change_configs([("retention.bytes", 1, None), ("max.message.bytes", 0, "200")], name="a")
        self.delete_topics(["c"])
        known = self.known()
        self.assertEqual({name: topic[2] for name, topic in known.items()}, {"a": 3, "b": 5, "automatic": 2})
        for how in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
            self.restart(how)
            self.assertEqual(self.known(), known)
            settings = self.describe_configs(TOPIC, "a")[1]
            self.assertEqual([settings[name][:2] for name in ("retention.bytes", "max.message.bytes")], [("-1", 5), ("200", 1)])
            self.assertEqual(self.create_errors(("a", 1, 1)), {"a": 36})

    def test_the_file_does_not_grow_with_what_was_deleted(self):
        self.create_topics([("kept", 3, 1, {}, {"retention.bytes": "5000"})])
        for _ in range(15):
            self.assertEqual(self.create_errors(("short-lived", 1000, 1)), {"short-lived": 0})
            self.delete_topics(["short-lived"])
        self.assertLess((self.directory / "topics.log").stat().st_size, 400_000)  # all of them take a megabyte
        known = self.known()
        self.restart()
        self.assertEqual(self.known(), known)
        self.assertEqual(self.describe_configs(TOPIC, "kept")[1]["retention.bytes"][:2], ("5000", 1))

    def test_what_a_crash_has_cut_short_at_the_end_of_the_file_is_removed(self):
        self.create_topics([("a", 3, 1)])
        size = (self.directory / "topics.log").stat().st_size
        self.create_topics([("b", 3, 1)])
        known = self.known()
        self.broker.stop()
        whole = (self.directory / "topics.log").read_bytes()
        for cut in (size + 1, size + 30, size + 70, len(whole) - 1):
            (self.directory / "topics.log").write_bytes(whole[:cut])
            self.restart()
            self.assertEqual(self.known(), {"a": known["a"]})
            self.assertRegex(self.broker.errors(), rf"topics.log: cut off {cut - size} bytes")
        self.assertEqual(self.create_errors(("b", 1, 1)), {"b": 0})
        self.restart()
        self.assertEqual(set(self.known()), {"a", "b"})

    def test_records_come_and_go_with_their_topic(self):
        self.create_topics([("kept", 2, 1), ("gone", 2, 1)])
        self.create_partitions([("kept", 3, None)])
        records = kb.batch([b"value"])
        for partition in range(3):
            self.assertEqual(self.one.produce("kept", records, partition), (0, 0))
        self.one.produce("gone", records)
        self.delete_topics(["gone"])
        self.assertEqual(list(self.directory.glob("gone-*")), [])
        self.restart()
        for partition in range(3):
            self.assertEqual(self.one.fetch("kept", [(partition, 0, 1000)]), [(partition, 0, 1, stamped(records, 0))])
        self.create_topics([("gone", 2, 1)])
        self.assertEqual(self.one.fetch("gone", [(0, 0, 1000)]), [(0, 0, 0, b"")])

    def test_the_file_does_not_grow_with_what_is_deleted(self):
        self.create_topics([("kept", 3, 1)])
        size = (self.directory / "topics.log").stat().st_size
        for _ in range(20):
            self.create_topics([("gone", 3, 1)])
            self.delete_topics(["gone"])
        known = self.known()
        self.restart()
        self.assertEqual((self.directory / "topics.log").stat().st_size, size)
        self.restart()
        self.assertEqual(self.known(), known)


if __name__ == "__main__":
    unittest.main(verbosity=2)
