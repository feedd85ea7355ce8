#include <cafegram/tl/codec.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "../support.hpp"
#include "dynamic_support.hpp"

namespace cafegram {
namespace {

using test::parse_json;
using tl::json;

class dynamic : public ::testing::Test {
protected:
  tl::dynamic_codec codec = test::codec_of(test::sample_schema);

  /// Encodes, decodes again, and gives what came back.
  json round(const json& value) {
    const auto octets = codec.encode(value);
    EXPECT_TRUE(octets) << to_string(octets.error());
    if (!octets) {
      return {};
    }
    const auto back = codec.decode(*octets);
    EXPECT_TRUE(back) << to_string(back.error());
    return back.value_or(json{});
  }

  std::string refusal(std::string_view text) {
    const auto octets = codec.encode(parse_json(text));
    EXPECT_FALSE(octets) << text;
    return octets ? "" : octets.error().what;
  }

  bytes lenient(std::string_view text, std::string_view type) {
    tl::encode_options how;
    how.lenient = true;
    const auto octets = codec.encode_as(parse_json(text), type, how);
    EXPECT_TRUE(octets) << to_string(octets.error());
    return octets.value_or(bytes{});
  }
};

TEST_F(dynamic, writes_basic_types_as_the_wire_wants_them) {
  const auto octets = codec.encode(parse_json(
      R"({"_":"basics","i":-2,"l":"-9223372036854775808","d":1.5,"s":"hé","b":"AQI=",
        "w":"AAECAwQFBgcICQoLDA0ODw==","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=","t":true})"));
  ASSERT_TRUE(octets) << to_string(octets.error());
  EXPECT_EQ(to_hex(*octets), "0100000a"
                             "feffffff"
                             "0000000000000080"
                             "000000000000f83f"
                             "0368c3a9"
                             "02010200"
                             "000102030405060708090a0b0c0d0e0f"
                             "0000000000000000000000000000000000000000000000000000000000000001"
                             "b5757299");
}

TEST_F(dynamic, takes_64_bit_numbers_as_text_and_as_numbers) {
  const json value = parse_json(R"({"_":"future_salt","since":1,"salt":9007199254740993})");
  EXPECT_EQ(round(value).at("salt"), "9007199254740993");
}

TEST_F(dynamic, says_numbers_that_json_lacks_by_name) {
  json value = parse_json(
      R"({"_":"basics","i":0,"l":"0","d":"-Infinity","s":"","b":"","w":"AAAAAAAAAAAAAAAAAAAAAA==",
        "x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","t":false})");
  for (const char* name : {"NaN", "Infinity", "-Infinity"}) {
    value["d"] = name;
    EXPECT_EQ(round(value).at("d"), name);
  }
}

TEST_F(dynamic, keeps_text_that_is_not_utf8) {
  json value = parse_json(R"({"_":"optional","name":{"$bytes":"/wA="}})");
  EXPECT_EQ(round(value), value);
}

TEST_F(dynamic, computes_flags_from_what_is_there) {
  const auto octets = codec.encode(parse_json(R"({"_":"optional","silent":true,"name":"x"})"));
  ASSERT_TRUE(octets);
  EXPECT_EQ(to_hex(*octets), "0200000a"
                             "01000000"
                             "00000080"
                             "01780000");
  EXPECT_EQ(round(parse_json(R"({"_":"optional","silent":false,"id":null})")),
            parse_json(R"({"_":"optional"})"));
}

TEST_F(dynamic, one_flag_may_stand_for_two_fields) {
  const json value = parse_json(R"({"_":"optional","who":true,"age":7})");
  EXPECT_EQ(round(value), value);
  EXPECT_EQ(refusal(R"({"_":"optional","who":true})"),
            "age: is missing: another field with the same flag is there");
}

TEST_F(dynamic, boxed_and_bare_vectors) {
  const json value = parse_json(
      R"({"_":"lists","boxed":["1","2"],"bare":[{"_":"future_salt","since":3,"salt":"4"}],
        "deep":[[{"_":"nodeEmpty"}],[]]})");
  EXPECT_EQ(round(value), value);
  const auto octets = codec.encode(value);
  ASSERT_TRUE(octets);
  EXPECT_EQ(to_hex(*octets), "0400000a"
                             "15c4b51c"
                             "02000000"
                             "0100000000000000"
                             "0200000000000000"
                             "01000000"
                             "03000000"
                             "0400000000000000"
                             "15c4b51c"
                             "02000000"
                             "15c4b51c"
                             "01000000"
                             "0500000a"
                             "15c4b51c"
                             "00000000");
}

TEST_F(dynamic, functions_nest_and_have_their_result_type) {
  const json value = parse_json(
      R"({"_":"ask","id":1,"query":{"_":"ask","id":2,"query":{"_":"getNodes","ids":[5]}}})");
  EXPECT_EQ(round(value), value);
  EXPECT_EQ(refusal(R"({"_":"ask","id":1,"query":{"_":"nodeEmpty"}})"),
            "query: no function nodeEmpty in this schema");
  const auto answer = codec.encode_as(parse_json(R"([{"_":"nodeEmpty"}])"), "Vector<Node>");
  ASSERT_TRUE(answer);
  EXPECT_EQ(codec.decode_as("Vector<Node>", *answer), parse_json(R"([{"_":"nodeEmpty"}])"));
  EXPECT_EQ(codec.decode(*answer), parse_json(R"([{"_":"nodeEmpty"}])"));
  EXPECT_EQ(codec.encode(*codec.decode(*answer)), answer);
}

TEST_F(dynamic, what_is_of_no_named_type_is_encoded_as_it_was_decoded) {
  for (const auto* text : {"[]", "true", R"([{"_":"nodeEmpty"},[false,[]]])"}) {
    const auto value = parse_json(text);
    const auto octets = codec.encode_as(value, "X");
    ASSERT_TRUE(octets) << text;
    EXPECT_EQ(codec.decode_as("X", *octets), value) << text;
    EXPECT_EQ(codec.decode(*octets), value) << text;
  }
  EXPECT_EQ(refusal(R"({"_":"ask","id":1,"query":[]})"),
            "query: expects an object with its name in \"_\"");
}

TEST_F(dynamic, refuses_with_the_path) {
  EXPECT_EQ(refusal(R"({"_":"lists","boxed":[],"bare":[],"deep":[[],[{"_":"node","value":"x"}]]})"),
            "deep[1][0].value: expects a 32-bit number");
  EXPECT_EQ(refusal(R"({"_":"node","value":1,"next":{"_":"nodeEmpty"},"more":1})"),
            "more: no such field");
  EXPECT_EQ(refusal(R"({"_":"optional","flags":1})"),
            "flags: is computed from the fields that are there; leave it out");
  EXPECT_EQ(refusal(R"({"_":"node","value":2147483648,"next":{"_":"nodeEmpty"}})"),
            "value: expects a 32-bit number");
  EXPECT_EQ(refusal(R"({"_":"node","value":1})"), "next: is missing");
  EXPECT_EQ(refusal(R"({"_":"node","value":1,"next":{"_":"basics"}})"),
            "next: basics is not of type Node");
  EXPECT_EQ(refusal(R"({"_":"nothing"})"), "no constructor or function nothing in this schema");
  EXPECT_EQ(refusal(R"([1])"), "[0]: expects an object with its name in \"_\"");
}

TEST_F(dynamic, lenient_fills_in_and_leaves_out) {
  EXPECT_EQ(to_hex(lenient(R"({"_":"node","value":1,"extra":[1]})", "Node")),
            "0600000a010000000500000a");
  EXPECT_EQ(to_hex(lenient(R"({"_":"node","value":"x","next":{"_":"newer"}})", "Node")),
            "0600000a000000000500000a");
  // An optional value that cannot be said is absent, its flag too.
  EXPECT_EQ(to_hex(lenient(R"({"_":"optional","id":"x","name":5,"silent":true})", "Optional")),
            "0200000a0100000000000000");
  // Elements of a kind that the schema lacks go.
  EXPECT_EQ(to_hex(lenient(R"([{"_":"newer"},{"_":"nodeEmpty"}])", "Vector<Node>")),
            "15c4b51c010000000500000a");
  EXPECT_EQ(to_hex(lenient(R"({"_":"lists"})", "Lists")),
            "0400000a15c4b51c000000000000000015c4b51c00000000");
}

TEST_F(dynamic, lenient_stops_where_a_type_has_no_finite_value) {
  tl::encode_options how;
  how.lenient = true;
  const auto octets = codec.encode(parse_json(R"({"_":"loop"})"), how);
  ASSERT_FALSE(octets);
  EXPECT_EQ(octets.error().what, "again: is missing, and Loop has no zero");
}

TEST_F(dynamic, types_by_name) {
  const auto number = codec.encode_as(json("5"), "long");
  ASSERT_TRUE(number);
  EXPECT_EQ(to_hex(*number), "0500000000000000");
  EXPECT_EQ(codec.decode_as("long", *number), json("5"));
  EXPECT_FALSE(codec.encode_as(json("5"), "Nowhere"));
  EXPECT_FALSE(codec.encode_as(json("5"), "Vector<"));
  const auto truth = codec.encode_as(json(true), "Bool");
  ASSERT_TRUE(truth);
  EXPECT_EQ(codec.decode(*truth), json(true));
}

TEST_F(dynamic, a_prefix_tells_what_it_used) {
  const bytes data = test::hex("0500000a"
                               "ffffffff");
  std::size_t used = 0;
  EXPECT_EQ(codec.decode_prefix(data, used), parse_json(R"({"_":"nodeEmpty"})"));
  EXPECT_EQ(used, 4u);
  const auto whole = codec.decode(data);
  ASSERT_FALSE(whole);
  EXPECT_EQ(whole.error().number, 4);
}

} // namespace
} // namespace cafegram
