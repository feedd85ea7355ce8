#pragma once

#include <cstdint>

namespace cafegram::bench {

/// Counts what all threads of the process take from `operator new` while it lives. One at a time.
/// The program's own `operator new` does the counting (allocations.cpp); beside that it is the
/// standard library's.
class allocation_counter {
public:
  allocation_counter();
  ~allocation_counter();
  allocation_counter(const allocation_counter&) = delete;
  allocation_counter& operator=(const allocation_counter&) = delete;

  /// Since the beginning.
  std::uint64_t count() const;
};

} // namespace cafegram::bench
