#include <cafegram/sandbox/http_gate.hpp>
#include <cafegram/sandbox/native.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>

namespace cafegram::sandbox {

namespace {

constexpr std::chrono::seconds write_deadline{5};

void describe(const sockaddr_storage& address, std::string& ip, int& port) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    port = ntohs(v4.sin_port);
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    port = ntohs(v6.sin6_port);
  }
  ip = text.data();
}

} // namespace

http_stream::http_stream(int socket, steady_time deadline)
  : socket_{socket}
  , deadline_{deadline}
  , budget_{head_limit + http_body_limit} {}

bool http_stream::wait(short events, steady_time until) const {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    pollfd entry{.fd = socket_, .events = events, .revents = 0};
    const int found = poll(&entry, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (found >= 0 || errno != EINTR) {
      return found > 0;
    }
  }
}

bool http_stream::is_readable() const {
  return begin_ < end_ || wait(POLLIN, deadline_);
}

bool http_stream::is_writable() const {
  char octet = 0;
  const auto got = recv(socket_, &octet, 1, MSG_PEEK | MSG_DONTWAIT);
  const bool gone = got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
  return !gone && wait(POLLOUT, std::chrono::steady_clock::now() + write_deadline);
}

ssize_t http_stream::read(char* out, std::size_t size) {
  if (begin_ == end_) {
    const std::size_t room = std::min(buffer_.size(), budget_);
    if (room == 0 || !wait(POLLIN, deadline_)) {
      return -1;
    }
    const auto got = recv(socket_, buffer_.data(), room, 0);
    if (got <= 0) {
      return got;
    }
    begin_ = 0;
    end_ = static_cast<std::size_t>(got);
    budget_ -= end_;
  }
  const std::size_t count = std::min(size, end_ - begin_);
  std::memcpy(out, buffer_.data() + begin_, count);
  begin_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t http_stream::write(const char* data, std::size_t size) {
  if (!wait(POLLOUT, std::chrono::steady_clock::now() + write_deadline)) {
    return -1;
  }
  return send(socket_, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void http_stream::get_remote_ip_and_port(std::string& ip, int& port) const {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (getpeername(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    describe(address, ip, port);
  }
}

void http_stream::get_local_ip_and_port(std::string& ip, int& port) const {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    describe(address, ip, port);
  }
}

} // namespace cafegram::sandbox
