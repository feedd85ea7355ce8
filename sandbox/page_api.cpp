#include <cafegram/sandbox/page_api.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace cafegram::sandbox {

namespace {

constexpr std::size_t name_limit = 64;
constexpr std::size_t username_limit = 32;
constexpr int depth_limit = 8;

api_answer ok(const page_json& value, int status = 200) {
  return {status, dump(value)};
}

int status_of(const error& e) {
  switch (e.code) {
  case errc::bad_argument:
  case errc::rpc:
    return 400;
  case errc::not_found:
    return 404;
  case errc::deadline:
    return 504;
  default:
    return 500;
  }
}

api_answer failed(const error& e) {
  std::string code{e.rpc ? std::string_view{e.rpc->text} : to_string(e.code)};
  std::ranges::replace(code, ' ', '_');
  return api_error(status_of(e), code, e.what.empty() ? to_string(e) : e.what);
}

template <class T>
api_answer answer(const result<T>& value, int status = 200) {
  return value ? ok(to_json(*value), status) : failed(value.error());
}

api_answer done(const result<void>& value) {
  return value ? ok({{"ok", true}}) : failed(value.error());
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || stop != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

struct chat_path {
  std::int64_t owner = 0;
  std::int64_t peer = 0;
};

/// `/api/chats/<owner>/<peer>/messages`
std::optional<chat_path> read_chat_path(std::string_view path) {
  constexpr std::string_view head = "/api/chats/";
  constexpr std::string_view tail = "/messages";
  if (!path.starts_with(head) || !path.ends_with(tail) || path.size() < head.size() + tail.size()) {
    return std::nullopt;
  }
  path = path.substr(head.size(), path.size() - head.size() - tail.size());
  const auto slash = path.find('/');
  if (slash == std::string_view::npos) {
    return std::nullopt;
  }
  const auto owner = whole_number(path.substr(0, slash));
  const auto peer = whole_number(path.substr(slash + 1));
  // A group's id is below zero.
  if (!owner || !peer || *owner < 0) {
    return std::nullopt;
  }
  return chat_path{*owner, *peer};
}

/// The number behind `name=`, or `otherwise` where it is missing; nothing if it is out of bounds.
std::optional<std::int32_t> parameter(const std::multimap<std::string, std::string>& query,
                                      const char* name, std::int32_t otherwise, std::int64_t low,
                                      std::int64_t high) {
  const auto at = query.find(name);
  if (at == query.end()) {
    return otherwise;
  }
  const auto value = whole_number(at->second);
  if (!value || *value < low || *value > high) {
    return std::nullopt;
  }
  return static_cast<std::int32_t>(*value);
}

api_answer get_messages(page_model& model, const chat_path& chat,
                        const std::multimap<std::string, std::string>& query) {
  const auto before = parameter(query, "before", 0, 0, INT32_MAX);
  const auto limit = parameter(query, "limit", 100, 1, 200);
  if (!before || !limit) {
    return api_error(400, "bad_argument", "`before` is a message id, `limit` is from 1 to 200");
  }
  const auto messages = model.messages(chat.owner, chat.peer, *before, *limit);
  if (!messages) {
    return failed(messages.error());
  }
  auto list = page_json::array();
  for (const auto& message : *messages) {
    list.push_back(to_json(message));
  }
  return ok({{"messages", std::move(list)}});
}

api_answer post_send(page_model& model, const page_json& body) {
  const auto text = read_text(body);
  return text ? answer(model.send(*text)) : failed(text.error());
}

api_answer post_edit(page_model& model, const page_json& body) {
  const auto text = read_text(body);
  const auto message = read_message_id(body, "message");
  if (!text || !message) {
    return failed(text ? message.error() : text.error());
  }
  return answer(model.edit(*message, *text));
}

api_answer post_delete(page_model& model, const page_json& body) {
  const auto as = read_id(body, "as");
  const auto chat = read_chat_id(body, "chat");
  const auto message = read_message_id(body, "message");
  if (!as || !chat || !message) {
    return failed(!as ? as.error() : !chat ? chat.error() : message.error());
  }
  return done(model.remove(*as, *chat, *message));
}

api_answer post_read(page_model& model, const page_json& body) {
  const auto as = read_id(body, "as");
  const auto chat = read_chat_id(body, "chat");
  const auto up_to = read_message_id(body, "up_to");
  if (!as || !chat || !up_to) {
    return failed(!as ? as.error() : !chat ? chat.error() : up_to.error());
  }
  return done(model.mark_read(*as, *chat, *up_to));
}

api_answer post_click(page_model& model, const page_json& body) {
  const auto click = read_click(body);
  if (!click) {
    return failed(click.error());
  }
  const auto query = model.click(*click);
  return query ? ok({{"query", *query}}) : failed(query.error());
}

bool is_username(std::string_view text) {
  const auto letter = [](char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; };
  const auto fits = [letter](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_'; };
  return text.size() >= 4 && letter(text.front()) && std::ranges::all_of(text, fits);
}

api_answer post_users(page_model& model, const page_json& body) {
  const auto name = read_string(body, "name", name_limit);
  const auto username = read_string(body, "username", username_limit);
  if (!name || !username) {
    return failed(name ? username.error() : name.error());
  }
  if (name->find_first_not_of(" \t\r\n") == std::string::npos) {
    return api_error(400, "bad_argument", "`name` is empty");
  }
  if (!username->empty() && !is_username(*username)) {
    return api_error(400, "bad_argument",
                     "`username` has 4 to 32 letters, digits and _, and begins with a letter");
  }
  return answer(model.create_user(*name, *username), 201);
}

api_answer post_groups(page_model& model, const page_json& body) {
  const auto wanted = read_new_group(body);
  return wanted ? answer(model.create_group(*wanted), 201) : failed(wanted.error());
}

api_answer post_members(page_model& model, const page_json& body) {
  const auto wanted = read_membership(body);
  return wanted ? answer(model.change_member(*wanted)) : failed(wanted.error());
}

api_answer post_privacy(page_model& model, const page_json& body) {
  const auto bot = read_id(body, "bot");
  const auto on = read_flag(body, "on");
  if (!bot || !on) {
    return failed(bot ? on.error() : bot.error());
  }
  return answer(model.set_privacy(*bot, *on));
}

api_answer post_load(page_model& model, const page_json& body) {
  const auto wanted = read_load(body);
  if (!wanted) {
    return failed(wanted.error());
  }
  const auto made = model.create_load(*wanted);
  if (!made) {
    return failed(made.error());
  }
  auto list = page_json::array();
  for (const auto& one : *made) {
    list.push_back(to_json(one));
  }
  return ok({{"chats", std::move(list)}}, 201);
}

using post_handler = api_answer (*)(page_model&, const page_json&);
struct post_route {
  std::string_view path;
  post_handler handle;
};
constexpr std::array post_routes{
    post_route{"/api/send", post_send},       post_route{"/api/edit", post_edit},
    post_route{"/api/delete", post_delete},   post_route{"/api/read", post_read},
    post_route{"/api/click", post_click},     post_route{"/api/users", post_users},
    post_route{"/api/groups", post_groups},   post_route{"/api/members", post_members},
    post_route{"/api/privacy", post_privacy}, post_route{"/api/load", post_load},
};

const post_route* find_post(std::string_view path) {
  const auto* at = std::ranges::find(post_routes, path, &post_route::path);
  return at == post_routes.end() ? nullptr : at;
}

/// Parses, giving up on what nests deeper than any request of ours does.
std::optional<page_json> parse(std::string_view text) {
  bool deep = false;
  const auto watch = [&deep](int depth, page_json::parse_event_t, page_json&) {
    deep = deep || depth > depth_limit;
    return !deep;
  };
  auto value = page_json::parse(text, watch, false);
  if (deep || value.is_discarded() || !value.is_object()) {
    return std::nullopt;
  }
  return value;
}

} // namespace

api_answer api_error(int status, std::string_view code, std::string_view message) {
  return {status, dump({{"error", {{"code", code}, {"message", message}}}})};
}

api_verb verb_of(std::string_view path) {
  if (path == "/api/state" || read_chat_path(path)) {
    return api_verb::get;
  }
  return find_post(path) != nullptr ? api_verb::post : api_verb::none;
}

api_answer api_get(page_model& model, std::string_view path,
                   const std::multimap<std::string, std::string>& query) {
  if (path == "/api/state") {
    return answer(model.state());
  }
  if (const auto chat = read_chat_path(path)) {
    return get_messages(model, *chat, query);
  }
  return api_error(404, "not_found", "there is nothing here");
}

api_answer api_post(page_model& model, std::string_view path, std::string_view body) {
  const auto* route = find_post(path);
  if (route == nullptr) {
    return api_error(404, "not_found", "there is nothing here");
  }
  const auto value = parse(body);
  if (!value) {
    return api_error(400, "malformed", "the body is not a JSON object");
  }
  return route->handle(model, *value);
}

} // namespace cafegram::sandbox
