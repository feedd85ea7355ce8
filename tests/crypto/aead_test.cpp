#include <cafegram/crypto/aead.hpp>
#include <cafegram/tests/support.hpp>

#include <array>

namespace cafegram::crypto {

namespace {

template <std::size_t N>
std::array<std::uint8_t, N> octets(std::string_view digits) {
  const auto from = test::hex(digits);
  std::array<std::uint8_t, N> out{};
  EXPECT_EQ(from.size(), N);
  std::copy_n(from.begin(), std::min(N, from.size()), out.begin());
  return out;
}

const auto key_of_spec =
    octets<32>("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
const auto nonce = octets<12>("cafebabefacedbaddecaf888");

} // namespace

// "The Galois/Counter Mode of Operation", McGrew and Viega, test case 16.
TEST(aead, gcm_is_that_of_its_authors) {
  const auto plain =
      test::hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95"
                "956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
  const auto associated = test::hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const auto wanted =
      test::hex("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48"
                "590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                "76fc6ece0f4e1768cddf8853bb2d551b");
  bytes sealed(plain.size() + gcm_tag_size);
  gcm_seal(key_of_spec, nonce, associated, plain, sealed);
  EXPECT_EQ(to_hex(sealed), to_hex(wanted));
  bytes opened(plain.size());
  ASSERT_TRUE(gcm_open(key_of_spec, nonce, associated, sealed, opened));
  EXPECT_EQ(opened, plain);
}

TEST(aead, anything_that_was_changed_is_refused_and_wiped) {
  const auto plain = test::hex("000102030405060708090a0b0c0d0e0f10");
  const auto associated = test::hex("aabb");
  bytes sealed(plain.size() + gcm_tag_size);
  gcm_seal(key_of_spec, nonce, associated, plain, sealed);
  bytes opened(plain.size(), 0xee);
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    auto bad = sealed;
    bad[at] ^= 0x80;
    ASSERT_FALSE(gcm_open(key_of_spec, nonce, associated, bad, opened)) << at;
    EXPECT_EQ(opened, bytes(plain.size()));
  }
  EXPECT_FALSE(gcm_open(key_of_spec, nonce, test::hex("aabc"), sealed, opened));
  auto other = nonce;
  other[0] ^= 1;
  EXPECT_FALSE(gcm_open(key_of_spec, other, associated, sealed, opened));
  bytes nothing;
  EXPECT_FALSE(gcm_open(key_of_spec, nonce, associated, bytes_view{sealed}.first(15), nothing));
}

TEST(aead, an_empty_text_has_a_tag_too) {
  bytes sealed(gcm_tag_size);
  gcm_seal(key_of_spec, nonce, {}, {}, sealed);
  bytes opened;
  EXPECT_TRUE(gcm_open(key_of_spec, nonce, {}, sealed, opened));
}

// RFC 7914 section 12, the first 32 octets.
TEST(aead, scrypt_is_that_of_the_rfc) {
  const auto first = scrypt({}, {}, {.cost = 16, .block = 1, .parallel = 1});
  ASSERT_TRUE(first);
  EXPECT_EQ(to_hex(first->view()),
            "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442");
  const auto second =
      scrypt(as_bytes("password"), as_bytes("NaCl"), {.cost = 1024, .block = 8, .parallel = 16});
  ASSERT_TRUE(second);
  EXPECT_EQ(to_hex(second->view()),
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162");
}

TEST(aead, a_cost_that_cannot_be_is_an_error) {
  for (const scrypt_cost& cost :
       {scrypt_cost{15, 1, 1}, scrypt_cost{1, 8, 1}, scrypt_cost{16, 0, 1},
        scrypt_cost{std::uint64_t{1} << 40, 8, 1}}) {
    const auto out = scrypt(as_bytes("a"), as_bytes("b"), cost);
    ASSERT_FALSE(out) << cost.cost;
    EXPECT_EQ(out.error().code, errc::bad_argument);
  }
}

} // namespace cafegram::crypto
