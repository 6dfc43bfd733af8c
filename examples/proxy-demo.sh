#!/bin/sh
# Shows two tenants of one broker, each behind a proxy made with kwire. It also runs on a fresh Debian 12 or 13.
#
#     sh examples/proxy-demo.sh
#
# Builds the echo broker and the proxy, and starts a broker and two proxies with the prefixes "red." and "blue.". kcat and
# kafka-python move 1000 messages each through the first proxy, as demo.sh does without one, and some through the second one.
# Then it shows what each side sees. Succeeds only if every message came back byte for byte and no payload was copied.
set -u
cd "$(dirname "$0")/.." || exit 1

. cmake/debian.sh
. examples/demo_programs.sh
demo_packages || exit 1
echo "== building the echo broker and the proxy"
demo_build echo_broker proxy || exit 1

demo_start broker "$demo_tree/examples/echo_broker" --partitions 3 || exit 1
broker=$demo_pid broker_port=$demo_port
demo_start red "$demo_tree/examples/proxy" --upstream "127.0.0.1:$broker_port" --topic-prefix red. --verbose || exit 1
red=$demo_pid red_port=$demo_port
demo_start blue "$demo_tree/examples/proxy" --upstream "127.0.0.1:$broker_port" --topic-prefix blue. || exit 1
blue=$demo_pid blue_port=$demo_port
echo "== the broker listens on 127.0.0.1:$broker_port, the proxies on $red_port (red) and $blue_port (blue)"

demo_run /usr/bin/python3 examples/demo.py "127.0.0.1:$red_port" 3
status=$?
echo "a message of blue" | kcat -b "127.0.0.1:$blue_port" -P -t from-blue || status=1

# What one side sees: its topics, and where it finds the broker.
seen() {
    kcat -m 60 -b "127.0.0.1:$2" -L | sed -n 's/^  *\(topic ".*"\) with.*/\1/p; s/^  *\(broker [0-9]* at [^ ]*\).*/\1/p' |
        sort | sed "s/^/   $1 /"
}
echo "== what each side sees"
seen "red   " "$red_port"
seen "blue  " "$blue_port"
seen "broker" "$broker_port"
echo "== some lines of the red proxy"
awk '!seen[$1]++' "$demo_tree/red.err" | head -n 12 | sed 's/^/   /'

demo_end "$red" red || exit 1
demo_end "$blue" blue || exit 1
demo_end "$broker" broker || exit 1
if [ "$status" -ne 0 ]; then
    echo "FAILED: some messages did not come back as they were sent"
    exit "$status"
fi
