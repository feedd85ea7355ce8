#!/usr/bin/env bash
# deploy/demo.sh [--reset | --check | --packages]: builds the sandbox and the demonstration bot, starts both, and
# prints the address of the page on which to talk to the bot. Ctrl-C ends all of it, a second one at once.
#
#   --reset   begins with an empty world
#   --check   holds one scripted conversation on free ports in a temporary folder, compares each step
#             with what is expected, and exits with 0 only if all hold
#   --packages  installs what a build needs, and nothing else
#
# Needs Debian 12 or newer, 2 cores and 4 GB of memory. Installs what is missing with apt.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
# shellcheck source=deploy/common.sh
. deploy/common.sh

mtproto_port=10443
page_port=8090
token=1000001:demonstration-token-of-the-sandbox-0
bin=$PWD/build/release/bin
data=${XDG_DATA_HOME:-$HOME/.local/share}/cafegram-demo
logs=$PWD/build/logs
targets=(cafegram_program cafegram_example_demo cafegram_example_echo)

build() {
  mkdir -p "$logs"
  need_packages "${build_packages[@]}" || exit 1
  local memory_kb
  memory_kb=$(awk '/^MemTotal:/ {print $2}' /proc/meminfo)
  [ "$memory_kb" -ge 3500000 ] || say "this machine has less than 4 GB of memory: the build may fail"
  # A second start finds everything built; the build tool sees that in a moment and says nothing.
  if [ -f build/release/build.ninja ] &&
    ninja -C build/release -n "${targets[@]}" 2>/dev/null | grep -q 'no work to do'; then
    return 0
  fi
  say "first build: about 10 minutes on 2 cores"
  local began=$SECONDS
  configure_and_build demo "${targets[@]}" || die "the build failed; see above"
  say "built in $(((SECONDS - began) / 60)) min $(((SECONDS - began) % 60)) s"
}

# signal_all SIGNAL: by the shell's own list, for Ctrl-C may come before the number of what was started is noted.
signal_all() {
  local one
  for one in $(jobs -pr); do kill "-$1" "$one" 2>/dev/null; done
}

# A second Ctrl-C means that the end takes too long. It must not end this shell: who would end the others then?
stop() {
  trap 'signal_all KILL' INT TERM
  trap - EXIT
  signal_all TERM
  # A signal ends a wait, and not what was waited for.
  while [ -n "$(jobs -pr)" ]; do wait 2>/dev/null; done
  say "stopped; the data stay in $data"
}

start_sandbox() {
  local line out
  # A named pipe, so that the sandbox is a job of this shell and its end is noticed.
  rm -f "$data/announcements"
  mkfifo -m 600 "$data/announcements"
  "$bin/cafegram" sandbox --listen "127.0.0.1:$mtproto_port" \
    --http "127.0.0.1:$page_port" --dc-id 2 --key-out "$data/server.pem" --data "$data/world" \
    >"$data/announcements" 2>"$data/sandbox.log" &
  sandbox=$!
  exec {out}<"$data/announcements"
  while IFS= read -r -t 20 line <&"$out"; do
    [ "$line" = ready ] && return 0
  done
  cat "$data/sandbox.log" >&2
  die "the sandbox did not start"
}

start_bot() {
  # What the user has set for bots of their own is not meant for this one.
  env -u API_ID -u API_HASH -u CAFEGRAM_PROXY -u CAFEGRAM_TRANSPORT -u CAFEGRAM_DC_ID \
    BOT_TOKEN="$token" "$bin/example_demo" \
    --sandbox "127.0.0.1:$mtproto_port" --rsa-key "$data/server.pem" \
    --session "$data/bot.session" >"$data/bot.log" 2>&1 &
  bot=$!
}

announce() {
  cat <<TEXT

  Talk to the bot:   http://127.0.0.1:$page_port/
  From elsewhere:    ssh -L $page_port:127.0.0.1:$page_port ${USER:-root}@$(uname -n)

  MTProto listens on 127.0.0.1:$mtproto_port (DC 2), its public key is
  $data/server.pem
  Data and logs:     $data

  Ctrl-C ends the sandbox and the bot.

TEXT
}

run() {
  mkdir -p "$data"
  chmod 700 "$data"
  mtproto_port=$(free_port MTProto "$mtproto_port")
  page_port=$(free_port page "$page_port")
  trap stop EXIT
  trap 'stop; exit 0' INT TERM
  start_sandbox
  start_bot
  announce
  # Ctrl-C reaches all three, and theirs may be heard of first: with 0 they end only when they are asked to.
  wait -n "$sandbox" "$bot" && exit 0
  if kill -0 "$sandbox" 2>/dev/null; then
    tail -n 5 "$data/bot.log" >&2
    die "the bot has ended"
  fi
  tail -n 5 "$data/sandbox.log" >&2
  die "the sandbox has ended"
}

case ${1:-} in
  "") build && run ;;
  --reset)
    rm -rf "$data"
    say "emptied $data"
    build && run
    ;;
  --packages) need_packages "${build_packages[@]}" ;;
  --check) build && exec "$bin/cafegram" check --bot "$bin/example_demo" ;;
  -h | --help) sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" ;;
  *) die "unknown argument '$1'; see --help" ;;
esac
