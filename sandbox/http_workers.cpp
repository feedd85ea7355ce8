#include <cafegram/sandbox/native.hpp>

#include <utility>

namespace cafegram::sandbox {

http_workers::http_workers(std::size_t threads, std::size_t queue)
  : limit_{queue} {
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { work(); });
  }
}

http_workers::~http_workers() {
  shutdown();
}

void http_workers::enqueue(std::function<void()> job) {
  std::unique_lock lock{mutex_};
  room_.wait(lock, [this] { return jobs_.size() < limit_; });
  jobs_.push_back(std::move(job));
  jobs_there_.notify_one();
}

void http_workers::shutdown() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  jobs_there_.notify_all();
  for (auto& thread : threads_) {
    thread.join();
  }
  threads_.clear();
}

void http_workers::work() {
  for (;;) {
    std::function<void()> job;
    {
      std::unique_lock lock{mutex_};
      jobs_there_.wait(lock, [this] { return !jobs_.empty() || stopping_; });
      if (jobs_.empty()) {
        return;
      }
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    room_.notify_one();
    job();
  }
}

} // namespace cafegram::sandbox
