#include <cafegram/base/bytes.hpp>
#include <cafegram/base/environment.hpp>
#include <cafegram/base/shared_bytes.hpp>
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

TEST(shared_bytes, are_shared_by_copies_and_taken_over_without_a_copy) {
  bytes plain{1, 2, 3};
  const auto* place = plain.data();
  const shared_bytes taken = std::move(plain);
  const auto again = taken;
  EXPECT_EQ(taken->data(), place);
  EXPECT_EQ(again->data(), place);
  EXPECT_EQ(again, (bytes{1, 2, 3}));
}

TEST(shared_bytes, keep_a_copy_or_what_they_lie_in) {
  bytes source{1, 2, 3};
  const auto copy = shared_bytes::copy_of(source);
  auto whole = std::make_shared<const bytes>(bytes{4, 5, 6, 7});
  shared_bytes part{whole, bytes_view{*whole}.subspan(1, 2)};
  source[0] = 9;
  whole.reset();
  EXPECT_EQ(copy, (bytes{1, 2, 3}));
  EXPECT_EQ(part, (bytes{5, 6}));
}

TEST(shared_bytes, are_nothing_or_empty) {
  EXPECT_FALSE(shared_bytes{});
  EXPECT_FALSE(shared_bytes{nullptr});
  EXPECT_FALSE(shared_bytes{std::shared_ptr<const bytes>{}});
  EXPECT_TRUE(shared_bytes{bytes{}});
  EXPECT_TRUE(shared_bytes::copy_of({}));
  EXPECT_TRUE(shared_bytes {} -> empty());
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
