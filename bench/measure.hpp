#pragma once

#include <cafegram/bench/process.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

// What a load costs, and how late what comes by a schedule is. Clocks are handed in.

namespace cafegram::bench {

using time_point = std::chrono::steady_clock::time_point;

struct meters {
  std::function<time_point()> time;
  std::function<double()> cpu; ///< seconds of the whole process so far
};

struct load_cost {
  double seconds = 0;     ///< until all of it was handled
  double cpu_seconds = 0; ///< until nothing was left to do for it
};

/// Each step says whether it came to its end in time; none where one did not. What is done behind
/// the handlers is a part of the work, and no part of the rate.
template <class Feed, class Handled, class Settled>
std::optional<load_cost> cost_of(const meters& by, Feed feed, Handled handled, Settled settled) {
  const auto cpu = by.cpu();
  const auto begin = by.time();
  if (!feed() || !handled()) {
    return std::nullopt;
  }
  const auto end = by.time();
  if (!settled()) {
    return std::nullopt;
  }
  return load_cost{seconds(end - begin), by.cpu() - cpu};
}

/// When things are due that come so often a second, however late the ones before are.
class timetable {
public:
  timetable(time_point begin, double per_second)
    : begin_{begin}
    , per_second_{per_second} {}

  time_point due(std::size_t n) const {
    const std::chrono::duration<double> after{static_cast<double>(n) / per_second_};
    return begin_ + std::chrono::duration_cast<time_point::duration>(after);
  }

private:
  time_point begin_;
  double per_second_;
};

/// Microseconds from when each was due to when it came, of 99 in 100. Counted from when they were
/// fed, a stall that holds the feeder up too would count for one of all those that it delays.
inline double p99_us(const timetable& schedule, std::span<const time_point> came) {
  std::vector<double> micros;
  micros.reserve(came.size());
  for (std::size_t n = 0; n < came.size(); ++n) {
    micros.push_back(seconds(came[n] - schedule.due(n)) * 1e6);
  }
  const auto at = micros.begin() + static_cast<std::ptrdiff_t>(micros.size() * 99 / 100);
  std::ranges::nth_element(micros, at);
  return *at;
}

} // namespace cafegram::bench
