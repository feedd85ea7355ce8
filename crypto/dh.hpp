#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/crypto/bignum.hpp>
#include <cafegram/crypto/hash.hpp>
#include <cafegram/crypto/secure.hpp>

#include <cstdint>
#include <mutex>
#include <set>
#include <span>

namespace cafegram::crypto {

/// Safe primes that were proven before. Shared by all exchanges of a process; thread-safe.
class prime_cache {
public:
  bool knows(const digest_sha256& prime_hash) const;
  /// Remembers a proven prime; at most 64, so that no server can fill it.
  void add(const digest_sha256& prime_hash);

private:
  mutable std::mutex mutex_;
  std::set<digest_sha256> proven_;
};

/// Telegram's own 2048-bit safe prime, big-endian.
bytes_view telegram_prime();

/// Whether `p` and (p-1)/2 are prime; about 100 ms for 2048 bits, less if they are not.
bool is_safe_prime(const bignum& p);

/// Whether `g` generates the subgroup of order (p-1)/2 of a safe prime; false for any g outside of
/// 2..7, whose residues the specification lists.
bool generates_prime_subgroup(std::int32_t g, const bignum& p);

/// Checks that `prime` is a safe prime of exactly 2048 bits and that `g` generates a subgroup of
/// prime order. Telegram's own prime is known; any other takes some 100 ms once, then `cache`
/// answers. Spec: "Checking DH parameters". Errors: `protocol_violation`.
result<void> check_dh_params(std::int32_t g, bytes_view prime, prime_cache& cache);

/// Checks that a public value is in [2^(2048-64), p - 2^(2048-64)]. Errors: `protocol_violation`.
result<void> check_dh_public(bytes_view value, bytes_view prime);

/// A secret exponent and the public value that belongs to it, each padded to 256 octets.
struct dh_keypair {
  secret exponent;
  bytes public_value;
};

/// Draws 256 octets from `random` until `g^x mod p` passes `check_dh_public`.
/// `g` and `prime` must have passed `check_dh_params`.
result<dh_keypair> make_dh_keypair(std::int32_t g, bytes_view prime, random_source& random);

/// `other ^ exponent mod prime`, padded to 256 octets. Both inputs must have been checked.
secret dh_shared_key(bytes_view other, const secret& exponent, bytes_view prime);

} // namespace cafegram::crypto
