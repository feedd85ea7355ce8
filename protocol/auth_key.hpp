#pragma once

#include <cafegram/base/error.hpp>
#include <cafegram/crypto/kdf.hpp>
#include <cafegram/crypto/secure.hpp>

#include <cstdint>
#include <memory>

namespace cafegram::protocol {

/// An authorization key: 256 octets that are wiped when the last copy goes. Copies share them.
class auth_key {
public:
  static constexpr std::size_t octets = 256;

  /// Errors: `bad_argument` unless `octets` is exactly 256 long.
  static result<auth_key> from(bytes_view octets);

  /// What names the key on the wire: the last 64 bits of its SHA-1.
  std::uint64_t id() const;
  /// The first 64 bits of its SHA-1, for the key exchange.
  std::uint64_t aux_hash() const;
  crypto::auth_key_view view() const;

  friend bool operator==(const auth_key& a, const auth_key& b) { return a.id() == b.id(); }

private:
  struct material;
  explicit auth_key(std::shared_ptr<const material> key)
    : key_{std::move(key)} {}

  std::shared_ptr<const material> key_;
};

} // namespace cafegram::protocol
