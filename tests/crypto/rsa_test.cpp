#include <cafegram/crypto/bignum.hpp>
#include <cafegram/crypto/hash.hpp>
#include <cafegram/crypto/rsa.hpp>

#include <map>

#include "vectors.hpp"

namespace cafegram::crypto {
namespace {

using test::hex;
using test::json;

const json& rsa_vectors() {
  return test::own_vectors()["rsa"];
}

rsa_private_key own_secret() {
  return rsa_private_key::from_pem(rsa_vectors()["secret_pkcs1"].get<std::string>()).value();
}

std::string fingerprint_hex(const rsa_public_key& key) {
  bytes out(8);
  for (std::size_t i = 0; i < 8; ++i) {
    out[i] =
        static_cast<std::uint8_t>(static_cast<std::uint64_t>(key.fingerprint()) >> (56 - 8 * i));
  }
  return to_hex(out);
}

bytes joined(const json& first, const json& second) {
  bytes out = hex(first);
  append(out, hex(second));
  return out;
}

void check_pad(const rsa_public_key& key, const json& c) {
  test::recorded_random random{joined(c["random_padding"], c["temp_key"])};
  const auto out = key.encrypt_pad(hex(c["data"]), random);
  ASSERT_TRUE(out);
  EXPECT_EQ(to_hex(*out), c["encrypted"].get<std::string>());
  EXPECT_FALSE(random.exhausted());
}

void check_old(const rsa_public_key& key, const json& c) {
  test::recorded_random random{hex(c["random_padding"])};
  const auto out = key.encrypt_old(hex(c["data"]), random);
  ASSERT_TRUE(out);
  EXPECT_EQ(to_hex(*out), c["encrypted"].get<std::string>());
}

TEST(rsa, has_telegrams_keys_by_their_published_fingerprints) {
  EXPECT_EQ(fingerprint_hex(telegram_production_keys().front()), "d09d1d85de64fd85");
  ASSERT_EQ(telegram_test_keys().size(), 1U);
  EXPECT_EQ(fingerprint_hex(telegram_test_keys().front()), "b25898df208d2603");
  std::vector<std::string> older;
  for (const rsa_public_key& key : telegram_production_keys()) {
    older.push_back(fingerprint_hex(key));
  }
  EXPECT_EQ(older,
            (std::vector<std::string>{"d09d1d85de64fd85", "c3b42b026ce86b21", "9a996a1db11c729b",
                                      "b05b2a6f70cdea78", "71e025b6c76033e3"}));
}

TEST(rsa, reads_every_form_and_writes_pkcs1) {
  const auto pkcs1 = rsa_public_key::from_pem(rsa_vectors()["pkcs1"].get<std::string>());
  const auto spki = rsa_public_key::from_pem(rsa_vectors()["spki"].get<std::string>());
  const auto pkcs8 = rsa_private_key::from_pem(rsa_vectors()["secret_pkcs8"].get<std::string>());
  ASSERT_TRUE(pkcs1 && spki && pkcs8);
  for (const rsa_public_key& key :
       {*pkcs1, *spki, pkcs8->public_key(), own_secret().public_key()}) {
    EXPECT_EQ(fingerprint_hex(key), rsa_vectors()["fingerprint_hex"].get<std::string>());
    EXPECT_EQ(to_hex(key.modulus()), rsa_vectors()["n"].get<std::string>());
    EXPECT_EQ(key.to_pem(), rsa_vectors()["pkcs1"].get<std::string>());
  }
  EXPECT_EQ(as_text(pkcs8->export_secret_pem().view()),
            rsa_vectors()["secret_pkcs1"].get<std::string>());
}

TEST(rsa, refuses_what_is_no_key) {
  EXPECT_EQ(rsa_public_key::from_pem("").error().code, errc::malformed);
  EXPECT_EQ(rsa_public_key::from_pem(
                "-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n")
                .error()
                .code,
            errc::malformed);
  EXPECT_FALSE(rsa_private_key::from_pem(rsa_vectors()["pkcs1"].get<std::string>()));
  // Must not ask for the password on a terminal.
  EXPECT_FALSE(rsa_private_key::from_pem(rsa_vectors()["secret_locked"].get<std::string>()));
  EXPECT_FALSE(rsa_public_key::from_numbers(bytes(128, 0xff), hex("010001")));
  EXPECT_FALSE(rsa_public_key::from_numbers(bytes(256, 0xff), {}));
}

TEST(rsa, pads_as_python_does) {
  const auto key = own_secret().public_key();
  for (const auto& c : rsa_vectors()["rsa_pad"]) {
    check_pad(key, c); // at least one of them takes a second temp_key
  }
  for (const auto& c : rsa_vectors()["rsa_old"]) {
    check_old(key, c);
  }
}

TEST(rsa, agrees_with_the_shared_vectors) {
  CAFEGRAM_NEEDS_SHARED();
  const json all = test::shared_vectors("rsa.json");
  std::map<std::string, rsa_public_key> keys;
  for (const auto& c : all["known_public_keys"]) {
    const auto key = rsa_public_key::from_pem(c["pem"].get<std::string>());
    ASSERT_TRUE(key);
    EXPECT_EQ(fingerprint_hex(*key), c["fingerprint_hex"].get<std::string>());
    EXPECT_EQ(key->fingerprint(), c["fingerprint"].get<std::int64_t>());
    EXPECT_EQ(to_hex(key->modulus()), c["n"].get<std::string>());
    keys.emplace(c["fingerprint_hex"], *key);
  }
  const auto key_of = [&keys](const json& c) {
    return c.contains("n") ? rsa_public_key::from_numbers(hex(c["n"]), hex("010001")).value()
                           : keys.at(c["fingerprint"]);
  };
  for (const auto& c : all["rsa_pad"]) {
    check_pad(key_of(c), c);
  }
  for (const auto& c : all["rsa_old"]) {
    check_old(key_of(c), c);
    const bignum opened =
        bignum::mod_exp(bignum::from_bytes(hex(c["encrypted"])), bignum::from_bytes(hex(c["d"])),
                        bignum::from_bytes(hex(c["n"])));
    bytes block(256);
    opened.write_padded(block);
    EXPECT_EQ(to_hex(bytes_view{block}.subspan(21)),
              c["data"].get<std::string>() + c["random_padding"].get<std::string>());
  }
}

TEST(rsa, draws_another_temp_key_when_the_number_is_too_large) {
  CAFEGRAM_NEEDS_SHARED();
  const json c = test::shared_vectors("rsa.json")["rsa_pad_must_retry"];
  bytes draws = joined(c["random_padding"], c["temp_key"]);
  append(draws, bytes(32, 0x01));
  test::recorded_random random{draws};
  ASSERT_TRUE(telegram_production_keys().front().encrypt_pad(hex(c["data"]), random));
  EXPECT_GE(random.used(), draws.size()) << "the first temp_key was taken";
}

TEST(rsa, opens_both_paddings) {
  const auto key = own_secret();
  for (const auto& c : rsa_vectors()["rsa_pad"]) {
    const auto opened = key.open(hex(c["encrypted"]));
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->kind, rsa_private_key::padding::rsa_pad);
    EXPECT_EQ(to_hex(opened->data),
              c["data"].get<std::string>() + c["random_padding"].get<std::string>());
  }
  for (const auto& c : rsa_vectors()["rsa_old"]) {
    const auto opened = key.open(hex(c["encrypted"]));
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->kind, rsa_private_key::padding::old);
    EXPECT_EQ(to_hex(opened->data),
              c["data"].get<std::string>() + c["random_padding"].get<std::string>());
    EXPECT_EQ(opened->old_hash, sha1(hex(c["data"])));
  }
}

TEST(rsa, refuses_blocks_that_fit_nothing) {
  const auto key = own_secret();
  EXPECT_FALSE(key.open({}));
  EXPECT_FALSE(key.open(bytes(255, 1)));
  EXPECT_FALSE(key.open(bytes(257, 1)));
  EXPECT_FALSE(key.open(bytes(256, 0xff))); // not below the modulus
  bytes broken = hex(rsa_vectors()["rsa_pad"][0]["encrypted"]);
  broken[100] ^= 1;
  EXPECT_FALSE(key.open(broken));
}

TEST(rsa, bounds_what_can_be_padded) {
  const auto key = own_secret().public_key();
  seeded_random random{test::seed()};
  EXPECT_TRUE(key.encrypt_pad(bytes(144), random));
  EXPECT_FALSE(key.encrypt_pad(bytes(145), random));
  EXPECT_TRUE(key.encrypt_old(bytes(235), random));
  EXPECT_FALSE(key.encrypt_old(bytes(236), random));
  rsa_block large;
  large.fill(0xff);
  EXPECT_FALSE(key.encrypt_raw(large));
}

TEST(rsa, generates_keys_that_all_clients_find) {
  const auto key = rsa_private_key::generate();
  EXPECT_NE(fingerprint_hex(key.public_key())[0], '0');
  EXPECT_TRUE(key.public_key().to_pem().starts_with("-----BEGIN RSA PUBLIC KEY-----\n"));
  seeded_random random{test::seed()};
  const auto block = key.public_key().encrypt_pad(as_bytes("data"), random);
  ASSERT_TRUE(block);
  const auto again = rsa_private_key::from_pem(as_text(key.export_secret_pem().view()));
  ASSERT_TRUE(again);
  const auto opened = again->open(*block);
  ASSERT_TRUE(opened);
  EXPECT_EQ(as_text(bytes_view{opened->data}.first(4)), "data");
}

} // namespace
} // namespace cafegram::crypto
