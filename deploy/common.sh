# Shared by deploy/demo.sh and tests/run.sh: packages, jobs, messages. Sourced, never run.
# shellcheck shell=bash

# A fresh container has no locale; this one is always there.
export LC_ALL=C.UTF-8 LANG=C.UTF-8

# What every build needs; what only tests need stands in tests/run.sh.
build_packages=(
  g++ cmake ninja-build pkg-config
  libcaf-dev libssl-dev zlib1g-dev
  libprotobuf-dev protobuf-compiler
  libsqlite3-dev libfmt-dev libspdlog-dev libcli11-dev nlohmann-json3-dev libcpp-httplib-dev
)

say() { printf '%s\n' "== $*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }

# missing_packages NAME...: prints those that are not installed. `NAME=COMMAND` is satisfied by the
# command too, for machines that have it from elsewhere.
missing_packages() {
  local entry name
  for entry in "$@"; do
    name=${entry%%=*}
    [ "$name" != "$entry" ] && command -v "${entry#*=}" >/dev/null && continue
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] && continue
    printf '%s\n' "$name"
  done
}

# need_packages NAME...: installs what is missing, or names it and fails.
need_packages() {
  local missing=() as_root=()
  if ! command -v dpkg-query >/dev/null; then
    say "this is not Debian; make sure that the counterparts of these are installed: ${*%%=*}"
    return 0
  fi
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -eq 0 ] && return 0
  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null || { [ ! -t 0 ] && ! sudo -n true 2>/dev/null; }; then
      printf '%s\n' "Debian packages are missing and this user may not install them. As root:" \
        "  apt-get install --no-install-recommends ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  say "installing ${missing[*]}"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
    apt-get -qq -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0)
  "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null
}

# free_memory: in KiB, of the machine or of the container, which may have less.
free_memory() {
  local free_kb left_kb cgroup=/sys/fs/cgroup limit
  free_kb=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo)
  limit=$(cat "$cgroup/memory.max" 2>/dev/null)
  if [[ $limit =~ ^[0-9]+$ ]]; then
    # What files are cached in makes room.
    left_kb=$(awk -v limit="$limit" 'NR == 1 {used = $1} $1 == "file" {used -= $2}
      END {print int((limit - used) / 1024)}' "$cgroup/memory.current" "$cgroup/memory.stat")
    [ "$left_kb" -lt "$free_kb" ] && free_kb=$left_kb
  fi
  printf '%s\n' "$free_kb"
}

# Compiler processes that fit: one per processor, and 1.3 GB of free memory for each.
build_jobs() {
  local free_kb cores jobs
  free_kb=$(free_memory)
  cores=$(nproc)
  jobs=$((free_kb / 1300000))
  [ "$jobs" -lt 1 ] && jobs=1
  [ "$jobs" -gt "$cores" ] && jobs=$cores
  printf '%s\n' "$jobs"
}

# configure_and_build PRESET [TARGET...]: progress goes to the terminal as it comes.
configure_and_build() {
  local preset=$1 jobs
  shift
  jobs=$(build_jobs)
  say "building preset $preset with $jobs job(s)"
  cmake --preset "$preset" >"$logs/configure-$preset.log" 2>&1 || {
    cat "$logs/configure-$preset.log"
    return 1
  }
  NINJA_STATUS='[%f/%t %es] ' cmake --build --preset "$preset" -j "$jobs" ${1:+--target "$@"}
}

is_busy() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port NAME PORT: the port, or the next one that nobody listens on.
free_port() {
  local port=$2
  while is_busy "$port"; do
    printf '%s\n' "port $port ($1) is busy, trying $((port + 1))" >&2
    port=$((port + 1))
  done
  printf '%s\n' "$port"
}
