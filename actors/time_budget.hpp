#pragma once

#include <cafegram/base/environment.hpp>

#include <algorithm>
#include <chrono>

namespace cafegram {

/// `from` + `time`, and the end of all time where that is further.
inline steady_time later(steady_time from, std::chrono::milliseconds time) {
  const auto room = std::chrono::floor<std::chrono::milliseconds>(steady_time::max() - from);
  return time >= room ? steady_time::max() : from + time;
}

/// What is left of a call's time. Stands still while the call waits out a flood limit.
class time_budget {
public:
  /// `milliseconds::max()`: without end. Runs.
  time_budget(std::chrono::milliseconds total, steady_time now)
    : ends_at_{later(now, total)} {}

  void pause(steady_time now) { paused_at_ = std::min(paused_at_, now); }
  void resume(steady_time now) {
    if (paused_at_ < now && ends_at_ != steady_time::max()) {
      ends_at_ = later(ends_at_, std::chrono::ceil<std::chrono::milliseconds>(now - paused_at_));
    }
    paused_at_ = steady_time::max();
  }

  /// Not below 0; `milliseconds::max()` where there is no end.
  std::chrono::milliseconds left(steady_time now) const {
    if (ends_at_ == steady_time::max()) {
      return std::chrono::milliseconds::max();
    }
    const auto at = std::min(now, paused_at_);
    return std::max(std::chrono::ceil<std::chrono::milliseconds>(ends_at_ - at),
                    std::chrono::milliseconds::zero());
  }

private:
  steady_time ends_at_;
  steady_time paused_at_ = steady_time::max();
};

} // namespace cafegram
