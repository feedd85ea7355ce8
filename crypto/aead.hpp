#pragma once

#include <cafegram/base/error.hpp>
#include <cafegram/crypto/secure.hpp>

#include <cstdint>
#include <span>

namespace cafegram::crypto {

using gcm_key = std::span<const std::uint8_t, 32>;
using gcm_nonce = std::span<const std::uint8_t, 12>;
constexpr std::size_t gcm_tag_size = 16;

/// AES-256-GCM (NIST SP 800-38D): ciphertext, then the tag, into `out` of
/// `plain.size() + gcm_tag_size` octets. The same nonce twice under one key gives both texts away.
void gcm_seal(gcm_key key, gcm_nonce nonce, bytes_view associated, bytes_view plain,
              mutable_bytes_view out);

/// The reverse, into `out` of `sealed.size() - gcm_tag_size` octets. False if the key, the nonce or
/// any octet of the two is not that of sealing; `out` is zeros then.
bool gcm_open(gcm_key key, gcm_nonce nonce, bytes_view associated, bytes_view sealed,
              mutable_bytes_view out);

/// RFC 7914. `cost` is a power of two; it takes `128 * cost * block` octets of memory, of which it
/// is given 256 MiB at most.
struct scrypt_cost {
  std::uint64_t cost = 1U << 16;
  std::uint32_t block = 8;
  std::uint32_t parallel = 1;

  friend bool operator==(const scrypt_cost&, const scrypt_cost&) = default;
};

/// 32 octets from a password. Errors: `bad_argument` for a cost that cannot be.
result<secret> scrypt(bytes_view password, bytes_view salt, const scrypt_cost& cost);

} // namespace cafegram::crypto
