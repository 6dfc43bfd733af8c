#!/usr/bin/env python3
"""Checks that a source file compiles, and that its marked mistakes do not, for the reason that it states.

    python3 tests/compile_fail/check.py <gcc|clang> <source> <compiler> <flag>...

The file holds, for its n-th mistake, a line `// expect: <regular expression>` and code under `#if KWIRE_MUST_FAIL == n` (with a
single mistake `#ifdef KWIRE_MUST_FAIL` does). `// expect(clang): ...` is for what only that compiler notices. Compiled
without the macro the file must be well; with it, the compiler must refuse with a message that matches. So a file that
rots, and fails for another reason, is noticed.
"""

import re
import subprocess
import sys

EXPECT = re.compile(r"^\s*// expect(?:\((gcc|clang)\))?: (.+?)\s*$", re.MULTILINE)


def compile_it(command, source, mistake):
    flags = [f"-DKWIRE_MUST_FAIL={mistake}"] if mistake else []
    ran = subprocess.run(command + ["-fsyntax-only"] + flags + [source], capture_output=True, text=True)
    return ran.returncode == 0, ran.stderr


def main(compiler_id, source, *command):
    with open(source, encoding="utf-8") as file:
        mistakes = EXPECT.findall(file.read())
    if not mistakes:
        print(f"{source}: has no line '// expect: ...'")
        return 1

    well, output = compile_it(list(command), source, 0)
    if not well:
        print(f"{source}: does not compile without its mistakes:\n{output}")
        return 1

    failures = 0
    for number, (only, expected) in enumerate(mistakes, 1):
        if only and only != compiler_id:
            continue
        well, output = compile_it(list(command), source, number)
        if well:
            print(f"{source}: mistake {number} compiles; expected: {expected}")
            failures += 1
        elif not re.search(expected, output):
            print(f"{source}: mistake {number} is refused, but not with: {expected}\n{output}")
            failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
