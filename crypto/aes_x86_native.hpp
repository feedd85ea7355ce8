#pragma once

// Internal to crypto/: what the files with AES-NI and VAES have in common. Not installed. Templates
// over types of those files alone, so that no code for wide registers is shared with other files.

#include <cafegram/crypto/aes_native.hpp>

#include <immintrin.h>

namespace cafegram::crypto::native {

/// IGE over `Groups` registers of `Vector::width` messages each. The last round's key is joined
/// with all that follows the cipher: the block before on the other side, the next block, and the
/// first round's key. So the chain of a message is its 14 rounds a block and nothing else.
template <class Vector, std::size_t Groups, bool Inverse>
void run_groups(ige_lanes& lanes, std::size_t blocks) {
  using vector = typename Vector::type;
  constexpr std::size_t width = Vector::width;
  constexpr std::size_t octets = width * aes_block;
  const std::uint8_t* in[Groups * width];
  std::uint8_t* out[Groups * width];
  for (std::size_t i = 0; i < Groups * width; ++i) {
    in[i] = lanes.in[i];
    out[i] = lanes.out[i];
    lanes.in[i] += blocks * aes_block;
    lanes.out[i] += blocks * aes_block;
  }
  const auto key = [&lanes](std::size_t group, std::size_t round) __attribute__((always_inline)) {
    return Vector::load(lanes.keys + (group * aes_round_keys + round) * octets);
  };
  vector state[Groups];
  vector before[Groups];
  vector current[Groups];
#pragma GCC unroll 16
  for (std::size_t g = 0; g < Groups; ++g) {
    before[g] = Vector::load(lanes.before_in + g * octets);
    current[g] = Vector::gather(in + g * width, 0);
    const auto chained = Vector::load(lanes.before_out + g * octets);
    state[g] = Vector::add(Vector::add(chained, current[g]), key(g, 0));
  }
  for (std::size_t at = 0;; at += aes_block) {
#pragma GCC unroll 16
    for (std::size_t round = 1; round < aes_rounds; ++round) {
#pragma GCC unroll 16
      for (std::size_t g = 0; g < Groups; ++g) {
        state[g] = Vector::template round<Inverse>(state[g], key(g, round));
      }
    }
    if (at + aes_block == blocks * aes_block) {
      break;
    }
#pragma GCC unroll 16
    for (std::size_t g = 0; g < Groups; ++g) {
      const vector next = Vector::gather(in + g * width, at + aes_block);
      const vector ahead = Vector::add(next, key(g, 0));
      const vector joined = Vector::add(Vector::add(before[g], key(g, aes_rounds)), ahead);
      state[g] = Vector::template last<Inverse>(state[g], joined);
      Vector::scatter(out + g * width, at, Vector::add(state[g], ahead));
      before[g] = current[g];
      current[g] = next;
    }
  }
#pragma GCC unroll 16
  for (std::size_t g = 0; g < Groups; ++g) {
    const vector joined = Vector::add(before[g], key(g, aes_rounds));
    state[g] = Vector::template last<Inverse>(state[g], joined);
    Vector::scatter(out + g * width, (blocks - 1) * aes_block, state[g]);
    Vector::store(lanes.before_in + g * octets, current[g]);
    Vector::store(lanes.before_out + g * octets, state[g]);
  }
}

} // namespace cafegram::crypto::native
