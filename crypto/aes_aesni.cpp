// Compiled for AES-NI and SSSE3: nothing here may run before cpu_features::aes is known to hold,
// and nothing of the standard library that is not a constant is used.
#include <cafegram/crypto/aes_x86_native.hpp>

namespace cafegram::crypto::native {
namespace {

struct one_message {
  using type = __m128i;
  static constexpr std::size_t width = 1;

  static type load(const std::uint8_t* from) {
    return _mm_load_si128(reinterpret_cast<const __m128i*>(from));
  }
  static void store(std::uint8_t* to, type value) {
    _mm_store_si128(reinterpret_cast<__m128i*>(to), value);
  }
  static type gather(const std::uint8_t* const* from, std::size_t at) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from[0] + at));
  }
  static void scatter(std::uint8_t* const* to, std::size_t at, type value) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to[0] + at), value);
  }
  static type add(type a, type b) { return _mm_xor_si128(a, b); }
  template <bool Inverse>
  static type round(type state, type key) {
    return Inverse ? _mm_aesdec_si128(state, key) : _mm_aesenc_si128(state, key);
  }
  template <bool Inverse>
  static type last(type state, type key) {
    return Inverse ? _mm_aesdeclast_si128(state, key) : _mm_aesenclast_si128(state, key);
  }
};

/// The words of a round key from those two rounds before: each is the sum of all up to it, and
/// `word` on top.
__m128i next_round(__m128i two_before, __m128i word) {
  two_before = _mm_xor_si128(two_before, _mm_slli_si128(two_before, 4));
  two_before = _mm_xor_si128(two_before, _mm_slli_si128(two_before, 8));
  return _mm_xor_si128(two_before, word);
}

/// FIPS 197, 5.2. A last round over four equal words is the substitution that is wanted, and takes
/// a fraction of the time of AESKEYGENASSIST.
void expand(const std::uint8_t* key, bool inverse, std::uint8_t* to, std::size_t stride) {
  const __m128i rotate_last = _mm_set1_epi32(0x0c0f0e0d);
  __m128i constant = _mm_set1_epi32(1);
  __m128i keys[aes_round_keys];
  keys[0] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key));
  keys[1] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key + aes_block));
#pragma GCC unroll 16
  for (std::size_t i = 2; i < aes_round_keys; ++i) {
    if (i % 2 == 0) {
      const __m128i word = _mm_shuffle_epi8(keys[i - 1], rotate_last);
      keys[i] = next_round(keys[i - 2], _mm_aesenclast_si128(word, constant));
      constant = _mm_slli_epi32(constant, 1);
    } else {
      const __m128i word = _mm_shuffle_epi32(keys[i - 1], 0xff);
      keys[i] = next_round(keys[i - 2], _mm_aesenclast_si128(word, _mm_setzero_si128()));
    }
  }
#pragma GCC unroll 16
  for (std::size_t i = 0; i < aes_round_keys; ++i) {
    __m128i out = inverse ? keys[aes_rounds - i] : keys[i];
    if (inverse && i != 0 && i != aes_rounds) {
      out = _mm_aesimc_si128(out);
    }
    one_message::store(to + i * stride, out);
  }
}

template <bool Inverse>
void run(ige_lanes& state, std::size_t lanes, std::size_t blocks) {
  switch (lanes) {
  case 1:
    return run_groups<one_message, 1, Inverse>(state, blocks);
  case 2:
    return run_groups<one_message, 2, Inverse>(state, blocks);
  case 3:
    return run_groups<one_message, 3, Inverse>(state, blocks);
  case 4:
    return run_groups<one_message, 4, Inverse>(state, blocks);
  case 5:
    return run_groups<one_message, 5, Inverse>(state, blocks);
  case 6:
    return run_groups<one_message, 6, Inverse>(state, blocks);
  case 7:
    return run_groups<one_message, 7, Inverse>(state, blocks);
  default:
    return run_groups<one_message, 8, Inverse>(state, blocks);
  }
}

void run_either(ige_lanes& state, std::size_t lanes, std::size_t blocks, bool inverse) {
  return inverse ? run<true>(state, lanes, blocks) : run<false>(state, lanes, blocks);
}

} // namespace

const ige_kernel aesni_kernel{
    .lanes = 8, .width = one_message::width, .expand = expand, .run = run_either};

} // namespace cafegram::crypto::native
