#!/usr/bin/env python3
"""kwire-convert, compared with what Kafka's own classes wrote and read: every message at every version, in all directions.

    KWIRE_BUILD_DIR=build/release python3 tests/examples/test_kwire_convert.py
"""

import gzip
import json
import os
import pathlib
import subprocess
import sys
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
PROGRAM = pathlib.Path(os.environ["KWIRE_BUILD_DIR"]) / "examples" / "kwire-convert"
sys.path.insert(0, str(ROOT / "schema"))

import model  # noqa: E402


def crc32c(data):
    """The checksum of batches, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


class Number(str):
    """A number as its text."""


def exact(text):
    """JSON with numbers as their text and objects as lists of pairs, so that a comparison misses nothing."""
    return json.loads(text, object_pairs_hook=lambda pairs: ["object", *pairs], parse_int=Number, parse_float=Number)


def member(line, key):
    """The text of the object that is the value of `key` in the line."""
    start = line.index(f'"{key}":') + len(key) + 3
    return line[start:start + json.JSONDecoder().raw_decode(line[start:])[1]]


def ask(questions):
    """The answers as text, one for each question."""
    program = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")

    def feed():
        with program.stdin:
            program.stdin.write("".join(question + "\n" for question in questions))

    feeder = threading.Thread(target=feed)
    feeder.start()
    with program.stdout:
        answers = program.stdout.read().split("\n")
    feeder.join()
    assert program.wait() == 0 and answers.pop() == ""
    assert len(answers) == len(questions)
    return answers


def lines_of(name):
    with gzip.open(GOLDEN / name, "rt", encoding="utf-8") as file:
        return file.read().splitlines()


def counts():
    """{kind of line: number of lines}, from counts.txt."""
    lines = [line.split(" ", 1) for line in (GOLDEN / "counts.txt").read_text().splitlines() if not line.startswith("#")]
    return {kind: int(count) for count, kind in lines}


COUNTS = counts()


class Golden(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.texts = lines_of("messages.jsonl.gz")
        cls.lines = [json.loads(text) for text in cls.texts]

    def question(self, line, **more):
        return json.dumps({"message": line["message"], "version": line["version"], **more})

    def fail_with(self, wrong):
        self.assertEqual([f"{line['message']} v{line['version']} {line['sample']}: {what}" for line, what in wrong[:20]],
                         [], f"{len(wrong)} lines")

    def test_the_schema_and_the_golden_file_have_the_same_messages_and_versions(self):
        of_schema = {(message.name, version) for group in model.load_directory(ROOT / "schema" / "messages").values()
                     for message in group for version in message.version_numbers()}
        of_golden = {(line["message"], line["version"]) for line in self.lines if "json" in line}
        self.assertEqual(sorted(of_schema - of_golden), [], "without golden lines: python3 tests/oracle/run.py golden")
        self.assertEqual(sorted(of_golden - of_schema), [], "no longer in the schema: python3 tests/oracle/run.py golden")

    def test_bytes_become_kafkas_json_and_the_same_bytes_by_view_and_by_data(self):
        good = [(text, line) for text, line in zip(self.texts, self.lines) if "json" in line]
        wrong = []
        for (text, line), said in zip(good, ask([self.question(line, hex=line["hex"]) for _, line in good])):
            answer = json.loads(said)
            if "error" in answer:
                wrong.append((line, answer))
                continue
            if exact(member(said, "json")) != exact(member(text, "json")):
                wrong.append((line, f"{member(said, 'json')} instead of {member(text, 'json')}"))
            for key, expected in (("hex", line["hex"]), ("data_hex", line["hex"]), ("size", len(line["hex"]) // 2)):
                if answer[key] != expected:
                    wrong.append((line, f"{key}: {answer[key]} instead of {expected}"))
        self.fail_with(wrong)
        self.assertEqual(len(good), COUNTS["messages, values"])

    def test_json_becomes_the_same_bytes(self):
        good = [(text, line) for text, line in zip(self.texts, self.lines)
                if "json" in line and not line.get("unknown_tags")]
        questions = [f'{{"message":"{line["message"]}","version":{line["version"]},"json":{member(text, "json")}}}'
                     for text, line in good]
        wrong = [(line, answer) for (_, line), answer in zip(good, map(json.loads, ask(questions)))
                 if answer != {"hex": line["hex"], "size": len(line["hex"]) // 2}]
        self.fail_with(wrong)

    def test_what_kafka_refuses_is_refused_with_an_offset_and_a_path(self):
        bad = [line for line in self.lines if "json" not in line]
        wrong = []
        for line, answer in zip(bad, map(json.loads, ask([self.question(line, hex=line["hex"]) for line in bad]))):
            error = answer.get("error")
            if error is None or set(error) != {"code", "offset", "path", "text"} or error["offset"] > len(line["hex"]) // 2:
                wrong.append((line, answer))
        self.fail_with(wrong)
        self.assertEqual(len(bad), COUNTS["messages, refused"])

    def test_another_version_is_written_as_kafka_writes_it(self):
        lines = [json.loads(text) for text in lines_of("transcode.jsonl.gz")]
        questions = [json.dumps({"message": line["message"], "version": line["from"], "hex": line["hex"], "to": line["to"], "by_schema": True})
                     for line in lines]
        wrong = []
        for line, answer in zip(lines, map(json.loads, ask(questions))):
            line["version"] = f"{line['from']} -> v{line['to']}"
            if line.get("expect_error"):
                if answer.get("error", {}).get("code") not in ("field_not_in_version", "null_not_allowed"):
                    wrong.append((line, f"{answer} instead of {line['error']}"))
            elif answer != {"hex": line["expect_hex"]}:
                wrong.append((line, f"{answer} instead of {line['expect_hex']}"))
        self.fail_with(wrong)
        self.assertEqual(len(lines), COUNTS["transcodings"])


# Sets that Kafka accepts and kwire refuses; docs/records.md gives the reasons.
STRICTER_THAN_KAFKA = {
    "lenient-count-less-0": "trailing_bytes",
    "lenient-key-length-minus-2": "bad_length",
    "lenient-value-length-minus-2": "bad_length",
    "lenient-header-value-minus-2": "bad_length",
    "lenient-v1-key-length--2": "bad_length",
    "lenient-v0-key-length--2": "bad_length",
}


class Records(unittest.TestCase):
    """Record sets, compared with Kafka's own record classes."""

    @classmethod
    def setUpClass(cls):
        cls.texts = lines_of("records.jsonl.gz")
        cls.lines = [json.loads(text) for text in cls.texts]

    def answers_to(self, chosen, **more):
        """The answer to each line for which `chosen(line)`, as (text of the line, line, text, answer)."""
        asked = [(text, line) for text, line in zip(self.texts, self.lines) if chosen(line)]
        said = ask([json.dumps({"records": line["hex"], **more}) for _, line in asked])
        return [(text, line, answer, json.loads(answer)) for (text, line), answer in zip(asked, said)]

    def assert_shown(self, text, said):
        """Both texts have equal batches and tails, to the digit and in the same order."""
        known = dict(exact(text)[1:])
        self.assertEqual(exact(said)[1:], [(key, known[key]) for key in ("batches", "truncated_tail")])

    def test_valid_sets_are_shown_as_kafka_reads_them(self):
        found = self.answers_to(lambda line: "batches" in line and "lenient" not in line)
        self.assertEqual(len(found), COUNTS["record sets, valid"])
        for text, line, said, answer in found:
            with self.subTest(line["sample"]):
                self.assertEqual(list(answer), ["batches", "truncated_tail"])
                self.assert_shown(text, said)

    def test_refused_sets_are_refused_with_an_offset(self):
        found = self.answers_to(lambda line: "reject" in line)
        self.assertEqual(len(found), COUNTS["record sets, refused"])
        for _, line, _, answer in found:
            with self.subTest(line["sample"]):
                if line["reject"] == "crc":
                    self.assertNotIn("error", answer)
                    self.assertIn(False, [batch["crc_valid"] for batch in answer["batches"]])
                    continue
                error = answer.get("error") or answer["batches"][-1]["error"]
                self.assertEqual(set(error), {"code", "offset", "path", "text"})
                self.assertLessEqual(error["offset"], len(line["hex"]) // 2)
                self.assertTrue(error["path"].startswith("batches["))

    def test_odd_sets_that_kafka_accepts_are_shown_alike_or_listed_here(self):
        found = self.answers_to(lambda line: "lenient" in line)
        self.assertEqual(len(found), COUNTS["record sets, lenient"])
        self.assertLess(set(STRICTER_THAN_KAFKA), {line["sample"] for _, line, _, _ in found})
        documented = (ROOT / "docs" / "records.md").read_text(encoding="utf-8")
        for text, line, said, answer in found:
            with self.subTest(line["sample"]):
                if line["sample"] in STRICTER_THAN_KAFKA:
                    self.assertEqual(answer["error"]["code"], STRICTER_THAN_KAFKA[line["sample"]])
                    self.assertIn(f"`{line['sample']}`", documented)
                else:
                    self.assert_shown(text, said)

    def test_odd_sets_that_kafka_accepts_are_shown_alike_if_asked_leniently(self):
        for text, line, said, _ in self.answers_to(lambda line: "lenient" in line, lenient=True):
            with self.subTest(line["sample"]):
                self.assert_shown(text, said)

    def test_patches_give_kafkas_bytes(self):
        lines = [line for line in self.lines if "patch" in line]
        self.assertEqual(len(lines), COUNTS["record sets, changed"])
        said = ask([json.dumps({"records": line["hex"], "patch": line["patch"]}) for line in lines])
        for line, answer in zip(lines, map(json.loads, said)):
            with self.subTest(line["sample"]):
                self.assertEqual(answer, {"records": line["expect_hex"]})

    def sample(self, name):
        [line] = [line for line in self.lines if line["sample"] == name]
        return line

    def test_a_defect_after_valid_batches_is_reported_in_the_place_of_its_batch(self):
        good = self.sample("v2-none-create-plain-2")
        for bad, path in (("length-13", "batches[1].batch_length"), ("header-key-null", "batches[1].records[0].headers[0].name"),
                          ("count-2-of-3-zstd", "batches[1].decompressed")):
            with self.subTest(bad):
                hex_ = good["hex"] + self.sample(bad)["hex"]
                answer = json.loads(ask([json.dumps({"records": hex_})])[0])
                self.assertEqual(answer["batches"][0], good["batches"][0])
                [error] = [batch["error"] for batch in answer["batches"][1:]]
                self.assertEqual(error["path"], path)
                self.assertGreaterEqual(error["offset"], len(good["hex"]) // 2)
                self.assertLess(error["offset"], len(hex_) // 2)

    def test_an_error_in_a_control_record_has_the_offset_of_what_is_wrong(self):
        marker = bytes.fromhex(
            "00000000000000070000004200000002022f182b2700300000000000000000000003e800000000000003e8000000000000002a0003ffffffff"
            "000000012000000008000000010c00000000000900")
        key, value = 66, 71
        for at, path in ((key, "batches[1].records[0].key"), (value, "batches[1].records[0].value")):
            with self.subTest(path):
                damaged = bytearray(marker)
                damaged[at:at + 2] = b"\xff\xff"  # its version
                damaged[17:21] = crc32c(damaged[21:]).to_bytes(4, "big")
                batches = json.loads(ask([json.dumps({"records": (marker + damaged).hex()})])[0])["batches"]
                self.assertNotIn("error", batches[0])
                error = batches[1]["error"]
                self.assertTrue(error["path"].startswith(path), error)
                self.assertEqual(error["offset"], len(marker) + at)

    def test_a_wrong_checksum_does_not_hide_what_can_be_read(self):
        good = self.sample("v2-none-create-plain-17")
        cut = bytearray.fromhex(good["hex"])
        cut[-1] ^= 1  # in the last record
        [batch] = json.loads(ask([json.dumps({"records": cut.hex()})])[0])["batches"]
        self.assertFalse(batch["crc_valid"])
        self.assertGreaterEqual(len(batch["records"]), 16)
        self.assertEqual(batch["records"][:16], good["batches"][0]["records"][:16])

    def test_a_damaged_count_does_not_hide_the_records(self):
        for sample in ("v2-none-create-plain-17", "v2-zstd-create-plain-17", "v2-gzip-append-transactional-2"):
            good = self.sample(sample)
            [known] = good["batches"]
            for count, shown in ((known["count"] + 1, known["count"]), (0x7FFFFFFF, known["count"]), (1, 1), (0, 0), (-1, 0)):
                with self.subTest(sample, count=count):
                    damaged = bytearray.fromhex(good["hex"])
                    damaged[57:61] = (count & 0xFFFFFFFF).to_bytes(4, "big")
                    [batch] = json.loads(ask([json.dumps({"records": damaged.hex()})])[0])["batches"]
                    self.assertFalse(batch["crc_valid"])
                    self.assertEqual(batch["count"], count)
                    self.assertEqual(batch["records"], known["records"][:shown])

    def test_a_damaged_record_ends_the_shown_records_whatever_the_count_is(self):
        good = self.sample("v2-none-create-plain-17")
        [known] = good["batches"]
        damaged = bytearray.fromhex(good["hex"])
        damaged[57:61] = (1 << 30).to_bytes(4, "big")
        damaged = damaged[:-3]
        damaged[8:12] = (len(damaged) - 12).to_bytes(4, "big")
        [batch] = json.loads(ask([json.dumps({"records": damaged.hex()})])[0])["batches"]
        self.assertEqual(batch["records"], known["records"][:16])

    def test_a_defect_after_a_batch_with_a_wrong_checksum_is_the_answer(self):
        wrong = bytearray.fromhex(self.sample("v2-none-create-plain-2")["hex"])
        wrong[17] ^= 1
        for bad, path in (("length-13", "batches[1].batch_length"), ("header-key-null", "batches[1].records[0].headers[0].name")):
            with self.subTest(bad):
                answer = json.loads(ask([json.dumps({"records": wrong.hex() + self.sample(bad)["hex"]})])[0])
                self.assertEqual(list(answer), ["error"])
                self.assertEqual(answer["error"]["path"], path)

    def test_the_batches_of_a_line_share_one_limit_for_decompressed_bytes(self):
        zeros = gzip.compress(bytes(40 << 20), 9)
        header = bytearray(61)  # its record count is 0
        header[8:12] = (49 + len(zeros)).to_bytes(4, "big")
        header[16], header[22] = 2, 1
        wrong = bytes(header) + zeros
        header[17:21] = crc32c(wrong[21:]).to_bytes(4, "big")
        sound = bytes(header) + zeros
        answers = ask([json.dumps({"records": set_.hex()}) for set_ in (wrong, sound, wrong + sound)])
        alone, trailing, both = map(json.loads, answers)
        self.assertEqual(alone["batches"][0]["records"], [])
        self.assertEqual(trailing["error"]["code"], "trailing_bytes")
        self.assertEqual(both["error"]["code"], "decompressed_too_large")

    def test_patches_of_the_timestamp_or_of_its_type_leave_the_other_unchanged(self):
        for sample, offset_of_time, offset_of_attributes in (("v2-none-create-plain-2", 35, 22), ("v1-gzip-create-2", 18, 17)):
            before = bytes.fromhex(self.sample(sample)["hex"])
            for patch in ({"timestamp_type": "log_append_time"}, {"max_timestamp": 77}, {}):
                with self.subTest(sample, patch=patch):
                    answer = json.loads(ask([json.dumps({"records": before.hex(), "patch": patch})])[0])
                    after = bytes.fromhex(answer["records"])
                    expected = bytearray(before)
                    if "timestamp_type" in patch:
                        expected[offset_of_attributes] |= 8
                    if "max_timestamp" in patch:
                        expected[offset_of_time:offset_of_time + 8] = (77).to_bytes(8, "big")
                    crc = slice(17, 21) if before[16] == 2 else slice(12, 16)
                    expected[crc] = after[crc]
                    self.assertEqual(after, bytes(expected))
                    shown = json.loads(ask([json.dumps({"records": after.hex()})])[0])["batches"][0]
                    self.assertTrue(shown["crc_valid"])

    def test_invalid_patches_are_refused_and_name_the_member(self):
        message_v0, message_v1 = self.sample("v0-none-1")["hex"], self.sample("v1-none-create-1")["hex"]
        batch = self.sample("v2-none-create-plain-1")["hex"]
        cases = [
            (batch, {"attributes": 1}, "patch"), (batch, {"base_offset": "1"}, "patch.base_offset"),
            (batch, {"base_offset": 1.5}, "patch.base_offset"), (batch, {"base_offset": 1 << 63}, "patch.base_offset"),
            (batch, {"partition_leader_epoch": 1 << 31}, "patch.partition_leader_epoch"),
            (batch, {"producer_epoch": 40000}, "patch.producer_epoch"), (batch, {"base_sequence": None}, "patch.base_sequence"),
            (batch, {"producer_id": -(1 << 63) - 1}, "patch.producer_id"), (batch, {"max_timestamp": []}, "patch.max_timestamp"),
            (batch, {"timestamp_type": "none"}, "patch.timestamp_type"), (batch, {"timestamp_type": 1}, "patch.timestamp_type"),
            (batch, [], "patch"), (batch, None, "patch"), ("", {"base_offset": 1}, ""), (batch[:-2], {"base_offset": 1}, ""),
            (message_v0, {"max_timestamp": 1}, "max_timestamp"), (message_v0, {"timestamp_type": "create_time"}, "timestamp_type"),
            (message_v1, {"producer_id": 1}, "producer_id"), (message_v1, {"partition_leader_epoch": 1}, "partition_leader_epoch"),
        ]
        for (_, patch, path), answer in zip(cases, ask([json.dumps({"records": hex_, "patch": patch}) for hex_, patch, _ in cases])):
            with self.subTest(patch):
                self.assertEqual(json.loads(answer)["error"]["path"], path)

    def test_invalid_lines_are_answered_with_an_error(self):
        for question in ('{"records":1}', '{"records":null}', '{"records":"0"}', '{"records":"zz"}', '{"records":[],"patch":{}}'):
            with self.subTest(question):
                self.assertEqual(json.loads(ask([question])[0])["error"]["path"], "records")


class Tool(unittest.TestCase):
    """What scripts rely on in addition to the conversions."""

    def error_of(self, question):
        [answer] = ask([question])
        return json.loads(answer)["error"]

    def test_an_error_has_code_offset_and_path(self):
        body = "ffff" + "0001" + "0000"  # no transactional id, acks, half a timeout
        error = self.error_of(json.dumps({"message": "ProduceRequest", "version": 3, "hex": body}))
        self.assertEqual((error["code"], error["offset"], error["path"]), ("truncated", 4, "timeout_ms"))
        self.assertIn("ProduceRequest v3", error["text"])

    def test_invalid_lines_are_answered_and_the_next_line_is_served(self):
        good = json.dumps({"message": "ApiVersionsRequest", "version": 0, "hex": ""})
        nonsense = ["", "{", "[]", "null", "{}", '{"message":1}', '{"message":"NoSuchMessage","version":0,"hex":""}',
                    '{"message":"ApiVersionsRequest","version":0}', '{"message":"ApiVersionsRequest","version":"0","hex":""}',
                    '{"message":"ApiVersionsRequest","version":99,"hex":""}', '{"message":"ApiVersionsRequest","version":-1,"hex":""}',
                    '{"message":"ApiVersionsRequest","version":40000,"hex":""}',
                    '{"message":"ApiVersionsRequest","version":0,"hex":"0"}', '{"message":"ApiVersionsRequest","version":0,"hex":"zz"}',
                    '{"message":"ApiVersionsRequest","version":0,"hex":"","to":9}',
                    '{"message":"ApiVersionsRequest","version":0,"json":[]}',
                    '{"message":"ApiVersionsRequest","version":0,"json":{"clientSoftwareName":"x"}}',
                    '{"message":"ApiVersionsRequest","version":3,"json":{"clientSoftwareName":"x"}}',
                    '{"message":"ApiVersionsRequest","version":3,"json":{"clientSoftwareName":1,"clientSoftwareVersion":""}}',
                    "[" * 1000]
        answers = ask([line for bad in nonsense for line in (bad, good)])
        for line, answer in zip(nonsense, answers[::2]):
            self.assertEqual(list(json.loads(answer)), ["error"], line)
        self.assertEqual({answer for answer in answers[1::2]}, {'{"json":{},"hex":"","data_hex":"","size":0}'})

    def test_an_answer_is_written_while_the_input_stays_open(self):
        question = json.dumps({"message": "ApiVersionsRequest", "version": 0, "hex": ""})
        with subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
            for half in (question[:10], question[10:] + "\n" + question[:5]):
                program.stdin.write(half)
                program.stdin.flush()
            self.assertIn('"size":0', program.stdout.readline())
            program.stdin.write(question[5:])
            program.stdin.close()
            self.assertIn('"size":0', program.stdout.readline())
            self.assertEqual(program.wait(timeout=240), 0)

    def test_bytes_after_the_body_are_accepted_leniently(self):
        question = {"message": "ApiVersionsRequest", "version": 0, "hex": "00ff"}
        self.assertEqual(self.error_of(json.dumps(question))["code"], "trailing_bytes")
        [answer] = ask([json.dumps({**question, "lenient": True})])
        self.assertEqual(json.loads(answer), {"json": {}, "hex": "00ff", "data_hex": "", "size": 2})

    def test_odd_bytes_are_accepted_leniently_and_data_hex_is_in_correct_form(self):
        epoch = "01080000000000000007"
        for message, version, odd, sound in [
                ("SyncGroupResponse", 0, "0000ffffffff", "000000000000"),  # null where the field is not nullable
                ("SyncGroupResponse", 4, "0000000000000000", "0000000000000100"),
                ("FindCoordinatorRequest", 4, "0004026100026200", "0004026101026200"),
                ("MetadataRequest", 1, "fffffffe", "ffffffff"),  # below -1
                ("MetadataRequest", 12, "ffffffff0f010000", "00010000"),
                ("ApiVersionsResponse", 3, "0000010000000002" + "0901aa" + epoch, "0000010000000002" + epoch + "0901aa"),
                ("ApiVersionsResponse", 3, "0000010000000002" + "01080000000000000008" + epoch, "0000010000000001" + epoch),
                ("ApiVersionsResponse", 3, "0000010000000003" + "0901aa" + "0501bb" + "0501cc",
                 "0000010000000002" + "0501cc" + "0901aa"),
                ("ApiVersionsResponse", 3, "0000010000000001" + "017f0000000000000007", "0000010000000001" + epoch),
                ("FetchRequest", 12, "ffffffff" + "00" * 12 + "00" + "00" * 8 + "010101" + "010102c0de",
                 "ffffffff" + "00" * 12 + "00" + "00" * 8 + "010101" + "010102c0de")]:
            question = {"message": message, "version": version, "hex": odd + "0a0b"}
            with self.subTest(question):
                self.error_of(json.dumps(question))
                self.error_of(json.dumps({**question, "hex": odd}))
                [answer] = map(json.loads, ask([json.dumps({**question, "lenient": True})]))
                self.assertEqual((answer["hex"], answer["data_hex"], answer["size"]), (odd + "0a0b", sound, len(odd) // 2 + 2))
                if message != "FetchRequest":
                    [same] = map(json.loads, ask([json.dumps({**question, "hex": sound})]))
                    self.assertEqual(answer["json"], same["json"])


if __name__ == "__main__":
    unittest.main()
