#!/bin/sh
# Builds the benchmarks and prints every figure as a Markdown table, with ratios within this run.
#
#     sh bench/report.sh [repetitions]
#
# Contenders of one program run interleaved, and medians are compared, so that other load on the machine changes the ratios
# little. Exit status 1 if contenders disagree; a row that misses its target is marked but is not a failure.
set -eu
cd "$(dirname "$0")/.."
repetitions=${1:-15}
results=build/bench/results
mkdir -p "$results"
cmake --preset bench >"$results/configure.log"
cmake --build --preset bench >"$results/build.log" || { cat "$results/build.log" >&2; exit 1; }
for program in fetch_response_encode batch_patch records compressed; do
    if [ ! -x "build/bench/bench/$program" ]; then # it needs a library that is missing
        echo "bench/$program was not built: $(grep "bench/$program is left out" "$results/configure.log" || true)"
        continue
    fi
    "build/bench/bench/$program" --benchmark_repetitions="$repetitions" --benchmark_min_time=0.05 \
        --benchmark_enable_random_interleaving=true --benchmark_out="$results/$program.json" \
        --benchmark_out_format=json >/dev/null 2>"$results/$program.log" || { cat "$results/$program.log" >&2; exit 1; }
done
python3 bench/report.py "$results"/*.json
echo
build/bench/bench/io
echo
python3 bench/compile_time.py
