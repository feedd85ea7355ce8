#pragma once

#include <cafegram/base/environment.hpp>
#include <cafegram/crypto/aes.hpp>

#include <algorithm>
#include <array>
#include <deque>
#include <vector>

#include "../support.hpp"
#include "aes_reference.hpp"

namespace cafegram::test {

/// Messages of random keys, lengths and alignments; some in place, some not.
class random_jobs {
public:
  random_jobs(seeded_random& random, std::size_t count, std::size_t most_blocks) {
    for (std::size_t i = 0; i < count; ++i) {
      add(random, random.integer<std::uint32_t>() % (most_blocks + 1));
    }
  }

  std::span<const crypto::ige_job> jobs() const { return jobs_; }
  std::size_t octets() const {
    std::size_t sum = 0;
    for (const auto& job : jobs_) {
      sum += job.in.size();
    }
    return sum;
  }

  /// Whether each output is what the reference makes of the input, and nothing was written beside.
  void check(bool inverse) const {
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      const auto& one = texts_[i];
      const auto expected = reference_ige(one.key, one.iv, one.plain, inverse);
      EXPECT_TRUE(std::ranges::equal(expected, jobs_[i].out))
          << "message " << i << " of " << texts_.size() << ", " << one.plain.size() << " octets";
      const auto begin = static_cast<std::size_t>(jobs_[i].out.data() - one.room.data());
      for (std::size_t at = 0; at < one.room.size(); ++at) {
        if (at < begin || at >= begin + one.plain.size()) {
          ASSERT_EQ(one.room[at], guard) << "message " << i << " at " << at;
        }
      }
    }
  }

private:
  static constexpr std::uint8_t guard = 0xa5;

  struct text {
    std::array<std::uint8_t, 32> key;
    std::array<std::uint8_t, 32> iv;
    bytes plain;
    bytes room; ///< for the output, and some octets around it
  };

  void add(seeded_random& random, std::size_t blocks) {
    auto& one = texts_.emplace_back();
    random.fill(one.key);
    random.fill(one.iv);
    one.plain.resize(blocks * 16);
    random.fill(one.plain);
    one.room.assign(one.plain.size() + 48, guard);
    const auto out =
        std::span{one.room}.subspan(random.integer<std::uint8_t>() % 17U, one.plain.size());
    const bool in_place = random.integer<std::uint8_t>() % 2 == 0;
    if (in_place) {
      std::ranges::copy(one.plain, out.begin());
    }
    jobs_.push_back({one.key, one.iv, in_place ? bytes_view{out} : bytes_view{one.plain}, out});
  }

  std::deque<text> texts_;
  std::vector<crypto::ige_job> jobs_;
};

} // namespace cafegram::test
