#include <cafegram/crypto/aes.hpp>
#include <cafegram/crypto/hash.hpp>
#include <cafegram/protocol/cdn_part.hpp>

#include <algorithm>
#include <array>
#include <limits>

namespace cafegram::protocol {
namespace {

constexpr std::int64_t cipher_block = 16;

/// The stream begins in the middle: the last word of the iv counts blocks, big-endian.
std::array<std::uint8_t, 16> iv_at(const cdn_cipher& cipher, std::uint32_t number) {
  std::array<std::uint8_t, 16> out;
  std::ranges::copy(cipher.iv, out.begin());
  for (std::size_t i = 0; i < 4; ++i) {
    out[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  }
  return out;
}

std::unexpected<error> untrue(std::string_view what, std::int64_t at) {
  return fail(errc::protocol_violation, "a part of a CDN's file " + std::string{what}, at);
}

} // namespace

result<void> open_cdn_part(const cdn_cipher& cipher, std::int64_t offset, mutable_bytes_view part,
                           std::span<const cdn_hash> hashes) {
  if (offset < 0 || offset % cipher_block != 0 ||
      offset / cipher_block > std::numeric_limits<std::uint32_t>::max()) {
    return fail(errc::bad_argument, "no part of a CDN's file begins there", offset);
  }
  const auto iv = iv_at(cipher, static_cast<std::uint32_t>(offset / cipher_block));
  crypto::aes_ctr{cipher.key, iv}.apply(part);
  auto rest = bytes_view{part};
  for (auto at = offset; !rest.empty();) {
    const auto found = std::ranges::find(hashes, at, &cdn_hash::offset);
    if (found == hashes.end() || found->limit <= 0 ||
        static_cast<std::size_t>(found->limit) > rest.size()) {
      return untrue("has no hash of its own", at);
    }
    const auto stretch = rest.first(static_cast<std::size_t>(found->limit));
    if (!std::ranges::equal(crypto::sha256(stretch), found->sha256)) {
      return untrue("is not what Telegram has said", at);
    }
    rest = rest.subspan(stretch.size());
    at += found->limit;
  }
  return {};
}

} // namespace cafegram::protocol
