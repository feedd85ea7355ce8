#pragma once

#include <cafegram/crypto/aes.hpp>
#include <cafegram/crypto/kdf.hpp>
#include <cafegram/sandbox/binding.hpp>
#include <cafegram/tl/codec.hpp>

namespace cafegram::test {

/// What a client makes of a binding: the other half of `open_binding`.
inline bytes seal_binding(const sandbox::binding& what, bytes_view permanent_key,
                          std::int32_t seqno = 0, std::int32_t length = 40) {
  tl::writer plain;
  plain.u64(0x5a5a5a5a);
  plain.u64(0xa5a5a5a5);
  plain.i64(what.msg_id);
  plain.i32(seqno);
  plain.i32(length);
  plain.u32(0x75a3f765);
  plain.i64(what.nonce);
  plain.u64(what.temporary);
  plain.u64(what.permanent);
  plain.u64(what.session);
  plain.i32(what.expires_at);
  bytes padded = plain.take();
  const auto msg_key = crypto::message_key_v1(padded);
  padded.resize(80);
  const auto keys = crypto::message_keys_v1(crypto::auth_key_view{permanent_key.data(), 256},
                                            msg_key, crypto::direction::to_server);
  bytes sealed(padded.size());
  crypto::ige_encrypt({keys.key.view(), keys.iv.view(), padded, sealed});
  tl::writer out;
  out.u64(crypto::auth_key_id(crypto::auth_key_view{permanent_key.data(), 256}));
  out.raw(msg_key);
  out.raw(sealed);
  return out.take();
}

} // namespace cafegram::test
