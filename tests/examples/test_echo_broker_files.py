#!/usr/bin/env python3
"""The echo broker with --data-dir: what outlives a stop and a kill -9, what a torn file costs, and what memory files take.

    KWIRE_BUILD_DIR=build/release python3 tests/examples/test_echo_broker_files.py
"""

import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import kafka_bytes as kb
from echo_broker import *
from echo_broker_topics import TopicsTest

MIB = 1 << 20
SMALL, LARGE = kb.batch([b"x"]), kb.batch([bytes(900_000)])


class FilesTest(unittest.TestCase):
    """A broker with a data directory, which start() starts again."""

    def setUp(self):
        limit_time(self)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="echo_broker_"))
        self.addCleanup(shutil.rmtree, self.directory)
        self.broker = None
        self.topic = "orders"

    def start(self, *arguments):
        if self.broker is not None:
            self.end(signal.SIGTERM)
        self.broker = Broker("--data-dir", self.directory / "data", *arguments)
        self.addCleanup(self.end, signal.SIGKILL)
        self.peer = self.client()
        self.peer.create(self.topic)

    def end(self, how):
        """What it printed before it exited."""
        if self.broker is None:
            return None
        status, rest = self.broker.stop(how)
        errors = self.broker.errors()
        self.broker.process.stdout.close()
        self.broker.log.close()
        self.broker = None
        if how == signal.SIGTERM:
            self.assertEqual((status, errors), (0, ""))
        self.assertNotIn("ERROR", errors)  # of a sanitizer
        return rest

    def client(self):
        client = Client(self.broker)
        self.addCleanup(client.socket.close)
        return client

    def segments(self, partition=0, topic=None):
        return sorted((self.directory / "data" / f"{topic or self.topic}-{partition}").glob("*.log"))

    def fetch(self, offset, size=1 << 30, partition=0):
        (_, error, _, records), = self.peer.fetch(self.topic, [(partition, offset, size)])
        self.assertEqual(error, 0)
        return records

    def range(self, partition=0):
        return tuple(self.peer.list_offset(self.topic, special, partition)[2] for special in (-2, -1))


class Restart(FilesTest):
    def test_records_and_offsets_are_there_again(self):
        self.start("--partitions", "2")
        self.assertEqual([self.peer.produce(self.topic, SMALL, n % 2)[0] for n in range(20)], [0] * 20)
        self.assertEqual(self.peer.produce(self.topic, LARGE, 1), (0, 10))
        for how in (signal.SIGTERM, signal.SIGKILL):
            self.end(how)
            self.start("--partitions", "2")
            self.assertEqual((self.range(0), self.range(1)), ((0, 10), (0, 11)))
            self.assertEqual(self.fetch(0), b"".join(stamped(SMALL, n) for n in range(10)))
            self.assertEqual(self.fetch(10, partition=1), stamped(LARGE, 10))
        self.assertEqual(self.peer.produce(self.topic, SMALL), (0, 10))
        self.assertEqual(self.fetch(9), stamped(SMALL, 9) + stamped(SMALL, 10))

    def test_the_files_are_kafkas_and_have_the_bytes_of_fetch_responses(self):
        self.start()
        for _ in range(3):
            self.peer.produce(self.topic, SMALL)
        file, = self.segments()
        self.assertEqual(file.name, "0" * 20 + ".log")
        self.assertEqual(file.read_bytes(), self.fetch(0))

    def test_a_retry_of_an_idempotent_producer_is_still_known(self):
        self.start()
        first, second = (kb.batch([b"x"] * 2, producer=(4, 0, n)) for n in (0, 2))
        self.assertEqual(self.peer.produce(self.topic, first), (0, 0))
        self.assertEqual(self.peer.produce(self.topic, second), (0, 2))
        self.end(signal.SIGKILL)
        self.start()
        self.assertEqual(self.peer.produce(self.topic, second), (0, 2))
        self.assertEqual(self.peer.produce(self.topic, kb.batch([b"x"], producer=(4, 0, 9))), (45, -1))
        self.assertEqual(self.peer.produce(self.topic, kb.batch([b"x"], producer=(4, 0, 4))), (0, 4))
        self.assertEqual(self.range(), (0, 5))

    def test_two_brokers_do_not_share_a_directory(self):
        self.start()
        other = subprocess.run([BROKER, "--data-dir", self.directory / "data"], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(other.returncode, 1)
        self.assertEqual(other.stderr, f"echo_broker: another process uses {self.directory / 'data'}\n")

    def test_payloads_are_not_copied(self):
        self.start()
        for _ in range(10):
            self.peer.produce(self.topic, LARGE)
            self.peer.produce(self.topic, SMALL)
        self.assertEqual(len(self.fetch(0)), 10 * (len(LARGE) + len(SMALL)))
        copied = re.search(r"copied to free frames: 0, payload bytes copied by kwire: (\d+)\n", self.end(signal.SIGTERM))
        self.assertLess(int(copied[1]), 2000)  # records of its own, since the topic is new

    def test_a_damaged_command_line_is_explained(self):
        for arguments, text in ((["--fsync", "often"], '--fsync: "often" is not always, interval or never'),
                                (["--data-dir"], "--data-dir needs DIR")):
            done = subprocess.run([BROKER, *arguments], capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(done.returncode, 2)
            self.assertTrue(done.stderr.startswith(f"echo_broker: {text}\n"), done.stderr)


class Kill(FilesTest):
    """kill -9 in the middle of producing with acks=all."""

    producers = 3

    def produce_until_the_end(self, partition, acknowledged, number):
        """Numbered records, one batch after the other; returns when the broker is gone."""
        try:
            with Client(self.broker) as client:
                while True:
                    payload = struct.pack(">i", number) + bytes(number * 997 % 40_000)
                    error, offset = client.produce(self.topic, kb.batch([payload]), partition, acks=-1)
                    assert error == 0
                    acknowledged.append((offset, payload))
                    number += 1
        except (OSError, EOFError):
            pass

    def test_nothing_that_was_acknowledged_is_lost(self):
        acknowledged = [[] for _ in range(self.producers)]
        for policy, seconds in (("always", 0.3), ("always", 0.7), ("always", 0.5), ("interval", 1.4), ("never", 0.4)):
            self.start("--partitions", str(self.producers), "--fsync", policy, "--segment-mib", "1")
            before = sum(map(len, acknowledged))
            threads = [threading.Thread(target=self.produce_until_the_end, args=(p, acknowledged[p], len(acknowledged[p])))
                       for p in range(self.producers)]
            for thread in threads:
                thread.start()
            time.sleep(seconds)
            wait_until(lambda: sum(map(len, acknowledged)) > before, "an answer from a slow disk")
            self.broker.process.kill()
            for thread in threads:
                thread.join()
            self.end(signal.SIGKILL)
        self.start("--partitions", str(self.producers))
        for partition, records in enumerate(acknowledged):
            stored = b""
            start, end = self.range(partition)
            self.assertEqual(start, 0)
            self.assertGreaterEqual(end, len(records))
            found = {}
            offset = 0
            while offset < end:
                for batch in batches(self.fetch(offset, 4 * MIB, partition)):
                    found[struct.unpack_from(">q", batch)[0]] = batch
                    offset += 1
            for at, payload in records:
                self.assertIn(payload, found[at])


def batches(records):
    while records:
        size = 12 + struct.unpack_from(">i", records, 8)[0]
        yield records[:size]
        records = records[size:]


class Torn(FilesTest):
    def damage(self, change, *arguments):
        """Stores ten batches, changes the file, and returns what the broker says at the next start."""
        self.start()
        for _ in range(10):
            self.peer.produce(self.topic, SMALL)
        self.end(signal.SIGKILL)
        file, = self.segments()
        content = file.read_bytes()
        file.write_bytes(change(content))
        self.start(*arguments)
        self.file = file
        return self.broker.errors()

    def check(self, kept):
        self.assertEqual(self.range(), (0, kept))
        self.assertEqual(self.fetch(0), b"".join(stamped(SMALL, n) for n in range(kept)))
        self.assertEqual(self.peer.produce(self.topic, SMALL), (0, kept))
        self.end(signal.SIGKILL)
        self.start()
        self.assertEqual(self.broker.errors(), "")
        self.assertEqual(self.fetch(0), b"".join(stamped(SMALL, n) for n in range(kept + 1)))

    def test_a_batch_that_was_not_written_whole_is_cut_off_with_a_line(self):
        size = len(SMALL)
        for left in (1, 20, 61, size - 1):
            with self.subTest(left):
                said = self.damage(lambda content: content[:9 * size + left])
                self.assertEqual(said, f"echo_broker: {self.file}: cut at byte {9 * size}, after which there were {left} bytes: "
                                       "a batch that is not whole\n")
                self.check(9)
            self.end(signal.SIGKILL)
            shutil.rmtree(self.directory / "data")

    def test_a_wrong_checksum_and_zeros_end_the_log(self):
        size = len(SMALL)
        said = self.damage(lambda content: content[:-1] + bytes([content[-1] ^ 1]))
        self.assertIn(f"cut at byte {9 * size}, after which there were {size} bytes: a batch with a wrong checksum\n", said)
        self.check(9)
        self.end(signal.SIGKILL)
        shutil.rmtree(self.directory / "data")
        said = self.damage(lambda content: content[:5 * size] + bytes(3 * size))
        self.assertIn(f"cut at byte {5 * size}, after which there were {3 * size} bytes: ", said)
        self.check(5)

    def test_a_length_that_no_file_has_is_not_believed(self):
        size = len(SMALL)
        said = self.damage(lambda content: content[:9 * size + 8] + b"\x7f\xff\xff\xff" + content[9 * size + 12:])
        self.assertIn(f"cut at byte {9 * size}, ", said)
        self.check(9)


class Segments(FilesTest):
    def setUp(self):
        super().setUp()
        self.start("--segment-mib", "2")

    def test_a_fetch_from_the_middle_begins_with_the_right_batch(self):
        mixed = [kb.batch([b"y" * (n * 37 % 3000)] * (1 + n % 3)) for n in range(3000)]
        bases, sent = [], []
        for batch in mixed:
            error, base = self.peer.produce(self.topic, batch)
            self.assertEqual(error, 0)
            bases.append(base)
            sent.append(stamped(batch, base))
        self.assertGreater(len(self.segments()), 2)
        for again in range(2):
            for number in list(range(0, 3000, 97)) + [2990, 2999]:
                last = bases[number] + number % 3  # within the batch
                records = self.fetch(last, 200_000)
                self.assertTrue(records.startswith(sent[number]), number)
                self.assertLessEqual(len(records), max(200_000, len(sent[number])))
                self.assertEqual(records, b"".join(sent[number:number + sum(1 for _ in batches(records))]))
                self.assertTrue(len(records) > 190_000 or records.endswith(sent[-1]))
                self.assertEqual(self.fetch(last, 1), sent[number])
            self.start("--segment-mib", "2")

    def test_times_are_found_in_files(self):
        for n in range(300):
            self.peer.produce(self.topic, kb.batch([bytes(20_000)] * 2, timestamp=1000 + 10 * (n if n != 150 else 5000), step=5))
        self.assertGreater(len(self.segments()), 2)
        for time_asked, found in ((1000, (1000, 0)), (1005, (1005, 1)), (1996, (2000, 200)), (2486, (2490, 298)),
                                  (2496, (51000, 300)), (51006, (-1, -1)), (-3, (51005, 301))):
            self.assertEqual(self.peer.list_offset(self.topic, time_asked), (0, *found))

    def test_a_waiting_fetch_gets_what_is_written(self):
        for batch in (SMALL, LARGE):
            end = self.range()[1]
            waiting = self.client()
            waiting.send(FETCH, 11, kb.fetch_body(11, self.topic, [(0, end, 1 << 30)], max_wait=25_000))
            waiting.wait_until_read()
            self.peer.produce(self.topic, batch)
            self.assertEqual(kb.fetch_answer(11, waiting.receive())[1][0][3], stamped(batch, end))


class Trimmed(FilesTest):
    """What no longer counts: old segments, deleted records and deleted topics."""

    ask, create_topics, delete_topics, delete_records = (
        TopicsTest.ask, TopicsTest.create_topics, TopicsTest.delete_topics, TopicsTest.delete_records)

    def start(self, *arguments):
        super().start("--segment-mib", "1", *arguments)
        self.one = self.peer

    def test_retention_drops_whole_segments(self):
        self.start()
        self.create_topics([("trimmed", 1, 1, {}, {"retention.bytes": str(3 * MIB)})])
        self.topic = "trimmed"
        part = kb.batch([bytes(99_000)])
        for number in range(100):
            self.assertEqual(self.peer.produce(self.topic, part), (0, number))
            if number > 50:
                size = sum(file.stat().st_size for file in self.segments())
                self.assertGreaterEqual(size, 3 * MIB)
                self.assertLess(size, 4 * MIB + len(part))
        start, end = self.range()
        self.assertEqual((int(self.segments()[0].stem), end), (start, 100))
        self.assertTrue(self.fetch(start).startswith(stamped(part, start)))
        self.assertEqual(self.peer.fetch(self.topic, [(0, start - 1, MIB)])[0][1], 1)
        self.end(signal.SIGKILL)
        self.start()
        self.assertEqual(self.range(), (start, 100))

    def test_deleted_records_stay_deleted(self):
        self.start()
        part = kb.batch([bytes(60_000)] * 5)
        for _ in range(20):
            self.peer.produce(self.topic, part)
        files = len(self.segments())
        for offset in (2, 57, 100):
            self.assertEqual(self.delete_records([(0, offset)], self.topic), [(0, offset, 0)])
            for how in (signal.SIGKILL, signal.SIGTERM):
                self.end(how)
                self.start()
                self.assertEqual(self.range(), (offset, 100))
            self.assertEqual(self.fetch(offset, 1), stamped(part, offset // 5 * 5) if offset < 100 else b"")
        self.assertLess(len(self.segments()), files)
        self.assertEqual(self.peer.produce(self.topic, part), (0, 100))

    def test_files_of_a_deleted_topic_are_removed(self):
        self.start("--partitions", "2")
        for _ in range(2):
            for partition in range(2):
                self.assertEqual(self.peer.produce(self.topic, LARGE, partition), (0, 0))
            waiting = self.client()
            waiting.send(FETCH, 11, kb.fetch_body(11, self.topic, [(0, 1, 1 << 20)], max_wait=25_000))
            self.delete_topics([self.topic])
            self.assertEqual(kb.fetch_answer(11, waiting.receive())[1][0][1], 3)
            self.assertEqual([entry.name for entry in (self.directory / "data").iterdir() if entry.is_dir()], [])
            self.peer.create(self.topic)
            self.assertEqual((self.range(0), self.range(1)), ((0, 0), (0, 0)))


class Memory(FilesTest):
    def test_what_files_have_is_not_in_memory(self):
        self.start("--segment-mib", "16")
        batch = kb.batch([bytes(1000)] * 900)
        for number in range(250):
            self.assertEqual(self.peer.produce(self.topic, batch), (0, 900 * number))
        reader = self.client()
        peak = 0
        for number in range(0, 250, 5):
            reader.fetch(self.topic, [(0, 900 * number, 5_000_000)])
            peak = max(peak, self.broker.status("VmRSS"))
        for number in range(3000):
            self.peer.produce(self.topic, SMALL)
        for number in range(0, 3000, 10):
            reader.fetch(self.topic, [(0, 250 * 900 + number, 1000)])
        if not SANITIZED:
            self.assertLess(max(peak, self.broker.status("VmRSS")), 40 << 10, "kB")
            self.assertLess(self.broker.status("VmHWM"), 64 << 10, "kB")

    def test_many_partitions_take_few_descriptors(self):
        self.start("--partitions", "600")
        for partition in range(600):
            self.assertEqual(self.peer.produce(self.topic, SMALL, partition), (0, 0))
        wait_until(lambda: self.broker.open_files() < 300)  # files are open until they are synced, within a second
        for partition in range(600):
            self.assertEqual(self.peer.produce(self.topic, SMALL, partition), (0, 1))
            self.assertEqual(self.fetch(0, partition=partition), stamped(SMALL, 0) + stamped(SMALL, 1))


if __name__ == "__main__":
    unittest.main(verbosity=2)
