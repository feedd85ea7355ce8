#include <cafegram/storage/early_sync.hpp>

#include <condition_variable>
#include <deque>
#include <fcntl.h>
#include <mutex>
#include <stop_token>
#include <thread>
#include <unistd.h>
#include <utility>

namespace cafegram::storage {

/// Its thread starts with the first file, for most programs have none.
class early_sync::worker {
public:
  static worker& of_all() {
    static worker one;
    return one;
  }

  void add(std::shared_ptr<file> what) {
    {
      const std::lock_guard lock{mutex_};
      files_.push_back(std::move(what));
    }
    more_.notify_one();
  }

private:
  void run(const std::stop_token& until) {
    std::unique_lock lock{mutex_};
    while (more_.wait(lock, until, [this] { return !files_.empty(); })) {
      const auto next = std::move(files_.front());
      files_.pop_front();
      lock.unlock();
      sync(next->path);
      next->under_way = false;
      lock.lock();
    }
  }

  static void sync(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
      ::fdatasync(file);
      ::close(file);
    }
  }

  std::mutex mutex_;
  std::condition_variable_any more_;
  std::deque<std::shared_ptr<file>> files_;
  std::jthread thread_{[this](const std::stop_token& until) { run(until); }}; ///< ends first
};

void early_sync::start() {
  if (!file_->under_way.exchange(true)) {
    worker::of_all().add(file_);
  }
}

} // namespace cafegram::storage
