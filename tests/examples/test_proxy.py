#!/usr/bin/env python3
"""The proxy through its sockets: errors of either side, back-pressure, and its options. Its clients: tests/interop/proxy.

    KWIRE_BUILD_DIR=build/release python3 tests/examples/test_proxy.py
"""

import contextlib
import pathlib
import random
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import kafka_bytes as kb
from echo_broker import (API_VERSIONS, BROKER, FETCH, METADATA, PATIENCE, PRODUCE, SASL, Client, limit_time, stamped,
                         wait_until)
from programs import Program

PROXY = BROKER.parent / "proxy"


class Peer(Client):
    """One end of a connection of the proxy: a client, or a broker that this test plays."""

    def __init__(self, end):
        self.socket = end
        end.settimeout(PATIENCE)

    def receive_frame(self):
        return self.read(struct.unpack(">i", self.read(4))[0])

    def send_frame(self, data):
        self.socket.sendall(struct.pack(">i", len(data)) + data)


class Proxy(unittest.TestCase):
    def setUp(self):
        limit_time(self)
        self.upstream = socket.create_server(("127.0.0.1", 0))
        self.upstream.settimeout(PATIENCE)
        self.addCleanup(self.upstream.close)
        self.proxy = self.start(self.upstream.getsockname()[1])

    def start(self, upstream, *more):
        proxy = Program(PROXY, "--upstream", f"127.0.0.1:{upstream}", *more)
        self.addCleanup(self.check_end, proxy)
        return proxy

    def check_end(self, proxy):
        """After every test the proxy still runs, stops on request, and has copied no payload."""
        try:
            self.assertIsNone(proxy.process.poll(), proxy.errors())
            status, rest = proxy.stop()
            self.assertEqual(status, 0, proxy.errors())
            self.assertRegex(rest, r"\Aconnections: \d+, requests: \d+, .*, payload bytes copied by kwire: 0\n\Z")
            self.assertNotIn("ERROR", proxy.errors())  # of a sanitizer
        finally:
            proxy.close()

    def dial(self):
        """(client, broker) on both sides of the proxy."""
        return self.dial_through(self.proxy)

    def dial_through(self, proxy):
        client = Peer(socket.create_connection(("127.0.0.1", proxy.port), PATIENCE))
        self.addCleanup(client.socket.close)
        broker = Peer(self.upstream.accept()[0])
        self.addCleanup(broker.socket.close)
        return client, broker

    def expect_line(self, pattern):
        """The proxy must write this one line, and no other."""
        wait_until(self.proxy.errors, "a line of the proxy")
        self.assertRegex(self.proxy.errors(), r"\A127\.0\.0\.1:\d+: " + pattern + r"\n\Z")

    # -- what passes

    def test_requests_and_responses_pass_byte_for_byte(self):
        client, broker = self.dial()
        request = kb.frame(FETCH, 11, kb.fetch_body(11, "orders", [(0, 0, 1 << 20)]), 1)
        answer = struct.pack(">iihii", 1, 0, 0, 0, 0)
        for _ in range(3):
            client.socket.sendall(request)
            self.assertEqual(broker.receive_frame(), request[4:])
            broker.send_frame(answer)
            self.assertEqual(client.receive_frame(), answer)

    def test_requests_of_unknown_apis_and_versions_pass_and_so_do_their_answers(self):
        client, broker = self.dial()
        client.send(API_VERSIONS, 0, b"", 1)
        broker.receive_frame()
        broker.send_frame(struct.pack(">ihi", 1, 0, 3) + struct.pack(">hhh", 999, 2, 5) + struct.pack(">hhh", METADATA, 0, 99)
                          + struct.pack(">hhh", API_VERSIONS, 0, 3))
        _, apis, _ = kb.api_versions_answer(0, client.receive(1))
        self.assertEqual((apis[999], apis[METADATA], apis[API_VERSIONS]), ((2, 5), (0, 13), (0, 3)))
        # Requests that can be read, and others, in flight at once.
        asked = [kb.frame(999, 5, b"any bytes", 2), kb.frame(METADATA, 0, kb.metadata_body(0, []), 3),
                 kb.frame(METADATA, 99, bytes(range(256)), 4), kb.frame(999, 5, b"", 5)]
        client.socket.sendall(b"".join(asked))
        for one in asked:
            self.assertEqual(broker.receive_frame(), one[4:])
        answers = [struct.pack(">i", 2) + b"127.0.0.9", struct.pack(">iii", 3, 0, 0),
                   struct.pack(">i", 4) + bytes(range(256)), struct.pack(">i", 5)]
        for one in answers:
            broker.send_frame(one)
        for one in answers:
            self.assertEqual(client.receive_frame(), one)
        for more in ["--topic-prefix", "a."], ["--encrypt-values", "x"]:
            done = subprocess.run([PROXY, "--upstream", "x:1", "--unknown", "pass", *more], capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(done.returncode, 2)
            self.assertIn("--unknown pass is not possible", done.stderr)
        client, broker = self.dial_through(self.start(self.upstream.getsockname()[1], "--topic-prefix", "a."))
        client.send(999, 5, b"")
        self.assertTrue(client.is_closed())

    def refusing_port(self):
        """A port that no other program is given, since a socket has it which does not listen."""
        holder = socket.socket()
        self.addCleanup(holder.close)
        holder.bind(("127.0.0.1", 0))
        return holder.getsockname()[1]

    def test_the_next_upstream_is_tried_where_one_does_not_accept(self):
        self.proxy = self.start(self.refusing_port(), "--upstream", f"127.0.0.1:{self.upstream.getsockname()[1]}")
        client, broker = self.dial()
        client.send(API_VERSIONS, 0, b"")
        self.assertEqual(struct.unpack_from(">hh", broker.receive_frame()), (API_VERSIONS, 0))

    def three_free_ports(self):
        """The first of three ports in a row, below those that the system gives to programs at the same time."""
        for first in random.sample(range(20_000, 32_000, 3), 200):
            with contextlib.ExitStack() as sockets:
                try:
                    for port in range(first, first + 3):
                        sockets.enter_context(socket.create_server(("127.0.0.1", port)))
                    return first
                except OSError:
                    pass
        self.fail("no three ports in a row are free")

    def test_brokers_get_ports_of_the_range(self):
        first = self.three_free_ports()
        self.proxy = self.start(self.upstream.getsockname()[1], "--ports", f"{first}-{first + 2}")
        client, upstream = self.dial()
        client.send(METADATA, 0, kb.metadata_body(0, []))
        upstream.receive_frame()
        upstream.send_frame(struct.pack(">ii", 7, 4) + b"".join(struct.pack(">ih9si", node, 9, b"127.0.0.1", 1) for node in (1, 0, 7, 8))
                            + struct.pack(">i", 0))
        answer = client.receive_frame()
        ports = [struct.unpack_from(">ih9si", answer, 8 + 19 * i)[3] for i in range(4)]
        self.assertEqual(ports, [first + 1, first, first + 2, self.proxy.port])
        self.assertIn("no port of the range is free", self.proxy.errors())

    def test_with_tls_on_both_sides_only_the_right_certificates_are_accepted(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name in "ours", "theirs":
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                            "-subj", "/CN=" + name, "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", folder / (name + ".key"),
                            "-out", folder / (name + ".pem")], check=True, capture_output=True, timeout=PATIENCE)
        files = [folder / "ours.pem", folder / "ours.key"]
        echo = Program(BROKER, "--tls", folder / "theirs.pem", folder / "theirs.key")
        self.addCleanup(echo.close)
        proxy = self.start(echo.port, "--tls", *files, "--upstream-tls", folder / "theirs.pem")
        context = ssl.create_default_context(cafile=files[0])
        with Client(proxy) as client:
            client.socket = context.wrap_socket(client.socket, server_hostname="127.0.0.1")
            client.create("orders")
            records = kb.batch([b"x" * 900_000])
            self.assertEqual(client.produce("orders", records), (0, 0))
            self.assertEqual(client.fetch("orders", [(0, 0, 1 << 20)])[0][3], stamped(records, 0))
            client.send(METADATA, 12, kb.metadata_body(12, None))
        with Client(proxy) as plain:
            plain.send(API_VERSIONS, 0, b"")
            self.assertTrue(plain.is_closed())
        self.assertRegex(proxy.errors(), r"\A\S+: client: TLS handshake: .*\n\Z")
        other = self.start(echo.port, "--upstream-tls", files[0])
        with Client(other) as client:
            self.assertTrue(client.is_closed())
        self.assertRegex(other.errors(), r"broker: TLS handshake with 127\.0\.0\.1: .*certificate verify failed")
        name = self.start(echo.port, "--upstream-tls")
        with Client(name) as client:
            self.assertTrue(client.is_closed())
        done = subprocess.run([PROXY, "--upstream", "x:1", "--tls", files[1], files[1]], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 1)
        self.assertIn("--tls: cannot use", done.stderr)

    def test_the_metrics_page_counts_requests_answers_and_what_was_changed(self):
        self.proxy = self.start(self.upstream.getsockname()[1], "--metrics", "0")
        page = re.fullmatch(r"metrics on (http://127\.0\.0\.1:\d+/metrics)\n", self.proxy.process.stdout.readline())[1]
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # whatever the environment says
        client, broker = self.dial()
        client.send(METADATA, 0, kb.metadata_body(0, []))
        broker.receive_frame()
        broker.send_frame(struct.pack(">iiih9sii", 7, 1, 1, 9, b"127.0.0.1", 1, 0))
        client.receive_frame()
        with direct.open(page, timeout=PATIENCE) as answer:
            text = answer.read().decode()
            self.assertIn("version=0.0.4", answer.headers["Content-Type"])
        for line in ("proxy_connections 1", "proxy_connections_total 1", "proxy_requests_total 1", "proxy_addresses_replaced_total 1",
                     'kwire_request_duration_seconds_count{api="Metadata"} 1', "kwire_frames_total 2", "kwire_writes_total 2"):
            self.assertIn(line + "\n", text)
        other, _ = self.dial()
        other.socket.sendall(b"GET / HTTP/1.1\r\n\r\n")
        self.assertTrue(other.is_closed())
        with direct.open(page, timeout=PATIENCE) as answer:
            text = answer.read().decode()
        self.assertIn('kwire_refused_total{reason="not_a_kafka_peer"} 1\n', text)
        with self.assertRaises(urllib.error.HTTPError):
            direct.open(page + "x", timeout=PATIENCE)

    def test_an_echo_broker_behind_it_is_found_at_a_port_of_the_proxy(self):
        echo = Program(BROKER)
        self.addCleanup(echo.close)
        proxy = self.start(echo.port)
        with Client(proxy) as client:
            for version in range(14):
                body = kb.metadata_body(version, ["orders"])
                brokers, _, topics = kb.metadata_answer(version, client.ask(METADATA, version, body))
                ((node, host, port),) = brokers
                self.assertEqual((node, host), (1, "127.0.0.1"))
                self.assertNotIn(port, (echo.port, proxy.port))
                self.assertIn("orders", topics)
            self.assertEqual(client.produce("orders", kb.batch([b"x" * 900_000])), (0, 0))
            self.assertEqual(len(client.fetch("orders", [(0, 0, 1 << 20)])[0][3]), len(kb.batch([b"x" * 900_000])))
        self.assertEqual(echo.stop()[0], 0)

    def test_clients_are_told_the_name_that_was_given_for_the_proxy(self):
        echo = Program(BROKER)
        self.addCleanup(echo.close)
        with Client(self.start(echo.port, "--host", "proxy.example")) as client:
            brokers, _, _ = kb.metadata_answer(12, client.ask(METADATA, 12, kb.metadata_body(12, None)))
            self.assertEqual([host for _, host, _ in brokers], ["proxy.example"])

    def test_each_broker_has_a_port_of_the_proxy_which_leads_to_where_the_broker_is_now(self):
        brokers = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
        for broker in brokers:
            broker.settimeout(PATIENCE)
            self.addCleanup(broker.close)
        ports = [broker.getsockname()[1] for broker in brokers]
        client, upstream = self.dial()

        def named(*nodes):
            """The ports that the client sees when the upstream says that nodes are at these ports."""
            client.send(METADATA, 0, kb.metadata_body(0, []))
            upstream.receive_frame()
            upstream.send_frame(struct.pack(">ii", 7, len(nodes)) + b"".join(
                struct.pack(">ih9si", node, 9, b"127.0.0.1", port) for node, port in nodes) + struct.pack(">i", 0))
            answer = client.receive_frame()
            self.assertEqual(struct.unpack_from(">ii", answer), (7, len(nodes)))
            return [struct.unpack_from(">ih9si", answer, 8 + 19 * i)[3] for i in range(len(nodes))]

        def leads_to(port, broker):
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as through:
                through.sendall(kb.frame(API_VERSIONS, 0, b"", 5))
                reached = Peer(broker.accept()[0])
                self.assertEqual(struct.unpack_from(">hhi", reached.receive_frame()), (API_VERSIONS, 0, 5))
                reached.socket.close()

        first, second = named((1, ports[0]), (2, ports[1]))
        self.assertEqual(len({first, second, self.proxy.port} | set(ports)), 6)
        leads_to(first, brokers[0])
        leads_to(second, brokers[1])
        self.assertEqual(named((2, ports[2]), (1, ports[0])), [second, first])  # broker 2 has moved
        leads_to(second, brokers[2])
        leads_to(first, brokers[0])

    def test_two_tenants_of_a_broker_see_only_their_own_topics(self):
        echo = Program(BROKER)
        self.addCleanup(echo.close)
        for prefix in "a.", "b.":
            with Client(self.start(echo.port, "--topic-prefix", prefix)) as client:
                client.create("orders")
                client.create(f"only in {prefix[0]}".replace(" ", "-"))
                records = kb.batch([prefix.encode()])
                self.assertEqual(client.produce("orders", records), (0, 0))
                ((_, _, _, stored),) = client.fetch("orders", [(0, 0, 1 << 20)])
                self.assertIn(prefix.encode(), stored)
                _, _, topics = kb.metadata_answer(12, client.ask(METADATA, 12, kb.metadata_body(12, None)))
                self.assertEqual(set(topics), {"orders", f"only-in-{prefix[0]}"})
        with Client(echo) as client:
            _, _, topics = kb.metadata_answer(12, client.ask(METADATA, 12, kb.metadata_body(12, None)))
            self.assertEqual(set(topics), {"a.orders", "b.orders", "a.only-in-a", "b.only-in-b"})
        self.assertEqual(echo.stop()[0], 0)

    def test_brokers_store_values_that_only_holders_of_the_key_can_read(self):
        echo = Program(BROKER)
        self.addCleanup(echo.close)
        folder = self.enterContext(tempfile.TemporaryDirectory())
        keys = []
        for n, text in enumerate(("00" * 32 + "\n", "0f" * 32)):
            keys.append(pathlib.Path(folder, f"key{n}"))
            keys[-1].write_text(text)
        value = b"the value of a record" * 50
        proxy = self.start(echo.port, "--encrypt-values", keys[0])
        with Client(proxy) as client, Client(echo) as direct:
            client.create("orders")
            sent = kb.batch([value, b"", None])
            self.assertEqual(client.produce("orders", sent), (0, 0))
            ((_, _, _, read),) = client.fetch("orders", [(0, 0, 1 << 20)])
            self.assertEqual(read, stamped(sent, 0))
            ((_, _, _, stored),) = direct.fetch("orders", [(0, 0, 1 << 20)])
            self.assertNotIn(b"the value", stored)
            self.assertIn(len(stored) - len(sent), range(2 * 28, 2 * 28 + 4))  # of two values, and of lengths
        other = Program(PROXY, "--upstream", f"127.0.0.1:{echo.port}", "--encrypt-values", keys[1])
        self.addCleanup(other.close)
        with Client(other) as client:
            client.send(FETCH, 11, kb.fetch_body(11, "orders", [(0, 0, 1 << 20)]))
            self.assertTrue(client.is_closed())
        self.assertRegex(other.errors(), r"broker: records: .*bad_value.*")
        keys[0].write_text("00")
        done = subprocess.run([PROXY, "--upstream", "x:1", "--encrypt-values", keys[0]], capture_output=True, text=True,
                              timeout=PATIENCE)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("does not have 64 hexadecimal digits", done.stderr)
        self.assertEqual(echo.stop()[0], 0)

    def test_with_verbose_there_is_a_line_for_each_request(self):
        self.proxy = self.start(self.upstream.getsockname()[1], "--verbose")
        client, broker = self.dial()
        client.send(FETCH, 4, kb.fetch_body(4, "orders", [(0, 0, 1 << 20)]), 1)
        broker.receive_frame()
        broker.send_frame(struct.pack(">iii", 1, 0, 0))
        client.receive_frame()
        self.assertRegex(self.proxy.errors(), r"\A(\S+): connected from \S+ to \S+\n"
                                              r"Fetch v4 of \S+: \d+ bytes, answered with 12 in \d+ us\n\Z")

    def test_a_client_that_closes_only_its_sending_side_still_gets_its_responses(self):
        client, broker = self.dial()
        for n in range(3):
            client.send(API_VERSIONS, 0, b"", n)
        client.socket.shutdown(socket.SHUT_WR)
        for n in range(3):
            broker.receive_frame()
        self.assertEqual(broker.socket.recv(1), b"")
        for n in range(3):
            broker.send_frame(struct.pack(">ihi", n, 0, 0))
            client.receive(n)
        broker.socket.close()
        self.assertTrue(client.is_closed())
        self.assertEqual(self.proxy.errors(), "")

    def test_a_version_of_api_versions_that_it_does_not_know_is_answered_in_version_0(self):
        client, broker = self.dial()
        error, apis = client.api_versions(99)
        self.assertEqual((error, list(apis)), (35, [API_VERSIONS]))
        client.send(API_VERSIONS, 0, b"")
        self.assertEqual(struct.unpack_from(">hh", broker.receive_frame()), (API_VERSIONS, 0))

    def test_raw_tokens_of_any_length_pass_both_ways(self):
        client, broker = self.dial()
        client.send(SASL, 0, b"\0\5PLAIN", 1)
        client.send_frame(b"\0me\0secret")  # before the response to the handshake: it waits in the proxy's socket
        broker.receive_frame()
        broker.send_frame(struct.pack(">ihi", 1, 0, 0))
        client.receive(1)
        self.assertEqual(broker.receive_frame(), b"\0me\0secret")
        broker.send_frame(b"")
        self.assertEqual(client.receive_frame(), b"")
        client.send(METADATA, 0, kb.metadata_body(0, []), 2)
        self.assertEqual(struct.unpack_from(">hhi", broker.receive_frame()), (METADATA, 0, 2))

    # -- errors close both sides

    def both_close(self, client, broker):
        self.assertTrue(client.is_closed())
        self.assertTrue(broker.is_closed())

    def test_bytes_that_are_no_request_close_both_sides(self):
        for sent, pattern in (
                (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", r"client: TLS handshake: not_a_kafka_peer at byte 0"),
                (b"GET / HTTP/1.1\r\n\r\n", r"client: HTTP request: not_a_kafka_peer at byte 0"),
                (struct.pack(">i", -5), r"client: .*bad_frame_length.*"),
                (struct.pack(">ihhih", 10, METADATA, 1, 7, 500), r"client: RequestHeader.*truncated.*"),
                (kb.frame(METADATA, 99, b""), r"client: Metadata v99 is not supported"),
                (kb.frame(999, 3, b""), r"client: API 999 v3 is not supported")):
            with self.subTest(pattern):
                self.proxy = self.start(self.upstream.getsockname()[1], "--unknown", "refuse")
                client, broker = self.dial()
                client.socket.sendall(sent)
                self.both_close(client, broker)
                self.expect_line(pattern)

    def test_a_client_may_vanish_inside_a_request_and_while_it_is_answered(self):
        client, broker = self.dial()
        client.socket.sendall(struct.pack(">i", 100) + b"\0\3\0\0")
        client.wait_until_read()  # a reset takes back what was not
        client.reset()
        self.assertTrue(broker.is_closed())
        self.expect_line("client: truncated.*")
        before = self.proxy.open_files()
        for _ in range(10):
            client, broker = self.dial()
            client.send(API_VERSIONS, 0, b"")
            broker.receive_frame()
            client.reset()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for _ in range(2):
                    broker.send_frame(struct.pack(">ihi", 7, 0, 0) + bytes(1000))
                    time.sleep(0.01)
            self.assertTrue(broker.is_closed())
        self.assertLessEqual(self.proxy.open_files(), before)

    def test_a_broker_that_answers_what_nobody_asked_closes_both_sides(self):
        client, broker = self.dial()
        broker.send_frame(struct.pack(">ihi", 7, 0, 0))
        self.both_close(client, broker)
        self.expect_line(r"broker: ResponseHeader.*: unknown_correlation_id")

    def test_a_broker_that_sends_a_malformed_response_closes_both_sides(self):
        client, broker = self.dial()
        client.send(METADATA, 1, kb.metadata_body(1, []))
        broker.receive_frame()
        broker.send_frame(struct.pack(">ii", 7, 1000))
        self.both_close(client, broker)
        self.expect_line(r"broker: MetadataResponse v1 brokers: count_exceeds_input at byte .*")

    def test_a_broker_that_leaves_closes_the_client_and_is_an_error_only_if_it_owes_responses(self):
        client, broker = self.dial()
        broker.socket.close()
        self.assertTrue(client.is_closed())
        self.assertEqual(self.proxy.errors(), "")
        client, broker = self.dial()
        for n in range(2):
            client.send(API_VERSIONS, 0, b"", n)
            broker.receive_frame()
        broker.socket.close()
        self.assertTrue(client.is_closed())
        self.expect_line(r"broker: closed the connection and owes 2 responses")

    def test_without_a_broker_the_client_is_disconnected(self):
        self.proxy = self.start(self.refusing_port())
        client = Peer(socket.create_connection(("127.0.0.1", self.proxy.port), PATIENCE))
        self.addCleanup(client.socket.close)
        self.assertTrue(client.is_closed())
        self.expect_line(r"127\.0\.0\.1:\d+: Connection refused")

    # -- back-pressure

    def test_a_client_that_does_not_read_stops_the_broker_and_costs_no_memory(self):
        client, broker = self.dial()
        answers = self.big_answers(client, broker)
        before = self.proxy.status("VmHWM")
        sent = self.send_until_blocked(broker.socket, answers)
        self.assertLess(sent, len(answers))
        self.assertLess(self.proxy.status("VmHWM") - before, 16_000)
        rest, received = answers[sent:], 0
        while received < len(answers):
            if rest:
                rest = rest[self.send_until_blocked(broker.socket, rest, 0.01):]
            received += len(client.socket.recv(1 << 20))

    @staticmethod
    def big_answers(client, broker):
        """Asks 60 times, and returns the responses, of 1 MiB each."""
        count = 60
        for _ in range(count):
            client.send(FETCH, 4, kb.fetch_body(4, "orders", [(0, 0, 1 << 20)]))
            broker.receive_frame()
        answer = struct.pack(">iii", 7, 0, 1) + struct.pack(">h6si", 6, b"orders", 1) \
            + struct.pack(">ihqqi", 0, 0, 9, 9, 0) + struct.pack(">i", 1 << 20) + bytes(1 << 20)
        return (struct.pack(">i", len(answer)) + answer) * count

    def test_a_broker_that_does_not_read_stops_the_client_and_costs_no_memory(self):
        client, _ = self.dial()
        one = kb.frame(PRODUCE, 7, kb.produce_body(7, "orders", [(0, kb.batch([bytes(1 << 20)]))]))
        before = self.proxy.status("VmHWM")
        self.assertLess(self.send_until_blocked(client.socket, one * 60), 60 * len(one))
        self.assertLess(self.proxy.status("VmHWM") - before, 16_000)

    def test_a_receiver_that_takes_nothing_is_disconnected_and_a_slow_one_is_not(self):
        def peers():
            self.proxy = self.start(self.upstream.getsockname()[1], "--patience", "1")
            return self.dial()
        client, broker = peers()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.send_until_blocked(broker.socket, self.big_answers(client, broker), 10)
        self.expect_line("client: takes no bytes")
        client, broker = peers()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.send_until_blocked(client.socket, kb.frame(PRODUCE, 7, kb.produce_body(
                7, "orders", [(0, kb.batch([bytes(1 << 20)]))])) * 60, 10)
        self.expect_line("broker: takes no bytes")
        self.proxy = self.start(self.upstream.getsockname()[1], "--patience", "4")  # with room for a slow test
        client, broker = self.dial()
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20_000)
        rest = self.big_answers(client, broker)
        began, taken = time.monotonic(), 0
        while taken < 20_000_000:  # 7 seconds
            rest = rest[self.send_until_blocked(broker.socket, rest, 0.1):]
            self.assertGreater(len(rest), 10 << 20)  # the proxy always has something for the client
            due = int(3_000_000 * (time.monotonic() - began)) - taken
            client.read(due)
            taken += due
        self.assertEqual(self.proxy.errors(), "")

    @staticmethod
    def send_until_blocked(to, data, patience=1.0):
        """How many bytes could be sent until nothing moved for `patience` seconds."""
        to.settimeout(patience)
        sent, view = 0, memoryview(data)
        with contextlib.suppress(TimeoutError):
            while sent < len(data):
                sent += to.send(view[sent:sent + (1 << 20)])
        to.settimeout(PATIENCE)
        return sent

    def test_no_more_than_1024_requests_wait_for_a_broker_and_all_are_answered(self):
        client, broker = self.dial()
        count = 3000
        client.socket.sendall(b"".join(kb.frame(API_VERSIONS, 0, b"", n) for n in range(count)))
        waiting = [broker.receive_frame() for _ in range(1024)]
        broker.socket.settimeout(1)
        with self.assertRaises(TimeoutError):
            broker.read(1)
        broker.socket.settimeout(PATIENCE)
        for n in range(count):
            if n >= len(waiting):
                waiting.append(broker.receive_frame())
            broker.send_frame(struct.pack(">ihi", n, 0, 0))
            client.receive(n)

    # -- the program

    def test_invalid_options_are_named_and_exit_with_2(self):
        for arguments, named in (([], "--upstream is missing"), (["--upstream", "x"], "--upstream x"),
                                 (["--upstream", "x:0"], "x:0"), (["--upstream", ":1"], ":1"),
                                 (["--listen", "65536", "--upstream", "x:1"], "--listen 65536"), (["--prot", "1"], "--prot 1"),
                                 (["--upstream"], "--upstream"), (["--upstream", "x:1", "--ports", "9-8"], "--ports 9-8"),
                                 (["--upstream", "x:1", "--unknown", "maybe"], "--unknown maybe"),
                                 (["--upstream", "x:1", "--tls", "x"], "--tls x")):
            done = subprocess.run([PROXY, *arguments], capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
            self.assertIn("proxy: ", done.stderr)
            self.assertIn(named, done.stderr.splitlines()[0])

    def test_signals_stop_it_in_any_state_of_its_connections(self):
        for how in (signal.SIGTERM, signal.SIGINT):
            proxy = Program(PROXY, "--upstream", f"127.0.0.1:{self.upstream.getsockname()[1]}")
            self.addCleanup(proxy.close)
            with Client(proxy) as waiting, Client(proxy) as half:
                waiting.send(API_VERSIONS, 0, b"")
                half.socket.sendall(struct.pack(">i", 1000) + b"\0\1\0\4")
                for client in (waiting, half):
                    client.wait_until_read()
                status, rest = proxy.stop(how)
                self.assertEqual((status, proxy.errors()), (0, ""))
                self.assertIn("connections: 2, requests: 1,", rest)


if __name__ == "__main__":
    unittest.main(verbosity=2)
