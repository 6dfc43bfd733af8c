#!/usr/bin/env python3
"""Runs a fuzz target over its seeds and then for KWIRE_FUZZ_SECONDS (20) more; fails if it finds something.

    python3 tests/fuzz/run.py <program> <directory of seeds>

New inputs are kept in found/<name> beside the program, and the next run begins with them; an input that fails is left
beside it as <name>-crash-*. The pairs of message and version that were read go to <name>.pairs.

KWIRE_FUZZ_SEED chooses what is tried (0: something else each time). Before a change goes in it is always the same, so that
what is found is found by that change; fuzz-long looks elsewhere.
"""

import os
import pathlib
import subprocess
import sys


def main(program, seeds):
    name = program.name.removeprefix("fuzz_")
    found = program.parent / "found" / name
    found.mkdir(parents=True, exist_ok=True)
    pairs = program.parent / f"{name}.pairs"
    pairs.unlink(missing_ok=True)
    seconds = int(os.environ.get("KWIRE_FUZZ_SECONDS", "20"))
    command = [program, f"-artifact_prefix={program.parent}/{name}-", "-max_len=4096", "-timeout=60", "-rss_limit_mb=4096",
               f"-seed={os.environ.get('KWIRE_FUZZ_SEED', '0')}", "-print_final_stats=1", "-verbosity=0", f"-max_total_time={seconds}" if seconds else "-runs=0", found, seeds]
    return subprocess.run(command, env={**os.environ, "KWIRE_FUZZ_PAIRS": str(pairs)}).returncode


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])))
