#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/crypto/secure.hpp>

#include <compare>
#include <cstdint>
#include <memory>

namespace cafegram::crypto {

/// A non-negative number of any size, wiped when freed. Values never print themselves.
class bignum {
public:
  bignum(); ///< zero
  explicit bignum(std::uint64_t value);
  static bignum from_bytes(bytes_view big_endian);

  bignum(const bignum& other);
  bignum& operator=(const bignum& other);
  bignum(bignum&&) noexcept;
  bignum& operator=(bignum&&) noexcept;
  ~bignum();

  std::size_t bits() const;
  bool odd() const;
  /// Big-endian octets without leading zeros.
  bytes to_bytes() const;
  /// Big-endian octets, zeros in front up to `out.size()`; the number must fit.
  void write_padded(mutable_bytes_view out) const;
  secret to_secret(std::size_t size) const;
  /// The rest of a division by a small number.
  std::uint64_t rest(std::uint64_t divisor) const;

  friend bignum operator+(const bignum& a, const bignum& b);
  /// `a - b`, where `a >= b` must hold.
  friend bignum operator-(const bignum& a, const bignum& b);
  friend bignum operator*(const bignum& a, const bignum& b);
  friend bignum operator%(const bignum& a, const bignum& modulus);
  friend bignum operator<<(const bignum& a, unsigned shift);
  friend bignum operator>>(const bignum& a, unsigned shift);
  friend bool operator==(const bignum& a, const bignum& b) { return a.compare(b) == 0; }
  friend std::strong_ordering operator<=>(const bignum& a, const bignum& b) {
    return a.compare(b) <=> 0;
  }

  /// `base ^ exponent mod modulus` for an odd modulus, in a time that does not depend on the bits
  /// of the exponent.
  static bignum mod_exp(const bignum& base, const bignum& exponent, const bignum& modulus);

  /// Probabilistic primality with random bases: error below 2^-128.
  bool is_prime() const;

private:
  struct native;
  explicit bignum(std::unique_ptr<native> value);
  int compare(const bignum& other) const;

  std::unique_ptr<native> native_;
};

} // namespace cafegram::crypto
