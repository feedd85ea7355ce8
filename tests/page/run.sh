#!/usr/bin/env bash
# tests/page/run.sh [BIN]: the sandbox's page in headless Chromium, over a sandbox that only pretends and over
# a real one with the demonstration's bot.
#
# BIN is the folder of the programs, build/release/bin unless told otherwise.
# Each step is printed as `name: ok` or `name: fail ...`; the exit status is 1 if one failed.
# Screenshots are left in build/page-browser/screenshots.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=$(realpath -m "${1:-$here/../../build/release/bin}")
cd "$here/../.." || exit 2
# shellcheck source=deploy/common.sh
. deploy/common.sh

work=$PWD/build/page-browser
mkdir -p "$work/screenshots"

install() {
  need_packages chromium=chromium nodejs=node npm=npm fonts-dejavu-core || return 1
  cp "$here"/*.mjs "$here/package.json" "$work/" || return 1
  [ -d "$work/node_modules/puppeteer-core" ] && return 0
  say "npm packages"
  (cd "$work" && npm install --ignore-scripts --no-audit --no-fund --no-package-lock --silent)
}

if ! install; then
  echo "packages: fail"
  exit 1
fi
for program in page_demo cafegram example_demo; do
  if [ ! -x "$bin/$program" ]; then
    echo "programs: fail $bin/$program is not built"
    exit 1
  fi
done
cd "$work" || exit 2
status=0
node page_test.mjs "$bin/page_demo" "$work/screenshots" || status=1
node real_test.mjs "$bin/cafegram" "$bin/example_demo" "$work/screenshots" || status=1
exit $status
