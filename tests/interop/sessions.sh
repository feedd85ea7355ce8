#!/usr/bin/env bash
# tests/interop/sessions.sh: string sessions against the libraries that they are of: Telethon, Pyrogram,
# gramjs, mtcute. A package that cannot be installed is a failure.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.." || exit 2
# shellcheck source=deploy/common.sh
. deploy/common.sh

work=$PWD/build/interop
mkdir -p "$work"
need_packages python3 python3-telethon python3-pip nodejs=node npm=npm || exit 1
cp "$here/session_strings.mjs" "$here/package.json" "$work/"
if ! [ -d "$work/node_modules/telegram" ] || ! [ -d "$work/node_modules/@mtcute/node" ]; then
  say "npm packages"
  (cd "$work" && npm install --ignore-scripts --no-audit --no-fund --no-package-lock --silent) ||
    { printf 'npm packages: fail\n'; exit 1; }
fi
if ! [ -d "$work/pyrogram/pyrogram" ]; then
  say "Pyrogram"
  /usr/bin/python3 -m pip install --quiet --target "$work/pyrogram" Pyrogram==2.0.106 >"$work/pip.log" 2>&1 ||
    { tail -n 5 "$work/pip.log"; printf 'Pyrogram: fail\n'; exit 1; }
fi
PYTHONPATH=$work/pyrogram exec /usr/bin/python3 -B "$here/sessions.py" build/release/bin/cafegram "$work"
