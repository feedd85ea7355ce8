#pragma once

#include <cafegram/tl/dynamic.hpp>
#include <cafegram/tl/schema.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string_view>

namespace cafegram::test {

/// A codec for a schema that must parse.
inline tl::dynamic_codec codec_of(std::string_view schema_text) {
  auto parsed = tl::schema::parse(schema_text);
  EXPECT_TRUE(parsed) << (parsed ? "" : to_string(parsed.error()));
  return tl::dynamic_codec{std::make_shared<const tl::schema>(
      parsed ? *std::move(parsed) : tl::schema::parse("").value_or(tl::schema{}))};
}

inline tl::json parse_json(std::string_view text) {
  auto out = tl::json::parse(text, nullptr, false);
  EXPECT_FALSE(out.is_discarded()) << text;
  return out;
}

/// A schema with each kind of field that TL knows.
inline constexpr std::string_view sample_schema = R"(
int ? = Int;
long ? = Long;
double ? = Double;
string ? = String;
vector {t:Type} # [ t ] = Vector t;
int128 4*[ int ] = Int128;
int256 8*[ int ] = Int256;

boolFalse#bc799737 = Bool;
boolTrue#997275b5 = Bool;
true#3fedd339 = True;

// All basic types.
basics#0a000001 i:int l:long d:double s:string b:bytes w:int128 x:int256 t:Bool = Basics;
optional#0a000002 flags:# silent:flags.0?true id:flags.1?int flags2:# name:flags2.31?string who:flags.3?true age:flags.3?int = Optional;
future_salt#0a000003 since:int salt:long = FutureSalt;
lists#0a000004 boxed:Vector<long> bare:vector<future_salt> deep:Vector<Vector<Node>> = Lists;
nodeEmpty#0a000005 = Node;
node#0a000006 value:int next:Node = Node;
nodePair#0a000007 left:Node right:Node = Node;
unknownShape#0a000008 = Shape;
loop#0a000009 again:Loop = Loop;
---functions---
ask#0a00000a {X:Type} id:int query:!X = X;
getNodes#0a00000b ids:Vector<int> = Vector<Node>;
// LAYER 7
)";

} // namespace cafegram::test
