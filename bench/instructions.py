#!/usr/bin/env python3
"""Counts the instructions of kwire's main benchmark rows and compares them with bench/instructions.txt.

    python3 bench/instructions.py            # a row that differs by more than 3 % is a failure
    python3 bench/instructions.py --update   # writes the file anew: a change of speed that is meant

Needs the program of the preset bench (build/bench/bench/run) and valgrind. Seconds depend on the hour, instructions do not; they
do depend on the compiler, so the file names it, and with another one nothing is compared.
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILE = ROOT / "bench" / "instructions.txt"
RUN = ROOT / "build" / "bench" / "bench" / "run"
TOLERANCE = 0.03
SLACK = 3  # instructions: a row of a hundred may differ by some without a reason
# What is counted: each case, with kwire's contenders. Cases of other sizes cost the same per element.
CASES = ["metadata_100x10", "fetch_response_1x1_tiny", "fetch_response_100x10", "fetch_request_100x50",
         "produce_request_100x10", "api_versions_v3", "offset_commit_100x10", "join_group_v9", "records_plain",
         "records_2_headers", "dispatch_fetch", "frames_1000", "batches_100", "batch_none"]


def compiler(build=ROOT / "build" / "bench"):
    """The compiler of a build, and its flags."""
    cache = (build / "CMakeCache.txt").read_text()
    program = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", cache, re.M)[1]
    flags = re.search(r"^CMAKE_CXX_FLAGS_RELEASE:\w+=(.*)$", cache, re.M)[1]
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    return f"{re.sub(r'^[^ ]* ', '', version)} {flags}".strip()


def count(run=RUN):
    """Instructions of one piece of work in the program `run`, by row."""
    listed = subprocess.run([run, "--list", "--contender", "kwire*"], capture_output=True, text=True, check=True).stdout
    rows = {case: [row for row in listed.splitlines() if row.split()[0] == case] for case in CASES}
    counts = {}
    with tempfile.TemporaryDirectory() as folder:
        def count_case(case):
            out = pathlib.Path(folder) / case
            out.mkdir()
            subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}/out", run, "--count", "--case", case,
                            "--contender", "kwire*"], check=True, stderr=subprocess.PIPE)
            # Two dumps a row, in the order of the list: one run, and eleven.
            dumps = [summary(out / f"out.{i + 1}") for i in range(2 * len(rows[case]))]
            return [round((dumps[2 * i + 1] - dumps[2 * i]) / 10) for i in range(len(rows[case]))]

        listed_cases = [case for case in CASES if rows[case]]
        with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS", os.cpu_count()))) as pool:
            for case, of_case in zip(listed_cases, pool.map(count_case, listed_cases)):
                counts.update(zip(rows[case], of_case))
    return counts


def summary(dump):
    return int(re.search(r"^summary: (\d+)", dump.read_text(errors="replace"), re.M)[1])


def main():
    if subprocess.run(["which", "valgrind"], capture_output=True).returncode != 0:
        print("not counted: valgrind is not installed")
        return 0
    this = compiler()
    if "--update" not in sys.argv:
        if not FILE.exists():
            print(f"{FILE} is missing: --update writes it", file=sys.stderr)
            return 1
        first, *lines = [line for line in FILE.read_text().splitlines() if line and not line.startswith("#")]
        if first != this:
            print(f"not compared: {FILE.name} is of another compiler ({first}), this is {this}")
            return 0
        known = {line.rsplit(" ", 1)[0]: int(line.rsplit(" ", 1)[1]) for line in lines}
    counts = count()
    if not counts:
        print("no row was counted", file=sys.stderr)
        return 1
    if "--update" in sys.argv:
        rows = "".join(f"{row} {counts[row]}\n" for row in sorted(counts))
        FILE.write_text("# Instructions of one piece of work: case, operation, contender, instructions. Written by\n"
                        "# `python3 bench/instructions.py --update`, for the compiler and flags in the next line alone.\n"
                        f"{this}\n{rows}")
        print(f"{len(counts)} rows written to {FILE.relative_to(ROOT)}")
        return 0
    wrong = []
    for row in sorted(known.keys() | counts.keys()):
        before, now = known.get(row), counts.get(row)
        if before is None or now is None:
            wrong.append(f"{row}: {'new' if before is None else 'gone'}")
        elif abs(now - before) > max(SLACK, TOLERANCE * before):
            wrong.append(f"{row}: {before} -> {now} instructions ({(now / before - 1) * 100:+.1f} %)"
                         f"{', which is better' if now < before else ''}")
    print("\n".join(wrong))
    if wrong:
        print(f"\n{len(wrong)} of {len(counts)} rows differ by more than {TOLERANCE:.0%}. If that is meant (better, or worth its"
              f" price), run\n    python3 bench/instructions.py --update\nand commit bench/instructions.txt with the reason.",
              file=sys.stderr)
        return 1
    print(f"{len(counts)} rows within {TOLERANCE:.0%} of {FILE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
