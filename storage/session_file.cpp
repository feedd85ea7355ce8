#include <cafegram/crypto/hash.hpp>
#include <cafegram/storage/session.hpp>
#include <cafegram/storage/session_file.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace cafegram::storage {

namespace {

constexpr std::string_view magic = "CAFEGRAM";
constexpr std::size_t version_at = 8;
constexpr std::size_t length_at = 12;
constexpr std::size_t digest_at = 16;

std::unexpected<error> system_failure(std::string_view doing, const std::string& path) {
  const int code = errno;
  return fail(errc::storage, std::string{doing} + " " + path + ": " + std::strerror(code), code);
}

/// Closes on the way out.
class file {
public:
  explicit file(int fd)
    : fd_{fd} {}
  file(const file&) = delete;
  file& operator=(const file&) = delete;
  ~file() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

private:
  int fd_;
};

std::uint32_t read_u32(bytes_view data, std::size_t at) {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    out |= static_cast<std::uint32_t>(data[at + i]) << (8 * i);
  }
  return out;
}

void write_u32(mutable_bytes_view data, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) {
    data[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
}

bool write_all(int fd, bytes_view data) {
  while (!data.empty()) {
    const auto count = ::write(fd, data.data(), data.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      return false;
    }
    data = data.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

bool read_all(int fd, mutable_bytes_view out) {
  while (!out.empty()) {
    const auto count = ::read(fd, out.data(), out.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      return false;
    }
    out = out.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

std::int64_t owner_of(int fd) {
  std::array<char, 24> text{};
  const auto count = ::pread(fd, text.data(), text.size(), 0);
  std::int64_t pid = 0;
  if (count > 0) {
    std::from_chars(text.data(), text.data() + count, pid);
  }
  return pid;
}

} // namespace

crypto::secret wrap_session_file(bytes_view payload) {
  crypto::secret out{session_file_header + payload.size()};
  const auto view = out.view();
  std::ranges::copy(magic, view.begin());
  write_u32(view, version_at, session_file_version);
  write_u32(view, length_at, static_cast<std::uint32_t>(payload.size()));
  const auto digest = crypto::sha256({view.first(digest_at), payload});
  std::ranges::copy(digest, view.begin() + digest_at);
  std::ranges::copy(payload, view.begin() + session_file_header);
  return out;
}

result<bytes_view> unwrap_session_file(bytes_view file) {
  if (file.size() < magic.size() || as_text(file.first(magic.size())) != magic) {
    return fail(errc::storage, "not a session file: wrong first 8 octets", 0);
  }
  if (file.size() < session_file_header) {
    return fail(errc::storage, "cut off within the header", static_cast<std::int64_t>(file.size()));
  }
  const auto version = read_u32(file, version_at);
  if (version == 0 || version > session_file_version) {
    return fail(errc::storage,
                "format version " + std::to_string(version) + " is not known to this program",
                version_at);
  }
  const auto payload = file.subspan(session_file_header);
  if (read_u32(file, length_at) != payload.size()) {
    return fail(errc::storage, "cut off, or longer than it says", length_at);
  }
  const auto digest = crypto::sha256({file.first(digest_at), payload});
  if (!std::ranges::equal(digest, file.subspan(digest_at, digest.size()))) {
    return fail(errc::storage, "damaged: the checksum does not match", digest_at);
  }
  return payload;
}

result<session_lock> session_lock::take(const std::string& path) {
  const auto name = path + ".lock";
  file handle{::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!handle) {
    return system_failure("cannot open", name);
  }
  if (::flock(handle.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return system_failure("cannot lock", name);
    }
    const auto owner = owner_of(handle.get());
    return fail(errc::storage,
                "session " + path + " is in use by process " + std::to_string(owner) +
                    "; stop that one first, or use another session",
                owner);
  }
  const auto pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(handle.get(), 0) != 0 || !write_all(handle.get(), as_bytes(pid))) {
    return system_failure("cannot write", name);
  }
  return session_lock{handle.release()};
}

session_lock::session_lock(session_lock&& other) noexcept
  : fd_{std::exchange(other.fd_, -1)} {}

session_lock& session_lock::operator=(session_lock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

session_lock::~session_lock() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

result<std::optional<crypto::secret>> read_secret_file(const std::string& path) {
  const file handle{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!handle) {
    if (errno == ENOENT) {
      return std::nullopt;
    }
    return system_failure("cannot open", path);
  }
  struct stat status{};
  if (::fstat(handle.get(), &status) != 0) {
    return system_failure("cannot look at", path);
  }
  if (!S_ISREG(status.st_mode) || static_cast<std::size_t>(status.st_size) > max_session_file) {
    return fail(errc::storage, path + " is no session: not a plain file, or too large");
  }
  crypto::secret content{static_cast<std::size_t>(status.st_size)};
  if (!read_all(handle.get(), content.view())) {
    return system_failure("cannot read", path);
  }
  return content;
}

result<void> sync_folder(const std::string& path) {
  const auto parent = std::filesystem::path{path}.parent_path();
  const auto folder = (parent.empty() ? std::filesystem::path{"."} : parent).string();
  const file handle{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!handle || ::fsync(handle.get()) != 0) {
    return system_failure("cannot sync folder", folder);
  }
  return {};
}

result<void> replace_file(const std::string& path, bytes_view content) {
  const auto temporary = path + ".tmp";
  {
    const file handle{
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!handle) {
      return system_failure("cannot create", temporary);
    }
    // A file left over from elsewhere may have another mode.
    if (::fchmod(handle.get(), 0600) != 0 || !write_all(handle.get(), content) ||
        ::fsync(handle.get()) != 0) {
      return system_failure("cannot write", temporary);
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return system_failure("cannot replace", path);
  }
  return sync_folder(path);
}

namespace {

class file_backend final : public session_backend {
public:
  file_backend(std::string path, session_lock lock)
    : path_{std::move(path)}
    , lock_{std::move(lock)} {}

  result<std::optional<session_state>> load() override {
    auto state = read();
    // What cannot be read may still be worth saving by hand: it is never written over.
    readable_ = state.has_value();
    return state;
  }

  result<void> commit(const session_batch& batch) override {
    if (!readable_) {
      if (auto state = load(); !state) {
        return std::unexpected(std::move(state.error()));
      }
    }
    if (!batch.session) {
      return {};
    }
    const auto payload = encode_session(*batch.session);
    if (payload.size() + session_file_header > max_session_file) {
      return fail(errc::storage, "the session is too large for " + path_);
    }
    return replace_file(path_, wrap_session_file(payload.view()).view());
  }

  std::string place() const override { return path_; }

private:
  result<std::optional<session_state>> read() const {
    auto content = read_secret_file(path_);
    if (!content) {
      return std::unexpected(std::move(content.error()));
    }
    if (!*content) {
      return std::nullopt;
    }
    const auto& whole = **content;
    auto payload = unwrap_session_file(whole.view());
    if (!payload) {
      return refuse(payload.error());
    }
    auto state = decode_session(*payload);
    if (!state) {
      return refuse(state.error());
    }
    return *std::move(state);
  }

  std::unexpected<error> refuse(const error& why) const {
    return fail(errc::storage,
                "session " + path_ + ": " + why.what + " (offset " + std::to_string(why.number) +
                    "); the file is left as it is, move it away to start anew",
                why.number);
  }

  std::string path_;
  session_lock lock_;
  bool readable_ = false;
};

} // namespace

result<std::unique_ptr<session_backend>> open_file_backend(const std::string& path) {
  auto lock = session_lock::take(path);
  if (!lock) {
    return std::unexpected(std::move(lock.error()));
  }
  return std::make_unique<file_backend>(path, *std::move(lock));
}

} // namespace cafegram::storage
