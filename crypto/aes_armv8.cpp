// Compiled for the ARMv8 cryptographic extension: nothing here may run before cpu_features::aes is
// known to hold, and nothing of the standard library that is not a constant is used.
#include <cafegram/crypto/aes_native.hpp>

#include <arm_neon.h>

namespace cafegram::crypto::native {
namespace {

/// The instruction adds its key before the substitution, not after it as x86's does.
template <bool Inverse>
uint8x16_t substitute(uint8x16_t state, uint8x16_t key) {
  return Inverse ? vaesdq_u8(state, key) : vaeseq_u8(state, key);
}

template <bool Inverse>
uint8x16_t mix(uint8x16_t state) {
  return Inverse ? vaesimcq_u8(state) : vaesmcq_u8(state);
}

/// IGE over `Lanes` messages. `state` is a block before its last round's key is added; that key is
/// joined with all that follows: the block before on the other side, the next block, the first
/// round's key. So the chain of a message is its 14 rounds a block and nothing else.
template <std::size_t Lanes, bool Inverse>
void run_lanes(ige_lanes& lanes, std::size_t blocks) {
  const auto key = [&lanes](std::size_t lane, std::size_t round) {
    return vld1q_u8(lanes.keys + (lane * aes_round_keys + round) * aes_block);
  };
  uint8x16_t state[Lanes];  // then `joined` is to be added
  uint8x16_t joined[Lanes]; // for the first round
  uint8x16_t before[Lanes];
  uint8x16_t current[Lanes];
#pragma GCC unroll 16
  for (std::size_t i = 0; i < Lanes; ++i) {
    before[i] = vld1q_u8(lanes.before_in + i * aes_block);
    current[i] = vld1q_u8(lanes.in[i]);
    state[i] = vld1q_u8(lanes.before_out + i * aes_block);
    joined[i] = veorq_u8(current[i], key(i, 0));
  }
  for (std::size_t block = 0; block < blocks; ++block) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < Lanes; ++i) {
      state[i] = mix<Inverse>(substitute<Inverse>(state[i], joined[i]));
    }
#pragma GCC unroll 16
    for (std::size_t round = 1; round + 1 < aes_rounds; ++round) {
#pragma GCC unroll 16
      for (std::size_t i = 0; i < Lanes; ++i) {
        state[i] = mix<Inverse>(substitute<Inverse>(state[i], key(i, round)));
      }
    }
    const bool last = block + 1 == blocks;
#pragma GCC unroll 16
    for (std::size_t i = 0; i < Lanes; ++i) {
      state[i] = substitute<Inverse>(state[i], key(i, aes_rounds - 1));
      const uint8x16_t after = veorq_u8(key(i, aes_rounds), before[i]);
      const uint8x16_t done = veorq_u8(state[i], after);
      before[i] = current[i];
      if (last) {
        state[i] = done;
      } else {
        current[i] = vld1q_u8(lanes.in[i] + (block + 1) * aes_block);
        joined[i] = veorq_u8(after, veorq_u8(current[i], key(i, 0)));
      }
      vst1q_u8(lanes.out[i] + block * aes_block, done);
    }
  }
#pragma GCC unroll 16
  for (std::size_t i = 0; i < Lanes; ++i) {
    vst1q_u8(lanes.before_in + i * aes_block, current[i]);
    vst1q_u8(lanes.before_out + i * aes_block, state[i]);
    lanes.in[i] += blocks * aes_block;
    lanes.out[i] += blocks * aes_block;
  }
}

/// Four times the same word: a substitution's shift of rows then changes nothing.
uint8x16_t substitute_word(std::uint32_t word) {
  return vaeseq_u8(vreinterpretq_u8_u32(vdupq_n_u32(word)), vdupq_n_u8(0));
}

/// The words of a round key from those two rounds before: each is the sum of all up to it, and
/// `word` on top.
uint8x16_t next_round(uint8x16_t two_before, uint8x16_t word) {
  const uint8x16_t zero = vdupq_n_u8(0);
  two_before = veorq_u8(two_before, vextq_u8(zero, two_before, 12));
  two_before = veorq_u8(two_before, vextq_u8(zero, two_before, 8));
  return veorq_u8(two_before, word);
}

std::uint32_t last_word(uint8x16_t key) {
  return vgetq_lane_u32(vreinterpretq_u32_u8(key), 3);
}

/// FIPS 197, 5.2.
void expand(const std::uint8_t* key, bool inverse, std::uint8_t* to, std::size_t stride) {
  uint8x16_t keys[aes_round_keys];
  keys[0] = vld1q_u8(key);
  keys[1] = vld1q_u8(key + aes_block);
  std::uint32_t constant = 1;
  for (std::size_t i = 2; i < aes_round_keys; ++i) {
    const std::uint32_t word = last_word(keys[i - 1]);
    if (i % 2 == 0) {
      const uint8x16_t rotated = substitute_word(word >> 8 | word << 24);
      keys[i] =
          next_round(keys[i - 2], veorq_u8(rotated, vreinterpretq_u8_u32(vdupq_n_u32(constant))));
      constant <<= 1;
    } else {
      keys[i] = next_round(keys[i - 2], substitute_word(word));
    }
  }
  for (std::size_t i = 0; i < aes_round_keys; ++i) {
    uint8x16_t out = inverse ? keys[aes_rounds - i] : keys[i];
    if (inverse && i != 0 && i != aes_rounds) {
      out = vaesimcq_u8(out);
    }
    vst1q_u8(to + i * stride, out);
  }
}

template <bool Inverse>
void run(ige_lanes& state, std::size_t lanes, std::size_t blocks) {
  switch (lanes) {
  case 1:
    return run_lanes<1, Inverse>(state, blocks);
  case 2:
    return run_lanes<2, Inverse>(state, blocks);
  case 3:
    return run_lanes<3, Inverse>(state, blocks);
  case 4:
    return run_lanes<4, Inverse>(state, blocks);
  case 5:
    return run_lanes<5, Inverse>(state, blocks);
  case 6:
    return run_lanes<6, Inverse>(state, blocks);
  case 7:
    return run_lanes<7, Inverse>(state, blocks);
  default:
    return run_lanes<8, Inverse>(state, blocks);
  }
}

void run_either(ige_lanes& state, std::size_t lanes, std::size_t blocks, bool inverse) {
  return inverse ? run<true>(state, lanes, blocks) : run<false>(state, lanes, blocks);
}

} // namespace

const ige_kernel armv8_kernel{.lanes = 8, .width = 1, .expand = expand, .run = run_either};

} // namespace cafegram::crypto::native
