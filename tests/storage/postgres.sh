#!/usr/bin/env bash
# tests/storage/postgres.sh PROGRAM ARGUMENT...: runs it beside a PostgreSQL server of its own, which
# goes with it. The program finds
#
#   CAFEGRAM_TEST_POSTGRES          the server's URI
#   CAFEGRAM_TEST_POSTGRES_RESTART  a command that ends the server as a crash does, and starts it again
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=deploy/common.sh
. deploy/common.sh

# Debian keeps the server's programs out of the path.
programs=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n1)
[ -x "$programs/initdb" ] || die "PostgreSQL is not installed (Debian: postgresql)"

work=$(mktemp -d)
# The server refuses to run as root.
as_server=()
if [ "$(id -u)" = 0 ]; then
  chown postgres "$work"
  as_server=(runuser -u postgres --)
fi
control=("${as_server[@]}" "$programs/pg_ctl" -s -w -D "$work/data" -l "$work/log")

# The server may be down already, where a test has ended it or it never started.
stop() {
  if "${control[@]}" status >/dev/null; then "${control[@]}" stop -m immediate; fi
  rm -rf "$work"
}
trap stop EXIT

"${as_server[@]}" "$programs/initdb" -D "$work/data" -U cafegram -A trust -E UTF8 --no-sync >"$work/init.log"
port=$(free_port postgres 25432)
printf '%s\n' "port = $port" "listen_addresses = '127.0.0.1'" "unix_socket_directories = '$work'" \
  "max_connections = 40" | "${as_server[@]}" tee -a "$work/data/postgresql.conf" >/dev/null
"${control[@]}" start || { cat "$work/log"; exit 1; }

export CAFEGRAM_TEST_POSTGRES="postgresql://cafegram@127.0.0.1:$port/postgres"
CAFEGRAM_TEST_POSTGRES_RESTART="${control[*]} restart -m immediate"
export CAFEGRAM_TEST_POSTGRES_RESTART
"$@"
