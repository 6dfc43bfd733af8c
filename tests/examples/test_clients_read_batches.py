#!/usr/bin/env python3
"""kcat and kafka-python read what kwire's builder wrote, in every compression: batches of tests/tools/build_sets.cpp go to the
echo broker in Produce requests, and the clients consume them.

    KWIRE_BUILD_DIR=build/release python3 tests/examples/test_clients_read_batches.py

A client that is missing, or that lacks a compression type, is skipped with a message. kafka-python may be in this Python or in
Debian's.
"""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from echo_broker import Broker, Client, PATIENCE, limit_time
from pythons import python_with

BUILD_SETS = pathlib.Path(os.environ["KWIRE_BUILD_DIR"]) / "tests" / "tools" / "build_sets"
SETS = 240  # enough for some dozens of batches with each compression
END = b"<-end of message->"

# The program for the Python that has kafka-python: reads the topic to its end and writes one line per record.
KAFKA_PYTHON = """
import base64, json, sys, time
import kafka
from kafka import codec
address, topic, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
text = lambda data: None if data is None else base64.b64encode(data).decode()
consumer = kafka.KafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest", enable_auto_commit=False,
                               api_version_auto_timeout_ms=60_000)
consumer.assign([kafka.TopicPartition(topic, 0)])
end = time.monotonic() + %d
while count > 0 and time.monotonic() < end:
    for records in consumer.poll(500).values():
        for r in records:
            count -= 1
            print(json.dumps([r.offset, r.timestamp, text(r.key), text(r.value), [[n, text(v)] for n, v in r.headers]]))
consumer.close()
""" % PATIENCE


def split(records):
    """The batches of a records field."""
    at = 0
    while at < len(records):
        size = 12 + int.from_bytes(records[at + 8:at + 12], "big")
        yield records[at:at + size]
        at += size


def is_producers(batch):
    """Whether a producer may send it: not transactional, not a control batch, no log append time, not compacted."""
    records = batch["records"]
    return (batch["magic"] == 2 and not batch["is_transactional"] and batch["timestamp_type"] == "create_time"
            and batch["delete_horizon"] is None
            and batch["last_offset"] - batch["base_offset"] + 1 == len(records))


def built():
    """{compression: [(bytes of the batch, records)]}; snappy-raw stands for itself."""
    out = {}
    lines = subprocess.run([BUILD_SETS, "3", str(SETS)], check=True, capture_output=True, text=True).stdout.splitlines()
    for line in map(json.loads, lines):
        compression = line["sample"].split("-", 2)[2].rsplit("-", 1)[0]
        if line["batches"][0]["magic"] != 2:
            continue
        for data, batch in zip(split(bytes.fromhex(line["hex"])), line["batches"]):
            if is_producers(batch):
                out.setdefault(compression, []).append((data, batch["records"]))
    return out


@unittest.skipUnless(BUILD_SETS.exists(), "build_sets is not built, since a compression library is missing")
class ClientsReadBatches(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sets = built()

    def setUp(self):
        limit_time(self)
        self.broker = Broker("--partitions", "1")
        self.address = f"127.0.0.1:{self.broker.port}"
        self.addCleanup(self.stop)

    def stop(self):
        status, _ = self.broker.stop()
        self.broker.log.close()
        self.assertEqual(status, 0)

    def produce(self, compression):
        """Produces to a topic of that name; returns its records: [[offset, timestamp, key, value, headers]]."""
        expected = []
        with Client(self.broker) as client:
            client.create(compression)
            for data, records in self.sets[compression]:
                data = bytes(8) + data[8:]  # a producer counts from 0; the checksum does not cover the offset
                self.assertEqual(client.produce(compression, data), (0, len(expected)))
                for r in records:
                    expected.append([len(expected), r["timestamp"], r["key"], r["value"], r["headers"]])
        self.assertGreater(len(expected), 20)
        return expected

    def compare(self, received, expected, compression):
        self.assertEqual(len(received), len(expected), compression)
        for got, want in zip(received, expected):
            self.assertEqual(got, want, compression)

    def test_every_compression_is_there(self):
        self.assertEqual(set(self.sets), {"none", "gzip", "snappy", "snappy-raw", "lz4", "zstd"})

    @unittest.skipUnless(shutil.which("kcat"), "kcat is missing")
    def test_kcat_reads_them(self):
        for compression in self.sets:
            expected = self.produce(compression)
            out = subprocess.run(["kcat", "-m", "60", "-b", self.address, "-C", "-t", compression, "-o", "beginning", "-e", "-q", "-f",
                                  "%o %T %K %S\n%k%s%h" + END.decode()], check=True, capture_output=True, timeout=PATIENCE).stdout
            self.compare(list(self.from_kcat(out)), [self.as_kcat_says(*each) for each in expected], compression)

    @staticmethod
    def from_kcat(out):
        at = 0
        while at < len(out):
            line_end = out.index(b"\n", at)
            offset, timestamp, key, value = map(int, out[at:line_end].split())
            at = line_end + 1
            fields = []
            for size in (key, value):  # -1: null
                fields.append(None if size < 0 else out[at:at + size])
                at += max(size, 0)
            end = out.index(END, at)
            yield [offset, timestamp, *fields, out[at:end]]
            at = end + len(END)

    @staticmethod
    def as_kcat_says(offset, timestamp, key, value, headers):
        def data(text):
            return None if text is None else base64.b64decode(text)
        # A header's value is text to kcat, which ends at a NUL.
        shown = b",".join(name.encode() + b"=" + (b"NULL" if value is None else data(value).split(b"\0")[0])
                          for name, value in headers)
        return [offset, timestamp, data(key), data(value), shown]

    def test_kafka_python_reads_them(self):
        left_out = []
        for compression in self.sets:
            codec = compression.removesuffix("-raw").replace("none", "gzip")
            python = python_with("kafka.codec", f"kafka.codec.has_{codec}()")
            if python is None:
                left_out.append(compression)
                continue
            expected = self.produce(compression)
            said = subprocess.run([python, "-c", KAFKA_PYTHON, self.address, compression, str(len(expected))], check=True,
                                  capture_output=True, text=True, timeout=2 * PATIENCE).stdout
            self.compare([json.loads(line) for line in said.splitlines()], expected, compression)
        if left_out:
            self.skipTest("no Python with kafka-python and " + ", ".join(left_out))


if __name__ == "__main__":
    unittest.main()
