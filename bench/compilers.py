#!/usr/bin/env python3
"""Compares what GCC and Clang make of kwire's benchmark rows, row by row, and writes docs/compilers.md.

    python3 bench/compilers.py [--rounds N] [--ms N]       # builds the presets bench and bench-clang first
    python3 bench/compilers.py --counts                    # instructions alone, on the terminal; nothing is written

The rows are those of bench/instructions.py. Instructions are counted by callgrind and do not depend on the hour; times are
medians of rounds in which the two programs take turns at each row. What is asked is that neither takes more than LIMIT times as long as
the other.
"""

import argparse
import datetime
import pathlib
import statistics
import subprocess
import sys

import instructions
import peers

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "compilers.md"
BUILDS = {"GCC": ROOT / "build" / "bench", "Clang": ROOT / "build" / "bench-clang"}
LIMIT = 1.15


def build():
    for folder in BUILDS.values():
        for command in (["cmake", "--preset", folder.name], ["cmake", "--build", "--preset", folder.name, "--target", "bench_run"]):
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")


def times(rows, rounds, milliseconds):
    """Medians in nanoseconds by compiler and row."""
    programs = {name: peers.Program(f"{folder}/bench/run --serve") for name, folder in BUILDS.items()}
    samples = {(name, row): [] for name in programs for row in rows}
    for round_ in range(-1, rounds):  # the first proves and warms up
        for row in rows:
            for name, program in programs.items():
                took = program.run(tuple(row.split()), milliseconds)
                if round_ >= 0:
                    samples[name, row].append(took)
    for program in programs.values():
        program.process.stdin.close()
        program.process.wait()
    return {key: statistics.median(all_of) for key, all_of in samples.items()}


def ratio(clang, gcc):
    """Clang's share of GCC's, in bold if one of the two is above the limit."""
    value = clang / gcc
    return f"**{value:.2f}**" if value > LIMIT or value < 1 / LIMIT else f"{value:.2f}"


def within(pairs):
    return sum(1 / LIMIT <= clang / gcc <= LIMIT for clang, gcc in pairs)


def summary(what, pairs):
    ratios = sorted(clang / gcc for clang, gcc in pairs)
    return (f"{what}: {within(pairs)} of {len(pairs)} rows are within {LIMIT}×; Clang ÷ GCC is {ratios[0]:.2f} at least,"
            f" {statistics.median(ratios):.2f} in the median, {ratios[-1]:.2f} at most.")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--ms", type=float, default=3)
    parser.add_argument("--counts", action="store_true")
    options = parser.parse_args()
    build()
    counted = {name: instructions.count(folder / "bench" / "run") for name, folder in BUILDS.items()}
    rows = [row for row in counted["GCC"] if row in counted["Clang"]]
    counts = [(counted["Clang"][row], counted["GCC"][row]) for row in rows]
    if options.counts:
        for row, (clang, gcc) in zip(rows, counts):
            print(f"{row:60} {gcc:9} {clang:9} {clang / gcc:5.2f}")
        print(summary("Instructions", counts))
        return
    timed = times(rows, options.rounds, options.ms)
    took = [(timed["Clang", row], timed["GCC", row]) for row in rows]
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short=10", "HEAD"], capture_output=True, text=True).stdout.strip()
    lines = [
        "# GCC and Clang, row by row",
        "",
        "`python3 bench/compilers.py` builds kwire's benchmark rows with both compilers, counts their instructions, times them in turns,",
        f"and writes this page. Asked is that no row takes more than {LIMIT} times as long with one compiler as with the other; bold is what",
        "misses that. What the rows do is said in [benchmarks.md](benchmarks.md).",
        "",
        f"{datetime.date.today():%Y-%m-%d}, commit {commit or 'unknown'}, {options.rounds} rounds of {options.ms:g} ms, {peers.machine()}.",
        *[f"{name}: {instructions.compiler(folder)}." for name, folder in BUILDS.items()],
        "",
        summary("Times", took) + " " + summary("Instructions", counts),
        "",
        "| case | operation | version known | GCC | Clang | Clang ÷ GCC | instructions, GCC | Clang | Clang ÷ GCC |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row, (clang, gcc), (clang_count, gcc_count) in zip(rows, took, counts):
        case, operation, contender = row.split()
        known = "to the compiler" if contender == "kwire_static" else "at run time"
        lines.append(f"| {case} | {operation} | {known} | {peers.shown(gcc)} | {peers.shown(clang)} | {ratio(clang, gcc)}"
                     f" | {gcc_count} | {clang_count} | {ratio(clang_count, gcc_count)} |")
    PAGE.write_text("\n".join(lines) + "\n")
    print(f"{len(rows)} rows; {PAGE.relative_to(ROOT)} is written")


if __name__ == "__main__":
    main()
