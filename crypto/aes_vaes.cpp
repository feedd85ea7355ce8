// Compiled for VAES and AVX2: nothing here may run before cpu_features::vaes is known to hold, and
// nothing of the standard library that is not a constant is used.
#include <cafegram/crypto/aes_x86_native.hpp>

namespace cafegram::crypto::native {
namespace {

struct two_messages {
  using type = __m256i;
  static constexpr std::size_t width = 2;

  static type load(const std::uint8_t* from) {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(from));
  }
  static void store(std::uint8_t* to, type value) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(to), value);
  }
  static type gather(const std::uint8_t* const* from, std::size_t at) {
    const auto low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from[0] + at));
    const auto high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from[1] + at));
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
  }
  static void scatter(std::uint8_t* const* to, std::size_t at, type value) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to[0] + at), _mm256_castsi256_si128(value));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to[1] + at), _mm256_extracti128_si256(value, 1));
  }
  static type add(type a, type b) { return _mm256_xor_si256(a, b); }
  template <bool Inverse>
  static type round(type state, type key) {
    return Inverse ? _mm256_aesdec_epi128(state, key) : _mm256_aesenc_epi128(state, key);
  }
  template <bool Inverse>
  static type last(type state, type key) {
    return Inverse ? _mm256_aesdeclast_epi128(state, key) : _mm256_aesenclast_epi128(state, key);
  }
};

template <bool Inverse>
void run(ige_lanes& state, std::size_t lanes, std::size_t blocks) {
  switch (lanes / two_messages::width) {
  case 1:
    return run_groups<two_messages, 1, Inverse>(state, blocks);
  case 2:
    return run_groups<two_messages, 2, Inverse>(state, blocks);
  case 3:
    return run_groups<two_messages, 3, Inverse>(state, blocks);
  case 4:
    return run_groups<two_messages, 4, Inverse>(state, blocks);
  case 5:
    return run_groups<two_messages, 5, Inverse>(state, blocks);
  default:
    return run_groups<two_messages, 6, Inverse>(state, blocks);
  }
}

void run_either(ige_lanes& state, std::size_t lanes, std::size_t blocks, bool inverse) {
  return inverse ? run<true>(state, lanes, blocks) : run<false>(state, lanes, blocks);
}

void expand(const std::uint8_t* key, bool inverse, std::uint8_t* to, std::size_t stride) {
  aesni_kernel.expand(key, inverse, to, stride); // what has VAES has AES-NI
}

} // namespace

const ige_kernel vaes_kernel{.lanes = 12, .width = 2, .expand = expand, .run = run_either};

} // namespace cafegram::crypto::native
