#pragma once

#include <chrono>
#include <thread>

namespace cafegram::test {

/// So long a test waits for what must come; one that meets this end has failed, and nothing but
/// such an end may hang on a machine's speed.
constexpr std::chrono::seconds watchdog{60};

/// Looks until it is so; false where it never is.
template <class Condition>
bool comes_true(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + watchdog;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) {
      return false;
    }
    std::this_thread::yield();
  }
  return true;
}

} // namespace cafegram::test
