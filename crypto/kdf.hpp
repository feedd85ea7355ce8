#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/crypto/hash.hpp>
#include <cafegram/crypto/secure.hpp>

#include <array>
#include <cstdint>
#include <span>

namespace cafegram::crypto {

using auth_key_view = std::span<const std::uint8_t, 256>;
using message_key = std::array<std::uint8_t, 16>;
using message_key_view = std::span<const std::uint8_t, 16>;

/// Who sends: the `x` of the specification's formulas.
enum class direction : std::uint8_t { to_server = 0, to_client = 8 };

/// AES-256-IGE key and iv of one message.
struct ige_keys {
  fixed_secret<32> key;
  fixed_secret<32> iv;
};

/// The large hash of MTProto 2.0: SHA-256 over 32 octets of the key and the padded plaintext.
/// Its middle 128 bits are `msg_key`, its first 32 the token of a quick acknowledgement.
digest_sha256 message_key_large(auth_key_view key, bytes_view padded_plaintext, direction from);
message_key middle_of(const digest_sha256& large);

/// MTProto 2.0. Spec: "Defining AES Key and Initialization Vector".
ige_keys message_keys_v2(auth_key_view key, message_key_view msg_key, direction from);

/// MTProto 1.0, which `auth.bindTempAuthKey` still uses: msg_key is over the unpadded plaintext.
message_key message_key_v1(bytes_view plaintext);
ige_keys message_keys_v1(auth_key_view key, message_key_view msg_key, direction from);

/// tmp_aes_key and tmp_aes_iv of the key exchange. Spec: "Creating an Authorization Key", 6.
/// Lengths are those of the specification, 32 and 16; `new_nonce` of 16 is old layers' form.
ige_keys exchange_keys(bytes_view new_nonce, bytes_view server_nonce);

/// The last 8 octets of SHA-1, little-endian.
std::uint64_t auth_key_id(auth_key_view key);
/// The first 8 octets of SHA-1, little-endian.
std::uint64_t auth_key_aux_hash(auth_key_view key);

/// new_nonce_hash1, 2 or 3 (`number`) of the key exchange.
std::array<std::uint8_t, 16> new_nonce_hash(std::span<const std::uint8_t, 32> new_nonce,
                                            std::uint8_t number, std::uint64_t aux_hash);

} // namespace cafegram::crypto
