#!/usr/bin/env python3
"""The outside of the echo broker: listeners, TLS, authentication, its ways to show itself, and how it stops.

    KWIRE_BUILD_DIR=build/release python3 tests/examples/test_echo_broker_network.py

kafka-python may be in this Python or in Debian's; without it, and without tshark, some tests are skipped.
"""

import contextlib
import pathlib
import shutil
import ssl
import subprocess
import sys
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from echo_broker import *
from pcap import conversations
from pythons import python_with

SASL_AUTHENTICATE = 36
SMALL, LARGE = kb.batch([b"small"]), kb.batch([bytes(1_000_000)])


def token(name, password, acts_as=""):
    return f"{acts_as}\0{name}\0{password}".encode()


def authenticate_body(version, content):
    w = kb.Writer(version >= 2)
    w.blob(content)
    w.tags()
    return w.out


def authenticate_answer(version, data):
    """(error, message, bytes)."""
    r = kb.Reader(data, version >= 2)
    out = r.get("h"), r.string(), r.blob()
    if version >= 1:
        assert r.get("q") == 0
    r.tags()
    r.end()
    return out


def handshake_answer(data):
    r = kb.Reader(data, False)
    out = r.get("h"), r.array(r.string)
    r.end()
    return out


class NetworkTest(BrokerTest):
    def assert_logged(self, client, message):
        port = client.socket.getsockname()[1]
        self.wait_until(lambda: f":{port}: " in self.broker.errors())
        self.assertRegex(self.broker.errors(), rf"(?m)^127\.0\.0\.1:{port}: {message}$")


class Listeners(NetworkTest):
    arguments = ("--listen", "127.0.0.1:0", "--listen", "localhost:0", "--advertise", "broker.example:0",
                 "--listen", "127.0.0.2:0", "--advertise=[::1]:9092")

    def setUp(self):
        super().setUp()
        lines = [self.broker.process.stdout.readline() for _ in range(2)]
        self.ports = [self.broker.port] + [int(re.fullmatch(r"listening on (localhost|127\.0\.0\.2):(\d+)\n", line)[2])
                                           for line in lines]

    def test_each_listener_advertises_its_own_address(self):
        for host, port, expected in (("127.0.0.1", self.ports[0], ("127.0.0.1", self.ports[0])),
                                     ("localhost", self.ports[1], ("broker.example", self.ports[1])),
                                     ("127.0.0.2", self.ports[2], ("::1", 9092))):
            client = self.client()
            client.socket.close()
            client.socket = socket.create_connection((host, port), PATIENCE)
            self.addCleanup(client.socket.close)
            brokers, _, _ = kb.metadata_answer(9, client.ask(METADATA, 9, kb.metadata_body(9, [])))
            self.assertEqual([(found[1], found[2]) for found in brokers], [expected])
            w = kb.Writer(False)
            w.string("readers")
            answer = client.ask(FIND_COORDINATOR, 0, w.out)
            self.assertIn(struct.pack(">h", len(expected[0])) + expected[0].encode() + struct.pack(">i", expected[1]), answer)


class Certificate:
    """A key, and a certificate for it that it signed itself."""

    def __init__(self, directory):
        self.certificate, self.key = f"{directory}/cert.pem", f"{directory}/key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", self.key,
                        "-out", self.certificate], check=True, capture_output=True, timeout=PATIENCE)


def has_tls():
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run([BROKER, "--tls", f"{directory}/a", f"{directory}/b"], capture_output=True, text=True,
                              timeout=PATIENCE)
    return "without OpenSSL" not in done.stderr


@unittest.skipUnless(shutil.which("openssl") and has_tls(), "openssl is missing, or the program was built without it")
class TlsTest(NetworkTest):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.files = Certificate(directory.name)
        self.arguments = ("--tls", self.files.certificate, self.files.key, *self.more)
        super().setUp()

    more = ("--user", "alice:secret")

    def tls_client(self):
        client = Client(self.broker)
        self.addCleanup(client.socket.close)
        context = ssl.create_default_context(cafile=self.files.certificate)
        client.socket = context.wrap_socket(client.socket, server_hostname="localhost")
        self.addCleanup(client.socket.close)
        return client

    def authenticated(self):
        client = self.tls_client()
        self.assertEqual(handshake_answer(client.ask(SASL, 1, b"\0\5PLAIN")), (0, ["PLAIN"]))
        answer = client.ask(SASL_AUTHENTICATE, 2, authenticate_body(2, token("alice", "secret")))
        self.assertEqual(authenticate_answer(2, answer), (0, None, b""))
        return client


class Tls(TlsTest):
    def test_records_go_through_tls_after_authentication(self):
        client = self.authenticated()
        client.create(self.topic)
        large = kb.batch([bytes(range(256)) * 3000])
        self.assertEqual(client.produce(self.topic, SMALL), (0, 0))
        self.assertEqual(client.produce(self.topic, large), (0, 1))
        self.assertEqual(client.fetch(self.topic, [(0, 1, 1 << 20)]), [(0, 0, 2, stamped(large, 1))])
        self.assertEqual(self.broker.errors(), "")

    def test_peers_without_tls_get_one_line_that_says_what_they_seem_to_be(self):
        for sent, line in ((b"GET / HTTP/1.1\r\n\r\n", "HTTP request: not_a_kafka_peer at byte 0; this broker expects TLS .*"),
                           (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH.*: not_a_kafka_peer at byte 0; this broker expects TLS .*"),
                           (kb.frame(API_VERSIONS, 0, b""), "not TLS, which this broker expects .*, but perhaps a Kafka request"),
                           (b"\x99" * 50, r"not TLS, which this broker expects \(--tls\)"),
                           (b"\x16\x03\x01\0\x20" + b"\x99" * 32, "TLS handshake: .*")):
            client = self.client()
            client.socket.sendall(sent)
            with contextlib.suppress(ConnectionResetError):
                while client.socket.recv(100):
                    pass
            self.assert_logged(client, line)
        self.assertEqual(self.authenticated().api_versions(0)[0], 0)
        self.assertEqual(self.broker.errors().count("\n"), 5)

    def test_a_stop_finishes_what_is_in_flight(self):
        client = self.authenticated()
        client.create(self.topic)
        client.send(FETCH, 11, kb.fetch_body(11, self.topic, [(0, 0, 1 << 20)], max_wait=25_000))
        client.wait_until_read()
        began = time.monotonic()
        self.broker.process.send_signal(signal.SIGTERM)
        self.assertEqual(kb.fetch_answer(11, client.receive())[1], [(0, 0, 0, b"")])
        self.broker.process.wait(PATIENCE)
        self.assertLess(time.monotonic() - began, SOON)

    def check_end(self):
        if self.broker.process.poll() is None:
            return super().check_end()
        self.assertEqual(self.broker.process.returncode, 0)
        self.broker.process.stdout.close()
        self.broker.log.close()


class SilentTls(TlsTest):
    more = ("--idle-seconds", "3")

    def test_a_silent_peer_does_not_hold_its_connection(self):
        silent, half = self.client(), self.client()
        half.socket.sendall(b"\x16\x03\x01")
        began = time.monotonic()
        for client in (silent, half):
            self.assertTrue(client.is_closed())
            self.assert_logged(client, "closed: no TLS handshake within 3 s")
        self.assertLess(time.monotonic() - began, 3 + SOON)


class UsersTest(NetworkTest):
    arguments = ("--user", "alice:secret", "--user=bob:with:colons")

    def handshake(self, version=1, mechanism="PLAIN"):
        client = self.client()
        answer = client.ask(SASL, version, struct.pack(">h", len(mechanism)) + mechanism.encode())
        return client, handshake_answer(answer)


class Users(UsersTest):
    def test_each_version_authenticates_each_user(self):
        for version in range(3):
            for name, password, acts_as in (("alice", "secret", ""), ("bob", "with:colons", "bob")):
                client, answer = self.handshake()
                self.assertEqual(answer, (0, ["PLAIN"]))
                body = authenticate_body(version, token(name, password, acts_as))
                answer = authenticate_answer(version, client.ask(SASL_AUTHENTICATE, version, body))
                self.assertEqual(answer, (0, None, b""))
                client.create(self.topic)
                self.assertEqual(client.produce(self.topic, SMALL)[0], 0)
                # What comes after that is in the wrong state, and does not end the connection.
                self.assertEqual(handshake_answer(client.ask(SASL, 1, b"\0\5PLAIN"))[0], 34)
                self.assertEqual(authenticate_answer(version, client.ask(SASL_AUTHENTICATE, version, body))[0], 34)
        self.assertEqual(self.broker.errors(), "")

    def test_a_client_that_sends_everything_at_once_is_served(self):
        client = self.client()
        client.socket.sendall(kb.frame(API_VERSIONS, 0, b"", 1) + kb.frame(SASL, 1, b"\0\5PLAIN", 2) +
                              kb.frame(SASL_AUTHENTICATE, 0, authenticate_body(0, token("alice", "secret")), 3) +
                              kb.frame(METADATA, 1, kb.metadata_body(1, [self.topic]), 4))
        for number in range(1, 4):
            client.receive(number)
        self.assertIn(self.topic, kb.metadata_answer(1, client.receive(4))[2])

    def test_api_versions_names_the_same_features_before_and_after_authentication(self):
        def features(client):
            tags = kb.api_versions_answer(4, client.ask(API_VERSIONS, 4, kb.api_versions_body(4)))[2]
            return tags[0]
        self.assertEqual(features(self.client()), FEATURES)
        client, _ = self.handshake()
        client.ask(SASL_AUTHENTICATE, 2, authenticate_body(2, token("alice", "secret")))
        self.assertEqual(features(client), FEATURES)

    def test_tokens_without_headers_follow_version_0_of_the_handshake(self):
        client, answer = self.handshake(0)
        self.assertEqual(answer, (0, ["PLAIN"]))
        content = token("alice", "secret")
        client.socket.sendall(struct.pack(">i", len(content)) + content)
        self.assertEqual(client.read(4), bytes(4))
        client.create(self.topic)
        wrong, _ = self.handshake(0)
        wrong.socket.sendall(struct.pack(">i", len(content)) + token("alice", "Secret"))
        self.assertTrue(wrong.is_closed())
        self.assert_logged(wrong, 'authentication failed: unknown user "alice", or wrong password')

    def test_wrong_passwords_are_answered_with_a_delay_and_end_the_connection(self):
        for content, line in ((token("alice", "wrong"), 'unknown user "alice", or wrong password'),
                              (token("carol", "secret"), 'unknown user "carol", or wrong password'),
                              (token("alice", ""), 'unknown user "alice", or wrong password'),
                              (token("alice", "secret\0"), 'unknown user "alice", or wrong password'),
                              (token("alice", "secret", "bob"), 'user "alice" wants to act as "bob"'),
                              (b"alice secret", "not a token of PLAIN"), (b"", "not a token of PLAIN")):
            client, _ = self.handshake()
            began = time.monotonic()
            answer = authenticate_answer(2, client.ask(SASL_AUTHENTICATE, 2, authenticate_body(2, content)))
            self.assertGreater(time.monotonic() - began, 0.09)
            self.assertEqual((answer[0], answer[2]), (58, b""))
            self.assertIn("Authentication failed", answer[1])
            self.assertTrue(client.is_closed())
            self.assert_logged(client, f"authentication failed: {line}")
        self.assertNotIn("secret", self.broker.errors())

    def test_other_mechanisms_and_orders_are_refused(self):
        client, answer = self.handshake(1, "SCRAM-SHA-256")
        self.assertEqual(answer, (33, ["PLAIN"]))
        self.assertTrue(client.is_closed())
        self.assert_logged(client, 'SASL mechanism "SCRAM-SHA-256" is not served, only PLAIN')
        client = self.client()
        answer = client.ask(SASL_AUTHENTICATE, 2, authenticate_body(2, token("alice", "secret")))
        self.assertEqual(authenticate_answer(2, answer)[0], 34)
        self.assertTrue(client.is_closed())
        client, _ = self.handshake()
        self.assertEqual(handshake_answer(client.ask(SASL, 1, b"\0\5PLAIN"))[0], 34)
        self.assertTrue(client.is_closed())

    def test_no_other_request_is_served_before(self):
        client = self.client()
        self.assertEqual(client.api_versions(3)[0], 0)
        client.send(METADATA, 1, kb.metadata_body(1, [self.topic]))
        self.assertTrue(client.is_closed())
        self.assert_logged(client, 'Metadata v1 of client "test" came before the client had authenticated')
        for key, version, body in ((PRODUCE, 7, b""), (999, 0, b""), (API_VERSIONS, 0, b"")):
            client, _ = self.handshake()
            client.send(key, version, body)
            self.assertTrue(client.is_closed())

    def test_other_protocols_and_malformed_requests_get_one_line(self):
        for sent, line in ((b"GET / HTTP/1.1\r\n\r\n", "HTTP request: not_a_kafka_peer at byte 0"),
                           (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "TLS .*: not_a_kafka_peer at byte 0; this broker runs without --tls"),
                           (struct.pack(">i", 600_000), "frame_too_large .*"),
                           (kb.frame(SASL, 1, b"\0\x20x"), "SaslHandshakeRequest v1 mechanism: truncated .*")):
            client = self.client()
            client.socket.sendall(sent)
            self.assertTrue(client.is_closed())
            self.assert_logged(client, line)

    @unittest.skipUnless(python_with("kafka"), "kafka-python is missing")
    def test_kafka_python_authenticates(self):
        program = """
import kafka, sys
security = dict(bootstrap_servers=sys.argv[1], security_protocol="SASL_PLAINTEXT", sasl_mechanism="PLAIN",
                sasl_plain_username="alice", sasl_plain_password=sys.argv[2], api_version_auto_timeout_ms=int(sys.argv[3]))
producer = kafka.KafkaProducer(request_timeout_ms=60_000, **security)
print(producer.send("orders", b"from python").get(60).offset)
consumer = kafka.KafkaConsumer("orders", auto_offset_reset="earliest", consumer_timeout_ms=60_000, **security)
print(next(consumer).value.decode())
"""
        command = [python_with("kafka"), "-c", program, f"127.0.0.1:{self.broker.port}"]
        done = subprocess.run([*command, "secret", "60000"], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.stdout, "0\nfrom python\n", done.stderr[-2000:])
        done = subprocess.run([*command, "guess", "5000"], capture_output=True, text=True, timeout=PATIENCE)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('authentication failed: unknown user "alice", or wrong password', self.broker.errors())


class Unauthenticated(UsersTest):
    arguments = (*UsersTest.arguments, "--idle-seconds", "2")

    def test_who_does_not_authenticate_is_disconnected(self):
        silent, slow, mocking = self.client(), self.handshake()[0], self.client()
        end = time.monotonic() + 2 + SOON
        with contextlib.suppress(EOFError, ConnectionError):
            while time.monotonic() < end:  # requests do not prolong the time
                mocking.api_versions(0)
                time.sleep(0.2)
        self.assertLess(time.monotonic(), end)
        for client in (silent, slow):
            self.assertTrue(client.is_closed())
            self.assert_logged(client, "closed: not authenticated within 2 s")


class Verbose(NetworkTest):
    arguments = ("--verbose", "--partitions", "3")

    def test_there_is_a_line_for_each_request(self):
        client = self.client()
        client.api_versions(0)
        client.create(self.topic)
        client.produce(self.topic, SMALL)
        client.send(PRODUCE, 7, kb.produce_body(7, self.topic, [(0, SMALL)], 0))
        client.fetch(self.topic, [(0, 0, 1 << 20), (7, 0, 1 << 20), (8, 0, 1 << 20), (1, 50, 1 << 20)])
        client.api_versions(99)
        start = rf"\d\d:\d\d:\d\d\.\d{{6}} 127\.0\.0\.1:{client.socket.getsockname()[1]} "
        expected = [r'ApiVersions v0 "test": 18 B in, \d+ B out, \d+ us', r'Metadata v12 "test": \d+ B in, \d+ B out, \d+ us',
                    r'Produce v7 "test": \d+ B in, \d+ B out, \d+ us', r'Produce v7 "test": \d+ B in, no answer, \d+ us',
                    r'Fetch v11 "test": \d+ B in, \d+ B out, \d+ us, OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC_OR_PARTITION \(2 times\)',
                    r'ApiVersions v99 "test": \d+ B in, \d+ B out, \d+ us, UNSUPPORTED_VERSION']
        lines = self.broker.errors().splitlines()
        self.assertEqual(len(lines), len(expected), lines)
        for line, pattern in zip(lines, expected):
            self.assertRegex(line, f"^{start}{pattern}$")

    def test_a_client_id_cannot_break_a_line(self):
        client = self.client()
        client.socket.sendall(kb.frame(API_VERSIONS, 0, b"", client="a\n\"\x1b[31m" + "x" * 100))
        client.receive()
        line, = self.broker.errors().splitlines()
        self.assertIn('"a???[31m' + "x" * 56 + '..."', line)


class Metrics(NetworkTest):
    arguments = ("--metrics", "0", "--partitions", "3")

    def setUp(self):
        super().setUp()
        line = self.broker.process.stdout.readline()
        self.port = int(re.fullmatch(r"metrics on http://127\.0\.0\.1:(\d+)/\n", line)[1])

    def get(self, path):
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # whatever the environment says
        with direct.open(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE) as answer:
            return answer.headers["Content-Type"], answer.read().decode()

    def raw(self, *parts):
        """What comes back for bytes that are sent as they are."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as peer:
            for part in parts:
                peer.sendall(part)
            out = b""
            with contextlib.suppress(ConnectionResetError):  # it closes without having read all
                while more := peer.recv(1 << 16):
                    out += more
        return out

    def test_prometheus_finds_numbers_that_are_true(self):
        client = self.client()
        client.create(self.topic)
        for _ in range(5):
            client.produce(self.topic, SMALL)
        kind, page = self.get("/metrics")
        self.assertEqual(kind, "text/plain; version=0.0.4; charset=utf-8")
        values = {}
        for line in page.splitlines():
            if line and not line.startswith("#"):
                name, value = re.fullmatch(r'([a-z_]+(?:\{[^}]*\})?) ([0-9.e+-]+)', line).groups()
                self.assertNotIn(name, values)
                values[name] = float(value)
        self.assertEqual(values['kwire_request_duration_seconds_count{api="Produce"}'], 5)
        self.assertEqual(values["echo_broker_connections"], 1)
        self.assertEqual(values["echo_broker_topics"], 1)
        self.assertEqual(values["echo_broker_partitions"], 3)
        self.assertEqual(values["echo_broker_groups"], 0)
        self.assertEqual(values["echo_broker_batches_total"], 5)
        self.assertGreater(values["echo_broker_log_bytes"], 5 * len(SMALL) - 1)

    def test_the_plain_page_shows_topics(self):
        client = self.client()
        client.create(self.topic)
        client.produce(self.topic, SMALL, 1)
        kind, page = self.get("/")
        self.assertEqual(kind, "text/html; charset=utf-8")
        self.assertIn('<a href="/metrics">', page)
        self.assertIn("<tr><td>orders<td align=right>1<td align=right>0<td align=right>1\n", page)

    def test_other_requests_are_refused(self):
        for sent, status in ((b"GET /other HTTP/1.1\r\n\r\n", b"404"), (b"POST / HTTP/1.1\r\n\r\n", b"405"),
                             (b"nonsense\r\n\r\n", b"400"), (b"GET / HTTP/2.0\r\n\r\n", b"400"), (b"\r\n\r\n", b"400"),
                             (b"GET / HTTP/1.1\r\nx: " + b"x" * 20_000, b"431")):
            self.assertTrue(self.raw(sent).startswith(b"HTTP/1.1 " + status), sent[:20])
        answer = self.raw(b"HEAD /", b"metrics?x=1 HTTP/1.1\r\n", b"\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 OK\r\n") and answer.endswith(b"\r\n\r\n"))

    def test_peers_that_say_nothing_are_few_and_go_after_5_seconds(self):
        began = time.monotonic()
        peers = [socket.create_connection(("127.0.0.1", self.port), PATIENCE) for _ in range(40)]
        for peer in peers:
            self.addCleanup(peer.close)
        self.wait_until(lambda: self.broker.open_files() < 16 + 16)
        for peer in peers:
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(peer.recv(1), b"")
        self.assertLess(time.monotonic() - began, 5 + SOON)
        self.assertIn("echo_broker_connections 0", self.get("/metrics")[1])


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        return True
    except OSError:
        return False


class Dump(NetworkTest):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.file = pathlib.Path(directory.name) / "frames.pcap"
        self.arguments = ("--dump", str(self.file))
        super().setUp()

    def exchange(self):
        """The bytes that a client sent and received."""
        client = self.client()
        large = kb.batch([bytes(range(256)) * 3000])
        sent = kb.frame(METADATA, 1, kb.metadata_body(1, [self.topic]), 1)
        sent += kb.frame(PRODUCE, 7, kb.produce_body(7, self.topic, [(0, large)]), 2)
        sent += kb.frame(FETCH, 11, kb.fetch_body(11, self.topic, [(0, 0, 1 << 20)]), 3)
        client.socket.sendall(sent)
        received = b""
        for number in (1, 2, 3):
            body = client.receive(number)
            received += struct.pack(">ii", 4 + len(body), number) + body
        client.socket.close()
        return client, sent, received

    def when_all_have_ended(self, count):
        """The conversations in the file, whose lengths, checksums and sequence numbers are checked."""
        def ended():
            try:
                found = conversations(self.file)
            except (AssertionError, struct.error):  # the last packet is not whole yet, or never will be
                return False
            return len(found) == count and all(one.ended for one in found)
        self.wait_until(ended)
        return conversations(self.file)

    def test_frames_are_those_of_the_connections_in_both_directions(self):
        expected = [self.exchange()[1:] for _ in range(3)]
        found = self.when_all_have_ended(3)
        self.assertEqual([(one.sent, one.received) for one in found], expected)
        self.assertEqual({one.broker[1] for one in found}, {self.broker.port})

    @unittest.skipUnless(has_ipv6(), "there is no IPv6")
    def test_connections_over_ipv6_are_there_too(self):
        self.arguments += ("--listen", "127.0.0.1:0", "--listen", "[::1]:0")
        self.broker.stop()
        self.broker.log.close()
        self.broker.process.stdout.close()
        self.broker = Broker(*self.arguments)
        line = self.broker.process.stdout.readline()
        self.broker.port = int(re.fullmatch(r"listening on \[::1\]:(\d+)\n", line)[1])
        with socket.create_connection(("::1", self.broker.port), PATIENCE) as peer:
            sent = kb.frame(API_VERSIONS, 0, b"")
            peer.sendall(sent)
            received = peer.recv(1000)
        one, = self.when_all_have_ended(1)
        self.assertEqual((one.sent, one.received), (sent, received))
        self.assertEqual(one.broker, (bytes(15) + b"\1", self.broker.port))

    @unittest.skipUnless(shutil.which("tshark"), "tshark is missing")
    def test_tshark_reads_them(self):
        self.exchange()
        self.wait_until(lambda: self.broker.open_files() < 12)
        done = subprocess.run(["tshark", "-r", self.file, "-d", f"tcp.port=={self.broker.port},kafka", "-T", "fields", "-e",
                               "kafka.api_key", "-o", "tcp.check_checksum:TRUE", "-Y", "kafka"], capture_output=True, text=True,
                              timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([line for line in done.stdout.split() if line], ["3", "3", "0", "0", "1", "1"])


class Stop(NetworkTest):
    """A clean stop: the tests stop the broker themselves."""

    def check_end(self):
        self.assertEqual(self.broker.process.wait(PATIENCE), 0)
        self.assertIn("requests: ", self.broker.process.stdout.read())
        self.broker.process.stdout.close()
        self.broker.log.close()

    def start_if_stopped(self):
        if self.broker.process.poll() is not None:
            self.check_end()
            self.broker = Broker(*self.arguments)

    def seconds_to_stop(self):
        began = time.monotonic()
        self.broker.process.wait(PATIENCE)
        return time.monotonic() - began

    def test_what_is_in_flight_is_answered_and_waiting_fetches_end_at_once(self):
        self.assert_soon(self.stop_with_requests_in_flight, 2)

    def stop_with_requests_in_flight(self):
        self.start_if_stopped()
        idle, reader, half, burst = (self.client() for _ in range(4))
        idle.create(self.topic)
        idle.produce(self.topic, SMALL)
        reader.send(FETCH, 11, kb.fetch_body(11, self.topic, [(0, 0, 1 << 20)], max_wait=25_000, min_bytes=1 << 20))
        half.socket.sendall(b"\0\0\0\x20part of a request")
        burst.api_versions(0)  # or it would perhaps not be accepted any more
        for client in (reader, half):
            client.wait_until_read()
        burst.socket.sendall(b"".join(kb.frame(PRODUCE, 7, kb.produce_body(7, self.topic, [(1, SMALL)]), n) for n in range(100)))
        self.wait_until(lambda: not_received(burst.socket) == 0)
        self.broker.process.send_signal(signal.SIGTERM)
        self.assertEqual(kb.fetch_answer(11, reader.receive())[1], [(0, 0, 1, stamped(SMALL, 0))])
        for number in range(100):
            self.assertEqual(kb.produce_answer(7, burst.receive(number))[0][1:], (0, number))
        for client in (idle, reader, half, burst):
            self.assertTrue(client.is_closed())
        took = self.seconds_to_stop()
        self.assertEqual(self.broker.errors(), "")
        return took

    def deaf_reader(self):
        client = self.client()
        client.create(self.topic)
        for _ in range(30):
            client.produce(self.topic, LARGE)
        client.send(FETCH, 11, kb.fetch_body(11, self.topic, [(0, 0, 1 << 30)]))
        client.wait_until_read()

    def is_refused(self):
        try:
            self.client()
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            pass  # it waited to be accepted when the listener closed
        return False

    def test_a_client_that_does_not_read_holds_it_for_a_few_seconds_at_most(self):
        self.deaf_reader()
        began = time.monotonic()
        self.broker.process.send_signal(signal.SIGTERM)
        self.wait_until(self.is_refused)
        self.broker.process.wait(PATIENCE)
        took = time.monotonic() - began
        self.assertGreater(took, 2)
        self.assertLess(took, 3 + SOON)

    def test_a_second_signal_stops_it_at_once(self):
        self.assert_soon(self.stop_with_two_signals, 2)

    def stop_with_two_signals(self):
        self.start_if_stopped()
        self.deaf_reader()
        self.broker.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        self.broker.process.send_signal(signal.SIGINT)
        return self.seconds_to_stop()


class Program(unittest.TestCase):
    def run_broker(self, *arguments):
        return subprocess.run([BROKER, *arguments], capture_output=True, text=True, timeout=PATIENCE)

    def test_arguments_that_are_wrong_are_named(self):
        for arguments, message in (
                (["--listen", "here"], '--listen: "here" is not HOST:PORT'), (["--listen=:1"], '--listen: ":1" is not HOST:PORT'),
                (["--listen", "::1:9"], '--listen: "::1:9" is not'), (["--listen", "a:65536"], '--listen: "a:65536" is not'),
                (["--advertise", "a:1"], '--advertise: "a:1" does not come after the --listen that it is for'),
                (["--port", "0", "--advertise", "a:1", "--advertise", "b:1"],
                 '--advertise: "b:1" is a second one for the listener 127.0.0.1:0'),
                (["--tls", "cert"], "--tls needs CERT KEY"), (["--user", "alice"], "--user: it is not NAME:PASSWORD"),
                (["--user", "a:b", "--user", "a:c"], '--user: "a" has two passwords'),
                (["--metrics", "x"], '--metrics: "x" is not a number from 0 to 65535'),
                (["--verbose=yes"], "--verbose takes no value"), (["--dump"], "--dump needs FILE")):
            done = self.run_broker(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
            self.assertTrue(done.stderr.startswith("echo_broker: " + message), done.stderr)

    def test_what_cannot_be_used_is_an_error_that_names_it(self):
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as other:
            port = other.getsockname()[1]
            for arguments, message in (
                    (["--listen", f"127.0.0.1:{port}"], f"cannot listen on 127.0.0.1:{port}: Address already in use"),
                    (["--metrics", f"{port}"], f"--metrics: cannot listen on 127.0.0.1:{port}: Address already in use"),
                    (["--dump", "/nowhere/x"], "--dump: cannot write /nowhere/x: No such file or directory")):
                done = self.run_broker(*arguments)
                self.assertEqual((done.returncode, done.stdout, done.stderr), (1, "", f"echo_broker: {message}\n"))

    def test_help_fits_a_screen(self):
        lines = self.run_broker("-h").stdout.splitlines()
        self.assertLessEqual(len(lines), 40)
        self.assertLessEqual(max(map(len, lines)), 80)

    @unittest.skipIf(SANITIZED, "sanitizers take longer")
    def test_it_starts_within_50_ms_of_being_loaded(self):
        took = []
        for _ in range(30):  # one of them: other programs may have the processors
            began = time.monotonic()
            self.run_broker("--help")
            loaded = time.monotonic()
            broker = Broker()
            took.append((time.monotonic() - loaded) - (loaded - began))
            broker.stop()
            broker.process.stdout.close()
            broker.log.close()
            if took[-1] < 0.05:
                return
        self.fail(f"longer than --help by these seconds: {took}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
