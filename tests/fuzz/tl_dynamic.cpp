// For: tl/dynamic_decode.cpp tl/dynamic_encode.cpp tl/dynamic_plan.cpp tl/dynamic_text.cpp
#include <string>

#include "schemas.hpp"

// The dynamic codec: octets to JSON, JSON to octets, strictly and leniently, with the API's schema
// and with a small one that has each kind of field.
//
//     what:u8 rest        `what` picks schema, direction and type
namespace {

using namespace cafegram;
using fuzz::holds;

constexpr std::string_view small_schema = R"(
boolFalse#bc799737 = Bool;
boolTrue#997275b5 = Bool;
true#3fedd339 = True;
basics#0a000001 i:int l:long d:double s:string b:bytes w:int128 x:int256 t:Bool = Basics;
optional#0a000002 flags:# silent:flags.0?true id:flags.1?int flags2:# name:flags2.31?string who:flags.3?true age:flags.3?int = Optional;
future_salt#0a000003 since:int salt:long = FutureSalt;
lists#0a000004 boxed:Vector<long> bare:vector<future_salt> deep:Vector<Vector<Node>> = Lists;
nodeEmpty#0a000005 = Node;
node#0a000006 value:int next:Node = Node;
nodePair#0a000007 left:Node right:Node = Node;
loop#0a000009 again:Loop = Loop;
---functions---
ask#0a00000a {X:Type} id:int query:!X = X;
getNodes#0a00000b ids:Vector<int> = Vector<Node>;
)";

const tl::dynamic_codec& small_codec() {
  static const tl::dynamic_codec out{
      std::make_shared<const tl::schema>(tl::schema::parse(small_schema).value())};
  return out;
}

constexpr std::string_view types[] = {"Bool",
                                      "int",
                                      "long",
                                      "string",
                                      "Vector<int>",
                                      "double",
                                      "Vector<Vector<Node>>",
                                      "Node",
                                      "vector<%FutureSalt>",
                                      "Updates",
                                      "Vector<User>",
                                      "X"};

/// What was decoded says all: it is encoded again, and decodes to the same.
template <class Encode, class Decode>
void back_and_forth(const tl::json& value, Encode encode, Decode decode) {
  const auto encoded = encode(value);
  holds(encoded.has_value(), "what was decoded can be encoded");
  const auto again = decode(*encoded);
  holds(again.has_value() && again->dump() == value.dump(), "and is the same");
}

void decode(const tl::dynamic_codec& codec, bytes_view data) {
  const auto value = codec.decode(data, fuzz::small_limits);
  if (!value) {
    holds(value.error().code == errc::malformed || value.error().code == errc::limit,
          "the octets are at fault");
    return;
  }
  if (value->is_object()) { // a vector alone is encoded as its type
    back_and_forth(
        *value, [&](const tl::json& v) { return codec.encode(v); },
        [&](const bytes& octets) { return codec.decode(octets, fuzz::small_limits); });
  }
  std::size_t used = 0;
  auto longer = to_bytes(data);
  longer.push_back(0);
  holds(codec.decode_prefix(longer, used, fuzz::small_limits).has_value() && used == data.size(),
        "a prefix ends where it ends");
}

void decode_as(const tl::dynamic_codec& codec, std::string_view type, bytes_view data) {
  if (const auto value = codec.decode_as(type, data, fuzz::small_limits)) {
    back_and_forth(
        *value, [&](const tl::json& v) { return codec.encode_as(v, type); },
        [&](const bytes& octets) { return codec.decode_as(type, octets, fuzz::small_limits); });
  }
}

/// JSON of any kind; what it makes must decode.
void encode(const tl::dynamic_codec& codec, std::string_view type, bytes_view text, bool lenient) {
  const auto value = tl::json::parse(text.begin(), text.end(), nullptr, false);
  if (value.is_discarded()) {
    return;
  }
  const tl::encode_options how{.lenient = lenient, .depth = 32, .size = 1U << 18};
  if (const auto octets = codec.encode(value, how)) {
    holds(octets->size() <= how.size, "the size is bounded");
    holds(codec.decode(*octets).has_value(), "what was encoded decodes");
  } else {
    holds(!octets.error().what.empty(), "an error says what does not fit");
  }
  if (const auto octets = codec.encode_as(value, type, how); octets && type != "X") {
    holds(codec.decode_as(type, *octets).has_value(), "what was encoded decodes");
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in{data, size};
  const auto what = in.octet();
  const auto& codec = (what & 1) != 0 ? small_codec() : fuzz::api_codec();
  const auto type = types[(what >> 4) % std::size(types)];
  switch (what >> 1 & 3) {
  case 0:
    decode(codec, in.rest());
    break;
  case 1:
    decode_as(codec, type, in.rest());
    break;
  default:
    encode(codec, type, in.rest(), (what & 8) != 0);
    break;
  }
  return 0;
}
