#pragma once

#include <cafegram/tests/actors/loopback.hpp>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

namespace cafegram::test {

/// Passes octets between clients and one server until told to cut them off.
class relay {
public:
  /// Hears what passes, by the number of its connection; called on the relay's thread.
  using tap = std::function<void(std::size_t connection, bool from_client, bytes_view)>;

  explicit relay(endpoint to, tap heard = {})
    : to_{std::move(to)}
    , heard_{std::move(heard)}
    , worker_{[this] { run(); }} {}
  relay(const relay&) = delete;
  relay& operator=(const relay&) = delete;
  ~relay() {
    stop_ = true;
    worker_.join();
  }

  endpoint where() const { return entry_.where(); }

  /// Closes every connection; new ones are taken. Returns when it is done.
  void cut() {
    const auto before = cuts_.load();
    wanted_cuts_ = before + 1;
    while (cuts_ == before) {
      std::this_thread::yield();
    }
  }

  /// The next that a server says is not passed on: every connection is closed instead.
  void swallow_next_answer() { swallow_ = true; }

private:
  struct pair {
    plain_socket client;
    plain_socket server;
    std::size_t connection = 0;
  };

  bool pass(const pair& one, bool from_client) const {
    const auto& from = from_client ? one.client : one.server;
    std::array<std::uint8_t, 16384> buffer{};
    const auto count = ::recv(from.fd(), buffer.data(), buffer.size(), 0);
    if (count <= 0) {
      return false;
    }
    const bytes_view data{buffer.data(), static_cast<std::size_t>(count)};
    if (heard_) {
      heard_(one.connection, from_client, data);
    }
    (from_client ? one.server : one.client).write(data);
    return true;
  }

  plain_socket dial() const {
    plain_socket out{::socket(AF_INET, SOCK_STREAM, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(to_.port);
    ::inet_pton(AF_INET, to_.host.c_str(), &address.sin_addr);
    EXPECT_EQ(::connect(out.fd(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    return out;
  }

  void run() {
    std::vector<pair> pairs;
    std::size_t connections = 0;
    while (!stop_) {
      if (wanted_cuts_ > cuts_) {
        pairs.clear();
        ++cuts_;
      }
      std::vector<pollfd> fds{{entry_.fd(), POLLIN, 0}};
      for (const auto& one : pairs) {
        fds.push_back({one.client.fd(), POLLIN, 0});
        fds.push_back({one.server.fd(), POLLIN, 0});
      }
      ::poll(fds.data(), fds.size(), 1);
      bool swallowed = false;
      for (std::size_t i = 2; i < fds.size(); i += 2) {
        swallowed = swallowed || (fds[i].revents != 0 && swallow_.exchange(false));
      }
      if (swallowed) {
        pairs.clear();
        continue;
      }
      std::size_t at = 1;
      std::erase_if(pairs, [&](const pair& one) {
        const bool from_client = fds[at++].revents != 0;
        const bool from_server = fds[at++].revents != 0;
        return (from_client && !pass(one, true)) || (from_server && !pass(one, false));
      });
      if (fds[0].revents != 0) {
        auto client = entry_.accept();
        pairs.push_back({std::move(client), dial(), connections++});
      }
    }
  }

  endpoint to_;
  tap heard_;
  listener entry_;
  std::atomic<bool> stop_ = false;
  std::atomic<bool> swallow_ = false;
  std::atomic<int> cuts_ = 0;
  std::atomic<int> wanted_cuts_ = 0;
  std::thread worker_;
};

} // namespace cafegram::test
