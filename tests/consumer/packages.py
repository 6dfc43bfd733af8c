"""Consumers of kwire by package managers that few machines have: the preset `packages` runs them.

    python3 tests/consumer/packages.py conan|meson|bazel|single_header|modules [directory to work in]

Exit code 77, and one line that says why, where the tool is not there. Conan, Meson and a CMake with modules come from pip, into a
virtual environment of the work directory, where pip finds a registry; Meson and Bazel can be the system's.
"""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# What a release holds, as far as package managers look at it.
SOURCES = ["CMakeLists.txt", "LICENSE", "BUILD.bazel", "MODULE.bazel", "conanfile.py", "meson.build", "meson_options.txt", "cmake",
           "include", "modules", "test_package"]
PINNED = {"conan": "conan==2.34.0", "meson": "meson==1.12.1", "cmake": "cmake==4.4.4"}
# Names of system libraries for components.cpp, in the order in which it prints them.
COMPONENTS = ["gzip", "libdeflate", "snappy", "lz4", "zstd", "fmt", "json", "asio"]
ALL_GOOD = "\n".join([*COMPONENTS, "all good\n"])


class Skipped(Exception):
    """The tool is not there."""


def run(*command, cwd=None, env=None, quiet=True):
    """The output; a failure prints all of it."""
    done = subprocess.run([str(word) for word in command], cwd=cwd, env={**os.environ, **(env or {})}, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT if quiet else None)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed ({done.returncode}):\n{done.stdout}")
    return done.stdout


def expect(what, output, wanted):
    if output != wanted:
        sys.exit(f"{what} printed {output!r}, not {wanted!r}")


def from_pip(work, package):
    """The directory of the programs of a pinned package, from a virtual environment that is kept."""
    programs = work.parent / f"venv-{package}" / "bin"
    if not (programs / package).exists():
        made = subprocess.run([sys.executable, "-m", "venv", str(programs.parent)], capture_output=True)
        got = made.returncode == 0 and subprocess.run(
            [str(programs / "pip"), "install", "--quiet", "--retries", "1", PINNED[package]], capture_output=True, timeout=300
        ).returncode == 0
        if not got:
            shutil.rmtree(programs.parent, ignore_errors=True)
            raise Skipped(f"pip cannot install {PINNED[package]}")
    return programs


def release_tree(target):
    """The files of a release below `target`."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__", "build"))
        else:
            shutil.copy(source, target / name)


def boost_directory():
    """Where Boost's headers are if not among the system's: tests/run.sh unpacks them."""
    for prefix in os.environ.get("CMAKE_PREFIX_PATH", "").split(":"):
        if prefix and (pathlib.Path(prefix) / "include" / "boost").is_dir():
            return prefix
    return None


def conan(work):
    programs = from_pip(work, "conan")
    release_tree(work / "kwire")
    env = {"CONAN_HOME": str(work / "home"), "PATH": f"{programs}:{os.environ['PATH']}"}
    shutil.rmtree(work / "home", ignore_errors=True)
    run("conan", "profile", "detect", env=env)
    standard = ["-s", "compiler.cppstd=20"]

    # Without options it needs nothing; a standard before C++20 is refused.
    run("conan", "create", work / "kwire", "--no-remote", *standard, env=env)
    old = subprocess.run(["conan", "create", str(work / "kwire"), "--no-remote", "-s", "compiler.cppstd=17"],
                         env={**os.environ, **env}, capture_output=True, text=True)
    if old.returncode == 0 or "C++ standard (20)" not in old.stdout + old.stderr:
        sys.exit(f"C++17 should be refused: {old.stdout}{old.stderr}")

    # The machine's libraries as packages. Conan writes files beside the recipe.
    recipe = work / "system"
    recipe.mkdir(exist_ok=True)
    shutil.copy(HERE / "conan" / "system.py", recipe)
    for reference in ("zlib/1.2.13", "libdeflate/1.14", "snappy/1.1.9", "lz4/1.9.4", "zstd/1.5.4", "fmt/9.1.0", "boost/1.81.0"):
        name, version = reference.split("/")
        run("conan", "export-pkg", recipe / "system.py", "--name", name, "--version", version, *standard, env=env)
    boost = boost_directory()
    if boost:
        env["CPATH"] = f"{boost}/include"
    options = [word for component in COMPONENTS for word in ("-o", f"&:{component}=True")]
    output = run("conan", "create", work / "kwire", "--no-remote", *standard, *options, env=env)
    if ALL_GOOD not in output:
        sys.exit(f"the package's test did not use all components:\n{output}")


def meson(work):
    program = shutil.which("meson") or from_pip(work, "meson") / "meson"
    # The archive of a release, and the wrap file of the checkout with its address.
    release_tree(work / "kwire")
    archive = shutil.make_archive(str(work / "kwire"), "gztar", work, "kwire")
    consumer = work / "consumer"
    shutil.rmtree(consumer, ignore_errors=True)
    shutil.copytree(HERE / "meson", consumer)
    shutil.copy(HERE / "main.cpp", consumer)
    shutil.copy(ROOT / "test_package" / "components.cpp", consumer)
    (consumer / "subprojects" / "packagefiles").mkdir(parents=True)
    shutil.copy(archive, consumer / "subprojects" / "packagefiles" / "kwire.tar.gz")
    wrap, count = re.subn(r"\[wrap-git\]\n.*?\n\n", "[wrap-file]\ndirectory = kwire\nsource_filename = kwire.tar.gz\nsource_hash = "
                          + hashlib.sha256(pathlib.Path(archive).read_bytes()).hexdigest() + "\n\n",
                          (ROOT / "kwire.wrap").read_text(encoding="utf-8"), flags=re.DOTALL)
    assert count == 1
    (consumer / "subprojects" / "kwire.wrap").write_text(wrap, encoding="utf-8")

    boost = boost_directory()
    env = {"BOOST_ROOT": boost} if boost else {}
    run(program, "setup", "build", f"-Dcomponents={','.join(COMPONENTS)}", cwd=consumer, env=env)
    run(program, "compile", "-C", "build", "-j1", cwd=consumer, env=env)
    expect("the consumer", run(consumer / "build" / "consumer"), "orders\n")
    expect("the consumer of components", run(consumer / "build" / "components"), ALL_GOOD)

    # A component that is switched off is not there, and installed by itself kwire brings a kwire.pc.
    off = subprocess.run([str(program), "setup", "off", "-Dcomponents=zstd", "-Dkwire:zstd=disabled"], cwd=consumer,
                         capture_output=True, text=True)
    if off.returncode == 0 or "kwire-zstd" not in off.stdout:
        sys.exit(f"kwire-zstd is disabled, and should not be found: {off.stdout}")
    run(program, "setup", work / "alone", work / "kwire", "--wipe" if (work / "alone").exists() else "--prefix=/", env=env)
    run(program, "install", "-C", work / "alone", "--destdir", work / "prefix", "--quiet", env=env)
    if not any((work / "prefix").rglob("kwire.pc")) or not any((work / "prefix").rglob("kwire/kwire.hpp")):
        sys.exit("meson install brings no kwire.pc or no headers")


# What Bazel's rules and the modules of libraries are where none can be fetched: the rules that old releases of Bazel have built in,
# and the libraries of the machine.
SUBSTITUTES = {
    "rules_cc": {"cc/defs.bzl": "\n".join(f"{rule} = native.{rule}" for rule in (
        "cc_library", "cc_binary", "cc_test", "cc_import", "cc_toolchain", "cc_toolchain_suite", "cc_proto_library"))
        + "\ncc_flags_supplier = None\ncompiler_flag = None\n", "cc/BUILD": ""},
    "rules_java": {"java/defs.bzl": "\n".join(f"{rule} = native.{rule}" for rule in (
        "java_library", "java_binary", "java_test", "java_import", "java_toolchain", "java_runtime", "java_plugin",
        "java_package_configuration", "java_proto_library", "java_lite_proto_library")) + "\n", "java/BUILD": ""},
}
SYSTEM_LIBRARIES = {"boost.asio": None, "boost.json": None, "asio": None, "fmt": "fmt", "libdeflate": "deflate", "lz4": "lz4",
                    "snappy": "snappy", "zlib": "z", "zstd": "zstd"}


def bazel(work):
    program = shutil.which("bazel")
    if not program:
        raise Skipped("there is no bazel (Debian's package is bazel-bootstrap)")
    version = re.search(r"\d+", subprocess.run([program, "--version"], capture_output=True, text=True).stdout)
    if version and int(version[0]) > 7:
        raise Skipped("this Bazel takes its rules from a registry alone; the substitutes are for releases up to 7")
    release_tree(work / "kwire")
    (work / "kwire" / "WORKSPACE").write_text("")
    consumer = work / "consumer"
    shutil.rmtree(consumer, ignore_errors=True)
    shutil.copytree(HERE / "bazel", consumer)
    shutil.copy(HERE / "main.cpp", consumer)
    shutil.copy(ROOT / "test_package" / "components.cpp", consumer)

    substitutes = dict(SUBSTITUTES)
    for name, library in SYSTEM_LIBRARIES.items():
        # The name that the module's package has among its users, as BUILD.bazel spells it.
        target = "asio_no_openssl" if name == "asio" else name
        linked = f'["-l{library}"]' if library else "[]"
        substitutes[name] = {"BUILD": f'cc_library(name = "{target}", linkopts = {linked}, visibility = ["//visibility:public"])\n'}
    workspace = 'workspace(name = "consumer")\nlocal_repository(name = "kwire", path = "../kwire")\n'
    for name, files in substitutes.items():
        directory = work / "substitutes" / name
        shutil.rmtree(directory, ignore_errors=True)
        for file, text in {"WORKSPACE": "", **files}.items():
            (directory / file).parent.mkdir(parents=True, exist_ok=True)
            (directory / file).write_text(text)
        workspace += f'local_repository(name = "{name}", path = "../substitutes/{name}")\n'
    (consumer / "WORKSPACE").write_text(workspace)

    boost = boost_directory()
    options = ["--cxxopt=-std=c++20", "--jobs=1", "--noshow_progress", "--ui_event_filters=-info,-debug",
               "--spawn_strategy=local", "--subcommands=no"]
    if boost:
        options.append(f"--cxxopt=-I{boost}/include")
    run(program, f"--output_user_root={work / 'root'}", "--batch", "build", *options, "//:consumer", "//:components", cwd=consumer)
    expect("the consumer", run(consumer / "bazel-bin" / "consumer"), "orders\n")
    expect("the consumer of components", run(consumer / "bazel-bin" / "components"), ALL_GOOD)


def modules(work):
    """`import kwire;` by CMake and Clang, which are the first here that can."""
    for tool in ("clang++-19", "clang-scan-deps-19", "ninja"):
        if not shutil.which(tool):
            raise Skipped(f"there is no {tool}")
    own = re.search(r"(\d+)\.(\d+)", run("cmake", "--version"))
    cmake = "cmake" if (int(own[1]), int(own[2])) >= (3, 28) else from_pip(work, "cmake") / "cmake"
    build = work / "build"
    shutil.rmtree(build, ignore_errors=True)
    run(cmake, "-S", HERE / "modules", "-B", build, "-G", "Ninja", "-DCMAKE_CXX_COMPILER=clang++-19", f"-DKWIRE_DIR={ROOT}")
    run(cmake, "--build", build, "-j1")
    expect("the consumer", run(build / "consumer"), "orders\n")
    expect("the consumer that mixes the module and headers", run(build / "mixed"), "the same\n")


def single_header(work):
    """README's own programs with one header, by each compiler that is there, run."""
    header = work / "kwire.hpp"
    run(sys.executable, ROOT / "cmake" / "single_header.py", "-o", header, "fetch", "produce", "metadata", "create_topics", "registry",
        "connect/rewrite")
    program = (ROOT / "tests" / "docs" / "readme.test.cpp").read_text(encoding="utf-8")
    program, count = re.subn(r"#include <kwire/[^>]*>\n", "", program)
    assert count > 5
    (work / "readme.cpp").write_text('#include "kwire.hpp"\n' + program, encoding="utf-8")
    compilers = [compiler for compiler in ("g++", "clang++-19") if shutil.which(compiler)]
    for compiler in compilers:
        for standard in ("-std=c++20", "-std=c++23"):
            run(compiler, standard, "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror", f"-I{work}",
                f"-I{ROOT / 'tests'}", work / "readme.cpp", ROOT / "tests" / "main.cpp", "-o", work / "readme")
            output = run(work / "readme")
            if "All tests passed" not in output:
                sys.exit(output)
            print(f"{compiler} {standard}: {output.strip().splitlines()[-1]}")


if __name__ == "__main__":
    way = sys.argv[1]
    work = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else os.environ["KWIRE_BUILD_DIR"] + "/consumer").resolve() / way
    work.mkdir(parents=True, exist_ok=True)
    try:
        globals()[way](work)
    except Skipped as why:
        print(f"skipped: {why}")
        sys.exit(77)
    print(f"{way}: good")
