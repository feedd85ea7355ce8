// For: tl/codec.cpp tl/codec.hpp tl/value.cpp tl/value_codec.cpp tl/value_codec.hpp tl/coding.hpp
//      tl/text_walk.cpp tl/text.cpp
#include <cafegram/tl/api.hpp>
#include <cafegram/tl/mtproto.hpp>

#include <map>
#include <span>

#include "schemas.hpp"

// Octets of any constructor or function of the API or of MTProto, id first, through the generated
// types and back, as text, and against the dynamic codec.
namespace cafegram::tl::detail {
std::span<const info* const> all_api();
std::span<const info* const> all_mtproto();
} // namespace cafegram::tl::detail

namespace {

using namespace cafegram;
using fuzz::holds;
using tl::detail::info;

struct node_deleter {
  void operator()(tl::detail::node* n) const { n->about->destroy(n); }
};
using node_ptr = std::unique_ptr<tl::detail::node, node_deleter>;

const info* find(std::uint32_t id) {
  static const auto all = [] {
    std::map<std::uint32_t, const info*> out;
    for (const auto* one : tl::detail::all_mtproto()) {
      out.emplace(one->id, one);
    }
    for (const auto* one : tl::detail::all_api()) {
      out.emplace(one->id, one);
    }
    return out;
  }();
  const auto found = all.find(id);
  return found == all.end() ? nullptr : found->second;
}

/// The value of all octets behind the id; null when they do not decode.
node_ptr decode(const info& about, bytes_view body) {
  tl::reader in{body, fuzz::small_limits};
  node_ptr out{about.make()};
  about.read(in, tl::detail::content(*out));
  in.finish();
  if (!in.ok()) {
    holds(in.failure().offset <= body.size(), "a failure lies within the input");
    holds(!to_error(in.failure()).what.empty(), "and says what it is");
    return nullptr;
  }
  return out;
}

bytes encode(const info& about, const tl::detail::node& value) {
  tl::writer out;
  out.u32(about.id);
  about.write(out, tl::detail::content(value));
  holds(out.complete(), "what was decoded can be encoded");
  return out.take();
}

void as_text(const info& about, bytes_view encoded) {
  const auto text = tl::to_json(encoded, *about.schema);
  holds(!tl::dump(encoded, *about.schema).empty(), "there is a dump");
  const auto back = tl::from_json(text, *about.schema);
  // Not the same octets: there are many NaN, and one word for them.
  holds(back.has_value() && tl::to_json(*back, *about.schema) == text, "text reads as it is");
}

/// A call within a call is octets to the types, of any kind; the dynamic codec wants a call.
bool holds_query(const tl::table& schema, std::uint32_t id) {
  const auto* def = schema.find(id);
  return def != nullptr && std::ranges::any_of(schema.fields_of(*def), [&](const auto& field) {
           const auto what = schema.shapes[field.shape].what;
           return what == tl::kind::query || what == tl::kind::object;
         });
}

/// The dynamic codec takes what the types take, and writes the same.
void as_json(bytes_view encoded) {
  const auto value = fuzz::api_codec().decode(encoded, fuzz::small_limits);
  if (!value) {
    holds(value.error().code == errc::limit, "the dynamic codec decodes it too");
    return;
  }
  const auto back = fuzz::api_codec().encode(*value);
  holds(back.has_value() && fuzz::is(fuzz::api_codec().decode(*back), *value), "and back");
}

void as_boxed(bytes_view data) {
  if (const auto updates = tl::decode<tl::Updates>(data, fuzz::small_limits)) {
    holds(static_cast<bool>(*updates), "a value it is");
    const auto copy = *updates;
    holds(tl::equal(copy, *updates), "a copy is the same");
    tl::to_json(copy);
    tl::dump(copy);
  }
  if (const auto many = tl::decode<std::vector<tl::Message>>(data, fuzz::small_limits)) {
    holds(tl::encode(*many).size() >= 8, "a vector it is");
    tl::to_json(*many);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes_view all{data, size};
  as_boxed(all);
  tl::reader in{all};
  const auto* about = find(in.u32());
  if (about == nullptr) {
    return 0;
  }
  const auto first = decode(*about, in.rest());
  if (!first) {
    tl::to_json(all, *about->schema);
    return 0;
  }
  const auto encoded = encode(*about, *first);
  const auto second = decode(*about, bytes_view{encoded}.subspan(4));
  holds(second != nullptr, "what was encoded decodes");
  holds(encode(*about, *second) == encoded, "and is the same");
  as_text(*about, encoded);
  if (!holds_query(*about->schema, about->id) && fuzz::api_schema()->find(about->id) != nullptr) {
    as_json(encoded);
  }
  return 0;
}
