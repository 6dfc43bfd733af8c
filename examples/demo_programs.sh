# What the demos have in common: packages, a build tree, and programs that listen on a free port. To be sourced by a script in
# the project's directory, with need_command and the like (cmake/debian.sh).

demo_tree=${KWIRE_DEMO_TREE:-build/demo} # .ci/run names a tree that has the programs
demo_started=''

# Installs what the clients and the build need.
demo_packages() {
    need_command g++ g++
    need_command cmake cmake
    need_command ninja ninja-build
    need_command kcat kcat
    need_file /usr/lib/python3/dist-packages/kafka python3-kafka
    need_codecs
    need_file /usr/include/openssl/ssl.h libssl-dev
    need_boost
    install_needed
}

# demo_build <target...>: in a separate build tree, which needs no test framework and does not change the settings of
# build/release.
demo_build() {
    mkdir -p "$demo_tree"
    {
        { [ -e "$demo_tree/build.ninja" ] ||
            cmake --preset release -B "$demo_tree" -D KWIRE_BUILD_TESTS=OFF -D KWIRE_CHECK_HEADERS=OFF; } &&
            cmake --build "$demo_tree" --target "$@" --parallel "${JOBS:-$(nproc)}"
    } >"$demo_tree/build.log" 2>&1 && return
    tail -n 50 "$demo_tree/build.log"
    echo "could not build $*"
    return 1
}

# Stops what was started, the last one first, when the script ends for whatever reason.
# shellcheck disable=SC2317  # called by the trap
demo_stop_all() {
    for started in $demo_started; do
        kill "$started" 2>/dev/null && wait "$started"
    done
}
trap demo_stop_all EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# demo_start <name> <program> <argument...>: sets demo_pid, and demo_port to the port on which it listens. Its output is in
# <name>.log and <name>.err of the tree.
demo_start() {
    name=$1
    shift
    : >"$demo_tree/$name.log" # emptied first, so that the port of an earlier run is not read
    "$@" >"$demo_tree/$name.log" 2>"$demo_tree/$name.err" &
    demo_pid=$!
    demo_started="$demo_pid $demo_started"
    demo_port=''
    tries=0
    until [ -n "$demo_port" ]; do
        demo_port=$(sed -n 's/^listening on 127\.0\.0\.1:\([0-9]*\)$/\1/p' "$demo_tree/$name.log")
        tries=$((tries + 1))
        if [ -z "$demo_port" ] && { [ "$tries" -gt 600 ] || ! kill -0 "$demo_pid" 2>/dev/null; }; then
            cat "$demo_tree/$name.err"
            echo "$name did not start"
            return 1
        fi
        [ -n "$demo_port" ] || sleep 0.1
    done
}

# demo_wait <pid>: its exit status, after a signal to this script at once.
demo_wait() {
    wait "$1"
    demo_status=$?
    demo_started=$(echo " $demo_started " | sed "s/ $1 / /")
    return "$demo_status"
}

# demo_run <command...>: runs it in the background, so that a signal to this script takes effect at once.
demo_run() {
    "$@" &
    demo_pid=$!
    demo_started="$demo_pid $demo_started"
    demo_wait "$demo_pid"
}

# demo_end <pid> <name>: stops a program and prints its totals; fails if it did, or if it copied a payload.
demo_end() {
    kill -TERM "$1"
    demo_wait "$1"
    ended=$?
    totals=$(sed -n 2p "$demo_tree/$2.log")
    echo "== $2: $totals"
    if [ "$ended" -ne 0 ]; then
        cat "$demo_tree/$2.err"
        echo "FAILED: $2 exited with status $ended"
        return 1
    fi
    case $totals in
    *'payload bytes copied by kwire: 0') ;;
    *)
        echo "FAILED: payload was copied"
        return 1
        ;;
    esac
}
