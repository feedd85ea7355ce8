#include <cafegram/base/environment.hpp>

#include <bit>

namespace cafegram {
namespace {

class machine_clock final : public clock_source {
public:
  steady_time steady_now() const override { return std::chrono::steady_clock::now(); }
  wall_time wall_now() const override { return std::chrono::system_clock::now(); }
};

} // namespace

std::shared_ptr<const clock_source> system_clock_source() {
  return std::make_shared<machine_clock>();
}

seeded_random::seeded_random(std::uint64_t seed) {
  // SplitMix64 spreads the seed, so that neighbouring seeds give unrelated streams.
  for (std::uint64_t& word : state_) {
    seed += 0x9e3779b97f4a7c15;
    std::uint64_t z = seed;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    word = z ^ z >> 31;
  }
}

std::uint64_t seeded_random::next() {
  const std::uint64_t out = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return out;
}

void seeded_random::fill(mutable_bytes_view out) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (i % 8 == 0) {
      word = next();
    }
    out[i] = static_cast<std::uint8_t>(word);
    word >>= 8;
  }
}

} // namespace cafegram
