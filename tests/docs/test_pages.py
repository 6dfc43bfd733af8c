"""Every block of C++ or C in a page is part of a test, so that it compiles and works."""

import pathlib
import re
import sys

PAGES = {
    "README.md": "tests/docs/readme.test.cpp",
    "docs/proxy.md": "tests/docs/proxy.test.cpp",
    "docs/broker.md": "tests/docs/broker.test.cpp",
    "docs/buffers.md": "tests/docs/buffers.test.cpp",
    "docs/cut-messages.md": "tests/docs/cut_messages.test.cpp",
    "docs/client.md": "tests/docs/client.test.cpp",
    "docs/reflection.md": "tests/docs/reflection.test.cpp",
    "docs/topics.md": "tests/docs/topics.test.cpp",
    "docs/limits.md": "tests/docs/limits.test.cpp",
    "docs/offsets.md": "tests/docs/offsets.test.cpp",
    "docs/io.md": "tests/docs/io.test.cpp",
    "docs/split.md": "tests/docs/split.test.cpp",
    "docs/tables.md": "examples/tables/observe.h",  # tested by tests/schema/test_c_tables.py
    "docs/zero-copy.md": "examples/line_server",  # tested by tests/examples/test_line_server.py
    # Tested by tests/examples/test_small_programs.py.
    "docs/start.md": "examples/first.cpp",
    "docs/bare.md": "examples/no_exceptions.cpp",
    "docs/without-asio.md": "examples/without_asio.cpp",
}
PAGES |= {f"docs/{page}.md": "tests/docs/guides.test.cpp"
          for page in ("reading", "slices", "answering", "stamping", "batches", "records", "editing",
                       "transcode")}


root = pathlib.Path(__file__).resolve().parents[2]


def one_line(code):
    """The code without its line breaks and indentation, which clang-format chooses."""
    return " ".join(code.split()).replace("( ", "(").replace("{ ", "{")


def code_of(path):
    """A file's code, or that of all files in a folder."""
    files = [path] if path.is_file() else sorted(path.rglob("*.?pp"))
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


failed = False
for page, test in PAGES.items():
    blocks = re.findall(r"```(?:cpp|c)\n(.*?)```", (root / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    tested = one_line(code_of(root / test))
    missing = [block for block in blocks if one_line(block) not in tested]
    if not blocks or missing:
        print(f"{page} has code that {test} does not have:", *missing, sep="\n\n")
        failed = True

# Code that is not in such a block would not be compiled.
for path in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
    page = path.relative_to(root).as_posix()
    text = path.read_text(encoding="utf-8")
    if re.search(r"```c(pp)?\n", text) and page not in PAGES:
        print(f"{page} has code and is not in PAGES")
        failed = True
    outside = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    for line in re.findall(r"^    .*(?:kwire::\w+[({<]|^    #include <).*$", outside, flags=re.MULTILINE):
        print(f"{page} has code outside of a ```cpp block: {line.strip()}")
        failed = True
sys.exit(failed)
