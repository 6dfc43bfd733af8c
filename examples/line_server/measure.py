#!/usr/bin/env python3
"""Measures examples/line_server beside its copying twin and writes the figures and the flame graph of docs/zero-copy.md.

    python3 examples/line_server/measure.py                60 s for each row and server
    python3 examples/line_server/measure.py --seconds 6    a quick look; --dry-run writes nothing

Builds with the preset `release`. Both servers take turns, so that what else the machine does is the same for both. strace, valgrind
and perf are used if they are there; without perf the flame graph is made from callgrind's counts.
"""

import argparse
import collections
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import flamegraph

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "build" / "release" / "examples"
PAGE, GRAPH = ROOT / "docs" / "zero-copy.md", ROOT / "docs" / "zero-copy.svg"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
FILE_SIZE = 1_000_000
TURNS = 6  # of each server in a row

Result = collections.namedtuple("Result", "lines megabytes cpu wall")


class Server:
    """The program, under another one if `under` says so, on a free port."""

    def __init__(self, arguments, under=()):
        self.process = subprocess.Popen([*under, PROGRAMS / "line_server", *arguments], stdout=subprocess.PIPE, text=True)
        self.port = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", self.process.stdout.readline())[1]

    def load(self, seconds, *arguments):
        """Lines, and seconds, of one run of the load, which checks every answer."""
        said = subprocess.run([PROGRAMS / "line_load", "--port", self.port, "--seconds", str(seconds), *arguments],
                              check=True, capture_output=True, text=True).stdout
        return int(re.search(r"lines: (\d+)", said)[1]), float(re.search(r"seconds: ([\d.]+)", said)[1])

    def stop(self):
        """What it prints at the end."""
        self.process.terminate()
        said = self.process.communicate(timeout=60)[0]
        if self.process.returncode != 0:
            sys.exit(f"line_server ended with {self.process.returncode}")
        return said


def run(server, load, seconds):
    """One turn."""
    process = Server(server)
    try:
        lines, wall = process.load(seconds, *load)
        said = process.stop()
    finally:
        process.process.kill()
    user, system = map(float, re.search(r"CPU: ([\d.]+) user, ([\d.]+) system", said).groups())
    size = int(re.search(r"bytes in: (\d+)", said)[1]) + int(re.search(r"bytes out: (\d+)", said)[1])
    return Result(lines, size / 1e6, user + system, wall)


def total(results):
    return Result(*map(sum, zip(*results)))


def compare(load, seconds, servers):
    """The sum of all turns of each server, which take turns."""
    results = {name: [] for name in servers}
    for _ in range(TURNS):
        for name, server in servers.items():
            results[name].append(run(server, load, max(1, round(seconds / TURNS))))
    return {name: total(turns) for name, turns in results.items()}


def system_calls(server, load):
    """{name: calls per 1000 lines}, or None without strace."""
    if not shutil.which("strace"):
        return None
    with tempfile.NamedTemporaryFile("r") as log:
        process = Server(server, ["strace", "-f", "-c", "-U", "calls,name", "-o", log.name])
        lines, _ = process.load(2, *load)
        child = pathlib.Path(f"/proc/{process.process.pid}/task/{process.process.pid}/children").read_text()
        os.kill(int(child), signal.SIGTERM)
        process.process.communicate(timeout=60)
        calls = dict((name, int(n)) for n, name in re.findall(r"^ *(\d+) (\w+)$", log.read(), re.M))
    return {name: 1000 * n / lines for name, n in calls.items() if name != "total"}


def instructions(server, load):
    """({function: its own instructions} in a short run, the share of copies), or None without valgrind."""
    if not shutil.which("valgrind"):
        return None
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder, "out")
        process = Server(server, ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}"])
        process.load(1, *load)
        process.stop()
        own = flamegraph.own_cost(out.read_text())
    copies = sum(n for name, n in own.items() if flamegraph.COPY.search(name))
    return own, copies / sum(own.values())


def stacks_of_perf(server, load, seconds):
    """{stack: samples}, or None where perf cannot measure."""
    if not shutil.which("perf"):
        return None
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder, "data")
        process = Server(server)
        try:
            record = subprocess.Popen(["perf", "record", "-q", "-F", "249", "-e", "cpu-clock", "--call-graph", "dwarf,24576", "-o", data,
                                       "-p", str(process.process.pid), "--", "sleep", str(seconds)], stderr=subprocess.DEVNULL)
            process.load(seconds, *load)
            if record.wait(60) != 0:
                return None
        finally:
            process.process.kill()
        script = subprocess.run(["perf", "script", "-i", data, "-F", "comm,ip,sym,dso", "--no-inline"], capture_output=True, text=True)
    return flamegraph.fold_perf(script.stdout) if script.returncode == 0 else None


ROWS = [  # (what the load is, arguments of line_load)
    ("lines of 64 bytes", ["--line", "64"]),
    ("lines of 1 KiB", ["--line", "1024"]),
    ("lines of 8 KiB", ["--line", "8192"]),
    ("lines of 1 KiB, and a file of 1 MB after each MiB of them", ["--line", "1024", "--get"]),
]
MAIN = ["--line", "1024"]  # the load of all that is not a comparison of time


def table_of_times(seconds, file):
    each = {"epoll": ["--backend", "epoll"], "epoll, copying": ["--backend", "epoll", "--copying"]}
    more = {"io_uring": ["--backend", "io_uring"], "io_uring, copying": ["--backend", "io_uring", "--copying"]}
    if not (PROGRAMS / "line_server_io_uring").exists():
        more = {}
    out = ["| load | server | lines per second of CPU | MB/s | ms of CPU per MB | times its twin |", "|---|---|---:|---:|---:|---:|"]
    for words, load in ROWS:
        load = load + [file] if load[-1] == "--get" else load
        servers = {**each, **more} if load == MAIN else each
        results = compare(load, seconds, {name: [*server, "--file", file] for name, server in servers.items()})
        for name, r in results.items():
            twin = results.get(name + ", copying")
            ratio = f"{(r.lines / r.cpu) / (twin.lines / twin.cpu):.2f}" if twin else ""
            out.append(f"| {words} | {name} | {r.lines / r.cpu:,.0f} | {r.megabytes / r.wall:,.0f} | {1000 * r.cpu / r.megabytes:.3f} | {ratio} |")
            print(out[-1], flush=True)
    return out


def table_of_calls():
    out = ["| server | system calls per 1000 lines | of these |", "|---|---:|---|"]
    for name, server in (("epoll", []), ("epoll, copying", ["--copying"])):
        calls = system_calls(server, MAIN)
        if calls is None:
            return ["(strace is not there to count system calls)"]
        most = ", ".join(f"`{call}` {n:.1f}" for call, n in sorted(calls.items(), key=lambda each: -each[1]) if n >= 0.5)
        out.append(f"| {name} | {sum(calls.values()):.1f} | {most} |")
    return out


def table_of_copies():
    out = ["| server | instructions in memcpy and memmove |", "|---|---:|"]
    for name, server in (("epoll", []), ("epoll, copying", ["--copying"])):
        counted = instructions(server, MAIN)
        if counted is None:
            return ["(valgrind is not there to count instructions)"]
        out.append(f"| {name} | {100 * counted[1]:.2f} % |")
    return out


def draw(seconds):
    title = "line_server, epoll, lines of 1 KiB"
    stacks = stacks_of_perf([], MAIN, seconds)
    if stacks:
        return flamegraph.svg(stacks, title, "time of the CPU by perf; a box lies on its caller; hover for shares")
    own = instructions([], MAIN)
    if own is None:
        sys.exit("a flame graph needs perf or valgrind")
    return flamegraph.svg(flamegraph.fold_flat(own[0]), title, "instructions by callgrind, without the kernel; hover for shares")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="of each row and server; default 60")
    parser.add_argument("--dry-run", action="store_true", help="prints, and writes nothing")
    parser.add_argument("--programs", type=pathlib.Path, help="a folder with programs, which are then not built")
    chosen = parser.parse_args()
    if chosen.programs:
        global PROGRAMS
        PROGRAMS = chosen.programs
    else:
        subprocess.run(["cmake", "--preset", "release"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        known = subprocess.run(["cmake", "--build", "--preset", "release", "--target", "help"], cwd=ROOT, check=True,
                               capture_output=True, text=True).stdout
        targets = [name for name in ("line_server", "line_load", "line_server_io_uring") if re.search(rf"\b{name}\b", known)]
        subprocess.run(["cmake", "--build", "--preset", "release", "--target", *targets], cwd=ROOT, check=True)
    with tempfile.NamedTemporaryFile() as file:
        file.write(os.urandom(FILE_SIZE))
        file.flush()
        times = table_of_times(chosen.seconds, file.name)
    picture = draw(min(chosen.seconds, 10))
    graph = [f"{TURNS} turns of each server, which take turns: {chosen.seconds} s in all for each row, 4 connections.", ""]
    text = "\n".join([BEGIN, *graph, *times, "", *table_of_calls(), "", *table_of_copies(), END])
    print(text)
    if not chosen.dry_run:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(re.sub(re.escape(BEGIN) + ".*" + re.escape(END), lambda _: text, page, flags=re.DOTALL), encoding="utf-8")
        GRAPH.write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
