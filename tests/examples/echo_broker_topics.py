"""Requests about topics and their settings to the echo broker, for the tests in this folder."""

import kafka_bytes as kb
from echo_broker import *

CREATE_TOPICS, DELETE_TOPICS, DELETE_RECORDS, OFFSET_FOR_LEADER_EPOCH, DESCRIBE_CONFIGS, ALTER_CONFIGS = 19, 20, 21, 23, 32, 33
DESCRIBE_LOG_DIRS, CREATE_PARTITIONS, INCREMENTAL_ALTER_CONFIGS, DESCRIBE_CLUSTER, DESCRIBE_TOPIC_PARTITIONS = 35, 37, 44, 60, 75
NO_ID = bytes(16)
TOPIC, NODE = 2, 4  # types of resources
TOPIC_OPERATIONS, NOT_ASKED = 0b110111111000, -2**31


class TopicsTest(BrokerTest):
    def setUp(self):
        super().setUp()
        self.one = self.client()

    # -- requests: each returns what the answer says of each topic

    def ask(self, key, version, write, read, client=None):
        w = kb.Writer(kb.is_flexible(key, version))
        write(w)
        w.tags()
        r = kb.Reader((client or self.one).ask(key, version, w.out), w.flexible)
        out = read(r)
        r.tags()
        r.end()
        return out

    def create_topics(self, topics, version=7, validate_only=False):
        """topics: (name, partitions, replicas, {partition: brokers}, {setting: value}). {name: (error, partitions, id, settings)}."""
        def put(topic):
            name, partitions, replicas, assignments, settings = (*topic, {}, {})[:5]
            w.string(name)
            w.put("ih", partitions, replicas)
            w.array(list(assignments.items()), put_assignment)
            w.array(list(settings.items()), put_setting)
            w.tags()

        def put_assignment(item):
            w.put("i", item[0])
            w.array(item[1], lambda broker: w.put("i", broker))
            w.tags()

        def put_setting(item):
            w.string(item[0])
            w.string(item[1])
            w.tags()

        def get():
            name = r.string()
            ident = r.take(16) if version >= 7 else None
            error, message, partitions, settings = r.get("h"), None, None, None
            if version >= 1:
                message = r.string()
                self.assertEqual(error == 0, message is None)
            if version >= 5:
                partitions, replicas = r.get("ih")
                self.assertEqual(replicas, -1 if error else 1)
                settings = {s[0]: s[1:] for s in r.array(setting)}
            r.tags()
            return name, (error, partitions, ident, settings)

        def setting():
            out = (r.string(), r.string(), *r.get("?b?"))
            r.tags()
            return out
        w = kb.Writer(version >= 5)
        w.array(topics, put)
        w.put("i", 1000)
        if version >= 1:
            w.put("?", validate_only)
        w.tags()
        r = kb.Reader(self.one.ask(CREATE_TOPICS, version, w.out), version >= 5)
        if version >= 2:
            r.get("i")
        topics = r.array(get)
        r.tags()
        r.end()
        self.assertEqual(len({name for name, _ in topics}), len(topics))
        return dict(topics)

    def create_errors(self, *topics, **options):
        return {name: answer[0] for name, answer in self.create_topics(topics, **options).items()}

    def delete_topics(self, names, version=6):
        """[(name, id, error)]; a name of bytes is an id."""
        def write(w):
            def put(name):
                is_id = isinstance(name, bytes)
                w.string(None if is_id else name)
                w.out += name if is_id else NO_ID
                w.tags()
            w.array(names, put if version >= 6 else w.string)
            w.put("i", 1000)

        def read(r):
            def get():
                name = r.string()
                ident = r.take(16) if version >= 6 else None
                error = r.get("h")
                if version >= 5:
                    self.assertEqual(r.string() is None, error == 0)
                r.tags()
                return name, ident, error
            if version >= 1:
                r.get("i")
            return r.array(get)
        return self.ask(DELETE_TOPICS, version, write, read)

    def create_partitions(self, topics, version=3, validate_only=False):
        """topics: (name, count, assignments). {name: error}."""
        def write(w):
            def put(topic):
                w.string(topic[0])
                w.put("i", topic[1])
                w.array(topic[2], put_assignment)
                w.tags()

            def put_assignment(brokers):
                w.array(brokers, lambda broker: w.put("i", broker))
                w.tags()
            w.array(topics, put)
            w.put("i?", 1000, validate_only)

        def read(r):
            def get():
                name, error = r.string(), r.get("h")
                self.assertEqual(r.string() is None, error == 0)
                r.tags()
                return name, error
            r.get("i")
            return dict(r.array(get))
        return self.ask(CREATE_PARTITIONS, version, write, read)

    def describe_configs(self, kind, name, version=4, keys=None, synonyms=True):
        """(error, {setting: (value, source, read only, [(name, value, source)])}); the source of v0 is whether it is the default."""
        def write(w):
            def put(_):
                w.put("b", kind)
                w.string(name)
                w.array(keys, w.string)
                w.tags()
            w.array([0], put)
            if version >= 1:
                w.put("?", synonyms)
            if version >= 3:
                w.put("?", True)

        def read(r):
            def get():
                error = r.get("h")
                self.assertEqual(r.string() is None, error == 0)
                self.assertEqual((r.get("b"), r.string()), (kind, name))
                settings = r.array(setting)
                r.tags()
                return error, dict(settings)

            def setting():
                name, value, read_only, source, sensitive = (r.string(), r.string(), *r.get("??" if version == 0 else "?b"), r.get("?"))
                self.assertFalse(sensitive)
                others = r.array(synonym) if version >= 1 else []
                if version >= 3:
                    self.assertIn(r.get("b"), range(1, 8))
                    self.assertIsNone(r.string())
                r.tags()
                return name, (value, source, read_only, others)

            def synonym():
                out = r.string(), r.string(), r.get("b")
                r.tags()
                return out
            r.get("i")
            return r.array(get)[0]
        return self.ask(DESCRIBE_CONFIGS, version, write, read)

    def alter_configs(self, settings, kind=TOPIC, name="orders", version=2, validate_only=False, key=ALTER_CONFIGS):
        """settings: [(name, value)], or [(name, operation, value)] for the incremental API. The error."""
        def write(w):
            def put(_):
                w.put("b", kind)
                w.string(name)
                w.array(settings, put_setting)
                w.tags()

            def put_setting(setting):
                w.string(setting[0])
                for operation in setting[1:-1]:
                    w.put("b", operation)
                w.string(setting[-1])
                w.tags()
            w.array([0], put)
            w.put("?", validate_only)

        def read(r):
            def get():
                error = r.get("h")
                self.assertEqual(r.string() is None, error == 0)
                self.assertEqual((r.get("b"), r.string()), (kind, name))
                r.tags()
                return error
            r.get("i")
            return r.array(get)[0]
        return self.ask(key, version, write, read)

    def change_configs(self, settings, version=1, **options):
        return self.alter_configs(settings, version=version, key=INCREMENTAL_ALTER_CONFIGS, **options)

    def delete_records(self, offsets, topic="orders", version=2):
        """offsets: [(partition, offset)]. [(partition, low watermark, error)]."""
        def write(w):
            def put_partition(one):
                w.put("iq", *one)
                w.tags()

            def put(_):
                w.string(topic)
                w.array(offsets, put_partition)
                w.tags()
            w.array([0], put)
            w.put("i", 1000)

        def read(r):
            def partition():
                out = r.get("iqh")
                r.tags()
                return out

            def get():
                self.assertEqual(r.string(), topic)
                out = r.array(partition)
                r.tags()
                return out
            r.get("i")
            return r.array(get)[0]
        return self.ask(DELETE_RECORDS, version, write, read)

    def partitions(self, topic):
        return kb.metadata_answer(12, self.one.ask(METADATA, 12, kb.metadata_body(12, [topic], False)))[2][topic][2]
