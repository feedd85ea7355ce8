#!/usr/bin/env bash
# tests/bots/readme.sh COMPILER ARGUMENT...: the README's second program compiles: what stands before the first
# one's `main`, and the second block.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

program=$(awk '
  /^```cpp$/ { ++block; shown = 1; in_main = 0; next }
  /^```$/ { shown = 0 }
  /^int main/ { in_main = 1 }
  shown && !(block == 1 && in_main)' README.md)
grep -q '^#include <cafegram/bots/bot.hpp>' <<<"$program"
grep -q 'co_await' <<<"$program"
grep -q '^int main' <<<"$program"
"$@" -x c++ - <<<"$program"
