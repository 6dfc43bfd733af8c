"""The echo broker as a process, a client of raw bytes, and a test case with both; for the tests in this folder."""

import os
import pathlib
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import kafka_bytes as kb

BROKER = pathlib.Path(os.environ["KWIRE_BUILD_DIR"]) / "examples" / "echo_broker"
# Sanitizers keep freed memory, or need more of their own.
SANITIZED = BROKER.exists() and any(name in BROKER.read_bytes() for name in (b"__asan_init", b"__tsan_init"))
PRODUCE, FETCH, LIST_OFFSETS, METADATA, FIND_COORDINATOR, SASL, API_VERSIONS, INIT_PRODUCER = 0, 1, 2, 3, 10, 17, 18, 22
# The versions of each API that it advertises.
SERVED = {PRODUCE: (0, 13), FETCH: (0, 18), LIST_OFFSETS: (0, 11), METADATA: (0, 13),
          8: (0, 10), 9: (0, 10),  # offsets of groups: commit, fetch
          FIND_COORDINATOR: (0, 6), 11: (0, 9), 12: (0, 4), 13: (0, 5), 14: (0, 5), 15: (0, 6), 16: (0, 5),  # groups
          SASL: (0, 1), API_VERSIONS: (0, 5), 19: (0, 7), 20: (0, 6),  # topics: create, delete
          21: (0, 2), INIT_PRODUCER: (0, 5), 23: (0, 4),  # delete records; offsets of leader epochs
          24: (0, 5), 25: (0, 4), 26: (0, 5), 28: (0, 6),  # transactions
          32: (0, 4), 33: (0, 2), 35: (1, 4), 36: (0, 2), 37: (0, 3),  # settings, directories, SASL, partitions
          42: (0, 3), 44: (0, 1), 47: (0, 0),  # groups: delete; settings; groups: delete offsets
          60: (0, 2), 61: (0, 0), 65: (0, 0), 66: (0, 2),  # cluster; producers and transactions
          68: (0, 1), 69: (0, 1), 75: (0, 0)}  # groups of KIP-848; partitions
FEATURES = {"transaction.version": (0, 2), "group.version": (0, 1)}
# Seconds, all of them with room for a machine that does ten other things at once.
PATIENCE = 240  # after which a step counts as hung
LONGEST = 600  # for a test; ctest ends a script after 1800
SOON = 15  # for what would otherwise happen after 20 or never


class TooLong(BaseException):
    """A test hangs. Not an Exception, so that nothing on the way takes it for one that it expects."""


def limit_time(test, seconds=LONGEST):
    """Ends a test that hangs by an exception: its cleanup stops the programs that it has started."""
    def end(*_):
        raise TooLong(f"no end within {seconds} s")
    signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    test.addCleanup(signal.alarm, 0)


def wait_until(condition, what="the condition"):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"{what} is not there within {PATIENCE} s"
        time.sleep(0.02)


def on_the_way(end):
    """Bytes that were sent at this end of a connection over IPv4 within this machine: (not received, received but not read)."""
    def name(place):
        return f"{struct.unpack('=I', socket.inet_aton(place[0]))[0]:08X}:{place[1]:04X}"
    here, there = name(end.getsockname()), name(end.getpeername())
    queues = {tuple(fields[1:3]): [int(size, 16) for size in fields[4].split(":")]
              for fields in map(str.split, pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:])}
    return queues.get((here, there), (0, 0))[0], queues.get((there, here), (0, 0))[1]


def not_received(end):
    return on_the_way(end)[0]


def not_read(end):
    return sum(on_the_way(end))


class Broker:
    """The program, started on a free port, and always stopped."""

    def __init__(self, *arguments, files=None):
        self.log = tempfile.TemporaryFile("a+")  # appended to, wherever this process reads
        limit = None
        if files is not None:
            def limit():
                resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        self.process = subprocess.Popen([BROKER, *arguments], stdout=subprocess.PIPE, stderr=self.log, text=True,
                                        preexec_fn=limit)
        line = self.process.stdout.readline()
        found = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", line)
        if not found:
            self.process.kill()
            raise AssertionError(f"the broker printed {line!r}")
        self.port = int(found[1])

    def stop(self, how=signal.SIGTERM):
        """(exit status, what it printed before it exited)."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        else:
            self.show_why_it_ended()
        try:
            rest, _ = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        return self.process.returncode, rest

    def show_why_it_ended(self):
        """What a sanitizer said of a program that ended by itself is in the output of the test."""
        if self.process.returncode != 0 and not self.log.closed:
            print(f"ended with {self.process.returncode}: {self.errors()}", file=sys.stderr)

    def errors(self):
        self.log.seek(0)
        return self.log.read()

    def status(self, name):
        """A value in kB of /proc/<pid>/status."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{name}:\s+(\d+) kB$", text, re.M)[1])

    def open_files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Client:
    def __init__(self, broker):
        self.socket = socket.create_connection(("127.0.0.1", broker.port), PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, key, version, body, correlation=7):
        self.socket.sendall(kb.frame(key, version, body, correlation))

    def wait_until_read(self):
        """Waits until the program has read all that was sent to it, and has had a moment to act on it."""
        wait_until(lambda: not_read(self.socket) == 0, "the end of what was sent")
        time.sleep(0.05)

    def read(self, n):
        out = b""
        while len(out) < n:
            more = self.socket.recv(n - len(out))
            if not more:
                raise EOFError
            out += more
        return out

    def receive(self, correlation=7, tagged_header=False):
        """The body of the next response."""
        data = self.read(struct.unpack(">i", self.read(4))[0])
        assert struct.unpack_from(">i", data)[0] == correlation, data[:4]
        if tagged_header:
            assert data[4] == 0
        return data[5 if tagged_header else 4:]

    def ask(self, key, version, body, correlation=7):
        self.send(key, version, body, correlation)
        return self.receive(correlation, key != API_VERSIONS and kb.is_flexible(key, version))

    def is_closed(self):
        """Whether the broker closes the connection without sending another byte."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def reset(self):
        """Resets the connection, as after a crash of the client."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    # -- requests

    def api_versions(self, version, body=None):
        """(error, {key: (min, max)})."""
        if body is None:
            body = kb.api_versions_body(version)
        data = self.ask(API_VERSIONS, version, body)
        error = struct.unpack_from(">h", data)[0]
        _, keys, _ = kb.api_versions_answer(version if error != 35 else 0, data)
        return error, keys

    def create(self, topic):
        """Creates a topic and returns its id."""
        error, ident, _ = kb.metadata_answer(12, self.ask(METADATA, 12, kb.metadata_body(12, [topic])))[2][topic]
        assert error == 0
        return ident

    def produce(self, topic, records, partition=0, version=7, acks=1):
        """(error, base offset)."""
        body = kb.produce_body(version, topic, [(partition, records)], acks)
        return kb.produce_answer(version, self.ask(PRODUCE, version, body))[0][1:]

    def list_offset(self, topic, timestamp, partition=0, version=11):
        """(error, timestamp, offset) for a partition."""
        body = kb.list_offsets_body(version, topic, [(partition, timestamp)])
        return kb.list_offsets_answer(version, self.ask(LIST_OFFSETS, version, body))[0][1:]

    def fetch(self, topic, partitions, version=11, **options):
        """[(index, error, high watermark, records)]."""
        body = kb.fetch_body(version, topic, partitions, **options)
        error, answer = kb.fetch_answer(version, self.ask(FETCH, version, body))
        assert error == 0
        return answer


def stamped(sent, offset):
    """A batch as the broker must return it: only base offset and leader epoch have changed."""
    return struct.pack(">q", offset) + sent[8:12] + struct.pack(">i", 0) + sent[16:]


class BrokerTest(unittest.TestCase):
    """A broker for each test, in self.broker."""

    arguments = ("--partitions", "2")
    copied = 0  # bytes that the broker must have copied at the end, all of them to free frames

    def setUp(self):
        limit_time(self)
        self.broker = Broker(*self.arguments)
        self.addCleanup(self.check_end)
        self.topic = "orders"

    def check_end(self):
        """After every test the broker still runs, stops on request, and has copied only what the test expects."""
        try:
            self.assertIsNone(self.broker.process.poll(), self.broker.errors())
            status, rest = self.broker.stop()
            self.assertEqual(status, 0, self.broker.errors())
            self.assertRegex(rest, r"\Arequests: \d+, reads: \d+, writes: \d+, batches: \d+, bytes in: \d+, bytes out: \d+, "
                                   rf"copied to free frames: {self.copied}, payload bytes copied by kwire: {self.copied}\n\Z")
            self.assertNotIn("ERROR", self.broker.errors())  # of a sanitizer
        finally:
            if self.broker.process.poll() is None:
                self.broker.process.kill()
            self.broker.process.stdout.close()
            self.broker.log.close()

    def client(self):
        client = Client(self.broker)
        self.addCleanup(client.socket.close)
        return client

    def wait_until(self, condition):
        wait_until(condition)

    def assert_soon(self, attempt, seconds):
        """`attempt()` returns how long something took, which must be less than that; again if not, for other programs may have
        had the processors: what always takes longer fails always."""
        took = []
        while not took or took[-1] >= seconds:
            self.assertLess(len(took), 5, took)
            took.append(attempt())
