#pragma once

#include <cafegram/base/environment.hpp>

#include <algorithm>
#include <chrono>
#include <memory>

namespace cafegram {

/// Waits that double from `least` to `most`, each with 20 % of jitter either way.
class backoff {
public:
  backoff(std::chrono::milliseconds least, std::chrono::milliseconds most)
    : least_{least}
    , most_{most}
    , next_{least} {}

  std::chrono::milliseconds take(random_source& random) {
    const auto base = next_;
    next_ = std::min(next_ * 2, most_);
    // 800 to 1200 thousandths.
    const auto factor = 800 + static_cast<std::int64_t>(random.integer<std::uint32_t>() % 401);
    return std::chrono::milliseconds{base.count() * factor / 1000};
  }
  void reset() { next_ = least_; }
  /// At least this long next time: the other side asked for it.
  void raise(std::chrono::milliseconds to) { next_ = std::max(next_, to); }

private:
  std::chrono::milliseconds least_;
  std::chrono::milliseconds most_;
  std::chrono::milliseconds next_;
};

} // namespace cafegram
