#!/usr/bin/env bash
# tests/fuzz/corpus.sh [NAME...]: makes the corpora of all fuzzers, or of those named, anew: from
# what was recorded of a talk between our client and a sandbox, what is there, and what runs have
# found (build/fuzz/found), as few and as small inputs as reach the same.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=deploy/common.sh
. deploy/common.sh

logs=build/test-logs
mkdir -p "$logs"
seeds=build/fuzz/seeds
configure_and_build release fuzz_record
rm -rf "$seeds"
build/release/bin/fuzz_record "$seeds"
python3 -B tests/fuzz/step_seeds.py "$seeds"
if [ $# -gt 0 ]; then names=("$@"); else mapfile -t names < <(ls "$seeds"); fi
configure_and_build fuzz "${names[@]/#/fuzz_}"

for name in "${names[@]}"; do
  kept=tests/fuzz/corpus/$name
  fresh=build/fuzz/merged/$name
  rm -rf "$fresh"
  mkdir -p "$fresh" "$kept" "build/fuzz/found/$name"
  nice "build/fuzz/bin/fuzz_$name" -set_cover_merge=1 -use_counters=0 -max_len=4096 "$fresh" "$kept" \
    "$seeds/$name" "build/fuzz/found/$name" >"$logs/corpus-$name.log" 2>&1
  rm -rf "$kept"
  mkdir -p "$kept"
  for file in "$fresh"/*; do
    cp "$file" "$kept/$(sha1sum "$file" | cut -c1-16)"
  done
  printf '%s: %s inputs, %s octets\n' "$name" "$(find "$kept" -type f | wc -l)" \
    "$(cat "$kept"/* | wc -c)"
done
