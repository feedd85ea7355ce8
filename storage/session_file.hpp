#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/crypto/secure.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace cafegram::storage {

/// The file around a session.
/// `magic:"CAFEGRAM" version:u32le length:u32le digest:32*u8 payload:length*u8`
/// where `digest` is SHA-256 over magic, version, length and payload.
constexpr std::uint32_t session_file_version = 1;
constexpr std::size_t session_file_header = 48;
constexpr std::size_t max_session_file = 64U << 20;

/// `payload` with its header.
crypto::secret wrap_session_file(bytes_view payload);

/// The payload within `file`. Errors: `storage`; `error::number` is the offset of what is wrong.
result<bytes_view> unwrap_session_file(bytes_view file);

/// Holds `flock` on `PATH.lock`, in which its owner's process id stands. The lock ends with the
/// process, however it ends; the lock file stays.
class session_lock {
public:
  /// Errors: `storage`; when the lock is held, naming the owner, with its id as `error::number`.
  static result<session_lock> take(const std::string& path);
  session_lock(session_lock&& other) noexcept;
  session_lock& operator=(session_lock&& other) noexcept;
  ~session_lock();

private:
  explicit session_lock(int fd)
    : fd_{fd} {}
  int fd_ = -1;
};

/// The whole file; none if there is no such file. Errors: `storage`, errno as `error::number`.
result<std::optional<crypto::secret>> read_secret_file(const std::string& path);

/// Syncs the folder that `path` is in: what was made or renamed there outlives a power cut.
/// Errors: `storage`, errno as `error::number`.
result<void> sync_folder(const std::string& path);

/// Replaces `path` as a whole, mode 0600: writes `PATH.tmp`, syncs it, renames it, syncs the
/// folder. After an error the old file is as it was. Errors: `storage`, errno as `error::number`.
result<void> replace_file(const std::string& path, bytes_view content);

} // namespace cafegram::storage
