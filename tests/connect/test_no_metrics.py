"""no_metrics costs nothing: a loop that serves has the same machine code with it and without any meter.

    python3 tests/connect/test_no_metrics.py [compiler...]

Compiles tests/connect/no_metrics/loop.cpp at -O2 with each compiler that is there, g++ and clang++-19 by default. A loop with
counting_metrics, which does cost something, must not look the same: so the comparison sees what a meter does.
"""

import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCE = ROOT / "tests/connect/no_metrics/loop.cpp"
SERVE = re.compile(r"^_Z5serve\w+:(?:\s|$)")
LABEL = re.compile(r"\.L[A-Za-z_]*\d+(?:_\d+)?")
DIRECTIVE = re.compile(r"^\s*(?:\.(?!long|quad|byte|string)\S*.*|#.*)?$")


def assembly(compiler, *definitions):
    return subprocess.run([compiler, "-std=c++23", "-O2", "-S", "-o", "-", f"-I{ROOT / 'include'}", *definitions, SOURCE],
                          check=True, text=True, stdout=subprocess.PIPE).stdout


def instructions(text):
    """Instructions, labels and tables of all functions, with labels numbered in the order in which they are used."""
    names = {}

    def number(match):
        return names.setdefault(match[0], f".L{len(names)}")

    lines = [re.sub(r"\s+#.*$", "", line).strip() for line in text.splitlines()]
    kept = [line for line in lines if not DIRECTIVE.match(line) or LABEL.fullmatch(line.rstrip(":"))]
    return [LABEL.sub(number, line) for line in kept]


def of_serve(text):
    """The instructions of the loop itself."""
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if SERVE.match(line))
    last = next(i for i in range(first, len(lines)) if ".cfi_endproc" in lines[i])
    return instructions("\n".join(lines[first:last]))


def main(*compilers):
    present = [name for name in compilers or ("g++", "clang++-19") if shutil.which(name)]
    if not present:
        print("no compiler found")
        return 1
    failed = False
    for compiler in present:
        plain, unmeasured, counting = (assembly(compiler, *flags) for flags in (["-DWITHOUT_METER"], [], ["-DCOUNTING"]))
        sizes = [len(of_serve(text)) for text in (plain, unmeasured, counting)]
        print(f"{compiler}: {sizes[0]} lines without a meter, {sizes[1]} with no_metrics, {sizes[2]} with counting_metrics")
        if sizes[0] < 100:
            print("  the loop is not there")
            failed = True
        if instructions(unmeasured) != instructions(plain):
            print("  no_metrics: other instructions than without a meter")
            failed = True
        if of_serve(counting) == of_serve(plain) or "steady_clock3now" not in counting or "steady_clock3now" in unmeasured:
            print("  counting_metrics cannot be told from no meter")
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
