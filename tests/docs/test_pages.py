"""Every line of C++ in a page is a line of a test, so what the page shows compiles and works."""

import pathlib
import re
import sys

PAGES = {
    "README.md": "tests/docs/readme.test.cpp",
    "docs/proxy.md": "tests/docs/proxy.test.cpp",
    "docs/broker.md": "tests/docs/broker.test.cpp",
    "docs/reflection.md": "tests/docs/reflection.test.cpp",
}

root = pathlib.Path(__file__).resolve().parents[2]
failed = False
for page, test in PAGES.items():
    blocks = re.findall(r"```cpp\n(.*?)```", (root / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    tested = {line.strip() for line in (root / test).read_text(encoding="utf-8").splitlines()}
    missing = [line for block in blocks for line in block.splitlines() if line.strip() and line.strip() not in tested]
    if not blocks or missing:
        print(f"{page} shows what {test} does not have:", *missing, sep="\n    ")
        failed = True
sys.exit(failed)
