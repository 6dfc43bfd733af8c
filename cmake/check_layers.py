#!/usr/bin/env python3
"""Checks that the headers of kwire include downwards only, and that the core needs the standard library alone.

    python3 cmake/check_layers.py [directory that holds kwire/]

Every header belongs to a layer by the table below; one that fits no row fails. A header includes lower layers, or its own
without a cycle. `--self-test` shows that each rule can fail.
"""

import pathlib
import re
import sys
import tempfile

# First match wins. Higher layers may include lower ones.
LAYERS = [
    (0, r"detail/(config|plain_values)\.hpp"),
    (1, r"(error|error_code|result|api)\.hpp|wire/[a-z0-9_]+\.hpp"),
    (2, r"(buffer|buffer_chain|held|rare_list|raw_tags|scalar_list)\.hpp|buffer/[a-z0-9_]+\.hpp"),
    (3, r"schema/[a-z0-9_]+\.hpp|(array|tags|message|find|indexed)\.hpp"),
    (4, r"(parse|encode|to_data|visit_fields|frame|frame_reader|patch|splice|dynamic|print|same_content|transcode|dispatch|correlator|records)\.hpp|records/[a-z0-9_]+\.hpp"),
    (4, r"compression/[a-z0-9_]+\.hpp"),
    (4, r"messages/(request|response)_header\.hpp"),  # generated like the other messages, but a part of each frame
    (5, r"messages/[a-z0-9_]+\.hpp"),
    (6, r"(asio|fmt|json|metrics|negotiation)\.hpp|json/[a-z0-9_]+\.hpp"),
]

# Headers that bring another library with them; everything else is core.
ADAPTERS = re.compile(r"compression/(gzip|snappy|lz4|zstd)\.hpp|(asio|fmt|json)\.hpp|json/.*")

# What the core may include from outside, beside the standard library, and where: what the machine and the kernel offer.
OUTSIDE = [
    (r"wire/crc32c[a-z0-9_]*\.hpp|detail/config\.hpp", {"immintrin.h", "nmmintrin.h", "wmmintrin.h", "cpuid.h", "arm_acle.h", "sys/auxv.h"}),
    (r"wire/keyed_hash\.hpp", {"sys/random.h"}),
    (r"buffer/growing_memory\.hpp", {"sys/mman.h", "unistd.h"}),
]

STANDARD = set(
    """algorithm any array atomic barrier bit bitset cassert cctype cerrno cfloat charconv chrono cinttypes climits clocale
    cmath codecvt compare complex concepts condition_variable coroutine csetjmp csignal cstdarg cstddef cstdint cstdio cstdlib
    cstring ctime cuchar cwchar cwctype deque exception execution expected filesystem format forward_list fstream functional
    future initializer_list iomanip ios iosfwd iostream istream iterator latch limits list locale map mdspan memory
    memory_resource mutex new numbers numeric optional ostream print queue random ranges ratio regex scoped_allocator semaphore
    set shared_mutex source_location span spanstream sstream stack stacktrace stdexcept stop_token streambuf string string_view
    strstream syncstream system_error thread tuple type_traits typeindex typeinfo unordered_map unordered_set utility valarray
    variant vector version""".split()
)
# Costly for everybody who includes one message, or of no use in a core without exceptions.
TOO_HEAVY = {"iostream", "functional", "ranges", "regex", "fstream", "sstream", "iomanip", "locale", "print", "format"}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def layer_of(header):
    for layer, pattern in LAYERS:
        if re.fullmatch(pattern, header):
            return layer
    return None


def check(root):
    """Returns one sentence per violation in the headers below root/kwire."""
    problems = []
    graph = {}
    headers = sorted(p.relative_to(root / "kwire").as_posix() for p in (root / "kwire").rglob("*") if p.is_file() and p.name[0] != ".")
    for header in headers:
        layer = layer_of(header)
        if layer is None:
            problems.append(f"{header}: belongs to no layer; give it a row in LAYERS of cmake/check_layers.py")
            continue
        graph[header] = []
        for quote, included in INCLUDE.findall((root / "kwire" / header).read_text(encoding="utf-8")):
            if quote == '"':
                problems.append(f'{header}: includes "{included}" with quotes; write <kwire/...>')
            elif included.startswith("kwire/"):
                name = included[len("kwire/") :]
                below = layer_of(name)
                if name not in headers:
                    problems.append(f"{header}: includes <{included}>, which is not there")
                elif below is not None and below > layer:
                    problems.append(f"{header} (layer {layer}): includes <{included}> of layer {below}, which is above it")
                else:
                    graph[header].append(name)
                    if ADAPTERS.fullmatch(name) and not ADAPTERS.fullmatch(header):
                        problems.append(f"{header}: is core and includes the adapter <{included}>")
            elif ADAPTERS.fullmatch(header):
                continue
            elif included in TOO_HEAVY:
                problems.append(f"{header}: is core and includes <{included}>, too costly there")
            elif included not in STANDARD and not any(included in names and re.fullmatch(where, header) for where, names in OUTSIDE):
                problems.append(f"{header}: is core and includes <{included}>, which is not of the standard library")
    return problems + cycles(graph)


def cycles(graph):
    problems, done, path = [], set(), []

    def visit(header):
        if header in path:
            problems.append("a cycle: " + " -> ".join(path[path.index(header) :] + [header]))
        elif header not in done:
            path.append(header)
            for below in graph.get(header, []):
                visit(below)
            path.pop()
            done.add(header)

    for header in sorted(graph):
        visit(header)
    return problems


def self_test():
    """Each rule, shown to fail: (files, a part of the sentence that must appear; None where all must be well)."""
    cases = [
        ({"error.hpp": "#include <array>", "wire/varint.hpp": "#include <kwire/error.hpp>"}, None),
        ({"error.hpp": "", "wire/a.hpp": "#include <kwire/held.hpp>", "held.hpp": ""}, "which is above it"),
        ({"surprise.hpp": ""}, "belongs to no layer"),
        ({"wire/notes.txt": ""}, "belongs to no layer"),
        ({"wire/a.hpp": "#include <kwire/wire/b.hpp>", "wire/b.hpp": "#  include <kwire/wire/a.hpp>"}, "a cycle"),
        ({"wire/a.hpp": "#include <kwire/wire/gone.hpp>"}, "which is not there"),
        ({"parse.hpp": "#include <functional>"}, "too costly"),
        ({"messages/fetch.hpp": "#include <boost/asio.hpp>"}, "not of the standard library"),
        ({"parse.hpp": '#include "error.hpp"'}, "with quotes"),
        ({"parse.hpp": "#include <nmmintrin.h>"}, "not of the standard library"),
        ({"wire/crc32c.hpp": "#include <nmmintrin.h>"}, None),
        ({"asio.hpp": "#include <boost/asio.hpp>\n#include <functional>"}, None),
        ({"records.hpp": "#include <kwire/compression/zstd.hpp>", "compression/zstd.hpp": ""}, "includes the adapter"),
    ]
    for files, expected in cases:
        with tempfile.TemporaryDirectory() as directory:
            for name, text in files.items():
                path = pathlib.Path(directory, "kwire", name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            problems = check(pathlib.Path(directory))
        if (expected is None) != (not problems) or (expected and not any(expected in p for p in problems)):
            return [f"self-test: {files} should give {expected!r}, gave {problems}"]
    return []


def main(arguments):
    problems = self_test()
    if "--self-test" not in arguments:
        root = pathlib.Path(arguments[0]) if arguments else pathlib.Path(__file__).parent.parent / "include"
        problems += check(root)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
