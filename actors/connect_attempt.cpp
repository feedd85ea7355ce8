#include <cafegram/actors/connect_attempt.hpp>

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/tcp.h>
#include <optional>
#include <poll.h>
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

bytes address_octets(const std::string& host) {
  const auto address = numeric_address({host, 0});
  if (!address) {
    return {};
  }
  if (address->storage.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address->storage);
    const auto* octets = reinterpret_cast<const std::uint8_t*>(&v4->sin_addr);
    return {octets, octets + sizeof(v4->sin_addr)};
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address->storage);
  const auto* octets = reinterpret_cast<const std::uint8_t*>(&v6->sin6_addr);
  return {octets, octets + sizeof(v6->sin6_addr)};
}

result<connect_attempt> connect_attempt::start(const connect_step& step,
                                               std::unique_ptr<protocol::tunnel> talk) {
  const auto& to = step.address;
  const auto address = numeric_address(to);
  if (!address) {
    return fail(errc::bad_argument, "not an address: " + to.host);
  }
  const int fd =
      ::socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return refused(to, errno);
  }
  connect_attempt out{fd, step, std::move(talk)};
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address->storage), address->size) != 0 &&
      errno != EINPROGRESS) {
    return refused(to, errno);
  }
  return out;
}

connect_attempt::connect_attempt(int fd, connect_step step, std::unique_ptr<protocol::tunnel> talk)
  : fd_{fd}
  , step_{std::move(step)}
  , talk_{std::move(talk)} {}

connect_attempt::connect_attempt(connect_attempt&& other) noexcept
  : fd_{std::exchange(other.fd_, -1)}
  , step_{std::move(other.step_)}
  , talk_{std::move(other.talk_)}
  , connected_{other.connected_}
  , unsent_{std::move(other.unsent_)} {}

connect_attempt& connect_attempt::operator=(connect_attempt&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(step_, other.step_);
  std::swap(talk_, other.talk_);
  std::swap(connected_, other.connected_);
  std::swap(unsent_, other.unsent_);
  return *this;
}

connect_attempt::~connect_attempt() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

short connect_attempt::awaited() const {
  return connected_ && unsent_.empty() ? POLLIN : POLLOUT;
}

result<bool> connect_attempt::advance() {
  if (!connected_) {
    if (auto good = finish_connect(); !good) {
      return std::unexpected(std::move(good.error()));
    }
    if (!talk_) {
      return true;
    }
    unsent_ = talk_->opening();
  }
  // What is unsent goes out before anything is read: proxies answer, they do not ask.
  if (unsent_.empty()) {
    auto open = read_answer();
    if (!open || *open) {
      return open;
    }
  }
  if (auto good = write_words(); !good) {
    return std::unexpected(std::move(good.error()));
  }
  return false;
}

result<void> connect_attempt::finish_connect() {
  int code = 0;
  socklen_t size = sizeof(code);
  if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &code, &size) != 0) {
    code = errno;
  }
  if (code != 0) {
    return failed(code);
  }
  connected_ = true;
  return {};
}

result<bool> connect_attempt::read_answer() {
  std::array<std::uint8_t, 4096> room;
  const auto got = ::recv(fd_, room.data(), room.size(), 0);
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) {
      return false;
    }
    return failed(errno);
  }
  if (got == 0) {
    return fail(errc::proxy,
                to_string(step_.address) + ": the proxy closed the connection before it was ready");
  }
  auto open = talk_->feed(bytes_view{room}.first(static_cast<std::size_t>(got)), unsent_);
  if (!open) {
    open.error().what = to_string(step_.address) + ": " + open.error().what;
  }
  return open;
}

result<void> connect_attempt::write_words() {
  while (!unsent_.empty()) {
    const auto sent = ::send(fd_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
      return failed(errno);
    }
    if (sent < 0) {
      break;
    }
    unsent_.erase(unsent_.begin(), unsent_.begin() + sent);
  }
  return {};
}

std::unexpected<error> connect_attempt::failed(int code) const {
  return refused(step_.address, code);
}

int connect_attempt::release() {
  return std::exchange(fd_, -1);
}

} // namespace cafegram
