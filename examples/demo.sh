#!/bin/sh
# Shows real clients moving real messages through a broker made with kwire. It also runs on a fresh Debian 12.
#
#     sh examples/demo.sh
#
# Builds the echo broker, starts it on a free port of 127.0.0.1, and lets kcat and kafka-python each produce 1000 messages to
# it and consume them all. Succeeds only if every message came back byte for byte, in order, and kwire copied no payload.
set -u
cd "$(dirname "$0")/.." || exit 1
tree=${KWIRE_DEMO_TREE:-build/demo} # .ci/run names a tree that has the broker

. cmake/debian.sh
need_command g++ g++
need_command cmake cmake
need_command ninja ninja-build
need_command kcat kcat
need_file /usr/lib/python3/dist-packages/kafka python3-kafka
need_file /usr/include/zlib.h zlib1g-dev
need_file /usr/include/snappy-c.h libsnappy-dev
need_file /usr/include/lz4hc.h liblz4-dev
need_file /usr/include/zstd.h libzstd-dev
need_boost
install_needed || exit 1

echo "== building the echo broker"
mkdir -p "$tree"
# A separate build tree: it needs no test framework, and does not change the settings of build/release.
{
    { [ -e "$tree/build.ninja" ] ||
        cmake --preset release -B "$tree" -D KWIRE_BUILD_TESTS=OFF -D KWIRE_CHECK_HEADERS=OFF; } &&
        cmake --build "$tree" --target echo_broker --parallel "${JOBS:-$(nproc)}"
} >"$tree/build.log" 2>&1 || {
    tail -n 50 "$tree/build.log"
    echo "could not build the echo broker"
    exit 1
}

broker='' driver=''
# shellcheck disable=SC2317  # called by the trap
stop_all() {
    for started in $driver $broker; do
        kill "$started" 2>/dev/null && wait "$started"
    done
}
trap stop_all EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

: >"$tree/broker.log" # emptied first, so that the port of an earlier run is not read
"$tree/examples/echo_broker" --partitions 3 >"$tree/broker.log" 2>"$tree/broker.err" &
broker=$!
port=''
tries=0
until [ -n "$port" ]; do
    port=$(sed -n 's/^listening on 127\.0\.0\.1:\([0-9]*\)$/\1/p' "$tree/broker.log")
    tries=$((tries + 1))
    if [ -z "$port" ] && { [ "$tries" -gt 100 ] || ! kill -0 "$broker" 2>/dev/null; }; then
        cat "$tree/broker.err"
        echo "the echo broker did not start"
        exit 1
    fi
    [ -n "$port" ] || sleep 0.1
done
echo "== it listens on 127.0.0.1:$port, with 3 partitions per topic"

# Debian's own Python, which has Debian's packages, whatever Python is in PATH. In the background, so that a signal to this
# script takes effect at once.
/usr/bin/python3 examples/demo.py "127.0.0.1:$port" 3 &
driver=$!
wait "$driver"
status=$?
driver=''

kill -TERM "$broker"
wait "$broker"
broker_status=$?
broker=''
totals=$(sed -n 2p "$tree/broker.log")
echo "== the broker: $totals"
echo "$totals" | sed 's/[^0-9]/ /g' |
    awk '$1 > 0 { printf "   which is %.1f reads and %.1f writes for each request\n", $2 / $1, $3 / $1 }'
if [ -s "$tree/broker.err" ]; then
    echo "== its error output:"
    cat "$tree/broker.err"
fi

if [ "$status" -ne 0 ]; then
    echo "FAILED: some messages did not come back as they were sent"
    exit "$status"
fi
if [ "$broker_status" -ne 0 ]; then
    echo "FAILED: the broker exited with status $broker_status"
    exit 1
fi
case $totals in
*'payload bytes copied by kwire: 0') ;;
*)
    echo "FAILED: payload was copied"
    exit 1
    ;;
esac
