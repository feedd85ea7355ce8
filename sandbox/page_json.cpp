#include <cafegram/sandbox/page_json.hpp>

#include <fmt/format.h>

#include <type_traits>

namespace cafegram::sandbox {

namespace {

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

const char* to_text(page_group_kind kind) {
  switch (kind) {
  case page_group_kind::group:
    return "group";
  case page_group_kind::supergroup:
    return "supergroup";
  case page_group_kind::channel:
    break;
  }
  return "channel";
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
  page_json operator()(const page_events::group_changed& e) const {
    return {{"type", "group"}, {"group", to_json(e.group)}};
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
  if (user.bot) {
    out["privacy"] = user.privacy;
  }
  return out;
}

page_json to_json(const page_group& group) {
  page_json out{{"id", group.id},       {"kind", to_text(group.kind)}, {"title", group.title},
                {"about", group.about}, {"creator", group.creator},    {"size", group.size}};
  set_text(out, "username", group.username);
  auto& members = out["members"] = page_json::array();
  for (const auto& one : group.members) {
    members.push_back({{"user", one.user}, {"admin", one.admin}, {"writes", one.writes}});
  }
  if (group.closed) {
    out["closed"] = true;
  }
  return out;
}

page_json to_json(const page_load_chat& chat) {
  return {{"chat", chat.chat}, {"writer", chat.writer}};
}

page_json to_json(const page_message& message) {
  page_json out{{"id", message.id},     {"from", message.from},
                {"out", message.out},   {"date", seconds(message.date)},
                {"text", message.text}, {"delivery", to_text(message.delivery)}};
  if (message.service) {
    out["service"] = true;
  }
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
          {"groups", list(state.groups)},
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

} // namespace cafegram::sandbox
