#!/usr/bin/env python3
"""Times kwire and its peers on the same bytes, interleaved, and writes docs/benchmarks.md with its charts.

    python3 bench/peers.py [--rounds N] [--ms N] [--absent 'NAME: why']... NAME=COMMAND...     # bench/peers.sh calls it

Each command is a program that answers on its standard output what it reads on its standard input: `list`, with a line
`case operation contender` for each of its rows and a line `.`; and `run CASE OPERATION CONTENDER MILLISECONDS`, with a line
`case operation contender rounds nanoseconds`, for which it proves its answer before the first time. All programs stay alive for
the whole run. In each round every row is run once, and the contenders of one row one after the other; the median over the rounds
counts.
"""

import argparse
import datetime
import json
import pathlib
import platform
import re
import shlex
import statistics
import subprocess
import sys

import charts

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
CHARTS = ROOT / "docs" / "benchmarks"

# What the columns are: the contenders whose fastest form stands in them.
PEERS = {
    "kafka-protocol": ["kafka_protocol"],
    "krabka": ["krabka", "krabka_borrowed"],
    "franz-go": ["franz_go", "franz_go_unsafe"],
    "kafka-clients": ["kafka_clients"],
    "crc-fast": ["crc_fast"],
    "ISA-L": ["isal"],
}
OPERATIONS = {
    "check": "All bytes are checked and a view is made; the libraries have nothing like it.",
    "visit": "Every field is read: by kwire through a view that is checked first, by the libraries after they have decoded.",
    "check_and_visit": "All bytes are checked and every field is read, in the same walk; beside a reader by hand that does the same.",
    "two_fields": "Two fields of the topic in the middle are read, after the check of the whole.",
    "decode": "Owned data is made of the bytes (kwire: `parse` and `to_data`) and released.",
    "encode": "Owned data is written into memory that is used again.",
    "encode_chain": "Owned data is written to new memory, ready for a gathering write: payloads by reference (kwire: `encode`). By hand: one"
                    " block and a list of segments. kafka-clients refers to records too, and writes a header before the body; the other"
                    " libraries have no such form and copy into memory of the right size.",
    "size": "The encoded size is computed.",
    "transcode": "A Metadata response of version 12 becomes one of version 4; the libraries decode and encode.",
    "dispatch": "A Fetch request of one partition goes from its frame to its handler, header included.",
    "header": "The header of the same frame is read.",
    "read_frames": "1000 requests, Fetch of one partition and Heartbeat in turns, arrive in a stream: reader, header, the right type, one field"
                   " (kwire: `request_reader` and `dispatch`). By hand: in one block, without ownership, with the two types alone. franz-go"
                   " and the Rust libraries leave the frames to the program, and franz-go the header; kafka-clients has `NetworkReceive`.",
    "forward": "A Metadata response is checked in its frame, and the frame goes on with its length.",
    "patch": "The batches of a records field, ten records each (or one of 1 MiB), get offsets and a leader epoch, as a broker sets them (kwire: `stamp`). krabka has"
             " a function for one header and kafka-clients does it in place; franz-go writes each batch again, and kafka-protocol has"
             " nothing like it.",
    "records": "A batch of 1000 records of 90 bytes becomes its records: checksum, decompression, every field. By hand: one call of the C"
               " library for the whole, into memory of the right size, then a walk. zlib or libdeflate read the same gzip batch.",
    "iterate_crc": "Every field of the 1000 records of a batch is read, and its checksum is compared.",
    "crc": "CRC-32C.",
}


class Program:
    def __init__(self, command):
        self.process = subprocess.Popen(shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"a contender ended: {self.process.args[0]}")
        return line.split()

    def rows(self):
        self.say("list")
        found = []
        while (row := self.hear()) != ["."]:
            found.append(tuple(row))
        return found

    def run(self, row, milliseconds):
        self.say(f"run {' '.join(row)} {milliseconds}")
        return float(self.hear()[4])


def measure(programs, rounds, milliseconds):
    """Medians in nanoseconds: {case: {operation: {contender: median}}}, cases and operations in the order of the first program."""
    owner, order = {}, {}
    for program in programs:
        for row in program.rows():
            owner[row] = program
            order.setdefault(row[:2], []).append(row)
    samples = {row: [] for row in owner}
    for round_ in range(-1, rounds):  # the first proves and warms up
        for group in order.values():
            for row in group:
                took = owner[row].run(row, milliseconds)
                if round_ >= 0:
                    samples[row].append(took)
    results = {}
    for (case, operation, contender), all_of in samples.items():
        results.setdefault(case, {}).setdefault(operation, {})[contender] = statistics.median(all_of)
    return results


def shown(nanoseconds):
    if nanoseconds is None:
        return "–"
    if nanoseconds >= 1e6:
        return f"{nanoseconds / 1e6:.2f} ms"
    if nanoseconds >= 1e3:
        return f"{nanoseconds / 1e3:.2f} µs"
    return f"{nanoseconds:.1f} ns"


def fastest(times, forms):
    return min((times[form] for form in forms if form in times), default=None)


def natural(case):
    """Sorts bytes_61 before bytes_1024; a MiB after the small ones."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", case)]


def tables(results):
    for operation, meaning in OPERATIONS.items():
        cases = sorted((case for case in results if operation in results[case]), key=natural)
        if not cases:
            continue
        peers = [name for name, forms in PEERS.items()
                 if any(fastest(results[case][operation], forms) is not None for case in cases)]
        static = any("kwire_static" in results[case][operation] for case in cases)
        hand = any("by_hand" in results[case][operation] for case in cases)
        head = ["case", *(["kwire, static"] if static else []), "kwire", *(["by hand"] if hand else []), *peers]
        if hand:
            head += [*(["static ÷ hand"] if static else []), "kwire ÷ hand"]
        if peers:
            head += ["best peer ÷ kwire"]
        yield f"### {operation}\n\n{meaning}\n"
        yield "| " + " | ".join(head) + " |"
        yield "|---" + "|---:" * (len(head) - 1) + "|"
        for case in cases:
            times = results[case][operation]
            ours = [times.get("kwire_static"), times.get("kwire")] if static else [times.get("kwire")]
            best = fastest(times, [form for name in peers for form in PEERS[name]])
            row = [case, *map(shown, ours)]
            if hand:
                row.append(shown(times.get("by_hand")))
            row += [shown(fastest(times, PEERS[name])) for name in peers]
            if hand:
                row += [f"{our / times['by_hand']:.2f}" if our and "by_hand" in times else "" for our in ours]
            if peers:
                mine = min(our for our in ours if our)
                row.append(f"**{best / mine:.2f}×**" if best else "")
            yield "| " + " | ".join(row) + " |"
        yield ""


def machine():
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    cores = subprocess.run(["nproc"], capture_output=True, text=True).stdout.strip()
    return f"{model[1] if model else platform.processor()}, {cores} cores, {platform.system()}"


def version(*command):
    try:
        said = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return None
    return ((said.stdout or said.stderr).splitlines() or [""])[0] if said.returncode == 0 else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--ms", type=float, default=3)
    parser.add_argument("--absent", action="append", default=[])
    parser.add_argument("--results", help="write the page anew from the results.json of an earlier run, with its rounds")
    parser.add_argument("programs", nargs="*")
    options = parser.parse_args()
    if options.results:
        results = json.loads(pathlib.Path(options.results).read_text())
    else:
        programs = [Program(named.split("=", 1)[1]) for named in options.programs]
        results = measure(programs, options.rounds, options.ms)
        for program in programs:
            program.process.stdin.close()
            program.process.wait()
        (ROOT / "build" / "peers").mkdir(parents=True, exist_ok=True)
        (ROOT / "build" / "peers" / "results.json").write_text(json.dumps(results, indent=1))

    CHARTS.mkdir(exist_ok=True)
    drawn = charts.draw_all(results, PEERS, CHARTS)
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short=10", "HEAD"], capture_output=True, text=True).stdout.strip()
    compilers = [said for said in (version("g++", "--version"), version("rustc", "--version"), version("go", "version"),
                                   version("java", "--version")) if said]
    lines = [
        "# How fast it is, beside others",
        "",
        "`sh bench/peers.sh` builds what it can reach, measures, and writes this page. Each contender reads the same files and must",
        "prove its answer before it is timed: a sum over all fields, and for encoders the same bytes. Contenders of a row take turns, and",
        "the tables hold the medians over the rounds; the load of the machine moves all of them, so trust ratios more than times.",
        "",
        f"{datetime.date.today():%Y-%m-%d}, commit {commit or 'unknown'}, {options.rounds} rounds of {options.ms:g} ms.",
        f"{machine()}. {'; '.join(compilers)}. C++: -O3.",
        "",
        "`kwire, static` knows the version when it is compiled, `kwire` when it runs. `by hand` is a parser or writer of that one",
        "version with the same checks, in C++ (bench/*/by_hand.hpp). The libraries, each in its fastest form:",
        "kafka-protocol 0.18.0 and krabka-protocol 0.8.0 (Rust), franz-go 1.22.2 with kmsg 1.15.0 (Go), kafka-clients 4.4.0 (Java, warm);",
        "crc-fast 1.10.0 (Rust) and ISA-L for checksums. Versions that all of them have: Metadata 12, Fetch 12, Produce 9,",
        "ApiVersions 3, OffsetCommit 8, JoinGroup 9. Differences to know: the Rust libraries check UTF-8, and krabka decodes the",
        "records inside of Fetch and Produce too, which kwire leaves to the caller; the fastest forms of krabka and franz-go",
        "borrow strings from the input, also in the table of owned data, and kwire's and franz-go's records refer to it.",
        "`best peer ÷ kwire` takes the faster of kwire's columns. [compilers.md](compilers.md) has kwire's rows with Clang beside GCC.",
        "",
        *[f"Left out here: {why}." for why in options.absent],
        *([""] if options.absent else []),
        *[f"![{title}](benchmarks/{name})\n" for name, title in drawn],
        *tables(results),
    ]
    PAGE.write_text("\n".join(lines).rstrip() + "\n")
    print(f"{sum(len(c) for r in results.values() for c in r.values())} rows; {PAGE.relative_to(ROOT)} is written")


if __name__ == "__main__":
    main()
