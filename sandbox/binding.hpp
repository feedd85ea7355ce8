#pragma once

#include <cafegram/base/bytes.hpp>

#include <cstdint>
#include <optional>

/// What binds a temporary key to a permanent one. Spec: `auth.bindTempAuthKey`. Pure.
namespace cafegram::sandbox {

/// `bind_auth_key_inner` and the message around it.
struct binding {
  std::int64_t nonce = 0;
  std::uint64_t temporary = 0; ///< id of the temporary key
  std::uint64_t permanent = 0; ///< id of the permanent key
  std::uint64_t session = 0;   ///< in which the request comes
  std::int32_t expires_at = 0; ///< Unix time
  std::int64_t msg_id = 0;     ///< of the request
  friend bool operator==(const binding&, const binding&) = default;
};

/// Opens `encrypted_message`: key_id(8) msg_key(16) ige(random(16) msg_id(8) seqno:0(4)
/// length:40(4) inner(40) padding(0..15)), encrypted in the way of MTProto 1.0 with the permanent
/// key. None for what is not that. `secret`: the 256 octets of the permanent key whose id is
/// `permanent`.
std::optional<binding> open_binding(bytes_view encrypted, bytes_view secret,
                                    std::uint64_t permanent);

} // namespace cafegram::sandbox
