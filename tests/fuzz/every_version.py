#!/usr/bin/env python3
"""Fails unless the fuzz targets have read every version of every message.

    python3 tests/fuzz/every_version.py <directory of the programs>

Each program leaves a file <name>.pairs of what it has accepted (run.py); schema/releases.txt says how many pairs there
are.
"""

import pathlib
import re
import sys

RELEASES = pathlib.Path(__file__).resolve().parents[2] / "schema" / "releases.txt"


def main(directory):
    expected = int(re.search(r"^pairs (\d+)$", RELEASES.read_text(encoding="utf-8"), re.M)[1])
    together = set()
    for file in sorted(directory.glob("*.pairs")):
        pairs = set(file.read_text(encoding="utf-8").splitlines())
        print(f"{file.stem}: {len(pairs)} versions of messages")
        together |= pairs
    print(f"together: {len(together)} of {expected}")
    return 0 if len(together) == expected else 1


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
