#!/usr/bin/env bash
# tests/durability/run.sh [--backend NAME] [--minutes N] [--seed S]: bots that are killed all the time
# answer people in 1,000 chats of a sandbox in which updates go wrong; then the judgement of the sandbox's
# log. See docs/durability.md.
#
#   --backend NAME   where the bots keep their sessions: sqlite (default), file, postgres
#   --minutes N      how long people write (15). Below 15 the least counts shrink in proportion
#   --seed S         which faults happen, who writes when, where the bots are killed (1)
#   --messages N     that people write, at least (100000)
#   --control NAME   `inbox`, `send-identity` or `box-order`: with that protection off; the judge has to
#                    find what it protects from
#   --keep           leaves the log where it is, and says where
#
# Needs the release build. Each thing is printed as `name: ok` or `name: fail`; exit status 1 if one
# failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
# shellcheck source=deploy/common.sh
. deploy/common.sh

given=("$@")
backend=sqlite minutes=15 seed=1 messages=100000 kills=100 each_point=5 each_fault=100 chats=1000
control='' finding='' keep=0 bots=4 patience=90
while [ $# -gt 0 ]; do
  case $1 in
    --backend) backend=${2:?}; shift 2 ;;
    --minutes) minutes=${2:?}; shift 2 ;;
    --seed) seed=${2:?}; shift 2 ;;
    --messages) messages=${2:?}; shift 2 ;;
    --control) control=${2:?}; shift 2 ;;
    --keep) keep=1; shift ;;
    -h | --help) sed -n '2,16s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) die "unknown option '$1'" ;;
  esac
done

bin=build/release/bin
program=$bin/cafegram driver=$bin/durability_bot
case $control in
  '') ;;
  inbox) driver=${driver}_without_inbox finding=none-unanswered ;;
  send-identity) driver=${driver}_without_send_identity finding=none-answered-twice ;;
  box-order) driver=${driver}_without_box_order finding=in-order ;;
  *) die "there is no control '$control'" ;;
esac
if [ ! -x "$program" ] || [ ! -x "$driver" ]; then
  die "build first: cmake --preset release && cmake --build --preset release"
fi
# A server of its own goes with the run.
if [ "$backend" = postgres ] && [ -z "${CAFEGRAM_TEST_POSTGRES:-}" ]; then
  exec tests/storage/postgres.sh tests/durability/run.sh "${given[@]}"
fi

work=$(mktemp -d)
server=0 supervisor=0
# Both end by themselves, or are ended: see `longest`.
clean() {
  [ "$supervisor" != 0 ] && kill "$supervisor" 2>/dev/null && wait "$supervisor"
  [ "$server" != 0 ] && kill "$server" 2>/dev/null
  wait 2>/dev/null
  if [ "$keep" = 1 ]; then say "kept: $work"; else rm -rf "$work"; fi
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The place of a bot's session; % stands for its number.
case $backend in
  sqlite | file) session="$backend:$work/bot%" ;;
  postgres) session="$CAFEGRAM_TEST_POSTGRES?session=bot%" ;;
  *) die "there is no backend '$backend'" ;;
esac

# One in so many places. Of updates much goes wrong; connections end, calls are refused, and of what a call has
# done the answer comes late.
faults=(
  push-drop=100 push-delay=100,2000 push-repeat=100 push-reorder=100,500
  cut=600 half-open=4000,3000 drop=2000 duplicate=1000 forget-session=4000
  late-answer=60,2000 error-500=400 flood-wait=800,1
)

# scaled NUMBER: in proportion to the minutes, where these are less than 15; at least 1.
scaled() {
  awk -v n="$1" -v m="$minutes" 'BEGIN { x = n * (m < 15 ? m / 15 : 1); print (x > int(x)) ? int(x) + 1 : int(x) }'
}
messages=$(scaled "$messages") kills=$(scaled "$kills") each_point=$(scaled "$each_point")
each_fault=$(scaled "$each_fault")

# Each part of a run has a bound of its own; this one is for what hangs all the same.
longest=$(awk -v m="$minutes" 'BEGIN { print int(60 * m) + 7200 }')

start_sandbox() {
  local until=$((SECONDS + 60))
  mapfile -t options < <(printf -- '--fault\n%s\n' "${faults[@]}")
  timeout --foreground -k 60 "$((longest + 600))" \
    "$program" sandbox --listen 127.0.0.1:0 --http 127.0.0.1:0 --no-alice --key-out "$work/key.pem" \
    --fault-seed "$seed" --log "$work/log" "${options[@]}" >"$work/out" 2>"$work/err" &
  server=$!
  while ! grep -q '^ready' "$work/out"; do
    if ! kill -0 "$server" 2>/dev/null || [ "$SECONDS" -ge "$until" ]; then
      cat "$work/err"
      return 1
    fi
    read -r -t 0.1 <> <(:)
  done
  address=$(sed -n 's/^mtproto //p' "$work/out") page=$(sed -n 's/^page //p' "$work/out")
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

supervise() {
  timeout --foreground -k 60 "$longest" \
    python3 -B tests/durability/supervise.py --driver "$driver" --server "$address" --page "$page" \
    --key "$work/key.pem" --log "$work/log" --session "$session" --work "$work" --minutes "$minutes" \
    --seed "$seed" --messages "$messages" --chats "$chats" --kills "$kills" --each-point "$each_point" \
    --patience "$patience" &
  supervisor=$!
  wait "$supervisor"
  local code=$?
  supervisor=0
  [ "$code" != 0 ] && [ -s "$work/bots.err" ] && tail -n 20 "$work/bots.err"
  return "$code"
}

# What no bot has finished, and what they have given up, as a person would look for it.
look_into_inboxes() {
  local what number lines code=0
  for what in list dead; do
    : >"$work/$what"
    for ((number = 0; number < bots; ++number)); do
      timeout -k 10 120 "$program" inbox "$what" --session "${session/\%/$number}" >>"$work/$what" 2>&1 || code=1
    done
    lines=$(wc -l <"$work/$what")
    if [ "$lines" = 0 ] && [ "$code" = 0 ]; then
      printf '%s\n' "inbox-$what: ok (nothing of $bots bots)"
    else
      printf '%s\n' "inbox-$what: fail ($lines lines)"
      head -n 5 "$work/$what"
      code=1
    fi
  done
  return "$code"
}

judge() {
  python3 -B tests/durability/judge.py "$work/log" --messages "$messages" --chats "$chats" --kills "$kills" \
    --each-point "$each_point" --each-fault "$each_fault"
}

# With a protection off the run fails, and for the right reason: all that does not hang on it is as it should be.
is_found_out() {
  local found step
  patience=20
  supervise >"$work/supervision"
  cat "$work/supervision"
  stop_sandbox || return 1
  judge >"$work/judgement"
  found=$?
  cat "$work/judgement"
  for step in login written killed no-other-end log-complete messages chats; do
    grep -qs "^$step: ok" "$work/supervision" "$work/judgement" || return 1
  done
  [ "$found" != 0 ] && grep -q "^$finding: fail" "$work/judgement"
}

if awk -v m="$minutes" 'BEGIN { exit !(m < 15) }'; then
  say "$minutes of 15 minutes: at least $messages messages, $kills kills, $each_point at each point," \
    "$each_fault faults of each kind"
fi
say "again with: tests/durability/run.sh ${given[*]:-} (backend $backend, seed $seed)"
start_sandbox || die "sandbox: fail (it did not start)"

if [ -n "$control" ]; then
  if is_found_out >"$work/findings"; then verdict="ok (the judge found it: $finding)"; else verdict=fail; fi
  sed 's/^/| /' "$work/findings"
  printf '%s\n' "without-$control: $verdict"
  [ "$verdict" != fail ]
  exit
fi

status=0
supervise || status=1
look_into_inboxes || status=1
stop_sandbox || status=1
judge || status=1
exit $status
