#include <cafegram/actors/connect_attempt.hpp>

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace cafegram {

namespace {

/// An address with its length, as the socket calls want it.
struct socket_address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

std::optional<socket_address> numeric_address(const endpoint& to) {
  socket_address out;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
  if (::inet_pton(AF_INET, to.host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(to.port);
    out.size = sizeof(sockaddr_in);
    return out;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
  if (::inet_pton(AF_INET6, to.host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(to.port);
    out.size = sizeof(sockaddr_in6);
    return out;
  }
  return std::nullopt;
}

std::unexpected<error> refused(const endpoint& to, int code) {
  return fail(errc::network, to_string(to) + ": " + std::strerror(code), code);
}

} // namespace

bool is_numeric_address(const std::string& host) {
  return numeric_address({host, 0}).has_value();
}

result<connect_attempt> connect_attempt::start(const endpoint& to) {
  const auto address = numeric_address(to);
  if (!address) {
    return fail(errc::bad_argument, "not an address: " + to.host);
  }
  const int fd =
      ::socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return refused(to, errno);
  }
  connect_attempt out{fd, to};
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address->storage), address->size) != 0 &&
      errno != EINPROGRESS) {
    return refused(to, errno);
  }
  return out;
}

connect_attempt::connect_attempt(connect_attempt&& other) noexcept
  : fd_{std::exchange(other.fd_, -1)}
  , to_{std::move(other.to_)} {}

connect_attempt& connect_attempt::operator=(connect_attempt&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(to_, other.to_);
  return *this;
}

connect_attempt::~connect_attempt() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

result<void> connect_attempt::outcome() const {
  int code = 0;
  socklen_t size = sizeof(code);
  if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &code, &size) != 0) {
    code = errno;
  }
  if (code != 0) {
    return refused(to_, code);
  }
  return {};
}

int connect_attempt::release() {
  return std::exchange(fd_, -1);
}

} // namespace cafegram
