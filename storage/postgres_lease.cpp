#include <cafegram/storage/postgres_lease_native.hpp>

namespace cafegram::storage::native {

void postgres_lease::make_table(pqxx::transaction_base& in) {
  in.exec0(
      "CREATE TABLE IF NOT EXISTS cafegram_lease(session text PRIMARY KEY, token bigint NOT NULL, "
      "pid bigint NOT NULL, host text NOT NULL, since bigint NOT NULL, "
      "expires timestamptz NOT NULL, backend integer NOT NULL, backend_since timestamptz NOT "
      "NULL)");
}

/// A backend of the server's is named by its process id and the time at which it began: where it is
/// gone, so is the owner's connection. The server's clock is the only one that is asked.
void postgres_lease::prepare(pqxx::connection& with) {
  with.prepare(
      "lease_take",
      "INSERT INTO cafegram_lease AS l SELECT $1::text, 1, $2::bigint, $3::text, $4::bigint, "
      "now() + make_interval(secs => $5::integer), a.pid, a.backend_start "
      "FROM pg_stat_activity a WHERE a.pid = pg_backend_pid() "
      "ON CONFLICT (session) DO UPDATE SET token = l.token + 1, pid = excluded.pid, "
      "host = excluded.host, since = excluded.since, expires = excluded.expires, "
      "backend = excluded.backend, backend_since = excluded.backend_since "
      "WHERE l.expires < now() OR NOT EXISTS (SELECT FROM pg_stat_activity b "
      "WHERE b.pid = l.backend AND b.backend_start = l.backend_since) RETURNING token");
  with.prepare("lease_renew",
               "UPDATE cafegram_lease SET expires = now() + make_interval(secs => $3::integer) "
               "WHERE session = $1 AND token = $2");
  with.prepare("lease_move",
               "UPDATE cafegram_lease l SET expires = now() + make_interval(secs => $3::integer), "
               "backend = a.pid, backend_since = a.backend_start FROM pg_stat_activity a "
               "WHERE a.pid = pg_backend_pid() AND l.session = $1 AND l.token = $2");
  with.prepare("lease_end",
               "UPDATE cafegram_lease SET expires = 'epoch' WHERE session = $1 AND token = $2");
  with.prepare("lease_owner", "SELECT pid, host, since FROM cafegram_lease WHERE session = $1");
  for (const auto* name : {"lease_take", "lease_renew", "lease_move", "lease_end", "lease_owner"}) {
    with.prepare_now(name);
  }
}

std::optional<store_owner> postgres_lease::take(pqxx::connection& with) {
  const auto self = store_owner::this_process();
  pqxx::work in{with};
  const auto taken =
      in.exec_prepared("lease_take", session_, self.pid, self.host, self.since, length_);
  if (taken.empty()) {
    return owner(in);
  }
  token_ = taken[0][0].as<std::int64_t>();
  in.commit();
  return std::nullopt;
}

bool postgres_lease::renew(pqxx::transaction_base& in) const {
  return in.exec_prepared("lease_renew", session_, token_, length_).affected_rows() == 1;
}

bool postgres_lease::move_to(pqxx::transaction_base& in) const {
  return in.exec_prepared("lease_move", session_, token_, length_).affected_rows() == 1;
}

void postgres_lease::give_back(pqxx::transaction_base& in) const {
  in.exec_prepared("lease_end", session_, token_);
}

store_owner postgres_lease::owner(pqxx::transaction_base& in) const {
  const auto rows = in.exec_prepared("lease_owner", session_);
  if (rows.empty()) {
    return {};
  }
  return {rows[0][0].as<std::int64_t>(), rows[0][1].as<std::string>(),
          rows[0][2].as<std::int64_t>()};
}

} // namespace cafegram::storage::native
