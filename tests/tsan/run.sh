#!/usr/bin/env bash
# tests/tsan/run.sh [CTEST ARGUMENT...]: ThreadSanitizer over the tests with actors in them: CAF
# from Debian's source package (caf.sh), our code and both together, one test at a time. Any race
# ends its test. Known false ones, each with its reason, stand in suppressions.txt.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
# shellcheck source=deploy/common.sh
. deploy/common.sh

logs=$PWD/build/test-logs
mkdir -p "$logs"
tests/tsan/caf.sh || exit 1
# A folder that was configured while that library was not there yet stays with Debian's.
if [ -f build/tsan/CMakeCache.txt ] &&
  ! grep -qF "CAF_CORE_LIBRARY:FILEPATH=$PWD/build/tsan-caf/" build/tsan/CMakeCache.txt; then
  rm -rf build/tsan
fi
configure_and_build tsan test_actors test_bots test_sandbox || exit 1
export TSAN_OPTIONS="halt_on_error=1 second_deadlock_stack=1 \
suppressions=$PWD/tests/tsan/suppressions.txt"
# Addresses that are too random are more than g++ 12's runtime can place its shadow in.
setarch "$(uname -m)" -R ctest --test-dir build/tsan --output-on-failure --no-tests=error \
  -L '^(actors|bots|sandbox)$' -E '^bots\.(refused|accepted|readme)' -j "$(nproc)" "$@"
