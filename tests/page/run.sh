#!/usr/bin/env bash
# tests/page/run.sh [PAGE_DEMO]: the sandbox's page in headless Chromium.
#
# PAGE_DEMO is the program that serves the page, build/release/bin/page_demo unless told otherwise.
# Each step is printed as `name: ok` or `name: fail ...`; the exit status is 1 if one failed.
# Screenshots are left in build/page-browser/screenshots.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
demo=$(realpath -m "${1:-$here/../../build/release/bin/page_demo}")
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
if [ ! -x "$demo" ]; then
  echo "page_demo: fail $demo is not built"
  exit 1
fi
cd "$work" && exec node page_test.mjs "$demo" "$work/screenshots"
