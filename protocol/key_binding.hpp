#pragma once

#include <cafegram/base/environment.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/protocol/auth_key.hpp>
#include <cafegram/protocol/message.hpp>

#include <cstdint>
#include <optional>

/// How a temporary key is tied to a permanent one. Spec: "Perfect Forward Secrecy".
namespace cafegram::protocol {

/// `bind_auth_key_inner`: what is said twice, openly and under the permanent key.
struct key_binding {
  std::int64_t nonce = 0;
  std::uint64_t temporary_key_id = 0;
  std::uint64_t permanent_key_id = 0;
  std::uint64_t session_id = 0; ///< the session under the temporary key that says it
  std::int32_t expires_at = 0;  ///< server time, Unix seconds

  friend bool operator==(const key_binding&, const key_binding&) = default;
};

/// The message that proves the permanent key, for `auth.bindTempAuthKey` sent as `id`:
/// key_id(8) msg_key(16) ige(random(16) msg_id(8) seqno=0(4) length=40(4) inner(40) padding(8)),
/// encrypted in the way of MTProto 1.0.
bytes seal_binding(const auth_key& permanent, const key_binding& what, msg_id id,
                   random_source& random);

/// What a server finds in such a message.
struct opened_binding {
  key_binding what;
  msg_id id{};
};

/// Errors: `malformed` for what is no such message or not of this key.
result<opened_binding> open_binding(const auth_key& permanent, bytes_view message);

/// `auth.bindTempAuthKey perm_auth_key_id:long nonce:long expires_at:int encrypted_message:bytes`,
/// boxed: the whole call, which has to be sent as `id`.
bytes write_binding_call(const auth_key& permanent, const key_binding& what, msg_id id,
                         random_source& random);

} // namespace cafegram::protocol
