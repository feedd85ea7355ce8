#!/usr/bin/env bash
# tests/install/run.sh CASE BUILD_DIR: installs the build into a fresh prefix inside it and builds other
# people's projects against that.
#
#   pure     tl, crypto and protocol alone, where CAF and Protocol Buffers cannot be found
#   bot      the README's bot, from the bots component
#   sandbox  a server of one's own with a client that logs in to it, from the sandbox component
#   testing  a test of a bot, from the testing component
#   all      no component named: every one is there
#   headers  those for everybody are there, and what they include; those of the inside are not
#   unknown  a component that does not exist is refused by name
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
name=$1 build=$2
work=$build/install-test/$name
prefix=$work/prefix

rm -rf "$work"
mkdir -p "$work"
cmake --install "$build" --prefix "$prefix" >"$work/install.log" || { cat "$work/install.log"; exit 1; }

# consume FOLDER CMAKE_ARGUMENT...: configures and builds a project that knows the prefix alone.
consume() {
  local folder=$1
  shift
  cmake -S "$folder" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_PREFIX_PATH="$prefix" "$@" >"$work/configure.log" 2>&1 || return 1
  cmake --build "$work/build" >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
}

case $name in
  pure)
    consume "$here/pure" -DCMAKE_DISABLE_FIND_PACKAGE_CAF=ON \
      -DCMAKE_DISABLE_FIND_PACKAGE_Protobuf=ON || { cat "$work/configure.log"; exit 1; }
    [ "$("$work/build/pure")" = ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad ]
    if ldd "$work/build/pure" | grep -E 'libcaf|libprotobuf'; then
      echo "a pure program is linked against what it does not need"
      exit 1
    fi
    ;;
  bot)
    consume "$here/bot" -DBOT_SOURCE="$here/../../bots/examples/echo.cpp" ||
      { cat "$work/configure.log"; exit 1; }
    # Without a token the bot says how to get one.
    env -u API_ID -u API_HASH -u BOT_TOKEN "$work/build/bot" >"$work/run.log" 2>&1 && exit 1
    grep -q BOT_TOKEN "$work/run.log"
    ;;
  sandbox)
    consume "$here/sandbox" || { cat "$work/configure.log"; exit 1; }
    [ "$("$work/build/sandbox" "$work/data" 2>"$work/run.log")" = 42 ] ||
      { cat "$work/run.log"; exit 1; }
    [ -s "$work/data/world.db" ]
    ;;
  testing)
    consume "$here/testing" || { cat "$work/configure.log"; exit 1; }
    [ "$("$work/build/lab" 2>"$work/run.log")" = "Echo: hi" ] || { cat "$work/run.log"; exit 1; }
    ;;
  all)
    consume "$here/all" || { cat "$work/configure.log"; exit 1; }
    ;;
  headers)
    cd "$prefix/include"
    for public in base/error tl/api tl/dynamic crypto/srp protocol/session storage/session \
      actors/client bots/bot sandbox/server testing/lab; do
      [ -f "cafegram/$public.hpp" ] || { echo "$public.hpp is not installed"; exit 1; }
    done
    if find cafegram -name '*_state.hpp' -o -name '*core.hpp' -o -name '*native.hpp' | grep .; then
      echo "these are for the inside alone"
      exit 1
    fi
    missing=$(grep -rhoE '#include <cafegram/[^>]+' cafegram | sed 's/.*<//' | sort -u |
      while read -r header; do [ -f "$header" ] || echo "$header"; done)
    [ -z "$missing" ] || { printf 'included and not installed:\n%s\n' "$missing"; exit 1; }
    ;;
  unknown)
    mkdir "$work/project"
    printf '%s\n' 'cmake_minimum_required(VERSION 3.25)' 'project(x LANGUAGES CXX)' \
      'find_package(cafegram REQUIRED COMPONENTS base telepathy)' >"$work/project/CMakeLists.txt"
    if consume "$work/project"; then
      echo "an unknown component was found"
      exit 1
    fi
    grep -q 'component telepathy was not built' "$work/configure.log"
    ;;
  *) exit 2 ;;
esac
