#pragma once

#include <cafegram/crypto/aes.hpp>

#include <array>

namespace cafegram::test {

/// AES-256 as FIPS 197 writes it, octet by octet, and IGE around it: slow, of no one's making but
/// the standard's, and the same on every machine. What the fast paths are compared with.
class reference_aes {
public:
  using block = std::array<std::uint8_t, 16>;

  explicit reference_aes(crypto::aes_key key) {
    make_boxes();
    std::ranges::copy(key, keys_.begin());
    std::uint8_t constant = 1;
    for (std::size_t i = 32; i < keys_.size(); i += 4) {
      std::array<std::uint8_t, 4> word{keys_[i - 4], keys_[i - 3], keys_[i - 2], keys_[i - 1]};
      if (i % 32 == 0) {
        word = {box_[word[1]], box_[word[2]], box_[word[3]], box_[word[0]]};
        word[0] ^= constant;
        constant = twice(constant);
      } else if (i % 32 == 16) {
        word = {box_[word[0]], box_[word[1]], box_[word[2]], box_[word[3]]};
      }
      for (std::size_t j = 0; j < 4; ++j) {
        keys_[i + j] = keys_[i + j - 32] ^ word[j];
      }
    }
  }

  block encrypt(block state) const {
    add_key(state, 0);
    for (std::size_t round = 1; round <= 14; ++round) {
      block shifted;
      for (std::size_t i = 0; i < 16; ++i) {
        shifted[i] = box_[state[(i + 4 * (i % 4)) % 16]];
      }
      state = round == 14 ? shifted : mix(shifted, {2, 3, 1, 1});
      add_key(state, round);
    }
    return state;
  }

  block decrypt(block state) const {
    for (std::size_t round = 14; round >= 1; --round) {
      add_key(state, round);
      const block mixed = round == 14 ? state : mix(state, {14, 11, 13, 9});
      for (std::size_t i = 0; i < 16; ++i) {
        state[(i + 4 * (i % 4)) % 16] = inverse_box_[mixed[i]];
      }
    }
    add_key(state, 0);
    return state;
  }

private:
  static std::uint8_t twice(std::uint8_t a) {
    return static_cast<std::uint8_t>(a << 1 ^ ((a & 0x80) != 0 ? 0x1b : 0));
  }
  static std::uint8_t times(std::uint8_t a, std::uint8_t b) {
    std::uint8_t out = 0;
    for (; b != 0; b = static_cast<std::uint8_t>(b >> 1), a = twice(a)) {
      out ^= (b & 1) != 0 ? a : std::uint8_t{0};
    }
    return out;
  }
  static block mix(const block& in, const std::array<std::uint8_t, 4>& row) {
    block out{};
    for (std::size_t i = 0; i < 16; ++i) {
      for (std::size_t j = 0; j < 4; ++j) {
        out[i] ^= times(in[i / 4 * 4 + j], row[(j + 4 - i % 4) % 4]);
      }
    }
    return out;
  }
  void add_key(block& state, std::size_t round) const {
    for (std::size_t i = 0; i < 16; ++i) {
      state[i] ^= keys_[round * 16 + i];
    }
  }
  void make_boxes() {
    for (unsigned a = 0; a < 256; ++a) {
      std::uint8_t inverse = 0;
      for (unsigned b = 1; b < 256 && a != 0; ++b) {
        if (times(static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b)) == 1) {
          inverse = static_cast<std::uint8_t>(b);
          break;
        }
      }
      unsigned sum = 0x63;
      for (unsigned shift = 0; shift < 5; ++shift) {
        sum ^= (inverse << shift | inverse >> (8 - shift)) & 0xff;
      }
      box_[a] = static_cast<std::uint8_t>(sum);
      inverse_box_[sum] = static_cast<std::uint8_t>(a);
    }
  }

  std::array<std::uint8_t, std::size_t{15} * 16> keys_{};
  std::array<std::uint8_t, 256> box_{};
  std::array<std::uint8_t, 256> inverse_box_{};
};

/// One message, encrypted or (`inverse`) decrypted, by the formula of `ige_job`.
inline bytes reference_ige(crypto::aes_key key, crypto::ige_iv iv, bytes_view in, bool inverse) {
  const reference_aes aes{key};
  reference_aes::block before_out;
  reference_aes::block before_in;
  std::ranges::copy(iv.subspan(inverse ? 16 : 0, 16), before_out.begin());
  std::ranges::copy(iv.subspan(inverse ? 0 : 16, 16), before_in.begin());
  bytes out(in.size());
  for (std::size_t at = 0; at < in.size(); at += 16) {
    reference_aes::block current;
    std::ranges::copy(in.subspan(at, 16), current.begin());
    reference_aes::block work = current;
    for (std::size_t i = 0; i < 16; ++i) {
      work[i] ^= before_out[i];
    }
    work = inverse ? aes.decrypt(work) : aes.encrypt(work);
    for (std::size_t i = 0; i < 16; ++i) {
      work[i] ^= before_in[i];
    }
    std::ranges::copy(work, out.begin() + static_cast<std::ptrdiff_t>(at));
    before_in = current;
    before_out = work;
  }
  return out;
}

} // namespace cafegram::test
