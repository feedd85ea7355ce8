#pragma once

#include <chrono>
#include <cstddef>

namespace cafegram::bench {

inline double seconds(std::chrono::steady_clock::duration d) {
  return std::chrono::duration<double>(d).count();
}

/// Processor time of this process so far, in seconds: user and system, all threads.
double own_cpu();

/// Octets of this process in memory now.
std::size_t resident_octets();

} // namespace cafegram::bench
