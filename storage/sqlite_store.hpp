#pragma once

#include <cafegram/storage/backend.hpp>

#include <string>

namespace cafegram::storage {

struct sqlite_options {
  /// Of a VFS that is registered with SQLite; empty for the system's.
  std::string vfs = {};
  /// So many pages more in the WAL, and they are moved into the database (a checkpoint), beside
  /// whoever writes.
  int checkpoint_pages = 1000;
  /// With so many who writes waits for a moment, so that the WAL can begin anew; with twice as
  /// many, until all of it has been moved. With 4,000 (16 MB) it is one batch in thousands, and
  /// what has to be read after a crash stays little.
  int most_pages = 4000;
  /// For checkpoints; without it the thread that applies a batch makes them.
  bool own_thread = true;
};

/// A SQLite database in WAL mode, mode 0600, made where there is none. Durable batches are synced
/// (`synchronous` FULL); others are safe from the death of the process, and whole after a power
/// cut (NORMAL).
/// Errors: `storage`; when it is in use, with the owner's process id as `error::number`, else
/// SQLite's extended code.
result<std::unique_ptr<backend>> open_sqlite_store(const std::string& named,
                                                   const sqlite_options& options = {});

} // namespace cafegram::storage
