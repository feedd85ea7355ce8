#pragma once

// Internal to storage/: owners of SQLite's objects. Not installed.

#include <cafegram/base/bytes.hpp>
#include <cafegram/base/error.hpp>

#include <sqlite3.h>

#include <memory>
#include <string>
#include <string_view>

namespace cafegram::storage::native {

struct close_database {
  void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
};
struct close_statement {
  void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
};
using database = std::unique_ptr<sqlite3, close_database>;
using statement = std::unique_ptr<sqlite3_stmt, close_statement>;

/// Readies a statement for its next run when it goes: what it read is let go then.
class running {
public:
  explicit running(sqlite3_stmt* what)
    : what_{what} {}
  running(const running&) = delete;
  running& operator=(const running&) = delete;
  ~running() {
    sqlite3_reset(what_);
    sqlite3_clear_bindings(what_);
  }

  /// `data` has to live as long as this.
  running& bind(int index, bytes_view data) {
    // A null pointer would be NULL, not an empty value.
    static constexpr std::uint8_t nothing = 0;
    code_ = code_ == SQLITE_OK
                ? sqlite3_bind_blob64(what_, index, data.empty() ? &nothing : data.data(),
                                      data.size(), SQLITE_STATIC)
                : code_;
    return *this;
  }
  running& bind(int index, std::int64_t number) {
    code_ = code_ == SQLITE_OK ? sqlite3_bind_int64(what_, index, number) : code_;
    return *this;
  }
  /// SQLITE_ROW, SQLITE_DONE, or what is wrong.
  int step() { return code_ == SQLITE_OK ? sqlite3_step(what_) : code_; }
  bytes_view column(int index) const {
    const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(what_, index));
    return {data, static_cast<std::size_t>(sqlite3_column_bytes(what_, index))};
  }

private:
  sqlite3_stmt* what_;
  int code_ = SQLITE_OK;
};

} // namespace cafegram::storage::native
