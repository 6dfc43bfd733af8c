#!/usr/bin/env python3
"""Checks the project's text files: nothing of the machine they were written on, and a plain form.

    python3 cmake/check_text.py

No absolute paths of a machine, no host names of package registries, no tabs but in Go, no spaces at line ends, a final newline, no
file that is no UTF-8. Looks at the files that git knows, or at all outside build/ where there is no git.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = {".gz", ".bin", ".pcap", ".png", ".zst", ".lz4", ".snappy"}
VERBATIM = {"LICENSE"}  # not ours to reformat

# Written so that they do not find themselves.
RULES = [
    ("an absolute path of a machine", re.compile(r"(?<![\w.$}*:])/(?:work|home|root|Users|mnt|opt)/|[/](?:tmp)/\w")),
    ("a path outside the project", re.compile(r"\.\.[/]shared\b")),
    (
        "the host name of a package registry",
        re.compile(
            r"\b(?:[a-z0-9-]+\.)*(?:maven\.org|maven\.apache\.org|npmjs\.(?:org|com)|pypi\.org|pythonhosted\.org|crates\.io"
            r"|golang\.org|debian\.org|rubygems\.org|nuget\.org|conan\.io)\b"
        ),
    ),
    ("a tab", re.compile(r"\t")),
    ("spaces at the end of a line", re.compile(r"[ ]+$")),
    ("a carriage return", re.compile(r"\r")),
]


def files():
    try:
        known = subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, check=True, capture_output=True,
        ).stdout
        return [ROOT / name for name in known.decode().split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        skip = {"build", ".git", "__pycache__", "CMakeUserPresets.json"}
        return [p for p in ROOT.rglob("*") if p.is_file() and skip.isdisjoint(p.relative_to(ROOT).parts)]


def check(name, content):
    """Returns (line number, what is wrong) for each finding in one file."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as problem:
        return [(content[: problem.start].count(b"\n") + 1, "no UTF-8")]
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        found += [(number, what) for what, pattern in RULES
                  if pattern.search(line) and not (what == "a tab" and name.endswith(".go"))]  # gofmt's
    if text and (not text.endswith("\n") or text.endswith("\n\n")):
        found.append((text.count("\n") + 1, "not exactly one newline at the end"))
    return found


def self_test():
    bad = ["a\tb\n", "a \n", "a\r\n", "a", "a\n\n", "cd /" + "work/x\n", "see ../" + "shared\n", "'/" + "home/me'\n",
           "https://repo1.ma" + "ven.org/x\n", ">/" + "tmp/x\n"]
    good = ["", "a\n", "b/work/c\n", "${prefix}/opt/x\n", "/usr/include/zlib.h\n"]
    return [f"self-test: {t!r} passes" for t in bad if not check("x", t.encode())] + [
        f"self-test: {t!r} fails" for t in good if check("x", t.encode())
    ]


def main():
    problems = self_test()
    looked_at = 0
    for path in files():
        if path.suffix in BINARY or path.name in VERBATIM or not path.is_file():
            continue
        looked_at += 1
        name = path.relative_to(ROOT).as_posix()
        problems += [f"{name}:{number}: {what}" for number, what in check(name, path.read_bytes())]
    if looked_at < 10:
        problems.append(f"only {looked_at} files found, which cannot be the project")
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
