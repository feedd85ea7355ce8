#pragma once

// Internal to crypto/: IGE by the processor's own AES instructions. Not installed.

#include <cafegram/crypto/aes.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace cafegram::crypto::native {

constexpr std::size_t aes_block = 16;
constexpr std::size_t aes_rounds = 14;
constexpr std::size_t aes_round_keys = aes_rounds + 1;
constexpr std::size_t most_lanes = 12;

/// Messages side by side. IGE either way is `out[i] = F(in[i] ^ out[i-1]) ^ in[i-1]`, where F is
/// the cipher or its inverse, so that a lane needs no more than what came before on both sides.
struct ige_lanes {
  /// `width` lanes of a kernel lie beside each other, round by round, for a register of that width.
  alignas(64) std::uint8_t keys[most_lanes * aes_round_keys * aes_block];
  alignas(64) std::uint8_t before_in[most_lanes * aes_block];
  alignas(64) std::uint8_t before_out[most_lanes * aes_block];
  const std::uint8_t* in[most_lanes];
  std::uint8_t* out[most_lanes];
};

/// One instruction set's part: a key schedule, and lanes moved on by whole blocks. Plain functions
/// over plain arrays: the files that hold them are compiled for more than every machine has, so no
/// inline function of theirs may end up in the place of another file's.
struct ige_kernel {
  std::size_t lanes; ///< at most
  std::size_t width; ///< lanes in one register; `run` takes a multiple of it
  /// Writes the key of round r (for the inverse cipher: in its order and form) to `to + r *
  /// stride`.
  void (*expand)(const std::uint8_t* key, bool inverse, std::uint8_t* to, std::size_t stride);
  /// Does the next `blocks` (at least one) of each of the first `lanes`.
  void (*run)(ige_lanes& state, std::size_t lanes, std::size_t blocks, bool inverse);
};

extern const ige_kernel aesni_kernel;
extern const ige_kernel vaes_kernel;
extern const ige_kernel armv8_kernel;

/// Every machine's way, by libcrypto: one job behind the other.
void portable_ige(std::span<const ige_job> jobs, bool inverse);

/// Runs any number of jobs of any lengths over a kernel's lanes: a lane that ends is given the next
/// job, and at the end there are fewer lanes. Wipes keys and text when it goes.
class lane_runner {
public:
  lane_runner(const ige_kernel& kernel, bool inverse)
    : kernel_{kernel}
    , inverse_{inverse} {}
  lane_runner(const lane_runner&) = delete;
  lane_runner& operator=(const lane_runner&) = delete;
  ~lane_runner();

  void run(std::span<const ige_job> jobs);

private:
  void run_window(std::span<const ige_job*> longest_first);
  void add(const ige_job& job);
  void remove(std::size_t lane);
  void copy(std::size_t from, std::size_t to);
  void advance(std::size_t blocks);
  std::uint8_t* keys_of(std::size_t lane);

  const ige_kernel& kernel_;
  bool inverse_;
  std::size_t count_ = 0;
  std::size_t used_ = 0;         ///< lanes that ever held a key
  std::size_t left_[most_lanes]; ///< blocks
  ige_lanes lanes_;
};

} // namespace cafegram::crypto::native
