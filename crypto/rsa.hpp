#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/base/environment.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/crypto/secure.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace cafegram::crypto {

using rsa_block = std::array<std::uint8_t, 256>;

/// An RSA-2048 public key as a server of Telegram shows it. Cheap to copy.
class rsa_public_key {
public:
  /// Reads `BEGIN RSA PUBLIC KEY` (PKCS#1) and `BEGIN PUBLIC KEY` (SPKI).
  /// Errors: `malformed`; `bad_argument` for a key that is not RSA with 2048 bits.
  static result<rsa_public_key> from_pem(std::string_view pem);
  /// From big-endian numbers. Errors as above.
  static result<rsa_public_key> from_numbers(bytes_view modulus, bytes_view exponent);

  /// The last 8 octets of SHA-1 over the bare `rsa_public_key`, little-endian.
  std::int64_t fingerprint() const;
  /// Writes PKCS#1, the form that other clients read.
  std::string to_pem() const;
  bytes modulus() const;
  bytes exponent() const;

  /// RSA_PAD of the key exchange; `data` has at most 144 octets. Draws from `random` first the
  /// padding, then temp_key (again if the number is too large). Errors: `bad_argument`.
  result<rsa_block> encrypt_pad(bytes_view data, random_source& random) const;
  /// The padding of old clients: SHA-1, data (at most 235 octets), random octets up to 255.
  result<rsa_block> encrypt_old(bytes_view data, random_source& random) const;
  /// The bare operation; `number` below the modulus. Errors: `bad_argument`.
  result<rsa_block> encrypt_raw(const rsa_block& number) const;

private:
  friend class rsa_private_key;
  struct native;
  explicit rsa_public_key(std::shared_ptr<const native> key);
  std::shared_ptr<const native> native_;
};

/// A server's RSA-2048 key. Move-only; the octets are wiped when it is freed.
class rsa_private_key {
public:
  /// A fresh key whose fingerprint has a non-zero top hex digit: some clients print the
  /// fingerprint without leading zeros and then do not find the key.
  static rsa_private_key generate();
  /// Reads PKCS#1 and PKCS#8. Errors as for the public key.
  static result<rsa_private_key> from_pem(std::string_view pem);

  rsa_private_key(rsa_private_key&&) noexcept;
  rsa_private_key& operator=(rsa_private_key&&) noexcept;
  ~rsa_private_key();

  const rsa_public_key& public_key() const { return public_; }
  /// PKCS#1 PEM of the secret half, to be kept in a file of mode 0600.
  secret export_secret_pem() const;

  enum class padding : std::uint8_t { rsa_pad, old };
  /// What a client put in: the octets behind the padding's own fields. For `rsa_pad` these are
  /// the 192 padded ones, for `old` all that follows the SHA-1 (the caller knows how long the data
  /// is, and checks `sha1` over it with `old_hash`).
  struct opened {
    padding kind;
    bytes data;
    std::array<std::uint8_t, 20> old_hash{};
  };
  /// Decrypts with RSA_PAD if its hash holds, else hands the old form out unchecked.
  /// Errors: `protocol_violation` for neither.
  result<opened> open(bytes_view block) const;

private:
  struct native;
  rsa_private_key(std::unique_ptr<native> key, rsa_public_key public_half);
  std::unique_ptr<native> native_;
  rsa_public_key public_;
};

/// Telegram's public keys, the one in use first.
const std::vector<rsa_public_key>& telegram_production_keys();
const std::vector<rsa_public_key>& telegram_test_keys();

} // namespace cafegram::crypto
