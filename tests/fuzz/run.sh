#!/usr/bin/env bash
# tests/fuzz/run.sh [SECONDS [NAME...]]: runs each fuzzer, or those named, for so long (default
# 600), two at a time, beginning with its corpus; then prints which part of the lines it is for its
# corpus reaches. Fails on a finding, and on less than 85 % of the lines without a reason.
#
# What a run adds to a corpus stays in build/fuzz/found (corpus.sh takes it from there), findings
# in build/fuzz/findings.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
# shellcheck source=deploy/common.sh
. deploy/common.sh

seconds=${1:-600}
shift $(($# > 0))
folder=build/fuzz
logs=build/test-logs
mkdir -p "$logs" "$folder/findings"

if [ $# -gt 0 ]; then
  names=("$@")
else
  mapfile -t names < <(grep -l '^extern "C" int LLVMFuzzerTestOneInput' tests/fuzz/*.cpp |
    xargs -n 1 basename -s .cpp)
fi

# fuzz NAME: libFuzzer for so long; a finding is a status other than 0.
fuzz() {
  local name=$1 log=$logs/fuzz-$1.log more=() found=$folder/found/$1
  mkdir -p "$found"
  [ -f "tests/fuzz/$name.dict" ] && more+=("-dict=tests/fuzz/$name.dict")
  nice "$folder/bin/fuzz_$name" -max_total_time="$seconds" -max_len=4096 -timeout=30 \
    -rss_limit_mb=2560 -print_final_stats=1 -artifact_prefix="$folder/findings/$name-" \
    "${more[@]}" "$found" "tests/fuzz/corpus/$name" >"$log" 2>&1
}

# report NAME: `NAME: ok ...` or `NAME: fail ...`, as tests/run.sh counts them.
report() {
  local name=$1 log=$logs/fuzz-$1.log runs
  runs=$(awk '/^stat::number_of_executed_units/ {print $2}' "$log")
  if [ "$(cat "$logs/fuzz-$name.status")" = 0 ]; then
    printf '%s: ok %s inputs in %s s\n' "$name" "$runs" "$seconds"
  else
    printf '%s: fail, see %s and %s/findings\n' "$name" "$log" "$folder"
    grep -hE 'does not hold|ERROR:|runtime error|SUMMARY' "$log" | head -n 5
    return 1
  fi
}

fuzz_and_note() {
  fuzz "$1"
  printf '%s\n' $? >"$logs/fuzz-$1.status"
}

status=0
configure_and_build fuzz "${names[@]/#/fuzz_}" || exit 1
for name in "${names[@]}"; do
  while [ "$(jobs -rp | wc -l)" -ge 2 ]; do
    wait -n
  done
  fuzz_and_note "$name" &
done
wait
for name in "${names[@]}"; do
  report "$name" || status=1
done
configure_and_build fuzz-coverage "${names[@]/#/fuzz_}" || exit 1
python3 -B tests/fuzz/coverage.py "${names[@]}" || status=1
exit $status
