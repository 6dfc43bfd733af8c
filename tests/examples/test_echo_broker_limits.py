#!/usr/bin/env python3
"""What the echo broker bounds: the memory for records, the time that a client may stall, how many are connected, and what
waiting fetches cost.

    KWIRE_BUILD_DIR=build/release python3 tests/examples/test_echo_broker_limits.py
"""

import contextlib
import pathlib
import resource
import socket
import struct
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import kafka_bytes as kb
from echo_broker import *

MIB = 1 << 20
SMALL, LARGE = kb.batch([b"x"]), kb.batch([bytes(1_000_000)])


class Memory(BrokerTest):
    arguments = ("--partitions", "2", "--memory-mib", "16")

    def setUp(self):
        super().setUp()
        self.peer = self.client()
        self.peer.create(self.topic)
        self.before = self.broker.status("VmRSS")

    def assert_grown_less_than(self, mib):
        if not SANITIZED:
            self.assertLess(self.broker.status("VmRSS") - self.before, mib << 10, "kB")

    def range(self, partition):
        return tuple(self.peer.list_offset(self.topic, special, partition)[2] for special in (-2, -1))

    def test_a_small_batch_does_not_keep_a_large_frame(self):
        refused = kb.batch([bytes(1_000_000)], damage=True)
        for number in range(50):
            body = kb.produce_body(7, self.topic, [(0, SMALL), (1, refused)])
            self.assertEqual(kb.produce_answer(7, self.peer.ask(PRODUCE, 7, body)), [(0, 0, number), (1, 2, -1)])
        for number in range(20):
            body = kb.produce_body(9, self.topic, [(1, SMALL)], tag=bytes(10 * MIB))
            self.assertEqual(kb.produce_answer(9, self.peer.ask(PRODUCE, 9, body)), [(1, 0, number)])
        self.assert_grown_less_than(13)  # one frame with its unknown field may still be there
        self.assertEqual((self.range(0), self.range(1)), ((0, 50), (0, 20)))
        (_, _, _, records), = self.peer.fetch(self.topic, [(0, 0, MIB)])
        self.assertEqual(records, b"".join(stamped(SMALL, n) for n in range(50)))
        self.copied = 70 * len(SMALL)

    def test_the_oldest_batches_of_all_partitions_are_dropped_first(self):
        for number in range(60):
            self.assertEqual(self.peer.produce(self.topic, LARGE, number % 2), (0, number // 2))
        self.assert_grown_less_than(22)
        kept = [self.range(p) for p in (0, 1)]
        self.assertEqual([end for _, end in kept], [30, 30])
        self.assertEqual(sum(end - start for start, end in kept), 16)  # 16 MiB
        for partition, (start, _) in enumerate(kept):
            answer = self.peer.fetch(self.topic, [(partition, start, 1 << 30)])
            self.assertEqual(answer[0][3][:len(LARGE)], stamped(LARGE, start))
            self.assertEqual(self.peer.fetch(self.topic, [(partition, start - 1, 1)])[0][1], 1)
        for number in range(20):  # the other partition loses all of its batches, and keeps its offsets
            self.peer.produce(self.topic, LARGE, 1)
        self.assertEqual(self.range(0), (30, 30))
        self.assertEqual(self.peer.fetch(self.topic, [(0, 30, 1)])[0][1:], (0, 30, b""))
        self.assertEqual(self.peer.produce(self.topic, SMALL), (0, 30))
        self.assertEqual(self.range(0), (30, 31))

    def test_what_batches_pin_counts_and_not_only_what_they_hold(self):
        body = kb.produce_body(9, self.topic, [(0, SMALL)], tag=bytes(3900))  # too little to be worth a copy
        for _ in range(100):
            self.peer.socket.sendall(kb.frame(PRODUCE, 9, body) * 100)
            for _ in range(100):
                self.peer.receive(tagged_header=True)
        self.assert_grown_less_than(22)
        start, end = self.range(0)
        self.assertEqual(end, 10_000)
        self.assertIn(end - start, range(3000, 4200))  # 16 MiB of 4 KiB each

    def test_batches_of_one_frame_share_it(self):
        part = kb.batch([bytes(100_000)])
        body = kb.produce_body(7, self.topic, [(number % 2, part) for number in range(10)])
        for _ in range(40):
            self.peer.ask(PRODUCE, 7, body)
        self.assert_grown_less_than(22)
        kept = [self.range(p) for p in (0, 1)]
        self.assertEqual([end for _, end in kept], [200, 200])
        self.assertIn(sum(end - start for start, end in kept), range(145, 168))  # 16 MiB of 100 kB each


class Deadlines(BrokerTest):
    arguments = ("--stall-seconds", "2", "--idle-seconds", "3")

    def assert_logged(self, client, message):
        port = client.socket.getsockname()[1]
        self.wait_until(lambda: f":{port}: " in self.broker.errors())
        self.assertRegex(self.broker.errors(), rf"(?m)^127\.0\.0\.1:{port}: {message}$")

    def test_a_stall_ends_a_connection_and_the_log_says_where(self):
        began = time.monotonic()
        silent, idle, length, frame, reader = (self.client() for _ in range(5))
        idle.api_versions(0)
        length.socket.sendall(b"\0\0")
        frame.api_versions(0)
        frame.socket.sendall(struct.pack(">i", 1000) + bytes(100))
        reader.create(self.topic)
        for _ in range(30):
            reader.produce(self.topic, LARGE)
        reader.send(FETCH, 11, kb.fetch_body(11, self.topic, [(0, 0, 1 << 30)]))
        for client, message in ((length, "closed: it sent 2 of 4 bytes of a length, and none for 2 s"),
                                (frame, "closed: it sent 100 of 1000 bytes of a request, and none for 2 s"),
                                (silent, "closed: no request within 3 s"), (idle, "closed: idle for 3 s"),
                                (reader, r"closed: it took \d+ of 300\d+ bytes of an answer, and none for 2 s")):
            self.assert_logged(client, message)
        for client in (silent, idle, length, frame):
            self.assertTrue(client.is_closed())
        self.assertLess(time.monotonic() - began, PATIENCE)

    def test_a_waiting_fetch_is_not_a_stall(self):
        client = self.client()
        client.create(self.topic)
        began = time.monotonic()
        client.fetch(self.topic, [(0, 0, 1)], max_wait=4500)
        self.assertGreater(time.monotonic() - began, 4)
        self.assertEqual(self.broker.errors(), "")


class SteadyClients(BrokerTest):
    """With room for a test that has to wait for a processor itself, and is not steady then."""

    arguments = ("--stall-seconds", "5", "--idle-seconds", "60")

    def test_a_steady_client_may_take_longer_for_a_frame_and_for_an_answer_than_it_may_stall(self):
        reader = self.client()
        reader.create(self.topic)
        for _ in range(30):
            reader.produce(self.topic, LARGE)
        reader.send(FETCH, 11, kb.fetch_body(11, self.topic, [(0, 0, 1 << 30)]))
        request = kb.frame(METADATA, 1, kb.metadata_body(1, ["x" * 40]))
        sender = self.client()
        sender.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began = time.monotonic()
        size, = struct.unpack(">i", reader.read(4))
        step = len(request) // 8
        for at in range(0, len(request), step):
            time.sleep(0.8)
            sender.socket.sendall(request[at:at + step])
            reader.read(min(size, 4 * MIB))
            size -= min(size, 4 * MIB)
        self.assertGreater(time.monotonic() - began, 6)
        sender.receive()
        reader.read(size)
        self.assertEqual(self.broker.errors(), "")


class Connections(BrokerTest):
    arguments = ("--connections", "3")

    def test_clients_beyond_the_limit_are_turned_away_and_the_log_says_so_without_a_flood(self):
        steady = [self.client() for _ in range(3)]
        for client in steady:
            client.api_versions(0)
        began = time.monotonic()
        for _ in range(50):
            self.assertTrue(self.client().is_closed())
        seconds = time.monotonic() - began
        lines = self.broker.errors().splitlines()
        self.assertEqual(lines[0], "accept: 1 clients turned away: 3 are connected (--connections)")
        self.assertLess(len(lines), seconds + 2)  # one a second
        steady[0].socket.close()
        self.wait_until(lambda: self.broker.open_files() < 12 and self.served_again())

    def served_again(self):
        try:
            return self.client().api_versions(0)[0] == 0
        except (EOFError, ConnectionError):
            return False


class Many(BrokerTest):
    """Many clients at once: what each costs in resident memory."""

    def setUp(self):
        super().setUp()
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        if limits[1] < 4096:
            self.skipTest("too few file descriptors are allowed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (4096, limits[1]))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        self.peer = self.client()
        self.peer.create(self.topic)

    def connect(self, count):
        clients = [self.client() for _ in range(count)]
        self.wait_until(lambda: self.broker.open_files() > count)
        return clients

    def test_1000_clients_that_claim_100_mib_and_send_4_bytes_cost_less_than_32_mib(self):
        before = self.broker.status("VmRSS")
        for client in self.connect(1000):
            client.socket.sendall(struct.pack(">i", 100 << 20))
        self.peer.api_versions(0)
        if not SANITIZED:
            self.assertLess(self.broker.status("VmRSS") - before, 32 << 10, "kB")

    def test_2000_idle_clients_cost_6_kb_each_with_their_sockets_objects_and_coroutines(self):
        before = self.broker.status("VmRSS")
        clients = self.connect(2000)
        for client in clients:
            client.api_versions(0)
        if not SANITIZED:
            self.assertLess(self.broker.status("VmRSS") - before, 2000 * 6, "kB")

    def test_a_client_that_never_reads_costs_what_the_water_mark_allows(self):
        records = kb.batch([bytes(1_000_000)])
        self.peer.produce(self.topic, records)
        before = self.broker.status("VmRSS")
        deaf = self.client()
        body = kb.fetch_body(11, self.topic, [(0, 0, 2_000_000)])
        deaf.socket.setblocking(False)
        try:
            for _ in range(100_000):
                deaf.socket.send(kb.frame(FETCH, 11, body))
        except BlockingIOError:
            pass  # the broker reads no more
        self.peer.api_versions(0)
        if not SANITIZED:
            self.assertLess(self.broker.status("VmRSS") - before, 4 << 10, "kB")


class WaitingFetches(BrokerTest):
    def setUp(self):
        super().setUp()
        self.peer = self.client()
        self.peer.create(self.topic)

    def wait_for(self, client, **options):
        options = {"max_wait": 25_000} | options
        client.send(FETCH, 11, kb.fetch_body(11, self.topic, [(0, 0, 1 << 30)], **options))

    def test_they_end_when_their_clients_leave(self):
        before = self.broker.open_files()
        for leave in (Client.reset, lambda client: client.socket.close()):
            clients = [Client(self.broker) for _ in range(100)]
            for client in clients:
                self.wait_for(client)
            self.wait_until(lambda: self.broker.open_files() == before + 100)
            clients[-1].wait_until_read()
            began = time.monotonic()
            for client in clients:
                leave(client)
            self.wait_until(lambda: self.broker.open_files() == before)
            self.assertLess(time.monotonic() - began, SOON)
        self.assertEqual(self.peer.produce(self.topic, SMALL), (0, 0))

    def test_a_client_that_closes_only_its_sending_side_is_answered_at_once(self):
        client = self.client()
        self.wait_for(client)
        client.wait_until_read()
        began = time.monotonic()
        client.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(kb.fetch_answer(11, client.receive())[1], [(0, 0, 0, b"")])
        self.assertLess(time.monotonic() - began, SOON)
        self.assertTrue(client.is_closed())

    def test_the_next_request_of_the_same_client_does_not_end_them(self):
        client = self.client()
        began = time.monotonic()
        self.wait_for(client, max_wait=1500)
        client.socket.sendall(kb.frame(METADATA, 1, kb.metadata_body(1, [self.topic]), 8))
        client.receive()
        self.assertGreater(time.monotonic() - began, 1)
        client.receive(8)

    def test_appends_that_do_not_complete_them_cost_nothing(self):
        burst = kb.frame(PRODUCE, 7, kb.produce_body(7, self.topic, [(0, SMALL)]))

        def append(count):
            self.peer.socket.sendall(burst * count)
            for _ in range(count):
                self.peer.receive()
        append(3000)
        clients = [self.client() for _ in range(300)]
        for client in clients:
            self.wait_for(client, min_bytes=3300 * len(SMALL))
        for client in clients[::50] + clients[-1:]:
            client.wait_until_read()
        before = self.broker.cpu_seconds()
        append(299)
        self.assertLess(self.broker.cpu_seconds() - before, 2 if SANITIZED else 0.5)  # each read of the log: over 3 s
        append(1)
        for client in clients:
            self.assertEqual(len(kb.fetch_answer(11, client.receive())[1][0][3]), 3300 * len(SMALL))

    def test_a_partition_that_is_named_many_times_wakes_them_once(self):
        client = self.client()
        client.send(FETCH, 11, kb.fetch_body(11, self.topic, [(0, 0, 1 << 20)] * 1000, max_wait=25_000))
        client.wait_until_read()
        self.peer.produce(self.topic, SMALL)
        answer = kb.fetch_answer(11, client.receive())[1]
        self.assertEqual([p[3] for p in answer], [stamped(SMALL, 0)] * 1000)

    def test_they_wait_on_if_the_limits_of_a_partition_keep_the_answer_too_small(self):
        client = self.client()
        client.send(FETCH, 11, kb.fetch_body(11, self.topic, [(0, 0, 100), (1, 0, 1 << 20)], max_wait=25_000,
                                             min_bytes=2 * len(SMALL)))
        for _ in range(5):
            self.peer.produce(self.topic, SMALL)
        client.socket.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            client.receive()
        client.socket.settimeout(PATIENCE)
        self.peer.produce(self.topic, SMALL, 1)
        answer = kb.fetch_answer(11, client.receive())[1]
        self.assertEqual([p[3] for p in answer], [stamped(SMALL, 0)] * 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
