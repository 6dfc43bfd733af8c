#!/usr/bin/env python3
"""Clients tell their user within seconds what the echo broker does not serve.

    KWIRE_BUILD_DIR=build/release python3 tests/examples/test_clients_report_refusals.py

A client that is missing is skipped.
"""

import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from echo_broker import *
from pythons import python_with

ACLS_BY_KAFKA_PYTHON = """
import kafka, sys, time
from kafka.admin import *
admin = KafkaAdminClient(bootstrap_servers=sys.argv[1], api_version_auto_timeout_ms=60_000)
topic = ResourcePatternFilter(ResourceType.TOPIC, "orders", ACLResourcePatternType.ANY)
began = time.monotonic()
try:
    admin.describe_acls(ACLFilter(None, "*", ACLOperation.ANY, ACLPermissionType.ANY, topic))
except kafka.errors.IncompatibleBrokerVersion as e:
    print(round(time.monotonic() - began), e)
"""


class ClientsReportRefusals(BrokerTest):
    @unittest.skipUnless(python_with("kafka"), "kafka-python is missing")
    def test_kafka_python_says_that_the_broker_has_no_access_control_lists(self):
        done = subprocess.run([python_with("kafka"), "-c", ACLS_BY_KAFKA_PYTHON, f"127.0.0.1:{self.broker.port}"],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE)
        seconds, _, said = done.stdout.partition(" ")
        self.assertIn("does not support the 'DescribeAclsRequest_v0' Kafka protocol", said, done.stderr)
        self.assertLess(int(seconds), SOON)


if __name__ == "__main__":
    unittest.main(verbosity=2)
