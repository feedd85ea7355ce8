#include "world_support.hpp"

namespace cafegram {
namespace {

using sandbox::json;

class world_bots : public test::world_test {
protected:
  void SetUp() override {
    world_test::SetUp();
    bot = log_in_bot();
    bob = log_in_person("15550100", "Bob");
    to_bot = peer(bob, "sandbox_1000001_bot");
    call(bob, text_to(to_bot, "/start"));
    to_bob = pushed(bot, "updateNewMessage")["message"]["from_id"];
    to_bob["_"] = "inputPeerUser";
    to_bob["access_hash"] = 0;
  }

  /// Sends a message with buttons; its id in Bob's box.
  json with_buttons(std::string_view markup) {
    json message = text_to(to_bob, "choose");
    message["reply_markup"] = parse(markup);
    call(bot, message);
    return pushed(bob, "updateNewMessage")["message"];
  }

  json click(const json& message, std::string_view data = "eWVz") {
    json out = sandbox::make("messages.getBotCallbackAnswer");
    out["peer"] = to_bot;
    out["msg_id"] = message["id"];
    out["data"] = data;
    return out;
  }

  static constexpr std::string_view flat = R"({"_":"replyInlineMarkup","rows":[
    {"_":"keyboardButtonRow","buttons":[
      {"_":"keyboardButtonCallback","text":"Yes","data":"eWVz"}]}]})";
  static constexpr std::string_view nested = R"({"_":"replyInlineMarkup","rows":[
    {"_":"keyboardInlineButtonRow","buttons":[
      {"_":"keyboardInlineButton","text":"Yes",
       "type":{"_":"inlineButtonTypeCallback","data":"eWVz"}}]}]})";

  std::uint64_t bot = 0;
  std::uint64_t bob = 0;
  json to_bot;
  json to_bob;
};

TEST_F(world_bots, a_click_is_answered) {
  const json message = with_buttons(flat);
  begin(bob, click(message));
  const std::uint64_t waiting = last_call;
  const json query = pushed(bot, "updateBotCallbackQuery");
  EXPECT_EQ(query["data"], "eWVz");
  EXPECT_EQ(query["user_id"], to_bob["user_id"]);
  json reply = sandbox::make("messages.setBotCallbackAnswer");
  reply["query_id"] = query["query_id"];
  reply["message"] = "Done";
  reply["alert"] = true;
  reply["cache_time"] = 0;
  EXPECT_EQ(call(bot, reply), json(true));
  ASSERT_EQ(effects.settled.size(), 1u);
  EXPECT_EQ(effects.settled[0].who.call, waiting);
  EXPECT_EQ(effects.settled[0].who.key, bob);
  ASSERT_TRUE(effects.settled[0].value);
  check(*effects.settled[0].value, "messages.BotCallbackAnswer");
  EXPECT_EQ((*effects.settled[0].value)["message"], "Done");
  EXPECT_EQ(refused(bot, reply), "400 QUERY_ID_INVALID") << "answered already";
}

TEST_F(world_bots, a_click_without_an_answer_ends) {
  begin(bob, click(with_buttons(flat)));
  ASSERT_TRUE(world->next_deadline());
  EXPECT_TRUE(world->poll(clock.wall_now()).settled.empty());
  clock.advance(std::chrono::seconds{15});
  EXPECT_LE(*world->next_deadline(), clock.wall_now());
  const auto ended = world->poll(clock.wall_now());
  ASSERT_EQ(ended.settled.size(), 1u);
  ASSERT_FALSE(ended.settled[0].value);
  EXPECT_EQ(ended.settled[0].value.error().text, "BOT_RESPONSE_TIMEOUT");
  EXPECT_FALSE(world->next_deadline());
}

TEST_F(world_bots, a_click_that_waits_is_told_to_who_comes_back) {
  begin(bob, click(with_buttons(flat)));
  const json query = pushed(bot, "updateBotCallbackQuery");
  const auto other = log_in_bot();
  effects = world->came_back(other, clock.wall_now());
  EXPECT_EQ(pushed(other, "updateBotCallbackQuery"), query);
  EXPECT_TRUE(pushed(bot, "updateBotCallbackQuery").is_null()) << "it has been told";
  EXPECT_TRUE(world->came_back(bob, clock.wall_now()).pushes.empty()) << "it is not for people";
  EXPECT_TRUE(world->came_back(log_in_bot("1000002:AAAbbbCCC"), clock.wall_now()).pushes.empty())
      << "nor for other bots";
  clock.advance(std::chrono::seconds{15});
  world->poll(clock.wall_now());
  EXPECT_TRUE(world->came_back(other, clock.wall_now()).pushes.empty()) << "Bob has his error";
}

TEST_F(world_bots, the_waiting_calls_of_a_session_go_with_it) {
  begin(bob, click(with_buttons(flat)));
  world->drop_session(bob, bob + 1);
  EXPECT_TRUE(world->next_deadline());
  world->drop_session(bob, bob);
  EXPECT_FALSE(world->next_deadline());
}

TEST_F(world_bots, an_answer_may_be_kept) {
  const json message = with_buttons(flat);
  begin(bob, click(message));
  json reply = sandbox::make("messages.setBotCallbackAnswer");
  reply["query_id"] = pushed(bot, "updateBotCallbackQuery")["query_id"];
  reply["message"] = "Kept";
  reply["cache_time"] = 60;
  call(bot, reply);
  EXPECT_EQ(call(bob, click(message))["message"], "Kept");
  clock.advance(std::chrono::seconds{60});
  begin(bob, click(message));
}

TEST_F(world_bots, only_what_is_there_can_be_clicked) {
  const json message = with_buttons(flat);
  EXPECT_EQ(refused(bob, click(message, "bm8=")), "400 DATA_INVALID");
  json wrong = click(message);
  wrong["msg_id"] = 1;
  EXPECT_EQ(refused(bob, wrong), "400 MESSAGE_ID_INVALID") << "Bob's own message";
}

TEST_F(world_bots, both_ways_of_saying_a_button_are_one) {
  EXPECT_EQ(with_buttons(flat)["reply_markup"], with_buttons(nested)["reply_markup"]);
  const auto& codec = test::newest_layer().codec(0);
  const json seen = sandbox::in_layer(with_buttons(flat), codec, "Message");
  EXPECT_EQ(seen["reply_markup"], parse(nested));
}

TEST_F(world_bots, buttons_are_checked) {
  const auto refusal = [this](std::string_view markup) {
    json message = text_to(to_bob, "choose");
    message["reply_markup"] = parse(markup);
    return refused(bot, message);
  };
  const auto in_line = [](std::string_view button) {
    return fmt::format(R"({{"_":"replyInlineMarkup","rows":[{{"_":"keyboardButtonRow",
                           "buttons":[{}]}}]}})",
                       button);
  };
  EXPECT_EQ(refusal(in_line(R"({"_":"keyboardButtonCallback","text":"x","data":""})")),
            "400 BUTTON_DATA_INVALID");
  const std::string long_data = to_base64(bytes(65));
  EXPECT_EQ(refusal(in_line(fmt::format(
                R"({{"_":"keyboardButtonCallback","text":"x","data":"{}"}})", long_data))),
            "400 BUTTON_DATA_INVALID");
  EXPECT_EQ(refusal(in_line(R"({"_":"keyboardButtonUrl","text":"x","url":"nowhere"})")),
            "400 BUTTON_URL_INVALID");
  EXPECT_EQ(refusal(in_line(R"({"_":"keyboardButtonUrl","text":"","url":"https://a.b"})")),
            "400 BUTTON_TEXT_INVALID");
  EXPECT_EQ(refusal(in_line(R"({"_":"keyboardButton","text":"x"})")), "400 BUTTON_TYPE_INVALID");
  EXPECT_EQ(refusal(R"({"_":"replyKeyboardMarkup","rows":[]})"), "400 REPLY_MARKUP_INVALID");
}

TEST_F(world_bots, a_keyboard_can_be_edited_away) {
  with_buttons(flat);
  json edit = sandbox::make("messages.editMessage");
  edit["peer"] = to_bob;
  edit["id"] = 2;
  call(bot, edit);
  const json seen = pushed(bob, "updateEditMessage")["message"];
  EXPECT_FALSE(seen.contains("reply_markup"));
  EXPECT_EQ(seen["message"], "choose");
  EXPECT_EQ(seen["edit_hide"], true) << "nobody is told that a keyboard changed";
}

TEST_F(world_bots, people_send_no_keyboards) {
  json message = text_to(to_bot, "x");
  message["reply_markup"] = parse(flat);
  const json sent = call(bob, message);
  EXPECT_FALSE(sent["updates"][1]["message"].contains("reply_markup"));
}

TEST_F(world_bots, commands_and_description) {
  json set = parse(R"({"_":"bots.setBotCommands","scope":{"_":"botCommandScopeDefault"},
    "lang_code":"","commands":[{"_":"botCommand","command":"help","description":"Helps"}]})");
  EXPECT_EQ(call(bot, set), json(true));
  EXPECT_EQ(call(bot, set), json(false)) << "as they were";
  EXPECT_EQ(call(bot, R"({"_":"bots.getBotCommands","scope":{"_":"botCommandScopeDefault"},
                          "lang_code":""})"),
            set["commands"]);
  set["commands"][0]["command"] = "Not a command";
  EXPECT_EQ(refused(bot, set), "400 BOT_COMMAND_INVALID");
  call(bot, R"({"_":"bots.setBotInfo","lang_code":"","name":"Echo","description":"Echoes"})");
  EXPECT_EQ(call(bot, R"({"_":"bots.getBotInfo","lang_code":""})")["name"], "Echo");
  sandbox::page_state state;
  world->describe(state, clock.wall_now());
  const auto shown = std::ranges::find(state.users, test::echo_id, &sandbox::page_user::id);
  ASSERT_NE(shown, state.users.end());
  EXPECT_EQ(shown->name, "Echo");
  ASSERT_EQ(shown->commands.size(), 1u);
  EXPECT_EQ(shown->commands[0].command, "help");
  call(bot, R"({"_":"bots.resetBotCommands","scope":{"_":"botCommandScopeDefault"},
                "lang_code":""})");
}

} // namespace
} // namespace cafegram
