#pragma once

#include <algorithm>
#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "loopback.hpp"
#include "mini_dc.hpp"

namespace cafegram::test {

/// A data centre behind a socket, one connection at a time.
class served_dc {
public:
  using refusal = std::function<std::string(bytes_view)>;
  using reply = std::function<std::optional<bytes>(bytes_view)>;

  explicit served_dc(refusal refuse = {}, reply answer = {}) {
    server_.refuse_call = std::move(refuse);
    server_.answer_call = std::move(answer);
    thread_ = std::thread{[this] { serve(); }};
  }
  ~served_dc() {
    done_ = true;
    thread_.join();
  }
  served_dc(const served_dc&) = delete;
  served_dc& operator=(const served_dc&) = delete;

  endpoint where() const { return listener_.where(); }
  /// How many calls had these octets in them.
  std::size_t count(bytes_view octets) {
    const std::lock_guard lock{mutex_};
    std::size_t out = 0;
    for (const auto& call : server_.calls) {
      out += std::ranges::search(call.body, octets).empty() ? 0 : 1;
    }
    return out;
  }

private:
  static bool wait(int fd) {
    pollfd entry{fd, POLLIN, 0};
    return ::poll(&entry, 1, 20) == 1;
  }

  void serve() {
    while (!done_) {
      if (!wait(listener_.fd())) {
        continue;
      }
      const plain_socket socket{::accept(listener_.fd(), nullptr, nullptr)};
      server_.connect();
      while (!done_) {
        if (!wait(socket.fd())) {
          continue;
        }
        bytes read(65'536);
        const auto got = ::recv(socket.fd(), read.data(), read.size(), 0);
        if (got <= 0) {
          break;
        }
        read.resize(static_cast<std::size_t>(got));
        const std::lock_guard lock{mutex_};
        socket.write(server_.feed(read));
      }
    }
  }

  std::mutex mutex_;
  mini_dc server_{std::make_shared<manual_clock>(std::chrono::system_clock::now()),
                  std::make_shared<seeded_random>(9)};
  listener listener_;
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

/// Refuses each call that has these octets in it.
inline served_dc::refusal refusing(bytes what, std::string text) {
  return [what = std::move(what), text = std::move(text)](bytes_view call) {
    return std::ranges::search(call, what).empty() ? std::string{} : text;
  };
}

} // namespace cafegram::test
