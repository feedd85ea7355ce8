#include <cafegram/crypto/aes.hpp>

#include "vectors.hpp"

namespace cafegram::crypto {
namespace {

using test::hex;
using test::hex_array;

void check_ige(const test::json& cases) {
  for (const auto& c : cases) {
    const auto key = hex_array<32>(c["key"]);
    const auto iv = hex_array<32>(c["iv"]);
    const bytes plain = hex(c["plaintext"]);
    bytes out(plain.size());
    ige_encrypt(ige_job{key, iv, plain, out});
    EXPECT_EQ(to_hex(out), c["ciphertext"].get<std::string>());
    ige_decrypt(ige_job{key, iv, out, out}); // in place
    EXPECT_EQ(out, plain);
    ige_encrypt(ige_job{key, iv, out, out});
    EXPECT_EQ(to_hex(out), c["ciphertext"].get<std::string>());
  }
}

void check_ctr(const test::json& cases) {
  for (const auto& c : cases) {
    const auto key = hex_array<32>(c["key"]);
    const auto iv = hex_array<16>(c["iv"]);
    bytes whole = hex(c["plaintext"]);
    bytes split = whole;
    aes_ctr{key, iv}.apply(whole);
    EXPECT_EQ(to_hex(whole), c["ciphertext"].get<std::string>());
    aes_ctr stream{key, iv};
    for (std::size_t i = 0; i < split.size(); i += 7) {
      stream.apply(std::span{split}.subspan(i, std::min<std::size_t>(7, split.size() - i)));
    }
    EXPECT_EQ(split, whole);
  }
}

TEST(aes, ige_as_python_does) {
  check_ige(test::own_vectors()["aes_ige"]["cases"]);
}

TEST(aes, ige_as_the_shared_vectors) {
  CAFEGRAM_NEEDS_SHARED();
  check_ige(test::shared_vectors("aes_ige.json")["cases"]);
}

TEST(aes, ctr_as_python_does) {
  check_ctr(test::own_vectors()["aes_ctr"]["cases"]);
}

TEST(aes, ctr_as_the_shared_vectors) {
  CAFEGRAM_NEEDS_SHARED();
  check_ctr(test::shared_vectors("aes_ctr.json")["cases"]);
}

TEST(aes, ige_does_several_jobs_of_different_lengths_at_once) {
  seeded_random random{test::seed()};
  constexpr std::size_t count = 9;
  std::array<std::array<std::uint8_t, 32>, count> keys;
  std::array<std::array<std::uint8_t, 32>, count> ivs;
  std::array<bytes, count> plain;
  std::array<bytes, count> together;
  std::vector<ige_job> jobs;
  for (std::size_t i = 0; i < count; ++i) {
    random.fill(keys[i]);
    random.fill(ivs[i]);
    plain[i].resize(std::size_t{16} * (random.integer<std::uint8_t>() % 90U)); // none, too
    random.fill(plain[i]);
    together[i].resize(plain[i].size());
    jobs.push_back({keys[i], ivs[i], plain[i], together[i]});
  }
  ige_encrypt(jobs);
  for (std::size_t i = 0; i < count; ++i) {
    bytes alone(plain[i].size());
    ige_encrypt(ige_job{keys[i], ivs[i], plain[i], alone});
    EXPECT_EQ(together[i], alone);
  }
  for (ige_job& job : jobs) {
    job.in = job.out;
  }
  ige_decrypt(jobs);
  EXPECT_EQ(together, plain);
}

} // namespace
} // namespace cafegram::crypto
