"""docs/errors.md explains every code of the library and no others."""

import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parents[2]
header = (root / "include/kwire/error.hpp").read_text(encoding="utf-8")
enumeration = header[header.index("enum class errc") : header.index("};", header.index("enum class errc"))]
codes = set(re.findall(r"^    ([a-z_]+),", enumeration, flags=re.MULTILINE))

page = (root / "docs/errors.md").read_text(encoding="utf-8")
first_columns = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
explained = set(re.findall(r"`([a-z_]+)`", " ".join(first_columns)))

assert len(codes) > 30, f"found only {len(codes)} codes in error.hpp"
for code in sorted(codes - explained):
    print(f"docs/errors.md does not explain {code}")
for code in sorted(explained - codes):
    print(f"docs/errors.md explains {code}, which error.hpp does not have")
sys.exit(codes != explained)
