# Sourced by .ci/run and ci/nightly.sh, in the project's folder: runs guards and sums up.
#
#     wanted=("$@")                                     the names of the guards to run; none: all
#     guard <name> <what it shows> <command...>         runs it now
#     beside <name> <what it shows> <command...>        runs it when run_beside is called
#     run_beside                                        runs these in the order given, two at a time
#     sum_up                                            the last line; fails if a guard did

passed=0 failed=0
failures=()
logs=build/ci
mkdir -p "$logs"
wanted=()
waiting=()            # the names of guards that run_beside will run
declare -A told=()    # what each of them shows
declare -A command=() # the words of its command, quoted
declare -A name_of=() # the guard that a process runs

is_wanted() { ((${#wanted[@]} == 0)) || [[ " ${wanted[*]} " == *" $1 "* ]]; }

# count <name> <status> <seconds>: counts the ctest closing line in the guard's log, or the guard itself as one test.
count() {
    local name=$1 status=$2 seconds=$3 counts
    counts=$(sed -n 's/^[0-9]*% tests passed, \([0-9]*\) tests\? failed out of \([0-9]*\)$/\1 \2/p' "$logs/$name.log" | tail -n 1)
    if [[ -n $counts ]]; then
        passed=$((passed + ${counts#* } - ${counts% *}))
        failed=$((failed + ${counts% *}))
        # A guard that fails without a failed test fails all the same.
        if ((status != 0 && ${counts% *} == 0)); then failed=$((failed + 1)); fi
    elif ((status == 0)); then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
    if ((status == 0)); then
        printf '==== %s: passed in %d s\n' "$name" "$seconds"
    else
        printf '==== %s: FAILED (status %d) in %d s\n' "$name" "$status" "$seconds"
        failures+=("$name")
    fi
}

guard() {
    local name=$1 what=$2 started=$SECONDS
    shift 2
    is_wanted "$name" || return 0
    printf '\n==== %s: %s\n' "$name" "$what"
    "$@" 2>&1 | tee "$logs/$name.log"
    count "$name" "${PIPESTATUS[0]}" $((SECONDS - started))
}

beside() {
    local name=$1
    is_wanted "$name" || return 0
    waiting+=("$name")
    told[$name]=$2
    shift 2
    command[$name]=$(printf '%q ' "$@")
}

# Prints what a guard said once it has ended, so that two do not mix.
finish_one() {
    local process status name
    wait -n -p process "${!name_of[@]}"
    status=$?
    name=${name_of[$process]}
    unset "name_of[$process]"
    printf '\n==== %s: %s\n' "$name" "${told[$name]}"
    cat "$logs/$name.log"
    count "$name" "$status" $((SECONDS - $(<"$logs/$name.started")))
}

# Some guards use one processor for minutes, and tests wait; another guard makes use of what they leave.
run_beside() {
    local name
    for name in "${waiting[@]}"; do
        if ((${#name_of[@]} >= 2)); then finish_one; fi
        echo "==== $name: started"
        echo "$SECONDS" >"$logs/$name.started"
        eval "${command[$name]}" >"$logs/$name.log" 2>&1 &
        name_of[$!]=$name
    done
    while ((${#name_of[@]})); do finish_one; done
    waiting=()
}

preset() { sh tests/run.sh "$1"; }

sum_up() {
    printf '\n'
    if ((${#waiting[@]})); then failures+=("${waiting[@]}"); fi # never run
    if ((${#failures[@]})); then printf 'failed: %s\n' "${failures[*]}"; fi
    echo "$passed passed, $failed failed"
    ((failed == 0 && ${#failures[@]} == 0))
}
