#!/usr/bin/env bash
# What .ci/run has no time for: the tests on other processors and systems, those of packages, and Kafka itself. Each guard says what it is and how it ended.
#
#     ci/nightly.sh [guard...]        without names: all guards
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
exec </dev/null
export JOBS=${JOBS:-$(nproc)}

. ci/guards.sh
# Only these tests of the preset are built.
every_cut() {
    cmake --preset asan && cmake --build --preset asan --target messages_prefix_test connect_sniff_test connect_rewrite_hostile_test &&
        ctest --preset asan-long
}
# Warnings that only an optimiser finds.
optimised() {
    local compiler source failed=0
    while read -r compiler; do
        echo "$compiler"
        for source in examples/*.cpp; do
            $compiler -O3 -DNDEBUG -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -Iinclude -c "$source" -o /dev/null || failed=1
        done
    done <<'END'
g++-11 -std=c++20
g++ -std=c++20
g++ -std=c++23
clang++-16 -std=c++20
clang++-19 -std=c++23
clang++-19 -std=c++23 -stdlib=libc++
END
    return $failed
}

wanted=("$@")
guard clang "Clang 19: each header by itself, and the tests of the lowest layers" preset clang
guard cxx20 "GCC 12 in C++20, with kwire's own expected" preset cxx20
guard libcxx "Clang 19 with libc++" preset libcxx
guard cross-aarch64 "64-bit ARM: CRC-32C by its instructions" preset cross-aarch64
guard cross-s390x "s390x, which is big-endian" preset cross-s390x
guard cross-i686 "32-bit x86" preset cross-i686
guard cross-riscv64 "64-bit RISC-V, for which kwire has nothing of its own" preset cross-riscv64
guard mingw "Windows, under Wine: every header by itself, and the tests" preset mingw
guard every-cut "every message cut at every byte, every byte of it with every other value, and ten million random starts of streams, with the sanitizers" every_cut
guard packages "consumers by Conan, Meson, Bazel, with a single header and with modules" preset packages
guard o3 "GCC with the flags of CMake's own Release build" preset o3
guard optimised "the small examples with the flags of CMake's own Release build and each compiler, without a warning" optimised
guard oracle "Kafka's own classes judge random values and edits; needs a JDK and Maven" preset oracle
guard interop "franz-go's reader and real clients; needs Go" preset interop
guard proxy "clients in five languages through the proxy to three nodes of Kafka" preset proxy
sum_up
