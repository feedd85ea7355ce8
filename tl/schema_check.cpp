#include <cafegram/tl/schema_check.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace cafegram::tl {

namespace {

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> out{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    auto value = i;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value & 1) != 0 ? value >> 1 ^ 0xedb88320 : value >> 1;
    }
    out[i] = value;
  }
  return out;
}

std::uint32_t crc32(std::string_view text) {
  static constexpr auto table = make_crc_table();
  std::uint32_t out = 0xffffffff;
  for (const char c : text) {
    out = out >> 8 ^ table[(out ^ static_cast<std::uint8_t>(c)) & 0xff];
  }
  return ~out;
}

/// `bytes` was once `string`, and its ids still are.
std::string checksum_type(const type_expr& type) {
  auto text = to_string(type);
  if (text == "bytes") {
    return "string";
  }
  std::ranges::replace(text, '<', ' ');
  std::erase(text, '>');
  return text;
}

using named_definitions = std::map<std::pair<bool, std::string_view>, const definition*>;

named_definitions by_name(const schema& value) {
  named_definitions out;
  for (const auto& def : value.definitions()) {
    out.emplace(std::pair{def.function, std::string_view{def.name}}, &def);
  }
  return out;
}

} // namespace

std::string checksum_text(const definition& def) {
  auto out = def.name;
  for (const auto& variable : def.type_parameters) {
    out += fmt::format(" {}:Type", variable);
  }
  for (const auto& param : def.params) {
    if (param.is_flag()) {
      continue;
    }
    out += fmt::format(" {}:", param.name);
    if (param.conditional()) {
      out += fmt::format("{}.{}?", param.flags_word, param.bit);
    }
    out += checksum_type(param.type);
  }
  return out + " = " + checksum_type(def.result);
}

std::uint32_t compute_id(const definition& def) {
  return crc32(checksum_text(def));
}

std::vector<id_mismatch> check_ids(const schema& value, std::span<const id_exception> known) {
  std::vector<id_mismatch> out;
  for (const auto& def : value.definitions()) {
    const auto computed = compute_id(def);
    if (computed == def.id) {
      continue;
    }
    const auto exception = std::ranges::find_if(
        known, [&def](const id_exception& e) { return e.name == def.name && e.id == def.id; });
    out.push_back({def.name, def.id, computed,
                   exception == known.end() ? std::string{} : std::string{exception->reason}});
  }
  return out;
}

std::vector<schema_change> diff(const schema& before, const schema& after) {
  using kind = schema_change::kind;
  std::vector<schema_change> out;
  const auto old_ones = by_name(before);
  const auto new_ones = by_name(after);
  for (const auto& [key, def] : old_ones) {
    const auto found = new_ones.find(key);
    if (found == new_ones.end()) {
      out.push_back({kind::removed, def->function, def->name, to_string(*def), {}});
    } else if (*found->second != *def) {
      out.push_back(
          {kind::altered, def->function, def->name, to_string(*def), to_string(*found->second)});
    }
  }
  for (const auto& [key, def] : new_ones) {
    if (!old_ones.contains(key)) {
      out.push_back({kind::added, def->function, def->name, {}, to_string(*def)});
    }
  }
  std::ranges::sort(out, {}, [](const schema_change& change) {
    return std::tuple{change.function, change.what, std::string_view{change.name}};
  });
  return out;
}

std::string to_string(const std::vector<schema_change>& changes) {
  std::string out;
  std::array<int, 3> counts{};
  for (const auto& change : changes) {
    ++counts[static_cast<std::size_t>(change.what)];
    switch (change.what) {
    case schema_change::kind::added:
      out += fmt::format("+ {}\n", change.after);
      break;
    case schema_change::kind::removed:
      out += fmt::format("- {}\n", change.before);
      break;
    case schema_change::kind::altered:
      out += fmt::format("~ {}\n  {}\n", change.before, change.after);
      break;
    }
  }
  return out + fmt::format("{} added, {} removed, {} altered\n", counts[0], counts[1], counts[2]);
}

result<schema> merge(const schema& first, const schema& second) {
  auto definitions = first.definitions();
  for (const auto& def : second.definitions()) {
    const auto* same =
        def.function ? first.find_function(def.name) : first.find_constructor(def.name);
    if (same == nullptr && first.find(def.id) == nullptr) {
      definitions.push_back(def);
    }
  }
  return schema::make(std::move(definitions), std::max(first.layer(), second.layer()));
}

std::span<const id_exception> known_id_exceptions() {
  constexpr std::string_view unpublished =
      "published with this id by Telegram, in a notation that gives another";
  constexpr std::string_view renamed = "an old constructor kept by clients under a new name";
  static constexpr std::array list{
      id_exception{"ipPortSecret", 0x37982646, unpublished},
      id_exception{"accessPointRule", 0x4679b65f, unpublished},
      id_exception{"help.configSimple", 0x5a592a6c, unpublished},
      id_exception{"inputPeerPhotoFileLocationLegacy", 0x27d69997, renamed},
      id_exception{"inputStickerSetThumbLegacy", 0x0dbaeae9, renamed},
      id_exception{"gzip_packed", 0x3072cfa1, "its id is that of a result 'Object'"},
  };
  return list;
}

result<schema> canonical(const schema& value) {
  auto definitions = value.definitions();
  std::ranges::sort(definitions, {}, [](const definition& def) {
    return std::tuple{def.function, def.function ? std::string{} : to_string(def.result), def.name};
  });
  return schema::make(std::move(definitions), value.layer());
}

} // namespace cafegram::tl
