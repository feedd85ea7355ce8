#!/usr/bin/env bash
# tests/interop/run.sh CLIENT...: independent clients against our sandbox.
#
# CLIENT is mtcute, gramjs or telethon (every transport that it has), or CLIENT:TRANSPORT. Each prints
# its steps; the exit status is 1 if one failed. A package that cannot be installed is a failure.
# CLIENT may also be rooms or rooms:CLIENT: mtcute, or CLIENT, as a person, with our own bot in groups and
# channels; special: mtcute with temporary keys, and against a test data centre; mtprotoproxy, a published
# MTProxy server that our own client goes through; or rigs: the scripts of the shared folder over every
# transport that they have, where there is such a folder (CAFEGRAM_SHARED; with CAFEGRAM_REQUIRE_SHARED=1 there
# has to be one). mtcute goes through the sandbox's own MTProxy ports too.
# With INTEROP_PORT and INTEROP_KEY set, a server that runs already is used instead of the sandbox.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.." || exit 2
# shellcheck source=deploy/common.sh
. deploy/common.sh

program=$PWD/build/release/bin/cafegram
echo_bot=$PWD/build/release/bin/example_echo
work=$PWD/build/interop
shared=${CAFEGRAM_SHARED:-$PWD/../shared}
mkdir -p "$work/schemas"

# The one published package that carries layer 144 as text, the layer of Debian's Telethon.
layer_144_package=Pyrogram==2.0.41

install_npm_clients() {
  cp "$here"/*.mjs "$here/package.json" "$work/" || return 1
  [ -d "$work/node_modules/telegram" ] && [ -d "$work/node_modules/@mtcute/node" ] && return 0
  say "npm packages"
  (cd "$work" && npm install --ignore-scripts --no-audit --no-fund --no-package-lock --silent)
}

install_mtprotoproxy() {
  need_packages python3 python3-cryptography python3-pip || return 1
  [ -s "$work/mtprotoproxy/bin/mtprotoproxy.py" ] && return 0
  say "mtprotoproxy"
  /usr/bin/python3 -m pip install --quiet --no-deps --target "$work/mtprotoproxy" \
    mtprotoproxy==1.0.6 >"$work/pip.log" 2>&1 || { tail -n 5 "$work/pip.log"; return 1; }
}

install_telethon() {
  need_packages python3 python3-telethon python3-cryptography python3-pip || return 1
  [ -s "$work/schemas/layer-144.tl" ] && return 0
  say "schema of layer 144"
  # Building the package's description may fail without harm: only the archive is wanted.
  /usr/bin/python3 -m pip download --quiet --no-deps --no-binary :all: -d "$work/pip" \
    "$layer_144_package" >"$work/pip.log" 2>&1
  tar -xzOf "$work"/pip/*.tar.gz --wildcards '*/main_api.tl' >"$work/schemas/layer-144.tl" || {
    tail -n 5 "$work/pip.log"
    rm -f "$work/schemas/layer-144.tl"
    return 1
  }
}

# Ports of the sandbox that are entered like MTProxies, one for each kind of secret.
mtproxy_key=00112233445566778899aabbccddeeff
mtproxies=()
for secret in $mtproxy_key dd$mtproxy_key ee${mtproxy_key}6578616d706c652e6f7267; do
  mtproxies+=(--mtproxy 127.0.0.1:0 --mtproxy-secret "$secret")
done
mtproxy_links=()

server=0
# Further words are options of the sandbox.
start_sandbox() {
  local line out port
  mtproxy_links=()
  rm -rf "$work/data"
  # gramjs stores ports in 16 bits with a sign.
  port=$(free_port interop 20443)
  exec {out}< <(exec "$program" sandbox --listen "127.0.0.1:$port" --http 127.0.0.1:0 --dc-id 2 \
    --key-out "$work/server.pem" --data "$work/data" --schemas "$work/schemas" \
    "${mtproxies[@]}" "$@" 2>"$work/sandbox.log")
  server=$!
  trap stop_sandbox EXIT
  while IFS= read -r -t 30 line <&"$out"; do
    case $line in
      "mtproto "*) INTEROP_PORT=${line##*:} ;;
      "page "*) export INTEROP_PAGE=${line#page } ;;
      "proxy "*) mtproxy_links+=("https://t.me/proxy?${line#*\?}") ;;
      "ready"*) break ;;
    esac
  done
  cat <&"$out" >>"$work/sandbox.log" &
  export INTEROP_PORT INTEROP_KEY=$work/server.pem
  [ -n "${INTEROP_PORT:-}" ] || { cat "$work/sandbox.log"; return 1; }
}

stop_sandbox() {
  [ "$server" = 0 ] || { kill "$server" && wait "$server"; } 2>/dev/null
  server=0
}

run_client() {
  local name=$1 command
  export INTEROP_TRANSPORT=$2
  case $2 in
    mtproxy-plain) INTEROP_TRANSPORT=${mtproxy_links[0]:-} ;;
    mtproxy-dd) INTEROP_TRANSPORT=${mtproxy_links[1]:-} ;;
    mtproxy-ee) INTEROP_TRANSPORT=${mtproxy_links[2]:-} ;;
  esac
  case $name in
    telethon) command=(/usr/bin/python3 -B "$here/telethon_client.py") ;;
    telethon_rooms) command=(/usr/bin/python3 -B "$here/telethon_rooms.py") ;;
    *) command=(node "$work/$name.mjs") ;;
  esac
  say "$name ${2:-its own transport}"
  # These clients do not pad a key that begins with a zero octet (one in 256), and then fail the
  # key exchange: a run that fails before the login is tried once more.
  timeout 150 "${command[@]}" >"$work/run.log" 2>&1 && { cat "$work/run.log"; return 0; }
  if grep -qE '^(connect|person_login): fail' "$work/run.log"; then
    say "$name, once more"
    timeout 150 "${command[@]}" >"$work/run.log" 2>&1 && { cat "$work/run.log"; return 0; }
  fi
  cat "$work/run.log"
  return 1
}

# Our own bot, that repeats what it gets, beside a client in groups and channels.
run_rooms() {
  local client=$1 bot id=7000003 status=0
  if [ -z "${INTEROP_PAGE:-}" ]; then
    say "rooms: skipped, no page (set INTEROP_PAGE)"
    return 0
  fi
  "$echo_bot" --sandbox "127.0.0.1:$INTEROP_PORT" --rsa-key "$INTEROP_KEY" \
    --bot-token "$id:rooms-token-of-a-sandbox-bot" >"$work/echo.log" 2>&1 &
  bot=$!
  INTEROP_ROOM_BOT=sandbox_${id}_bot run_client "${client}_rooms" "" || status=1
  kill "$bot" && wait "$bot" 2>/dev/null
  [ "$status" = 0 ] || tail -n 5 "$work/echo.log"
  return "$status"
}

# Our client through an MTProxy that others wrote, with each kind of secret.
run_mtprotoproxy() {
  local port out line kind secret domain=6578616d706c652e6f7267 status=0 proxy
  port=$(free_port mtprotoproxy 21443)
  exec {out}< <(exec /usr/bin/python3 -B "$here/mtprotoproxy_at.py" "$work/mtprotoproxy/bin" \
    "$port" "$mtproxy_key" example.org "$INTEROP_PORT" 2>"$work/mtprotoproxy.log")
  proxy=$!
  IFS= read -r -t 60 line <&"$out"
  if [ "$line" != ready ]; then
    cat "$work/mtprotoproxy.log"
    printf 'mtprotoproxy: fail it did not start\n'
    return 1
  fi
  for kind in plain dd ee; do
    case $kind in
      plain) secret=$mtproxy_key ;;
      dd) secret=dd$mtproxy_key ;;
      ee) secret=ee$mtproxy_key$domain ;;
    esac
    # The address of the data centre is a closed port: only the proxy knows the way.
    if timeout 60 "$program" invoke users.getUsers '{"id":[{"_":"inputUserSelf"}]}' \
      --dc 127.0.0.1:1 --rsa-key "$INTEROP_KEY" --bot-token 7000002:mtprotoproxy \
      --proxy "tg://proxy?server=127.0.0.1&port=$port&secret=$secret" >"$work/run.log" 2>&1 &&
      grep -q 7000002 "$work/run.log"; then
      printf 'bot through mtprotoproxy %s: ok\n' "$kind"
    else
      tail -n 3 "$work/run.log"
      printf 'bot through mtprotoproxy %s: fail\n' "$kind"
      status=1
    fi
  done
  kill "$proxy"
  return "$status"
}

# The transports that each of the shared folder's scripts has.
rig_transports_of() {
  case $1 in
    telethon) printf '%s\n' full abridged intermediate obfuscated ;;
    gramjs) printf '%s\n' full abridged obfuscated ;;
    mtcute) printf '%s\n' intermediate padded obfuscated ;;
  esac
}

have_rigs() {
  [ -x "$shared/rigs/run.sh" ] && return 0
  if [ "${CAFEGRAM_REQUIRE_SHARED:-0}" = 1 ]; then
    printf 'rigs: fail no shared folder (set CAFEGRAM_SHARED)\n'
  else
    say "rigs: skipped, no shared folder (set CAFEGRAM_SHARED)"
  fi
  return 1
}

# run_rig RIG [TRANSPORT]: without a transport the script takes its own.
# The scripts' own exit status does not count: it cannot tell what is known to be lacking.
run_rig() {
  local rig=$1 over=${2:-} log=$work/rig-$1${2:+-$2}.log chosen=(-u TRANSPORT)
  have_rigs || return $((${CAFEGRAM_REQUIRE_SHARED:-0}))
  [ -z "$over" ] || chosen=("TRANSPORT=$over")
  say "rig $rig ${over:-its own transport}"
  env "${chosen[@]}" RIGS_DIR="$work/rigs" PORT="$INTEROP_PORT" RSA_PEM="$INTEROP_KEY" \
    "$shared/rigs/run.sh" "$rig" >"$log" 2>&1
  sed 's/^/| /' "$log"
  "$here/judge_rigs.py" "$log" "$rig" ${over:+--over "$over"}
}

run_rigs() {
  local rig over ok=0
  have_rigs || return $((${CAFEGRAM_REQUIRE_SHARED:-0}))
  for rig in telethon gramjs mtcute; do
    for over in $(rig_transports_of "$rig"); do
      run_rig "$rig" "$over" || ok=1
    done
  done
  return $ok
}

# Temporary keys, and a test data centre.
run_special() {
  local ok=0
  INTEROP_PFS=1 run_client mtcute padded || ok=1
  PFS=1 run_rig mtcute || ok=1
  [ "$server" != 0 ] || return $ok
  stop_sandbox
  start_sandbox --test || return 1
  INTEROP_PFS=1 INTEROP_TEST=1 run_client mtcute "" || ok=1
  PFS=1 TEST_MODE=1 run_rig mtcute || ok=1
  TEST_MODE=1 run_rig mtcute || ok=1
  stop_sandbox
  start_sandbox || return 1
  return $ok
}

transports_of() {
  case $1 in
    mtcute)
      printf '%s\n' "" intermediate padded obfuscated mtproxy-plain mtproxy-dd mtproxy-ee ;;
    gramjs) printf '%s\n' full abridged obfuscated ;;
    telethon) printf '%s\n' full abridged intermediate obfuscated ;;
  esac
}

[ $# -gt 0 ] || set -- mtcute gramjs telethon
status=0
install_npm_clients || { printf 'npm packages: fail\n'; exit 1; }
node "$work/schemas.mjs" "$work/schemas" || { printf 'schemas: fail\n'; exit 1; }
case "$*" in
  *telethon* | *rigs*) install_telethon || { printf 'telethon packages: fail\n'; exit 1; } ;;
esac
case "$*" in
  *mtprotoproxy*) install_mtprotoproxy || { printf 'mtprotoproxy package: fail\n'; exit 1; } ;;
esac
if [ -z "${INTEROP_PORT:-}" ]; then
  start_sandbox || { printf 'sandbox: fail it did not start\n'; exit 1; }
fi
for client in "$@"; do
  case $client in
    rigs) run_rigs || status=1; continue ;;
    rooms) run_rooms mtcute || status=1; continue ;;
    rooms:*) run_rooms "${client#*:}" || status=1; continue ;;
    special) run_special || status=1; continue ;;
    mtprotoproxy) run_mtprotoproxy || status=1; continue ;;
    *:*) chosen=("${client#*:}") ;;
    *) mapfile -t chosen < <(transports_of "$client") ;;
  esac
  for transport in "${chosen[@]}"; do
    # A server that runs already may have no such ports.
    [[ $transport == mtproxy-* && ${#mtproxy_links[@]} == 0 ]] && continue
    run_client "${client%%:*}" "$transport" || status=1
  done
done
exit $status
