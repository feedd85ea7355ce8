#pragma once

#include <cafegram/actors/client.hpp>
#include <cafegram/bench/report.hpp>

#include <chrono>
#include <functional>
#include <vector>

namespace cafegram::bench {

/// Bots that are logged in and have nothing to do.
struct idle_options {
  std::size_t sessions = 2'000;
  std::chrono::milliseconds settle{10'000}; ///< what follows a login is over
  std::chrono::milliseconds time{60'000};   ///< at rest, in which each pings once
  std::chrono::milliseconds start_timeout{600'000};
  /// What client number `n` is started with, its bot's token included.
  std::function<client_options(std::size_t n)> options_of;
};

/// Raises the limit of open files for so many. Errors: `limit`, where that is not allowed.
result<void> allow_sessions(std::size_t count);

/// Starts all bots at once, on one runtime, and measures this process: memory per session when all
/// are logged in, and processor time at rest. One bot more is started before, so that what all
/// have in common is nobody's. Errors: that of the first login that fails.
result<std::vector<figure>> run_idle(const idle_options& options);

} // namespace cafegram::bench
