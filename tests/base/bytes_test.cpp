#include <cafegram/base/bytes.hpp>
#include <cafegram/base/environment.hpp>
#include <cafegram/tests/support.hpp>

#include <gtest/gtest.h>

namespace cafegram {
namespace {

TEST(bytes, hex_round_trip) {
  EXPECT_EQ(to_hex(test::hex("00ffA5")), "00ffa5");
  EXPECT_EQ(from_hex("abc").error().problem, "an odd number of hexadecimal digits");
  EXPECT_EQ(from_hex("abzz").error().offset, 2U);
  EXPECT_EQ(from_hex("0g").error().offset, 1U);
}

TEST(bytes, base64_vectors_of_rfc_4648) {
  const std::pair<std::string_view, std::string_view> cases[] = {{"", ""},
                                                                 {"f", "Zg=="},
                                                                 {"fo", "Zm8="},
                                                                 {"foo", "Zm9v"},
                                                                 {"foob", "Zm9vYg=="},
                                                                 {"fooba", "Zm9vYmE="},
                                                                 {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : cases) {
    EXPECT_EQ(to_base64(as_bytes(plain)), encoded);
    EXPECT_EQ(from_base64(encoded).value(), to_bytes(as_bytes(plain)));
  }
  EXPECT_EQ(to_base64url(test::hex("fbff")), "-_8");
  EXPECT_EQ(from_base64("-_8").value(), test::hex("fbff"));
}

TEST(bytes, base64_refuses_what_is_not) {
  EXPECT_EQ(from_base64("Zg=").error().problem, "not a length that base64 can have");
  EXPECT_EQ(from_base64("Z").error().problem, "not a length that base64 can have");
  EXPECT_EQ(from_base64("Zm9*").error().offset, 3U);
  EXPECT_EQ(from_base64("Zh").error().problem, "bits set behind the last octet");
}

TEST(bytes, base64_round_trip_of_random_octets) {
  seeded_random random{test::seed()};
  for (std::size_t size = 0; size < 200; ++size) {
    bytes data(size);
    random.fill(data);
    EXPECT_EQ(from_base64(to_base64(data)).value(), data);
    EXPECT_EQ(from_base64(to_base64url(data)).value(), data);
  }
}

} // namespace
} // namespace cafegram
