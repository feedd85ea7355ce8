#pragma once

#include <cafegram/crypto/aes.hpp>
#include <cafegram/crypto/kdf.hpp>
#include <cafegram/protocol/auth_key.hpp>
#include <cafegram/protocol/envelope.hpp>

#include <cstdint>
#include <cstring>

namespace cafegram::protocol::test {

/// Encrypts octets as somebody does who has the key and no manners: whatever they are, as long as
/// they are whole blocks.
inline bytes encrypted(const auth_key& key, side from, bytes plain) {
  const auto direction =
      from == side::server ? crypto::direction::to_client : crypto::direction::to_server;
  const auto msg_key = crypto::middle_of(crypto::message_key_large(key.view(), plain, direction));
  const auto keys = crypto::message_keys_v2(key.view(), msg_key, direction);
  crypto::ige_encrypt(crypto::ige_job{keys.key.view(), keys.iv.view(), plain, plain});
  bytes out(8);
  const auto id = key.id();
  std::memcpy(out.data(), &id, sizeof(id));
  append(out, msg_key);
  append(out, plain);
  return out;
}

/// salt session_id msg_id seqno length.
inline bytes inner_header(const message_header& header, std::uint32_t length) {
  bytes out(32);
  std::memcpy(out.data(), &header.salt, 8);
  std::memcpy(out.data() + 8, &header.session_id, 8);
  std::memcpy(out.data() + 16, &header.id, 8);
  std::memcpy(out.data() + 24, &header.seqno, 4);
  std::memcpy(out.data() + 28, &length, 4);
  return out;
}

/// The header, then `behind` octets of body and padding.
inline bytes plaintext(const message_header& header, std::uint32_t length, std::size_t behind) {
  bytes out = inner_header(header, length);
  append(out, bytes(behind, 'p'));
  return out;
}

} // namespace cafegram::protocol::test
