#!/usr/bin/env python3
"""The echo broker through its socket: what it supports, how long it waits, and which clients it survives.

    KWIRE_BUILD_DIR=build/release python3 tests/examples/test_echo_broker.py
"""

import contextlib
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import kafka_bytes as kb
from echo_broker import *

LEADER_AND_ISR, SHARE_FETCH = 4, 78


class EchoBroker(BrokerTest):
    # -- supported APIs

    def test_api_versions_lists_the_supported_apis_in_each_of_its_versions(self):
        client = self.client()
        for version in range(6):
            self.assertEqual(client.api_versions(version), (0, SERVED))

    def test_api_versions_names_the_features_and_a_range_that_begins_with_0_only_to_clients_that_accept_one(self):
        client = self.client()
        levels = {name: (highest, highest) for name, (_, highest) in FEATURES.items()}
        for version in range(6):
            tags = kb.api_versions_answer(version, client.ask(API_VERSIONS, version, kb.api_versions_body(version)))[2]
            self.assertEqual(tags, {} if version < 3 else {1: 0, 2: levels} if version < 4 else {0: FEATURES, 1: 0, 2: levels})

    def test_api_versions_of_an_unknown_version_is_answered_in_version_0_and_the_connection_stays_open(self):
        client = self.client()
        for version in (6, 99, 32767, -1):
            body = os.urandom(20)  # the content of an unknown version is unknown
            data = client.ask(API_VERSIONS, version, body)
            self.assertEqual(data, struct.pack(">hihhh", 35, 1, API_VERSIONS, *SERVED[API_VERSIONS]), version)
            self.assertEqual(client.api_versions(4), (0, SERVED))

    def test_api_versions_requires_a_well_formed_client_name(self):
        client = self.client()
        for name, version, error in ((b"a-b.c", b"1.0", 0), (b"", b"1", 42), (b"a b", b"1", 42), (b"-a", b"1", 42),
                                     (b"a", b"", 42), (b"a\n", b"1", 42)):
            body = kb.uvarint(len(name) + 1) + name + kb.uvarint(len(version) + 1) + version + b"\0"
            self.assertEqual(client.api_versions(3, body)[0], error, name)

    def test_every_advertised_version_of_the_basic_apis_is_supported(self):
        client = self.client()
        ident = client.create(self.topic)
        for version in range(14):
            brokers, controller, topics = kb.metadata_answer(
                version, client.ask(METADATA, version, kb.metadata_body(version, [self.topic])))
            self.assertEqual(brokers, [(1, "127.0.0.1", self.broker.port)])
            self.assertIn(controller, (1, None))
            self.assertEqual(topics, {self.topic: (0, ident if version >= 10 else None, 2)})
        for version in range(3, 14):
            records = kb.batch([b"version %d" % version])
            name = ident if version >= 13 else self.topic
            self.assertEqual(client.produce(name, records, version=version), (0, version - 3))
        for version in range(4, 19):
            name = ident if version >= 13 else self.topic
            (index, error, high, records), = client.fetch(name, [(0, 10, 1 << 20)], version)
            self.assertEqual((index, error, high), (0, 0, 11))
            self.assertEqual(records, stamped(kb.batch([b"version 13"]), 10))
        for version in range(1, 12):
            answer = kb.list_offsets_answer(version, client.ask(LIST_OFFSETS, version, kb.list_offsets_body(
                version, self.topic, [(0, -1), (1, -1), (7, -1)])))
            self.assertEqual([(p, e, o) for p, e, _, o in answer], [(0, 0, 11), (1, 0, 0), (7, 3, -1)])
            self.assertEqual(client.list_offset(self.topic, -2, version=version), (0, -1, 0))
        for version in range(6):
            w = kb.Writer(version >= 2)
            w.string(None)
            w.put("i", 1000)
            if version >= 3:
                w.put("qh", -1, -1)
            w.tags()
            r = kb.Reader(client.ask(INIT_PRODUCER, version, w.out), version >= 2)
            self.assertEqual(r.get("ihqh"), (0, 0, version, 0))  # every producer gets a new id
            r.tags()
            r.end()
        for version in range(2):
            self.assertEqual(client.ask(SASL, version, b"\0\5PLAIN"), struct.pack(">hi", 34, 0))

    def test_other_apis_and_versions_close_the_connection(self):
        for key, version in ((FETCH, 19), (METADATA, 14), (PRODUCE, 14), (LIST_OFFSETS, 12), (METADATA, -1), (36, 3),
                             (LEADER_AND_ISR, 0), (SHARE_FETCH, 1), (999, 0), (-1, 0)):
            client = self.client()
            client.send(key, version, b"\0" * 32)
            self.assertTrue(client.is_closed(), (key, version))
        for line in ('Fetch v19 of client "test" is not served, only v0 to v18', 'ShareFetch v1 of client "test" is not served',
                     'API 999 v0 of client "test" is not served'):
            self.assertRegex(self.broker.errors(), rf"(?m)^127\.0\.0\.1:\d+: {re.escape(line)}$")

    def test_the_name_of_a_client_is_shown_in_part_and_without_control_characters(self):
        client = self.client()
        client.socket.sendall(kb.frame(SHARE_FETCH, 1, b"", client="new\nline\"" + "x" * 100))
        self.assertTrue(client.is_closed())
        self.assertIn('client "new?line?' + "x" * 55 + '..." is not served', self.broker.errors())

    def test_it_coordinates_groups_and_transactions_and_says_that_it_has_no_share_groups(self):
        client = self.client()
        here = (1, "127.0.0.1", self.broker.port)
        nowhere = (-1, "", -1)
        for version in range(7):
            for kind, code, message, place in ((0, 0, None, here), (1, 0, None, here), (9, 42, "unknown type of coordinator", nowhere),
                                               (2, 30, "this broker has no share groups", nowhere)):
                if version == 0 and kind != 0:
                    continue
                body = kb.find_coordinator_body(version, kind, ["who", "else"])
                answers = kb.find_coordinator_answer(version, client.ask(FIND_COORDINATOR, version, body))
                self.assertEqual([(error, where) for error, _, where in answers], [(code, place)] * (2 if version >= 4 else 1))
                if code != 0:
                    self.assertEqual({said for _, said, _ in answers}, {message})

    def test_topics_are_created_only_if_the_client_allows_it_and_their_names_are_validated(self):
        client = self.client()

        def ask(name, create):
            return kb.metadata_answer(9, client.ask(METADATA, 9, kb.metadata_body(9, [name], create)))[2][name][0]
        self.assertEqual(ask("new", False), 3)
        self.assertEqual(ask("new", True), 0)
        self.assertEqual(ask("new", False), 0)
        for name in ("", ".", "..", "a/b", "ä", "x" * 250):
            self.assertEqual(ask(name, True), 17, name)
        all_topics = {"new": (0, None, 2)}
        self.assertEqual(kb.metadata_answer(0, client.ask(METADATA, 0, kb.metadata_body(0, [])))[2], all_topics)
        self.assertEqual(kb.metadata_answer(1, client.ask(METADATA, 1, kb.metadata_body(1, None)))[2], all_topics)
        self.assertEqual(kb.metadata_answer(1, client.ask(METADATA, 1, kb.metadata_body(1, [])))[2], {})

    # -- records

    def test_batches_come_back_unchanged_except_for_offset_and_epoch(self):
        client = self.client()
        client.create(self.topic)
        sent = [kb.batch([b"x" * size, None, b""], producer=(5, 0, 3 * i)) for i, size in enumerate((0, 1, 100, 20_000, 900_000))]
        offset = 0
        for records in sent:
            self.assertEqual(client.produce(self.topic, records), (0, offset))
            offset += 3
        (_, error, high, records), = client.fetch(self.topic, [(0, 0, 1 << 30)])
        self.assertEqual((error, high), (0, 15))
        self.assertEqual(records, b"".join(stamped(b, 3 * i) for i, b in enumerate(sent)))
        (_, _, _, records), = client.fetch(self.topic, [(0, 4, 1 << 30)])  # an offset inside a batch: the whole batch is returned
        self.assertEqual(records[:8], struct.pack(">q", 3))

    def test_one_request_may_carry_batches_for_several_partitions_and_twice_for_one(self):
        client = self.client()
        client.create(self.topic)
        a, b, c = kb.batch([b"a"]), kb.batch([b"b"] * 2), kb.batch([b"c"])
        body = kb.produce_body(7, self.topic, [(0, a), (1, b), (0, c), (2, a), (0, b[:-1])])
        self.assertEqual(kb.produce_answer(7, client.ask(PRODUCE, 7, body)),
                         [(0, 0, 0), (1, 0, 0), (0, 0, 1), (2, 3, -1), (0, 87, -1)])
        answer = client.fetch(self.topic, [(0, 0, 1 << 20), (1, 0, 1 << 20)])
        self.assertEqual([p[3] for p in answer], [stamped(a, 0) + stamped(c, 1), stamped(b, 0)])

    def test_acks_0_has_no_response(self):
        client = self.client()
        client.create(self.topic)
        client.send(PRODUCE, 7, kb.produce_body(7, self.topic, [(0, kb.batch([b"unseen"]))], acks=0), 1)
        self.assertEqual(client.produce(self.topic, kb.batch([b"seen"])), (0, 1))  # the first response is for this request
        client.send(PRODUCE, 7, kb.produce_body(7, self.topic, [(9, kb.batch([b"x"]))], acks=0))
        self.assertTrue(client.is_closed())  # the only way to report the error

    # -- fetching

    def test_offsets_outside_the_log_are_refused_and_a_fetch_at_its_end_is_empty(self):
        client = self.client()
        client.create(self.topic)
        client.produce(self.topic, kb.batch([b"x"]))
        for offset, error, high, records in ((-1, 1, -1, b""), (2, 1, -1, b""), (1, 0, 1, b"")):
            self.assertEqual(client.fetch(self.topic, [(0, offset, 1 << 20)]), [(0, error, high, records)], offset)
        self.assertEqual(client.fetch(self.topic, [(5, 0, 1)]), [(5, 3, -1, b"")])
        self.assertEqual(client.fetch("unknown", [(0, 0, 1)]), [(0, 3, -1, b"")])
        self.assertEqual(client.fetch(bytes(16), [(0, 0, 1)], version=13), [(0, 100, -1, b"")])
        body = kb.fetch_body(11, self.topic, [(0, 0, 1)], session=(5, 1))
        self.assertEqual(kb.fetch_answer(11, client.ask(FETCH, 11, body)), (70, None))

    def test_limits_count_whole_batches_and_never_starve_the_first(self):
        client = self.client()
        client.create(self.topic)
        size = len(kb.batch([b"x" * 100]))
        for partition in (0, 1):
            for _ in range(5):
                client.produce(self.topic, kb.batch([b"x" * 100]), partition)

        def batches(limits, **options):
            answer = client.fetch(self.topic, [(p, 0, limit) for p, limit in enumerate(limits)], **options)
            self.assertTrue(all(len(p[3]) % size == 0 for p in answer))
            return [len(p[3]) // size for p in answer]
        self.assertEqual(batches([1 << 20, 1 << 20]), [5, 5])
        self.assertEqual(batches([2 * size, 3 * size - 1]), [2, 2])
        self.assertEqual(batches([1, 1]), [1, 0])
        self.assertEqual(batches([1 << 20, 1 << 20], max_bytes=7 * size), [5, 2])
        self.assertEqual(batches([1 << 20, 1 << 20], max_bytes=1), [1, 0])
        for limits, total in (([1 << 20, -5], 1 << 20), ([-5, 1 << 20], -1)):  # as Kafka
            answer = client.fetch(self.topic, [(p, 0, limit) for p, limit in enumerate(limits)], max_bytes=total)
            self.assertEqual([p[1] for p in answer], [-1 if min(limit, total) < 0 else 0 for limit in limits])

    def test_an_answer_to_fetch_has_at_most_55_mib_of_records(self):
        client = self.client()
        client.create(self.topic)
        one = kb.batch([bytes(1_000_000)])
        for _ in range(58):
            client.produce(self.topic, one)
        (_, error, high, records), = client.fetch(self.topic, [(0, 0, 2**31 - 1)], max_bytes=2**31 - 1)
        self.assertEqual((error, high), (0, 58))
        self.assertEqual(len(records), 57_671_680 // len(one) * len(one))

    def test_a_fetch_without_records_waits_for_max_wait(self):
        client = self.client()
        client.create(self.topic)
        for wait in (0, 300):
            began = time.monotonic()
            self.assertEqual(client.fetch(self.topic, [(0, 0, 1 << 20)], max_wait=wait), [(0, 0, 0, b"")])
            self.assertGreaterEqual(time.monotonic() - began, wait / 1000)
            self.assertLess(time.monotonic() - began, wait / 1000 + SOON)
        began = time.monotonic()
        client.fetch(self.topic, [(0, 0, 1 << 20)], max_wait=60_000, min_bytes=0)
        client.fetch(self.topic, [(0, 77, 1 << 20)], max_wait=60_000)  # an error does not wait either
        self.assertLess(time.monotonic() - began, SOON)

    def test_a_waiting_fetch_ends_with_the_batch_that_completes_min_bytes(self):
        producer, consumer = self.client(), self.client()
        producer.create(self.topic)
        one = kb.batch([b"x" * 100])
        began = time.monotonic()
        consumer.send(FETCH, 11, kb.fetch_body(11, self.topic, [(0, 0, 1 << 20), (1, 0, 1 << 20)], max_wait=25_000,
                                               min_bytes=len(one) + 1))
        consumer.wait_until_read()
        producer.produce(self.topic, one, partition=1)
        consumer.socket.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            consumer.receive()
        consumer.socket.settimeout(PATIENCE)
        producer.produce(self.topic, one, partition=0)
        error, answer = kb.fetch_answer(11, consumer.receive())
        self.assertLess(time.monotonic() - began, SOON)
        self.assertEqual([p[3] for p in answer], [stamped(one, 0), stamped(one, 0)])

    # -- real and hostile clients

    def test_bytes_after_a_body_are_ignored(self):
        client = self.client()
        client.create(self.topic)
        spare = b"\0\1spare"
        records = kb.batch([b"x"])
        for version in (7, 10):
            body = kb.produce_body(version, self.topic, [(0, records)]) + spare
            self.assertEqual(kb.produce_answer(version, client.ask(PRODUCE, version, body))[0][1], 0)
        body = kb.fetch_body(11, self.topic, [(0, 1, 1 << 20)]) + spare
        self.assertEqual(kb.fetch_answer(11, client.ask(FETCH, 11, body))[1][0][3], stamped(records, 1))
        client.ask(METADATA, 9, kb.metadata_body(9, [self.topic]) + spare)
        client.ask(API_VERSIONS, 0, spare)

    def test_requests_in_one_burst_are_answered_one_by_one_in_order(self):
        client = self.client()
        client.create(self.topic)
        burst = b"".join(kb.frame(METADATA, 1, kb.metadata_body(1, [self.topic]), n) for n in range(200))
        client.socket.sendall(burst)
        for n in range(200):
            client.receive(n)

    def test_a_frame_may_arrive_byte_by_byte(self):
        client = self.client()
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in kb.frame(METADATA, 9, kb.metadata_body(9, [self.topic])):
            client.socket.sendall(bytes([byte]))
        self.assertIn(self.topic, kb.metadata_answer(9, client.receive(tagged_header=True))[2])

    def test_a_client_that_closes_only_its_sending_side_still_gets_its_response(self):
        client = self.client()
        client.send(METADATA, 1, kb.metadata_body(1, [self.topic]))
        client.socket.shutdown(socket.SHUT_WR)
        self.assertIn(self.topic, kb.metadata_answer(1, client.receive())[2])
        self.assertTrue(client.is_closed())

    def test_clients_may_vanish_at_any_byte(self):
        steady = self.client()
        steady.create(self.topic)
        before = self.broker.open_files()
        request = kb.frame(PRODUCE, 9, kb.produce_body(9, self.topic, [(0, kb.batch([b"half"]))]))
        for cut in range(len(request) + 1):
            for leave in (Client.reset, lambda c: c.socket.close()):
                client = Client(self.broker)
                client.socket.sendall(request[:cut])
                leave(client)
        self.wait_until(lambda: self.broker.open_files() <= before)
        error, offset = steady.produce(self.topic, kb.batch([b"whole"]))
        self.assertEqual(error, 0)
        self.assertLessEqual(offset, 2)  # complete requests of clients that had already disconnected may have been served

    def test_clients_may_vanish_while_they_wait_or_are_answered(self):
        steady = self.client()
        steady.create(self.topic)
        before = self.broker.open_files()
        waiting = kb.fetch_body(11, self.topic, [(0, 0, 1 << 30)], max_wait=20_000)
        for leave in (Client.reset, lambda c: c.socket.close()):
            for _ in range(20):
                client = Client(self.broker)
                client.send(FETCH, 11, waiting)
                leave(client)
        for _ in range(10):
            steady.produce(self.topic, kb.batch([b"x" * 900_000]))  # wakes all of them
        for leave in (Client.reset, lambda c: c.socket.close()):
            for _ in range(10):
                client = Client(self.broker)
                client.send(FETCH, 11, kb.fetch_body(11, self.topic, [(0, 0, 1 << 30)]))
                client.read(1000)
                leave(client)
        self.wait_until(lambda: self.broker.open_files() <= before)
        self.assertEqual(steady.api_versions(4), (0, SERVED))

    def test_other_protocols_are_detected_and_disconnected(self):
        for banner in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET / HTTP/1.1\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n"):
            client = self.client()
            client.socket.sendall(banner)
            self.assertTrue(client.is_closed(), banner)
        self.wait_until(lambda: self.broker.errors().count("not_a_kafka_peer") == 3)

    def test_malformed_requests_close_the_connection_and_log_the_position_of_the_error(self):
        for key, version, body in ((METADATA, 1, b"\0\0\0\5"), (FETCH, 11, b"\0" * 10), (PRODUCE, 7, b"\xff\xff\0\1"),
                                   (API_VERSIONS, 3, b"\x80"), (FIND_COORDINATOR, 0, b"\0\x09x")):
            client = self.client()
            client.send(key, version, body)
            self.assertTrue(client.is_closed(), (key, version))
        client = self.client()
        client.socket.sendall(struct.pack(">ihhih", 10, METADATA, 1, 7, 500))  # a client id longer than the frame
        self.assertTrue(client.is_closed())
        self.wait_until(lambda: self.broker.errors().count("\n") == 6)
        self.assertRegex(self.broker.errors(), r"MetadataRequest v1 topics: count_exceeds_input at byte \d, needs 10 bytes, 0 left")

    def test_lengths_outside_the_limits_are_refused_at_once(self):
        for length in (-1, -2**31, 0, 7, 104_857_601, 2**31 - 1):
            client = self.client()
            client.socket.sendall(struct.pack(">i", length))
            self.assertTrue(client.is_closed(), length)

    def test_claimed_lengths_cost_no_memory_before_the_bytes_arrive(self):
        steady = self.client()
        steady.create(self.topic)
        before = self.broker.status("VmHWM")
        clients = []
        for extra in (0, 1, 100, 10_000):
            for _ in range(50):
                client = self.client()
                client.socket.sendall(struct.pack(">i", 104_857_600) + b"\0" * extra)
                clients.append(client)
        self.wait_until(lambda: self.broker.open_files() > 200)
        self.assertEqual(steady.api_versions(4), (0, SERVED))
        grown = self.broker.status("VmHWM") - before
        # A sanitizer adds shadow memory and keeps freed memory for a while.
        self.assertLess(grown, 200 * (512 if SANITIZED else 64), "kB for 200 clients that claim 100 MiB each")

    def test_false_counts_cost_no_memory(self):
        before = self.broker.status("VmHWM")
        for count in (0x7fffffff, 0x10000000):
            client = self.client()
            client.send(METADATA, 1, struct.pack(">i", count))
            self.assertTrue(client.is_closed())
        # A sanitizer adds shadow memory and keeps freed memory for a while.
        self.assertLess(self.broker.status("VmHWM") - before, 16384 if SANITIZED else 4096)


class Program(unittest.TestCase):
    """The whole program: options, signals, and running out of file descriptors."""

    def setUp(self):
        limit_time(self)

    def run_broker(self, *arguments):
        return subprocess.run([BROKER, *arguments], capture_output=True, text=True, timeout=PATIENCE)

    def test_invalid_options_exit_with_2_and_are_named(self):
        for arguments, message in (
                (["--prot", "1"], 'unknown argument "--prot"'), (["file"], 'unknown argument "file"'),
                (["--prot=1"], 'unknown argument "--prot=1"'), (["--port", "1", "-x"], 'unknown argument "-x"'),
                (["--port"], "--port needs a number"), (["--port="], '--port: "" is not a number from 0 to 65535'),
                (["--port", "65536"], '--port: "65536" is not a number from 0 to 65535'),
                (["--port", "-1"], '--port: "-1" is not'), (["--port", "1x"], '--port: "1x" is not'),
                (["--partitions", "0"], '--partitions: "0" is not a number from 1 to 10000'),
                (["--port", "9" * 40], '--port: "999'), (["--memory-mib", "0"], '--memory-mib: "0" is not'),
                (["--stall-seconds", "x"], '--stall-seconds: "x" is not'), (["--idle-seconds", "-5"], '--idle-seconds: "-5" is'),
                (["--connections", "0"], '--connections: "0" is not')):
            done = self.run_broker(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
            self.assertTrue(done.stderr.startswith("echo_broker: " + message), done.stderr)
            self.assertIn("usage: echo_broker", done.stderr)

    def test_help_is_not_an_error(self):
        for arguments in (["--help"], ["-h"], ["--port", "1", "-h"]):
            done = self.run_broker(*arguments)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("--partitions", done.stdout)

    def test_a_port_in_use_is_an_error_that_names_the_port(self):
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as other:
            port = other.getsockname()[1]
            done = self.run_broker("--port", str(port))
        self.assertEqual((done.returncode, done.stderr),
                         (1, f"echo_broker: cannot listen on 127.0.0.1:{port}: Address already in use\n"))

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "w") as full:
            done = subprocess.Popen([BROKER], stdout=full, stderr=subprocess.PIPE, text=True)
            self.addCleanup(done.kill)
            status = pathlib.Path(f"/proc/{done.pid}/status")
            handled = 1 << (signal.SIGTERM - 1)  # before that the signal would end it without a word
            wait_until(lambda: int(re.search(r"^SigCgt:\s*(\w+)$", status.read_text(), re.M)[1], 16) & handled, "its handler")
            done.terminate()
            _, errors = done.communicate(timeout=PATIENCE)
        self.assertEqual((done.returncode, errors), (1, "echo_broker: standard output: No space left on device\n"))

    def test_signals_stop_it_cleanly_in_any_state_of_its_clients(self):
        for how in (signal.SIGTERM, signal.SIGINT):
            broker = Broker()
            with Client(broker) as busy, Client(broker) as idle, Client(broker) as half:
                busy.create("orders")
                busy.send(FETCH, 11, kb.fetch_body(11, "orders", [(0, 0, 1 << 20)], max_wait=25_000))
                half.socket.sendall(struct.pack(">i", 1000) + b"\0" * 100)
                idle.api_versions(0)
                busy.wait_until_read()
                half.wait_until_read()
                status, rest = broker.stop(how)
                self.assertEqual(status, 0, broker.errors())
                self.assertIn("requests: 3, reads: ", rest)
                self.assertEqual(broker.errors(), "")
                broker.log.close()

    @unittest.skipIf(SANITIZED, "sanitizers need file descriptors themselves")
    def test_without_file_descriptors_it_waits_instead_of_spinning_and_recovers(self):
        broker = Broker(files=40)
        try:
            with contextlib.ExitStack() as clients:
                for _ in range(60):
                    clients.enter_context(Client(broker))  # the kernel queues connections that cannot be accepted
                wait_until(lambda: "accept: " in broker.errors(), "a line that no descriptors are left")
                time.sleep(0.5)
                before = broker.cpu_seconds()
                time.sleep(1)
                self.assertLess(broker.cpu_seconds() - before, 0.5)
            with Client(broker) as late:
                self.assertEqual(late.api_versions(4), (0, SERVED))
        finally:
            status, _ = broker.stop()
            broker.log.close()
        self.assertEqual(status, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
