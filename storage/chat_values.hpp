#pragma once

#include <cafegram/storage/number_key.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace cafegram::storage {

/// What the rows of `table::value` begin with that hold values of chats; all others are the user's.
inline constexpr std::string_view chat_values = "chat/";

/// The row of one value: `"chat/" account:8 chat:8 key`, the numbers with the highest octet first.
/// `chat` is a marked id. Numbers have one length, so no two of them share a row.
inline std::string chat_value_key(std::int64_t account, std::int64_t chat, std::string_view key) {
  std::string out{chat_values};
  append_number(out, static_cast<std::uint64_t>(account));
  append_number(out, static_cast<std::uint64_t>(chat));
  out += key;
  return out;
}

} // namespace cafegram::storage
