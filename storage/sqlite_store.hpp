#pragma once

#include <cafegram/storage/backend.hpp>

#include <string>

namespace cafegram::storage {

struct sqlite_options {
  /// Of a VFS that is registered with SQLite; empty for the system's.
  std::string vfs = {};
  /// Pages in the WAL after which they are moved into the database.
  int checkpoint_pages = 1000;
};

/// A SQLite database in WAL mode, mode 0600, made where there is none. Durable batches are synced
/// (`synchronous` FULL); others are safe from the death of the process, and whole after a power
/// cut (NORMAL).
/// Errors: `storage`; when it is in use, with the owner's process id as `error::number`, else
/// SQLite's extended code.
result<std::unique_ptr<backend>> open_sqlite_store(const std::string& path,
                                                   const sqlite_options& options = {});

} // namespace cafegram::storage
