#include <cafegram/storage/session_lock.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <sstream>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

namespace cafegram::storage {

namespace {

std::unexpected<error> failure(std::string_view doing, const std::string& path) {
  const int code = errno;
  return fail(errc::storage, fmt::format("cannot {} {}: {}", doing, path, std::strerror(code)),
              code);
}

/// As `write_owner` has written it; what is missing stays empty (older programs wrote less).
store_owner read_owner(int fd) {
  std::array<char, 512> text{};
  const auto count = ::pread(fd, text.data(), text.size(), 0);
  store_owner out;
  if (count > 0) {
    std::istringstream{std::string{text.data(), static_cast<std::size_t>(count)}} >> out.pid >>
        out.host >> out.since;
  }
  return out;
}

bool write_owner(int fd, const store_owner& who) {
  const auto text = fmt::format("{}\n{}\n{}\n", who.pid, who.host, who.since);
  return ::ftruncate(fd, 0) == 0 &&
         ::pwrite(fd, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
}

} // namespace

store_owner store_owner::this_process() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0 || host[0] == '\0') {
    host[0] = '?';
  }
  return {::getpid(), host.data(),
          std::chrono::duration_cast<std::chrono::seconds>(
              std::chrono::system_clock::now().time_since_epoch())
              .count()};
}

std::unexpected<error> in_use(const std::string& place, const store_owner& by) {
  auto what = fmt::format("session {} is in use by process {}", place, by.pid);
  if (!by.host.empty()) {
    what += fmt::format(" on {} since {:%Y-%m-%dT%H:%M:%S}Z", by.host, fmt::gmtime(by.since));
  }
  return fail(errc::session_in_use, what + "; stop that one first, or use another session", by.pid);
}

result<session_lock> session_lock::take(const std::string& path) {
  const auto name = path + ".lock";
  session_lock out{::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (out.fd_ < 0) {
    return failure("open", name);
  }
  if (::flock(out.fd_, LOCK_EX | LOCK_NB) != 0) {
    return errno == EWOULDBLOCK ? in_use(path, read_owner(out.fd_)) : failure("lock", name);
  }
  if (!write_owner(out.fd_, store_owner::this_process())) {
    return failure("write", name);
  }
  return out;
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

} // namespace cafegram::storage
