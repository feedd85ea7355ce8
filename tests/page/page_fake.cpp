#include "page_fake.hpp"

#include <algorithm>
#include <string_view>

namespace cafegram::test {

using namespace std::chrono_literals;
using namespace sandbox;

namespace {

/// Where `part` stands in `text`. Both ASCII up to there, so octets are UTF-16 units.
page_entity mark(const char* type, std::string_view text, std::string_view part) {
  return {.type = type,
          .offset = static_cast<std::int32_t>(text.find(part)),
          .length = static_cast<std::int32_t>(part.size()),
          .url = {},
          .language = {},
          .user_id = 0};
}

page_button callback(const char* text, std::string_view data) {
  return {"keyboardButtonCallback", text, {}, to_bytes(as_bytes(data))};
}

page_button url(const char* text, const char* address) {
  return {"keyboardButtonUrl", text, address, {}};
}

page_button plain(const char* text) {
  return {"keyboardButton", text, {}, {}};
}

page_markup menu() {
  return {.type = "replyInlineMarkup",
          .rows = {{callback("Flat white", "white"), callback("Espresso", "espresso")},
                   {url("The menu", "https://example.org/menu")}},
          .single_use = false,
          .placeholder = {}};
}

page_user make_bot(std::int64_t id, const char* name, const char* username, const char* about) {
  page_user out;
  out.id = id;
  out.name = name;
  out.username = username;
  out.about = about;
  out.bot = true;
  out.commands = {{"start", "begin here"},
                  {"survey", "three short questions"},
                  {"settings", "language and notifications"},
                  {"help", "what this bot can do"}};
  return out;
}

constexpr const char* tour = "Formatting, all at once: bold, italic, underlined, struck, "
                             "inline code, a link, @alice_sandbox and a secret.\n"
                             "A cup of coffee is a solution.\n"
                             "co_await ctx.reply(\"hi\");\nco_return;\n";

std::vector<page_entity> tour_entities() {
  const std::string_view text = tour;
  auto link = mark("messageEntityTextUrl", text, "a link");
  link.url = "https://example.org/";
  auto code = mark("messageEntityPre", text, "co_await ctx.reply(\"hi\");\nco_return;");
  code.language = "cpp";
  return {mark("messageEntityBold", text, "bold"),
          mark("messageEntityItalic", text, "italic"),
          mark("messageEntityUnderline", text, "underlined"),
          mark("messageEntityStrike", text, "struck"),
          mark("messageEntityCode", text, "inline code"),
          std::move(link),
          mark("messageEntityMention", text, "@alice_sandbox"),
          mark("messageEntitySpoiler", text, "a secret"),
          mark("messageEntityBlockquote", text, "A cup of coffee is a solution."),
          std::move(code)};
}

} // namespace

page_fake::page_fake(std::shared_ptr<page_feed> feed, wall_time now, bool furnished)
  : feed_{std::move(feed)}
  , now_{now} {
  state_.address = "127.0.0.1:10443";
  state_.dc = 2;
  state_.layer = 228;
  state_.layers = {144, 198, 227, 228};
  state_.rsa_fingerprint = "c3b42b026ce86b21";
  state_.started = now - 2h;
  state_.users = {
      make_bot(bot, "Barista", "barista_bot", "Repeats what you say, and takes orders.")};
  if (furnished) {
    furnish();
    furnish_groups();
    furnish_wire();
  }
}

void page_fake::furnish() {
  state_.users[0].online = true;
  state_.users.push_back(make_bot(quiet_bot, "Night Watch", "watch_bot", "Watches. Says little."));
  page_user person;
  person.id = ada;
  person.name = "Ada Lovelace";
  person.username = "ada";
  person.phone = "9996620001";
  state_.users.push_back(person);
  person.id = alice;
  person.name = "Alice";
  person.username = "alice_sandbox";
  person.phone = "9996620002";
  person.about = "Answers whatever you write.";
  person.scripted = true;
  state_.users.push_back(person);

  now_ -= 26h;
  add(ada, alice, true, "Is the kettle on?").delivery = page_delivery::read;
  add(ada, alice, false, "Always. You said: Is the kettle on?");
  now_ += 25h + 30min;
  auto& start = add(ada, bot, true, "/start");
  start.delivery = page_delivery::read;
  start.entities = {mark("messageEntityBotCommand", start.text, "/start")};
  auto& hello = add(ada, bot, false, "Good morning, Ada! What may I bring you?");
  hello.entities = {mark("messageEntityBold", hello.text, "Good morning, Ada!")};
  hello.markup = menu();
  now_ += 3min;
  auto& order = add(ada, bot, true, "Surprise me, but show me everything you can do first.");
  order.delivery = page_delivery::read;
  order.edited = now_ + 20s;
  auto& shown = add(ada, bot, false, tour);
  shown.entities = tour_entities();
  shown.reply_to = order.id;
  now_ += 1min;
  add(ada, bot, true, "Lovely. \xE2\x98\x95");
  now_ += 25min;
}

void page_fake::furnish_wire() {
  page_connection wire{.id = 3,
                       .remote = "127.0.0.1:51544",
                       .framing = "intermediate",
                       .obfuscated = true,
                       .dc = 2,
                       .key = "9f2c51d07be3a864",
                       .layer = 228,
                       .user_id = bot,
                       .client = "cafegram 0.1.0, Debian 12",
                       .opened = now_ - 47min,
                       .bytes_in = 18'344,
                       .bytes_out = 941'207,
                       .calls = 412};
  state_.connections.push_back(wire);
  wire.id = 5;
  wire.remote = "127.0.0.1:51602";
  wire.framing = "abridged";
  wire.obfuscated = false;
  wire.layer = 198;
  wire.key = "04be77a1c20d93f5";
  wire.user_id = quiet_bot;
  wire.client = "gramjs 2.26.22, Linux";
  wire.calls = 17;
  state_.connections.push_back(wire);
  state_.keys = {{"9f2c51d07be3a864", now_ - 47min, false, 228, bot, 2},
                 {"04be77a1c20d93f5", now_ - 12min, false, 198, quiet_bot, 1}};
  state_.methods = {{"messages.sendMessage", 212, 0},
                    {"updates.getDifference", 96, 0},
                    {"help.getConfig", 9, 0},
                    {"users.getUsers", 41, 2},
                    {"auth.importBotAuthorization", 3, 1}};
  state_.codes = {{"9996620001", "52117", now_ - 9min}};
  call("auth.importBotAuthorization", {}, 1'840);
  call("updates.getState", {}, 212);
  call("users.getUsers", "400 USER_ID_INVALID", 97);
  call("stickers.suggestShortName", "400 SANDBOX_METHOD_MISSING", 61);
  call("messages.setBotCallbackAnswer", {}, 388);
  call("messages.sendMessage", {}, 640);
}

void page_fake::call(const std::string& method, const std::string& failure, int micros) {
  now_ += 731ms;
  const page_call made{now_, 3, method, failure, std::chrono::microseconds{micros}};
  state_.calls.push_back(made);
  if (failure.contains("MISSING")) {
    state_.missing.push_back({method, 1, 1});
  }
  feed_->publish(page_events::call_done{made});
}

page_message& page_fake::add(std::int64_t owner, std::int64_t peer, bool out, std::string text) {
  page_message message;
  message.id = next_message_++;
  message.from = out ? owner : peer;
  message.out = out;
  message.date = now_;
  message.text = std::move(text);
  auto& chat = chats_[{owner, peer}];
  chat.push_back(std::move(message));
  return chat.back();
}

void page_fake::tell_new(const chat_key& chat, const page_message& message) {
  feed_->publish(page_events::message_new{chat.first, chat.second, message});
}

result<page_state> page_fake::state() {
  const std::lock_guard lock{mutex_};
  auto out = state_;
  for (const auto& [key, list] : chats_) {
    page_chat chat{.owner = key.first, .peer = key.second, .unread = 0, .last = std::nullopt};
    if (!list.empty()) {
      chat.last = list.back();
    }
    out.chats.push_back(std::move(chat));
  }
  return out;
}

result<std::vector<page_message>> page_fake::messages(std::int64_t owner, std::int64_t peer,
                                                      std::int32_t before, std::int32_t limit) {
  const std::lock_guard lock{mutex_};
  if (!is_known(peer)) {
    return fail(errc::not_found, "there is no such user");
  }
  std::vector<page_message> out;
  std::ranges::copy_if(chats_[{owner, peer}], std::back_inserter(out),
                       [before](const page_message& m) { return before == 0 || m.id < before; });
  const auto room = static_cast<std::size_t>(limit);
  if (out.size() > room) {
    out.erase(out.begin(), out.end() - limit);
  }
  return out;
}

result<page_message> page_fake::send(const page_text& text) {
  const std::lock_guard lock{mutex_};
  if (!is_known(text.to)) {
    return fail(errc::not_found, "there is no such user");
  }
  auto& mine = add(text.as, text.to, true, text.text);
  mine.entities = text.entities;
  mine.reply_to = text.reply_to;
  mine.delivery = text.to == bot ? page_delivery::read : page_delivery::sent;
  const auto sent = mine;
  tell_new({text.as, text.to}, sent);
  if (text.to == bot) {
    answer(text);
  }
  return sent;
}

void page_fake::answer(const page_text& text) {
  feed_->publish(page_events::typing{text.as, bot, true});
  if (text.text == "/think") {
    return; // goes on typing
  }
  call("messages.sendMessage", {}, 512);
  auto& said = add(text.as, bot, false, "Echo: " + text.text);
  said.entities = text.entities;
  for (auto& entity : said.entities) {
    entity.offset += 6;
  }
  if (text.text == "/start") {
    said.text = "Welcome! What may I bring you?";
    said.markup = menu();
  }
  if (text.text == "/survey") {
    said.text = "How do you take it?";
    said.markup = page_markup{.type = "replyKeyboardMarkup",
                              .rows = {{plain("Black"), plain("With milk")}, {plain("Not at all")}},
                              .single_use = true,
                              .placeholder = "Pick one, or write"};
  }
  tell_new({text.as, bot}, said);
}

result<page_message> page_fake::edit(std::int32_t message, const page_text& text) {
  const std::lock_guard lock{mutex_};
  auto& chat = chats_[{text.as, text.to}];
  const auto at = std::ranges::find(chat, message, &page_message::id);
  if (at == chat.end() || !at->out) {
    return fail(errc::not_found, "there is no such message of yours");
  }
  at->text = text.text;
  at->entities = text.entities;
  at->edited = now_;
  feed_->publish(page_events::message_edited{text.as, text.to, *at});
  return *at;
}

result<void> page_fake::remove(std::int64_t as, std::int64_t chat, std::int32_t message) {
  const std::lock_guard lock{mutex_};
  if (std::erase_if(chats_[{as, chat}], [message](const auto& m) { return m.id == message; }) ==
      0) {
    return fail(errc::not_found, "there is no such message");
  }
  feed_->publish(page_events::messages_deleted{as, chat, {message}});
  return {};
}

result<void> page_fake::mark_read(std::int64_t, std::int64_t, std::int32_t) {
  return {};
}

result<std::uint64_t> page_fake::click(const page_click& click) {
  const std::lock_guard lock{mutex_};
  ++clicks_;
  clicked_ = click.data;
  const auto query = next_query_++;
  page_events::click_answered answer{query, "One flat white, coming up.", false, {}, false};
  if (as_text(click.data) == "espresso") {
    answer.text = "Sorry, the machine is being cleaned. Try again in ten minutes.";
    answer.alert = true;
  }
  feed_->publish(answer);
  return query;
}

result<page_user> page_fake::create_user(const std::string& name, const std::string& username) {
  const std::lock_guard lock{mutex_};
  if (!username.empty() &&
      std::ranges::find(state_.users, username, &page_user::username) != state_.users.end()) {
    return fail(errc::bad_argument, "this username is taken");
  }
  page_user user;
  user.id = 6000 + static_cast<std::int64_t>(state_.users.size());
  user.name = name;
  user.username = username;
  state_.users.push_back(user);
  feed_->publish(page_events::user_changed{user});
  return user;
}

std::pair<int, bytes> page_fake::clicks() const {
  const std::lock_guard lock{mutex_};
  return {clicks_, clicked_};
}

} // namespace cafegram::test
