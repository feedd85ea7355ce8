#include <cafegram/crypto/hash.hpp>
#include <cafegram/crypto/srp.hpp>

#include "vectors.hpp"

namespace cafegram::crypto {
namespace {

using test::hex;
using test::json;

srp_params params_of(const json& c) {
  return {hex(c["salt1"]), hex(c["salt2"]), c["g"].get<std::int32_t>(), hex(c["p"])};
}

dh_keypair keypair_of(const json& c) {
  secret exponent{256};
  const bytes a = hex(c["a"]);
  std::ranges::copy(a, exponent.view().end() - static_cast<std::ptrdiff_t>(a.size()));
  return {std::move(exponent), hex(c["A"])};
}

void check_case(const json& c, bytes_view password, prime_cache& cache) {
  const srp_params params = params_of(c);
  const auto proof = srp_prove(password, params, hex(c["srp_B"]), keypair_of(c), cache);
  ASSERT_TRUE(proof);
  EXPECT_EQ(to_hex(proof->m1), c["M1"].get<std::string>());
  EXPECT_EQ(to_hex(proof->a), c["A"].get<std::string>());
  const auto verifier = srp_verifier(password, params, cache);
  ASSERT_TRUE(verifier);
  EXPECT_EQ(to_hex(*verifier), c["v"].get<std::string>());
}

TEST(srp, proves_the_password_as_python_does) {
  prime_cache cache;
  for (const auto& c : test::own_vectors()["srp"]["cases"]) {
    check_case(c, hex(c["password"]), cache);
    test::recorded_random random{hex(c["a"])};
    const auto proof = srp_check(hex(c["password"]), params_of(c), hex(c["srp_B"]), random, cache);
    ASSERT_TRUE(proof);
    EXPECT_EQ(to_hex(proof->a), c["A"].get<std::string>());
    EXPECT_EQ(to_hex(proof->m1), c["M1"].get<std::string>());
  }
}

TEST(srp, proves_the_password_as_the_shared_vectors) {
  CAFEGRAM_NEEDS_SHARED();
  prime_cache cache;
  const json all = test::shared_vectors("srp.json");
  for (const auto& c : all["cases"]) {
    check_case(c, as_bytes(c["password"].get_ref<const std::string&>()), cache);
  }
  for (const auto& c : all["new_password_hash"]) {
    const auto v =
        srp_verifier(as_bytes(c["password"].get_ref<const std::string&>()), params_of(c), cache);
    ASSERT_TRUE(v);
    EXPECT_EQ(to_hex(*v), c["new_password_hash"].get<std::string>());
  }
}

TEST(srp, refuses_a_servers_bad_numbers) {
  prime_cache cache;
  const json c = test::own_vectors()["srp"]["cases"][0];
  seeded_random random{test::seed()};
  const auto refused = [&](const srp_params& params, bytes_view b) {
    const auto proof = srp_check(hex(c["password"]), params, b, random, cache);
    return !proof && proof.error().code == errc::protocol_violation;
  };
  srp_params params = params_of(c);
  EXPECT_TRUE(refused(params, {}));
  EXPECT_TRUE(refused(params, params.p));
  EXPECT_TRUE(refused(params, hex("01")));
  params.g = 8;
  EXPECT_TRUE(refused(params, hex(c["srp_B"])));
  params = params_of(c);
  params.p[0] ^= 0x40;
  EXPECT_TRUE(refused(params, hex(c["srp_B"])));
}

} // namespace
} // namespace cafegram::crypto
