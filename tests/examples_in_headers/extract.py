#!/usr/bin/env python3
"""Makes a source file of the examples in a header's comments, so that the compiler checks what the header shows.

    python3 tests/examples_in_headers/extract.py <header> <context> <output>
    python3 tests/examples_in_headers/extract.py --check

An example is a run of comment lines that begin with `///` and at least five spaces, unless they continue a list item. The context, tests/examples_in_headers/<path>.cpp for
include/kwire/<path>.hpp, declares what the examples take for granted, and says with a line `// example <n>` where the n-th one
goes, or that the n-th one, a table or a drawing, `is not code`. A line of an example that is only `...` is left out, and `...` at the end of a line is an empty block.

--check fails if a header with examples has neither a context nor a line in not_compiled.txt, and if a context or a line there is
out of date. The generated headers of messages have no examples.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADERS = ROOT / "include" / "kwire"
CONTEXTS = pathlib.Path(__file__).resolve().parent
NOT_COMPILED = CONTEXTS / "not_compiled.txt"

CODE = re.compile(r"^ *///     (.*)$")
EMPTY = re.compile(r"^ *///$")
LIST_ITEM = re.compile(r"^ *///  ?(?:\d+\.|\*) ")
MARK = re.compile(r"^ *// example (\d+)( is not code)?$")
LEFT_OUT = re.compile(r"^\s*\.\.\.\s*$")
EMPTY_BLOCK = re.compile(r" \.\.\.(\s*//.*)?$")


def examples(text):
    """[[(line number, code), ...], ...]: an empty comment line between lines of code does not end an example."""
    found, current, empty, in_list = [], None, False, False
    for number, line in enumerate(text.split("\n"), 1):
        if (code := CODE.match(line)) and not in_list:
            if current is None:
                found.append(current := [])
            current.append((number, code[1]))
        elif not (EMPTY.match(line) and current is not None and not empty):
            current = None
        in_list = LIST_ITEM.match(line) is not None or (in_list and code is not None)
        empty = EMPTY.match(line) is not None
    return found


def program(header, context, header_name, context_name):
    """The context with the header's examples in it; raises ValueError if they do not match."""
    blocks = examples(header)
    lines, used = [f'#line 1 "{context_name}"'], []
    for number, line in enumerate(context.rstrip("\n").split("\n"), 1):
        if not (mark := MARK.match(line)):
            lines.append(line)
            continue
        n = int(mark[1])
        if not 1 <= n <= len(blocks):
            raise ValueError(f"{context_name}:{number}: {header_name} has {len(blocks)} examples, no number {n}")
        used.append(n)
        if mark[2]:
            lines.append("")
            continue
        for at, code in blocks[n - 1]:
            lines.append(f'#line {at} "{header_name}"')
            lines.append("" if LEFT_OUT.match(code) else EMPTY_BLOCK.sub(r" {}\1", code))
        lines.append(f'#line {number + 1} "{context_name}"')
    if sorted(used) != list(range(1, len(blocks) + 1)):
        raise ValueError(f"{context_name}: needs a line `// example <n>` for each of the {len(blocks)} examples in {header_name}, has {sorted(used)}")
    return "\n".join(lines) + "\n"


def not_compiled():
    """{header: reason} of not_compiled.txt."""
    lines = [line for line in NOT_COMPILED.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return dict(line.split(": ", 1) for line in lines)


def check(headers, contexts, exceptions):
    """What is wrong, given {path: text} of headers, the paths of contexts, and {path: reason} of the exceptions."""
    with_examples = {path for path, text in headers.items() if examples(text)}
    problems = [f"{path}.hpp: its comments show code, and there is no tests/examples_in_headers/{path}.cpp"
                for path in sorted(with_examples - contexts - exceptions.keys())]
    problems += [f"tests/examples_in_headers/{path}.cpp: no header {path}.hpp with examples" for path in sorted(contexts - with_examples)]
    problems += [f"not_compiled.txt: {path} has no examples" for path in sorted(exceptions.keys() - with_examples)]
    problems += [f"not_compiled.txt: {path} has a context" for path in sorted(exceptions.keys() & contexts)]
    return problems


def self_test():
    header = "/// Text.\n///\n///     a();\n///     for (x) ...   // why\n///\n///     ...\n///     b();\n///\n/// Text\n///     c();\n///  1. List\n///     goes on\n#pragma once\n"
    problems = []
    if [[code for _, code in block] for block in examples(header)] != [["a();", "for (x) ...   // why", "...", "b();"], ["c();"]]:
        problems.append(f"self-test: examples() finds {examples(header)}")
    made = program(header, "f {\n// example 2\n}\n// example 1\n", "h", "c")
    if [line for line in made.splitlines() if not line.startswith("#line")] != ["f {", "c();", "}", "a();", "for (x) {}   // why", "", "b();"]:
        problems.append(f"self-test: program() makes {made}")
    if "c();" in program(header, "// example 1\n// example 2 is not code\n", "h", "c"):
        problems.append("self-test: what is not code is compiled")
    for context in ("// example 1\n", "// example 1\n// example 2\n// example 3\n", "// example 1\n// example 1\n// example 2\n"):
        try:
            program(header, context, "h", "c")
            problems.append(f"self-test: {context!r} passes")
        except ValueError:
            pass
    for arguments in (({"a": header}, set(), {}), ({"a": ""}, {"a"}, {}), ({"a": ""}, set(), {"a": "x"}), ({"a": header}, {"a"}, {"a": "x"})):
        if len(check(*arguments)) != 1:
            problems.append(f"self-test: check{arguments} finds {check(*arguments)}")
    if check({"a": header, "b": header, "c": ""}, {"a"}, {"b": "x"}):
        problems.append("self-test: check() finds something where all is well")
    return problems


def main(*arguments):
    if arguments != ("--check",):
        header, context, output = map(pathlib.Path, arguments)
        try:
            made = program(header.read_text(encoding="utf-8"), context.read_text(encoding="utf-8"), header.as_posix(), context.as_posix())
        except ValueError as problem:
            print(problem)
            return 1
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(made, encoding="utf-8")
        return 0

    def relative(path, root):
        return path.relative_to(root).with_suffix("").as_posix()

    headers = {relative(path, HEADERS): path.read_text(encoding="utf-8") for path in HEADERS.rglob("*.hpp")}
    headers = {path: text for path, text in headers.items() if not re.match("messages/(view/)?[a-z0-9_]+$", path)}
    contexts = {relative(path, CONTEXTS) for path in CONTEXTS.rglob("*.cpp")}
    exceptions = not_compiled()
    problems = self_test() + check(headers, contexts, exceptions)
    if len(headers) < 50:
        problems.append(f"only {len(headers)} headers found")
    print(*problems, sep="\n")
    for path, reason in sorted(exceptions.items()):
        print(f"not compiled: {path}.hpp: {reason}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
