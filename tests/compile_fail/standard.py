#!/usr/bin/env python3
"""Below C++20 the compiler's first message, and nearly its only one, is that kwire needs C++20.

    python3 tests/compile_fail/standard.py <compiler> <include directory>
"""

import pathlib
import subprocess
import sys

compiler, include = sys.argv[1], pathlib.Path(sys.argv[2])
headers = sorted(include.glob("kwire/*.hpp")) + sorted(include.glob("kwire/*/*.hpp"))
headers = [h for h in headers if h.parent.name != "messages"] + [include / "kwire/messages/fetch.hpp"]
needed = 0
wrong = []
for header in headers:
    for standard in ("c++14", "c++17"):
        source = f"#include <{header.relative_to(include)}>\n"
        ran = subprocess.run([compiler, f"-std={standard}", "-I", include, "-fsyntax-only", "-x", "c++", "-"], input=source,
                             capture_output=True, text=True)
        errors = [line for line in ran.stderr.splitlines() if "error:" in line and ": error:" in line or "fatal error:" in line]
        if ran.returncode == 0:
            continue  # a header that needs nothing newer
        needed += 1
        if "kwire needs C++20" not in errors[0] or len(errors) > 2:
            wrong.append(f"{header} with {standard}: {errors[:3]}")
print(*wrong, sep="\n")
print(f"{len(headers)} headers, {needed} refusals, {len(wrong)} of them unclear")
sys.exit(1 if wrong or needed < len(headers) else 0)
