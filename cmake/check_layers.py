#!/usr/bin/env python3
"""Checks that the headers of kwire include only lower layers, and that the core needs only the standard library.

    python3 cmake/check_layers.py [directory that holds kwire/]

A folder is a layer. A header includes headers of its own folder, without a cycle, and of lower folders. The headers in a
`detail` folder belong to the layer of the enclosing folder. `--self-test` shows that each rule can fail.
"""

import pathlib
import re
import sys
import tempfile

# From the lowest to the highest. Headers directly in kwire/ are either BASE, below all folders, or DOOR, above them.
LAYERS = ["detail", "BASE", "wire", "buffer", "schema", "read", "write", "compression", "records", "reflect", "messages", "split", "connect", "embedded", "asio", "DOOR"]
BASE = {"api.hpp", "error.hpp", "error_code.hpp", "error_text.hpp", "expected.hpp"}
DOOR = {"kwire.hpp", "asio.hpp", "fmt.hpp"}

# Headers that bring another library with them; everything else is core.
ADAPTERS = re.compile(r"compression/(gzip|libdeflate|snappy|lz4|zstd)\.hpp|(asio|fmt)\.hpp|asio/(detail/)?[a-z_]+\.hpp|reflect/json\.hpp|reflect/detail/json_[a-z]+\.hpp")

# What the core may include from outside, beside the standard library, and where: what the machine and the kernel offer.
OUTSIDE = [
    (r"wire/(detail/)?crc32c[a-z0-9_]*\.hpp|detail/config\.hpp", {"immintrin.h", "nmmintrin.h", "wmmintrin.h", "cpuid.h", "arm_acle.h", "sys/auxv.h"}),
    (r"wire/detail/keyed_hash\.hpp", {"sys/random.h"}),
    (r"buffer/page_pool\.hpp", {"sys/mman.h"}),
    (r"buffer/mapped_file\.hpp", {"fcntl.h", "sys/mman.h", "sys/stat.h", "unistd.h"}),
    (r"connect/posix\.hpp", {"signal.h", "sys/sendfile.h", "sys/socket.h", "sys/uio.h", "unistd.h"}),
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
# Too costly for a program that includes one message, or useless in a core without exceptions.
TOO_HEAVY = {"iostream", "functional", "ranges", "regex", "fstream", "sstream", "iomanip", "locale", "print", "format"}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def layer_of(header):
    """The layer's index in LAYERS, or None if the header has no place."""
    folder, _, name = header.rpartition("/")
    if not folder:
        return LAYERS.index("BASE" if header in BASE else "DOOR") if header in BASE | DOOR else None
    layer = folder.split("/")[0]
    known = layer in LAYERS and layer.islower()
    plain = re.fullmatch(r"[a-z0-9_]+(/detail|/view)?", folder) and name.endswith(".hpp")
    return LAYERS.index(layer) if known and plain else None


def check(root):
    """Returns one sentence per violation in the headers below root/kwire."""
    problems = []
    graph = {}
    headers = sorted(p.relative_to(root / "kwire").as_posix() for p in (root / "kwire").rglob("*") if p.is_file() and p.name[0] != ".")
    for header in headers:
        layer = layer_of(header)
        if layer is None:
            problems.append(f"{header}: belongs to no layer; put it into a folder of cmake/check_layers.py's LAYERS")
            continue
        graph[header] = []
        for quote, included in INCLUDE.findall((root / "kwire" / header).read_text(encoding="utf-8")):
            if quote == '"':
                problems.append(f'{header}: includes "{included}" with quotes; write <kwire/...>')
            elif included.startswith("kwire/"):
                name = included[len("kwire/") :]
                below = layer_of(name)
                if name not in headers:
                    problems.append(f"{header}: includes <{included}>, which does not exist")
                elif below is not None and below > layer:
                    problems.append(f"{header} (layer {LAYERS[layer]}): includes <{included}> of layer {LAYERS[below]}, which is above it")
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
    """Each rule, shown to fail: (files, a part of the sentence that must appear; None where there must be no violation)."""
    cases = [
        ({"error.hpp": "#include <array>", "wire/varint.hpp": "#include <kwire/error.hpp>"}, None),
        ({"wire/a.hpp": "#include <kwire/buffer/held.hpp>", "buffer/held.hpp": ""}, "which is above it"),
        ({"buffer/detail/a.hpp": "#include <kwire/read/parse.hpp>", "read/parse.hpp": ""}, "which is above it"),
        ({"error.hpp": "#include <kwire/wire/a.hpp>", "wire/a.hpp": ""}, "which is above it"),
        ({"connect/frame.hpp": "#include <kwire/kwire.hpp>", "kwire.hpp": ""}, "which is above it"),
        ({"kwire.hpp": "#include <kwire/connect/frame.hpp>", "connect/frame.hpp": ""}, None),
        ({"surprise.hpp": ""}, "belongs to no layer"),
        ({"surprise/a.hpp": ""}, "belongs to no layer"),
        ({"BASE/a.hpp": ""}, "belongs to no layer"),
        ({"wire/deep/a.hpp": ""}, "belongs to no layer"),
        ({"wire/notes.txt": ""}, "belongs to no layer"),
        ({"wire/a.hpp": "#include <kwire/wire/b.hpp>", "wire/b.hpp": "#  include <kwire/wire/a.hpp>"}, "a cycle"),
        ({"wire/a.hpp": "#include <kwire/wire/gone.hpp>"}, "which does not exist"),
        ({"read/parse.hpp": "#include <functional>"}, "too costly"),
        ({"messages/fetch.hpp": "#include <boost/asio.hpp>"}, "not of the standard library"),
        ({"read/parse.hpp": '#include "error.hpp"'}, "with quotes"),
        ({"read/parse.hpp": "#include <nmmintrin.h>"}, "not of the standard library"),
        ({"wire/crc32c.hpp": "#include <nmmintrin.h>"}, None),
        ({"asio.hpp": "#include <boost/asio.hpp>\n#include <functional>"}, None),
        ({"records/read.hpp": "#include <kwire/compression/zstd.hpp>", "compression/zstd.hpp": ""}, "includes the adapter"),
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
