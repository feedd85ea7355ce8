#pragma once

#include <cafegram/sandbox/page_model.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace cafegram::sandbox {

/// Carries events from the sandbox to the open pages. `publish` never waits for a reader: each
/// reader has a bounded queue, and one that overflows is emptied and told to reload.
///
/// The lock is held for a push or a pop only. It stands between a CAF thread and the HTTP server's
/// threads, which are not actors; nothing is ever written to a socket under it.
class page_feed : public std::enable_shared_from_this<page_feed> {
public:
  /// Events that one reader may have outstanding.
  static constexpr std::size_t queue_limit = 512;

  class reader {
  public:
    ~reader();
    reader(const reader&) = delete;
    reader& operator=(const reader&) = delete;

    /// Waits for events, at most for `time`; takes all there are (empty: none came in time, or
    /// `wake` was called).
    std::vector<page_event> take(std::chrono::milliseconds time);

  private:
    friend class page_feed;
    explicit reader(std::shared_ptr<page_feed> feed)
      : feed_{std::move(feed)} {}

    std::shared_ptr<page_feed> feed_;
    std::deque<page_event> queue_; // guarded by the feed's lock
    std::condition_variable wake_;
    bool woken_ = false;
  };

  explicit page_feed(std::size_t max_readers = 12)
    : max_readers_{max_readers} {}

  /// Gives `event` to every reader. Costs one atomic load while there is none.
  void publish(const page_event& event);

  /// A new reader, or `limit` when there are as many as allowed.
  result<std::unique_ptr<reader>> subscribe();

  /// Ends every reader's present wait.
  void wake();

  /// Waits until no reader is left, at most for `time`; false: some still are.
  bool wait_until_left(std::chrono::milliseconds time);

  std::size_t readers() const { return count_.load(std::memory_order_relaxed); }

private:
  void push(reader& to, const page_event& event);

  mutable std::mutex mutex_;
  std::condition_variable left_;
  std::vector<reader*> readers_;
  std::atomic<std::size_t> count_{0};
  std::size_t max_readers_;
};

} // namespace cafegram::sandbox
