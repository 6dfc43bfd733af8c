#!/usr/bin/env python3
"""Breaks the library on purpose, one small change at a time, and counts the changes that no test notices.

    python3 tests/mutants/run.py                     # all mutants, and the score
    python3 tests/mutants/run.py --only walks        # those of tests/mutants/walks.txt
    python3 tests/mutants/run.py --sample 20         # some, the same every time; --seed N for others
    python3 tests/mutants/run.py --check             # is the list up to date? Runs nothing, and is a test of the suite
    python3 tests/mutants/run.py --list

tests/mutants/README.md has the form of the lists and the last score. For each mutant the changed header is put before the
real ones, the test programs that matter are compiled with it, and run until the first failure. A mutant is killed if a test
fails, be it a static_assert, a sanitizer reports something, or the test does not end. One that does not compile for another
reason is a mistake in the list.
"""

import argparse
import collections
import concurrent.futures
import os
import pathlib
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TESTS = ROOT / "tests"
BUILD = pathlib.Path(os.environ.get("KWIRE_BUILD_DIR", ROOT / "build" / "mutants"))
SECONDS = 60  # of a processor, for one run of a test program: the slowest takes a third of that, so more is an endless loop
MARKS = {"-": "old", "+": "new", "=": "equivalent"}

# How to run some test programs: with which arguments, and on which messages alone, so that they take a second or two.
RUNS = {
    "walks/neighbours": {"only": "ApiVersionsResponse,DescribeTopicPartitionsResponse,DescribeQuorumResponse,GroupMetadataValue,"
                                 "LeaderAndIsrRequest,ShareFetchResponse,StreamsGroupHeartbeatResponse,UpdateRaftVoterRequest"},
    "hostile": {"only": "DescribeTopicPartitionsResponse,DescribeQuorumResponse,GroupMetadataValue,UpdateRaftVoterRequest",
                "arguments": ["every truncated*,every message with*"]},
    "messages/hostile": {"only": "ApiVersionsResponse,ConsumerGroupMemberMetadataValue,DescribeTopicPartitionsRequest,"
                                 "DescribeTopicPartitionsResponse,RequestHeader,ShareFetchResponse,"
                                 "StreamsGroupHeartbeatResponse,UpdateRaftVoterRequest,VotersRecord",
                         "arguments": ["false lengths*"]},
}
LIBRARIES = {"walks": ["kwire_test_walks"], "hostile": ["kwire_test_walks"], "messages": ["kwire_test_messages"]}
FLAGS = ["-std=c++23", "-O0", "-gline-tables-only", "-D_GLIBCXX_ASSERTIONS", "-fno-omit-frame-pointer",
         "-fsanitize=address,undefined,alignment,pointer-overflow", "-fno-sanitize-recover=all",
         f"-DKWIRE_GOLDEN_DIR=\"{TESTS}/golden\""]
PRECOMPILED = ["catch.hpp", "algorithm", "array", "atomic", "expected", "functional", "map", "memory", "optional", "random",
               "ranges", "set", "span", "string", "string_view", "thread", "utility", "variant", "vector"]


class Mutant:
    def __init__(self, area, number, header, tests):
        self.name = f"{area}:{number}"
        self.area, self.header, self.tests = area, header, tests
        self.parts = {"old": [], "new": [], "equivalent": []}

    @property
    def old(self):
        return "\n".join(self.parts["old"])

    @property
    def new(self):
        return "\n".join(self.parts["new"])

    @property
    def equivalent(self):
        return " ".join(self.parts["equivalent"])

    def original(self):
        return (ROOT / "include" / "kwire" / self.header).read_text(encoding="utf-8")

    def defect(self):
        """What is wrong with it in the list, or None."""
        path = ROOT / "include" / "kwire" / self.header
        if not path.is_file():
            return f"there is no {self.header}"
        if not self.old:
            return "it has no old text"
        if self.old == self.new:
            return "it changes nothing"
        if (count := self.original().count(self.old)) != 1:
            return f"its old text is in {self.header} {count} times, not once: {self.parts['old'][0].strip()}"
        if not self.tests:
            return "it names no test"
        missing = [test for test in self.tests for stem, *parts in [test.split("+")]
                   if not (TESTS / f"{stem}.test.cpp").is_file() or not all((HERE / f"{part}.cpp").is_file() for part in parts)]
        return f"no test {', '.join(missing)}" if missing else None


def load(path):
    """The mutants of one list: `@ header : tests`, lines of old text after `- `, of new text after `+ `, and perhaps a reason after `= `."""
    mutants = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("@ "):
            header, _, tests = line[2:].partition(" : ")
            mutants.append(Mutant(path.stem, len(mutants) + 1, header.strip(), tests.split()))
        elif line[0] in MARKS and mutants and (len(line) == 1 or line[1] == " "):
            mutants[-1].parts[MARKS[line[0]]].append(line[2:])
        else:
            raise SystemExit(f"{path}:{number}: not a line of a mutant: {line}")
    return mutants


class Workshop:
    """Compiles and runs test programs, with a mutant or without."""

    def __init__(self, directory, compiler, optimise):
        self.directory = directory
        self.compile = [compiler, *(f if f != "-O0" else optimise for f in FLAGS)]
        self.include = [f"-I{ROOT}/include", f"-I{TESTS}", f"-I{ROOT}"]
        header = directory / "precompiled.hpp"
        header.write_text("".join(f'#include "{name}"\n' if "." in name else f"#include <{name}>\n" for name in PRECOMPILED))
        self.precompiled = directory / "precompiled.pch"
        subprocess.run([*self.compile, *self.include, "-x", "c++-header", header, "-o", self.precompiled], check=True)

    def build(self, test, mutant, directory):
        """The program, or the compiler's complaint."""
        overlay = []
        if mutant is not None:
            changed = directory / "include" / "kwire" / mutant.header
            changed.parent.mkdir(parents=True, exist_ok=True)
            changed.write_text(mutant.original().replace(mutant.old, mutant.new), encoding="utf-8")
            overlay = [f"-I{directory}/include"]
        stem, *parts = test.split("+")
        sources = [TESTS / "mutants" / f"{part}.cpp" for part in parts] or [TESTS / f"{stem}.test.cpp"]
        objects = []
        for source in sources:
            objects.append(directory / f"{source.name}.o")
            ran = subprocess.run([*self.compile, "-include-pch", self.precompiled, *overlay, *self.include, "-c", source, "-o", objects[-1]],
                                 capture_output=True, text=True)
            if ran.returncode != 0:
                return None, ran.stderr
        if parts:
            objects.append(BUILD / "tests" / "CMakeFiles" / f"{target_of(stem)}.dir" / f"{stem}.test.cpp.o")
        program = directory / "program"
        libraries = [BUILD / "tests" / f"lib{name}.a" for name in ["kwire_test_main", *libraries_of(stem), "kwire_test_support"]]
        ran = subprocess.run([*self.compile, f"-fuse-ld={LINKER}", "-Wl,-S", *objects, *libraries, *CATCH, "-lz", "-ldeflate", "-lsnappy", "-llz4",
                              "-lzstd", "-lfmt", "-o", program], capture_output=True, text=True)
        return (program, "") if ran.returncode == 0 else (None, ran.stderr)

    def passes(self, test, mutant):
        """None if the mutant does not compile; else whether the test notices nothing, and what it said."""
        with tempfile.TemporaryDirectory(dir=self.directory) as place:
            program, complaint = self.build(test, mutant, pathlib.Path(place))
            if program is None:
                return (False, "static_assert") if "static assertion failed" in complaint else (None, complaint)
            run = RUNS.get(test.split("+")[0], {})
            environment = os.environ | {"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "halt_on_error=1"}
            if "only" in run:
                environment["KWIRE_TEST_ONLY"] = run["only"]
            try:
                ran = subprocess.run([program, "--abort", *run.get("arguments", [])], capture_output=True, text=True, errors="replace",
                                     timeout=20 * SECONDS, env=environment, cwd=ROOT,
                                     preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1)))
            except subprocess.TimeoutExpired:
                return False, "hangs"
            if ran.returncode == -signal.SIGXCPU:
                return False, "hangs"
            return ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[:2000]


def target_of(stem):
    return re.sub(r"[^A-Za-z0-9_]", "_", stem) + "_test"


def libraries_of(stem):
    return LIBRARIES.get(stem.split("/")[0], [])


CATCH = []
LINKER = "bfd"


def find_libraries():
    found = subprocess.run(["pkg-config", "--libs", "catch2"], capture_output=True, text=True)
    CATCH.extend(found.stdout.split() if found.returncode == 0 else [])
    global LINKER
    LINKER = next((name for name in ("lld", "gold", "bfd") if subprocess.run(
        ["sh", "-c", f"command -v ld.{name} || command -v {name}"], capture_output=True).returncode == 0), "bfd")


def judge(shop, mutant):
    """killed, survived or broken, and by what."""
    for test in mutant.tests:
        passed, said = shop.passes(test, mutant)
        if passed is None:
            return "broken", said
        if not passed:
            return "killed", f"{test}{f' ({said})' if said in ('hangs', 'static_assert') else ''}"
    return "survived", ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", help="areas, that is lists without .txt, or names such as walks:3")
    parser.add_argument("--sample", type=int, help="so many mutants, chosen by chance")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--compiler", default="clang++-19")
    parser.add_argument("--optimise", default="-O0", help="-O0, which takes the least time, and shows the sanitizers every load")
    parser.add_argument("--check", action="store_true", help="only whether every mutant can be applied and names tests that exist")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--equivalent", action="store_true", help="run those too that are known to be equivalent")
    arguments = parser.parse_args()

    mutants = [mutant for path in sorted(HERE.glob("*.txt")) for mutant in load(path)]
    stale = [f"{mutant.name}: {why}" for mutant in mutants if (why := mutant.defect())]
    doubles = collections.Counter((mutant.header, mutant.old, mutant.new) for mutant in mutants)
    stale += [f"twice in the lists: {old}" for (_, old, _), count in doubles.items() if count > 1]
    if stale:
        print("tests/mutants is stale:", *stale, sep="\n    ", file=sys.stderr)
        return 1
    if arguments.check:
        print(f"{len(mutants)} mutants can be applied, {sum(bool(mutant.equivalent) for mutant in mutants)} of them are equivalent")
        return 0
    if arguments.only:
        mutants = [mutant for mutant in mutants if mutant.area in arguments.only or mutant.name in arguments.only]
    if arguments.list:
        for mutant in mutants:
            print(f"{mutant.name}  {mutant.header}: {mutant.parts['old'][0].strip()}  ->  {mutant.new.strip()}"
                  f"{'  (equivalent: ' + mutant.equivalent + ')' if mutant.equivalent else ''}")
        return 0
    if not arguments.equivalent:
        mutants = [mutant for mutant in mutants if not mutant.equivalent]
    if arguments.sample is not None:
        mutants = random.Random(arguments.seed).sample(mutants, min(arguments.sample, len(mutants)))

    find_libraries()
    programs = sorted({test for mutant in mutants for test in mutant.tests})
    targets = {"kwire_test_main", "kwire_test_support", *(target_of(test.split("+")[0]) for test in programs if "+" in test),
               *(library for test in programs for library in libraries_of(test))}
    if not (BUILD / "build.ninja").exists():
        subprocess.run(["cmake", "--preset", "mutants"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", BUILD, "--parallel", str(arguments.jobs), "--target", *sorted(targets)], check=True,
                   stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory(prefix="kwire-mutants-") as place:
        shop = Workshop(pathlib.Path(place), arguments.compiler, arguments.optimise)
        for test in programs:  # else every mutant would count as killed
            passed, said = shop.passes(test, None)
            if not passed:
                print(f"{test} fails without a mutant:\n{said}", file=sys.stderr)
                return 1
        score = collections.defaultdict(collections.Counter)
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            started = time.monotonic()
            for mutant, (result, by) in zip(mutants, pool.map(lambda mutant: judge(shop, mutant), mutants)):
                score[mutant.area][result] += 1
                line = mutant.parts["old"][0].strip()
                if result == "killed":
                    print(f"{mutant.name}  killed by {by}", flush=True)
                elif result == "survived":
                    print(f"{mutant.name}  SURVIVED  {mutant.header}: {line}  ->  {mutant.new.strip()}", flush=True)
                else:
                    print(f"{mutant.name}  DOES NOT COMPILE  {mutant.header}: {line}\n{by[:1500]}", flush=True)
    total = sum(score.values(), collections.Counter())
    for area, counts in [*sorted(score.items()), ("all", total)]:
        print(f"{area}: {counts['killed']} of {counts.total()} killed ({100 * counts['killed'] / counts.total():.1f} %)"
              f", {counts['survived']} survived, {counts['broken']} do not compile")
    print(f"{time.monotonic() - started:.0f} s")
    return 0 if total["broken"] == 0 and total["killed"] >= 0.97 * total.total() else 1


if __name__ == "__main__":
    sys.exit(main())
