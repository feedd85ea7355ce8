#!/usr/bin/env bash
# tests/interop/run.sh CLIENT...: independent clients against our sandbox.
#
# CLIENT is mtcute, gramjs or telethon (every transport that it has), or CLIENT:TRANSPORT. Each prints
# its steps; the exit status is 1 if one failed. A package that cannot be installed is a failure.
# CLIENT may also be special: mtcute with temporary keys, and against a test data centre; or rigs: the
# scripts of the shared folder, where there is one (CAFEGRAM_SHARED).
# With INTEROP_PORT and INTEROP_KEY set, a server that runs already is used instead of the sandbox.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.." || exit 2
# shellcheck source=deploy/common.sh
. deploy/common.sh

program=$PWD/build/release/bin/cafegram
work=$PWD/build/interop
mkdir -p "$work/schemas"

# The one published package that carries layer 144 as text, the layer of Debian's Telethon.
layer_144_package=Pyrogram==2.0.41

install_npm_clients() {
  cp "$here"/*.mjs "$here/package.json" "$work/" || return 1
  [ -d "$work/node_modules/telegram" ] && [ -d "$work/node_modules/@mtcute/node" ] && return 0
  say "npm packages"
  (cd "$work" && npm install --ignore-scripts --no-audit --no-fund --no-package-lock --silent)
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

server=0
# Further words are options of the sandbox.
start_sandbox() {
  local line out port
  rm -rf "$work/data"
  # gramjs stores ports in 16 bits with a sign.
  port=$(free_port interop 20443)
  exec {out}< <(exec "$program" sandbox --listen "127.0.0.1:$port" --http 127.0.0.1:0 --dc-id 2 \
    --key-out "$work/server.pem" --data "$work/data" --schemas "$work/schemas" \
    "$@" 2>"$work/sandbox.log")
  server=$!
  trap stop_sandbox EXIT
  while IFS= read -r -t 30 line <&"$out"; do
    case $line in
      "mtproto "*) INTEROP_PORT=${line##*:} ;;
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
  case $name in
    telethon) command=(/usr/bin/python3 -B "$here/telethon_client.py") ;;
    *) command=(node "$work/$name.mjs") ;;
  esac
  say "$name ${2:-its own transport}"
  # These clients do not pad a key that begins with a zero octet (one in 256), and then fail the
  # key exchange: a run that fails before the login is tried once more.
  timeout 150 "${command[@]}" >"$work/run.log" 2>&1 && { cat "$work/run.log"; return 0; }
  if grep -q '^connect: fail' "$work/run.log"; then
    say "$name, once more"
    timeout 150 "${command[@]}" >"$work/run.log" 2>&1 && { cat "$work/run.log"; return 0; }
  fi
  cat "$work/run.log"
  return 1
}

# The scripts' own exit status does not count: it cannot tell what is known to be lacking.
run_rigs() {
  local shared=${CAFEGRAM_SHARED:-$PWD/../shared}
  if [ ! -x "$shared/rigs/run.sh" ]; then
    say "rigs: skipped, no shared folder (set CAFEGRAM_SHARED)"
    return 0
  fi
  RIGS_DIR=$work/rigs PORT=$INTEROP_PORT RSA_PEM=$INTEROP_KEY "$shared/rigs/run.sh" "$@" \
    >"$work/rigs.log" 2>&1
  sed 's/^/| /' "$work/rigs.log"
  "$here/judge_rigs.py" "$work/rigs.log" "$@"
}

# Temporary keys, and a test data centre.
run_special() {
  local ok=0
  INTEROP_PFS=1 run_client mtcute padded || ok=1
  PFS=1 run_rigs mtcute || ok=1
  [ "$server" != 0 ] || return $ok
  stop_sandbox
  start_sandbox --test || return 1
  INTEROP_PFS=1 INTEROP_TEST=1 run_client mtcute "" || ok=1
  PFS=1 TEST_MODE=1 run_rigs mtcute || ok=1
  TEST_MODE=1 run_rigs mtcute || ok=1
  stop_sandbox
  start_sandbox || return 1
  return $ok
}

transports_of() {
  case $1 in
    mtcute) printf '%s\n' "" intermediate padded obfuscated ;;
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
if [ -z "${INTEROP_PORT:-}" ]; then
  start_sandbox || { printf 'sandbox: fail it did not start\n'; exit 1; }
fi
for client in "$@"; do
  case $client in
    rigs) run_rigs || status=1; continue ;;
    special) run_special || status=1; continue ;;
    *:*) chosen=("${client#*:}") ;;
    *) mapfile -t chosen < <(transports_of "$client") ;;
  esac
  for transport in "${chosen[@]}"; do
    run_client "${client%%:*}" "$transport" || status=1
  done
done
exit $status
