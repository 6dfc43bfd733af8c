"""kafka-python, Debian's 2.0.2 and PyPI's newest. See scenario.py."""

import signal
import subprocess
import sys

import kafka
import kafka.codec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.structs import OffsetAndMetadata

import scenario as s

NEW = int(kafka.__version__.split(".")[0]) >= 3


def consumer(bootstrap, group=None, **more):
    return KafkaConsumer(bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False,
                         session_timeout_ms=s.SESSION_MS, heartbeat_interval_ms=500, metadata_max_age_ms=1000, **more)


def read_all(bootstrap, topic, count, **more):
    reader = consumer(bootstrap, **more)
    reader.assign([TopicPartition(topic, 0)])
    reader.seek_to_beginning()
    seen = []

    def next_ones():
        for batch in reader.poll(500).values():
            seen.extend((r.key, r.value, list(r.headers)) for r in batch)
        return len(seen) >= count
    s.wait_for(f"{count} records", next_ones)
    s.expect("records after the last one", reader.poll(500), {})
    reader.close()
    return seen


def produce(bootstrap, topic, records, **settings):
    producer = KafkaProducer(bootstrap_servers=bootstrap, linger_ms=5, max_request_size=2_000_000, **settings)
    sent = [producer.send(topic, key=key, value=value, headers=headers, partition=0) for key, value, headers in records]
    for one in sent:
        one.get(s.PATIENCE)
    producer.close()


def pass_through(name, bootstrap, topic):
    if name in s.CODECS and not getattr(kafka.codec, "has_" + name)():
        sys.exit(s.SKIPPED)  # the library of the codec is not installed
    if name == "idempotent" and not NEW:
        sys.exit(s.SKIPPED)
    # It refuses headers without a value.
    records = [(key, value, [h for h in headers if h[1] is not None]) for key, value, headers in s.records_of(name)]
    produce(bootstrap, topic, records, **s.producer_settings(name))
    s.expect_records(read_all(bootstrap, topic, len(records)), records)


def transactions(_, bootstrap, topic):
    if not NEW:
        sys.exit(s.SKIPPED)
    producer = KafkaProducer(bootstrap_servers=bootstrap, transactional_id=topic + "-writer")
    producer.init_transactions()
    written = {}
    for name, keep in s.TRANSACTIONS:
        producer.begin_transaction()
        written[name] = s.text_records(name)
        for one in [producer.send(topic, key=key, value=value, partition=0) for key, value, _ in written[name]]:
            one.get(s.PATIENCE)
        (producer.commit_transaction if keep else producer.abort_transaction)()
    s.expect_records(read_all(bootstrap, topic, 100, isolation_level="read_committed"), written["first"] + written["last"])
    s.expect_records(read_all(bootstrap, topic, 150, isolation_level="read_uncommitted"),
                     written["first"] + written["aborted"] + written["last"])
    producer.begin_transaction()
    producer.send_offsets_to_transaction({TopicPartition(topic, 0): OffsetAndMetadata(40, "", -1)}, topic + "-group")
    producer.commit_transaction()
    producer.close()
    reader = consumer(bootstrap, topic + "-group")
    s.expect("committed offset", reader.committed(TopicPartition(topic, 0)), 40)
    reader.close()


def member(_, bootstrap, topic):
    one = consumer(bootstrap, topic + "-group")
    one.subscribe([topic])
    while True:
        one.poll(200)


def group(_, bootstrap, topic):
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(topic, 4, 1)])
    produce(bootstrap, topic, s.records_of("plain"))
    first = consumer(bootstrap, topic + "-group")
    first.subscribe([topic])
    seen = set()

    def has(partitions):
        for batch in first.poll(200).values():
            seen.update((r.partition, r.offset) for r in batch)
        return len(first.assignment()) == partitions
    s.wait_for("four partitions alone", lambda: has(4))

    def beside_another(what, ending):
        other = subprocess.Popen([sys.executable, __file__, "member", bootstrap, topic])
        try:
            s.wait_for("two partitions beside another", lambda: has(2))
            other.send_signal(ending)
            s.wait_for("four partitions after " + what, lambda: has(4))
        finally:
            other.kill()
            other.wait()
    beside_another("a crash", signal.SIGKILL)
    beside_another("a leave", signal.SIGTERM)
    s.wait_for("all records", lambda: has(4) and len(seen) == 500)
    offset = OffsetAndMetadata(321, "", -1) if NEW else OffsetAndMetadata(321, "")
    first.commit({TopicPartition(topic, 0): offset})
    first.close()
    later = consumer(bootstrap, topic + "-group")
    later.subscribe([topic])
    got = []
    s.wait_for("a record", lambda: got.extend(r for b in later.poll(200).values() for r in b) or got)
    s.expect("first offset after the committed one", (got[0].partition, got[0].offset), (0, 321))
    later.close()


def admin(_, bootstrap, topic):
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(topic, 3, 1)])
    s.expect("the topic is listed", topic in admin.list_topics(), True)
    s.expect("partitions", len(admin.describe_topics([topic])[0]["partitions"]), 3)
    admin.delete_topics([topic])
    s.wait_for("the topic is gone", lambda: topic not in admin.list_topics())
    admin.close()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # closes the consumer, which leaves its group
    s.main({name: pass_through for name in ("plain", "acks0", *s.CODECS, "headers", "nulls", "large", "idempotent")}
           | {"transactions": transactions, "group": group, "member": member, "admin": admin})
