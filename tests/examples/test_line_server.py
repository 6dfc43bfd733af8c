"""The line server as a process: its protocol on raw sockets, and under load, with each backend, with copies and without."""

import contextlib
import functools
import itertools
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import time
import unittest

PROGRAMS = pathlib.Path(os.environ["KWIRE_BUILD_DIR"]) / "examples"
LONGEST = 65536
PATIENCE = 240  # seconds after which a step counts as hung, on a machine that does ten other things at once
FILE = bytes(range(256)) * 300


class Server:
    """The program, started on a free port, and always stopped."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([PROGRAMS / "line_server", *arguments], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        found = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", line)
        if not found:
            self.process.kill()
            raise AssertionError(f"the server printed {line!r}")
        self.port = int(found[1])

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def ask(self, sent):
        """All that it answers to these bytes, until it closes the connection."""
        with self.connect() as client:
            with contextlib.suppress(OSError):  # it may have closed it already, and what it has answered is there
                client.sendall(sent)
                client.shutdown(socket.SHUT_WR)
            return everything(client)

    def memory(self):
        """Bytes of resident memory."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB$", text, re.M)[1]) * 1024

    def stop(self):
        """(exit status, totals by name)."""
        if self.process.poll() is None:
            self.process.terminate()
            self.said, _ = self.process.communicate(timeout=PATIENCE)
        text = self.said
        return self.process.returncode, {name: int(n) for name, n in re.findall(r"([a-z ]+): (\d+)", text)}

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


def everything(client):
    out = b""
    with contextlib.suppress(ConnectionResetError):
        while more := client.recv(1 << 16):
            out += more
    return out


@functools.cache
def modes():
    backends = ["epoll"] + (["io_uring"] if (PROGRAMS / "line_server_io_uring").exists() and io_uring_works() else [])
    return [["--backend", b, *c] for b, c in itertools.product(backends, ([], ["--copying"]))]


def io_uring_works():
    """Whether this system lets programs use it: containers often do not."""
    with subprocess.Popen([PROGRAMS / "line_server_io_uring"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            return process.stdout.readline().startswith(b"listening")  # it ends without a line if not
        finally:
            process.kill()


class EachMode(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name, "canned")
        self.file.write_bytes(FILE)

    def servers(self, *arguments):
        """A server in each mode, one after the other; those that a failed test leaves are ended by its cleanup."""
        for mode in modes():
            server = Server(*mode, "--file", str(self.file), *arguments)
            server.mode = " ".join(mode)
            self.addCleanup(server.kill)
            yield server
            self.assertEqual(server.stop()[0], 0, server.mode)

    def test_each_line_is_answered_in_order(self):
        canned = b"file %d\n" % len(FILE) + FILE
        for server in self.servers():
            self.assertEqual(server.ask(b"a\n\nGET canned\nGET other\n\x00\xff\r\nQUIT\n"),
                             b"ok a\nok \n" + canned + b"err no such file\nok \x00\xff\r\nbye\n")
            self.assertEqual(server.ask(b"GETx\nQUIT \nb\nunfinished"), b"ok GETx\nok QUIT \nok b\n")
            self.assertEqual(server.ask(b""), b"")
            self.assertEqual(server.ask(b"x\n" * 5000), b"ok x\n" * 5000)

    def test_lines_may_arrive_byte_by_byte(self):
        for server in self.servers():
            with server.connect() as client:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for byte in b"first\nsecond\nQUIT\n":
                    client.sendall(bytes([byte]))
                    time.sleep(0.002)
                self.assertEqual(everything(client), b"ok first\nok second\nbye\n")

    def test_the_longest_line_is_answered_and_a_longer_one_closes_the_connection(self):
        longest = b"x" * (LONGEST - 1) + b"\n"
        for server in self.servers():
            self.assertEqual(server.ask(longest * 3), (b"ok " + longest) * 3)
            for much in (b"x" * LONGEST + b"\n", b"x" * LONGEST, b"x" * LONGEST + b"\nafter\n"):
                self.assertEqual(server.ask(b"before\n" + much), b"ok before\nerr line too long\n")

    def test_a_client_that_takes_no_answers_is_bounded_and_others_are_served(self):
        for server in self.servers("--patience", "2"):
            with server.connect() as stuck, server.connect() as other:
                stuck.setblocking(False)
                sent, at_first = 0, server.memory()
                until = time.monotonic() + 0.7
                while time.monotonic() < until:
                    with contextlib.suppress(BlockingIOError):
                        sent += stuck.send(b"GET canned\n" * 1000)
                    time.sleep(0.001)
                self.assertGreater(sent, 0)
                self.assertLess(server.memory() - at_first, 64 << 20)
                other.sendall(b"here\nQUIT\n")
                self.assertEqual(everything(other), b"ok here\nbye\n")
                stuck.settimeout(PATIENCE)
                self.assertTrue(self.is_cut_off(stuck))

    def is_cut_off(self, client):
        """Whether the server closes the connection although we take nothing: so that sending fails in the end."""
        until = time.monotonic() + PATIENCE
        client.setblocking(False)
        while time.monotonic() < until:
            try:
                client.send(b"x")
            except BlockingIOError:
                pass
            except OSError:
                return True
            time.sleep(0.05)
        return False

    def test_connections_beyond_the_limit_are_closed(self):
        for server in self.servers("--connections", "2"):
            with server.connect() as one, server.connect() as two:
                for client in (one, two):
                    client.sendall(b"x\n")
                    self.assertEqual(client.recv(100), b"ok x\n")
                self.assertEqual(server.ask(b""), b"")
            self.wait_for(lambda: server.ask(b"y\n") == b"ok y\n")

    def wait_for(self, condition):
        until = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), until)
            time.sleep(0.05)

    def test_a_second_of_load_has_the_right_answers_and_the_consumer_gets_every_line(self):
        for server in self.servers():
            load = subprocess.run([PROGRAMS / "line_load", "--port", str(server.port), "--seconds", "1", "--line", "300",
                                   "--get", self.file], capture_output=True, text=True, timeout=2 * PATIENCE)
            self.assertEqual((load.returncode, load.stderr), (0, ""), server.mode)
            lines, size = map(int, re.match(r"lines: (\d+), bytes: (\d+)", load.stdout).groups())
            status, totals = server.stop()
            quits = 4  # one of each connection
            self.assertEqual(status, 0)
            self.assertGreater(lines, 100)  # a slow machine still has thousands, a server that waits somewhere some dozens
            self.assertEqual((totals["lines"], totals[" their bytes"]), (lines + quits, size + quits * len("QUIT\n")))


class Load(unittest.TestCase):
    def test_a_wrong_answer_is_noticed(self):
        """Else the comparison of both servers would prove nothing."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(PATIENCE)
            load = subprocess.Popen([PROGRAMS / "line_load", "--port", str(listener.getsockname()[1]), "--seconds", "1",
                                     "--connections", "1"], stderr=subprocess.PIPE, text=True)
            with listener.accept()[0] as peer:
                line = peer.recv(1 << 16).split(b"\n")[0]
                peer.sendall(b"ok " + line[:-1] + b"?")
                _, said = load.communicate(timeout=PATIENCE)
        self.assertEqual(load.returncode, 1)
        self.assertIn("wrong answer", said)


class CommandLine(unittest.TestCase):
    def test_bad_arguments_are_refused(self):
        for arguments in (["--port", "x"], ["--port", "65536"], ["--backend", "iocp"], ["--file"], ["--connections", "0"], ["what"]):
            done = subprocess.run([PROGRAMS / "line_server", *arguments], capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn("cannot use", done.stderr)
        done = subprocess.run([PROGRAMS / "line_server", "--file", "no/such"], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 1)


if __name__ == "__main__":
    unittest.main()
