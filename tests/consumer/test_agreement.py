"""The files for package managers agree with CMakeLists.txt: components, their headers, what they need, the version.

    python3 tests/consumer/test_agreement.py

CMakeLists.txt is where components are listed. Also tried is that the check notices: each file with a component renamed.
"""

import ast
import functools
import importlib.util
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = ["CMakeLists.txt", "BUILD.bazel", "MODULE.bazel", "meson.build", "meson_options.txt", "kwire.wrap", "conanfile.py",
         "ports/kwire/vcpkg.json", "modules/kwire.cppm", "README.md"]

# What others call a package of CMake; {} is the component. None: nothing has to be named there.
#                  pkg-config    Conan         vcpkg         Bazel                          Meson         Debian
LIBRARIES = {
    "Boost":      (None,         "boost",      "boost-{}",   "@boost.{0}//:boost.{0}",      "boost",      "libboost1.81-dev"),
    "Threads":    (None,         None,         None,         None,                          "threads",    None),
    "asio":       (None,         "asio",       "asio",       "@asio//:asio_no_openssl",     "asio",       "libasio-dev"),
    "fmt":        ("fmt",        "fmt",        "fmt",        "@fmt//:fmt",                  "fmt",        "libfmt-dev"),
    "ZLIB":       ("zlib",       "zlib",       "zlib",       "@zlib//:zlib",                "zlib",       "zlib1g-dev"),
    "libdeflate": ("libdeflate", "libdeflate", "libdeflate", "@libdeflate//:libdeflate",    "libdeflate", "libdeflate-dev"),
    "Snappy":     ("snappy",     "snappy",     "snappy",     "@snappy//:snappy",            "snappy",     "libsnappy-dev"),
    "lz4":        ("liblz4",     "lz4",        "lz4",        "@lz4//:lz4",                  "liblz4",     "liblz4-dev"),
    "zstd":       ("libzstd",    "zstd",       "zstd",       "@zstd//:zstd",                "libzstd",    "libzstd-dev"),
}
PKG_CONFIG, CONAN, VCPKG, BAZEL, MESON, DEBIAN = range(6)
# A component without headers of its own is another form of one that has them.
SAME_HEADERS = {"standalone_asio": "asio"}

HEADERS = sorted(path.relative_to(ROOT / "include" / "kwire").as_posix() for path in (ROOT / "include" / "kwire").rglob("*.hpp"))


class Component:
    """A line of CMakeLists.txt."""

    def __init__(self, name, words):
        lists = {"": []}
        at = ""
        for word in re.findall(r'"[^"]*"|[^\s"]+', words):
            if word in ("HEADERS", "PACKAGES", "LINK", "DEFINES", "PKG_CONFIG"):
                at = word
                lists[at] = []
            else:
                lists[at].append(word.strip('"'))
        self.name = name
        self.prefixes = lists.get("HEADERS", [])
        self.packages = [package.split()[0] for package in lists["PACKAGES"]]
        self.least = {package.split()[0]: package.split()[1] for package in lists["PACKAGES"] if " " in package}
        self.defines = lists.get("DEFINES", [])
        self.pkg_config = lists.get("PKG_CONFIG", [])
        self.headers = [header for header in HEADERS if any(
            header == prefix or (not prefix.endswith(".hpp") and header.startswith(prefix)) for prefix in self.prefixes)]

    def called(self, where):
        """The names of what it needs, as `where` calls them."""
        names = [LIBRARIES[package][where] for package in self.packages]
        return sorted(name.format(self.name) for name in names if name)

    @property
    def threads(self):
        return "Threads" in self.packages

    @property
    def dashed(self):
        return self.name.replace("_", "-")


def components_of(text):
    found = re.findall(r"^kwire_component\((\w+)((?:[^()]|\([^()]*\))*)\)", text, flags=re.MULTILINE)
    components = {name: Component(name, words) for name, words in found}
    for name, other in SAME_HEADERS.items():
        if name in components and other in components:
            components[name].headers = components[other].headers
    return components


def few(names):
    names = sorted(names)
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "") or "none"


def same(what, there, wanted):
    """A list of one sentence, or none."""
    if there == wanted:
        return []
    if isinstance(there, (list, set)) and isinstance(wanted, (list, set)):
        return [f"{what}: too many: {few(set(there) - set(wanted))}; missing: {few(set(wanted) - set(there))}"]
    return [f"{what}: {there!r}, but CMakeLists.txt says {wanted!r}"]


def check_core(components):
    """The headers that need another library are those that check_layers.py lets include one."""
    spec = importlib.util.spec_from_file_location("check_layers", ROOT / "cmake" / "check_layers.py")
    layers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(layers)
    adapters = [header for header in HEADERS if layers.ADAPTERS.fullmatch(header)]
    owned = sorted({header for component in components.values() for header in component.headers})
    problems = same("headers of components, by check_layers.py", adapters, owned)
    for name, component in components.items():
        problems += same(f"pkg-config of {name}", sorted(component.pkg_config), component.called(PKG_CONFIG))
        problems += [] if component.headers else [f"{name} has no headers"]
    return problems


def glob(include, exclude=()):
    """Bazel's, for headers: * stays in a folder, **/ is any folders or none."""
    def expression(patterns):
        # An empty list matches nothing.
        return re.compile("|".join(re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*") for pattern in patterns) or "(?!)")
    wanted, unwanted = expression(include), expression(exclude)
    files = [f"include/kwire/{header}" for header in HEADERS]
    return [file for file in files if wanted.fullmatch(file) and not unwanted.fullmatch(file)]


def check_bazel(components, version, files):
    targets = {}
    known = {"load": lambda *_: None, "package": lambda **_: None, "licenses": lambda *_: None, "exports_files": lambda *_: None,
             "glob": glob, "cc_library": lambda name, **rest: targets.update({name: rest})}
    exec(compile(files["BUILD.bazel"], "BUILD.bazel", "exec"), known)  # Starlark is Python here
    problems = same("targets of BUILD.bazel", sorted(targets), sorted(["kwire", *components]))
    owned = {header for component in components.values() for header in component.headers}
    for name, target in targets.items():
        if name != "kwire" and name not in components:
            continue
        headers = [header for header in HEADERS if header not in owned] if name == "kwire" else components[name].headers
        problems += same(f"headers of //:{name}", sorted(target["hdrs"]), sorted(f"include/kwire/{header}" for header in headers))
        needs = [] if name == "kwire" else components[name].called(BAZEL)
        problems += same(f"deps of //:{name}", sorted(dep for dep in target.get("deps", []) if dep[0] == "@"), needs)
        problems += same(f"defines of //:{name}", target.get("defines", []), [] if name == "kwire" else components[name].defines)
        problems += same(f"linkopts of //:{name}", target.get("linkopts", []),
                         ["-pthread"] if name != "kwire" and components[name].threads else [])
        problems += same(f"includes of //:{name}", target["includes"], ["include"])
        if name != "kwire" and ":kwire" not in target["deps"]:
            problems.append(f"//:{name} does not depend on //:kwire")

    modules = {}
    module = {}
    exec(compile(files["MODULE.bazel"], "MODULE.bazel", "exec"),
         {"module": lambda **words: module.update(words), "bazel_dep": lambda name, version: modules.update({name: version})})
    used = {dep[1:].split("//")[0] for target in targets.values() for dep in target.get("deps", []) if dep[0] == "@"}
    problems += same("modules of MODULE.bazel", set(modules), used | {"rules_cc"})
    problems += same("name and version in MODULE.bazel", (module["name"], module["version"]), ("kwire", version))
    return problems


def check_meson(components, version, files):
    text = files["meson.build"]
    listed = ast.literal_eval(re.search(r"^components = (\{.*?^\})", text, flags=re.MULTILINE | re.DOTALL)[1])
    defines = ast.literal_eval(re.search(r"^defines = (\{.*?^\})", text, flags=re.MULTILINE | re.DOTALL)[1])
    problems = same("components of meson.build", list(listed), list(components))
    for name in components.keys() & listed.keys():
        component = components[name]
        problems += same(f"what {name} needs in meson.build", sorted(one[0] for one in listed[name]), component.called(MESON))
        problems += same(f"defines of {name} in meson.build", [f"-D{define}" for define in component.defines], defines.get(name, []))
        for package, least in component.least.items():
            problems += same(f"version of {package} for {name} in meson.build", dict(listed[name]).get(LIBRARIES[package][MESON]), f">={least}")
    problems += same("version in meson.build", re.search(r"version: '([^']+)'", text)[1], version)
    problems += same("options of meson_options.txt", re.findall(r"^option\('(\w+)', type: 'feature'", files["meson_options.txt"], re.MULTILINE),
                     list(components))
    provided = re.search(r"^dependency_names = (.*)$", files["kwire.wrap"], re.MULTILINE)[1].split(", ")
    problems += same("dependency_names of kwire.wrap", provided, ["kwire", *(f"kwire-{one.dashed}" for one in components.values())])
    problems += same("revision of kwire.wrap", re.search(r"^revision = (.*)$", files["kwire.wrap"], re.MULTILINE)[1], f"v{version}")
    return problems


def check_conan(components, files):
    tree = ast.parse(files["conanfile.py"])
    tables = {node.targets[0].id: ast.literal_eval(node.value) for node in tree.body
              if isinstance(node, ast.Assign) and node.targets[0].id in ("COMPONENTS", "DEFINES", "THREADS")}
    listed = tables["COMPONENTS"]
    problems = same("components of conanfile.py", list(listed), list(components))
    for name in components.keys() & listed.keys():
        component = components[name]
        problems += same(f"what {name} requires in conanfile.py", sorted(reference.split("/")[0] for reference in listed[name]),
                         component.called(CONAN))
        problems += same(f"defines of {name} in conanfile.py", tables["DEFINES"].get(name, []), component.defines)
        for package, least in component.least.items():
            if not any(f"{LIBRARIES[package][CONAN]}/[>={least} " in reference for reference in listed[name]):
                problems.append(f"{name} in conanfile.py requires another version than {package} {least}")
    problems += same("THREADS of conanfile.py", sorted(tables["THREADS"]), sorted(one.name for one in components.values() if one.threads))
    return problems


def check_vcpkg(components, version, files):
    manifest = json.loads(files["ports/kwire/vcpkg.json"])
    features = manifest["features"]
    problems = same("features of vcpkg.json", sorted(features), sorted(one.dashed for one in components.values()))
    for component in components.values():
        feature = features.get(component.dashed, {"dependencies": []})
        needs = {one if isinstance(one, str) else one["name"]: one for one in feature["dependencies"]}
        problems += same(f"dependencies of {component.dashed} in vcpkg.json", sorted(needs), component.called(VCPKG))
        for package, least in component.least.items():
            need = needs.get(LIBRARIES[package][VCPKG].format(component.name), {})
            problems += same(f"version of {package} for {component.dashed}", need.get("version>="), f"{least}.0")
    problems += same("version in vcpkg.json", manifest["version-semver"], version)
    return problems


def check_readme(components, files):
    """The table of README's section: a row for each component, with its header and Debian's package."""
    section = files["README.md"].split("\n## Get kwire\n", 1)[-1].split("\n## ", 1)[0]
    rows = dict(re.findall(r"^\| `(\w+)` \|(.*)\|$", section, flags=re.MULTILINE))
    problems = same("components in README.md", list(rows), list(components))
    for name in components.keys() & rows.keys():
        first = next(header for header in components[name].headers if "/detail/" not in header)
        wanted = [f"`<kwire/{first}>`", *(f"`{package}`" for package in components[name].called(DEBIAN))]
        problems += [f"README.md does not say {word} of {name}" for word in wanted if word not in rows[name]]
    return problems


def check_module(components, files):
    """The module has every header of the core and of the codecs, and what they include of others comes before it."""
    before, exported = files["modules/kwire.cppm"].split("export module kwire;")
    include = re.compile(r"^\s*#\s*include\s*<([^>]+)>", re.MULTILINE)
    there, others = set(), set()

    def collect(header):
        if header not in there:
            there.add(header)
            for one in includes_of(header):
                collect(one[len("kwire/"):]) if one.startswith("kwire/") else others.add(one)

    for header in include.findall(exported):
        collect(header[len("kwire/"):])
    codecs = {name for name, component in components.items() if component.headers[0].startswith("compression/")}
    left_out = {header for name in components.keys() - codecs for header in components[name].headers}
    problems = same("headers of modules/kwire.cppm", there, set(HEADERS) - left_out)
    missing = others - set(include.findall(before))
    problems += [f"modules/kwire.cppm does not include before the module: {few(missing)}"] if missing else []
    return problems


@functools.cache
def includes_of(header):
    text = (ROOT / "include" / "kwire" / header).read_text(encoding="utf-8")
    return re.findall(r"^\s*#\s*include\s*<([^>]+)>", text, flags=re.MULTILINE)


def problems_of(files):
    components = components_of(files["CMakeLists.txt"])
    version = re.search(r"project\(kwire VERSION (\S+)", files["CMakeLists.txt"])[1]
    return [*check_core(components), *check_bazel(components, version, files), *check_meson(components, version, files),
            *check_conan(components, files), *check_vcpkg(components, version, files), *check_module(components, files), *check_readme(components, files)]


def main():
    files = {name: (ROOT / name).read_text(encoding="utf-8") for name in FILES}
    problems = problems_of(files)
    print(*problems, sep="\n")

    # Mistakes that must be noticed: file, text, another text.
    mistakes = [
        ("CMakeLists.txt", "kwire_component(zstd ", "kwire_component(zstandard "),
        ("CMakeLists.txt", "HEADERS compression/lz4.hpp", "HEADERS compression/zstd.hpp"),
        ("CMakeLists.txt", "VERSION 0.", "VERSION 9."),
        ("BUILD.bazel", '"@lz4//:lz4"', '"@zstd//:zstd"'),
        ("BUILD.bazel", 'exclude = _ASIO + _JSON', "exclude = _ASIO"),
        ("BUILD.bazel", '"KWIRE_STANDALONE_ASIO"', '"OTHER"'),
        ("MODULE.bazel", 'bazel_dep(name = "snappy"', 'bazel_dep(name = "snippy"'),
        ("meson.build", "['libdeflate', '']", "['deflate', '']"),
        ("meson.build", "'json': [['boost', '>=1.81']]", "'json': [['boost', '>=1.80']]"),
        ("meson_options.txt", "option('fmt'", "option('format'"),
        ("kwire.wrap", "kwire-lz4, ", ""),
        ("conanfile.py", '"snappy/[', '"snippy/['),
        ("conanfile.py", 'THREADS = {"asio", ', "THREADS = {"),
        ("ports/kwire/vcpkg.json", '"standalone-asio"', '"standalone_asio"'),
        ("modules/kwire.cppm", "#include <kwire/split/all.hpp>", ""),
        ("modules/kwire.cppm", "#include <charconv>", ""),
        ("README.md", "| `gzip` |", "| `gz` |"),
        ("README.md", "`libzstd-dev`", "`zstd-dev`"),
    ]
    unnoticed = []
    for name, text, other in mistakes:
        assert text in files[name], f"{name} has no {text!r}"
        if problems_of({**files, name: files[name].replace(text, other)}) == problems:
            unnoticed.append(f"not noticed: {name} with {other!r} instead of {text!r}")
    print(*unnoticed, sep="\n")
    sys.exit(bool(problems or unnoticed))


if __name__ == "__main__":
    main()
