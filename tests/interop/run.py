#!/usr/bin/env python3
"""franz-go's kmsg reads what kwire encodes, and writes the same bytes.

    KWIRE_BUILD_DIR=build/interop python3 tests/interop/run.py

The values are the golden ones: JSON that kwire-convert encodes, and bytes with unknown tags that it encodes again from its data
structs. Exit status 77 if Go is missing or its module cannot be fetched.
"""

import collections
import gzip
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = pathlib.Path(os.environ.get("KWIRE_BUILD_DIR", ROOT / "build" / "interop")).resolve()
SKIPPED = 77
sys.path.insert(0, str(ROOT / "schema"))

import model  # noqa: E402

# Known differences of kmsg 1.15.0, and why kwire is not the cause. The keys are patterns for names such as "FetchRequest v12".
DIFFERS = {
    "StopReplicaRequest v4": "the KRaft flag is after the controller's epoch in kmsg, before it in Kafka",
}


def skip(why):
    print(f"interop skipped: {why}")
    sys.exit(SKIPPED)


def build_peer():
    if shutil.which("go") is None:
        skip("go is missing")
    peer = BUILD / "interop" / "peer"
    peer.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["go", "build", "-o", peer, "."], cwd=HERE, capture_output=True, text=True)
    if done.returncode != 0:
        print(done.stderr)
        skip("go cannot fetch or build kmsg here")
    return peer


def ask(program, lines):
    done = subprocess.run([program], input="".join(line + "\n" for line in lines), stdout=subprocess.PIPE, text=True, check=True)
    answers = done.stdout.splitlines()
    assert len(answers) == len(lines)
    return answers


def main():
    peer = build_peer()
    kinds = {message.name: (message.kind, message.key) for group in model.load_directory(ROOT / "schema" / "messages").values()
             for message in group if message.kind in ("request", "response")}
    with gzip.open(ROOT / "tests" / "golden" / "messages.jsonl.gz", "rt", encoding="utf-8") as file:
        texts = [text for text in file if '"json":' in text]
    samples, questions = [], []
    for text in texts:
        line = json.loads(text)
        if line["message"] not in kinds:
            continue
        question = {"message": line["message"], "version": line["version"]}
        question |= {"hex": line["hex"]} if line.get("unknown_tags") else {"json": line["json"]}
        samples.append(line)
        questions.append(json.dumps(question))
    answers = [json.loads(said) for said in ask(BUILD / "examples" / "kwire-convert", questions)]
    bodies = [answer.get("data_hex", answer.get("hex")) for answer in answers]
    assert None not in bodies, "kwire refuses a golden value"

    rows = [f"{kinds[line['message']][0]} {kinds[line['message']][1]} {line['version']} {body}" for line, body in zip(samples, bodies)]
    counts, pairs, wrong = collections.Counter(), set(), []
    for line, body, said in zip(samples, bodies, ask(peer, rows)):
        subject = f"{line['message']} v{line['version']}"
        if said == body:
            counts["same bytes"] += 1
            pairs.add(subject)
        elif said == "unknown":
            counts["not known to kmsg"] += 1
        elif any(re.fullmatch(pattern, subject) for pattern in DIFFERS):
            counts["known difference of kmsg"] += 1
        else:
            wrong.append(f"{subject} {line['sample']}\n  kwire {body}\n  kmsg  {said}")
    for what, count in sorted(counts.items()):
        print(f"{count:8} {what}")
    print(f"{len(pairs):8} pairs of message and version agree")
    seen = set()
    for text in sorted(wrong, key=len):
        subject = text.split(" ")[0]
        if subject not in seen:
            print(text[:600])
        seen.add(subject)
    print(f"{len(wrong)} bodies differ")
    return 1 if wrong or len(pairs) < 700 else 0


if __name__ == "__main__":
    sys.exit(main())
