#!/usr/bin/env python3
"""The tests of CRC-32C hold on 64-bit ARM too, where the instructions for it are asked for when the program runs.

    python3 tests/wire/test_crc32c_arm.py

Compiles them with aarch64-linux-gnu-g++ (Debian's g++-aarch64-linux-gnu) and runs them with qemu-aarch64 (qemu-user).
Where one of the two is not there the test is skipped: exit status 77.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMPILER, EMULATOR = "aarch64-linux-gnu-g++", "qemu-aarch64"
SKIPPED = 77


def build(directory, name, *flags):
    program = pathlib.Path(directory) / name
    sources = [ROOT / "tests/main.cpp", ROOT / "tests/wire/crc32c.test.cpp"]
    subprocess.run([COMPILER, "-std=c++23", "-O1", "-static", "-Wall", "-Wextra", "-Werror", *flags, f"-I{ROOT / 'include'}",
                    f"-I{ROOT / 'tests'}", f"-I{ROOT}", *sources, "-o", program], check=True)
    return program


def main():
    missing = [name for name in (COMPILER, EMULATOR) if shutil.which(name) is None]
    if missing:
        print(f"skipped: {' and '.join(missing)} not found")
        return SKIPPED
    with tempfile.TemporaryDirectory() as directory:
        program = build(directory, "crc32c")
        machine_code = subprocess.run(["aarch64-linux-gnu-objdump", "-d", program], check=True, text=True,
                                      stdout=subprocess.PIPE).stdout
        if "crc32cx" not in machine_code:
            print("the program has none of the instructions", file=sys.stderr)
            return 1
        for processor in ("cortex-a53", "max"):
            print(f"on {processor}:", flush=True)
            if subprocess.run([EMULATOR, "-cpu", processor, program], check=False).returncode != 0:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
