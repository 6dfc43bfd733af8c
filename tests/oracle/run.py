#!/usr/bin/env python3
"""Compares kwire with Kafka's own classes: fetches and compiles what that needs, and runs it.

    KWIRE_BUILD_DIR=build/oracle python3 tests/oracle/run.py messages --seed 1 --count 100000
    python3 tests/oracle/run.py golden

The first calls kwire; its options are passed to the Java program (README.md lists them). The second writes the files of
tests/golden that come from Kafka's jars; `--out DIR` writes them to DIR, `--check` compares them. Exit status 77 if there is
no JDK or no Maven, or if Maven cannot fetch.
"""

import argparse
import collections
import fcntl
import gzip
import json
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = pathlib.Path(os.environ.get("KWIRE_BUILD_DIR", ROOT / "build" / "oracle")).resolve()
PLACE = BUILD / "oracle"
GOLDEN = ROOT / "tests" / "golden"
JARS = pathlib.Path(os.environ.get("JARS", PLACE / "jars")).resolve()
MAIN = PLACE / "main"
SKIPPED = 77


def skip(why):
    print(f"oracle skipped: {why}")
    sys.exit(SKIPPED)


def releases():
    lines = (ROOT / "schema" / "releases.txt").read_text().splitlines()
    return {words[0]: words[1:] for words in map(str.split, lines) if words and not words[0].startswith("#")}


def of_release(name, known):
    """A directory per newer release: files that were fetched and compiled for one release must not be used for the next."""
    return PLACE / f"{name}-{known['newer'][0]}"


def fetch(known, libraries):
    """Fetches the jars of both releases and the libraries, by their Maven coordinates, unless they exist already."""
    maven = ["mvn", "-B", "-q", "-Dstyle.color=never", "-f", HERE / "pom.xml", f"-Dkafka={known['newer'][0]}"]
    try:
        subprocess.run(["sh", ROOT / "schema" / "fetch_jars.sh", JARS], check=True, stdin=subprocess.DEVNULL)
        if not libraries.is_dir():
            fresh = libraries.with_name(f"{libraries.name}.new")
            shutil.rmtree(fresh, ignore_errors=True)
            subprocess.run([*maven, "dependency:copy-dependencies", "-DincludeScope=runtime", "-DexcludeArtifactIds=kafka-clients",
                            f"-DoutputDirectory={fresh}"], check=True, stdin=subprocess.DEVNULL)
            fresh.rename(libraries)
    except subprocess.CalledProcessError:
        skip("Maven cannot fetch Kafka's jars here")


def compile_java(sources, target, class_path):
    files = sorted(sources.rglob("*.java"))
    if target.is_dir() and all(file.stat().st_mtime < target.stat().st_mtime for file in files):
        return
    fresh = target.with_name(f"{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    subprocess.run(["javac", "--release", "17", "-Xlint:all,-serial,-try,-classfile,-options", "-Werror", "-d", fresh, "-cp",
                    os.pathsep.join(map(str, class_path)), *files], check=True)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    os.utime(target)


def golden(command, arguments):
    """Runs the Java program, gzips what it wrote without a time or a name, and counts the lines of each kind."""
    parser = argparse.ArgumentParser(prog="run.py golden")
    parser.add_argument("--out", type=pathlib.Path, default=GOLDEN)
    parser.add_argument("--check", action="store_true", help="compare with the existing files instead of writing")
    options = parser.parse_args(arguments)
    out = options.out
    plain = PLACE / "golden"
    shutil.rmtree(plain, ignore_errors=True)
    plain.mkdir()
    status = subprocess.run([*command, "--out", plain]).returncode
    if status:
        return status
    if options.check:
        return check(plain)
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(plain.iterdir()):
        if path.suffix == ".txt":
            shutil.copyfile(path, out / path.name)
        else:
            with open(out / f"{path.name}.gz", "wb") as file, \
                    gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=file, mtime=0) as packed:
                packed.write(path.read_bytes())
    (out / "counts.txt").write_text(counts_of(plain))
    return 0


def check(plain):
    """Whether tests/golden holds what was just written; but for record sets, whose compressed bytes depend on the JDK's zlib."""
    stale = []
    for path in sorted(plain.iterdir()):
        packed = GOLDEN / f"{path.name}.gz"
        there = gzip.decompress(packed.read_bytes()) if packed.is_file() else (GOLDEN / path.name).read_bytes()
        if path.name in ("records.jsonl", "filtered.jsonl", "committed.jsonl"):
            same = len(there.splitlines()) == len(path.read_bytes().splitlines())
        else:
            same = there == path.read_bytes()
        if not same:
            stale.append(path.name)
    if (GOLDEN / "counts.txt").read_text() != counts_of(plain):
        stale.append("counts.txt")
    if stale:
        print(f"tests/golden is not what Kafka's jars give: {', '.join(stale)}; run python3 tests/oracle/run.py golden")
    return 1 if stale else 0


def counts_of(folder):
    """The text of counts.txt: what the tests must find in the golden files."""
    found = collections.Counter()
    for line in map(json.loads, (folder / "messages.jsonl").read_text().splitlines()):
        found["messages, values" if "json" in line else "messages, refused"] += 1
    for line in map(json.loads, (folder / "transcode.jsonl").read_text().splitlines()):
        found["transcodings"] += 1
    found["meanings"] = len((folder / "meaning.jsonl").read_text().splitlines())
    for line in (folder / "error-answers.jsonl").read_text().splitlines():
        found["error answers"] += 1
    for line in map(json.loads, (folder / "records.jsonl").read_text().splitlines()):
        if "reject" in line:
            found["record sets, refused"] += 1
            found[f"record sets, refused at {line['stage']}"] += 1
        else:
            kind = "lenient" if "lenient" in line else "changed" if "patch" in line else "valid"
            found[f"record sets, {kind}"] += 1
    for name in ("filtered", "committed"):
        found[f"record sets, {name}"] = len((folder / f"{name}.jsonl").read_text().splitlines())
    for name in ("header-versions", "error-codes"):
        found[name.replace("-", " ")] = len((folder / f"{name}.txt").read_text().splitlines()) - 1
    lines = ["# Lines of each kind in the golden files, by `python3 tests/oracle/run.py golden`; the tests require these numbers."]
    return "\n".join(lines + [f"{count} {what}" for what, count in sorted(found.items())]) + "\n"


def main(arguments):
    for tool in ("java", "javac", "mvn"):
        if shutil.which(tool) is None:
            skip(f"{tool} is missing")
    known = releases()
    libraries, judge = of_release("libraries", known), of_release("judge", known)
    PLACE.mkdir(parents=True, exist_ok=True)
    with open(PLACE / "lock", "w") as lock:  # tests run in parallel
        fcntl.flock(lock, fcntl.LOCK_EX)
        fetch(known, libraries)
        compile_java(HERE / "java", MAIN, [libraries / "*"])
        compile_java(HERE / "judge", judge, [MAIN, libraries / "*", JARS / f"kafka-clients-{known['newer'][0]}.jar"])
    what = arguments[0] if arguments else ""
    command = ["java", "-Xmx1g", "-cp", os.pathsep.join([str(MAIN), str(libraries / "*")]), "oracle.Main", what,
               "--newer", known["newer"][0], "--older", known["older"][0], "--jars", JARS, "--judge", judge]
    if what == "golden":
        return golden(command, arguments[1:])
    command = [*command, *arguments[1:], "--pairs", known["pairs"][0], "--convert", BUILD / "examples" / "kwire-convert", "--build-sets", BUILD / "tests" / "tools" / "build_sets",
               "--edits", BUILD / "tests" / "oracle" / "kwire-edits", "--marked", ROOT / "schema" / "marked_fields.txt",
               "--findings", PLACE / f"findings-{what}.txt"]
    return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
