#include <cafegram/crypto/dh.hpp>

#include <chrono>

#include "vectors.hpp"

namespace cafegram::crypto {
namespace {

using test::hex;

const test::json& dh_vectors() {
  return test::own_vectors()["dh"];
}

TEST(dh, knows_telegrams_prime_by_the_specifications_hash) {
  EXPECT_EQ(to_hex(sha256(telegram_prime())),
            "02f85e7687fc6f33ba678226a963b3c8a191b47c890cf30debe17c1d623b5af1");
  EXPECT_TRUE(is_safe_prime(bignum::from_bytes(telegram_prime())));
}

TEST(dh, takes_exactly_3_4_7_for_telegrams_prime) {
  prime_cache cache;
  for (int g = -1; g < 12; ++g) {
    EXPECT_EQ(check_dh_params(g, telegram_prime(), cache).has_value(), g == 3 || g == 4 || g == 7)
        << g;
  }
}

TEST(dh, proves_another_prime_once) {
  prime_cache cache;
  const bytes prime = hex(dh_vectors()["rfc3526"]);
  EXPECT_FALSE(cache.knows(sha256(prime)));
  EXPECT_TRUE(check_dh_params(2, prime, cache));
  EXPECT_TRUE(cache.knows(sha256(prime)));
  // What the cache says is believed: this composite would fail the proof.
  const bytes composite = hex(dh_vectors()["composite"]);
  EXPECT_FALSE(check_dh_params(2, composite, cache));
  EXPECT_FALSE(cache.knows(sha256(composite)));
  cache.add(sha256(composite));
  EXPECT_TRUE(check_dh_params(2, composite, cache));
}

TEST(dh, refuses_what_is_no_safe_prime_of_2048_bits) {
  prime_cache cache;
  const auto refused = [&cache](bytes prime) {
    const auto answer = check_dh_params(2, prime, cache);
    return !answer && answer.error().code == errc::protocol_violation;
  };
  EXPECT_TRUE(refused(hex(dh_vectors()["composite"])));
  EXPECT_TRUE(refused(hex(dh_vectors()["prime_but_not_safe"])));
  EXPECT_TRUE(refused({}));
  EXPECT_TRUE(refused(bytes(256)));
  EXPECT_TRUE(refused(bytes(256, 0xff)));
  bytes longer = hex(dh_vectors()["rfc3526"]);
  longer.insert(longer.begin(), 0);
  EXPECT_TRUE(refused(longer));
  bytes shorter = hex(dh_vectors()["rfc3526"]);
  shorter[0] = 0x7f;
  EXPECT_TRUE(refused(shorter));
}

TEST(dh, knows_each_generators_residues) {
  // g is a square modulo p exactly when g^((p-1)/2) = 1: the table is held against the definition.
  prime_cache cache;
  for (const bytes& prime : {to_bytes(telegram_prime()), hex(dh_vectors()["rfc3526"])}) {
    const bignum p = bignum::from_bytes(prime);
    for (int g = 2; g <= 7; ++g) {
      const bignum power =
          bignum::mod_exp(bignum{static_cast<std::uint64_t>(g)}, (p - bignum{1}) >> 1, p);
      EXPECT_EQ(generates_prime_subgroup(g, p), power == bignum{1}) << g;
    }
  }
}

TEST(dh, agrees_with_the_shared_small_groups) {
  CAFEGRAM_NEEDS_SHARED();
  const auto cases = test::shared_vectors("srp.json")["check_p_and_g"];
  const auto fits = [](const test::json& c) {
    const bignum p{c[0].get<std::uint64_t>()};
    return is_safe_prime(p) && generates_prime_subgroup(c[1].get<std::int32_t>(), p);
  };
  for (const auto& c : cases["good"]) {
    EXPECT_TRUE(fits(c)) << c;
  }
  for (const auto& c : cases["bad"]) {
    EXPECT_FALSE(fits(c)) << c;
  }
}

TEST(dh, holds_public_values_away_from_the_ends) {
  const bytes_view prime = telegram_prime();
  const bignum p = bignum::from_bytes(prime);
  const bignum least = bignum{1} << (2048 - 64);
  const bignum one{1};
  const auto taken = [&prime](const bignum& value) {
    return check_dh_public(value.to_bytes(), prime).has_value();
  };
  EXPECT_TRUE(taken(least));
  EXPECT_TRUE(taken(p - least));
  EXPECT_FALSE(taken(least - one));
  EXPECT_FALSE(taken(p - least + one));
  for (const bignum& bad : {bignum{}, one, p - one, p, p + one, p << 8}) {
    EXPECT_FALSE(taken(bad));
  }
}

TEST(dh, comes_to_the_key_that_python_computed) {
  const bytes prime = hex(dh_vectors()["rfc3526"]);
  test::recorded_random random{hex(dh_vectors()["exponent"])};
  const auto pair = make_dh_keypair(dh_vectors()["g"].get<std::int32_t>(), prime, random);
  ASSERT_TRUE(pair);
  EXPECT_EQ(to_hex(pair->public_value), dh_vectors()["public"].get<std::string>());
  EXPECT_EQ(to_hex(dh_shared_key(hex(dh_vectors()["other"]), pair->exponent, prime).view()),
            dh_vectors()["shared"].get<std::string>());
}

TEST(dh, pads_the_shared_key_and_draws_again) {
  const bytes_view prime = telegram_prime();
  secret one{256};
  one.view()[255] = 1;
  const secret key = dh_shared_key(hex("05"), one, prime);
  EXPECT_EQ(key.size(), 256U);
  EXPECT_EQ(key.view()[255], 5);
  // An exponent of 1 gives g itself, which is too small: the next one is taken.
  bytes draws(256);
  draws[255] = 1;
  append(draws, hex(dh_vectors()["exponent"]));
  test::recorded_random random{draws};
  const auto pair = make_dh_keypair(3, prime, random);
  ASSERT_TRUE(pair);
  EXPECT_EQ(random.used(), 512U);
  test::recorded_random broken{bytes(256)};
  EXPECT_FALSE(make_dh_keypair(3, prime, broken));
}

TEST(bignum, computes_and_compares) {
  const bignum a{1000};
  const bignum b{7};
  EXPECT_EQ(a % b, bignum{6});
  EXPECT_EQ(a * b, bignum{7000});
  EXPECT_EQ(a - b, bignum{993});
  EXPECT_EQ((a << 10) >> 9, bignum{2000});
  EXPECT_EQ(bignum::mod_exp(b, a, bignum{1001}),
            bignum{bignum::mod_exp(b, a, bignum{1001}).rest(1001)});
  EXPECT_EQ(bignum::mod_exp(bignum{3}, bignum{4}, bignum{101}), bignum{81});
  EXPECT_LT(b, a);
  EXPECT_EQ(to_hex(a.to_bytes()), "03e8");
  EXPECT_TRUE(bignum{}.to_bytes().empty());
  EXPECT_EQ(bignum::from_bytes(hex("0000ff")), bignum{255});
  bignum copy = a;
  copy = copy + bignum{1};
  EXPECT_EQ(a, bignum{1000});
  EXPECT_EQ(copy.bits(), 10U);
  EXPECT_TRUE(copy.odd());
}

} // namespace
} // namespace cafegram::crypto
