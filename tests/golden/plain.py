#!/usr/bin/env python3
"""Unpacks the golden vectors, for programs without zlib: `python3 tests/golden/plain.py DIRECTORY`."""

import gzip
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent

for packed in sorted(HERE.rglob("*.gz")):
    plain = pathlib.Path(sys.argv[1]) / packed.relative_to(HERE).with_suffix("")
    if plain.exists() and plain.stat().st_mtime > packed.stat().st_mtime:
        continue
    plain.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(packed) as source, open(plain, "wb") as target:
        shutil.copyfileobj(source, target)
