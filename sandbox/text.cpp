#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/text.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace cafegram::sandbox {

namespace {

constexpr std::size_t most_entities = 100;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::size_t word_end(std::string_view text, std::size_t at) {
  while (at < text.size() && is_word(text[at])) {
    ++at;
  }
  return at;
}

std::size_t link_end(std::string_view text, std::size_t at) {
  const auto stop = text.find_first_of(" \t\r\n<>\"", at);
  std::size_t end = stop == std::string_view::npos ? text.size() : stop;
  while (end > at && std::string_view{".,;:!?)"}.contains(text[end - 1])) {
    --end;
  }
  return end;
}

struct found {
  std::string_view kind;
  std::size_t end = 0; ///< octets; 0: nothing begins here
};

/// What begins at `at`, which follows white space or stands first.
found entity_at(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  if (rest.starts_with("https://") || rest.starts_with("http://")) {
    const std::size_t end = link_end(text, at);
    return {"messageEntityUrl", end > at + rest.find("//") + 2 ? end : 0};
  }
  const std::size_t end = word_end(text, at + 1);
  if (rest.starts_with('@')) {
    return {"messageEntityMention", end >= at + 4 ? end : 0};
  }
  if (rest.starts_with('#')) {
    return {"messageEntityHashtag", end >= at + 2 ? end : 0};
  }
  if (rest.starts_with('/') && end >= at + 2) {
    const bool addressed = end < text.size() && text[end] == '@';
    return {"messageEntityBotCommand", addressed ? word_end(text, end + 1) : end};
  }
  return {};
}

bool overlaps(const json& entities, std::size_t offset, std::size_t length) {
  return std::ranges::any_of(entities, [offset, length](const json& one) {
    const auto start = static_cast<std::size_t>(number(one, "offset"));
    const auto end = start + static_cast<std::size_t>(number(one, "length"));
    return offset < end && start < offset + length;
  });
}

/// By offset; of two that begin together the longer one is around the other.
void sort_entities(json& entities) {
  std::ranges::sort(entities.get_ref<json::array_t&>(), {}, [](const json& one) {
    return std::tuple{number(one, "offset"), -number(one, "length"), kind(one)};
  });
}

} // namespace

std::size_t utf16_length(std::string_view utf8) {
  std::size_t units = 0;
  for (const char c : utf8) {
    const auto octet = static_cast<unsigned char>(c);
    units += (octet & 0xc0) == 0x80 ? 0 : octet >= 0xf0 ? 2 : 1;
  }
  return units;
}

std::size_t code_points(std::string_view utf8) {
  return static_cast<std::size_t>(std::ranges::count_if(
      utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string hex_of(std::uint64_t number) {
  return fmt::format("{:016x}", number);
}

bool is_blank(std::string_view utf8) {
  return utf8.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

bool same_name(std::string_view one, std::string_view other) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; };
  return std::ranges::equal(one, other, {}, lower, lower);
}

bool says_name(std::string_view utf8, std::string_view username) {
  if (username.empty()) {
    return false;
  }
  for (auto at = utf8.find('@'); at != std::string_view::npos; at = utf8.find('@', at + 1)) {
    const std::size_t end = word_end(utf8, at + 1);
    const bool glued = at > 0 && is_word(utf8[at - 1]);
    if (!glued && same_name(utf8.substr(at + 1, end - at - 1), username)) {
      return true;
    }
  }
  return false;
}

command_line leading_command(std::string_view utf8) {
  if (!utf8.starts_with('/')) {
    return {};
  }
  const std::size_t end = word_end(utf8, 1);
  const bool addressed = end < utf8.size() && utf8[end] == '@';
  return {utf8.substr(1, end - 1),
          addressed ? utf8.substr(end + 1, word_end(utf8, end + 1) - end - 1) : std::string_view{}};
}

std::expected<json, rpc_refusal> check_entities(const json& given, std::string_view utf8) {
  json out = json::array();
  if (!given.is_array()) {
    return out;
  }
  if (given.size() > most_entities) {
    return std::unexpected(rpc_refusal{400, "ENTITIES_TOO_LONG"});
  }
  const auto units = static_cast<std::int64_t>(utf16_length(utf8));
  for (json one : given) {
    const auto offset = number(one, "offset");
    const auto length = number(one, "length");
    if (offset < 0 || length <= 0 || offset + length > units) {
      return std::unexpected(rpc_refusal{400, "ENTITY_BOUNDS_INVALID"});
    }
    out.push_back(std::move(one));
  }
  sort_entities(out);
  return out;
}

void add_found_entities(std::string_view utf8, json& entities) {
  std::size_t units = 0; // before `at`
  for (std::size_t at = 0; at < utf8.size();) {
    const bool starts = at == 0 || !is_word(utf8[at - 1]);
    const bool glued = at > 0 && std::string_view{"/:@#"}.contains(utf8[at - 1]);
    const found here = starts && !glued ? entity_at(utf8, at) : found{};
    if (here.end == 0) {
      units += utf16_length(utf8.substr(at, 1));
      ++at;
      continue;
    }
    const std::size_t length = utf16_length(utf8.substr(at, here.end - at));
    if (!overlaps(entities, units, length) && entities.size() < most_entities) {
      json one = make(here.kind);
      one["offset"] = units;
      one["length"] = length;
      entities.push_back(std::move(one));
    }
    units += length;
    at = here.end;
  }
  sort_entities(entities);
}

} // namespace cafegram::sandbox
