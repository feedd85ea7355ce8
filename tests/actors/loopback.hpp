#pragma once

#include <cafegram/actors/options.hpp>
#include <cafegram/base/bytes.hpp>

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <cstdint>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace cafegram::test {

/// A plain socket that closes itself; reads and writes block, with a limit of five seconds.
class plain_socket {
public:
  explicit plain_socket(int fd = -1)
    : fd_{fd} {}
  plain_socket(plain_socket&& other) noexcept
    : fd_{std::exchange(other.fd_, -1)} {}
  plain_socket& operator=(plain_socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~plain_socket() { close(); }

  void close() {
    if (fd_ >= 0) {
      ::close(std::exchange(fd_, -1));
    }
  }
  int fd() const { return fd_; }

  bool readable(std::chrono::milliseconds limit = std::chrono::seconds{5}) const {
    pollfd entry{fd_, POLLIN, 0};
    return ::poll(&entry, 1, static_cast<int>(limit.count())) == 1;
  }

  /// Exactly `count` octets, fewer if the other side closes or is too slow.
  bytes read(std::size_t count) const {
    bytes out(count);
    std::size_t have = 0;
    while (have < count && readable()) {
      const auto got = ::recv(fd_, out.data() + have, count - have, 0);
      if (got <= 0) {
        break;
      }
      have += static_cast<std::size_t>(got);
    }
    out.resize(have);
    return out;
  }

  void write(bytes_view data) const {
    while (!data.empty()) {
      const auto sent = ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL);
      ASSERT_GT(sent, 0);
      data = data.subspan(static_cast<std::size_t>(sent));
    }
  }

private:
  int fd_;
};

/// Listens on a free port of the loopback.
class listener {
public:
  explicit listener(int backlog = 16)
    : socket_{::socket(AF_INET, SOCK_STREAM, 0)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(socket_.fd(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::listen(socket_.fd(), backlog), 0);
    socklen_t size = sizeof(address);
    ::getsockname(socket_.fd(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }

  endpoint where() const { return {"127.0.0.1", port_}; }
  plain_socket accept() const {
    return plain_socket{socket_.readable() ? ::accept(socket_.fd(), nullptr, nullptr) : -1};
  }
  void close() { socket_.close(); }
  int fd() const { return socket_.fd(); }

private:
  plain_socket socket_;
  std::uint16_t port_ = 0;
};

} // namespace cafegram::test
