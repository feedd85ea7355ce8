#include <cafegram/storage/files.hpp>
#include <cafegram/storage/session_lock.hpp>
#include <cafegram/storage/sqlite_checkpoints.hpp>
#include <cafegram/storage/sqlite_damage.hpp>
#include <cafegram/storage/sqlite_native.hpp>
#include <cafegram/storage/sqlite_store.hpp>

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace cafegram::storage {

namespace {

using native::running;
using native::statement;

constexpr std::int64_t application = 0x43414645; // "CAFE"
constexpr std::int64_t newest_sqlite_version = 1;
constexpr std::int64_t changes_of_a_quiet_session = 1000;

/// What is said to one table.
struct table_statements {
  statement put, erase, clear, get, scan;
};

class sqlite_store final : public backend {
public:
  sqlite_store(std::string path, session_lock lock, native::database handle,
               const sqlite_options& options)
    : path_{std::move(path)}
    , lock_{std::move(lock)}
    , handle_{std::move(handle)}
    , on_disk_{options.vfs.empty()}
    , checkpoints_{path_, options} {}

  result<void> prepare();

  result<void> apply(const batch& what) override;
  result<std::optional<blob>> get(table in, std::string_view key) override;
  result<page> scan(table in, std::string_view after, const page_limits& limits) override;
  std::string place() const override { return path_; }

private:
  result<void> set_up();
  result<void> claim();
  result<void> make_tables();
  sqlite3_stmt* ready(statement& slot, const char* text, table which);
  bool run(statement& slot, const char* text) {
    auto* step = ready(slot, text, {});
    return step != nullptr && running{step}.step() == SQLITE_DONE;
  }
  result<statement> compile(const std::string& text);
  result<std::int64_t> number(const std::string& query);
  bool run(const char* text) {
    return sqlite3_exec(handle_.get(), text, nullptr, nullptr, nullptr) == SQLITE_OK;
  }
  bool make(const change& one);
  bool write(const batch& what);
  void keep_as_it_is();
  std::unexpected<error> failure();
  table_statements& of(table which) { return statements_.at(static_cast<std::size_t>(which)); }

  std::mutex mutex_;
  std::string path_;
  session_lock lock_;
  native::database handle_;
  std::array<table_statements, table_count> statements_;
  statement begin_, commit_;
  bool syncing_ = false; ///< each commit
  bool wide_ = false;    ///< has the memory of one that does much
  bool damaged_ = false;
  bool on_disk_;     ///< not in a VFS of somebody's own, whose files nobody else can read
  std::string kept_; ///< for people: where the copy of a damaged one is
  int wal_pages_ = 0;
  sqlite_checkpoints checkpoints_; ///< ends first: the last connection to go takes the WAL along
};

/// Once: the close that follows would move the WAL into it else, and take the WAL away.
void sqlite_store::keep_as_it_is() {
  if (std::exchange(damaged_, true)) {
    return;
  }
  checkpoints_.give_up();
  sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  if (!on_disk_) {
    return;
  }
  const auto copy = keep_damaged(handle_.get(), path_);
  kept_ = copy ? " with a copy in " + *copy : " (no copy is kept: " + copy.error().what + ")";
}

std::unexpected<error> sqlite_store::failure() {
  const int code = sqlite3_extended_errcode(handle_.get());
  std::string what = path_ + ": " + sqlite3_errmsg(handle_.get());
  switch (code & 0xff) {
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
    keep_as_it_is();
    what += "; the file is left as it is" + kept_ + ", move it away with " + path_ +
            "-wal to start anew";
    break;
  case SQLITE_BUSY:
    what += "; another program has it open";
    break;
  default:
    break;
  }
  return fail(errc::storage, std::move(what), code);
}

result<statement> sqlite_store::compile(const std::string& text) {
  sqlite3_stmt* made = nullptr;
  if (sqlite3_prepare_v3(handle_.get(), text.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &made,
                         nullptr) != SQLITE_OK) {
    return failure();
  }
  return statement{made};
}

result<std::int64_t> sqlite_store::number(const std::string& query) {
  auto made = compile(query);
  if (!made) {
    return std::unexpected(std::move(made.error()));
  }
  if (sqlite3_step(made->get()) != SQLITE_ROW) {
    return failure();
  }
  return sqlite3_column_int64(made->get(), 0);
}

/// Memory is taken as it is needed: most sessions do next to nothing, and there may be thousands.
/// The WAL's limit is above what it reaches: to be cut and to grow again would hold batches up.
result<void> sqlite_store::set_up() {
  sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_LOOKASIDE, nullptr, 0, 0);
  for (const char* line :
       {"PRAGMA cache_size=6", "PRAGMA trusted_schema=OFF", "PRAGMA temp_store=MEMORY",
        "PRAGMA synchronous=NORMAL", "PRAGMA journal_size_limit=33554432"}) {
    if (!run(line)) {
      return failure();
    }
  }
  // The first line has read the file with the memory that SQLite takes where nobody has said.
  sqlite3_db_release_memory(handle_.get());
  return {};
}

/// Makes the tables in an empty file; refuses one that is not ours.
result<void> sqlite_store::claim() {
  const auto owner = number("PRAGMA application_id");
  const auto version = owner ? number("PRAGMA user_version") : owner;
  const auto things = version ? number("SELECT count(*) FROM sqlite_schema") : version;
  if (!things) {
    return std::unexpected(things.error());
  }
  if (*owner != application && (*owner != 0 || *things != 0)) {
    return fail(errc::storage, path_ + " is the database of another program");
  }
  if (*version > newest_sqlite_version) {
    return fail(errc::storage,
                path_ + ": format version " + std::to_string(*version) +
                    " is not known to this program",
                *version);
  }
  return *version == newest_sqlite_version ? result<void>{} : make_tables();
}

result<void> sqlite_store::make_tables() {
  std::string all = "BEGIN IMMEDIATE;";
  for (std::size_t at = 0; at < table_count; ++at) {
    all += fmt::format("CREATE TABLE \"{}\"(key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL) "
                       "WITHOUT ROWID;",
                       name_of(static_cast<table>(at)));
  }
  all += fmt::format("PRAGMA application_id={}; PRAGMA user_version={}; COMMIT", application,
                     newest_sqlite_version);
  // A torn write of a page is mended at the next start in this mode, which stays with the file.
  return run("PRAGMA journal_mode=WAL") && run(all.c_str()) ? result<void>{} : failure();
}

/// Null where it cannot be: SQLite knows why. Made when first used: a statement takes some KiB, and
/// most sessions use few of them.
sqlite3_stmt* sqlite_store::ready(statement& slot, const char* text, table which) {
  if (!slot) {
    sqlite3_stmt* made = nullptr;
    const auto whole = fmt::format(fmt::runtime(text), name_of(which));
    sqlite3_prepare_v3(handle_.get(), whole.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr);
    slot.reset(made);
  }
  return slot.get();
}

result<void> sqlite_store::prepare() {
  // In place of SQLite's own, which makes checkpoints within commits.
  const auto count = [](void* into, sqlite3* /*handle*/, const char* /*name*/, int pages) {
    *static_cast<int*>(into) = pages;
    return SQLITE_OK;
  };
  sqlite3_wal_hook(handle_.get(), count, &wal_pages_);
  auto done = set_up();
  done = done ? claim() : done;
  // No other program can be in the way any more; a checkpoint that begins may be, for a moment.
  sqlite3_busy_timeout(handle_.get(), 10'000);
  return done;
}

bool sqlite_store::make(const change& one) {
  auto& in = of(one.in);
  sqlite3_stmt* step = nullptr;
  switch (one.what) {
  case change::kind::put:
    step = ready(in.put,
                 "INSERT INTO \"{}\" VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = "
                 "excluded.value",
                 one.in);
    break;
  case change::kind::erase:
    step = ready(in.erase, "DELETE FROM \"{}\" WHERE key = ?1", one.in);
    break;
  case change::kind::clear:
    step = ready(in.clear, "DELETE FROM \"{}\"", one.in);
    break;
  }
  if (step == nullptr) {
    return false;
  }
  running run{step};
  if (one.what != change::kind::clear) {
    run.bind(1, as_bytes(one.key));
  }
  if (one.what == change::kind::put) {
    run.bind(2, bytes_view{one.value});
  }
  return run.step() == SQLITE_DONE;
}

bool sqlite_store::write(const batch& what) {
  if (syncing_ != what.durable) {
    if (!run(what.durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL")) {
      return false;
    }
    syncing_ = what.durable;
  }
  if (!wide_ && sqlite3_total_changes64(handle_.get()) > changes_of_a_quiet_session) {
    wide_ = run("PRAGMA cache_size=-2000");
  }
  if (!run(begin_, "BEGIN IMMEDIATE")) {
    return false;
  }
  const auto before = sqlite3_total_changes64(handle_.get());
  for (const auto& one : what.changes) {
    if (!make(one)) {
      return false;
    }
  }
  // What changes nothing is not written, so it would sync nothing of what came before either.
  if (what.durable && sqlite3_total_changes64(handle_.get()) == before &&
      !run(fmt::format("PRAGMA user_version={}", newest_sqlite_version).c_str())) {
    return false;
  }
  return run(commit_, "COMMIT");
}

result<void> sqlite_store::apply(const batch& what) {
  if (auto good = check(what); !good) {
    return good;
  }
  if (what.empty()) {
    return {};
  }
  const std::lock_guard lock{mutex_};
  if (damaged_) {
    return fail(errc::storage, path_ + " is damaged; nothing is written to it any more");
  }
  if (write(what)) {
    checkpoints_.committed(wal_pages_);
    return {};
  }
  auto out = failure();
  if (sqlite3_get_autocommit(handle_.get()) == 0) {
    run("ROLLBACK");
  }
  return out;
}

result<std::optional<blob>> sqlite_store::get(table in, std::string_view key) {
  const std::lock_guard lock{mutex_};
  auto* select = ready(of(in).get, "SELECT value FROM \"{}\" WHERE key = ?1", in);
  if (select == nullptr) {
    return failure();
  }
  running query{select};
  switch (query.bind(1, as_bytes(key)).step()) {
  case SQLITE_ROW:
    return to_blob(query.column(0));
  case SQLITE_DONE:
    return std::nullopt;
  default:
    return failure();
  }
}

result<page> sqlite_store::scan(table in, std::string_view after, const page_limits& limits) {
  const std::lock_guard lock{mutex_};
  auto* select =
      ready(of(in).scan, "SELECT key, value FROM \"{}\" WHERE key > ?1 ORDER BY key LIMIT ?2", in);
  if (select == nullptr) {
    return failure();
  }
  running query{select};
  // One more than asked for tells whether there are more.
  query.bind(1, as_bytes(after)).bind(2, static_cast<std::int64_t>(limits.rows) + 1);
  page out;
  std::size_t octets = 0;
  int step = query.step();
  for (; step == SQLITE_ROW && out.rows.size() < limits.rows && octets < limits.octets;
       step = query.step()) {
    out.rows.push_back({std::string{as_text(query.column(0))}, to_blob(query.column(1))});
    octets += out.rows.back().key.size() + out.rows.back().value.size();
  }
  if (step != SQLITE_ROW && step != SQLITE_DONE) {
    return failure();
  }
  out.more = step == SQLITE_ROW;
  return out;
}

/// For nobody else to read: SQLite gives its other files the same mode.
result<void> make_private_file(const std::string& path) {
  const int made = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (made < 0) {
    const int code = errno;
    return fail(errc::storage, "cannot open " + path + ": " + std::strerror(code), code);
  }
  const bool narrowed = ::fchmod(made, 0600) == 0;
  const int code = errno;
  ::close(made);
  if (!narrowed) {
    return fail(errc::storage, "cannot keep " + path + " to its owner: " + std::strerror(code),
                code);
  }
  return system_files()->sync_folder(path);
}

} // namespace

result<std::unique_ptr<backend>> open_sqlite_store(const std::string& named,
                                                   const sqlite_options& options) {
  const auto path = behind_links(named);
  auto lock = session_lock::take(path);
  if (!lock) {
    return std::unexpected(std::move(lock.error()));
  }
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
  if (!options.vfs.empty()) {
    flags |= SQLITE_OPEN_CREATE;
  } else if (auto made = make_private_file(path); !made) {
    return std::unexpected(std::move(made.error()));
  }
  sqlite3* handle = nullptr;
  const int opened = sqlite3_open_v2(path.c_str(), &handle, flags, vfs_of(options));
  native::database owned{handle};
  if (opened != SQLITE_OK) {
    return fail(errc::storage, "cannot open " + path + ": " + sqlite3_errstr(opened), opened);
  }
  auto out = std::make_unique<sqlite_store>(path, *std::move(lock), std::move(owned), options);
  if (auto ready = out->prepare(); !ready) {
    return std::unexpected(std::move(ready.error()));
  }
  return out;
}

} // namespace cafegram::storage
