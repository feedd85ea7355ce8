#!/usr/bin/env bash
# tests/demo.sh: deploy/demo.sh as a person uses it: busy ports, the page, Ctrl-C, a second start, --reset.
#
# Works in a home of its own. Each step is printed as `name: ok` or `name: fail ...`; the exit status is
# 1 if one failed. Of the times only that of a second start is judged: nothing is built then.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
# shellcheck source=deploy/common.sh
. deploy/common.sh

work=$(mktemp -d)
export HOME=$work XDG_DATA_HOME=$work/share
data=$XDG_DATA_HOME/cafegram-demo
status=0 demo=0 blocker=0 took=0
second_start_seconds=5

clean() {
  [ "$demo" != 0 ] && kill -INT -- "-$demo" 2>/dev/null
  [ "$blocker" != 0 ] && kill "$blocker" 2>/dev/null
  wait 2>/dev/null
  rm -rf "$work"
}
trap clean EXIT

step() {
  local name=$1
  shift
  if "$@"; then
    printf '%s: ok\n' "$name"
  else
    printf '%s: fail\n' "$name"
    sed 's/^/| /' "$work/out"
    status=1
  fi
}

# In a process group of its own, as a terminal would have it: Ctrl-C goes to all of it.
start() {
  local began=$SECONDS line
  : >"$work/out"
  set -m
  deploy/demo.sh "$@" >"$work/out" 2>&1 &
  demo=$!
  set +m
  while IFS= read -r line; do
    case $line in *"Ctrl-C ends"*) break ;; esac
  done < <(timeout 900 tail -n +1 -f --pid="$demo" "$work/out")
  page=$(sed -n 's/.*Talk to the bot: *//p' "$work/out")
  took=$((SECONDS - began))
  printf 'ready after %s s: %s\n' "$took" "$page"
  [ -n "$page" ]
}

interrupt() {
  kill -INT -- "-$demo"
  wait "$demo"
  local code=$?
  demo=0
  [ "$code" = 0 ] && ! pgrep -f "$data" >/dev/null
}

# The sandbox hangs, so that the second one comes while the first one's end is under way.
interrupt_twice() {
  local hung tries=100
  hung=$(pgrep -f "cafegram sandbox .*$data") || return 1
  kill -STOP "$hung"
  kill -INT -- "-$demo"
  while pgrep -f "example_demo .*$data" >/dev/null && [ $((tries -= 1)) -gt 0 ]; do
    read -r -t 0.1 <> <(:)
  done
  interrupt
  local code=$?
  kill -KILL "$hung" 2>/dev/null
  return $code
}

answers() { [ "$(curl -s -o /dev/null -w '%{http_code}' "$@" "${page}api/state")" = "$expected" ]; }
is_busy_port_passed_over() {
  grep -q "port 10443 (MTProto) is busy, trying 10444" "$work/out" && [[ $page == *:809[0-9]/ ]]
}

need_packages curl python3 || exit 1
python3 -c 'import socket, time
s = socket.create_server(("127.0.0.1", 10443))
print("ready", flush=True)
time.sleep(3600)' >"$work/blocker" &
blocker=$!
until [ -s "$work/blocker" ] || ! kill -0 "$blocker" 2>/dev/null; do read -r -t 0.1 <> <(:); done

step first-start start
step busy-port is_busy_port_passed_over
port=${page%/} port=${port##*:}
step ssh-line grep -q "ssh -L $port:127.0.0.1:$port " "$work/out"
expected=200
step page answers
expected=403
step foreign-host answers -H 'Host: example.org'
step foreign-origin answers -H 'Origin: http://example.org'
step interrupt interrupt
step data-stay test -s "$data/world/world.db"
step second-start start
step second-start-in-time test "$took" -le "$second_start_seconds"
step interrupt-again interrupt
touch "$data/left-over"
step start-anew start --reset
step reset-empties test ! -e "$data/left-over"
step interrupt-twice interrupt_twice
exit $status
