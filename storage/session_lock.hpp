#pragma once

#include <cafegram/base/error.hpp>

#include <cstdint>
#include <string>

namespace cafegram::storage {

/// Who has a store.
struct store_owner {
  std::int64_t pid = 0; ///< 0: not known
  std::string host;
  std::int64_t since = 0; ///< seconds since 1970

  static store_owner this_process();
};

/// `session PLACE is in use by process 42 on HOST since 2025-01-01T00:00:00Z; ...`, with the
/// process id as `error::number`; its code is `session_in_use`.
std::unexpected<error> in_use(const std::string& place, const store_owner& by);

/// Holds `flock` on `PATH.lock`, in which its owner stands. The lock ends with the process, however
/// it ends; the lock file stays.
class session_lock {
public:
  /// Errors: `storage`; `session_in_use` when it is held.
  static result<session_lock> take(const std::string& path);
  session_lock(session_lock&& other) noexcept;
  session_lock& operator=(session_lock&& other) noexcept;
  ~session_lock();

private:
  explicit session_lock(int fd)
    : fd_{fd} {}
  int fd_ = -1;
};

} // namespace cafegram::storage
