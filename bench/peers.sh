#!/bin/sh
# Builds kwire's benchmarks and every peer that it can reach, measures them in one run, and writes docs/benchmarks.md.
#
#     sh bench/peers.sh [rounds] [milliseconds]
#
# A peer whose tools or packages are missing is left out, with a line. Once all is built a run takes some two minutes.
set -eu
cd "$(dirname "$0")/.."
build=build/peers
mkdir -p "$build"
set -- "${1:-9}" "${2:-3}"
rounds=$1 milliseconds=$2

cmake --preset peers >"$build/configure.log"
cmake --build --preset peers --target bench_run >"$build/build.log" || { cat "$build/build.log" >&2; exit 1; }
corpus=$PWD/$build/bench/corpus
set -- "kwire=$build/bench/run --serve"
absent() {
    echo "left out: $1"
    printf '%s\n' "$1" >>"$build/absent"
}
: >"$build/absent"

rust() {
    command -v cargo >/dev/null || { absent "the Rust peers, for cargo is missing"; return; }
    mkdir -p "$build/rust"
    cp -r bench/peers/rust/. "$build/rust/"
    # The lock file here does not name the registry: cargo's own word for it is put in.
    if (cd "$build/rust" && rm -f Cargo.lock && cargo generate-lockfile --ignore-rust-version &&
        source=$(sed -n 's/^source = "\(.*\)"$/\1/p' Cargo.lock | sort -u) &&
        sed "s|@registry@|$source|" ../../../bench/peers/rust/Cargo.lock >Cargo.lock &&
        cargo build --release --locked --ignore-rust-version) >"$build/rust.log" 2>&1; then
        rust_peer=$build/rust/target/release/kwire-bench-rust
    else
        tail -5 "$build/rust.log" >&2
        absent "the Rust peers, which cargo could not build"
    fi
}
go_() {
    command -v go >/dev/null || { absent "franz-go, for Go is missing"; return; }
    if (cd bench/peers/go && go build -mod=readonly -o "../../../$build/go-peer" .) >"$build/go.log" 2>&1; then
        go_peer=$build/go-peer
    else
        tail -5 "$build/go.log" >&2
        absent "franz-go, which Go could not build"
    fi
}
java_() {
    command -v javac >/dev/null && command -v mvn >/dev/null || { absent "kafka-clients, for a JDK or Maven is missing"; return; }
    if [ -d bench/peers/java ] && (mvn -B -q -f bench/peers/java/pom.xml dependency:copy-dependencies -DincludeScope=runtime \
        -DoutputDirectory="$PWD/$build/jars" && javac -cp "$build/jars/*" -d "$build/classes" bench/peers/java/*.java) >"$build/java.log" 2>&1; then
        java_peer="java -Xms1g -Xmx1g -cp $build/classes:$build/jars/* Peer"
    else
        tail -5 "$build/java.log" >&2
        absent "kafka-clients, which Maven could not fetch"
    fi
}
rust_peer='' go_peer='' java_peer=''
rust
go_
java_
[ -z "$rust_peer" ] || set -- "$@" "rust=$rust_peer $corpus"
[ -z "$go_peer" ] || set -- "$@" "go=$go_peer $corpus"
[ -z "$java_peer" ] || set -- "$@" "java=$java_peer $corpus"
while read -r why; do set -- --absent "$why" "$@"; done <"$build/absent"
exec python3 bench/peers.py --rounds "$rounds" --ms "$milliseconds" "$@"
