#!/usr/bin/env bash
# tests/chaos/run.sh [--minutes N] [--seed S] [--requests N]: many bots against a sandbox in which
# everything goes wrong, then the judgement of the sandbox's log. See docs/chaos.md.
#
#   --minutes N      how long calls are made (20). Below 20 the least counts shrink in proportion
#   --seed S         which faults happen, and what is asked for (1)
#   --requests N     calls that have to come (500000)
#   --control NAME   `state-question` or `duplicate-check`: with that protection off; the judge has
#                    to find calls that ran twice
#   --keep           leaves the log where it is, and says where
#
# Needs the release build. Each thing is printed as `name: ok` or `name: fail`; exit status 1 if one
# failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
# shellcheck source=deploy/common.sh
. deploy/common.sh

minutes=20 seed=1 requests=500000 each_fault=200 clients=64 control='' keep=0
while [ $# -gt 0 ]; do
  case $1 in
    --minutes) minutes=${2:?}; shift 2 ;;
    --seed) seed=${2:?}; shift 2 ;;
    --requests) requests=${2:?}; shift 2 ;;
    --control) control=${2:?}; shift 2 ;;
    --keep) keep=1; shift ;;
    -h | --help) sed -n '2,14s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) die "unknown option '$1'" ;;
  esac
done

bin=build/release/bin
sandbox=$bin/cafegram driver=$bin/chaos_driver
case $control in
  '') ;;
  state-question) driver=$bin/chaos_driver_without_state_question ;;
  duplicate-check) sandbox=$bin/chaos_sandbox_without_duplicate_check ;;
  *) die "there is no control '$control'" ;;
esac
if [ ! -x "$sandbox" ] || [ ! -x "$driver" ]; then
  die "build first: cmake --preset release && cmake --build --preset release"
fi

# One in so many places; each comes to several hundred in the whole run. What ends a connection, or
# holds it up for long, is rarer than what only disturbs it.
faults=(
  drop=1500 delay=800,300 duplicate=500 reorder=800,200 corrupt=1500 truncate=1500 cut=1500
  half-open=1500,4000 slow-read=800,1000 slow-write=800,1000
  error-404=1200 error-429=1200 error-444=1200 wrong-salt=800 wrong-time=1200,3600
  forget-session=1000 flood-wait=800,2 error-500=800 late-answer=500,1500
)

work=$(mktemp -d)
server=0
clean() {
  [ "$server" != 0 ] && kill "$server" 2>/dev/null
  wait 2>/dev/null
  if [ "$keep" = 1 ]; then say "kept: $work"; else rm -rf "$work"; fi
}
trap clean EXIT

# scaled NUMBER: in proportion to the minutes, where these are less than 20.
scaled() { awk -v n="$1" -v m="$minutes" 'BEGIN { print int(n * (m < 20 ? m / 20 : 1)) }'; }

start_sandbox() {
  mapfile -t options < <(printf -- '--fault\n%s\n' "${faults[@]}")
  "$sandbox" sandbox --listen 127.0.0.1:0 --no-page --key-out "$work/key.pem" --salt-lifetime 120 \
    --fault-seed "$seed" --log "$work/log" "${options[@]}" >"$work/out" 2>"$work/err" &
  server=$!
  while ! grep -q '^ready' "$work/out"; do
    kill -0 "$server" 2>/dev/null || { cat "$work/err"; return 1; }
    read -r -t 0.1 <> <(:)
  done
  address=$(sed -n 's/^mtproto //p' "$work/out")
}

stop_sandbox() {
  kill -TERM "$server"
  wait "$server"
  local code=$?
  server=0
  if [ "$code" != 0 ]; then
    printf '%s\n' "sandbox: fail (exit status $code)"
    tail -n 20 "$work/err"
    return 1
  fi
  printf '%s\n' "sandbox: ok"
}

least_requests=$(scaled "$requests") least_faults=$(scaled "$each_fault")

drive() {
  "$driver" "$address" --key "$work/key.pem" --seed "$seed" --clients "$clients" \
    --requests "$least_requests" --minutes "$minutes"
}

judge() {
  python3 -B tests/chaos/judge.py "$work/log" --requests "$least_requests" \
    --each-fault "$least_faults" --clients "$clients"
}

# With a protection off the run fails, and for the right reason.
is_found_out() {
  drive
  stop_sandbox
  judge >"$work/judgement"
  local found=$?
  cat "$work/judgement"
  [ "$found" != 0 ] && grep -q '^nothing-ran-twice: fail' "$work/judgement"
}

if [ "$least_faults" -lt "$each_fault" ]; then
  say "$minutes of 20 minutes: at least $least_requests requests and $least_faults faults of each kind"
fi
say "again with: tests/chaos/run.sh --minutes $minutes --seed $seed --requests $requests${control:+ --control $control}"
start_sandbox || die "sandbox: fail (it did not start)"

if [ -n "$control" ]; then
  if is_found_out >"$work/findings"; then verdict="ok (the judge found it)"; else verdict=fail; fi
  sed 's/^/| /' "$work/findings"
  printf '%s\n' "without-$control: $verdict"
  [ "$verdict" != fail ]
  exit
fi

status=0
drive || status=1
stop_sandbox || status=1
judge || status=1
exit $status
