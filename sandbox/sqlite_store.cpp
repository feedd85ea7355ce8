#include <cafegram/sandbox/store.hpp>

#include <fmt/format.h>
#include <sqlite3.h>

#include <fcntl.h>
#include <optional>
#include <tuple>
#include <unistd.h>
#include <vector>

namespace cafegram::sandbox {

namespace {

class memory_store final : public store {
public:
  result<void> load(const visitor&) override { return {}; }
  void put(std::string_view, std::string, std::string) override {}
  void erase(std::string_view, std::string) override {}
  result<void> commit() override { return {}; }
};

struct close_database {
  void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
};
struct close_statement {
  void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
};
using database = std::unique_ptr<sqlite3, close_database>;
using statement = std::unique_ptr<sqlite3_stmt, close_statement>;

std::string_view column(sqlite3_stmt* row, int index) {
  const void* data = sqlite3_column_blob(row, index);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(row, index));
  return data != nullptr ? std::string_view{static_cast<const char*>(data), size}
                         : std::string_view{};
}

class sqlite_store final : public store {
public:
  sqlite_store(database handle, std::string path)
    : path_{std::move(path)}
    , handle_{std::move(handle)} {}

  /// Makes the table, takes the statements ready. WAL with NORMAL: a commit survives the death of
  /// the process; only a power cut may take the latest ones, whole.
  result<void> prepare() {
    for (const char* line :
         {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", "PRAGMA locking_mode=EXCLUSIVE",
          "CREATE TABLE IF NOT EXISTS record(kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT "
          "NULL, PRIMARY KEY(kind, key)) WITHOUT ROWID"}) {
      if (sqlite3_exec(handle_.get(), line, nullptr, nullptr, nullptr) != SQLITE_OK) {
        return failure();
      }
    }
    const std::pair<statement&, const char*> wanted[] = {
        {begin_, "BEGIN IMMEDIATE"},
        {commit_, "COMMIT"},
        {rollback_, "ROLLBACK"},
        {put_, "INSERT OR REPLACE INTO record(kind, key, value) VALUES(?1, ?2, ?3)"},
        {erase_, "DELETE FROM record WHERE kind = ?1 AND key = ?2"},
        {select_, "SELECT kind, key, value FROM record ORDER BY kind, key"}};
    for (const auto& [into, text] : wanted) {
      sqlite3_stmt* made = nullptr;
      if (sqlite3_prepare_v2(handle_.get(), text, -1, &made, nullptr) != SQLITE_OK) {
        return failure();
      }
      into.reset(made);
    }
    return {};
  }

  result<void> load(const visitor& visit) override {
    int step = SQLITE_ROW;
    result<void> out;
    while (out && (step = sqlite3_step(select_.get())) == SQLITE_ROW) {
      sqlite3_stmt* row = select_.get();
      out = visit(column(row, 0), column(row, 1), column(row, 2));
    }
    sqlite3_reset(select_.get());
    if (!out) {
      out.error().what += " (" + path_ + "; move the folder away to start anew)";
      return out;
    }
    return step == SQLITE_DONE ? out : failure();
  }

  void put(std::string_view kind, std::string key, std::string value) override {
    changes_.push_back({kind, std::move(key), std::move(value)});
  }

  void erase(std::string_view kind, std::string key) override {
    changes_.push_back({kind, std::move(key), std::nullopt});
  }

  result<void> commit() override {
    if (changes_.empty()) {
      return {};
    }
    bool good = run(begin_);
    for (const change& one : changes_) {
      good = good && write(one);
    }
    good = good && run(commit_);
    changes_.clear();
    if (good) {
      return {};
    }
    auto out = failure();
    if (sqlite3_get_autocommit(handle_.get()) == 0) {
      run(rollback_);
    }
    return out;
  }

private:
  struct change {
    std::string_view kind; ///< static text
    std::string key;
    std::optional<std::string> value; ///< none: erase
  };

  bool write(const change& one) {
    sqlite3_stmt* to = one.value ? put_.get() : erase_.get();
    const auto bind = [to](int index, std::string_view value) {
      return sqlite3_bind_text64(to, index, value.data(), value.size(), SQLITE_STATIC,
                                 SQLITE_UTF8) == SQLITE_OK;
    };
    const bool bound = bind(1, one.kind) && bind(2, one.key) && (!one.value || bind(3, *one.value));
    const bool done = bound && sqlite3_step(to) == SQLITE_DONE;
    sqlite3_reset(to);
    sqlite3_clear_bindings(to);
    return done;
  }

  bool run(const statement& what) {
    const bool done = sqlite3_step(what.get()) == SQLITE_DONE;
    sqlite3_reset(what.get());
    return done;
  }

  std::unexpected<error> failure() const {
    if (sqlite3_errcode(handle_.get()) == SQLITE_BUSY) {
      return fail(errc::storage,
                  fmt::format("{} is in use: another sandbox has this folder open", path_),
                  SQLITE_BUSY);
    }
    return fail(errc::storage, fmt::format("{}: {}", path_, sqlite3_errmsg(handle_.get())),
                sqlite3_extended_errcode(handle_.get()));
  }

  std::string path_;
  database handle_;
  statement begin_, commit_, rollback_, put_, erase_, select_;
  std::vector<change> changes_;
};

} // namespace

std::unique_ptr<store> make_memory_store() {
  return std::make_unique<memory_store>();
}

result<std::unique_ptr<store>> open_sqlite_store(const std::filesystem::path& folder) {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) {
    return fail(
        errc::storage,
        fmt::format("cannot make the data folder {}: {}", folder.string(), problem.message()),
        problem.value());
  }
  const std::string path = (folder / "world.db").string();
  sqlite3* handle = nullptr;
  // Made here, for nobody else to read: SQLite gives its other files the same mode.
  if (const int made = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600); made >= 0) {
    ::close(made);
  }
  const int opened = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr);
  database owned{handle};
  auto out = std::make_unique<sqlite_store>(std::move(owned), path);
  result<void> ready = opened == SQLITE_OK
                           ? out->prepare()
                           : fail(errc::storage, fmt::format("cannot open {}", path), opened);
  if (!ready) {
    return std::unexpected(ready.error());
  }
  return out;
}

} // namespace cafegram::sandbox
