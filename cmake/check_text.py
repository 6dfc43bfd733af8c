#!/usr/bin/env python3
"""Checks the project's text files: nothing of the machine they were written on, a plain form, and plain words.

    python3 cmake/check_text.py [path...]     all files, or those below these paths
    python3 cmake/check_text.py --words       phrases of cmake/plain_words.txt in the whole tree, and how many each folder has

No absolute paths of a machine, no host names of package registries, no tabs except in Go, no spaces at line ends, a final newline,
UTF-8. Words are checked in the files below PLAIN. Looks at the files that git knows, or without git at all files outside build/.
"""

import bisect
import collections
import itertools
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORDS = ROOT / "cmake" / "plain_words.txt"
# Where a phrase of plain_words.txt is an error; "" is the whole tree.
PLAIN = ("cmake/", ".ci/", "ci/", "docs/", "examples/", "include/", "schema/", "tests/bare/", "tests/buffer/", "tests/compile_fail/",
         "tests/connect/", "tests/consumer/", "tests/detail/", "tests/docs/", "tests/examples/", "tests/examples_in_headers/",
         "tests/fuzz/", "tests/golden/", "tests/interop/", "tests/messages/", "tests/mutants/", "tests/odr/", "tests/read/", "tests/records/",
         "tests/reflect/", "tests/schema/", "tests/support/", "tests/tools/", "tests/walks/", "tests/wire/", "tests/write/", "CHANGELOG.md",
         "README.md", "HACKING.md")
# Generated text has its words from schema/, and test data is data.
NOT_OURS = re.compile(r"cmake/plain_words\.txt|LICENSE|include/kwire/api\.hpp|include/kwire/messages/(view/)?[a-z0-9_]+\.hpp|tests/generated/.*\.[ch]pp"
                      r"|tests/golden/.*\.txt|schema/(messages|words|error_codes).*\.txt|.*\.sum")
COMMENT_MARK = re.compile(r"^\s*(?://[/!<]*|#+|\*(?= ))?")
BINARY = {".gz", ".zip", ".bin", ".pcap", ".png", ".zst", ".lz4", ".snappy"}
VERBATIM = {"LICENSE"}  # not ours to reformat

# Written so that they do not find themselves.
RULES = [
    ("an absolute path of a machine", re.compile(r"(?<![\w.$}*:])/(?:work|home|root|Users|mnt|opt)/|[/](?:tmp)/\w")),
    ("a path outside the project", re.compile(r"\.\.[/]shared\b")),
    (
        "the host name of a package registry",
        re.compile(
            r"\b(?:[a-z0-9-]+\.)*(?:maven\.org|maven\.apache\.org|npmjs\.(?:org|com)|pypi\.org|pythonhosted\.org|crates\.io"
            r"|(?:proxy|sum)\.golang\.org|debian\.org|rubygems\.org|nuget\.org|conan\.io)\b"
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
        return [(content[: problem.start].count(b"\n") + 1, "not UTF-8")]
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        found += [(number, what) for what, pattern in RULES
                  if pattern.search(line) and not (what == "a tab" and name.endswith((".go", "go.mod")))]  # gofmt's
    if text and (not text.endswith("\n") or text.endswith("\n\n")):
        found.append((text.count("\n") + 1, "not exactly one newline at the end"))
    return found


def read_words():
    """[(pattern, what to write instead)] of plain_words.txt."""
    lines = [line for line in WORDS.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    pairs = [line.rsplit(" => ", 1) for line in lines]
    return [(re.compile(phrase, re.IGNORECASE), instead) for phrase, instead in pairs]


def check_words(text, words):
    """Returns (line number, what is wrong) for each phrase in one file; a phrase may go on in the next line of a comment."""
    lines = [" ".join(COMMENT_MARK.sub("", line).split()) for line in text.split("\n")]
    starts = list(itertools.accumulate((len(line) + 1 for line in lines), initial=0))
    joined = " ".join(lines)
    found = {}  # by place, so that of several patterns the first one counts
    for pattern, instead in words:
        for match in pattern.finditer(joined):
            if not any(start < match.end() and match.start() < end for start, end in found):
                found[match.span()] = (bisect.bisect_right(starts, match.start()), f"'{match[0]}': write {instead}")
    return sorted(found.values())


def self_test():
    bad = ["a\tb\n", "a \n", "a\r\n", "a", "a\n\n", "cd /" + "work/x\n", "see ../" + "shared\n", "'/" + "home/me'\n",
           "https://repo1.ma" + "ven.org/x\n", ">/" + "tmp/x\n"]
    good = ["", "a\n", "b/work/c\n", "${prefix}/opt/x\n", "/usr/include/zlib.h\n"]
    problems = [f"self-test: {t!r} passes" for t in bad if not check("x", t.encode())]
    problems += [f"self-test: {t!r} fails" for t in good if check("x", t.encode())]
    words = read_words()
    riddles = ["/// a\n/// b as\n/// long" + " as c\n", "# X is " + "no frame.\n", "Who" + "ever\n", 'TEST_CASE("a be' + 'hind b")\n']
    plain = ["/// there is no frame\n", "is no longer, behind a proxy\n", "stands for X\n"]
    problems += [f"self-test: {t!r} passes as plain" for t in riddles if len(check_words(t, words)) != 1]
    problems += [f"self-test: {t!r} is not plain: {check_words(t, words)}" for t in plain if check_words(t, words)]
    if check_words(riddles[0], words)[0][0] != 2:
        problems.append("self-test: the line of a phrase is wrong")
    return problems


def main(*arguments):
    whole_tree = "--words" in arguments
    below = tuple(argument.removeprefix("./") for argument in arguments if argument != "--words")
    problems = self_test()
    words = read_words()
    counts = collections.Counter()
    looked_at = 0
    for path in files():
        if path.suffix in BINARY or path.name in VERBATIM or not path.is_file():
            continue
        name = path.relative_to(ROOT).as_posix()
        if below and not name.startswith(below):
            continue
        looked_at += 1
        content = path.read_bytes()
        problems += [f"{name}:{number}: {what}" for number, what in check(name, content)]
        if not NOT_OURS.fullmatch(name) and (whole_tree or name.startswith(PLAIN)):
            found = check_words(content.decode("utf-8", "replace"), words)
            problems += [f"{name}:{number}: {what}" for number, what in found]
            folders = name.split("/")[:-1]
            counts["/".join(folders[: 3 if name.startswith("include/") else 2]) or "."] += len(found)
    if looked_at < (1 if below else 10):
        problems.append(f"only {looked_at} files found, which cannot be the project")
    for problem in problems:
        print(problem)
    if whole_tree:
        print("phrases by folder:")
        for folder, count in sorted(counts.items()):
            print(f"{count:6} {folder}")
        print(f"{counts.total():6} in all")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
