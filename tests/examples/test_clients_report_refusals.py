#!/usr/bin/env python3
"""kcat and kafka-python say within seconds that the echo broker has no groups and no transactions.

    KWIRE_BUILD_DIR=build/release python3 tests/examples/test_clients_report_refusals.py

A client that is missing is skipped. kafka-python may be in this Python or in Debian's.
"""

import pathlib
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from echo_broker import *

KAFKA_PYTHON = """
import kafka, sys
consumer = kafka.KafkaConsumer("orders", bootstrap_servers=sys.argv[1], group_id="readers")
try:
    consumer.poll(20000)
except kafka.errors.GroupAuthorizationFailedError as e:
    print(e)
"""


def python_with_kafka():
    for python in (sys.executable, "/usr/bin/python3"):
        if shutil.which(python) and subprocess.run([python, "-c", "import kafka"], stderr=subprocess.DEVNULL).returncode == 0:
            return python
    return None


class ClientsReportRefusals(BrokerTest):
    def setUp(self):
        super().setUp()
        self.client().create(self.topic)
        self.address = f"127.0.0.1:{self.broker.port}"

    def said(self, *command):
        """What a client writes, on condition that it ends in time."""
        began = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE)
        self.assertLess(time.monotonic() - began, 3)
        return done.stdout + done.stderr

    @unittest.skipUnless(shutil.which("kcat"), "kcat is missing")
    def test_kcat_with_a_group(self):
        self.assertIn("this broker has no consumer groups", self.said("kcat", "-b", self.address, "-G", "readers", self.topic))

    @unittest.skipUnless(shutil.which("kcat"), "kcat is missing")
    def test_kcat_with_a_transaction(self):
        self.assertIn("this broker has no transactions", self.said(
            "kcat", "-b", self.address, "-X", "transactional.id=pay", "-P", "-t", self.topic))

    @unittest.skipUnless(python_with_kafka(), "kafka-python is missing")
    def test_kafka_python_with_a_group(self):
        self.assertIn("GroupAuthorizationFailedError: readers", self.said(python_with_kafka(), "-c", KAFKA_PYTHON, self.address))


if __name__ == "__main__":
    unittest.main(verbosity=2)
