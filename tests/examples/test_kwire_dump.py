#!/usr/bin/env python3
"""kwire-dump on captures of real clients: whole, cut, with segments that are lost, early or twice, and on bytes that are not valid.

    KWIRE_BUILD_DIR=build/release python3 tests/examples/test_kwire_dump.py
"""

import collections
import json
import os
import pathlib
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree

import captures
import kafka_bytes

ROOT = pathlib.Path(__file__).resolve().parents[2]
CAPTURES = ROOT / "tests" / "golden" / "captures"
PROGRAM = pathlib.Path(os.environ["KWIRE_BUILD_DIR"]).resolve() / "examples" / "kwire-dump"
NAMES = ["no-data.pcap", "too-large.pcap", "kcat-idempotent.pcap.gz", "kfake-transactions.pcap.gz"]


def run(*arguments, **more):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, timeout=240, **more)


def shown(path, *arguments):
    """The JSON objects for a capture."""
    done = run(path, "--json", *arguments)
    assert done.returncode == 0, done
    return [json.loads(line) for line in done.stdout.splitlines()]


def key(one):
    """As captures.requests."""
    response = one["response"]["bytes"] if "response" in one else None
    return (int(one["client"].rpartition(":")[2]), one["api_key"], one["version"], one["correlation_id"], one["request"]["bytes"],
            response)


def keys(objects):
    return sorted((key(one) for one in objects), key=lambda one: [-1 if field is None else field for field in one])


class Dump(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.directory.name) / "capture.pcap"
        self.addCleanup(self.directory.cleanup)

    def written(self, packets, *arguments, **form):
        captures.write(self.path, packets, **form)
        return shown(self.path, *arguments)

    def stats(self, packets, **form):
        captures.write(self.path, packets, **form)
        done = run(self.path, "--stats", "--json")
        self.assertEqual(done.returncode, 0)
        counts = json.loads(done.stdout)
        capture = counts["capture"]
        self.assertEqual(capture["framed_bytes"] + capture["skipped_bytes"], capture["kafka_bytes"])
        return counts

    def test_every_frame_is_shown_once_and_every_byte_is_in_one(self):
        for name in NAMES:
            packets = captures.read(CAPTURES / name)
            expected = captures.requests(packets)
            found = self.written(packets)
            self.assertEqual(keys(found), expected, name)
            for one in found:
                self.assertFalse("cut" in one or "not_readable" in one["request"] or "not_readable" in one.get("response", {}), one)

            counts = self.stats(packets)
            capture = counts["capture"]
            payload = sum(len(packet.payload) for packet in packets)
            for member in ("payload_bytes", "kafka_bytes", "framed_bytes"):
                self.assertEqual(capture[member], payload, (name, member))
            answered = sum(one[5] is not None for one in expected)
            self.assertEqual((capture["packets"], capture["requests"], capture["responses"], capture["frames"]),
                             (len(packets), len(expected), answered, len(expected) + answered))
            by_api = collections.Counter(one[1] for one in expected)
            self.assertEqual(sorted(api["requests"] for api in counts["apis"]), sorted(by_api.values()))
            self.assertEqual(sum(api["request_bytes"] + api["response_bytes"] for api in counts["apis"]), payload)

    def test_link_types_IPv6_and_pcapng_change_nothing(self):
        packets = captures.read(CAPTURES / NAMES[2])
        expected = captures.requests(packets)
        for link in captures.LINKS:
            for six in (False, True):
                self.assertEqual(keys(self.written(packets, link=link, six=six)), expected, (link, six))
        self.assertEqual(keys(self.written(packets, pcapng=True)), expected)
        captures.write(self.path, packets, pcapng=True)
        with self.path.open("rb") as stream:
            piped = run("-", "--json", stdin=stream)
        self.assertEqual(keys(map(json.loads, piped.stdout.splitlines())), expected)

    def test_segments_that_come_early_or_twice_change_nothing(self):
        choice = random.Random(1)
        for name in NAMES:
            packets = captures.read(CAPTURES / name)
            expected = captures.requests(packets)
            for _ in range(3):
                moved = []
                for packet in packets:
                    # Split, so that there are more segments; some are sent again.
                    pieces = [packet]
                    if len(packet.payload) > 4 and choice.random() < 0.7:
                        at = choice.randrange(1, len(packet.payload))
                        pieces = [captures.Packet(packet.time, packet.source, packet.target, packet.sequence, packet.acknowledged,
                                                  packet.flags, packet.payload[:at]),
                                  captures.Packet(packet.time, packet.source, packet.target, packet.sequence + at & 0xffffffff,
                                                  packet.acknowledged, packet.flags, packet.payload[at:])]
                        if choice.random() < 0.5:
                            pieces.reverse()
                        if choice.random() < 0.3:
                            pieces.append(packet)
                    moved += pieces
                self.assertEqual(keys(self.written(moved)), expected, name)

    def test_a_snap_length_of_128_hides_bytes_but_no_request(self):
        for name in NAMES:
            packets = captures.read(CAPTURES / name)
            expected = captures.requests(packets)
            for packet in packets:
                packet.cut = 128
            found = self.written(packets)
            # What is shown is what is there: the sizes come from the lengths of the frames.
            self.assertEqual(keys(found), expected, name)
            for one in found:
                both = [one["request"], one.get("response", {"bytes": 0, "captured": 0})]
                self.assertEqual(one.get("cut", False), any(half["captured"] < half["bytes"] for half in both))
                self.assertNotIn("not_readable", one["request"])
                self.assertNotIn("not_readable", one.get("response", {}))
            capture = self.stats(packets)["capture"]
            whole = sum(len(packet.payload) for packet in packets)
            self.assertEqual(capture["kafka_bytes"] + capture["cut_bytes"], whole)

    def test_lost_segments_take_their_own_frames_and_invent_none(self):
        choice = random.Random(2)
        for name in NAMES:
            packets = captures.read(CAPTURES / name)
            expected = captures.requests(packets)
            known = {one[:4] for one in expected}
            data = [i for i, packet in enumerate(packets) if packet.payload]
            for _ in range(12):
                lost = set(choice.sample(data, choice.randrange(1, 4)))
                left = [packet for i, packet in enumerate(packets) if i not in lost]
                found = self.written(left)
                seen = {key(one)[:4] for one in found}
                self.assertEqual(len(seen), len(found))
                self.assertLessEqual(seen, known, name)
                self.assertGreaterEqual(len(seen), len(known) - 2 * len(lost), (name, lost))
                for one in found:
                    if "response" in one:
                        wanted = next(want for want in expected if want[:4] == key(one)[:4])
                        self.assertEqual(one["response"]["bytes"], wanted[5])
                self.stats(left)

    def test_a_capture_may_begin_in_the_middle_of_a_connection(self):
        packets = captures.read(CAPTURES / NAMES[3])
        known = {one[:4] for one in captures.requests(packets)}
        for start in range(0, len(packets), 7):
            seen = {key(one)[:4] for one in self.written(packets[start:])}
            self.assertLessEqual(seen, known, start)
        self.assertGreater(len({key(one)[:4] for one in self.written(packets[len(packets) // 2:])}), 3)

    def test_topics_records_and_errors_are_what_the_clients_saw(self):
        refused, = shown(CAPTURES / "no-data.pcap", "--errors")
        self.assertEqual(refused["errors"], [{"code": 1, "name": "OFFSET_OUT_OF_RANGE", "topic": "orders", "partition": 1}])
        self.assertEqual(refused["topics"], [{"name": "orders", "partitions": [{"partition": 1, "fetchOffset": 5000, "records": 0}]}])
        refused, = shown(CAPTURES / "too-large.pcap", "--errors")
        self.assertEqual((refused["api"], refused["errors"][0]["name"], refused["records"]), ("Produce", "MESSAGE_TOO_LARGE", 1))
        # Fetch v16 has ids of topics alone; their names are in Metadata.
        packets = captures.read(CAPTURES / NAMES[3])
        fetches = self.written(packets, "--api", "fetch")
        self.assertEqual({topic.get("name") for one in fetches for topic in one["topics"]}, {"t1"})
        self.assertEqual(max(one.get("records", 0) for one in fetches), 1001)  # and a control record

    def test_filters_leave_what_they_say(self):
        path = CAPTURES / "too-large.pcap"
        everything = shown(path)
        self.assertEqual(len(shown(path, "--api", "Produce")), sum(one["api"] == "Produce" for one in everything))
        self.assertEqual(len(shown(path, "--api", "0,api_versions")), sum(one["api_key"] in (0, 18) for one in everything))
        self.assertEqual(shown(path, "--topic", "no-such"), [])
        self.assertEqual(len(shown(path, "--topic", "invoices", "-a", "produce")), 2)
        self.assertEqual(len(shown(path, "--client", "printer")), len(everything))
        self.assertEqual(shown(path, "--client", "someone else"), [])
        self.assertEqual(len(shown(path, "--count", "2")), 2)
        self.assertEqual(shown(path, "--slower", "10000"), [])
        self.assertEqual(shown(path, "--port", "1"), [])
        port = everything[0]["broker"].rpartition(":")[2]
        self.assertEqual(len(shown(path, "--port", port)), len(everything))

    def test_hex_shows_every_byte_once(self):
        packets = captures.read(CAPTURES / "no-data.pcap")
        text = run(CAPTURES / "no-data.pcap", "--hex", "--preview", "1000000").stdout.decode()
        shown_bytes = b"".join(bytes.fromhex(row) for row in re.findall(r"^    [0-9a-f]{6}  ((?:[0-9a-f]{2} ?)+)(?:$|  )", text, re.M))
        self.assertEqual(len(shown_bytes), sum(len(frame) for stream in captures.streams(packets).values()
                                               for frame in captures.frames(stream)))
        self.assertIn("fetch_offset = 5000", text)

    def test_the_picture_is_XML_with_a_cell_for_each_byte(self):
        picture = pathlib.Path(self.directory.name) / "picture.svg"
        done = run(CAPTURES / "no-data.pcap", "--errors", "--svg", picture)
        self.assertEqual((done.returncode, done.stdout), (0, b""))
        cells = [one for one in xml.etree.ElementTree.parse(picture).iter() if one.get("class") == "byte"]
        self.assertEqual(len(cells), 94 + 72)

    def test_secrets_are_hidden_until_they_are_asked_for(self):
        token = b"\0alice\0open sesame"
        for version, request in ((0, b"\0\x24\0\0\0\0\0\1\0\2me" + len(token).to_bytes(4, "big") + token),
                                 (2, b"\0\x24\0\2\0\0\0\1\0\2me\0" + bytes([len(token) + 1]) + token + b"\0"),
                                 (2, b"\0\x24\0\2\0\0\0\1\0\2me\0" + bytes([len(token) + 1]) + token + b"\xff\xff\xff\xff\xff")):
            text = request.hex().encode()
            for form in ("--tree", "--hex", "--json"):
                hidden = run("-", form, "--preview", "1000", input=text)
                self.assertIn(b"SaslAuthenticate v%d" % version if form != "--json" else b'"SaslAuthenticate"', hidden.stdout)
                for secret in (b"sesame", b"sesame".hex(" ").encode(), b"b3BlbiBzZXNhbW"):
                    self.assertNotIn(secret, hidden.stdout, (form, version))
        svg = pathlib.Path(self.directory.name) / "picture.svg"
        run("-", "--svg", svg, input=text)
        self.assertNotIn(b"sesame", svg.read_bytes())
        self.assertNotIn(">73</text>", svg.read_text())
        asked = run("-", "--tree", "--secrets", input=b"00240000000000010002" + b"me".hex().encode() +
                    len(token).to_bytes(4, "big").hex().encode() + token.hex().encode())
        self.assertIn(b"sesame".hex().encode(), asked.stdout)

    def test_frames_and_hexadecimal_digits_are_read_too(self):
        packets = captures.read(CAPTURES / NAMES[2])
        ways = captures.streams(packets)
        client = next(way for way in ways if packets[0].source == way[0])
        self.path.write_bytes(ways[client])
        count = len(captures.frames(ways[client]))
        self.assertEqual(len(run(self.path).stdout.splitlines()), count)
        self.assertEqual(len(run("-", "-i", "hex", input=ways[client].hex(" ").encode()).stdout.splitlines()), count)
        response = captures.frames(ways[client[::-1]])[1]
        done = run("-", "--response-to", "api_versions:0", "--tree", input=response.hex().encode())
        self.assertIn(b"min_version:", done.stdout)

    def test_a_request_for_offsets_says_which(self):
        asked = {-1: "latest", -2: "earliest", -3: "max-timestamp", -4: "earliest-local", -5: "latest-tiered",
                 -6: "earliest-pending-upload", -7: "time -7", 1500: "since 1970-01-01T00:00:01.500000Z",
                 (1 << 63) - 1: f"time {(1 << 63) - 1}"}
        for version in (0, 1, 5, 11):
            body = kafka_bytes.list_offsets_body(version, "orders", list(enumerate(asked)))
            frames = kafka_bytes.frame(2, version, body)
            line = run("-", "-i", "hex", input=frames.hex().encode()).stdout.decode()
            self.assertIn("orders[" + ",".join(f"{i} {name}" for i, name in enumerate(asked.values())) + "]", line)
            tree = run("-", "-i", "hex", "--tree", input=frames.hex().encode()).stdout.decode()
            self.assertIn("timestamp: -3 max-timestamp\n", tree)
            self.assertIn("timestamp: 1500\n", tree)
        # The timestamp of an answer is that of a record.
        tree = run(CAPTURES / "no-data.pcap", "--api", "list_offsets", "--tree").stdout.decode()
        self.assertEqual(re.findall(r"timestamp: (.*)", tree), ["-1 latest", "-1"])

    def test_the_end_of_a_transaction_says_which(self):
        captures.write(self.path, captures.read(CAPTURES / NAMES[3]))
        lines = run(self.path, "--api", "end_txn").stdout.decode().splitlines()
        self.assertGreater(len(lines), 0)
        for line in lines:
            self.assertRegex(line, r"EndTxn v1 +commit ")
        for committed, says in ((0, " abort\n"), (1, " commit\n")):
            frame = kafka_bytes.frame(26, 1, struct.pack(">h2sqh?", 2, b"tx", 7, 0, committed))
            line = run("-", "-i", "hex", input=frame.hex().encode()).stdout.decode()
            self.assertTrue(line.endswith(says), line)

    def test_one_is_singular(self):
        for form in ("--records", "--hex", "--tree"):
            text = run(CAPTURES / NAMES[1], form, "--preview", "0").stdout.decode()
            self.assertEqual(re.findall(r"(?<![\d.])1 (?:records|elements)\b", text), [])
            self.assertTrue("1 record," in text or "1 record\n" in text or " 1 record " in text, form)
        self.assertIn(": 1 record, magic 2", run(CAPTURES / NAMES[1], "--records").stdout.decode())

    def test_colours_are_for_terminals(self):
        path = CAPTURES / "too-large.pcap"
        self.assertNotIn(b"\x1b", run(path, "--tree").stdout)
        self.assertIn(b"\x1b[", run(path, "--color", "always").stdout)
        self.assertEqual(re.sub(rb"\x1b\[\d*m", b"", run(path, "--tree", "--color", "always").stdout), run(path, "--tree").stdout)

    def test_exit_codes_and_messages_say_what_is_wrong(self):
        def outcome(*arguments, **more):
            done = run(*arguments, **more)
            return done.returncode, done.stderr.decode()

        for arguments, text in (((), "file is required"), (("x", "--no-such"), "no-such"), (("no such file",), "No such file"),
                                ((ROOT,), "directory"), (("x", "--api", "fetsh"), 'no API "fetsh"'),
                                (("x", "--api", "topics"), "CreateTopics"), (("x", "--stats", "--tree"), "exclude each other"),
                                (("-",), "empty")):
            code, message = outcome(*arguments, stdin=subprocess.DEVNULL)
            self.assertEqual(code, 2, arguments)
            self.assertIn(text, message)
        self.assertIn("compressed", outcome("-", input=b"\x1f\x8b\x08")[1])
        self.assertIn("not a capture", outcome("-", input=b"\xff\xff")[1])
        whole = (CAPTURES / "too-large.pcap").read_bytes()
        done = run("-", input=whole[:-5])
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"truncated", done.stderr)
        self.assertGreater(len(done.stdout.splitlines()), 2)
        self.assertIn("Kafka request", outcome("-", input=whole[:24])[1])
        self.assertEqual(run("--help").returncode, 0)

    def test_a_capture_is_followed_while_it_grows(self):
        whole = (CAPTURES / "too-large.pcap").read_bytes()
        self.path.write_bytes(whole[:2500])
        with subprocess.Popen([PROGRAM, self.path, "--follow"], stdout=subprocess.PIPE) as program:
            try:
                first = program.stdout.readline()
                with self.path.open("ab") as more:
                    more.write(whole[2500:])
                lines = [first]
                while lines[-1] and b"MESSAGE_TOO_LARGE" not in lines[-1]:
                    lines.append(program.stdout.readline())
            finally:
                program.send_signal(signal.SIGINT)
            self.assertEqual(program.wait(240), 0)
        self.assertEqual(len(lines), len(captures.requests(captures.read(CAPTURES / "too-large.pcap"))))

    def test_a_live_capture_in_a_pipe_is_shown_line_by_line(self):
        whole = (CAPTURES / "too-large.pcap").read_bytes()
        with subprocess.Popen([PROGRAM, "--follow", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
            program.stdin.write(whole[:2500])
            program.stdin.flush()
            self.assertIn(b"ApiVersions", program.stdout.readline())  # while the pipe is open
            rest, _ = program.communicate(whole[2500:], timeout=240)
            self.assertIn(b"MESSAGE_TOO_LARGE", rest)
            self.assertEqual(program.returncode, 0)

    def test_records_are_shown_with_their_place_and_the_beginning_of_their_values(self):
        text = run(CAPTURES / "too-large.pcap", "--api", "produce", "--records", "--preview", "4").stdout.decode()
        self.assertRegex(text, r"(?m)^    batch at offset 0: 1 records?, magic 2, none, 74 bytes$")
        self.assertIn(' key "1" value "smal', text)
        self.assertRegex(text, r' key "2" value 0xb921c48c…\(3000 bytes\)\n')
        captures.write(self.path, captures.read(CAPTURES / NAMES[3]))
        lines = run(self.path, "--api", "fetch", "--records").stdout.decode()
        self.assertEqual(len(re.findall(r"^      \d+ ", lines, re.M)),
                         sum(one.get("records", 0) for one in shown(self.path, "--api", "fetch")))

    def test_it_is_installed_as_a_component(self):
        subprocess.run(["cmake", "--install", PROGRAM.parents[1], "--component", "tools", "--prefix", self.directory.name], check=True,
                       capture_output=True)
        files = [path.name for path in pathlib.Path(self.directory.name).rglob("*") if path.is_file()]
        self.assertEqual(files, ["kwire-dump"])

    def test_bytes_that_are_not_valid_never_crash_it(self):
        choice = random.Random(3)
        sources = [(CAPTURES / name).read_bytes() for name in NAMES[:2]]
        begin = time.monotonic()
        for i in range(60):
            data = bytearray(choice.choice(sources))
            for _ in range(choice.choice((1, 10, 100))):
                at = choice.randrange(len(data)) if i % 3 else choice.randrange(24, len(data))
                data[at] = choice.randrange(256)
            if choice.random() < 0.2:
                del data[choice.randrange(len(data)):]
            form = choice.choice((["--tree", "--hex", "--records"], ["--json"], ["--stats"], []))
            done = run("-", "-i", "pcap", *form, input=bytes(data))
            self.assertIn(done.returncode, (0, 1, 2), done)
            if time.monotonic() - begin > 20:
                break

    @unittest.skipUnless(shutil.which("tshark"), "tshark is not installed")
    def test_tshark_agrees_where_it_knows_the_version(self):
        for name in ("no-data.pcap", "too-large.pcap"):
            port = shown(CAPTURES / name)[0]["broker"].rpartition(":")[2]
            fields = ["kafka.api_key", "kafka.api_version", "kafka.correlation_id", "kafka.topic_name", "kafka.error",
                      "kafka.partition_id"]
            done = subprocess.run(["tshark", "-r", CAPTURES / name, "-d", f"tcp.port=={port},kafka", "-Y", "kafka", "-T", "json",
                                   *(word for field in fields for word in ("-e", field))],
                                  capture_output=True, check=True)
            theirs = collections.defaultdict(lambda: ([], [], []))
            for packet in json.loads(done.stdout):
                layers = packet["_source"]["layers"]
                for number in layers["kafka.correlation_id"]:
                    for to, field in zip(theirs[number], fields[3:]):
                        to += layers.get(field, [])
            compared = 0
            for one in shown(CAPTURES / name):
                if one["api"] not in ("Produce", "Fetch") or one["outcome"] != "answered":
                    continue
                topics, errors, partitions = theirs[str(one["correlation_id"])]
                self.assertLessEqual({topic["name"] for topic in one["topics"]}, set(topics))
                self.assertLessEqual({str(part["partition"]) for topic in one["topics"] for part in topic["partitions"]}, set(partitions))
                self.assertLessEqual({str(error["code"]) for error in one["errors"]}, set(errors))
                compared += 1
            self.assertGreaterEqual(compared, 2)

    @unittest.skipUnless(shutil.which("tshark"), "tshark is not installed")
    def test_tshark_counts_the_same_records(self):
        compared = 0
        for name in NAMES:
            captures.write(self.path, captures.read(CAPTURES / name))
            found = shown(self.path)
            port = found[0]["broker"].rpartition(":")[2]
            fields = ["kafka.correlation_id", "tcp.srcport", "tcp.dstport", "kafka.record_attributes"]
            done = subprocess.run(["tshark", "-r", self.path, "-d", f"tcp.port=={port},kafka", "-Y", "kafka.batch_codec", "-T", "json",
                                   *(word for field in fields for word in ("-e", field))], capture_output=True, check=True)
            ours = {(one["client"].rpartition(":")[2], str(one["correlation_id"])): one for one in found}
            for packet in json.loads(done.stdout):
                layers = packet["_source"]["layers"]
                ids = set(layers["kafka.correlation_id"])
                if len(ids) != 1:
                    continue  # several messages in one packet
                source, target = layers["tcp.srcport"][0], layers["tcp.dstport"][0]
                one = ours[source if target == port else target, ids.pop()]
                self.assertEqual(one["records"], len(layers.get("kafka.record_attributes", [])), (name, one["api"]))
                compared += 1
        self.assertGreaterEqual(compared, 3)


class Page(unittest.TestCase):
    def test_the_page_shows_what_the_program_prints(self):
        page = (ROOT / "docs" / "kwire-dump.md").read_text()
        blocks = re.findall(r"```console\n(.*?)```", page, re.S)
        checked = 0
        for block in blocks:
            for command, expected in re.findall(r"^\$ kwire-dump (.*)\n((?:(?!\$ ).*\n)*)", block, re.M):
                done = run(*command.split(), cwd=CAPTURES)
                self.assertEqual(done.stdout.decode(), expected, command)
                checked += 1
        self.assertGreaterEqual(checked, 6)


if __name__ == "__main__":
    unittest.main()
