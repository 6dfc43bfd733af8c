"""kafka-python as a child process: see exchange() in test_proxy.py for what it reads and writes."""

import base64
import json
import sys
import time

import kafka
import kafka.codec

HAS = {"none": lambda: True, "gzip": kafka.codec.has_gzip, "snappy": kafka.codec.has_snappy, "lz4": kafka.codec.has_lz4,
       "zstd": getattr(kafka.codec, "has_zstd", lambda: False)}


def data(text):
    return None if text is None else base64.b64decode(text)


def text(value):
    return None if value is None else base64.b64encode(value).decode()


def main():
    ask = json.load(sys.stdin)
    common = {"bootstrap_servers": ask["address"], "api_version_auto_timeout_ms": ask["probe_ms"]}
    if ask["password"] is not None:
        common.update(security_protocol="SASL_PLAINTEXT", sasl_mechanism="PLAIN", sasl_plain_username="alice",
                      sasl_plain_password=ask["password"])
    answer = {"left_out": [codec for codec in ask["codecs"] if not HAS[codec]()], "records": {}}
    try:
        for codec in ask["codecs"]:
            if codec in answer["left_out"]:
                continue
            producer = kafka.KafkaProducer(compression_type=None if codec == "none" else codec, linger_ms=5, acks="all",
                                           request_timeout_ms=ask["patience"] * 1000, **common)
            sent = [producer.send(codec, key=data(key), value=data(value), headers=[(n, data(v)) for n, v in headers])
                    for key, value, headers in ask["messages"]]
            for one in sent:
                one.get(timeout=ask["patience"])
            producer.close()
            consumer = kafka.KafkaConsumer(auto_offset_reset="earliest", enable_auto_commit=False, **common)
            consumer.assign([kafka.TopicPartition(codec, 0)])
            records, end = [], time.monotonic() + ask["patience"]
            while len(records) < len(sent) and time.monotonic() < end:
                for some in consumer.poll(500).values():
                    records += [[text(r.key), text(r.value), [[n, text(v)] for n, v in r.headers]] for r in some]
            consumer.close()
            answer["records"][codec] = records
    except kafka.errors.KafkaError as e:
        answer["error"] = repr(e)
    json.dump(answer, sys.stdout)


main()
