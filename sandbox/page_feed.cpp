#include <cafegram/sandbox/page_feed.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace cafegram::sandbox {

page_feed::reader::~reader() {
  const std::lock_guard lock{feed_->mutex_};
  std::erase(feed_->readers_, this);
  feed_->count_.store(feed_->readers_.size(), std::memory_order_relaxed);
  feed_->left_.notify_all();
}

std::vector<page_event> page_feed::reader::take(std::chrono::milliseconds time) {
  std::unique_lock lock{feed_->mutex_};
  wake_.wait_for(lock, time, [this] { return !queue_.empty() || woken_; });
  woken_ = false;
  std::vector<page_event> out{std::make_move_iterator(queue_.begin()),
                              std::make_move_iterator(queue_.end())};
  queue_.clear();
  return out;
}

void page_feed::publish(const page_event& event) {
  if (readers() == 0) {
    return;
  }
  const std::lock_guard lock{mutex_};
  for (reader* to : readers_) {
    push(*to, event);
  }
}

void page_feed::push(reader& to, const page_event& event) {
  // Calls come by the ten thousand in a benchmark: they may fill half the queue, the rest is for
  // what a page must not miss.
  const bool call = std::holds_alternative<page_events::call_done>(event);
  if (call && to.queue_.size() >= queue_limit / 2) {
    return;
  }
  if (to.queue_.size() >= queue_limit) {
    to.queue_.clear();
    to.queue_.emplace_back(page_events::reload{});
  } else {
    to.queue_.push_back(event);
  }
  to.wake_.notify_one();
}

result<std::unique_ptr<page_feed::reader>> page_feed::subscribe() {
  const std::lock_guard lock{mutex_};
  if (readers_.size() >= max_readers_) {
    return fail(errc::limit, "too many open pages: close one", static_cast<int>(max_readers_));
  }
  auto out = std::unique_ptr<reader>{new reader{shared_from_this()}};
  readers_.push_back(out.get());
  count_.store(readers_.size(), std::memory_order_relaxed);
  return out;
}

void page_feed::wake() {
  const std::lock_guard lock{mutex_};
  for (reader* to : readers_) {
    to->woken_ = true;
    to->wake_.notify_all();
  }
}

bool page_feed::wait_until_left(std::chrono::milliseconds time) {
  std::unique_lock lock{mutex_};
  return left_.wait_for(lock, time, [this] { return readers_.empty(); });
}

} // namespace cafegram::sandbox
