#!/usr/bin/env bash
# tests/lint.sh [--tidy]: format, dependency rule and sizes; with --tidy also the checks of .clang-tidy over
# the sources of the release preset. Exit status 1 on any finding.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
# shellcheck source=deploy/common.sh
. deploy/common.sh

folders=(base tl crypto protocol storage actors bots sandbox testing bench cli tests)
longest_file=500
status=0

mapfile -t sources < <(find "${folders[@]}" -name '*.[ch]pp' | sort)

check_format() {
  printf '%s\0' "${sources[@]}" | xargs -0 -n 40 -P "$(nproc)" clang-format-19 --dry-run -Werror
}

check_layers() {
  python3 -B tests/check_layers.py --self-test && python3 -B tests/check_layers.py
}

# Those that judge documents and slow runs: a mistake in one would show at night, or never.
check_judges() {
  local judge found=0
  for judge in tests/check_docs.py tests/fuzz/coverage.py tests/interop/judge_rigs.py; do
    python3 -B "$judge" --self-test || { printf '%s: its self-test fails\n' "$judge"; found=1; }
  done
  return $found
}

check_sizes() {
  local file lines found=0
  python3 -B tests/check_functions.py --self-test || found=1
  printf '%s\0' "${sources[@]}" | xargs -0 python3 -B tests/check_functions.py || found=1
  mapfile -t files < <(find "${folders[@]}" cmake deploy \
    \( -name '*.[ch]pp' -o -name '*.sh' -o -name '*.py' -o -name '*.cmake' -o -name '*.mjs' \
    -o -name '*.js' -o -name '*.css' -o -name '*.html' \) | sort)
  for file in "${files[@]}"; do
    lines=$(wc -l <"$file")
    if [ "$lines" -gt "$longest_file" ]; then
      printf '%s: %s lines, more than %s\n' "$file" "$lines" "$longest_file"
      found=1
    fi
  done
  return $found
}

# One file's findings. clangd looks at what stands in the file itself; clang-tidy 19 would look through
# the headers of CAF again for every file, for eight times as long.
tidy_one() {
  local found
  found=$(clangd-19 --check="$1" --check-locations=false --compile-commands-dir=build/release/tidy \
    --log=error 2>&1) && return
  printf '%s\n' "$found" | sed "s#^#$1: #"
  return 1
}
export -f tidy_one

check_tidy() {
  [ -f build/release/compile_commands.json ] || die "build the release preset first"
  local database=build/release/tidy/compile_commands.json
  # Each source for itself and without the precompiled headers, so that one that counts on them or on
  # another is found out; with what the build has generated.
  cmake --preset release -B build/release/tidy -DCAFEGRAM_UNITY=OFF -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON \
    >/dev/null || return
  # clangd does not make the templates of tests and misses what only those use; the compilers do not.
  local unused="-Wno-unused-function -Wno-unneeded-internal-declaration -Wno-unused-const-variable"
  sed -i "s#/build/release/tidy/#/build/release/#g; s# -c # $unused -c #" "$database"
  # Generated code is checked by its generator's tests; only our own sources are read here.
  printf '%s\0' "${sources[@]}" | while IFS= read -r -d '' file; do
    if [[ $file == *.hpp ]] || grep -qF "$PWD/$file\"" "$database"; then printf '%s\0' "$file"; fi
  done | xargs -0 -n 1 -P "$(build_jobs)" bash -c 'tidy_one "$1"' tidy_one
}

check_format || status=1
check_layers || status=1
python3 -B tests/check_readme.py || status=1
check_sizes || status=1
check_judges || status=1
if [ "${1:-}" = --tidy ]; then
  check_tidy || status=1
fi
exit $status
