# Sourced by .ci/run and ci/nightly.sh, in the project's folder: runs guards and sums up.
#
#     wanted=("$@")                                     the names of the guards to run; none: all
#     guard <name> <what it shows> <command...>
#     sum_up                                            the last line; fails if a guard did

passed=0 failed=0
failures=()
logs=build/ci
mkdir -p "$logs"
wanted=()

# guard <name> <what it shows> <command...>: runs it, counts the ctest closing line it printed, or itself as one test.
guard() {
    local name=$1 what=$2 started=$SECONDS status counts
    shift 2
    if ((${#wanted[@]})) && [[ " ${wanted[*]} " != *" $name "* ]]; then return; fi
    printf '\n==== %s: %s\n' "$name" "$what"
    "$@" 2>&1 | tee "$logs/$name.log"
    status=${PIPESTATUS[0]}
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
        printf '==== %s: passed in %d s\n' "$name" $((SECONDS - started))
    else
        printf '==== %s: FAILED (status %d) in %d s\n' "$name" "$status" $((SECONDS - started))
        failures+=("$name")
    fi
}

preset() { sh tests/run.sh "$1"; }

sum_up() {
    printf '\n'
    if ((${#failures[@]})); then printf 'failed: %s\n' "${failures[*]}"; fi
    echo "$passed passed, $failed failed"
    ((failed == 0 && ${#failures[@]} == 0))
}
