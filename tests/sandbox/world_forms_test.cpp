#include "rooms_support.hpp"

/// The forms in which Telegram tells things: short ones, `min` constructors, `seq`.
namespace cafegram {
namespace {

using sandbox::json;
using sandbox::kind;
using sandbox::number;

class world_forms : public test::rooms_test {
protected:
  void SetUp() override {
    open(sandbox::make_memory_store(), {});
    meet();
  }

  json only_container(std::uint64_t key) {
    const auto all = containers(key);
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? json::object() : all.front();
  }
};

TEST_F(world_forms, a_plain_message_to_somebody_known_is_short) {
  const json to_bob = peer(ann, "bob");
  call(ann, text_to(to_bob, "who are you?"));
  EXPECT_EQ(kind(only_container(bob)), "updates") << "Bob has to be told who Ann is";
  json message = text_to(to_bob, "it is **me**");
  message["entities"] = parse(R"([{"_":"messageEntityBold","offset":6,"length":6}])");
  message["reply_to"] = parse(R"({"_":"inputReplyToMessage","reply_to_msg_id":1})");
  const json sent = call(ann, message);
  EXPECT_EQ(kind(sent), "updateShortSentMessage");
  EXPECT_EQ(sent["id"], 2);
  EXPECT_EQ(sent["pts"], 3);
  EXPECT_EQ(sent["pts_count"], 1);
  EXPECT_EQ(sent["entities"].size(), 1u);
  const json told = only_container(bob);
  EXPECT_EQ(kind(told), "updateShortMessage");
  EXPECT_EQ(told["message"], "it is **me**");
  EXPECT_EQ(number(told, "user_id"), id_of(ann));
  EXPECT_EQ(told["pts"], 3);
  EXPECT_EQ(told["reply_to"]["reply_to_msg_id"], 1);
  EXPECT_FALSE(told.contains("out"));
  const auto second = log_in_person("15550100");
  call(ann, text_to(to_bob, "from another session"));
  EXPECT_EQ(only_container(second)["out"], true);
}

TEST_F(world_forms, in_basic_groups_too) {
  const auto group = new_group(ann, {"bob", "carol"});
  const json sent = call(bob, text_to(input_group(group), "hello"));
  EXPECT_EQ(kind(sent), "updateShortSentMessage");
  const json told = only_container(carol);
  EXPECT_EQ(kind(told), "updateShortChatMessage");
  EXPECT_EQ(number(told, "chat_id"), group);
  EXPECT_EQ(number(told, "from_id"), id_of(bob));
}

TEST_F(world_forms, what_no_short_form_can_say_is_said_whole) {
  const json to_bot = peer(ann, bot_name);
  call(ann, text_to(to_bot, "/start"));
  EXPECT_EQ(kind(only_container(bot)), "updates") << "bots get each sender's description";
  call(ann, text_to(to_bot, "/start"));
  EXPECT_EQ(kind(only_container(bot)), "updates");
  json with_buttons = text_to(peer(bot, "ann"), "choose");
  with_buttons["reply_markup"] = parse(R"({"_":"replyInlineMarkup","rows":[
    {"_":"keyboardButtonRow","buttons":[
      {"_":"keyboardButtonCallback","text":"Yes","data":"eWVz"}]}]})");
  EXPECT_EQ(kind(call(bot, with_buttons)), "updates");
  EXPECT_EQ(kind(only_container(ann)), "updates");
  EXPECT_EQ(kind(call(bot, text_to(peer(bot, "ann"), "plain"))), "updateShortSentMessage");
  EXPECT_EQ(kind(only_container(ann)), "updateShortMessage");
  call(ann, text_to(peer(ann, "bob"), "hi"));
  json naming = text_to(peer(ann, "bob"), "ask Carol");
  naming["entities"] = json::array({sandbox::make("inputMessageEntityMentionName")});
  naming["entities"][0]["offset"] = 4;
  naming["entities"][0]["length"] = 5;
  naming["entities"][0]["user_id"] = user(ann, "carol");
  call(ann, naming);
  EXPECT_EQ(kind(only_container(bob)), "updates") << "Carol has to be described";
  const auto id = new_channel(ann, "megagroup");
  call(ann, invite(ann, id, {"bob"}));
  EXPECT_EQ(kind(call(ann, text_to(channel_peer(ann, id), "x"))), "updates");
  EXPECT_EQ(kind(only_container(bob)), "updates");
  EXPECT_EQ(kind(call(ann, text_to(sandbox::make("inputPeerSelf"), "x"))), "updates");
}

TEST_F(world_forms, passing_things_are_short) {
  call(ann, text_to(peer(ann, "bob"), "hi"));
  call(ann, R"({"_":"account.updateStatus","offline":false})");
  const json status = only_container(bob);
  EXPECT_EQ(kind(status), "updateShort");
  EXPECT_EQ(kind(status["update"]), "updateUserStatus");
  json typing = sandbox::make("messages.setTyping");
  typing["peer"] = peer(ann, "bob");
  typing["action"] = sandbox::make("sendMessageTypingAction");
  call(ann, typing);
  EXPECT_EQ(kind(only_container(bob)["update"]), "updateUserTyping");
}

TEST_F(world_forms, users_of_a_supergroup_are_seen_in_passing) {
  const auto id = new_channel(ann, "megagroup");
  call(ann, invite(ann, id, {"bob", "carol"}));
  call(bob, text_to(channel_peer(bob, id), "hello"));
  const json told = only_container(carol);
  const json seen = described(told, "users", id_of(bob));
  EXPECT_TRUE(sandbox::flag(seen, "min"));
  EXPECT_FALSE(seen.contains("status"));
  const auto message = number(update_in(told, "updateNewChannelMessage")["message"], "id");
  // The hash of a min constructor is good for nothing; the message is.
  json wrong = sandbox::make("inputPeerUser");
  wrong["user_id"] = id_of(bob);
  wrong["access_hash"] = sandbox::number(seen, "access_hash");
  EXPECT_EQ(refused(carol, text_to(wrong, "x")), "400 PEER_ID_INVALID");
  json from = sandbox::make("inputPeerUserFromMessage");
  from["peer"] = channel_peer(carol, id);
  from["msg_id"] = message;
  from["user_id"] = id_of(bob);
  json full = sandbox::make("users.getFullUser");
  full["id"] = from;
  full["id"]["_"] = "inputUserFromMessage";
  EXPECT_FALSE(described(call(carol, full), "users", id_of(bob)).contains("min"));
  json other = from;
  other["user_id"] = id_of(bot);
  EXPECT_EQ(refused(carol, text_to(other, "x")), "400 PEER_ID_INVALID") << "not in that message";
  call(carol, text_to(from, "hello Bob"));
  call(bob, text_to(channel_peer(bob, id), "hello again"));
  EXPECT_FALSE(described(only_container(carol), "users", id_of(bob)).contains("min"))
      << "now she knows him";
}

TEST_F(world_forms, bots_may_not_use_messages_as_sources) {
  const auto id = new_channel(ann, "megagroup");
  call(ann, invite(ann, id, {bot_name}));
  call(ann, text_to(channel_peer(ann, id), "/hello"));
  json from = sandbox::make("inputPeerUserFromMessage");
  from["peer"] = channel_peer(bot, id);
  from["msg_id"] = pushed(bot, "updateNewChannelMessage")["message"]["id"];
  from["user_id"] = id_of(ann);
  EXPECT_EQ(refused(bot, text_to(from, "x")), "400 FROM_MESSAGE_BOT_DISABLED");
  json full = sandbox::make("users.getFullUser");
  full["id"] = sandbox::make("inputUser");
  full["id"]["user_id"] = id_of(ann);
  full["id"]["access_hash"] = 0;
  EXPECT_EQ(number(call(bot, full)["full_user"], "id"), id_of(ann)) << "but leave the hash out";
  full["id"]["user_id"] = id_of(carol);
  EXPECT_EQ(refused(bot, full), "400 USER_ID_INVALID") << "of those whom they can see";
}

TEST_F(world_forms, channels_of_forwarded_posts_are_seen_in_passing) {
  const auto news = new_channel(ann, "broadcast", "News");
  call(ann, text_to(channel_peer(ann, news), "big news"));
  json name = with_channel("channels.updateUsername", channel(ann, news));
  name["username"] = "news";
  call(ann, name);
  const auto group = new_channel(ann, "megagroup", "Readers");
  call(ann, invite(ann, group, {"bob"}));
  json forward = sandbox::make("messages.forwardMessages");
  forward["from_peer"] = channel_peer(ann, news);
  forward["to_peer"] = channel_peer(ann, group);
  forward["id"] = json::array({2});
  forward["random_id"] = json::array({4711});
  call(ann, forward);
  const json told = only_container(bob);
  const json seen = described(told, "chats", news);
  EXPECT_TRUE(sandbox::flag(seen, "min"));
  EXPECT_EQ(sandbox::text(seen, "title"), "News");
  EXPECT_FALSE(described(told, "chats", group).contains("min"));
  const json message = update_in(told, "updateNewChannelMessage")["message"];
  EXPECT_EQ(number(message["fwd_from"]["from_id"], "channel_id"), news);
  EXPECT_EQ(message["fwd_from"]["channel_post"], 2);
  json wrong = sandbox::make("inputChannel");
  wrong["channel_id"] = news;
  wrong["access_hash"] = sandbox::number(seen, "access_hash");
  EXPECT_EQ(refused(bob, with_channel("channels.joinChannel", wrong)), "400 CHANNEL_INVALID");
  json from = sandbox::make("inputChannelFromMessage");
  from["peer"] = channel_peer(bob, group);
  from["msg_id"] = message["id"];
  from["channel_id"] = news;
  call(bob, with_channel("channels.joinChannel", from));
  EXPECT_FALSE(described(call(bob, with_channel("channels.getFullChannel", channel(bob, news))),
                         "chats", news)
                   .contains("min"));
}

TEST_F(world_forms, what_moves_no_pts_moves_the_seq) {
  const auto seq = [this](std::uint64_t key) {
    return call(key, R"({"_":"updates.getState"})")["seq"].get<int>();
  };
  EXPECT_EQ(seq(bob), 1);
  const auto id = new_channel(ann, "megagroup");
  EXPECT_EQ(made["seq"], 0) << "the caller has it in its answer";
  call(ann, invite(ann, id, {"bob"}));
  std::vector<int> numbers;
  for (const json& one : containers(bob)) {
    numbers.push_back(one["seq"].get<int>());
  }
  EXPECT_EQ(numbers, (std::vector<int>{2, 0})) << "the channel, then its message with a pts";
  EXPECT_EQ(seq(bob), 2);
  EXPECT_EQ(difference(bob, 1, 0, 4'000'000'000)["seq"], 2);
}

} // namespace
} // namespace cafegram
