#!/usr/bin/env bash
# deploy/rootfs_check.sh [COMMAND...]: makes a clean Debian 12 root file system, copies the sources into it,
# and runs deploy/demo.sh --check there (or another command): no sudo, no locale, no display, nothing
# installed. Needs root and debootstrap. Packages come from where this machine's own come from.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/common.sh
. deploy/common.sh

[ "$(id -u)" = 0 ] || die "making a root file system needs root"
need_packages debootstrap
[ $# -gt 0 ] || set -- deploy/demo.sh --check

release=bookworm
root=$(mktemp -d "${TMPDIR:-/tmp}/cafegram-root.XXXXXX")
chmod 755 "$root"
mounted=()
clean() {
  local at
  for at in "${mounted[@]}"; do umount -l "$at" || true; done
  rm -rf --one-file-system "$root"
}
trap clean EXIT

# The archive that apt uses here for this release.
archive=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
  awk -v release="$release" '$2 == release {print $1; exit}')
[ -n "$archive" ] || die "apt knows no archive for $release"

say "a clean $release root in $root"
debootstrap --variant=minbase "$release" "$root" "$archive" >"$root.log" 2>&1 ||
  { tail -n 20 "$root.log"; die "debootstrap failed"; }
rm -f "$root.log"
# Proxies and name resolution are the machine's, not part of what is tried.
for file in /etc/resolv.conf /etc/hosts /etc/apt/apt.conf.d/*proxy*; do
  [ -e "$file" ] && cp --parents -L "$file" "$root/" 2>/dev/null || true
done
for at in proc dev; do
  mount --bind "/$at" "$root/$at" 2>/dev/null && mounted+=("$root/$at")
done

mkdir "$root/cafegram"
tar --exclude=./build --exclude=./.git -cf - . | tar -xf - -C "$root/cafegram"
say "running in the clean root: $*"
trap 'say "it took $((SECONDS / 60)) min $((SECONDS % 60)) s in the clean root"; clean' EXIT
SECONDS=0
proxies=()
for name in http_proxy https_proxy no_proxy; do
  [ -n "${!name:-}" ] && proxies+=("$name=${!name}")
done
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "${proxies[@]}" \
  chroot "$root" /bin/bash -c 'cd /cafegram && exec "$@"' bash "$@"
