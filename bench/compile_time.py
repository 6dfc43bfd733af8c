#!/usr/bin/env python3
"""What kwire costs to compile, over the std headers alone: seconds, instructions of the compiler, bytes of machine code.

    python3 bench/compile_time.py [--check] [--compiler g++] [--runs 7]
    python3 bench/compile_time.py --check-budget     instructions only, against bench/compile_time_budget.txt
    python3 bench/compile_time.py --update-budget    writes that file, and says what changed

The first form prints a Markdown table; with --check the exit status is 1 if a target is missed. Seconds are user and system time
of the compiler, baseline and subject in turn, medians, so that other work on the machine matters little.

Instructions are counted with `valgrind --tool=cachegrind` on GCC's cc1plus. They are the same in each run, whatever else the
machine does, so a budget can be narrow; another version of the compiler has other numbers, so the budget names the one that it holds
for, and the check is skipped with another. Both compilers of a difference read the same std headers first: those that kwire's own
headers include.
"""

import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUDGET = ROOT / "bench" / "compile_time_budget.txt"
TOLERANCE = 2.0  # percent, for rows that the budget does not have yet

LONGEST = ["dispatch-check", "all-data", "encode"]  # subjects, to be counted first
CHECK = ["-fsyntax-only"]
BUILD = ["-O2", "-DNDEBUG"]

VISIT = """
#include <kwire/messages/view/metadata.hpp>
#include <kwire/read/parse.hpp>
static unsigned long sum;
template <class T> void take(T value) { sum += static_cast<unsigned long>(value); }
void take(std::string_view text) { sum += text.size(); }
void take(std::optional<std::string_view> text) { sum += text ? text->size() : 1; }
void take(kwire::uuid id) { sum += static_cast<unsigned long>(id.bytes[0]); }
bool visit_response(kwire::shared_buffer body, int version) {
    const auto response = kwire::parse<kwire::metadata_response>(std::move(body), version);
    if (!response) return false;
    take(response->throttle_time_ms());
    for (auto broker : response->brokers()) {
        take(broker.node_id());
        take(broker.host());
        take(broker.port());
        take(broker.rack());
    }
    take(response->cluster_id());
    take(response->controller_id());
    for (auto topic : response->topics()) {
        take(topic.error_code());
        take(topic.name());
        take(topic.topic_id());
        take(topic.is_internal());
        for (auto partition : topic.partitions()) {
            take(partition.error_code());
            take(partition.partition_index());
            take(partition.leader_id());
            take(partition.leader_epoch());
            for (auto replica : partition.replica_nodes()) take(replica);
            for (auto replica : partition.isr_nodes()) take(replica);
            for (auto replica : partition.offline_replicas()) take(replica);
        }
        take(topic.topic_authorized_operations());
    }
    take(response->cluster_authorized_operations());
    take(response->error_code());
    return true;
}
unsigned long result() { return sum; }
"""

ENCODE = """
#include <kwire/messages/metadata.hpp>
#include <kwire/write/encode.hpp>
kwire::expected<kwire::buffer_chain, kwire::error> answer(int version) {
    const kwire::metadata_response::data response{
        .brokers = {{.node_id = 1, .host = "localhost", .port = 9092}},
        .cluster_id = "cluster",
        .topics = {{.name = "orders", .partitions = {{.partition_index = 3, .leader_id = 1, .replica_nodes = {1}}}}},
    };
    return kwire::encode(response, version);
}
"""

DISPATCH = """
#include <kwire/connect/dispatch.hpp>
#include <kwire/messages/apis.hpp>
#include <kwire/reflect/print.hpp>
bool print_request(kwire::shared_buffer frame, std::string& out) {
    const auto done = kwire::dispatch<kwire::all_requests>(std::move(frame), kwire::overloaded{
        [&]<class M>(const kwire::message<M>& request) { out += kwire::to_text(request.view()); },
        [&](const kwire::request_frame& other) { out += std::to_string(static_cast<int>(other.api())); },
    });
    return done.has_value();
}
"""


@dataclasses.dataclass(frozen=True)
class Subject:
    name: str
    what: str
    source: str
    flags: list
    seconds: float  # the target of the printed table
    counted: bool = True  # in instructions, for which the largest takes too long with optimisation


SUBJECTS = [
    Subject("include", "`#include <kwire/messages/view/metadata.hpp>`, -fsyntax-only",
            "#include <kwire/messages/view/metadata.hpp>\n", CHECK, 0.25),
    Subject("include-data", "`#include <kwire/messages/metadata.hpp>`, -fsyntax-only",
            "#include <kwire/messages/metadata.hpp>\n", CHECK, 0.25),
    Subject("visit", "parse + visit of one message (Metadata response), run-time version, -O2", VISIT, BUILD, 0.3),
    Subject("encode", "encode of one message (Metadata response), -O2", ENCODE, BUILD, 0.5),
    Subject("all", "`#include <kwire/messages/view/all.hpp>`, -fsyntax-only", "#include <kwire/messages/view/all.hpp>\n", CHECK, 1.5),
    Subject("all-data", "`#include <kwire/messages/all.hpp>`, -fsyntax-only", "#include <kwire/messages/all.hpp>\n", CHECK, 3),
    Subject("dispatch-check", "`dispatch` over all requests, parse and print each, -fsyntax-only", DISPATCH, CHECK, 10),
    Subject("dispatch", "the same, -O2", DISPATCH, BUILD, 20, counted=False),
]


def headers_of(compiler, source):
    flags = ["-std=c++23", f"-I{ROOT / 'include'}", "-M", "-MG", "-x", "c++", "-"]
    rule = subprocess.run([compiler, *flags], input=source, capture_output=True, text=True, check=True).stdout
    return {word for word in rule.replace("\\\n", " ").split() if "/include/kwire/" in word}


def std_headers(compiler):
    """The std headers that kwire's headers name themselves, those of all subjects together."""
    own = set().union(*(headers_of(compiler, subject.source) for subject in SUBJECTS))
    return sorted({name for header in own for name in re.findall(r"^#include <([a-z_]+)>", pathlib.Path(header).read_text(), re.M)})


class Sources:
    """The sources of all subjects in a directory, each after the std headers; "std" is these alone."""

    def __init__(self, compiler, directory):
        self.compiler = compiler
        self.directory = pathlib.Path(directory)
        self.std_headers = std_headers(compiler)
        std = "".join(f"#include <{name}>\n" for name in self.std_headers)
        for name, source in [("std", ""), *((s.name, s.source) for s in SUBJECTS)]:
            (self.directory / f"{name}.cpp").write_text(std + source)

    def object(self, name):
        return self.directory / f"{name}.o"

    def command(self, name, flags):
        output = [] if flags is CHECK else ["-c", "-o", str(self.object(name))]
        return [self.compiler, "-std=c++23", f"-I{ROOT / 'include'}", *flags, *output, str(self.directory / f"{name}.cpp")]

    def seconds(self, name, flags):
        before = os.times()
        subprocess.run(self.command(name, flags), check=True)
        after = os.times()
        return after.children_user - before.children_user + after.children_system - before.children_system

    def instructions(self, name, flags):
        """What cc1plus executes to compile this source: the compiler proper, without assembler and driver."""
        lines = subprocess.run([*self.command(name, flags), "-###"], capture_output=True, text=True, check=True).stderr.splitlines()
        proper = next(shlex.split(line) for line in lines if "cc1plus" in line and line.startswith(" "))
        if "-o" in proper:
            proper[proper.index("-o") + 1] = os.devnull
        count = ["valgrind", "--tool=cachegrind", "--cache-sim=no", f"--cachegrind-out-file={os.devnull}", *proper]
        printed = subprocess.run(count, capture_output=True, text=True, check=True).stderr
        return int(re.search(r"I\s+refs:\s+([\d,]+)", printed)[1].replace(",", ""))

    def instructions_of_subjects(self):
        """{name: instructions over the std headers alone}, counted on all cores."""
        jobs = {subject.name: (subject.name, subject.flags) for subject in SUBJECTS if subject.counted}
        jobs |= {"std check": ("std", CHECK), "std build": ("std", BUILD)}
        # The longest first, so that no core idles at the end.
        order = sorted(jobs, key=lambda name: LONGEST.index(name) if name in LONGEST else len(LONGEST))
        with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS", os.cpu_count()))) as pool:
            running = {name: pool.submit(self.instructions, *jobs[name]) for name in order}
            counted = {name: future.result() for name, future in running.items()}
        return {s.name: counted[s.name] - counted["std check" if s.flags is CHECK else "std build"] for s in SUBJECTS if s.counted}


def version_of(compiler):
    return subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]


def why_not_counted(compiler):
    """Why there can be no instructions, or None."""
    if shutil.which("valgrind") is None:
        return "valgrind is not installed"
    if "cc1plus" not in subprocess.run([compiler, "-print-prog-name=cc1plus"], capture_output=True, text=True).stdout:
        return f"{compiler} is not GCC"
    return None


def read_budget():
    """The compiler's version, and {name: (instructions, tolerance in percent)}."""
    compiler, rows = None, {}
    for line in BUDGET.read_text(encoding="utf-8").splitlines() if BUDGET.exists() else []:
        if line.startswith("compiler: "):
            compiler = line.removeprefix("compiler: ")
        elif line and not line.startswith("#"):
            name, instructions, tolerance = line.split()
            rows[name] = (int(instructions), float(tolerance))
    return compiler, rows


def write_budget(compiler, rows):
    BUDGET.write_text(
        "# Instructions that GCC executes for kwire, over the std headers alone: name, instructions, tolerance in percent.\n"
        "# `python3 bench/compile_time.py --check-budget` compares, --update-budget writes this file. Holds for one compiler:\n"
        f"compiler: {compiler}\n"
        + "".join(f"{name:<16} {instructions:>12} {tolerance:g}\n" for name, (instructions, tolerance) in rows.items()),
        encoding="utf-8",
    )


def check_budget(options):
    here = version_of(options.compiler)
    budgeted, budget = read_budget()
    if reason := why_not_counted(options.compiler):
        print(f"compile-time budget NOT CHECKED: {reason}")
        return 0
    if budgeted != here and not options.update_budget:
        print(f"compile-time budget NOT CHECKED: it holds for {budgeted}, here is {here};")
        print("count with the new compiler before and after your change, then --update-budget")
        return 0
    with tempfile.TemporaryDirectory() as directory:
        counted = Sources(options.compiler, directory).instructions_of_subjects()
    status = 0
    for name, instructions in counted.items():
        allowed, tolerance = budget.get(name, (None, TOLERANCE))
        verdict = "not in the budget"
        if allowed is not None:
            change = 100 * (instructions - allowed) / allowed
            verdict = f"{change:+.2f} % of {allowed / 1e6:.1f} M (tolerance {tolerance:g} %)"
            if change < -tolerance:
                verdict += ": less than budgeted; --update-budget keeps it so"
        if allowed is None or instructions > allowed * (1 + tolerance / 100):
            verdict += "" if options.update_budget else ": OVER THE BUDGET"
            status = 1
        print(f"{name:<16} {instructions / 1e6:9.1f} M instructions, {verdict}")
    for name in budget.keys() - counted.keys():
        print(f"{name} is in the budget and is not measured")
        status = 1
    if not options.update_budget:
        return status
    write_budget(here, {name: (instructions, budget.get(name, (None, TOLERANCE))[1]) for name, instructions in counted.items()})
    print(f"written to {BUDGET.relative_to(ROOT)}: say in the commit's message why these numbers changed")
    return 0


def sections(path):
    """Sizes in bytes: machine code; code, constants and unwind tables; constants that hold addresses."""
    alone = subprocess.run(["size", "-A", str(path)], check=True, capture_output=True, text=True).stdout
    code = sum(int(line.split()[1]) for line in alone.splitlines() if line.startswith(".text"))
    text, data = subprocess.run(["size", str(path)], check=True, capture_output=True, text=True).stdout.splitlines()[1].split()[:2]
    return code, int(text), int(data)


def report(options):
    with tempfile.TemporaryDirectory() as directory:
        sources = Sources(options.compiler, directory)
        times = {}
        for n in range(options.runs):
            for name, flags in [("std", CHECK), ("std", BUILD), *((s.name, s.flags) for s in SUBJECTS)]:
                if n == 0 or name not in ("dispatch", "dispatch-check"):  # once: there is much room
                    times.setdefault((name, tuple(flags)), []).append(sources.seconds(name, flags))
        median = {key: statistics.median(values) for key, values in times.items()}
        std_code, std_text, _ = sections(sources.object("std"))
        code, text, _ = sections(sources.object("visit"))
        _, dispatch_text, dispatch_data = sections(sources.object("dispatch"))
        why_not = why_not_counted(options.compiler)
        counted = {} if why_not else sources.instructions_of_subjects()

    rows = [(s.what, median[s.name, tuple(s.flags)] - median["std", tuple(s.flags)], counted.get(s.name), s.seconds, "s") for s in SUBJECTS]
    rows += [
        ("machine code of parse + visit", (code - std_code) / 1000, None, 10, "kB"),
        ("machine code, constants and unwind tables of parse + visit", (text - std_text) / 1000, None, 10, "kB"),
        ("machine code and constants of `dispatch`", dispatch_text / 1000, None, 400, "kB"),
        ("the same with the tables that hold addresses", (dispatch_text + dispatch_data) / 1000, None, 400, "kB"),
    ]
    print(f"Over the std headers alone ({', '.join(sources.std_headers)}: {median['std', tuple(CHECK)]:.2f} s):\n")
    print("| what | more | instructions | target | |\n|---|---|---:|---|---|")
    missed = 0
    for what, value, instructions, target, unit in rows:
        fine = value <= target
        missed += not fine
        shown = "" if instructions is None else f"{instructions / 1e6:.0f} M"
        print(f"| {what} | {value:.2f} {unit} | {shown} | ≤ {target} {unit} | {'reached' if fine else 'missed'} |")
    if why_not:
        print(f"\nNo instructions: {why_not}.")
    return 1 if options.check and missed else 0


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--check", action="store_true", help="exit with 1 if a target is missed")
    arguments.add_argument("--check-budget", action="store_true", help="count instructions only, exit with 1 if over the budget")
    arguments.add_argument("--update-budget", action="store_true", help="count instructions and write the budget")
    arguments.add_argument("--compiler", default="g++")
    arguments.add_argument("--runs", type=int, default=7)
    options = arguments.parse_args()
    return check_budget(options) if options.check_budget or options.update_budget else report(options)


if __name__ == "__main__":
    sys.exit(main())
