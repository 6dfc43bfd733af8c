#!/usr/bin/env python3
"""kwire-convert against what Kafka's own classes wrote and read: every message at every version, in all directions.

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


class Number(str):
    """A number as it is written."""


def exact(text):
    """JSON with numbers as their text and objects as lists of pairs, so that nothing is lost in a comparison."""
    return json.loads(text, object_pairs_hook=lambda pairs: ["object", *pairs], parse_int=Number, parse_float=Number)


def member(line, key):
    """The text of the one object in the line that stands under `key`."""
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

    def test_the_schema_and_the_golden_file_have_291_messages_and_888_pairs(self):
        of_schema = {(message.name, version) for group in model.load_directory(ROOT / "schema" / "messages").values()
                     for message in group for version in message.version_numbers()}
        of_golden = {(line["message"], line["version"]) for line in self.lines if "json" in line}
        self.assertEqual(of_schema, of_golden)
        self.assertEqual((len({name for name, _ in of_golden}), len(of_golden)), (291, 888))

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
        self.assertGreater(len(good), 9000)

    def test_json_becomes_the_same_bytes(self):
        good = [(text, line) for text, line in zip(self.texts, self.lines)
                if "json" in line and not line.get("unknown_tags")]
        questions = [f'{{"message":"{line["message"]}","version":{line["version"]},"json":{member(text, "json")}}}'
                     for text, line in good]
        wrong = [(line, answer) for (_, line), answer in zip(good, map(json.loads, ask(questions)))
                 if answer != {"hex": line["hex"], "size": len(line["hex"]) // 2}]
        self.fail_with(wrong)

    def test_what_kafka_refuses_is_refused_with_a_place(self):
        bad = [line for line in self.lines if "json" not in line]
        wrong = []
        for line, answer in zip(bad, map(json.loads, ask([self.question(line, hex=line["hex"]) for line in bad]))):
            error = answer.get("error")
            if error is None or set(error) != {"code", "offset", "path", "text"} or error["offset"] > len(line["hex"]) // 2:
                wrong.append((line, answer))
        self.fail_with(wrong)
        self.assertEqual(len(bad), 3286)

    def test_another_version_is_written_as_kafka_writes_it(self):
        lines = [json.loads(text) for text in lines_of("transcode.jsonl.gz")]
        questions = [json.dumps({"message": line["message"], "version": line["from"], "hex": line["hex"], "to": line["to"]})
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
        self.assertEqual(len(lines), 4067)


class Tool(unittest.TestCase):
    """What scripts rely on beside the conversions."""

    def error_of(self, question):
        [answer] = ask([question])
        return json.loads(answer)["error"]

    def test_an_error_says_what_and_where(self):
        body = "ffff" + "0001" + "0000"  # no transactional id, acks, half a timeout
        error = self.error_of(json.dumps({"message": "ProduceRequest", "version": 3, "hex": body}))
        self.assertEqual((error["code"], error["offset"], error["path"]), ("truncated", 4, "timeout_ms"))
        self.assertIn("ProduceRequest v3", error["text"])

    def test_nonsense_is_answered_and_the_next_line_is_served(self):
        good = json.dumps({"message": "ApiVersionsRequest", "version": 0, "hex": ""})
        nonsense = ["", "{", "[]", "null", "{}", '{"message":1}', '{"message":"Nobody","version":0,"hex":""}',
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

    def test_an_answer_comes_while_the_input_stays_open(self):
        question = json.dumps({"message": "ApiVersionsRequest", "version": 0, "hex": ""})
        with subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
            for half in (question[:10], question[10:] + "\n" + question[:5]):
                program.stdin.write(half)
                program.stdin.flush()
            self.assertIn('"size":0', program.stdout.readline())
            program.stdin.write(question[5:])
            program.stdin.close()
            self.assertIn('"size":0', program.stdout.readline())
            self.assertEqual(program.wait(timeout=30), 0)

    def test_bytes_behind_the_body_pass_when_asked_for(self):
        question = {"message": "ApiVersionsRequest", "version": 0, "hex": "00ff"}
        self.assertEqual(self.error_of(json.dumps(question))["code"], "trailing_bytes")
        [answer] = ask([json.dumps({**question, "lenient": True})])
        self.assertEqual(json.loads(answer), {"json": {}, "hex": "00ff", "data_hex": "", "size": 2})


if __name__ == "__main__":
    unittest.main()
