#!/usr/bin/env bash
# tests/tsan/caf.sh: builds CAF from Debian's source package with ThreadSanitizer, into
# build/tsan-caf. Debian's own library is not instrumented: what its locks and atomics order looks
# like a race to ThreadSanitizer. Needs dpkg-dev. Does nothing when it is there already.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=deploy/common.sh
. deploy/common.sh

prefix=$PWD/build/tsan-caf
work=$prefix/work
version=$(dpkg-query -W -f='${source:Version}' libcaf-dev)
[ "$(cat "$prefix/version" 2>/dev/null)" = "$version" ] && exit 0

# The machine's own entries, asked for sources instead of packages. Only files that name a
# repository of Debian's: others have no CAF, and some no sources.
write_source_lists() {
  local file uris
  mapfile -t uris < <(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
    'Origin: Debian' | sed 's#/*$##' | sort -u)
  [ ${#uris[@]} -gt 0 ] || die "apt knows no repository of Debian's"
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list \
    /etc/apt/sources.list.d/*.sources; do
    [ -f "$file" ] && grep -qF "${uris[@]/#/-e}" "$file" || continue
    sed -E 's/^deb([[:space:]])/deb-src\1/; s/^(Types:[[:space:]]*).*/\1deb-src/' "$file" \
      >"$work/lists.d/$(basename "$file")"
  done
}

# With lists, cache and configuration of its own: nothing of the machine's apt changes.
apt_here() {
  nice apt-get -qq -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$work/lists.d" \
    -o "Dir::State::Lists=$work/state" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root "$@"
}

fetch() {
  say "fetching the source of CAF $version"
  rm -rf "$work"
  mkdir -p "$work"/{lists.d,state/partial,cache/archives/partial,source}
  write_source_lists
  apt_here update
  cd "$work/source"
  if ! apt_here source "actor-framework=$version"; then
    # A mirror may lack the small archive with Debian's own files; the code is in the large one.
    say "the source package is not whole here: building without Debian's patches"
    apt_here --tar-only source "actor-framework=$version"
    tar -xf actor-framework_*.orig.tar.gz
  fi
  cd - >/dev/null
}

# `-include limits`: what Debian's patches add for compilers that are newer than CAF.
build() {
  local source=("$work"/source/*/)
  say "building CAF $version with ThreadSanitizer"
  cmake -G Ninja -S "${source[0]}" -B "$work/build" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCMAKE_CXX_FLAGS="-fsanitize=thread -g1 -include limits" -DCMAKE_INSTALL_PREFIX="$prefix" \
    -DCMAKE_INSTALL_LIBDIR=lib -DCAF_NO_EXAMPLES=ON -DCAF_NO_TOOLS=ON -DCAF_NO_UNIT_TESTS=ON \
    -DCAF_NO_OPENCL=ON -DCAF_NO_PYTHON=ON -DCAF_NO_OPENSSL=ON >"$work/configure.log"
  nice cmake --build "$work/build" -j "${CAFEGRAM_JOBS:-$(build_jobs)}" --target install \
    >"$work/build.log" || { tail -n 40 "$work/build.log"; return 1; }
}

fetch
build
printf '%s\n' "$version" >"$prefix/version"
