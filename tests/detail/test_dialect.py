"""What only some compilers understand is in detail/config.hpp alone, and there it has a form for MSVC and for compilers that kwire
does not know.

Other headers use only names of the standard and of kwire. The exception are checksums by instructions, which are left out for
other compilers than GCC and Clang. The forms are found by a preprocessor that takes itself for each of the compilers; whether
MSVC accepts them is for MSVC to say. Each rule is first shown to fail.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADERS = ROOT / "include" / "kwire"
CONFIG = "detail/config.hpp"
COMPILER = os.environ.get("CXX", "g++")

# Headers with instructions of a processor, and what they must ask before.
INSTRUCTIONS = re.compile(r"wire/detail/crc32c_(x86|arm)\.hpp")
ASKED = re.compile(r"^#if .*\bdefined\(__GNUC__\)", re.MULTILINE)

COMMENT_OR_TEXT = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)
# Names that begin so are the compiler's or the system's own; these every compiler has, or they are the system's.
RESERVED = re.compile(r"\b(?:__\w+|_[A-Z]\w*|asm)\b")
PORTABLE = re.compile(r"__cplusplus|__cpp_\w+|__has_include|__has_cpp_attribute|__VA_ARGS__|__VA_OPT__|_WIN32|_SC_\w+")
OWN_ATTRIBUTE = re.compile(r"\[\[\s*(?:using\s+)?(?:gnu|clang|gsl|msvc)\s*:")
IGNORED_ATTRIBUTE = re.compile(r"\[\[[^\]]*\bno_unique_address\b")
PRAGMA = re.compile(r"#\s*pragma\s+(?!once\b)\w+")

COMPILERS = {
    "GCC": ["__GNUC__=12"],
    "GCC with -O2": ["__GNUC__=12", "__OPTIMIZE__=1"],
    "GCC with -O2 -fsanitize=address": ["__GNUC__=12", "__OPTIMIZE__=1", "__SANITIZE_ADDRESS__=1"],
    "Clang": ["__GNUC__=4", "__clang__=1", "__has_feature(x)=0"],
    "Clang with -O2": ["__GNUC__=4", "__clang__=1", "__OPTIMIZE__=1", "__has_feature(x)=0"],
    "Clang for MSVC": ["__clang__=1", "__OPTIMIZE__=1", "_MSC_VER=1940", "_MSVC_LANG=202002L", "__has_feature(x)=0"],
    "MSVC": ["_MSC_VER=1940", "_MSVC_LANG=202002L"],
    "another compiler": [],
}
# What a compiler that is neither GCC nor Clang does not know.
OF_GNU = re.compile(r"\bgnu::|\bclang::|\bgsl::|__attribute__|\basm\b|__builtin_(?!is_constant_evaluated\b)|_Pragma")
OF_MSVC = re.compile(r"\bmsvc::|__assume|__pragma|__declspec|__forceinline")
# Macros that not every compiler has, since their users have something in their place.
OPTIONAL = {"KWIRE_BYTESWAP"}


def foreign_words(name, text):
    """One sentence for each word of a header that not all compilers know."""
    if INSTRUCTIONS.fullmatch(name):
        asked = ASKED.search(text)
        if not asked:
            return [f"{name}: does not ask whether the compiler is GCC or Clang"]
        text = text[: asked.start()]
    code = COMMENT_OR_TEXT.sub(" ", text)
    found = [word for word in RESERVED.findall(code) if not PORTABLE.fullmatch(word)]
    for pattern in OWN_ATTRIBUTE, IGNORED_ATTRIBUTE, PRAGMA:
        found += pattern.findall(code)
    return [f"{name}: {word} belongs into {CONFIG}, with a form for each compiler" for word in found]


def macros(config, defined):
    """The macros of kwire that a compiler with these names finds in config.hpp."""
    with tempfile.TemporaryDirectory() as directory:
        place = pathlib.Path(directory)
        (place / "version").write_text("")
        (place / "config.hpp").write_text(config)
        done = subprocess.run(
            [COMPILER, "-E", "-dM", "-x", "c++", "-std=c++20", "-undef", "-nostdinc", f"-I{place}", f"-I{ROOT / 'include'}",
             *(f"-D{one}" for one in defined), str(place / "config.hpp")],
            capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    found = re.findall(r"^#define (KWIRE_\w+)(?:\([^)]*\))?(.*)$", done.stdout, re.MULTILINE)
    return {name: value.strip() for name, value in found}


def lacking_forms(config):
    """One sentence for each macro without a form, or with that of another compiler."""
    forms = {compiler: macros(config, defined) for compiler, defined in COMPILERS.items()}
    names = set().union(*forms.values()) - OPTIONAL
    problems = []
    for compiler, own in forms.items():
        problems += [f"{CONFIG}: {name} has no form for {compiler}" for name in sorted(names - own.keys())]
        for name, value in sorted(own.items()):
            if not {"GCC", "Clang"} & set(compiler.split()) and OF_GNU.search(value):
                problems.append(f"{CONFIG}: {name} is {value} for {compiler}")
            if "MSVC" not in compiler and OF_MSVC.search(value):
                problems.append(f"{CONFIG}: {name} is {value} for {compiler}")
    return problems


def self_test(config):
    """Each rule, shown to fail: (header, code, a part of the sentence; None where there must be none)."""
    cases = [
        ("wire/a.hpp", "#pragma once\n// __attribute__\n#if defined(__cpp_lib_span) && __has_include(<span>)\n", None),
        ("wire/a.hpp", 'const char* a = "__builtin_trap";', None),
        ("wire/a.hpp", "[[gnu::noinline]] void f();", "[[gnu:"),
        ("wire/a.hpp", "[[ using clang : lifetimebound]] int f();", "using clang"),
        ("wire/a.hpp", "[[msvc::noinline]] void f();", "[[msvc:"),
        ("wire/a.hpp", "[[no_unique_address]] empty e;", "no_unique_address"),
        ("wire/a.hpp", "[[maybe_unused, no_unique_address]] empty e;", "no_unique_address"),
        ("wire/a.hpp", "int f() { return __builtin_ctz(8); }", "__builtin_ctz"),
        ("wire/a.hpp", "__attribute__((cold)) void f();", "__attribute__"),
        ("wire/a.hpp", "__int128 wide;", "__int128"),
        ("wire/a.hpp", 'void f() { asm("nop"); }', "asm"),
        ("wire/a.hpp", "#if defined(_MSC_VER)\n#endif", "_MSC_VER"),
        ("wire/a.hpp", "#pragma GCC optimize(3)", "pragma GCC"),
        ("wire/detail/crc32c_x86.hpp", "#if defined(__x86_64__) && defined(__GNUC__)\n__builtin_cpu_init();\n#endif", None),
        ("wire/detail/crc32c_x86.hpp", "#if defined(__x86_64__)\n__builtin_cpu_init();\n#endif", "does not ask"),
        ("wire/detail/crc32c_x86.hpp", "__int128 a;\n#if defined(__GNUC__)\n#endif", "__int128"),
    ]
    problems = []
    for name, text, expected in cases:
        got = foreign_words(name, text)
        if (expected is None) != (not got) or (expected and not any(expected in one for one in got)):
            problems.append(f"self-test: {text!r} should give {expected!r}, gave {got}")
    for old, new, expected in [
        ("#define KWIRE_COLD [[msvc::noinline]]\n", "", "KWIRE_COLD has no form for MSVC"),
        ("#define KWIRE_COLD\n", "", "KWIRE_COLD has no form for another compiler"),
        ("[[msvc::no_unique_address]]", "[[gnu::packed]]", "KWIRE_NO_UNIQUE_ADDRESS is [[gnu::packed]] for MSVC"),
        ("#if defined(_MSC_VER)\n#define KWIRE_ALWAYS", "#if 1\n#define KWIRE_ALWAYS", "for another compiler"),
    ]:
        if config.count(old) != 1:
            problems.append(f"self-test: {CONFIG} has {old!r} {config.count(old)} times")
        elif not any(expected in one for one in lacking_forms(config.replace(old, new))):
            problems.append(f"self-test: {new!r} in place of {old!r} is not noticed")
    return problems


def main():
    config = (HEADERS / CONFIG).read_text(encoding="utf-8")
    problems = self_test(config) + lacking_forms(config)
    headers = sorted(HEADERS.rglob("*.hpp"))
    for path in headers:
        name = path.relative_to(HEADERS).as_posix()
        if name != CONFIG:
            problems += foreign_words(name, path.read_text(encoding="utf-8"))
    print(*problems, f"{len(headers)} headers, {len(COMPILERS)} compilers", sep="\n")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
