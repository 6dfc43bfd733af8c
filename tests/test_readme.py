"""Every line of C++ in README.md is a line of tests/readme.test.cpp, so what the README shows compiles and works."""

import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent
readme = (root / "README.md").read_text(encoding="utf-8")
tested = {line.strip() for line in (root / "tests" / "readme.test.cpp").read_text(encoding="utf-8").splitlines()}
blocks = re.findall(r"```cpp\n(.*?)```", readme, flags=re.DOTALL)
missing = [line for block in blocks for line in block.splitlines() if line.strip() and line.strip() not in tested]
if not blocks or missing:
    print("README.md shows what tests/readme.test.cpp does not have:", *missing, sep="\n    ")
    sys.exit(1)
