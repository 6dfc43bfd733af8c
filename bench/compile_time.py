#!/usr/bin/env python3
"""What kwire costs to compile: seconds over the std headers alone, and bytes of machine code.

    python3 bench/compile_time.py [--check] [--compiler g++] [--runs 7]

Prints a Markdown table. With --check, the exit status is 1 if a target is missed. Measures user and system time of the
compiler, baseline and subject in turn, and takes medians, so that other work on the machine matters little.
"""

import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent

VISIT = """
template <class T> void take(T value) { sum += static_cast<unsigned long>(value); }
void take(std::string_view text) { sum += text.size(); }
void take(std::optional<std::string_view> text) { sum += text ? text->size() : 1; }
void take(kwire::uuid id) { sum += static_cast<unsigned long>(id.bytes[0]); }
"""

SUBJECT = (
    "#include <kwire/messages/metadata.hpp>\n#include <kwire/read/parse.hpp>\n"
    "static unsigned long sum;\n" + VISIT + """
bool visit_response(std::span<const std::byte> body, int version) {
    const auto response = kwire::parse_view<kwire::metadata_response>(body, version);
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
)

DISPATCHER = """
#include <kwire/connect/dispatch.hpp>
#include <kwire/messages/apis.hpp>
#include <kwire/reflect/print.hpp>
bool print_request(kwire::shared_buffer frame, std::string& out) {
    const auto done = kwire::dispatch<kwire::all_requests>(std::move(frame), kwire::overloaded{
        [&]<class M>(const kwire::request<M>& request) { out += kwire::to_text(*request); },
        [&](const kwire::request_frame& other) { out += std::to_string(static_cast<int>(other.api())); },
    });
    return done.has_value();
}
"""


def std_headers(compiler):
    """The std headers that kwire's headers name themselves."""
    flags = ["-std=c++23", f"-I{ROOT / 'include'}", "-M", "-MG", "-x", "c++", "-"]
    text = "#include <kwire/messages/metadata.hpp>\n#include <kwire/read/parse.hpp>\n"
    rule = subprocess.run([compiler, *flags], input=text, capture_output=True, text=True, check=True).stdout
    own = [pathlib.Path(word) for word in rule.replace("\\\n", " ").split() if "/kwire/" in word]
    return sorted({name for header in own for name in re.findall(r"^#include <([a-z_]+)>", header.read_text(), re.M)})


def seconds(command):
    before = os.times()
    subprocess.run(command, check=True)
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


def text_size(path):
    out = subprocess.run(["size", str(path)], check=True, capture_output=True, text=True).stdout
    return int(out.splitlines()[1].split()[0])


def code_size(path):
    """Machine code alone, without constants and unwind tables."""
    out = subprocess.run(["size", "-A", str(path)], check=True, capture_output=True, text=True).stdout
    return sum(int(line.split()[1]) for line in out.splitlines() if line.startswith(".text"))


def data_size(path):
    """Constants that hold addresses, which `size` counts as data."""
    out = subprocess.run(["size", str(path)], check=True, capture_output=True, text=True).stdout
    return int(out.splitlines()[1].split()[1])


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--check", action="store_true", help="exit with 1 if a target is missed")
    arguments.add_argument("--compiler", default="g++")
    arguments.add_argument("--runs", type=int, default=7)
    options = arguments.parse_args()

    headers = std_headers(options.compiler)
    baseline = "".join(f"#include <{name}>\n" for name in headers)
    with tempfile.TemporaryDirectory() as directory:
        at = pathlib.Path(directory)
        sources = {
            "std": baseline,
            "header": baseline + "#include <kwire/messages/metadata.hpp>\n",
            "visit": baseline + SUBJECT,
            "dispatch": baseline + DISPATCHER,
        }
        for name, text in sources.items():
            (at / f"{name}.cpp").write_text(text)
        base = [options.compiler, "-std=c++23", f"-I{ROOT / 'include'}"]
        check = lambda name: seconds([*base, "-fsyntax-only", str(at / f"{name}.cpp")])
        build = lambda name: seconds([*base, "-O2", "-DNDEBUG", "-c", str(at / f"{name}.cpp"), "-o", str(at / f"{name}.o")])

        times = {"include std": [], "include": [], "visit std": [], "visit": []}
        for _ in range(options.runs):
            times["include std"].append(check("std"))
            times["include"].append(check("header"))
            times["visit std"].append(build("std"))
            times["visit"].append(build("visit"))
        median = {name: statistics.median(values) for name, values in times.items()}
        code = code_size(at / "visit.o") - code_size(at / "std.o")
        text = text_size(at / "visit.o") - text_size(at / "std.o")
        dispatch = build("dispatch")  # once: other work moves user time by less than the room that there is
        dispatch_text, dispatch_data = text_size(at / "dispatch.o"), data_size(at / "dispatch.o")

    rows = [
        ("`#include <kwire/messages/metadata.hpp>`, -fsyntax-only", median["include"] - median["include std"], 0.25, "s"),
        ("parse + visit of one message (Metadata response), run-time version, -O2", median["visit"] - median["visit std"], 0.3, "s"),
        ("machine code of the same", code / 1000, 10, "kB"),
        ("machine code, constants and unwind tables of the same", text / 1000, 10, "kB"),
        ("`dispatch` over all requests, parse and print each, -O2, with all headers", dispatch, 20, "s"),
        ("machine code and constants of the same", dispatch_text / 1000, 400, "kB"),
        ("the same with the tables that hold addresses", (dispatch_text + dispatch_data) / 1000, 400, "kB"),
    ]
    print(f"Over the std headers alone ({', '.join(headers)}: {median['include std']:.2f} s):\n")
    print("| what | more | target | |\n|---|---|---|---|")
    missed = 0
    for what, value, target, unit in rows:
        fine = value <= target
        missed += not fine
        print(f"| {what} | {value:.2f} {unit} | ≤ {target} {unit} | {'reached' if fine else 'missed'} |")
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
