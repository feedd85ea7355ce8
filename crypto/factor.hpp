#pragma once

#include <cafegram/base/error.hpp>

#include <cstdint>
#include <utility>

namespace cafegram::crypto {

/// Splits `pq` into two different odd primes, the smaller first. Always ends.
/// Errors: `protocol_violation` for anything else (zero, one, even, prime, square, more factors).
result<std::pair<std::uint64_t, std::uint64_t>> factor_pq(std::uint64_t pq);

/// Primality of any 64-bit number, without error.
bool is_prime(std::uint64_t value);

} // namespace cafegram::crypto
