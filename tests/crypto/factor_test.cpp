#include <cafegram/crypto/factor.hpp>

#include <limits>

#include "vectors.hpp"

namespace cafegram::crypto {
namespace {

std::uint64_t number(const test::json& text) {
  return std::stoull(text.get<std::string>());
}

void check_factors(const test::json& cases) {
  for (const auto& c : cases) {
    const auto found = factor_pq(number(c["pq"]));
    if (c["p"] == c["q"]) {
      EXPECT_FALSE(found) << "a square: " << c["pq"];
      continue;
    }
    ASSERT_TRUE(found) << c["pq"];
    EXPECT_EQ(found->first, number(c["p"]));
    EXPECT_EQ(found->second, number(c["q"]));
  }
}

TEST(factor, splits_what_python_multiplied) {
  check_factors(test::own_vectors()["pq"]["cases"]);
}

TEST(factor, splits_the_shared_vectors) {
  CAFEGRAM_NEEDS_SHARED();
  check_factors(test::shared_vectors("pq.json")["cases"]);
}

TEST(factor, splits_the_specifications_samples) {
  EXPECT_EQ(factor_pq(0x17ED48941A08F981),
            (std::pair<std::uint64_t, std::uint64_t>{1229739323, 1402015859}));
  EXPECT_EQ(factor_pq(15), (std::pair<std::uint64_t, std::uint64_t>{3, 5}));
}

TEST(factor, refuses_all_that_is_no_product_of_two_odd_primes) {
  const std::uint64_t prime64 = 18446744073709551557ULL;
  const std::uint64_t prime63 = 9223372036854775783ULL;
  for (const std::uint64_t bad :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{6}, std::uint64_t{9},
        std::uint64_t{13}, prime64, prime63, std::uint64_t{4294967291} * 4294967291,
        std::uint64_t{1} << 63, std::uint64_t{2147483647} * 2, std::uint64_t{3} * 5 * 7,
        std::uint64_t{3} * 3 * 3 * 3 * 3, std::numeric_limits<std::uint64_t>::max()}) {
    const auto found = factor_pq(bad);
    ASSERT_FALSE(found) << bad;
    EXPECT_EQ(found.error().code, errc::protocol_violation);
  }
}

TEST(factor, always_ends) {
  seeded_random random{test::seed()};
  for (int i = 0; i < 300; ++i) {
    const auto value = random.integer<std::uint64_t>();
    const auto found = factor_pq(value);
    if (found) {
      EXPECT_EQ(found->first * found->second, value);
      EXPECT_TRUE(is_prime(found->first) && is_prime(found->second));
    }
  }
  for (std::uint64_t value = 0; value < 5000; ++value) {
    if (const auto found = factor_pq(value)) {
      EXPECT_EQ(found->first * found->second, value);
      EXPECT_LT(found->first, found->second);
    }
  }
}

TEST(factor, tells_primes) {
  int count = 0;
  for (std::uint64_t value = 0; value < 10'000; ++value) {
    count += is_prime(value) ? 1 : 0;
  }
  EXPECT_EQ(count, 1229);
  EXPECT_FALSE(is_prime(3215031751));          // pseudoprime to 2, 3, 5, 7
  EXPECT_FALSE(is_prime(3825123056546413051)); // to the first nine
  EXPECT_TRUE(is_prime(18446744073709551557ULL));
}

} // namespace
} // namespace cafegram::crypto
