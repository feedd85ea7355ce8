#include <cafegram/crypto/aes.hpp>
#include <cafegram/crypto/kdf.hpp>
#include <cafegram/crypto/secure.hpp>
#include <cafegram/sandbox/binding.hpp>
#include <cafegram/tl/codec.hpp>

namespace cafegram::sandbox {
namespace {

constexpr std::size_t header_octets = 24; ///< key_id msg_key
constexpr std::size_t plain_octets = 72;  ///< random msg_id seqno length inner
constexpr std::size_t sealed_octets = 80; ///< the same in whole blocks
constexpr std::uint32_t inner_id = 0x75a3f765;
constexpr std::int32_t inner_octets = 40;

} // namespace

std::optional<binding> open_binding(bytes_view encrypted, bytes_view secret,
                                    std::uint64_t permanent) {
  if (encrypted.size() != header_octets + sealed_octets || secret.size() != 256) {
    return std::nullopt;
  }
  tl::reader outside{encrypted};
  const std::uint64_t named = outside.u64();
  const auto msg_key = encrypted.subspan<8, 16>();
  const auto keys = crypto::message_keys_v1(crypto::auth_key_view{secret.data(), 256}, msg_key,
                                            crypto::direction::to_server);
  bytes plain(sealed_octets);
  crypto::ige_decrypt({keys.key.view(), keys.iv.view(), encrypted.subspan(header_octets), plain});
  const bytes_view message = bytes_view{plain}.first(plain_octets);
  if (named != permanent ||
      !crypto::constant_time_equal(crypto::message_key_v1(message), msg_key)) {
    return std::nullopt;
  }
  tl::reader in{message};
  in.raw(16);
  binding out;
  out.msg_id = in.i64();
  const bool as_told = in.i32() == 0 && in.i32() == inner_octets && in.u32() == inner_id;
  out.nonce = in.i64();
  out.temporary = in.u64();
  out.permanent = in.u64();
  out.session = in.u64();
  out.expires_at = in.i32();
  return as_told && in.ok() ? std::optional{out} : std::nullopt;
}

} // namespace cafegram::sandbox
