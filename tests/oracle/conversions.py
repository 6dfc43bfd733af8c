#!/usr/bin/env python3
"""Writes tests/golden/conversions.jsonl.gz: what Kafka's request and response classes make of one meaning at two versions.

    python3 tests/oracle/conversions.py            # writes
    python3 tests/oracle/conversions.py --check    # compares

The programs in conversions/ say what they ask. Older.java runs on the older release of schema/releases.txt, which still has the
first versions, Newer.java on the newer one. Exit status 77 if there is no JDK or no Maven, or if Maven cannot fetch.
"""

import gzip
import os
import pathlib
import shutil
import subprocess
import sys

import run

SOURCES = run.HERE / "conversions"
TARGET = run.GOLDEN / "conversions.jsonl.gz"


def lines_of(program, release, jars):
    """What a program prints, compiled and run with the jars of one release."""
    classes = run.PLACE / f"conversions-{release}"
    shutil.rmtree(classes, ignore_errors=True)
    path = os.pathsep.join(map(str, jars))
    subprocess.run(["javac", "--release", "17", "-Xlint:all,-serial,-try,-classfile,-options", "-Werror", "-d", classes, "-cp", path,
                    SOURCES / "Lines.java", SOURCES / f"{program}.java"], check=True)
    return subprocess.run(["java", "-cp", os.pathsep.join([str(classes), path]), program, release], check=True,
                          stdout=subprocess.PIPE).stdout


def main():
    for tool in ("java", "javac", "mvn"):
        if shutil.which(tool) is None:
            run.skip(f"{tool} is missing")
    known = run.releases()
    libraries = run.of_release("libraries", known)
    run.PLACE.mkdir(parents=True, exist_ok=True)
    run.fetch(known, libraries)
    others = sorted(libraries.glob("*.jar"))
    made = b""
    for program, which in (("Older", "older"), ("Newer", "newer")):
        release = known[which][0]
        jars = sorted(run.JARS.rglob(f"kafka-clients-{release}.jar"))
        made += lines_of(program, release, [*jars, *others])
    if "--check" in sys.argv:
        same = TARGET.is_file() and gzip.decompress(TARGET.read_bytes()) == made
        if not same:
            print("tests/golden/conversions.jsonl.gz is not what Kafka's jars give; run python3 tests/oracle/conversions.py")
        return 0 if same else 1
    with open(TARGET, "wb") as file, gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=file, mtime=0) as packed:
        packed.write(made)
    print(f"{len(made.splitlines())} conversions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
