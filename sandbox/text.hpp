#pragma once

#include <cafegram/sandbox/world.hpp>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace cafegram::sandbox {

/// UTF-16 code units of well-formed UTF-8: what offsets and lengths of entities count.
std::size_t utf16_length(std::string_view utf8);

/// Unicode code points of well-formed UTF-8.
std::size_t code_points(std::string_view utf8);

/// 16 hexadecimal digits.
std::string hex_of(std::uint64_t number);

/// True where nothing but white space is there.
bool is_blank(std::string_view utf8);

/// True where `@username` stands in the text, in any case of letters; never for an empty name.
bool says_name(std::string_view utf8, std::string_view username);

/// The command that a text begins with, and the bot that it is for: `/start@a_bot` is `start` and
/// `a_bot`. Empty where it begins with none.
struct command_line {
  std::string_view command;
  std::string_view bot;
};
command_line leading_command(std::string_view utf8);

/// True where both are equal but for the case of ASCII letters.
bool same_name(std::string_view one, std::string_view other);

/// The entities as they are kept: sorted, within the text.
/// Refusals: `ENTITY_BOUNDS_INVALID`, `ENTITIES_TOO_LONG`.
std::expected<json, rpc_refusal> check_entities(const json& given, std::string_view utf8);

/// What Telegram itself marks in a text: commands, mentions, hashtags, addresses; but nothing
/// within `taken`. Spec: "Styled text with message entities".
void add_found_entities(std::string_view utf8, json& entities);

} // namespace cafegram::sandbox
