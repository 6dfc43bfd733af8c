#!/bin/sh
# Compares kwire with the crate kafka-protocol (Rust), in one process on the same bytes; needs cargo and its crates.
#
#     sh bench/peer/run.sh
#
# Both must first write the same bytes that they read. Prints medians and their ratio.
set -eu
cd "$(dirname "$0")/../.."
build=build/peer
if ! command -v cargo >/dev/null 2>&1; then
    echo "peer benchmark skipped: cargo is missing"
    exit 0
fi
mkdir -p "$build/crate/src"
cp bench/peer/Cargo.toml "$build/crate/" # cargo writes a lock file next to it
cp bench/peer/src/lib.rs "$build/crate/src/"
if ! cargo build --quiet --release --manifest-path "$build/crate/Cargo.toml" --target-dir "$build/cargo" 2>"$build/cargo.log"; then
    cat "$build/cargo.log" >&2
    echo "peer benchmark skipped: cargo cannot build the crate here"
    exit 0
fi
"${CXX:-g++}" -std=c++23 -O3 -DNDEBUG -Wall -Wextra -Iinclude -I. bench/peer/src/main.cpp \
    "$build/cargo/release/libkwire_bench_peer.a" -lbenchmark -lpthread -ldl -lm -o "$build/metadata"
exec "$build/metadata"
