#include "world_support.hpp"

namespace cafegram {
namespace {

using sandbox::json;

class world_page : public test::world_test {
protected:
  void SetUp() override {
    world_test::SetUp();
    bot = log_in_bot();
    auto made = world->create_person("Dora Explorer", "dora", clock.wall_now());
    ASSERT_TRUE(made.value) << to_string(made.value.error());
    dora = made.value->id;
  }

  sandbox::page_message send(const std::string& text) {
    auto sent = world->send({dora, test::echo_id, text, {}, 0}, clock.wall_now());
    EXPECT_TRUE(sent.value) << to_string(sent.value.error());
    effects = std::move(sent.effects);
    return sent.value.value_or(sandbox::page_message{});
  }

  template <class T>
  const T* event() const {
    for (const auto& one : effects.events) {
      if (const auto* found = std::get_if<T>(&one)) {
        return found;
      }
    }
    return nullptr;
  }

  json bots_view_of_dora() {
    json out = sandbox::make("inputPeerUser");
    out["user_id"] = dora;
    out["access_hash"] = 0;
    return out;
  }

  std::uint64_t bot = 0;
  sandbox::account_id dora = 0;
};

TEST_F(world_page, a_person_talks_to_a_bot) {
  const auto sent = send("**hello**");
  EXPECT_EQ(sent.id, 1);
  EXPECT_TRUE(sent.out);
  EXPECT_EQ(pushed(bot, "updateNewMessage")["message"]["message"], "**hello**");
  EXPECT_EQ(
      std::ranges::count_if(effects.events,
                            [](const auto& one) {
                              return std::holds_alternative<sandbox::page_events::message_new>(one);
                            }),
      2)
      << "one for each side";
  call(bot, text_to(bots_view_of_dora(), "hi"));
  const auto* seen = event<sandbox::page_events::message_new>();
  ASSERT_NE(seen, nullptr);
  const auto all = world->messages(dora, test::echo_id, 0, 10);
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ(all->at(0).text, "**hello**");
  EXPECT_EQ(all->at(1).from, test::echo_id);
  EXPECT_EQ(world->messages(dora, test::echo_id, 2, 10)->size(), 1u);
  sandbox::page_state state;
  world->describe(state, clock.wall_now());
  const auto chat = std::ranges::find(state.chats, dora, &sandbox::page_chat::owner);
  ASSERT_NE(chat, state.chats.end());
  EXPECT_EQ(chat->unread, 1);
  EXPECT_EQ(chat->last->text, "hi");
  EXPECT_EQ(state.keys.size(), 1u);
}

TEST_F(world_page, edit_remove_and_read) {
  const auto sent = send("one");
  auto edited = world->edit(sent.id, {dora, test::echo_id, "two", {}, 0}, clock.wall_now());
  ASSERT_TRUE(edited.value);
  EXPECT_TRUE(edited.value->edited);
  effects = edited.effects;
  EXPECT_EQ(pushed(bot, "updateEditMessage")["message"]["message"], "two");
  const auto same = world->edit(sent.id, {dora, test::echo_id, "two", {}, 0}, clock.wall_now());
  ASSERT_FALSE(same.value);
  EXPECT_TRUE(same.value.error().is_rpc("MESSAGE_NOT_MODIFIED"));
  call(bot, text_to(bots_view_of_dora(), "hi"));
  ASSERT_TRUE(world->mark_read(dora, test::echo_id, 2, clock.wall_now()).value);
  sandbox::page_state state;
  world->describe(state, clock.wall_now());
  EXPECT_EQ(std::ranges::find(state.chats, dora, &sandbox::page_chat::owner)->unread, 0);
  EXPECT_EQ(world->messages(dora, test::echo_id, 0, 10)->back().delivery,
            sandbox::page_delivery::read);
  auto removed = world->remove(dora, test::echo_id, sent.id, clock.wall_now());
  ASSERT_TRUE(removed.value);
  effects = removed.effects;
  EXPECT_FALSE(pushed(bot, "updateDeleteMessages").is_null());
  const auto gone = world->remove(dora, test::echo_id, sent.id, clock.wall_now());
  EXPECT_EQ(gone.value.error().code, errc::not_found);
}

TEST_F(world_page, clicks) {
  send("/start");
  json message = text_to(bots_view_of_dora(), "choose");
  message["reply_markup"] = parse(R"({"_":"replyInlineMarkup","rows":[{"_":"keyboardButtonRow",
    "buttons":[{"_":"keyboardButtonCallback","text":"Yes","data":"eWVz"}]}]})");
  call(bot, message);
  const auto shown = world->messages(dora, test::echo_id, 0, 1)->at(0);
  ASSERT_TRUE(shown.markup);
  const auto& button = shown.markup->rows.at(0).at(0);
  EXPECT_EQ(button.type, "keyboardButtonCallback");
  auto clicked = world->click({dora, test::echo_id, shown.id, button.data}, clock.wall_now());
  ASSERT_TRUE(clicked.value);
  EXPECT_LT(*clicked.value, 1ull << 53) << "a browser's number";
  effects = clicked.effects;
  json reply = sandbox::make("messages.setBotCallbackAnswer");
  reply["query_id"] = pushed(bot, "updateBotCallbackQuery")["query_id"];
  reply["message"] = "Done";
  reply["cache_time"] = 0;
  call(bot, reply);
  EXPECT_TRUE(effects.settled.empty());
  const auto* told = event<sandbox::page_events::click_answered>();
  ASSERT_NE(told, nullptr);
  EXPECT_EQ(told->query, *clicked.value);
  EXPECT_EQ(told->text, "Done");

  ASSERT_TRUE(world->click({dora, test::echo_id, shown.id, button.data}, clock.wall_now()).value);
  clock.advance(std::chrono::seconds{15});
  effects = world->poll(clock.wall_now());
  ASSERT_NE(event<sandbox::page_events::click_answered>(), nullptr);
  EXPECT_TRUE(event<sandbox::page_events::click_answered>()->timed_out);
}

TEST_F(world_page, refusals_have_their_kind) {
  const auto now = clock.wall_now();
  EXPECT_EQ(world->create_person("", "", now).value.error().code, errc::bad_argument);
  EXPECT_EQ(world->create_person("X", "dora", now).value.error().code, errc::bad_argument);
  EXPECT_EQ(world->create_person("X", "no name", now).value.error().code, errc::bad_argument);
  EXPECT_EQ(world->send({test::echo_id, dora, "x", {}, 0}, now).value.error().code,
            errc::bad_argument)
      << "a bot speaks for itself";
  EXPECT_EQ(world->send({1, dora, "x", {}, 0}, now).value.error().code, errc::not_found);
  EXPECT_TRUE(
      world->send({dora, test::echo_id, " ", {}, 0}, now).value.error().is_rpc("MESSAGE_EMPTY"));
  EXPECT_EQ(world->messages(1, dora, 0, 10).error().code, errc::not_found);
}

TEST_F(world_page, people_have_ids_that_no_bot_has) {
  log_in_bot(fmt::format("{}:x", dora + 1));
  const auto now = clock.wall_now();
  EXPECT_EQ(world->create_person("Ann", "ann", now).value->id, dora + 2);
  EXPECT_EQ(world->create_person("Bob", "bob", now).value->id, dora + 3);
}

TEST_F(world_page, codes_are_shown) {
  send_code(new_key(), "15550100");
  sandbox::page_state state;
  world->describe(state, clock.wall_now());
  ASSERT_EQ(state.codes.size(), 1u);
  EXPECT_EQ(state.codes[0].code, shown_code());
  clock.advance(std::chrono::seconds{301});
  state = {};
  world->describe(state, clock.wall_now());
  EXPECT_TRUE(state.codes.empty());
}

TEST_F(world_page, groups_are_made_and_written_in) {
  const auto now = clock.wall_now();
  auto made = world->create_group(
      {dora, sandbox::page_group_kind::group, "Friends", {}, {test::echo_id}}, now);
  ASSERT_TRUE(made.value) << to_string(made.value.error());
  EXPECT_LT(made.value->id, 0);
  EXPECT_EQ(made.value->size, 2);
  effects = std::move(made.effects);
  EXPECT_FALSE(pushed(bot, "updateNewMessage").is_null());
  ASSERT_NE(event<sandbox::page_events::group_changed>(), nullptr);
  const auto group = made.value->id;
  auto sent = world->send({dora, group, "/hello", {}, 0}, now);
  ASSERT_TRUE(sent.value);
  effects = std::move(sent.effects);
  EXPECT_EQ(pushed(bot, "updateNewMessage")["message"]["message"], "/hello");
  json to_group = sandbox::make("inputPeerChat");
  to_group["chat_id"] = -group;
  call(bot, text_to(to_group, "hello"));
  const auto all = world->messages(dora, group, 0, 10);
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 3u);
  EXPECT_TRUE(all->at(0).service);
  EXPECT_EQ(all->at(0).text, "Dora Explorer made the group “Friends”");
  EXPECT_EQ(all->at(2).from, test::echo_id);
  EXPECT_EQ(all->at(2).text, "hello");
  sandbox::page_state state;
  world->describe(state, now);
  ASSERT_EQ(state.groups.size(), 1u);
  EXPECT_EQ(state.groups[0].title, "Friends");
  const auto chat = std::ranges::find(state.chats, group, &sandbox::page_chat::peer);
  ASSERT_NE(chat, state.chats.end());
  EXPECT_EQ(chat->last->text, "hello");
  const auto ann = world->create_person("Ann", "ann", now).value->id;
  auto more = world->change_member({dora, group, ann, sandbox::page_member_change::add}, now);
  ASSERT_TRUE(more.value);
  EXPECT_EQ(more.value->size, 3);
  EXPECT_TRUE(world->change_member({ann, group, dora, sandbox::page_member_change::remove}, now)
                  .value.error()
                  .is_rpc("CHAT_ADMIN_REQUIRED"));
  EXPECT_EQ(world->change_member({dora, -17, ann, sandbox::page_member_change::add}, now)
                .value.error()
                .code,
            errc::not_found);
  EXPECT_EQ(world->send({dora, -17, "x", {}, 0}, now).value.error().code, errc::not_found);
  more = world->change_member({dora, group, ann, sandbox::page_member_change::promote}, now);
  ASSERT_TRUE(more.value);
  effects = std::move(more.effects);
  EXPECT_EQ(pushed(bot, "updateChatParticipantAdmin")["user_id"], ann);
}

TEST_F(world_page, nobody_comes_into_what_it_may_not_see) {
  const auto now = clock.wall_now();
  using enum sandbox::page_member_change;
  const auto room =
      world->create_group({dora, sandbox::page_group_kind::supergroup, "Plans", {}, {}}, now)
          .value->id;
  const auto ann = world->create_person("Ann", "ann", now).value->id;
  const auto comes_in = [&](sandbox::peer_id where) {
    return world->change_member({ann, where, ann, add}, now).value;
  };
  EXPECT_TRUE(comes_in(room).error().is_rpc("CHANNEL_PRIVATE"));
  const auto open =
      world->create_group({dora, sandbox::page_group_kind::supergroup, "Open", "open", {}}, now)
          .value->id;
  EXPECT_TRUE(comes_in(open));
  ASSERT_TRUE(world->change_member({dora, open, ann, remove}, now).value);
  EXPECT_TRUE(comes_in(open).error().is_rpc("CHANNEL_PRIVATE")) << "banned";
}

TEST_F(world_page, channels_have_names_and_admins) {
  const auto now = clock.wall_now();
  using enum sandbox::page_group_kind;
  auto made = world->create_group({dora, channel, "News", "news", {test::echo_id}}, now);
  ASSERT_TRUE(made.value) << to_string(made.value.error());
  const auto& members = made.value->members;
  const auto own = std::ranges::find(members, test::echo_id, &sandbox::page_member::user);
  ASSERT_NE(own, members.end());
  EXPECT_TRUE(own->admin) << "the bot posts";
  auto sent = world->send({dora, made.value->id, "post", {}, 0}, now);
  ASSERT_TRUE(sent.value);
  EXPECT_EQ(sent.value->from, made.value->id) << "a post is the channel's";
  effects = std::move(sent.effects);
  EXPECT_EQ(pushed(bot, "updateNewChannelMessage")["message"]["post"], true);
  const auto ann = world->create_person("Ann", "ann", now).value->id;
  using enum sandbox::page_member_change;
  ASSERT_TRUE(world->change_member({ann, made.value->id, ann, add}, now).value) << "comes in";
  EXPECT_TRUE(world->send({ann, made.value->id, "x", {}, 0}, now)
                  .value.error()
                  .is_rpc("CHAT_WRITE_FORBIDDEN"));
  ASSERT_TRUE(world->change_member({dora, made.value->id, ann, promote}, now).value);
  EXPECT_TRUE(world->send({ann, made.value->id, "an admin's", {}, 0}, now).value);
  EXPECT_EQ(world->create_group({dora, channel, "N", "news", {}}, now).value.error().code,
            errc::bad_argument);
  EXPECT_EQ(world->create_group({dora, group, "N", "friends", {}}, now).value.error().code,
            errc::bad_argument);
  EXPECT_TRUE(world->create_group({dora, group, " ", {}, {}}, now)
                  .value.error()
                  .is_rpc("CHAT_TITLE_EMPTY"));
}

TEST_F(world_page, admins_are_in_the_list_of_a_large_channel) {
  const auto now = clock.wall_now();
  std::vector<sandbox::account_id> readers;
  for (int i = 0; i < 250; ++i) {
    readers.push_back(world->create_person(fmt::format("Reader {}", i), {}, now).value->id);
  }
  const auto editor = world->create_person("Editor", "editor", now).value->id;
  const auto made = world->create_group(
      {editor, sandbox::page_group_kind::channel, "News", "news", readers}, now);
  ASSERT_TRUE(made.value) << to_string(made.value.error());
  EXPECT_EQ(made.value->size, 251);
  ASSERT_EQ(made.value->members.size(), 200u);
  EXPECT_EQ(made.value->members.front().user, editor);
  EXPECT_TRUE(made.value->members.front().writes);
  EXPECT_FALSE(made.value->members.back().writes);
}

TEST_F(world_page, a_load_of_chats) {
  const auto now = clock.wall_now();
  auto made = world->create_load({test::echo_id, 1000, 10}, now);
  ASSERT_TRUE(made.value) << to_string(made.value.error());
  ASSERT_EQ(made.value->size(), 1000u);
  std::map<int, int> kinds;
  for (const auto& one : *made.value) {
    const int what = sandbox::is_user(one.chat) ? 0 : sandbox::is_channel(one.chat) ? 2 : 1;
    ++kinds[what];
  }
  EXPECT_EQ(kinds, (std::map<int, int>{{0, 250}, {1, 250}, {2, 500}}));
  for (std::size_t i = 0; i < 8; ++i) {
    const auto& one = made.value->at(i);
    auto sent = world->send({one.writer, one.chat, "no command", {}, 0}, now);
    ASSERT_TRUE(sent.value) << to_string(sent.value.error());
    effects = std::move(sent.effects);
    EXPECT_EQ(all_pushed(bot, "updateNewMessage").size() +
                  all_pushed(bot, "updateNewChannelMessage").size(),
              1u)
        << i;
  }
  EXPECT_EQ(world->create_load({1, 10, 1}, now).value.error().code, errc::not_found);
  EXPECT_EQ(world->create_load({test::echo_id, 0, 1}, now).value.error().code, errc::bad_argument);
}

} // namespace
} // namespace cafegram
