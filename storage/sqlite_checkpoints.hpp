#pragma once

// Internal to storage/. Not installed.

#include <cafegram/base/error.hpp>
#include <cafegram/storage/sqlite_store.hpp>

#include <atomic>
#include <string>
#include <thread>

namespace cafegram::storage {

/// The system's VFS where `options` names none: it keeps other programs out, as a connection in
/// exclusive mode does, and has the index of the WAL in memory, but serves several connections.
const char* vfs_of(const sqlite_options& options);

/// Does somebody write while a checkpoint is made?
enum class beside : bool { nobody, writer };

/// Moves what the WAL of the database at `path` holds into the database, over a connection of its
/// own: whoever writes goes on meanwhile, and what he writes stays in the WAL.
/// Errors: `storage`, with SQLite's extended code; the WAL has all then, as before.
result<void> checkpoint(const std::string& path, const sqlite_options& options, beside whom);

/// Has checkpoints made when they are due. A thread for one begins with it and ends with it, so a
/// store at rest has none.
///
/// A WAL is begun anew only when all of it has been moved and nothing came meanwhile. Where
/// somebody writes all the time, that never happens beside him; so behind `most_pages` the thread
/// moves all, and once more what came meanwhile, and `committed` moves the little that is left
/// then.
class sqlite_checkpoints {
public:
  sqlite_checkpoints(std::string path, const sqlite_options& options)
    : path_{std::move(path)}
    , options_{options}
    , next_{options.checkpoint_pages} {}
  sqlite_checkpoints(const sqlite_checkpoints&) = delete;
  sqlite_checkpoints& operator=(const sqlite_checkpoints&) = delete;
  /// Waits for one that is under way, and makes a last one.
  ~sqlite_checkpoints();

  /// There are so many pages in the WAL, after a commit; one call at a time. Never throws, and what
  /// goes wrong is told in the log: it is no failure of the commit. It is tried again when the WAL
  /// has grown by twice as much as before.
  void committed(int pages) noexcept;

  /// Waits for one that is under way; the last one is not made. For a database that is damaged.
  void give_up();

private:
  void start();
  void make_here();
  void make(beside whom);
  bool has_ended_well();

  std::string path_;
  sqlite_options options_;
  int pages_ = 0;
  int next_;                 ///< pages in the WAL at which there is something to do
  bool catching_up_ = false; ///< the thread does, or did
  // The thread's while it is under way.
  int failures_ = 0; ///< in a row
  bool failed_ = false;
  std::atomic<bool> under_way_ = false;
  std::jthread thread_;
};

} // namespace cafegram::storage
