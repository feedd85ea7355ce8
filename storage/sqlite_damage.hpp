#pragma once

// Internal to storage/. Not installed.

#include <cafegram/base/error.hpp>

#include <string>

struct sqlite3;

namespace cafegram::storage {

/// Keeps what the database at `path` and its WAL hold as `path.damaged` and `path.damaged-wal`, or
/// `path.damaged-2` or -3 where that is taken by something else: what is damaged may still be
/// worth saving by hand. Answers with the copy's name. Nobody may write to it meanwhile; a
/// checkpoint may be under way, for what it moves stays in the WAL until somebody writes.
/// `handle` has it open: closed by anybody else in the process, the file would lose SQLite's lock.
/// Errors: `storage`.
result<std::string> keep_damaged(sqlite3* handle, const std::string& path);

} // namespace cafegram::storage
