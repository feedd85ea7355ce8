#include <cafegram/base/log.hpp>
#include <cafegram/storage/postgres_lease_native.hpp>
#include <cafegram/storage/postgres_store.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <pqxx/pqxx>
#include <thread>
#include <utility>

namespace cafegram::storage {

namespace {

using native::postgres_lease;

constexpr int newest_postgres_version = 1;

/// `uri` without the parameter that is ours.
struct postgres_place {
  std::string uri;
  std::string session = "default";
};

/// What is waited for where the URI does not say. Else it would be as long as the system tries to
/// reach somebody who is gone without a word: two minutes for a connection, a quarter of an hour on
/// one; and the thread that writes, which others share, would wait too.
std::vector<std::pair<std::string, std::string>> patience_of(std::chrono::seconds most) {
  const auto seconds = std::to_string(most.count());
  return {{"connect_timeout", seconds},
          {"tcp_user_timeout", std::to_string(std::chrono::milliseconds{most}.count())},
          {"keepalives_idle", seconds},
          {"keepalives_interval", seconds}};
}

/// Where the parameters of `uri` begin, or its end. A password may have a question mark: as libpq
/// reads it, the user's part goes up to the first `@` before any slash.
std::size_t query_of(const std::string& uri) {
  constexpr std::string_view begin = "://";
  const auto scheme = uri.find(begin);
  const auto user = scheme == std::string::npos ? 0 : scheme + begin.size();
  const auto end = uri.find_first_of("@/", user);
  const auto host = end != std::string::npos && uri[end] == '@' ? end : user;
  return std::min(uri.find('?', host), uri.size());
}

postgres_place parse_place(const std::string& given, const postgres_options& options) {
  constexpr std::string_view name = "session=";
  const auto query = query_of(given);
  postgres_place out{given.substr(0, query), "default"};
  auto missing = patience_of(options.patience);
  char before = '?';
  const auto add = [&out, &before](const std::string& part) {
    out.uri += before + part;
    before = '&';
  };
  for (auto at = query + 1; at <= given.size();) {
    const auto end = std::min(given.find('&', at), given.size());
    const auto part = given.substr(at, end - at);
    if (part.starts_with(name)) {
      out.session = part.substr(name.size());
    } else if (!part.empty()) {
      std::erase_if(missing,
                    [&part](const auto& one) { return part.starts_with(one.first + "="); });
      add(part);
    }
    at = end + 1;
  }
  for (const auto& [what, value] : missing) {
    add(fmt::format("{}={}", what, value));
  }
  return out;
}

/// What a batch comes to in the end: each row is named once.
struct net_batch {
  std::map<std::pair<table, std::string_view>, const blob*> rows; ///< null: erased
  std::map<table, bool> cleared;

  explicit net_batch(const batch& what) {
    for (const auto& one : what.changes) {
      if (one.what == change::kind::clear) {
        cleared[one.in] = true;
        std::erase_if(rows, [&one](const auto& entry) { return entry.first.first == one.in; });
      } else {
        rows[{one.in, one.key}] = one.what == change::kind::put ? &one.value : nullptr;
      }
    }
  }
};

std::string array_of(const std::vector<std::string>& elements) {
  return fmt::format("{{{}}}", fmt::join(elements, ","));
}

/// An element of an array of bytea.
std::string octets_element(bytes_view octets) {
  return "\"\\\\x" + to_hex(octets) + "\"";
}

blob octets_of(const pqxx::field& from) {
  const pqxx::binarystring octets{from};
  return to_blob({octets.data(), octets.size()});
}

pqxx::binarystring octets_parameter(std::string_view text) {
  return pqxx::binarystring{text.data(), text.size()};
}

/// The first line: what follows may quote a row.
std::string reason(const std::exception& thrown) {
  const std::string_view text = thrown.what();
  return std::string{text.substr(0, text.find('\n'))};
}

/// Has it died on this machine? Then the server is about to find its connection closed.
bool is_gone(const store_owner& who) {
  return who.pid > 0 && who.host == store_owner::this_process().host &&
         ::kill(static_cast<pid_t>(who.pid), 0) != 0 && errno == ESRCH;
}

struct lease_lost {
  store_owner to;
};
struct refused {
  error why;
};

class postgres_store final : public backend {
public:
  postgres_store(postgres_place where, const postgres_options& options)
    : where_{std::move(where)}
    , lease_{where_.session, options.lease}
    , pause_{options.lease / 3} {}
  postgres_store(const postgres_store&) = delete;
  postgres_store& operator=(const postgres_store&) = delete;
  ~postgres_store() override;

  result<void> open();

  result<void> apply(const batch& what) override;
  result<std::optional<blob>> get(table in, std::string_view key) override;
  result<page> scan(table in, std::string_view after, const page_limits& limits) override;
  std::string place() const override { return place_; }
  void when_lost(std::function<void(const error&)> tell) override;

private:
  void connect();
  void make_tables(pqxx::transaction_base& in) const;
  void reconnect();
  void write(pqxx::transaction_base& in, const net_batch& what) const;
  void renew_until_stopped(const std::stop_token& stop);
  error note_lost(const store_owner& to);

  /// `ask()` over the connection, once more over another if that has broken. What it does may
  /// happen twice. No exception of libpqxx's gets past here.
  template <class Ask>
  auto guarded(Ask ask) -> result<decltype(ask())>;

  std::mutex mutex_;
  postgres_place where_;
  std::string place_ = "PostgreSQL";
  postgres_lease lease_;
  std::chrono::milliseconds pause_;
  std::unique_ptr<pqxx::connection> connection_;
  bool owned_ = false;
  std::optional<store_owner> lost_to_;
  std::mutex telling_; ///< not `mutex_`: whoever wants to be told does not wait for the server
  std::optional<error> lost_;
  std::function<void(const error&)> tell_;
  std::condition_variable_any stopping_;
  std::jthread renewing_;
};

template <class Ask>
auto postgres_store::guarded(Ask ask) -> result<decltype(ask())> {
  try {
    if (lost_to_) {
      throw lease_lost{*lost_to_};
    }
    try {
      if (!connection_) {
        reconnect();
      }
      return ask();
    } catch (const pqxx::broken_connection&) {
      connection_ = nullptr;
      reconnect();
      return ask();
    }
  } catch (const lease_lost& lost) {
    return std::unexpected(note_lost(lost.to));
  } catch (const refused& no) {
    return std::unexpected(no.why);
  } catch (const pqxx::broken_connection& thrown) {
    connection_ = nullptr;
    return fail(errc::storage, place_ + " cannot be reached: " + reason(thrown));
  } catch (const std::exception& thrown) {
    return fail(errc::storage, place_ + ": " + reason(thrown));
  }
}

/// For good: the number of the lease has moved on, and no connection brings it back.
error postgres_store::note_lost(const store_owner& to) {
  const bool is_new = !lost_to_;
  lost_to_ = to;
  auto out = in_use(place_, to).error();
  out.what = "this process has lost it: " + out.what;
  if (is_new) {
    const std::lock_guard lock{telling_};
    lost_ = out;
    if (tell_) {
      tell_(out);
    }
  }
  return out;
}

void postgres_store::when_lost(std::function<void(const error&)> tell) {
  const std::lock_guard lock{telling_};
  tell_ = std::move(tell);
  if (lost_ && tell_) {
    tell_(*lost_);
  }
}

void postgres_store::connect() {
  connection_ = nullptr;
  auto made = std::make_unique<pqxx::connection>(where_.uri);
  place_ =
      fmt::format("PostgreSQL {} at {}, session {}", made->dbname(),
                  made->hostname() == nullptr ? "this machine" : made->hostname(), where_.session);
  pqxx::nontransaction in{*made};
  in.exec0("SET synchronous_commit = off");
  in.exec0("SET statement_timeout = '30s'");
  in.exec0("SET client_min_messages = warning");
  in.exec0("SET bytea_output = hex");
  connection_ = std::move(made);
}

void postgres_store::make_tables(pqxx::transaction_base& in) const {
  // Two that begin at once would both make them.
  in.exec1("SELECT pg_advisory_xact_lock(hashtext('cafegram tables'))");
  in.exec0("CREATE TABLE IF NOT EXISTS cafegram_format(version integer NOT NULL)");
  in.exec0("INSERT INTO cafegram_format SELECT 1 WHERE NOT EXISTS (SELECT FROM cafegram_format)");
  const auto version = in.exec1("SELECT max(version) FROM cafegram_format")[0].as<int>();
  if (version > newest_postgres_version) {
    throw refused{error::make(
        errc::storage,
        fmt::format("{}: format version {} is not known to this program", place_, version),
        version)};
  }
  in.exec0("CREATE TABLE IF NOT EXISTS cafegram_row(session text NOT NULL, tab smallint NOT NULL, "
           "key bytea NOT NULL, value bytea NOT NULL, PRIMARY KEY (session, tab, key))");
  postgres_lease::make_table(in);
}

/// The lease has to be ours still; nobody else may have had it meanwhile.
void postgres_store::reconnect() {
  connect();
  auto& with = *connection_;
  if (!owned_) {
    pqxx::work in{with};
    make_tables(in);
    in.commit();
  }
  postgres_lease::prepare(with);
  with.prepare("row_get",
               "SELECT value FROM cafegram_row WHERE session = $1 AND tab = $2 AND key = $3");
  with.prepare("row_scan",
               "SELECT key, value FROM cafegram_row WHERE session = $1 AND tab = $2 AND "
               "key > $3 ORDER BY key LIMIT $4");
  with.prepare("rows_clear",
               "DELETE FROM cafegram_row WHERE session = $1 AND tab = ANY($2::smallint[])");
  with.prepare("rows_erase",
               "DELETE FROM cafegram_row r USING unnest($2::smallint[], $3::bytea[]) "
               "AS u(tab, key) WHERE r.session = $1 AND r.tab = u.tab AND r.key = u.key");
  with.prepare("rows_put", "INSERT INTO cafegram_row SELECT $1, tab, key, value FROM "
                           "unnest($2::smallint[], $3::bytea[], $4::bytea[]) AS u(tab, key, value) "
                           "ON CONFLICT (session, tab, key) DO UPDATE SET value = excluded.value");
  // Else each would be made when it is first used, and libpqxx 6.4 leaks when a connection breaks
  // there.
  for (const auto* name : {"row_get", "row_scan", "rows_clear", "rows_erase", "rows_put"}) {
    with.prepare_now(name);
  }
  if (owned_) {
    pqxx::work in{with};
    if (!lease_.move_to(in)) {
      throw lease_lost{lease_.owner(in)};
    }
    in.commit();
  }
}

result<void> postgres_store::open() {
  const std::lock_guard lock{mutex_};
  auto owner = guarded([this] { return lease_.take(*connection_); });
  for (int tries = 0; owner && *owner && is_gone(**owner) && tries < 250; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    owner = guarded([this] { return lease_.take(*connection_); });
  }
  if (!owner) {
    return std::unexpected(owner.error());
  }
  if (*owner) {
    return in_use(place_, **owner);
  }
  owned_ = true;
  renewing_ = std::jthread{[this](const std::stop_token& stop) { renew_until_stopped(stop); }};
  return {};
}

postgres_store::~postgres_store() {
  renewing_ = {}; // waits for its end
  if (owned_ && connection_ && !lost_to_) {
    (void)guarded([this] {
      pqxx::work in{*connection_};
      lease_.give_back(in);
      in.commit();
      return true;
    });
  }
}

/// An owner that says nothing has to be told from one that is frozen or cut off.
void postgres_store::renew_until_stopped(const std::stop_token& stop) {
  std::unique_lock lock{mutex_};
  while (!stop.stop_requested()) {
    stopping_.wait_for(lock, stop, pause_, [] { return false; });
    if (stop.stop_requested()) {
      return;
    }
    const auto renewed = guarded([this] {
      pqxx::work in{*connection_};
      if (!lease_.renew(in)) {
        throw lease_lost{lease_.owner(in)};
      }
      in.commit();
      return true;
    });
    if (!renewed) {
      log::warn("postgres_store", "{}", renewed.error().what);
    }
    if (lost_to_) {
      return;
    }
  }
}

void postgres_store::write(pqxx::transaction_base& in, const net_batch& what) const {
  std::vector<std::string> cleared, erased_in, erased, put_in, put_keys, put_values;
  for (const auto& [which, yes] : what.cleared) {
    cleared.push_back(std::to_string(static_cast<int>(which)));
  }
  for (const auto& [at, value] : what.rows) {
    auto which = std::to_string(static_cast<int>(at.first));
    auto key = octets_element(as_bytes(at.second));
    if (value == nullptr) {
      erased_in.push_back(std::move(which));
      erased.push_back(std::move(key));
    } else {
      put_in.push_back(std::move(which));
      put_keys.push_back(std::move(key));
      put_values.push_back(octets_element(*value));
    }
  }
  const auto& session = where_.session;
  if (!cleared.empty()) {
    in.exec_prepared("rows_clear", session, array_of(cleared));
  }
  if (!erased.empty()) {
    in.exec_prepared("rows_erase", session, array_of(erased_in), array_of(erased));
  }
  if (!put_in.empty()) {
    in.exec_prepared("rows_put", session, array_of(put_in), array_of(put_keys),
                     array_of(put_values));
  }
}

result<void> postgres_store::apply(const batch& what) {
  if (auto good = check(what); !good) {
    return good;
  }
  if (what.empty()) {
    return {};
  }
  const net_batch net{what};
  const std::lock_guard lock{mutex_};
  const auto done = guarded([this, &net, durable = what.durable] {
    pqxx::work in{*connection_};
    if (durable) {
      // What the server's own configuration says of commits, which may include replicas.
      in.exec0("SET LOCAL synchronous_commit TO DEFAULT");
    }
    // Whoever takes the lease over waits for the end of this transaction.
    if (!lease_.renew(in)) {
      throw lease_lost{lease_.owner(in)};
    }
    write(in, net);
    in.commit();
    return true;
  });
  return done ? result<void>{} : std::unexpected(done.error());
}

result<std::optional<blob>> postgres_store::get(table in, std::string_view key) {
  const std::lock_guard lock{mutex_};
  return guarded([this, in, key]() -> std::optional<blob> {
    pqxx::nontransaction query{*connection_};
    const auto rows =
        query.exec_prepared("row_get", where_.session, static_cast<int>(in), octets_parameter(key));
    return rows.empty() ? std::nullopt : std::optional{octets_of(rows[0][0])};
  });
}

result<page> postgres_store::scan(table in, std::string_view after, const page_limits& limits) {
  const std::lock_guard lock{mutex_};
  return guarded([this, in, after, &limits] {
    pqxx::nontransaction query{*connection_};
    // One more than asked for tells whether there are more.
    const auto rows = query.exec_prepared("row_scan", where_.session, static_cast<int>(in),
                                          octets_parameter(after), limits.rows + 1);
    page out;
    std::size_t octets = 0;
    for (const auto& one : rows) {
      if (out.rows.size() == limits.rows || octets >= limits.octets) {
        out.more = true;
        break;
      }
      auto key = octets_of(one[0]);
      out.rows.push_back({std::string{as_text(key)}, octets_of(one[1])});
      octets += out.rows.back().key.size() + out.rows.back().value.size();
    }
    return out;
  });
}

} // namespace

result<std::unique_ptr<backend>> open_postgres_store(const std::string& uri,
                                                     const postgres_options& options) {
  auto out = std::make_unique<postgres_store>(parse_place(uri, options), options);
  if (auto opened = out->open(); !opened) {
    return std::unexpected(std::move(opened.error()));
  }
  return out;
}

bool has_postgres() {
  return true;
}

} // namespace cafegram::storage
