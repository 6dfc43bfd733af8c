#!/usr/bin/env python3
"""The small programs of the guides, each by what its first comment promises.

    KWIRE_BUILD_DIR=build/release python3 tests/examples/test_small_programs.py
"""

import pathlib
import shutil
import struct
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import kafka_bytes as kb
from echo_broker import API_VERSIONS, BROKER, FETCH, METADATA, PATIENCE, PRODUCE, Broker, Client, limit_time
from programs import Program

PROGRAMS = BROKER.parent
LINES = [f"line {i}" for i in range(200)]


def run(name, *arguments, given=""):
    return subprocess.run([PROGRAMS / name, *map(str, arguments)], input=given, capture_output=True, text=True, timeout=PATIENCE)


class SmallPrograms(unittest.TestCase):
    def setUp(self):
        limit_time(self)

    def start(self, name, *arguments):
        program = Program(PROGRAMS / name, *map(str, arguments))
        self.addCleanup(program.close)
        return program

    def echo_broker(self):
        broker = Broker()
        self.addCleanup(broker.stop)
        return broker

    def send(self, port, topic, lines, first):
        done = run("client_produce", "localhost", port, topic, given="\n".join(lines) + "\n")
        self.assertEqual((done.returncode, done.stdout), (0, f"first offset: {first}\n"), done.stderr)

    def check_content(self, port, topic, lines):
        done = run("client_consume", "localhost", port, topic)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.splitlines(), [f"{i} {line}" for i, line in enumerate(lines)])

    def test_what_client_produce_sends_client_consume_reads(self):
        for broker in (self.echo_broker(), self.start("mini_broker", 0)):
            self.send(broker.port, "orders", LINES, 0)
            self.send(broker.port, "orders", ["one more"], len(LINES))
            self.check_content(broker.port, "orders", [*LINES, "one more"])

    def test_the_clients_say_why_they_cannot_go_on(self):
        broker = self.echo_broker()
        done = run("client_consume", "localhost", broker.port, "nothing-here")
        self.assertEqual((done.returncode, done.stderr), (1, "client_consume: UNKNOWN_TOPIC_OR_PARTITION (3)\n"))
        done = run("client_consume", "localhost", 1, "orders")
        self.assertEqual(done.returncode, 1)
        self.assertIn("refused", done.stderr)

    def test_the_mini_broker_answers_kcat(self):
        if shutil.which("kcat") is None:
            self.skipTest("kcat is missing")
        broker = self.start("mini_broker", 0)
        kcat = ["kcat", "-m", "60", "-b", f"127.0.0.1:{broker.port}", "-t", "orders"]
        subprocess.run([*kcat, "-P"], input="\n".join(LINES), text=True, timeout=PATIENCE, check=True)
        read = subprocess.run([*kcat, "-C", "-o", "beginning", "-e", "-q"], capture_output=True, text=True, timeout=PATIENCE, check=True)
        self.assertEqual(read.stdout.splitlines(), LINES)

    def test_the_mini_broker_hangs_up_on_what_it_does_not_serve_and_goes_on(self):
        broker = self.start("mini_broker", 0)
        for key, version, body in ((PRODUCE, 13, b""), (88, 0, b""), (METADATA, 9, b"\xff"), (FETCH, 12, b"")):
            with Client(broker) as client:
                client.send(key, version, body)
                self.assertTrue(client.is_closed(), key)
        with Client(broker) as client:
            data = client.ask(API_VERSIONS, 99, b"")
            self.assertEqual(struct.unpack_from(">h", data)[0], 35)  # UNSUPPORTED_VERSION, and the connection goes on
            self.assertEqual(kb.api_versions_answer(3, client.ask(API_VERSIONS, 3, kb.api_versions_body(3)))[0], 0)

    def test_the_mini_proxy_renames_topics_and_hides_those_of_others(self):
        broker = self.echo_broker()
        proxy = self.start("mini_proxy", 0, broker.port, "tenant.")
        self.send(broker.port, "theirs", ["not shown"], 0)
        self.send(proxy.port, "orders", LINES, 0)
        self.check_content(proxy.port, "orders", LINES)
        self.check_content(broker.port, "tenant.orders", LINES)
        with Client(proxy) as client:
            brokers, _, topics = kb.metadata_answer(8, client.ask(METADATA, 8, kb.metadata_body(8, None)))
        self.assertEqual({port for _, _, port in brokers}, {proxy.port})
        self.assertEqual(set(topics), {"orders"})

    def test_the_server_without_asio_answers_many_clients_at_once(self):
        server = self.start("without_asio", 0)
        clients = [Client(server) for _ in range(20)]
        for client in clients:
            self.addCleanup(client.socket.close)
        for round_ in range(3):
            for client in clients:
                client.send(API_VERSIONS, 3, kb.api_versions_body(3), round_)
            for client in clients:
                self.assertEqual(kb.api_versions_answer(3, client.receive(round_)), (0, {API_VERSIONS: (0, 4)}, {}))
        with Client(server) as stranger:
            stranger.socket.sendall(b"GET / HTTP/1.1\r\n\r\n")
            self.assertTrue(stranger.is_closed())
        self.assertEqual(kb.api_versions_answer(0, clients[0].ask(API_VERSIONS, 0, b""))[0], 0)

    def test_the_program_without_exceptions_prints_a_line_for_each_request(self):
        whole = kb.frame(METADATA, 8, kb.metadata_body(8, ["orders"])) + kb.frame(API_VERSIONS, 0, b"")
        for given, status, lines, complaint in (
                (whole, 0, 2, b""), (b"", 0, 0, b""), (whole[:-1], 1, 1, b"truncated"), (b"GET / HTTP/1.1\r\n\r\n", 1, 0, b"HTTP")):
            done = subprocess.run([PROGRAMS / "no_exceptions"], input=given, capture_output=True, timeout=PATIENCE)
            self.assertEqual((done.returncode, len(done.stdout.splitlines())), (status, lines), done)
            self.assertIn(complaint, done.stderr)
            if lines:
                self.assertIn(b'"orders"', done.stdout)

    def test_the_first_program_prints_what_the_page_about_it_says(self):
        page = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "start.md").read_text(encoding="utf-8")
        printed = page.partition("It prints\n\n")[2].partition("\n\n")[0].splitlines()
        self.assertEqual(run("first").stdout.splitlines(), [line.strip() for line in printed])
        self.assertEqual(len(printed), 3)

    def test_each_program_has_at_most_150_lines(self):
        sources = pathlib.Path(__file__).resolve().parents[2] / "examples"
        programs = sorted(sources.glob("*.cpp"))
        self.assertGreaterEqual(len(programs), 6)
        for path in programs:
            self.assertLessEqual(len(path.read_text(encoding="utf-8").splitlines()), 150, path.name)
            for line in path.read_text(encoding="utf-8").splitlines():
                if line.startswith("#include <kwire/"):
                    self.assertNotIn("detail", line, path.name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
