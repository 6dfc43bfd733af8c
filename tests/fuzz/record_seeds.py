#!/usr/bin/env python3
"""Writes each golden record set of at most 4096 bytes to a file of its own, for fuzz_records to begin with.

    python3 tests/fuzz/record_seeds.py <directory>
"""

import gzip
import json
import pathlib
import sys

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden" / "records.jsonl.gz"


def main(directory):
    directory.mkdir(parents=True, exist_ok=True)
    files = 0
    with gzip.open(GOLDEN, "rt", encoding="utf-8") as file:
        for line in map(json.loads, file):
            if len(line["hex"]) <= 2 * 4096:
                (directory / line["sample"]).write_bytes(bytes.fromhex(line["hex"]))
                files += 1
    print(f"{files} files in {directory}")
    return 0 if files else 1


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
