"""confluent-kafka as a child process: see exchange() in test_proxy.py for what it reads and writes."""

import base64
import json
import sys
import time

import confluent_kafka as kafka


def data(text):
    return None if text is None else base64.b64decode(text)


def text(value):
    return None if value is None else base64.b64encode(value).decode()


class Failed(Exception):
    pass


def main():
    ask = json.load(sys.stdin)
    errors = []
    common = {"bootstrap.servers": ask["address"], "error_cb": errors.append}
    if ask["password"] is not None:
        common.update({"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": "alice",
                       "sasl.password": ask["password"]})
    answer = {"left_out": [], "records": {}, "version": f"{kafka.version()[0]} (librdkafka {kafka.libversion()[0]})"
              if isinstance(kafka.version(), tuple) else f"{kafka.version()} (librdkafka {kafka.libversion()[0]})"}

    def check(end):
        hard = [e for e in errors if e.code() in (kafka.KafkaError._AUTHENTICATION, kafka.KafkaError._ALL_BROKERS_DOWN)]
        if hard:
            raise Failed("; ".join(f"{e.name()}: {e.str()}" for e in errors))
        if time.monotonic() > end:
            raise Failed("it took too long; " + "; ".join(f"{e.name()}: {e.str()}" for e in errors))

    def acknowledged(error, _):
        if error is not None:
            errors.append(error)

    try:
        for codec in ask["codecs"]:
            end = time.monotonic() + ask["patience"]
            producer = kafka.Producer({"compression.codec": codec, "linger.ms": 5, "enable.idempotence": True, **common})
            for key, value, headers in ask["messages"]:
                producer.produce(codec, value=data(value), key=data(key), headers=[(n, data(v)) for n, v in headers],
                                 partition=0, on_delivery=acknowledged)
            while producer.flush(0.2) != 0:
                check(end)
            consumer = kafka.Consumer({"group.id": "none", "auto.offset.reset": "earliest", "enable.auto.commit": False,
                                       **common})
            consumer.assign([kafka.TopicPartition(codec, 0, kafka.OFFSET_BEGINNING)])
            records = []
            while len(records) < len(ask["messages"]):
                message = consumer.poll(0.5)
                check(end)
                if message is None:
                    continue
                if message.error() and message.error().code() == kafka.KafkaError.GROUP_AUTHORIZATION_FAILED:
                    continue  # the echo broker has no groups, and assign() needs none
                if message.error():
                    raise Failed(message.error().str())
                records.append([text(message.key()), text(message.value()),
                                [[n, text(v)] for n, v in message.headers() or []]])
            consumer.close()
            answer["records"][codec] = records
    except Failed as e:
        answer["error"] = str(e)
    json.dump(answer, sys.stdout)


main()
