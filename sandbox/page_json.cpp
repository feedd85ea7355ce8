#include <cafegram/sandbox/page_json.hpp>

#include <fmt/format.h>

#include <type_traits>

namespace cafegram::sandbox {

namespace {

constexpr std::int64_t largest_id = (std::int64_t{1} << 53) - 1;
constexpr std::size_t text_limit = 4096;
constexpr std::size_t entity_limit = 100;
constexpr std::size_t data_limit = 64;

std::int64_t seconds(wall_time at) {
  return std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count();
}

double precise_seconds(wall_time at) {
  return static_cast<double>(
             std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count()) /
         1000.0;
}

template <class T>
page_json list(const std::vector<T>& values) {
  auto out = page_json::array();
  for (const auto& value : values) {
    out.push_back(to_json(value));
  }
  return out;
}

/// Sets a field only when it says something: most messages have no markup, no reply, no edit.
void set_text(page_json& out, const char* field, const std::string& value) {
  if (!value.empty()) {
    out[field] = value;
  }
}

const char* to_text(page_delivery delivery) {
  return delivery == page_delivery::read ? "read" : "sent";
}

} // namespace

page_json to_json(const page_entity& entity) {
  page_json out{{"_", entity.type}, {"offset", entity.offset}, {"length", entity.length}};
  set_text(out, "url", entity.url);
  set_text(out, "language", entity.language);
  if (entity.user_id != 0) {
    out["user_id"] = entity.user_id;
  }
  return out;
}

page_json to_json(const page_button& button) {
  page_json out{{"_", button.type}, {"text", button.text}};
  set_text(out, "url", button.url);
  if (!button.data.empty()) {
    out["data"] = to_base64(button.data);
  }
  return out;
}

page_json to_json(const page_markup& markup) {
  page_json out{{"_", markup.type}};
  auto& rows = out["rows"] = page_json::array();
  for (const auto& row : markup.rows) {
    rows.push_back(list(row));
  }
  if (markup.single_use) {
    out["single_use"] = true;
  }
  set_text(out, "placeholder", markup.placeholder);
  return out;
}

page_json to_json(const page_command& command) {
  return {{"command", command.command}, {"description", command.description}};
}

page_json to_json(const page_chat& chat) {
  page_json out{{"owner", chat.owner}, {"peer", chat.peer}, {"unread", chat.unread}};
  if (chat.last) {
    out["last"] = to_json(*chat.last);
  }
  return out;
}

page_json to_json(const page_connection& c) {
  return {{"id", c.id},
          {"remote", c.remote},
          {"framing", c.framing},
          {"obfuscated", c.obfuscated},
          {"dc", c.dc},
          {"key", c.key},
          {"layer", c.layer},
          {"user", c.user_id},
          {"client", c.client},
          {"opened", seconds(c.opened)},
          {"bytes_in", c.bytes_in},
          {"bytes_out", c.bytes_out},
          {"calls", c.calls}};
}

page_json to_json(const page_key& key) {
  return {{"id", key.id},
          {"created", seconds(key.created)},
          {"temporary", key.temporary},
          {"layer", key.layer},
          {"user", key.user_id},
          {"sessions", key.sessions}};
}

page_json to_json(const page_method& method) {
  return {{"name", method.name}, {"calls", method.calls}, {"errors", method.errors}};
}

page_json to_json(const page_call& call) {
  page_json out{{"at", precise_seconds(call.at)},
                {"connection", call.connection},
                {"method", call.method},
                {"micros", call.took.count()}};
  set_text(out, "error", call.error);
  return out;
}

page_json to_json(const page_code& code) {
  return {{"phone", code.phone}, {"code", code.code}, {"at", seconds(code.at)}};
}

namespace {

struct event_writer {
  page_json operator()(const page_events::message_new& e) const {
    return message("message", e.owner, e.peer, e.message);
  }
  page_json operator()(const page_events::message_edited& e) const {
    return message("edited", e.owner, e.peer, e.message);
  }
  page_json operator()(const page_events::messages_deleted& e) const {
    return {{"type", "deleted"}, {"owner", e.owner}, {"peer", e.peer}, {"ids", e.ids}};
  }
  page_json operator()(const page_events::messages_read& e) const {
    return {{"type", "read"}, {"owner", e.owner}, {"peer", e.peer}, {"up_to", e.up_to}};
  }
  page_json operator()(const page_events::typing& e) const {
    return {{"type", "typing"}, {"owner", e.owner}, {"peer", e.peer}, {"on", e.on}};
  }
  page_json operator()(const page_events::click_answered& e) const {
    return {{"type", "answer"}, {"query", e.query}, {"text", e.text},
            {"alert", e.alert}, {"url", e.url},     {"timed_out", e.timed_out}};
  }
  page_json operator()(const page_events::user_changed& e) const {
    return {{"type", "user"}, {"user", to_json(e.user)}};
  }
  page_json operator()(const page_events::connection_changed& e) const {
    return {{"type", "connection"}, {"connection", to_json(e.connection)}, {"open", e.open}};
  }
  page_json operator()(const page_events::key_changed& e) const {
    return {{"type", "key"}, {"key", to_json(e.key)}};
  }
  page_json operator()(const page_events::code_shown& e) const {
    return {{"type", "code"}, {"code", to_json(e.code)}};
  }
  page_json operator()(const page_events::call_done& e) const {
    return {{"type", "call"}, {"call", to_json(e.call)}};
  }
  page_json operator()(const page_events::reload&) const { return {{"type", "reload"}}; }

  static page_json message(const char* type, std::int64_t owner, std::int64_t peer,
                           const page_message& value) {
    return {{"type", type}, {"owner", owner}, {"peer", peer}, {"message", to_json(value)}};
  }
};

} // namespace

page_json to_json(const page_user& user) {
  page_json out{{"id", user.id},         {"name", user.name},         {"username", user.username},
                {"phone", user.phone},   {"about", user.about},       {"bot", user.bot},
                {"online", user.online}, {"scripted", user.scripted}, {"commands", {}}};
  out["commands"] = list(user.commands);
  return out;
}

page_json to_json(const page_message& message) {
  page_json out{{"id", message.id},     {"from", message.from},
                {"out", message.out},   {"date", seconds(message.date)},
                {"text", message.text}, {"delivery", to_text(message.delivery)}};
  if (message.edited) {
    out["edited"] = seconds(*message.edited);
  }
  if (message.reply_to != 0) {
    out["reply_to"] = message.reply_to;
  }
  if (!message.entities.empty()) {
    out["entities"] = list(message.entities);
  }
  if (message.markup) {
    out["markup"] = to_json(*message.markup);
  }
  return out;
}

page_json to_json(const page_state& state) {
  return {{"address", state.address},
          {"dc", state.dc},
          {"layer", state.layer},
          {"layers", state.layers},
          {"rsa_fingerprint", state.rsa_fingerprint},
          {"started", seconds(state.started)},
          {"users", list(state.users)},
          {"chats", list(state.chats)},
          {"connections", list(state.connections)},
          {"keys", list(state.keys)},
          {"methods", list(state.methods)},
          {"missing", list(state.missing)},
          {"calls", list(state.calls)},
          {"codes", list(state.codes)}};
}

page_json to_json(const page_event& event) {
  return std::visit(event_writer{}, event);
}

std::string dump(const page_json& value) {
  return value.dump(-1, ' ', false, page_json::error_handler_t::replace);
}

namespace {

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

result<page_text> read_text(const page_json& body) {
  auto as = read_id(body, "as");
  auto to = read_id(body, "to");
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
  auto chat = read_id(body, "chat");
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

} // namespace cafegram::sandbox
