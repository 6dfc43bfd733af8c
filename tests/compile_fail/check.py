#!/usr/bin/env python3
"""Checks one marked mistake of a source file: the compiler must refuse it for the stated reason.

    python3 tests/compile_fail/check.py <source> <n> <compiler> <flag>...     compiles mistake n; 0 is the file without mistakes
    python3 tests/compile_fail/check.py --list <gcc|clang> <source>           prints the numbers that this compiler must refuse

The code of mistake n lies under `#if KWIRE_MUST_FAIL == n` (or `#elif`), and there a line `// expect: <regular expression>`
gives the message that the compiler must print. `// expect(clang): ...` is for what only that compiler notices. The file must
compile without its mistakes, so a file that fails for another reason does not pass as refused.
"""

import re
import subprocess
import sys

CONDITION = re.compile(r"^\s*#\s*(?:el)?if\s+KWIRE_MUST_FAIL == (\d+)\s*$")
END = re.compile(r"^\s*#\s*endif\b")
EXPECT = re.compile(r"^\s*// expect(?:\((gcc|clang)\))?: (.+?)\s*$")


def mistakes(source):
    """{number: (the only compiler that notices it or None, expected message)}; raises ValueError if the marks do not pair up."""
    found = {}
    block = None
    with open(source, encoding="utf-8") as file:
        for line_number, line in enumerate(file, 1):
            where = f"{source}:{line_number}"
            if condition := CONDITION.match(line):
                block = int(condition[1])
                if block in found or block == 0:
                    raise ValueError(f"{where}: a second mistake {block}, or number 0")
                found[block] = None
            elif END.match(line):
                block = None
            elif "KWIRE_MUST_FAIL ==" in line:
                raise ValueError(f"{where}: write `#if KWIRE_MUST_FAIL == <n>`")
            elif expect := EXPECT.match(line):
                if found.get(block, "outside") is not None:
                    raise ValueError(f"{where}: an `// expect:` that belongs to no mistake, or its second one")
                found[block] = (expect[1], expect[2])
    for number, expected in found.items():
        if expected is None:
            raise ValueError(f"{source}: mistake {number} has no `// expect:`")
    if not found:
        raise ValueError(f"{source}: has no mistake")
    return found


def check(source, number, command):
    """Returns what is wrong, or None."""
    flags = [f"-DKWIRE_MUST_FAIL={number}"] if number else []
    ran = subprocess.run([*command, "-fsyntax-only", *flags, source], capture_output=True, text=True)
    if number == 0:
        return None if ran.returncode == 0 else f"does not compile without its mistakes:\n{ran.stderr}"
    expected = mistakes(source)[number][1]
    if ran.returncode == 0:
        return f"mistake {number} compiles; expected: {expected}"
    if not re.search(expected, ran.stderr):
        return f"mistake {number} is refused, but not with: {expected}\n{ran.stderr}"
    return None


def main(first, second, *rest):
    try:
        if first == "--list":
            print(*(n for n, (only, _) in mistakes(rest[0]).items() if only in (None, second)))
            return 0
        problem = check(first, int(second), rest)
    except ValueError as problem_of_marks:
        print(problem_of_marks)
        return 1
    if problem:
        print(f"{first}: {problem}")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
