#!/usr/bin/env python3
"""Two versions of kwire are in one program, and each half of it calls its own.

    python3 tests/odr/test_two_versions.py

The other version is a copy of the headers in which a function answers something else. With the same name of the inline namespace in
both, the linker takes one function for the other, which shows that the name is what keeps them apart.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMPILER = os.environ.get("CXX", "g++")

LIBRARY = """
#include <kwire/error.hpp>
#include <kwire/version.hpp>
std::string_view library_name(int code) { return kwire::name_of(static_cast<kwire::errc>(code)); }
std::string_view library_version() { return kwire::version(); }
"""
PROGRAM = """
#include <kwire/error.hpp>
#include <kwire/version.hpp>
#include <cstdio>
std::string_view library_name(int code);
std::string_view library_version();
int main(int argc, char**) {
    const int code = argc - 1; // 0, which the compiler does not know
    const std::string_view own = kwire::name_of(static_cast<kwire::errc>(code));
    std::printf("%s %s %s %s\\n", kwire::version().data(), own.data(), library_version().data(), library_name(code).data());
}
"""


def replaced(path, pattern, by):
    text, count = re.subn(pattern, by, path.read_text(encoding="utf-8"))
    if count == 0:
        sys.exit(f"{path.name} has no {pattern}: this test is to be adapted")
    path.write_text(text, encoding="utf-8")


def other_version(directory):
    include = directory / "include"
    shutil.copytree(ROOT / "include", include)
    replaced(include / "kwire/error.hpp", 'return "truncated"', 'return "cut_short"')
    replaced(include / "kwire/detail/version_numbers.hpp", r"KWIRE_VERSION_MINOR \d+", "KWIRE_VERSION_MINOR 99")
    replaced(include / "kwire/detail/version_numbers.hpp", r"KWIRE_ABI v\w+", "KWIRE_ABI v_other")
    return include


def answer(directory, include, *flags):
    """What the program says of itself and of the library: version and name, twice."""
    objects = []
    for name, source, headers in (("program", PROGRAM, ROOT / "include"), ("library", LIBRARY, include)):
        objects.append(directory / f"{name}.o")
        subprocess.run([COMPILER, "-std=c++20", "-O0", *flags, f"-I{headers}", "-x", "c++", "-c", "-o", objects[-1], "-"],
                       input=source, text=True, check=True)
    subprocess.run([COMPILER, *objects, "-o", directory / "both"], check=True)
    return subprocess.run([directory / "both"], check=True, capture_output=True, text=True).stdout.split()


def main():
    numbers = dict(re.findall(r"#define KWIRE_VERSION_(\w+) (\d+)", (ROOT / "include/kwire/detail/version_numbers.hpp").read_text()))
    version = "{MAJOR}.{MINOR}.{PATCH}".format(**numbers)
    declared = re.search(r"project\(kwire VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
    named = set(re.findall(r"#define KWIRE_ABI v(\w+?)(?:_own)?\n", (ROOT / "include/kwire/detail/version_numbers.hpp").read_text()))
    wrong = []
    if version != declared:
        wrong.append(f"the headers are of version {version}, CMakeLists.txt of {declared}")
    if named != {version.replace(".", "_")}:
        wrong.append(f"KWIRE_ABI is v{', v'.join(named)} in version {version}")
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        include = other_version(directory)
        major, _, patch = version.split(".")
        other = f"{major}.99.{patch}"
        apart = answer(directory, include)
        if apart != [version, "truncated", other, "cut_short"]:
            wrong.append(f"two versions in one program: {apart}")
        same = answer(directory, include, "-DKWIRE_ABI=of_both")
        if same[1] != same[3]:
            wrong.append(f"with one name for both, each half has its own functions, so the test shows nothing: {same}")
        # A name of the program's own keeps it apart from the same version elsewhere.
        subprocess.run([COMPILER, "-std=c++20", "-DKWIRE_ABI=of_program", f"-I{ROOT / 'include'}", "-x", "c++", "-c", "-", "-o",
                        directory / "named.o"], input=LIBRARY, text=True, check=True)
        symbols = subprocess.run(["nm", "-C", directory / "named.o"], check=True, capture_output=True, text=True).stdout
        if "kwire::of_program::name_of" not in symbols or re.search(r"kwire::(?!of_program)", symbols):
            wrong.append(f"symbols of a program that names the namespace itself:\n{symbols}")
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
