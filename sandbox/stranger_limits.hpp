#pragma once

#include <cafegram/base/environment.hpp>

#include <chrono>
#include <cstddef>

namespace cafegram::sandbox {

/// What is granted to connections that have not shown a key yet: anybody can open them.
struct stranger_limits {
  std::size_t count = 4096;                ///< per port; over it the oldest is closed
  duration time = std::chrono::minutes{1}; ///< however much it says meanwhile
};

} // namespace cafegram::sandbox
