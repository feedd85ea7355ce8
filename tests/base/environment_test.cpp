#include <cafegram/base/environment.hpp>

#include <gtest/gtest.h>

namespace cafegram {
namespace {

TEST(environment, manual_clock_moves_only_when_told) {
  manual_clock clock;
  const auto steady = clock.steady_now();
  const auto wall = clock.wall_now();
  clock.advance(std::chrono::milliseconds{1500});
  EXPECT_EQ(clock.steady_now() - steady, std::chrono::milliseconds{1500});
  EXPECT_EQ(clock.wall_now() - wall, std::chrono::milliseconds{1500});
}

TEST(environment, seeded_random_repeats) {
  seeded_random a{7};
  seeded_random b{7};
  seeded_random other{8};
  bytes x(33);
  bytes y(33);
  bytes z(33);
  a.fill(x);
  b.fill(y);
  other.fill(z);
  EXPECT_EQ(x, y);
  EXPECT_NE(x, z);
  EXPECT_EQ(a.integer<std::uint32_t>(), b.integer<std::uint32_t>());
}

} // namespace
} // namespace cafegram
