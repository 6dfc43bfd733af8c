"""Transactions with librdkafka: `transactions_of_librdkafka.py ADDRESS SCENARIO` prints what happened as JSON."""

import json
import sys
import time

import confluent_kafka as ck

ADDRESS, SCENARIO = sys.argv[1:]
PATIENCE = 100


def producer():
    made = ck.Producer({"bootstrap.servers": ADDRESS, "transactional.id": "t"})
    made.init_transactions(PATIENCE)
    return made


def read(isolation):
    """The values of all records of the topic's first partition."""
    consumer = ck.Consumer({"bootstrap.servers": ADDRESS, "group.id": "none", "isolation.level": isolation,
                            "enable.auto.commit": False, "enable.partition.eof": True})
    consumer.assign([ck.TopicPartition("orders", 0, 0)])
    values = []
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        message = consumer.poll(1)
        if message is None:
            continue
        if message.error():
            assert message.error().code() == ck.KafkaError._PARTITION_EOF, message.error()
            consumer.close()
            return values
        values.append(message.value().decode())
    raise TimeoutError


def commits_and_aborts():
    one = producer()
    for name, commit in ("first", True), ("second", False), ("third", True):
        one.begin_transaction()
        for number in range(2):
            one.produce("orders", f"{name} {number}", partition=0)
        one.flush(PATIENCE)
        one.commit_transaction(PATIENCE) if commit else one.abort_transaction(PATIENCE)
    return {isolation: read(isolation) for isolation in ("read_committed", "read_uncommitted")}


def fencing():
    old = producer()
    old.begin_transaction()
    old.produce("orders", "old", partition=0)
    old.flush(PATIENCE)
    new = producer()
    try:
        old.commit_transaction(PATIENCE)
        error = None
    except ck.KafkaException as e:
        error = e.args[0].name()
    new.begin_transaction()
    new.produce("orders", "new", partition=0)
    new.commit_transaction(PATIENCE)
    return {"error": error, "read_committed": read("read_committed")}


print(json.dumps({"commits_and_aborts": commits_and_aborts, "fencing": fencing}[SCENARIO]()))
