#pragma once

// Internal to crypto/: SHA-256 by the processor's own instructions. Not installed.

#include <cstddef>
#include <cstdint>

namespace cafegram::crypto::native {

constexpr std::size_t sha256_block = 64;

/// Moves states on by whole blocks. Plain functions, as those of `ige_kernel`.
struct sha256_kernel {
  void (*one)(std::uint32_t* state, const std::uint8_t* data, std::size_t blocks);
  /// `states` and `data` of two messages.
  void (*two)(std::uint32_t* const* states, const std::uint8_t* const* data, std::size_t blocks);
};

extern const sha256_kernel shani_kernel;

} // namespace cafegram::crypto::native
