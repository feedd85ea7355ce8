#include <cafegram/crypto/hash.hpp>

#include "vectors.hpp"

namespace cafegram::crypto {
namespace {

using test::hex;

TEST(hash, gives_the_standards_digests_of_abc) {
  const bytes_view abc = as_bytes("abc");
  EXPECT_EQ(to_hex(md5(abc)), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(to_hex(sha1(abc)), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(to_hex(sha256(abc)),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha512(abc)),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST(hash, takes_several_parts_as_one) {
  EXPECT_EQ(sha1({as_bytes("a"), bytes_view{}, as_bytes("bc")}), sha1(as_bytes("abc")));
  EXPECT_EQ(sha256({as_bytes("ab"), as_bytes("c")}), sha256(as_bytes("abc")));
  EXPECT_EQ(sha512({as_bytes("ab"), as_bytes("c")}), sha512(as_bytes("abc")));
  EXPECT_EQ(sha256(bytes_view{}), sha256(as_bytes("")));
}

TEST(hash, gives_the_hmac_of_rfc4231) {
  const bytes key(20, 0x0b);
  EXPECT_EQ(to_hex(hmac_sha256(key, as_bytes("Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(to_hex(hmac_sha512(key, as_bytes("Hi There"))),
            "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
            "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854");
  // An empty key is a key, not "the one of before".
  EXPECT_EQ(to_hex(hmac_sha256({}, {})),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

void check_pbkdf2(const test::json& cases) {
  for (const auto& c : cases) {
    EXPECT_EQ(to_hex(pbkdf2_hmac_sha512(hex(c["password"]), hex(c["salt"]),
                                        c["iterations"].get<std::uint32_t>())),
              c["out"].get<std::string>());
  }
}

TEST(hash, stretches_passwords_as_python_does) {
  check_pbkdf2(test::own_vectors()["hash_kdf"]["pbkdf2_sha512"]);
}

TEST(hash, stretches_passwords_as_the_shared_vectors) {
  CAFEGRAM_NEEDS_SHARED();
  check_pbkdf2(test::shared_vectors("hash_kdf.json")["pbkdf2_sha512"]);
}

TEST(hash, compares_lengths_and_octets) {
  EXPECT_TRUE(constant_time_equal({}, {}));
  EXPECT_TRUE(constant_time_equal(hex("0102"), hex("0102")));
  EXPECT_FALSE(constant_time_equal(hex("0102"), hex("0103")));
  EXPECT_FALSE(constant_time_equal(hex("0102"), hex("010200")));
}

} // namespace
} // namespace cafegram::crypto
