#include <cafegram/sandbox/page_json.hpp>

#include <fmt/format.h>

#include <array>
#include <utility>

/// Reading what a page sends.
namespace cafegram::sandbox {

namespace {

constexpr std::int64_t largest_id = (std::int64_t{1} << 53) - 1;
constexpr std::size_t text_limit = 4096;
constexpr std::size_t entity_limit = 100;
constexpr std::size_t data_limit = 64;
constexpr std::size_t member_limit = 200;
constexpr std::size_t title_limit = 128;
constexpr std::size_t longest_username = 32;

std::unexpected<error> bad(const char* field, const char* should) {
  return fail(errc::bad_argument, fmt::format("`{}` must be {}", field, should));
}

/// UTF-16 code units of UTF-8: what the API counts in.
std::size_t utf16_length(const std::string& text) {
  std::size_t out = 0;
  for (const char c : text) {
    const auto octet = static_cast<std::uint8_t>(c);
    if ((octet & 0xC0) != 0x80) {
      out += octet >= 0xF0 ? 2 : 1;
    }
  }
  return out;
}

result<std::int64_t> read_number(const page_json& body, const char* field, std::int64_t low,
                                 std::int64_t high) {
  const auto at = body.find(field);
  if (at == body.end() || !at->is_number_integer()) {
    return bad(field, "a whole number");
  }
  // An unsigned value beyond int64 would turn negative: look at it as it is.
  if (at->is_number_unsigned() && at->get<std::uint64_t>() > static_cast<std::uint64_t>(high)) {
    return bad(field, "a smaller number");
  }
  const auto value = at->get<std::int64_t>();
  if (value < low || value > high) {
    return fail(errc::bad_argument,
                fmt::format("`{}` must be between {} and {}", field, low, high));
  }
  return value;
}

result<page_entity> read_entity(const page_json& value, std::size_t text_length) {
  if (!value.is_object()) {
    return bad("entities", "a list of objects");
  }
  auto type = read_string(value, "_", 64);
  if (!type || !type->starts_with("messageEntity")) {
    return bad("_", "the name of an entity, such as messageEntityBold");
  }
  const auto length = static_cast<std::int64_t>(text_length);
  auto offset = read_number(value, "offset", 0, length);
  auto size = read_number(value, "length", 1, length);
  if (!offset || !size) {
    return std::unexpected((offset ? size : offset).error());
  }
  if (*offset + *size > length) {
    return bad("length", "inside the text");
  }
  auto url = read_string(value, "url", 2048);
  auto language = read_string(value, "language", 64);
  if (!url || !language) {
    return std::unexpected((url ? language : url).error());
  }
  page_entity out{.type = *std::move(type),
                  .offset = static_cast<std::int32_t>(*offset),
                  .length = static_cast<std::int32_t>(*size),
                  .url = *std::move(url),
                  .language = *std::move(language)};
  if (value.contains("user_id")) {
    auto user = read_id(value, "user_id");
    if (!user) {
      return std::unexpected(user.error());
    }
    out.user_id = *user;
  }
  return out;
}

result<std::vector<page_entity>> read_entities(const page_json& body, std::size_t text_length) {
  std::vector<page_entity> out;
  const auto at = body.find("entities");
  if (at == body.end()) {
    return out;
  }
  if (!at->is_array() || at->size() > entity_limit) {
    return bad("entities", "a list of at most 100 objects");
  }
  for (const auto& value : *at) {
    auto entity = read_entity(value, text_length);
    if (!entity) {
      return std::unexpected(entity.error());
    }
    out.push_back(*std::move(entity));
  }
  return out;
}

} // namespace

result<std::int64_t> read_id(const page_json& body, const char* field, bool zero) {
  return read_number(body, field, zero ? 0 : 1, largest_id);
}

result<std::int32_t> read_message_id(const page_json& body, const char* field, bool zero) {
  if (zero && !body.contains(field)) {
    return 0;
  }
  auto value = read_number(body, field, zero ? 0 : 1, INT32_MAX);
  if (!value) {
    return std::unexpected(value.error());
  }
  return static_cast<std::int32_t>(*value);
}

result<std::string> read_string(const page_json& body, const char* field, std::size_t limit) {
  const auto at = body.find(field);
  if (at == body.end()) {
    return std::string{};
  }
  if (!at->is_string()) {
    return bad(field, "a text");
  }
  auto text = at->get<std::string>();
  if (utf16_length(text) > limit) {
    return fail(errc::bad_argument, fmt::format("`{}` is longer than {} characters", field, limit));
  }
  return text;
}

result<std::int64_t> read_chat_id(const page_json& body, const char* field) {
  auto id = read_number(body, field, -largest_id, largest_id);
  return id && *id == 0 ? result<std::int64_t>{bad(field, "an id, which is never 0")} : id;
}

result<bool> read_flag(const page_json& body, const char* field) {
  const auto at = body.find(field);
  if (at == body.end() || !at->is_boolean()) {
    return bad(field, "true or false");
  }
  return at->get<bool>();
}

result<page_text> read_text(const page_json& body) {
  auto as = read_id(body, "as");
  auto to = read_chat_id(body, "to");
  if (!as || !to) {
    return std::unexpected((as ? to : as).error());
  }
  auto text = read_string(body, "text", text_limit);
  if (!text) {
    return std::unexpected(text.error());
  }
  if (text->find_first_not_of(" \t\r\n") == std::string::npos) {
    return fail(errc::bad_argument, "`text` is empty");
  }
  auto reply = read_message_id(body, "reply_to", true);
  if (!reply) {
    return std::unexpected(reply.error());
  }
  auto entities = read_entities(body, utf16_length(*text));
  if (!entities) {
    return std::unexpected(entities.error());
  }
  return page_text{.as = *as,
                   .to = *to,
                   .text = *std::move(text),
                   .entities = *std::move(entities),
                   .reply_to = *reply};
}

result<page_click> read_click(const page_json& body) {
  auto as = read_id(body, "as");
  auto chat = read_chat_id(body, "chat");
  if (!as || !chat) {
    return std::unexpected((as ? chat : as).error());
  }
  auto message = read_message_id(body, "message");
  if (!message) {
    return std::unexpected(message.error());
  }
  auto text = read_string(body, "data", 2 * data_limit);
  if (!text) {
    return std::unexpected(text.error());
  }
  auto data = from_base64(*text);
  if (!data || data->size() > data_limit) {
    return bad("data", "base64 of at most 64 octets");
  }
  return page_click{.as = *as, .chat = *chat, .message = *message, .data = *std::move(data)};
}

namespace {

template <class Enum, std::size_t N>
result<Enum> read_word(const page_json& body, const char* field,
                       const std::array<std::pair<std::string_view, Enum>, N>& words) {
  const auto text = read_string(body, field, 16);
  if (!text) {
    return std::unexpected(text.error());
  }
  std::string all;
  for (const auto& [word, value] : words) {
    if (*text == word) {
      return value;
    }
    all += (all.empty() ? "" : ", ") + std::string{word};
  }
  return fail(errc::bad_argument, fmt::format("`{}` must be one of {}", field, all));
}

constexpr std::array kinds{std::pair{std::string_view{"group"}, page_group_kind::group},
                           std::pair{std::string_view{"supergroup"}, page_group_kind::supergroup},
                           std::pair{std::string_view{"channel"}, page_group_kind::channel}};
constexpr std::array changes{std::pair{std::string_view{"add"}, page_member_change::add},
                             std::pair{std::string_view{"remove"}, page_member_change::remove},
                             std::pair{std::string_view{"promote"}, page_member_change::promote},
                             std::pair{std::string_view{"demote"}, page_member_change::demote}};

result<std::vector<std::int64_t>> read_ids(const page_json& body, const char* field) {
  std::vector<std::int64_t> out;
  const auto at = body.find(field);
  if (at == body.end()) {
    return out;
  }
  if (!at->is_array() || at->size() > member_limit) {
    return bad(field, "a list of at most 200 ids");
  }
  for (const auto& one : *at) {
    const auto id = read_id({{field, one}}, field);
    if (!id) {
      return std::unexpected(id.error());
    }
    out.push_back(*id);
  }
  return out;
}

} // namespace

result<page_new_group> read_new_group(const page_json& body) {
  auto as = read_id(body, "as");
  auto kind = read_word(body, "kind", kinds);
  if (!as || !kind) {
    return std::unexpected((as ? kind.error() : as.error()));
  }
  auto title = read_string(body, "title", title_limit);
  auto username = read_string(body, "username", longest_username);
  if (!title || !username) {
    return std::unexpected((title ? username : title).error());
  }
  auto members = read_ids(body, "members");
  if (!members) {
    return std::unexpected(members.error());
  }
  return page_new_group{.as = *as,
                        .kind = *kind,
                        .title = *std::move(title),
                        .username = *std::move(username),
                        .members = *std::move(members)};
}

result<page_membership> read_membership(const page_json& body) {
  auto as = read_id(body, "as");
  auto chat = read_chat_id(body, "chat");
  auto user = read_id(body, "user");
  if (!as || !chat || !user) {
    return std::unexpected((!as ? as : !chat ? chat : user).error());
  }
  auto change = read_word(body, "change", changes);
  if (!change) {
    return std::unexpected(change.error());
  }
  return page_membership{.as = *as, .chat = *chat, .user = *user, .change = *change};
}

result<page_load> read_load(const page_json& body) {
  auto bot = read_id(body, "bot");
  auto chats = read_message_id(body, "chats");
  auto people = read_message_id(body, "people");
  if (!bot || !chats || !people) {
    return std::unexpected(!bot ? bot.error() : (chats ? people : chats).error());
  }
  return page_load{.bot = *bot, .chats = *chats, .people = *people};
}

} // namespace cafegram::sandbox
