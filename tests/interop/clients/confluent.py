"""confluent-kafka (librdkafka). See scenario.py."""

import os
import signal
import subprocess
import sys

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic

import scenario as s

GROUP_PROTOCOL = os.environ.get("GROUP_PROTOCOL", "classic")


def consumer(bootstrap, group="reader", **more):
    settings = {"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False,
                "topic.metadata.refresh.interval.ms": 1000, **more}
    if GROUP_PROTOCOL == "consumer":
        settings["group.protocol"] = "consumer"
    else:
        settings |= {"session.timeout.ms": s.SESSION_MS, "heartbeat.interval.ms": 500}
    return Consumer(settings)


def read_all(bootstrap, topic, count, **more):
    reader = consumer(bootstrap, **more)
    reader.assign([TopicPartition(topic, 0, 0)])
    seen = []

    def next_one():
        message = reader.poll(1)
        if message is not None and not message.error():
            seen.append((message.key(), message.value(), message.headers() or []))
        return len(seen) >= count
    s.wait_for(f"{count} records", next_one)
    late = reader.poll(0.5)
    s.expect("a record after the last one", late and late.value(), None)
    reader.close()
    return seen


def produce(bootstrap, topic, records, **settings):
    failed = []
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5, **settings})
    for key, value, headers in records:
        producer.produce(topic, key=key, value=value, headers=headers, partition=0,
                         on_delivery=lambda error, _: error and failed.append(str(error)))
    s.expect("records that were not delivered", producer.flush(s.PATIENCE), 0)
    s.expect("errors", failed, [])


def pass_through(name, bootstrap, topic):
    settings = {key.replace("_", "."): value for key, value in s.producer_settings(name).items()}
    records = s.records_of(name)
    produce(bootstrap, topic, records, **settings)
    s.expect_records(read_all(bootstrap, topic, len(records)), records)


def check(name, bootstrap, topic):
    """The second reader: what another client has written in a scenario with the same records for all clients."""
    records = s.records_of(name.removeprefix("check-"))
    s.expect_records(read_all(bootstrap, topic, len(records)), records)


def transactions(_, bootstrap, topic):
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": topic + "-writer"})
    producer.init_transactions(s.PATIENCE)
    written = {}
    for name, keep in s.TRANSACTIONS:
        producer.begin_transaction()
        written[name] = s.text_records(name)
        for key, value, _ in written[name]:
            producer.produce(topic, key=key, value=value, partition=0)
        producer.flush(s.PATIENCE)
        (producer.commit_transaction if keep else producer.abort_transaction)(s.PATIENCE)
    kept = written["first"] + written["last"]
    s.expect_records(read_all(bootstrap, topic, 100, **{"isolation.level": "read_committed"}), kept)
    s.expect_records(read_all(bootstrap, topic, 150, **{"isolation.level": "read_uncommitted"}),
                     written["first"] + written["aborted"] + written["last"])
    # Offsets that are committed with a transaction, and those of one that is aborted.
    reader = consumer(bootstrap, topic + "-group", **{"isolation.level": "read_committed"})
    reader.subscribe([topic])
    s.wait_for("an assignment", lambda: [reader.poll(0.2)] and bool(reader.assignment()))
    for offset, keep in ((40, True), (90, False)):
        producer.begin_transaction()
        producer.send_offsets_to_transaction([TopicPartition(topic, 0, offset)], reader.consumer_group_metadata(), s.PATIENCE)
        (producer.commit_transaction if keep else producer.abort_transaction)(s.PATIENCE)
        s.expect("committed offset", reader.committed([TopicPartition(topic, 0)], s.PATIENCE)[0].offset, 40)
    reader.close()


def member(_, bootstrap, topic):
    """A member of the group, until it is told to leave."""
    one = consumer(bootstrap, topic + "-group")
    one.subscribe([topic])
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    while not stopped:
        one.poll(0.2)
    one.close()


def group(_, bootstrap, topic):
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for future in admin.create_topics([NewTopic(topic, 4, 1)]).values():
        future.result(s.PATIENCE)
    produce(bootstrap, topic, s.records_of("plain"))
    first = consumer(bootstrap, topic + "-group")
    first.subscribe([topic])
    seen = []

    def has(partitions):
        message = first.poll(0.2)
        if message is not None and not message.error():
            seen.append(message)
        return len(first.assignment()) == partitions
    s.wait_for("four partitions alone", lambda: has(4))
    second = consumer(bootstrap, topic + "-group")
    second.subscribe([topic])
    s.wait_for("two partitions each", lambda: [second.poll(0.1)] and has(2) and len(second.assignment()) == 2)
    second.close()
    s.wait_for("four partitions after the other has left", lambda: has(4))
    third = subprocess.Popen([sys.executable, __file__, "member", bootstrap, topic])
    try:
        s.wait_for("two partitions beside a process", lambda: has(2))
        if GROUP_PROTOCOL == "classic":
            third.send_signal(signal.SIGKILL)
        else:  # the session of the new protocol is the broker's, 45 s
            third.send_signal(signal.SIGTERM)
        s.wait_for("four partitions after the other has crashed", lambda: has(4))
    finally:
        third.kill()
        third.wait()
    s.wait_for("all records", lambda: has(4) and len({(m.partition(), m.offset()) for m in seen}) == 500)
    first.commit(offsets=[TopicPartition(topic, 0, 321)], asynchronous=False)
    first.close()
    later = consumer(bootstrap, topic + "-group")
    later.subscribe([topic])
    got = []
    s.wait_for("a record", lambda: got.append(later.poll(0.2)) or any(m and not m.error() for m in got))
    message = next(m for m in got if m and not m.error())
    s.expect("first offset after the committed one", (message.partition(), message.offset()), (0, 321))
    later.close()
    s.expect("the group is listed", topic + "-group" in [g.group_id for g in
             admin.list_consumer_groups(request_timeout=s.PATIENCE).result().valid], True)
    for future in admin.delete_consumer_groups([topic + "-group"]).values():
        future.result(s.PATIENCE)


def admin(_, bootstrap, topic):
    admin = AdminClient({"bootstrap.servers": bootstrap})

    def done(futures):
        return [future.result(s.PATIENCE) for future in futures.values()]

    def topics():
        return admin.list_topics(timeout=s.PATIENCE).topics
    done(admin.create_topics([NewTopic(topic, 3, 1, config={"max.message.bytes": "5000"})]))
    # Another broker than the one that did it may answer, and know it a little later.
    s.wait_for("three partitions", lambda: topic in topics() and len(topics()[topic].partitions) == 3)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    s.expect("setting", done(admin.describe_configs([resource]))[0]["max.message.bytes"].value, "5000")
    from confluent_kafka.admin import NewPartitions
    done(admin.create_partitions([NewPartitions(topic, 5)]))
    s.wait_for("five partitions", lambda: len(topics()[topic].partitions) == 5)
    done(admin.delete_topics([topic]))
    s.wait_for("the topic is gone", lambda: topic not in topics())


def failover(_, bootstrap, topic):
    writer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0, "enable.idempotence": True, "topic.metadata.refresh.interval.ms": 1000})
    reader = consumer(bootstrap)
    reader.assign([TopicPartition(topic, 0, 0)])
    seen = []

    def send(value):
        failed = []
        writer.produce(topic, value=value, partition=0, on_delivery=lambda error, _: error and failed.append(str(error)))
        s.expect("records that were not delivered", writer.flush(s.PATIENCE), 0)
        s.expect("errors", failed, [])

    def poll():
        while (message := reader.poll(0.01)) is not None:
            if not message.error():
                seen.append(message.value())
    s.failover(send, poll, lambda: seen)
    reader.close()


if __name__ == "__main__":
    s.main({name: pass_through for name in ("plain", "acks0", *s.CODECS, "headers", "nulls", "large", "idempotent")}
           | {"check-" + name: check for name in s.SAME_FOR_ALL}
           | {"transactions": transactions, "group": group, "member": member, "admin": admin, "failover": failover})
