#pragma once

#include <cafegram/base/error.hpp>
#include <cafegram/tl/json.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace cafegram::cli {

/// Uses a sandbox as its page does: over HTTP, with the stream of events open.
class page_client {
public:
  /// `url` is what the sandbox prints: `http://127.0.0.1:8090/`. Errors: `network` when the stream
  /// of events does not open.
  static result<std::unique_ptr<page_client>> connect(const std::string& url);
  ~page_client();
  page_client(const page_client&) = delete;
  page_client& operator=(const page_client&) = delete;

  result<tl::json> get(const std::string& path);
  result<tl::json> post(const std::string& path, const tl::json& body);

  using predicate = std::function<bool(const tl::json& event)>;
  /// The first event that fits and has not been taken yet, those before it are dropped.
  /// Errors: `deadline`.
  result<tl::json> wait(const predicate& fits, std::chrono::milliseconds within);

private:
  struct connections;
  explicit page_client(std::unique_ptr<connections> c);
  void listen();
  bool take_in(std::string_view text);

  std::unique_ptr<connections> http_;
  // Between the thread that reads the stream and the one that asks; neither is an actor.
  std::mutex lock_;
  std::condition_variable arrived_;
  std::deque<tl::json> events_;
  std::string partial_;
  bool open_ = false;
  std::atomic<bool> stopping_{false};
  std::thread reader_;
};

} // namespace cafegram::cli
