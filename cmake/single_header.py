#!/usr/bin/env python3
"""Writes one header that is the core of kwire and the messages that a program uses, without kwire's folders.

    python3 cmake/single_header.py fetch produce metadata -o kwire.hpp
    python3 cmake/single_header.py fetch connect/posix compression/zstd -o kwire.hpp

A name is an API (messages/<name>.hpp, both directions) or any other header of include/kwire without its ending; `messages/all` are
all messages. Headers that need another library include that library's. Without a name it is the core alone.
"""

import argparse
import difflib
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r"\s*#\s*include\s*<kwire/([^>]+)>")
CONDITION = re.compile(r"\s*#\s*(if|endif)")


def header_of(name, include):
    """The path below include/kwire of what was asked for."""
    for candidate in (f"messages/{name}.hpp", f"{name}.hpp"):
        if (include / "kwire" / candidate).is_file():
            return candidate
    known = [path.relative_to(include / "kwire").with_suffix("").as_posix().removeprefix("messages/")
             for path in (include / "kwire").rglob("*.hpp")]
    near = difflib.get_close_matches(name, known)
    sys.exit(f"kwire has neither an API nor a header {name}" + (f"; near to it: {', '.join(near)}" if near else ""))


class Single:
    """Collects headers, each once, what it includes before it."""

    def __init__(self, include):
        self.include = include
        self.lines = []
        self.seen = set()

    def add(self, header, conditional=False):
        # What is between #if and #endif is perhaps not compiled, so it does not count as seen. The guard lets it come twice.
        if header in self.seen:
            return
        if not conditional:
            self.seen.add(header)
        guard = "KWIRE_SINGLE_" + re.sub(r"\W", "_", header).upper()
        self.lines += ["", f"// ---- kwire/{header}", f"#ifndef {guard}", f"#define {guard}"]
        depth = 0
        for line in (self.include / "kwire" / header).read_text(encoding="utf-8").splitlines():
            condition = CONDITION.match(line)
            if condition:
                depth += 1 if condition[1] == "if" else -1
            included = INCLUDE.match(line)
            if included:
                self.add(included[1], conditional or depth > 0)
            elif line.strip() != "#pragma once":
                self.lines.append(line)
        self.lines.append(f"#endif // {guard}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="an API, such as fetch, or another header, such as connect/posix")
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True, help="the header to write")
    asked = parser.parse_args()

    include = ROOT / "include"
    single = Single(include)
    headers = ["kwire.hpp", *(header_of(name, include) for name in asked.names)]
    for header in headers:
        single.add(header)
    version = re.search(r"project\(kwire VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"))[1]
    notice = [
        f"// kwire {version} in one header: {', '.join('kwire/' + header for header in headers)}",
        "// SPDX-License-Identifier: Apache-2.0",
        "// Made by cmake/single_header.py: do not edit.",
        "#pragma once",
    ]
    asked.output.write_text("\n".join(notice + single.lines) + "\n", encoding="utf-8")
    print(f"{asked.output}: {len(single.seen)} headers, {len(notice) + len(single.lines)} lines")


if __name__ == "__main__":
    main()
