#!/bin/sh
# Shows real clients moving real messages through a broker made with kwire. It also runs on a fresh Debian 12 or 13.
#
#     sh examples/demo.sh
#
# Builds the echo broker, starts it on a free port of 127.0.0.1, and lets kcat and kafka-python each produce 1000 messages to
# it and consume them all. Succeeds only if every message came back byte for byte, in order, and kwire copied no payload.
set -u
cd "$(dirname "$0")/.." || exit 1

. cmake/debian.sh
. examples/demo_programs.sh
demo_packages || exit 1
echo "== building the echo broker"
demo_build echo_broker || exit 1

demo_start broker "$demo_tree/examples/echo_broker" --partitions 3 || exit 1
broker=$demo_pid
echo "== it listens on 127.0.0.1:$demo_port, with 3 partitions per topic"

# Debian's own Python, which has Debian's packages, whatever Python is in PATH.
demo_run /usr/bin/python3 examples/demo.py "127.0.0.1:$demo_port" 3
status=$?

demo_end "$broker" broker || exit 1
echo "$totals" | sed 's/[^0-9]/ /g' |
    awk '$1 > 0 { printf "   which is %.1f reads and %.1f writes for each request\n", $2 / $1, $3 / $1 }'
if [ -s "$demo_tree/broker.err" ]; then
    echo "== its error output:"
    cat "$demo_tree/broker.err"
fi
if [ "$status" -ne 0 ]; then
    echo "FAILED: some messages did not come back as they were sent"
    exit "$status"
fi
