#include <cafegram/sandbox/core.hpp>
#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/views.hpp>

#include <algorithm>

/// Buttons, and what a bot says of itself. Spec: "Buttons", "Bot commands".
namespace cafegram::sandbox {

namespace {

constexpr std::size_t most_waiting_clicks = 10'000;
constexpr std::size_t most_cached_clicks = 10'000;
constexpr std::size_t most_commands = 100;

json click_answer_view(const json& request) {
  json out = make("messages.botCallbackAnswer");
  const auto url = text(request, "url");
  for (const char* name : {"message", "url"}) {
    if (!text(request, name).empty()) {
      out[name] = text(request, name);
    }
  }
  if (flag(request, "alert")) {
    out["alert"] = true;
  }
  if (!url.empty()) {
    out["has_url"] = true;
  }
  out["native_ui"] = true;
  out["cache_time"] = number32(request, "cache_time");
  return out;
}

answer get_callback_answer(step& at, const json& request) {
  const auto where = at.chat_of(request);
  if (!where) {
    return std::unexpected(where.error());
  }
  const std::string data{text(request, "data")};
  const std::int32_t id = number32(request, "msg_id");
  const message_record* message = at.in.data.find_message(*at.me, where->id(), id);
  const auto cached = message != nullptr ? at.in.cached_clicks.find({message->number, data})
                                         : at.in.cached_clicks.end();
  if (cached != at.in.cached_clicks.end() && cached->second.until > at.now) {
    return cached->second.answer;
  }
  const auto query = click_button(at, *at.me, *where, id, data);
  if (!query) {
    return std::unexpected(query.error());
  }
  at.waits = true;
  return {};
}

answer set_callback_answer(step& at, const json& request) {
  const auto found = at.in.clicks.find(number(request, "query_id"));
  if (found == at.in.clicks.end() || found->second.bot != at.me->id) {
    return refuse("QUERY_ID_INVALID");
  }
  if (text(request, "message").size() > 800) {
    return refuse("MESSAGE_TOO_LONG");
  }
  json value = click_answer_view(request);
  const auto keep = std::chrono::seconds{std::max(number32(request, "cache_time"), 0)};
  if (keep.count() > 0 && at.in.cached_clicks.size() < most_cached_clicks) {
    at.in.cached_clicks[{found->second.message, found->second.data}] = {value, at.now + keep};
  }
  settle_click(at.out, found->first, found->second, std::move(value));
  at.in.clicks.erase(found);
  return true;
}

/// The bot hears of a click; this has no place in its counters.
void push_click(step& at, account& bot, const account& user, std::int64_t query,
                const waiting_click& click) {
  const message_record* message = at.in.data.message(click.message);
  if (message == nullptr) {
    return;
  }
  const peer_id peer = message->peer_of(bot.id);
  json update = make("updateBotCallbackQuery");
  update["query_id"] = query;
  update["user_id"] = user.id;
  update["peer"] = peer_view(peer);
  update["msg_id"] = message->id_for(bot.id);
  update["chat_instance"] = at.in.data.access_hash(-bot.id, peer);
  update["data"] = click.data;
  at.push(bot, std::move(update), {user.id, peer});
}

void tell_of_changes(step& at, account& bot) {
  ++bot.info_version;
  at.in.data.save(bot);
  at.out.events.emplace_back(page_events::user_changed{page_view(bot)});
}

/// Commands of the default scope; those of other scopes and languages are not told apart.
answer set_commands(step& at, const json& request) {
  json commands = json::array();
  for (const json& one : items(request, "commands")) {
    const auto name = text(one, "command");
    const bool good = !name.empty() && name.size() <= 32 && std::ranges::all_of(name, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
    if (!good) {
      return refuse("BOT_COMMAND_INVALID");
    }
    if (text(one, "description").empty() || text(one, "description").size() > 1024) {
      return refuse("BOT_COMMAND_DESCRIPTION_INVALID");
    }
    commands.push_back(one);
  }
  if (commands.size() > most_commands) {
    return refuse("BOT_COMMANDS_TOO_MUCH");
  }
  const bool changed = commands != at.me->commands;
  at.me->commands = std::move(commands);
  if (changed) {
    tell_of_changes(at, *at.me);
  }
  return changed;
}

answer get_commands(step& at, const json&) {
  return at.me->commands;
}

answer reset_commands(step& at, const json&) {
  at.me->commands = json::array();
  tell_of_changes(at, *at.me);
  return true;
}

answer set_info(step& at, const json& request) {
  if (const json* other = member(request, "bot")) {
    const auto who = at.peer(*other);
    if (!who || *who != at.me) {
      return refuse("BOT_INVALID");
    }
  }
  if (member(request, "name") != nullptr) {
    const auto name = text(request, "name");
    if (name.empty() || name.size() > 255) {
      return refuse("FIRSTNAME_INVALID");
    }
    at.me->first_name = name;
  }
  for (const char* field : {"about", "description"}) {
    if (member(request, field) != nullptr) {
      at.me->about = text(request, field).substr(0, 2048);
    }
  }
  tell_of_changes(at, *at.me);
  return true;
}

answer get_info(step& at, const json&) {
  json out = make("bots.botInfo");
  out["name"] = at.me->first_name;
  out["about"] = at.me->about;
  out["description"] = at.me->about;
  return out;
}

} // namespace

or_refusal<std::int64_t> click_button(step& at, account& user, const place& where,
                                      std::int32_t message, const std::string& data) {
  const message_record* found = at.in.data.find_message(user, where.id(), message);
  account* bot = found != nullptr ? at.in.data.find(found->from) : nullptr;
  if (bot == nullptr || !bot->bot || found->id_for(bot->id) == 0) {
    return refuse("MESSAGE_ID_INVALID");
  }
  if (where.in != nullptr && !where.in->is_channel() && !where.in->has(user.id)) {
    return refuse("CHAT_WRITE_FORBIDDEN", 403);
  }
  if (where.in != nullptr && !where.in->has(bot->id)) {
    return refuse("BOT_RESPONSE_TIMEOUT"); // it does not hear of the chat any more
  }
  if (!has_callback_data(found->markup, data)) {
    return refuse("DATA_INVALID");
  }
  if (at.in.clicks.size() >= most_waiting_clicks) {
    return refuse("BOT_RESPONSE_TIMEOUT");
  }
  std::int64_t query = 0;
  while (query == 0 || at.in.clicks.contains(query)) {
    query = at.in.random->integer<std::int64_t>() >> 11; // what a browser holds as a number
    query = query < 0 ? -query : query;
  }
  auto& click = at.in.clicks[query];
  click = {at.who, user.id, bot->id, found->number, data, at.now + at.in.options.callback_deadline};
  push_click(at, *bot, user, query, click);
  return query;
}

void repeat_clicks(step& at, account& bot) {
  for (const auto& [query, click] : at.in.clicks) {
    const account* user = click.bot == bot.id ? at.in.data.find(click.user) : nullptr;
    if (user != nullptr) {
      push_click(at, bot, *user, query, click);
    }
  }
}

void settle_click(outcome& out, std::int64_t query, const waiting_click& click, answer value) {
  page_events::click_answered told;
  told.query = static_cast<std::uint64_t>(query);
  if (value) {
    told.text = text(*value, "message");
    told.alert = flag(*value, "alert");
    told.url = text(*value, "url");
  } else {
    told.timed_out = true;
  }
  if (click.who.call == 0) {
    out.events.emplace_back(std::move(told));
  } else {
    out.settled.emplace_back(click.who, std::move(value));
  }
}

std::span<const method> bot_methods() {
  static constexpr method table[] = {
      {"messages.getBotCallbackAnswer", audience::person, get_callback_answer},
      {"messages.setBotCallbackAnswer", audience::bot, set_callback_answer},
      {"bots.setBotCommands", audience::bot, set_commands},
      {"bots.getBotCommands", audience::bot, get_commands},
      {"bots.resetBotCommands", audience::bot, reset_commands},
      {"bots.setBotInfo", audience::bot, set_info},
      {"bots.getBotInfo", audience::bot, get_info},
  };
  return table;
}

} // namespace cafegram::sandbox
