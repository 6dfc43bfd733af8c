#!/usr/bin/env python3
"""Kafka's own classes as the judge of kwire: fetches and compiles what that needs, and runs it.

    KWIRE_BUILD_DIR=build/oracle python3 tests/oracle/run.py messages --seed 1 --count 100000

Options are handed on to the Java program (README.md lists them). Exit status 77 where there is no JDK or no Maven, or
where Maven cannot fetch.
"""

import fcntl
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = pathlib.Path(os.environ.get("KWIRE_BUILD_DIR", ROOT / "build" / "oracle")).resolve()
PLACE = BUILD / "oracle"
JARS, LIBRARIES, MAIN, JUDGE = (PLACE / name for name in ("jars", "libraries", "main", "judge"))
SKIPPED = 77


def skip(why):
    print(f"oracle skipped: {why}")
    sys.exit(SKIPPED)


def releases():
    lines = (ROOT / "schema" / "releases.txt").read_text().splitlines()
    return {words[0]: words[1:] for words in map(str.split, lines) if words and not words[0].startswith("#")}


def fetch(known):
    """The jars of both releases and the libraries, by their Maven coordinates; nothing that is there already."""
    maven = ["mvn", "-B", "-q", "-Dstyle.color=never", "-f", HERE / "pom.xml", f"-Dkafka={known['newer'][0]}"]
    try:
        subprocess.run(["sh", ROOT / "schema" / "fetch_jars.sh", JARS], check=True, stdin=subprocess.DEVNULL)
        if not LIBRARIES.is_dir():
            fresh = LIBRARIES.with_suffix(".new")
            shutil.rmtree(fresh, ignore_errors=True)
            subprocess.run([*maven, "dependency:copy-dependencies", "-DincludeScope=runtime", "-DexcludeArtifactIds=kafka-clients",
                            f"-DoutputDirectory={fresh}"], check=True, stdin=subprocess.DEVNULL)
            fresh.rename(LIBRARIES)
    except subprocess.CalledProcessError:
        skip("Maven cannot fetch Kafka's jars here")


def compile_java(sources, target, class_path):
    files = sorted(sources.rglob("*.java"))
    if target.is_dir() and all(file.stat().st_mtime < target.stat().st_mtime for file in files):
        return
    fresh = target.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    subprocess.run(["javac", "--release", "17", "-Xlint:all,-serial,-try,-classfile,-options", "-Werror", "-d", fresh, "-cp",
                    os.pathsep.join(map(str, class_path)), *files], check=True)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    os.utime(target)


def main(arguments):
    for tool in ("java", "javac", "mvn"):
        if shutil.which(tool) is None:
            skip(f"there is no {tool}")
    known = releases()
    PLACE.mkdir(parents=True, exist_ok=True)
    with open(PLACE / "lock", "w") as lock:  # tests run side by side
        fcntl.flock(lock, fcntl.LOCK_EX)
        fetch(known)
        compile_java(HERE / "java", MAIN, [LIBRARIES / "*"])
        compile_java(HERE / "judge", JUDGE, [MAIN, LIBRARIES / "*", JARS / f"kafka-clients-{known['newer'][0]}.jar"])
    command = ["java", "-Xmx1g", "-cp", os.pathsep.join([str(MAIN), str(LIBRARIES / "*")]), "oracle.Main", *arguments,
               "--newer", known["newer"][0], "--older", known["older"][0], "--pairs", known["pairs"][0], "--jars", JARS,
               "--judge", JUDGE, "--convert", BUILD / "examples" / "kwire-convert", "--build-sets", BUILD / "tests" / "tools" / "build_sets",
               "--findings", PLACE / f"findings-{arguments[0] if arguments else ''}.txt"]
    return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
