#include <cafegram/base/log.hpp>
#include <cafegram/storage/sqlite_checkpoints.hpp>
#include <cafegram/storage/sqlite_native.hpp>

#include <algorithm>
#include <system_error>
#include <utility>

namespace cafegram::storage {

namespace {

/// Checkpoints that fail come as often as the WAL has grown by `checkpoint_pages` times two to
/// this.
constexpr int most_doublings = 4;

/// SQLite does so only when all of the WAL was moved and nothing came meanwhile. Whoever makes that
/// checkpoint would have to wait for what all before it had written.
int sync_database(sqlite3* handle) {
  sqlite3_file* file = nullptr;
  const int code =
      sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, static_cast<void*>(&file));
  return code == SQLITE_OK ? file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) : code;
}

} // namespace

const char* vfs_of(const sqlite_options& options) {
  return options.vfs.empty() ? "unix-excl" : options.vfs.c_str();
}

result<void> checkpoint(const std::string& path, const sqlite_options& options, beside whom) {
  sqlite3* handle = nullptr;
  int code = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                             vfs_of(options));
  const native::database owned{handle};
  if (code == SQLITE_OK) {
    sqlite3_extended_result_codes(handle, 1);
    // Its end is not the database's.
    sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    // Who has read nothing knows of no WAL, and would move nothing.
    code = sqlite3_exec(handle, "PRAGMA schema_version", nullptr, nullptr, nullptr);
  }
  if (code == SQLITE_OK) {
    code = sqlite3_wal_checkpoint_v2(handle, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  }
  if (code == SQLITE_OK && whom == beside::writer) {
    code = sync_database(handle);
  }
  // Busy is who met a commit that was just writing the WAL's index: it is made later.
  if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY) {
    return {};
  }
  return fail(errc::storage, path + ": no checkpoint: " + sqlite3_errstr(code), code);
}

/// SQLite makes one too when the last connection ends, and tells nobody when it fails.
sqlite_checkpoints::~sqlite_checkpoints() {
  has_ended_well();
  if (pages_ > 0) {
    make(beside::nobody);
  }
}

void sqlite_checkpoints::committed(int pages) noexcept {
  if (pages < pages_) { // it has begun anew
    next_ = options_.checkpoint_pages;
  }
  pages_ = pages;
  const bool too_long = pages >= 2 * options_.most_pages;
  if (pages < next_ || (under_way_ && !too_long)) {
    return;
  }
  const bool has_caught_up = std::exchange(catching_up_, false);
  if (!has_ended_well()) {
    return;
  }
  if (has_caught_up || too_long || !options_.own_thread) {
    make_here();
  } else {
    start();
  }
}

void sqlite_checkpoints::give_up() {
  has_ended_well();
  pages_ = 0;
}

void sqlite_checkpoints::start() {
  catching_up_ = pages_ >= options_.most_pages;
  next_ = catching_up_ ? 0 : pages_ + options_.checkpoint_pages;
  under_way_ = true;
  try {
    thread_ = std::jthread{[this, again = catching_up_] {
      make(beside::writer);
      if (again && !failed_) {
        make(beside::writer);
      }
      under_way_ = false;
    }};
  } catch (const std::system_error& none) {
    log::warn("sqlite_store", "{}: no thread for a checkpoint: {}", path_, none.what());
    under_way_ = false;
    catching_up_ = false;
    make_here();
  }
}

void sqlite_checkpoints::make_here() {
  next_ = pages_ + options_.checkpoint_pages;
  make(beside::nobody);
  has_ended_well();
}

void sqlite_checkpoints::make(beside whom) {
  const auto made = checkpoint(path_, options_, whom);
  failed_ = !made;
  failures_ = made ? 0 : std::min(failures_ + 1, most_doublings);
  if (!made) {
    log::warn("sqlite_store", "{}; nothing is lost, it stays in the WAL", made.error().what);
  }
}

/// Waits for the end of the thread. If not, the next one is further away.
bool sqlite_checkpoints::has_ended_well() {
  if (thread_.joinable()) {
    thread_.join();
  }
  if (!std::exchange(failed_, false)) {
    return true;
  }
  next_ = pages_ + (options_.checkpoint_pages << failures_);
  return false;
}

} // namespace cafegram::storage
