#pragma once

#include <cafegram/tl/dynamic_text.hpp>
#include <cafegram/tl/json.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

/// Members of a request. What is absent or of another kind reads as zero: requests come from many
/// layers, and the codec has checked what their own layer requires.
namespace cafegram::sandbox {

using tl::json;

inline const json* member(const json& object, std::string_view name) {
  const auto at = object.find(name);
  return at != object.end() && !at->is_null() ? &*at : nullptr;
}

inline std::int64_t number(const json& object, std::string_view name) {
  const json* value = member(object, name);
  return value != nullptr ? tl::int64_from_json(*value).value_or(0) : 0;
}

inline std::int32_t number32(const json& object, std::string_view name) {
  const json* value = member(object, name);
  return value != nullptr ? tl::int32_from_json(*value).value_or(0) : 0;
}

inline bool flag(const json& object, std::string_view name) {
  const json* value = member(object, name);
  return value != nullptr && value->is_boolean() && value->get<bool>();
}

/// Views the string within `object`.
inline std::string_view text(const json& object, std::string_view name) {
  const json* value = member(object, name);
  const auto* found = value != nullptr ? value->get_ptr<const std::string*>() : nullptr;
  return found != nullptr ? std::string_view{*found} : std::string_view{};
}

/// The constructor or function that an object is.
inline std::string_view kind(const json& object) {
  return text(object, "_");
}

/// The elements of an array; none where there is no array.
inline const json::array_t& items(const json& object, std::string_view name) {
  static const json::array_t nothing;
  const json* value = member(object, name);
  const auto* found = value != nullptr ? value->get_ptr<const json::array_t*>() : nullptr;
  return found != nullptr ? *found : nothing;
}

/// The first of them, `most` at most.
inline std::span<const json> first_items(const json& object, std::string_view name,
                                         std::size_t most) {
  const std::span<const json> all = items(object, name);
  return all.first(std::min(all.size(), most));
}

/// A constructor without fields, or the start of one with some.
inline json make(std::string_view name) {
  json out = json::object();
  out["_"] = name;
  return out;
}

} // namespace cafegram::sandbox
