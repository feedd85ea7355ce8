// Compiled for SHA-NI: nothing here may run before cpu_features::sha is known to hold, and nothing
// of the standard library that is not a constant is used.
#include <cafegram/crypto/sha256_native.hpp>

#include <immintrin.h>

namespace cafegram::crypto::native {
namespace {

/// FIPS 180-4, 4.2.2.
alignas(16) constexpr std::uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

__m128i load(const void* from) {
  return _mm_loadu_si128(static_cast<const __m128i*>(from));
}

void store(void* to, __m128i value) {
  _mm_storeu_si128(static_cast<__m128i*>(to), value);
}

/// `Streams` messages side by side. The instructions keep the state's words as abef and cdgh, and
/// do two rounds at a time.
template <std::size_t Streams>
void compress(std::uint32_t* const* states, const std::uint8_t* const* data, std::size_t blocks) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i abef[Streams];
  __m128i cdgh[Streams];
  const std::uint8_t* in[Streams];
#pragma GCC unroll 4
  for (std::size_t s = 0; s < Streams; ++s) {
    in[s] = data[s];
    const __m128i cdab = _mm_shuffle_epi32(load(states[s]), 0xb1);
    const __m128i efgh = _mm_shuffle_epi32(load(states[s] + 4), 0x1b);
    abef[s] = _mm_alignr_epi8(cdab, efgh, 8);
    cdgh[s] = _mm_blend_epi16(efgh, cdab, 0xf0);
  }
  for (; blocks > 0; --blocks) {
    __m128i words[Streams][4];
    __m128i abef_before[Streams];
    __m128i cdgh_before[Streams];
#pragma GCC unroll 4
    for (std::size_t s = 0; s < Streams; ++s) {
      abef_before[s] = abef[s];
      cdgh_before[s] = cdgh[s];
    }
#pragma GCC unroll 16
    for (std::size_t i = 0; i < 16; ++i) {
#pragma GCC unroll 4
      for (std::size_t s = 0; s < Streams; ++s) {
        __m128i& word = words[s][i % 4];
        const __m128i last = words[s][(i + 3) % 4];
        if (i < 4) {
          word = _mm_shuffle_epi8(load(in[s] + 16 * i), big_endian);
        } else {
          const __m128i seven_before = _mm_alignr_epi8(last, words[s][(i + 2) % 4], 4);
          word = _mm_sha256msg1_epu32(word, words[s][(i + 1) % 4]);
          word = _mm_sha256msg2_epu32(_mm_add_epi32(word, seven_before), last);
        }
        const __m128i sum = _mm_add_epi32(word, load(constants + 4 * i));
        cdgh[s] = _mm_sha256rnds2_epu32(cdgh[s], abef[s], sum);
        abef[s] = _mm_sha256rnds2_epu32(abef[s], cdgh[s], _mm_shuffle_epi32(sum, 0x0e));
      }
    }
#pragma GCC unroll 4
    for (std::size_t s = 0; s < Streams; ++s) {
      abef[s] = _mm_add_epi32(abef[s], abef_before[s]);
      cdgh[s] = _mm_add_epi32(cdgh[s], cdgh_before[s]);
      in[s] += sha256_block;
    }
  }
#pragma GCC unroll 4
  for (std::size_t s = 0; s < Streams; ++s) {
    const __m128i feba = _mm_shuffle_epi32(abef[s], 0x1b);
    const __m128i dchg = _mm_shuffle_epi32(cdgh[s], 0xb1);
    store(states[s], _mm_blend_epi16(feba, dchg, 0xf0));
    store(states[s] + 4, _mm_alignr_epi8(dchg, feba, 8));
  }
}

void one(std::uint32_t* state, const std::uint8_t* data, std::size_t blocks) {
  compress<1>(&state, &data, blocks);
}

} // namespace

const sha256_kernel shani_kernel{.one = one, .two = compress<2>};

} // namespace cafegram::crypto::native
