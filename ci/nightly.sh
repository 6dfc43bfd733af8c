#!/usr/bin/env bash
# What .ci/run has no time for: the tests on other processors and systems. Each guard says what it is and how it ended.
#
#     ci/nightly.sh [guard...]        without names: all guards
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
exec </dev/null
export JOBS=${JOBS:-$(nproc)}

. ci/guards.sh
wanted=("$@")
guard cross-aarch64 "64-bit ARM: CRC-32C by its instructions" preset cross-aarch64
guard cross-s390x "s390x, which is big-endian" preset cross-s390x
guard cross-i686 "32-bit x86" preset cross-i686
guard cross-riscv64 "64-bit RISC-V, for which kwire has nothing of its own" preset cross-riscv64
guard mingw "Windows, under Wine: every header by itself, and the tests" preset mingw
sum_up
