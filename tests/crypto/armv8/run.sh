#!/usr/bin/env bash
# run.sh FOLDER: builds the ARMv8 path with a cross compiler in FOLDER and runs its tests under
# qemu-user.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
folder=$1

cmake -S . -B "$folder" -G Ninja -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
  -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ -DCMAKE_BUILD_TYPE=Release
cmake --build "$folder"
qemu-aarch64 -L /usr/aarch64-linux-gnu -cpu max "$folder/test_lanes" | tee "$folder/tests.log"
if grep -q SKIPPED "$folder/tests.log"; then
  echo "the extension was not found on a processor that has it"
  exit 1
fi
