#include <cafegram/base/environment.hpp>
#include <cafegram/tl/codec.hpp>

#include <gtest/gtest.h>

#include "../support.hpp"
#include "dynamic_support.hpp"

namespace cafegram {
namespace {

using test::parse_json;
using tl::json;

class dynamic_hostile : public ::testing::Test {
protected:
  tl::dynamic_codec codec = test::codec_of(test::sample_schema);

  error failure(bytes_view data, const tl::limits& bounds = {}) {
    const auto value = codec.decode(data, bounds);
    EXPECT_FALSE(value);
    return value ? error{} : value.error();
  }
};

TEST_F(dynamic_hostile, every_prefix_is_an_error) {
  const auto whole = codec.encode(parse_json(
      R"({"_":"lists","boxed":["1","2"],"bare":[{"_":"future_salt","since":3,"salt":"4"}],
        "deep":[[{"_":"node","value":1,"next":{"_":"nodeEmpty"}}],[]]})"));
  ASSERT_TRUE(whole);
  for (std::size_t size = 0; size < whole->size(); ++size) {
    EXPECT_EQ(failure(bytes_view{*whole}.first(size)).code, errc::malformed) << size;
  }
}

TEST_F(dynamic_hostile, counts_are_checked_before_memory_is_taken) {
  EXPECT_EQ(failure(test::hex("0b00000a15c4b51cffffff7f00000000")).code, errc::malformed);
  EXPECT_EQ(failure(test::hex("15c4b51cffffffff")).code, errc::malformed);
}

TEST_F(dynamic_hostile, depth_is_bounded) {
  bytes data;
  for (int i = 0; i < 100'000; ++i) {
    append(data, test::hex("0600000a00000000"));
  }
  const error e = failure(data);
  EXPECT_EQ(e.code, errc::limit);
  EXPECT_NE(e.what.find("node.next.node.next"), std::string::npos) << e.what;
  bytes nested;
  for (int i = 0; i < 100'000; ++i) {
    append(nested, test::hex("15c4b51c01000000"));
  }
  EXPECT_EQ(failure(nested).code, errc::limit);
  bytes queries;
  for (int i = 0; i < 100'000; ++i) {
    append(queries, test::hex("0a00000a00000000"));
  }
  EXPECT_EQ(failure(queries).code, errc::limit);
}

TEST_F(dynamic_hostile, elements_and_memory_are_bounded) {
  tl::writer out;
  out.u32(0x0a00000b);
  out.vector_header(true, 1000);
  for (int i = 0; i < 1000; ++i) {
    out.i32(i);
  }
  const bytes data = out.take();
  ASSERT_TRUE(codec.decode(data));
  tl::limits few;
  few.elements = 999;
  EXPECT_EQ(failure(data, few).code, errc::limit);
  tl::limits little;
  little.memory = 1000;
  EXPECT_EQ(failure(data, little).code, errc::limit);
}

TEST_F(dynamic_hostile, ids_must_fit_their_place) {
  const error unknown = failure(test::hex("0600000a00000000efbeadde"));
  EXPECT_EQ(unknown.code, errc::malformed);
  EXPECT_EQ(unknown.number, 8);
  EXPECT_NE(unknown.what.find("deadbeef"), std::string::npos) << unknown.what;
  EXPECT_EQ(failure(test::hex("0600000a000000000100000a")).number, 8);
  EXPECT_EQ(failure(test::hex("0a00000a000000000500000a")).number, 8);
}

TEST_F(dynamic_hostile, json_is_bounded_when_it_is_encoded) {
  json value = parse_json(R"({"_":"nodeEmpty"})");
  for (int i = 0; i < 1000; ++i) {
    json outer = json::object();
    outer["_"] = "node";
    outer["value"] = 1;
    outer["next"] = std::move(value);
    value = std::move(outer);
  }
  auto octets = codec.encode(value);
  ASSERT_FALSE(octets);
  EXPECT_EQ(octets.error().code, errc::limit);
  tl::encode_options lenient;
  lenient.lenient = true;
  octets = codec.encode(value, lenient);
  ASSERT_FALSE(octets);
  EXPECT_EQ(octets.error().code, errc::limit);
  tl::encode_options small;
  small.size = 16;
  octets = codec.encode(parse_json(R"({"_":"getNodes","ids":[1,2,3,4]})"), small);
  ASSERT_FALSE(octets);
  EXPECT_EQ(octets.error().code, errc::limit);
}

// Whatever decodes is encoded to something that decodes to the same.
TEST_F(dynamic_hostile, random_and_damaged_input) {
  seeded_random random{test::seed()};
  const auto whole = codec.encode(parse_json(
      R"({"_":"lists","boxed":["1","2"],"bare":[{"_":"future_salt","since":3,"salt":"4"}],
        "deep":[[{"_":"nodePair","left":{"_":"node","value":1,"next":{"_":"nodeEmpty"}},
                  "right":{"_":"nodeEmpty"}}],[]]})"));
  ASSERT_TRUE(whole);
  int decoded = 0;
  for (int round = 0; round < 20'000; ++round) {
    bytes data = *whole;
    for (auto hits = random.next() % 3 + 1; hits > 0; --hits) {
      data[random.next() % data.size()] = static_cast<std::uint8_t>(random.next());
    }
    const auto value = codec.decode(data);
    if (!value) {
      continue;
    }
    ++decoded;
    const auto again = codec.encode(*value);
    ASSERT_TRUE(again) << value->dump() << to_string(again.error());
    EXPECT_EQ(codec.decode(*again), *value);
  }
  EXPECT_GT(decoded, 100);
}

} // namespace
} // namespace cafegram
