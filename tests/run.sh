#!/usr/bin/env bash
# tests/run.sh [fast|slow|chaos|durability]: installs what is missing, builds, runs the suite.
#
#   fast  release build whole and its tests, format and layer checks, ASan and UBSan over the pure
#         layers, an independent client against the sandbox (default)
#   slow  the rest: the slow tests, what the build costs, clang-tidy, all independent clients, the
#         page in a browser, the demonstration in a clean root file system, each fuzzer for a minute,
#         clang's build with ASan and UBSan over everything and its tests, ThreadSanitizer over actors
#   chaos 64 bots against a sandbox in which everything goes wrong, and a judge (docs/chaos.md);
#         --minutes N --seed S --requests N
#   durability  bots that are killed all the time answer in 1,000 chats, and a judge (docs/durability.md), on
#         each backend; --backend sqlite|file|postgres --minutes N --seed S
#
# The last line is `N passed, N failed`; the exit status is 1 if anything failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
root=$PWD
# shellcheck source=deploy/common.sh
. deploy/common.sh

logs=$root/build/test-logs
mkdir -p "$logs"
passed=0 failed=0 skipped=0 failures=()

fast_packages=("${build_packages[@]}" libgtest-dev clang-format-19 python3 nodejs=node npm=npm
  libpqxx-dev microsocks tinyproxy-bin)
slow_packages=("${fast_packages[@]}" clang-19 clangd-19 libclang-rt-19-dev llvm-19 dpkg-dev
  python3-telethon python3-pip
  postgresql python3-cryptography openssl curl chromium debootstrap
  g++-aarch64-linux-gnu qemu-user googletest)

note_failure() {
  failed=$((failed + 1))
  failures+=("$1")
}

# check NAME COMMAND...: one thing that passes or fails as a whole.
check() {
  local name=$1
  shift
  say "$name"
  if "$@"; then
    passed=$((passed + 1))
  else
    printf '%s\n' "FAILED: $name"
    note_failure "$name"
    return 1
  fi
}

# attribute NAME FILE: the first value of an XML attribute in the head of a JUnit file.
attribute() { grep -o -m1 "$1=\"[0-9]*\"" "$2" | head -n1 | tr -dc 0-9; }

# run_ctest PRESET ARGUMENT...: counts each test case.
run_ctest() {
  local preset=$1 report=$logs/ctest-$1.xml total bad skip
  shift
  rm -f "$report"
  say "tests of preset $preset"
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$(nproc)" \
    --output-junit "$report" "$@" | awk '
      /^ *Start +[0-9]+:/ { next }
      /^ *[0-9]+\/[0-9]+ Test.* Passed / { if (++good % 50 != 0) next }
      { print; fflush() }'
  if [ ! -s "$report" ]; then
    note_failure "tests of preset $preset did not run"
    return 1
  fi
  total=$(attribute tests "$report") bad=$(attribute failures "$report")
  skip=$(attribute skipped "$report")
  passed=$((passed + total - bad - skip)) failed=$((failed + bad)) skipped=$((skipped + skip))
  if [ "$bad" -gt 0 ]; then
    failures+=("$bad case(s) of preset $preset")
    return 1
  fi
}

# run_steps NAME COMMAND...: a command that prints `step: ok ...` or `step: fail ...` lines.
run_steps() {
  local name=$1 log good bad left status
  log=$logs/${name//[^a-z0-9]/-}.log
  shift
  say "$name"
  "$@" 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  good=$(grep -cE '^[a-z0-9_ -]+: ok( |$)' "$log")
  bad=$(grep -cE '^[a-z0-9_ -]+: fail( |$)' "$log")
  # What was left out says so: `== name: skipped ...`.
  left=$(grep -cE '^== [a-z]+: skipped' "$log")
  # A run that ends badly without naming a step has failed all the same; so has one that did nothing.
  [ "$status" != 0 ] && [ "$bad" = 0 ] && bad=1
  [ "$good" = 0 ] && [ "$bad" = 0 ] && [ "$left" = 0 ] && bad=1
  passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + left))
  [ "$bad" -gt 0 ] && failures+=("$name")
  return "$status"
}

finish() {
  say "done in $((SECONDS / 60)) min $((SECONDS % 60)) s"
  [ "$skipped" -gt 0 ] && say "$skipped skipped (they say why)"
  [ ${#failures[@]} -gt 0 ] && printf 'FAILED: %s\n' "${failures[@]}"
  printf '%s passed, %s failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
  exit
}

fast() {
  check "packages" need_packages "${fast_packages[@]}" || finish
  check "format, layers, sizes" tests/lint.sh
  if check "release build" configure_and_build release; then
    check "documents name tests that exist" tests/check_docs.py build/release
    run_ctest release -LE slow
    run_steps "interop mtcute" tests/interop/run.sh mtcute rooms
  fi
  check "asan build" configure_and_build asan && run_ctest asan -LE slow
  finish
}

slow() {
  check "packages" need_packages "${slow_packages[@]}" || finish
  if check "release build" configure_and_build release; then
    run_ctest release -L slow
    check "build budget" bench/build_budget.py build/release
    run_steps "interop" tests/interop/run.sh mtcute gramjs telethon rooms rooms:gramjs rooms:telethon special rigs \
      mtprotoproxy
    run_steps "string sessions" tests/interop/sessions.sh
    run_steps "page" tests/page/run.sh
    run_steps "demonstration" tests/demo.sh
    chaos_runs --minutes 1
    durability_runs --minutes 1
    check "clang-tidy" tests/lint.sh --tidy
    check "demonstration in a clean root" deploy/rootfs_check.sh
  fi
  run_steps "fuzzers" tests/fuzz/run.sh 60
  if check "asan-all build" configure_and_build asan-all; then
    run_ctest asan-all -LE slow
    run_ctest asan-all -R start_stop_1000
  fi
  check "ThreadSanitizer" tests/tsan/run.sh
  finish
}

# The run, and for each protection a minute without it: that one has to be found out.
chaos_runs() {
  run_steps "chaos" tests/chaos/run.sh "$@"
  local name
  for name in state-question duplicate-check; do
    run_steps "chaos without $name" tests/chaos/run.sh --minutes 1 --control "$name"
  done
}

chaos() {
  check "packages" need_packages "${build_packages[@]}" libgtest-dev python3 || finish
  check "release build" configure_and_build release cafegram_program chaos_driver \
    chaos_driver_without_state_question chaos_sandbox_without_duplicate_check && chaos_runs "$@"
  finish
}

# The run on each backend, or on the one that is named, and for each protection a minute without it: that one
# has to be found out.
durability_runs() {
  local backends=(sqlite file postgres) rest=() name
  while [ $# -gt 0 ]; do
    if [ "$1" = --backend ]; then backends=("${2:?}"); else rest+=("$1" "${2:?}"); fi
    shift 2
  done
  for name in "${backends[@]}"; do
    run_steps "durability on $name" tests/durability/run.sh --backend "$name" "${rest[@]}"
  done
  for name in inbox send-identity box-order; do
    run_steps "durability without $name" tests/durability/run.sh --minutes 1 --control "$name"
  done
}

durability() {
  check "packages" need_packages "${build_packages[@]}" libgtest-dev libpqxx-dev postgresql python3 || finish
  check "release build" configure_and_build release cafegram_program durability_bot durability_bot_without_inbox \
    durability_bot_without_send_identity durability_bot_without_box_order && durability_runs "$@"
  finish
}

case ${1:-fast} in
  fast) fast ;;
  slow) slow ;;
  chaos) chaos "${@:2}" ;;
  durability) durability "${@:2}" ;;
  -h | --help) sed -n '2,14s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" ;;
  *) die "unknown suite '$1': fast, slow, chaos or durability" ;;
esac
