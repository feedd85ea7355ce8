#include <cafegram/crypto/kdf.hpp>
#include <cafegram/crypto/sha256.hpp>

#include <algorithm>
#include <cassert>

namespace cafegram::crypto {
namespace {

std::uint64_t little_endian(bytes_view octets) {
  std::uint64_t out = 0;
  for (std::size_t i = octets.size(); i-- > 0;) {
    out = out << 8 | octets[i];
  }
  return out;
}

/// Fills a key or iv piece by piece.
class filler {
public:
  explicit filler(fixed_secret<32>& target)
    : target_{target.view()} {}
  filler& add(bytes_view piece) {
    std::ranges::copy(piece, target_.begin() + used_);
    used_ += static_cast<std::ptrdiff_t>(piece.size());
    return *this;
  }

private:
  std::span<std::uint8_t, 32> target_;
  std::ptrdiff_t used_ = 0;
};

template <std::size_t N>
bytes_view cut(const std::array<std::uint8_t, N>& hash, std::size_t offset, std::size_t size) {
  return bytes_view{hash}.subspan(offset, size);
}

std::size_t shift(direction from) {
  return static_cast<std::size_t>(from);
}

} // namespace

digest_sha256 message_key_large(auth_key_view key, bytes_view padded_plaintext, direction from) {
  return sha256({key.subspan(88 + shift(from), 32), padded_plaintext});
}

message_key middle_of(const digest_sha256& large) {
  message_key out;
  std::copy_n(large.begin() + 8, out.size(), out.begin());
  return out;
}

ige_keys message_keys_v2(auth_key_view key, message_key_view msg_key, direction from) {
  digest_sha256 a;
  digest_sha256 b;
  const std::array jobs{
      sha256_job{.head = msg_key, .body = key.subspan(shift(from), 36), .out = &a},
      sha256_job{.head = key.subspan(40 + shift(from), 36), .body = msg_key, .out = &b}};
  sha256_each(jobs);
  ige_keys out;
  filler{out.key}.add(cut(a, 0, 8)).add(cut(b, 8, 16)).add(cut(a, 24, 8));
  filler{out.iv}.add(cut(b, 0, 8)).add(cut(a, 8, 16)).add(cut(b, 24, 8));
  wipe(a);
  wipe(b);
  return out;
}

message_key message_key_v1(bytes_view plaintext) {
  const digest_sha1 hash = sha1(plaintext);
  message_key out;
  std::copy_n(hash.begin() + 4, out.size(), out.begin());
  return out;
}

ige_keys message_keys_v1(auth_key_view key, message_key_view msg_key, direction from) {
  const std::size_t x = shift(from);
  digest_sha1 a = sha1({msg_key, key.subspan(x, 32)});
  digest_sha1 b = sha1({key.subspan(32 + x, 16), msg_key, key.subspan(48 + x, 16)});
  digest_sha1 c = sha1({key.subspan(64 + x, 32), msg_key});
  digest_sha1 d = sha1({msg_key, key.subspan(96 + x, 32)});
  ige_keys out;
  filler{out.key}.add(cut(a, 0, 8)).add(cut(b, 8, 12)).add(cut(c, 4, 12));
  filler{out.iv}.add(cut(a, 8, 12)).add(cut(b, 0, 8)).add(cut(c, 16, 4)).add(cut(d, 0, 8));
  for (digest_sha1* hash : {&a, &b, &c, &d}) {
    wipe(*hash);
  }
  return out;
}

ige_keys exchange_keys(bytes_view new_nonce, bytes_view server_nonce) {
  assert(new_nonce.size() >= 4);
  digest_sha1 a = sha1({new_nonce, server_nonce});
  digest_sha1 b = sha1({server_nonce, new_nonce});
  digest_sha1 c = sha1({new_nonce, new_nonce});
  ige_keys out;
  filler{out.key}.add(cut(a, 0, 20)).add(cut(b, 0, 12));
  filler{out.iv}.add(cut(b, 12, 8)).add(cut(c, 0, 20)).add(new_nonce.first(4));
  for (digest_sha1* hash : {&a, &b, &c}) {
    wipe(*hash);
  }
  return out;
}

std::uint64_t auth_key_id(auth_key_view key) {
  return little_endian(cut(sha1(key), 12, 8));
}

std::uint64_t auth_key_aux_hash(auth_key_view key) {
  return little_endian(cut(sha1(key), 0, 8));
}

std::array<std::uint8_t, 16> new_nonce_hash(std::span<const std::uint8_t, 32> new_nonce,
                                            std::uint8_t number, std::uint64_t aux_hash) {
  std::array<std::uint8_t, 9> tail{number};
  for (std::size_t i = 0; i < 8; ++i) {
    tail[i + 1] = static_cast<std::uint8_t>(aux_hash >> 8 * i);
  }
  const digest_sha1 hash = sha1({new_nonce, tail});
  std::array<std::uint8_t, 16> out;
  std::copy_n(hash.begin() + 4, out.size(), out.begin());
  return out;
}

} // namespace cafegram::crypto
