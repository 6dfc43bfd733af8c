#!/usr/bin/env python3
"""Prints the benchmarks' JSON results as one Markdown table: medians, and each contender against the first of its group.

    python3 bench/report.py build/bench/results/*.json
"""

import json
import pathlib
import statistics
import sys

# The contender of each row and the allowed ratio to its time, or the row's own limit in nanoseconds.
TARGETS = {
    "fetch_response_encode/payload/1048576": ("1", 1.1, None),
    "batch_patch/base_offset/1048576": ("200", 1.1, None),
    "records/read/kwire": ("by_hand", 1.1, None),
    "records/read_2_headers/kwire": ("by_hand", 1.15, None),
    "records/build/kwire": ("by_hand", 1.1, None),
    "records/count/kwire": ("by_hand", None, 6000),
    "records/find_offset/kwire": ("by_hand", None, 6000),
    "records/stamp/65536": ("200", None, 60),
    "records/stamp/1048576": ("65536", 1.2, 60),
    **{f"compressed/{name}/kwire": ("library", 1.05, None) for name in ("zstd", "lz4", "snappy", "gzip", "libdeflate")},
}
ALLOCATIONS = {"fetch_response_encode": 1, "records/build": 2, "compressed": 1}  # per run; 0 for all others
ORDER = ["hand_written", "by_hand", "library", "isal", "run_time", "compile_time", "visit_version", "kwire"]


def shown(nanoseconds):
    return f"{nanoseconds / 1000:.1f} µs" if nanoseconds >= 1000 else f"{nanoseconds:.1f} ns"


def place(name):
    """Sort key: contenders of one group are adjacent, the reference first; sizes ascend."""
    group, contender = name.rsplit("/", 1)
    sizes = [int(part) if part.isdigit() else 0 for part in name.split("/")]
    return (group.split("/")[0], sizes[1:-1], group, ORDER.index(contender) if contender in ORDER else 0, sizes[-1])


def main():
    runs = {}
    for path in sys.argv[1:]:
        for run in json.loads(pathlib.Path(path).read_text())["benchmarks"]:
            if run.get("error_occurred"):
                print(f"{run['name']}: {run['error_message']}", file=sys.stderr)
                return 1
            if run["run_type"] == "iteration":
                runs.setdefault(run["run_name"], []).append(run)
    if not runs:
        print("no results", file=sys.stderr)
        return 1

    # CPU time, in nanoseconds throughout.
    median = {name: statistics.median(run["cpu_time"] for run in all_of) for name, all_of in runs.items()}
    names = sorted(runs, key=place)
    not_compared = set()
    print("| benchmark | median | GB/s | allocations | ratio | target | |")
    print("|---|---:|---:|---:|---:|---:|---|")
    for name in names:
        first = runs[name][0]
        speed = ""
        if "bytes_per_second" in first and name.split("/")[0] != "fetch_response_encode":  # which does not touch them
            speed = f"{statistics.median(run['bytes_per_second'] for run in runs[name]) / 1e9:.2f}"
        allocations = max(run["allocations"] for run in runs[name])
        allowed = next((most for prefix, most in ALLOCATIONS.items() if name.startswith(prefix)), 0)
        ratio = target = ""
        fine = allocations <= allowed
        if name in TARGETS:
            other, most, limit = TARGETS[name]
            contender = f"{name.rsplit('/', 1)[0]}/{other}"
            times = median[name] / median[contender] if contender in median else None
            if times is None:
                not_compared.add(other)
            else:
                ratio = f"{times:.2f}"
            if most is not None and times is not None:
                target, fine = f"≤ {most:g}", fine and times <= most
            if limit is not None:
                target += f"{', ' if target else ''}≤ {shown(limit)}"
                fine = fine and median[name] <= limit
        if allowed or allocations:
            target += f"{', ' if target else ''}≤ {allowed} allocations"
        verdict = ("reached" if fine else "missed") if target or not fine else ""
        print(f"| {name} | {shown(median[name])} | {speed} | {allocations:g} | {ratio} | {target} | {verdict} |")
    for contender in sorted(not_compared):
        name = {"isal": "ISA-L (Debian's libisal-dev)"}.get(contender, contender)
        print(f"\nNot compared with {name}, which was not found when the benchmarks were built.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
