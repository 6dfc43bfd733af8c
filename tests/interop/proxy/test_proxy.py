#!/usr/bin/env python3
"""Real clients through examples/proxy: kcat, kafka-python and, with --confluent, confluent-kafka's newest wheel.

    KWIRE_BUILD_DIR=build/release python3 tests/interop/proxy/test_proxy.py [--confluent]

The chain is client, proxy, sasl_front.py, echo broker. The front says that the broker is at a port of this test, which leads to
the front: only the proxy may ever connect there, since it has to name its own ports instead. Each client produces and consumes without SASL, with
PLAIN in raw tokens (SaslHandshake v0) and with PLAIN in SaslAuthenticate (v1).

A client that is missing is skipped with a message. --confluent installs a wheel of PyPI below the build directory.
"""

import base64
import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "examples"))
import test_clients_read_batches as kcat_format  # noqa: E402
from echo_broker import BROKER, PATIENCE, limit_time  # noqa: E402
from programs import Program  # noqa: E402

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
SOON = 60  # seconds for a client to give up after a wrong password, and to be loaded before


class Chain:
    """Proxy, front and broker, and the port that the front says is the broker's."""

    def __init__(self, sasl):
        self.parts = []
        self.real = socket.create_server(("127.0.0.1", 0))
        self.others = []  # peers of that port that are not the proxy
        self.led = []  # sockets between it and the front
        self.reached = 0
        try:
            self.broker = self.add(Program(BROKER))
            self.front = self.add(Program(sys.executable, HERE / "sasl_front.py", "--sasl", sasl, "--upstream",
                                          f"127.0.0.1:{self.broker.port}", "--advertise", str(self.real.getsockname()[1])))
            self.proxy = self.add(Program(BROKER.parent / "proxy", "--upstream", f"127.0.0.1:{self.front.port}"))
        except BaseException:
            self.close()
            raise
        self.address = f"127.0.0.1:{self.proxy.port}"
        threading.Thread(target=self.lead_to_the_front, daemon=True).start()

    def lead_to_the_front(self):
        with contextlib.suppress(OSError):  # the port is closed at the end
            while True:
                peer, address = self.real.accept()
                self.reached += 1
                if not self.is_of_the_proxy(address[1]):
                    self.others.append(address)
                front = socket.create_connection(("127.0.0.1", self.front.port))
                self.led += [peer, front]
                for source, sink in ((peer, front), (front, peer)):
                    threading.Thread(target=self.copy, args=(source, sink), daemon=True).start()

    @staticmethod
    def copy(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def is_of_the_proxy(self, port):
        """Whether the socket at this end is the proxy's, or was closed again."""
        while (number := self.number_of_socket(port)) is not None:
            if f"socket:[{number}]" in self.files_of_the_proxy():
                return True
            if self.number_of_socket(port) == number:  # it was not closed meanwhile
                return False
        return True

    @staticmethod
    def number_of_socket(port):
        for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[1] == f"0100007F:{port:04X}" and fields[9] != "0":
                return fields[9]
        return None

    def files_of_the_proxy(self):
        names = set()
        for file in pathlib.Path(f"/proc/{self.proxy.process.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # it was closed meanwhile
                names.add(os.readlink(file))
        return names

    def add(self, part):
        self.parts.append(part)
        return part

    def close(self):
        for part in self.parts:
            part.close()
        for led in [self.real, *self.led]:
            led.close()


def messages(all_nulls=True):
    """100 times [key, value, headers], with bytes: nulls, empty ones, all bytes, and 900 kB. Without all_nulls no header is null,
    and of key and value at most one, since kafka-python refuses that."""
    rng = random.Random(7)
    out = []
    for i in range(100):
        key = None if i % 7 == 0 else b"" if i % 7 == 1 else b"key %d" % i
        value = None if i % 11 == 5 else b"" if i % 11 == 6 else rng.randbytes(rng.choice((1, 10, 100, 3000)))
        if i == 50:
            value = bytes(range(256)) * 3516  # 900,096 bytes
        headers = [["n", b"%d" % i], ["", b""], ["null", None if all_nulls else b""]] if i % 3 == 0 else []
        if not all_nulls and key is None and value is None:
            key = b"key"
        out.append([key, value, headers])
    return out


def as_text(value):
    return None if value is None else base64.b64encode(value).decode()


def exchange(python, script, chain, password, all_nulls=True):
    """Lets a client produce and consume; its answer: {"records": {codec: [[key, value, headers]]}, "left_out", "error"}."""
    wanted = [[as_text(k), as_text(v), [[n, as_text(h)] for n, h in headers]] for k, v, headers in messages(all_nulls)]
    ask = {"address": chain.address, "password": password, "codecs": CODECS, "messages": wanted, "patience": PATIENCE,
           "probe_ms": 5_000 if password == "wrong" else 60_000}
    began = time.monotonic()
    done = subprocess.run([python, HERE / script], input=json.dumps(ask), capture_output=True, text=True, timeout=4 * PATIENCE)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return wanted, json.loads(done.stdout), time.monotonic() - began


def python_with_kafka():
    for python in (sys.executable, "/usr/bin/python3"):
        if shutil.which(python) and subprocess.run([python, "-c", "import kafka"], stderr=subprocess.DEVNULL).returncode == 0:
            return python
    return None


class ThroughTheProxy(unittest.TestCase):
    def setUp(self):
        limit_time(self)

    def through(self, sasl):
        chain = Chain(sasl)
        self.addCleanup(chain.close)
        return chain

    def check_end(self, chain):
        """Stops the chain; the totals of the front. No client has connected to the broker itself, and kwire has copied no payload."""
        self.assertEqual(chain.others, [])
        status, said = chain.proxy.stop()
        self.assertEqual(status, 0, chain.proxy.errors())
        self.assertNotIn("ERROR", chain.proxy.errors())  # of a sanitizer
        found = re.fullmatch(r"connections: (\d+), requests: \d+, raw tokens: (\d+), addresses replaced: (\d+), "
                             r"names changed: 0, hidden: 0, unknown: 0, slowest: \w+ v\d+ in \d+ ms, payload bytes copied by kwire: (\d+)\n", said)
        self.assertTrue(found, said)
        self.assertLess(int(found[4]), 4096, "bytes copied; the payloads are much larger")
        status, front = chain.front.stop()
        self.assertEqual(status, 0, chain.front.errors())
        totals = json.loads(front)
        self.assertEqual(totals["connections"], int(found[1]))
        self.assertEqual(int(found[2]), 2 * totals["raw"] - (totals["refused"] if totals["raw"] else 0))
        status, said = chain.broker.stop()
        self.assertIn("payload bytes copied by kwire: 0\n", said)
        return totals | {"redirected": int(found[3]), "proxy_errors": chain.proxy.errors()}

    def check_success(self, chain, sasl, always_raw=False):
        totals = self.check_end(chain)
        self.assertGreater(totals["redirected"], 0)
        self.assertGreater(chain.reached, 0)
        self.assertEqual(totals["refused"], 0)
        raw = sasl == "v0" or (sasl == "v1" and always_raw)
        self.assertEqual(totals["raw"] > 0, raw, totals)
        self.assertEqual(totals["authenticate"] > 0, sasl == "v1" and not always_raw, totals)
        self.assertEqual(totals["proxy_errors"], "")

    def check_refusal(self, chain, sasl, always_raw=False):
        totals = self.check_end(chain)
        self.assertGreater(totals["refused"], 0)
        self.assertEqual(totals["redirected"], 0)
        self.assertEqual(totals["raw"] > 0, sasl == "v0" or always_raw, totals)
        self.assertEqual(totals["proxy_errors"], "")

    def check_records(self, answer, wanted):
        self.assertNotIn("error", answer)
        self.assertEqual(sorted([*answer["records"], *answer["left_out"]]), sorted(CODECS))
        self.assertGreaterEqual(len(answer["records"]), 2)
        for codec, records in answer["records"].items():
            self.assertEqual(len(records), len(wanted), codec)
            for got, want in zip(records, wanted):
                self.assertEqual(got, want, codec)


@unittest.skipUnless(shutil.which("kcat"), "kcat is missing")
class Kcat(ThroughTheProxy):
    @staticmethod
    def kcat(chain, password, *arguments, **options):
        sasl = [] if password is None else ["-X", "security.protocol=SASL_PLAINTEXT", "-X", "sasl.mechanism=PLAIN", "-X",
                                            "sasl.username=alice", "-X", f"sasl.password={password}"]
        return subprocess.run(["kcat", "-m", "60", "-b", chain.address, *sasl, *arguments], capture_output=True, timeout=PATIENCE,
                              **options)

    def kcat_exchange(self, chain, password):
        # Lines, in which nothing is null; -Z makes nulls of them. A file is one message, whatever its bytes are.
        lines = [(b"" if i % 7 == 0 else b"key %d" % i, b"" if i % 11 == 5 else b"value %d " % i * (i % 90 + 1))
                 for i in range(99)]
        big = next(value for _, value, _ in messages() if value is not None and len(value) > 900_000)
        for codec in CODECS:
            for arguments, content in (
                    (["-K", "\t", "-Z", "-H", "codec=" + codec, "-H", "empty="], b"".join(b"%s\t%s\n" % line for line in lines)),
                    (["-k", "big", "/dev/stdin"], big)):
                with tempfile.TemporaryFile() as file:
                    file.write(content)
                    file.seek(0)
                    done = self.kcat(chain, password, "-P", "-t", codec, "-p", "0", "-z", codec, *arguments, stdin=file)
                self.assertEqual((done.returncode, done.stderr), (0, b""))
            done = self.kcat(chain, password, "-C", "-t", codec, "-p", "0", "-o", "beginning", "-e", "-q", "-f",
                             "%o %T %K %S\n%k%s%h" + kcat_format.END.decode())
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            received = [each[2:] for each in kcat_format.ClientsReadBatches.from_kcat(done.stdout)]
            shown = b"codec=" + codec.encode() + b",empty="
            self.assertEqual(received, [[key or None, value or None, shown] for key, value in lines] + [[b"big", big, b""]])

    def test_kcat_produces_and_consumes(self):
        for sasl in ("none", "v0", "v1"):
            with self.subTest(sasl):
                chain = self.through(sasl)
                self.kcat_exchange(chain, None if sasl == "none" else "secret")
                self.check_success(chain, sasl)

    def test_kcat_learns_that_its_password_is_wrong(self):
        for sasl in ("v0", "v1"):
            with self.subTest(sasl):
                chain = self.through(sasl)
                began = time.monotonic()
                done = self.kcat(chain, "wrong", "-L", "-m", "10")
                self.assertLess(time.monotonic() - began, SOON)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(b"Invalid username or password" if sasl == "v1" else b"in state AUTH", done.stderr)
                self.check_refusal(chain, sasl)


@unittest.skipUnless(python_with_kafka(), "kafka-python is missing")
class KafkaPython(ThroughTheProxy):
    """It knows raw tokens only."""

    def test_kafka_python_produces_and_consumes(self):
        left_out = []
        for sasl in ("none", "v0", "v1"):
            with self.subTest(sasl):
                chain = self.through(sasl)
                wanted, answer, _ = exchange(python_with_kafka(), "client_kafka_python.py", chain,
                                             None if sasl == "none" else "secret", all_nulls=False)
                self.check_records(answer, wanted)
                left_out = answer["left_out"]
                self.check_success(chain, sasl, always_raw=True)
        if left_out:
            print("kafka-python here has no", ", ".join(left_out), file=sys.stderr)

    def test_kafka_python_learns_that_its_password_is_wrong(self):
        for sasl in ("v0", "v1"):
            with self.subTest(sasl):
                chain = self.through(sasl)
                _, answer, took = exchange(python_with_kafka(), "client_kafka_python.py", chain, "wrong")
                self.assertLess(took, SOON)
                self.assertIn("NoBrokersAvailable", answer["error"])  # its word for a broker that hangs up
                self.check_refusal(chain, sasl, always_raw=True)


class Confluent(ThroughTheProxy):
    """Runs with --confluent only."""

    @classmethod
    def setUpClass(cls):
        sys.path.insert(0, str(HERE.parent / "clients"))
        import run as clients
        try:
            cls.python = clients.confluent()[0]
        except clients.Missing as why:
            raise unittest.SkipTest(f"{clients.CONFLUENT} cannot be installed here: {why}")

    def test_confluent_kafka_produces_and_consumes(self):
        for sasl in ("none", "v0", "v1"):
            with self.subTest(sasl):
                chain = self.through(sasl)
                wanted, answer, _ = exchange(self.python, "client_confluent.py", chain, None if sasl == "none" else "secret")
                self.assertEqual(answer["left_out"], [])
                self.check_records(answer, wanted)
                self.check_success(chain, sasl)

    def test_confluent_kafka_learns_that_its_password_is_wrong(self):
        for sasl in ("v0", "v1"):
            with self.subTest(sasl):
                chain = self.through(sasl)
                _, answer, took = exchange(self.python, "client_confluent.py", chain, "wrong")
                self.assertLess(took, SOON)
                self.assertIn("_AUTHENTICATION" if sasl == "v1" else "_", answer["error"])
                self.check_refusal(chain, sasl)


if __name__ == "__main__":
    if "--confluent" in sys.argv:
        sys.argv.remove("--confluent")
    else:
        del Confluent
    unittest.main(verbosity=2)
