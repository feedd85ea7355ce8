#include <cafegram/crypto/aes.hpp>
#include <cafegram/crypto/hash.hpp>
#include <cafegram/crypto/kdf.hpp>
#include <cafegram/protocol/key_binding.hpp>
#include <cafegram/tl/codec.hpp>

#include <array>
#include <cstring>

namespace cafegram::protocol {
namespace {

constexpr std::uint32_t bind_auth_key_inner = 0x75a3f765;
constexpr std::uint32_t bind_temp_auth_key = 0xcdd42a05;
constexpr std::size_t inner_octets = 40;
constexpr std::size_t header_octets = 32;
constexpr std::size_t message_octets = header_octets + inner_octets;
constexpr std::size_t padded_octets = 80;
constexpr std::size_t clear_octets = 24;

void write_inner(tl::writer& out, const key_binding& what) {
  out.u32(bind_auth_key_inner);
  out.i64(what.nonce);
  out.u64(what.temporary_key_id);
  out.u64(what.permanent_key_id);
  out.u64(what.session_id);
  out.i32(what.expires_at);
}

} // namespace

bytes seal_binding(const auth_key& permanent, const key_binding& what, msg_id id,
                   random_source& random) {
  std::array<std::uint8_t, 16> salt_and_session{};
  random.fill(salt_and_session);
  std::array<std::uint8_t, padded_octets - message_octets> padding{};
  random.fill(padding);
  tl::writer plain;
  plain.raw(salt_and_session);
  plain.i64(number(id));
  plain.i32(0);
  plain.i32(inner_octets);
  write_inner(plain, what);
  auto text = plain.take();
  const auto msg_key = crypto::message_key_v1(text);
  append(text, padding);
  const auto keys =
      crypto::message_keys_v1(permanent.view(), msg_key, crypto::direction::to_server);
  crypto::ige_encrypt({keys.key.view(), keys.iv.view(), text, text});
  tl::writer out;
  out.u64(permanent.id());
  out.raw(msg_key);
  out.raw(text);
  return out.take();
}

result<opened_binding> open_binding(const auth_key& permanent, bytes_view message) {
  if (message.size() != clear_octets + padded_octets) {
    return fail(errc::malformed, "the binding has a wrong length",
                static_cast<std::int64_t>(message.size()));
  }
  tl::reader clear{message};
  if (clear.u64() != permanent.id()) {
    return fail(errc::malformed, "the binding names another key");
  }
  crypto::message_key msg_key{};
  std::memcpy(msg_key.data(), message.data() + 8, msg_key.size());
  auto text = to_bytes(message.subspan(clear_octets));
  const auto keys =
      crypto::message_keys_v1(permanent.view(), msg_key, crypto::direction::to_server);
  crypto::ige_decrypt({keys.key.view(), keys.iv.view(), text, text});
  const auto expected = crypto::message_key_v1(bytes_view{text}.first(message_octets));
  if (!crypto::constant_time_equal(expected, msg_key)) {
    return fail(errc::malformed, "the binding was not made with the permanent key");
  }
  opened_binding out;
  tl::reader in{bytes_view{text}.subspan(16)};
  out.id = msg_id{in.i64()};
  const bool framed = in.i32() == 0 && in.i32() == inner_octets && in.u32() == bind_auth_key_inner;
  out.what.nonce = in.i64();
  out.what.temporary_key_id = in.u64();
  out.what.permanent_key_id = in.u64();
  out.what.session_id = in.u64();
  out.what.expires_at = in.i32();
  if (!framed || !in.ok()) {
    return fail(errc::malformed, "the binding is not bind_auth_key_inner");
  }
  return out;
}

bytes write_binding_call(const auth_key& permanent, const key_binding& what, msg_id id,
                         random_source& random) {
  tl::writer out;
  out.u32(bind_temp_auth_key);
  out.u64(permanent.id());
  out.i64(what.nonce);
  out.i32(what.expires_at);
  out.byte_string(seal_binding(permanent, what, id, random));
  return out.take();
}

} // namespace cafegram::protocol
