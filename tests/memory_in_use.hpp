#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CAFEGRAM_COUNTED_BY_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CAFEGRAM_COUNTED_BY_SANITIZER
#endif
#endif

#ifdef CAFEGRAM_COUNTED_BY_SANITIZER
// As <sanitizer/allocator_interface.h> has it, which g++ does not bring along.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();
#else
#include <malloc.h>
#endif

namespace cafegram::test {

/// Octets that this process has allocated and not freed. Unlike what the system says of it, neither
/// what the allocator keeps for later is among them nor other processes' doings.
inline std::size_t memory_in_use() {
#ifdef CAFEGRAM_COUNTED_BY_SANITIZER
  return __sanitizer_get_current_allocated_bytes();
#else
  const auto now = ::mallinfo2();
  return now.uordblks + now.hblkhd; // small blocks, and those with pages of their own
#endif
}

} // namespace cafegram::test
