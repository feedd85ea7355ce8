#include "world_support.hpp"

namespace cafegram {
namespace {

using sandbox::json;
using sandbox::kind;

class world_messages : public test::world_test {
protected:
  void SetUp() override {
    world_test::SetUp();
    bot = log_in_bot();
    bob = log_in_person("15550100", "Bob");
    carol = log_in_person("15550101", "Carol");
    call(carol, R"({"_":"account.updateUsername","username":"carol"})");
    to_bot = peer(bob, "sandbox_1000001_bot");
  }

  json history(std::uint64_t key, const json& with, std::string_view rest = "{}") {
    json request = parse(rest);
    json out = sandbox::make("messages.getHistory");
    for (const char* name :
         {"offset_id", "offset_date", "add_offset", "limit", "max_id", "min_id", "hash"}) {
      out[name] = request.contains(name) ? request[name] : json(0);
    }
    out["limit"] = request.contains("limit") ? request["limit"] : json(100);
    out["peer"] = with;
    return call(key, out);
  }

  std::uint64_t bot = 0;
  std::uint64_t bob = 0;
  std::uint64_t carol = 0;
  json to_bot;
};

TEST_F(world_messages, both_sides_get_their_own_copy) {
  const json sent = call(bob, text_to(to_bot, "hello"));
  ASSERT_EQ(sent["updates"].size(), 2u);
  EXPECT_EQ(kind(sent["updates"][0]), "updateMessageID");
  EXPECT_EQ(sent["updates"][0]["random_id"], last_random_id);
  const json mine = sent["updates"][1]["message"];
  EXPECT_EQ(mine["out"], true);
  EXPECT_EQ(mine["peer_id"]["user_id"], 1000001);
  const json theirs = pushed(bot, "updateNewMessage");
  EXPECT_EQ(theirs["message"]["message"], "hello");
  EXPECT_FALSE(theirs["message"].contains("out"));
  EXPECT_EQ(theirs["message"]["peer_id"], theirs["message"]["from_id"]);
  EXPECT_EQ(theirs["pts"], 2);
  EXPECT_EQ(theirs["pts_count"], 1);
}

TEST_F(world_messages, the_callers_own_session_is_not_told_twice) {
  const auto second = log_in_person("15550100");
  call(bob, text_to(to_bot, "hello"));
  EXPECT_TRUE(pushed(bob, "updateNewMessage").is_null());
  EXPECT_EQ(pushed(second, "updateNewMessage")["message"]["out"], true);
}

TEST_F(world_messages, refusals) {
  EXPECT_EQ(refused(bob, text_to(to_bot, "")), "400 MESSAGE_EMPTY");
  EXPECT_EQ(refused(bob, text_to(to_bot, " \n\t")), "400 MESSAGE_EMPTY");
  std::string longest;
  for (int i = 0; i < 4096; ++i) {
    longest += "é";
  }
  EXPECT_EQ(refused(bob, text_to(to_bot, longest + "x")), "400 MESSAGE_TOO_LONG");
  call(bob, text_to(to_bot, longest));
  json twice = text_to(to_bot, "once");
  call(bob, twice);
  EXPECT_EQ(refused(bob, twice), "500 RANDOM_ID_DUPLICATE");
  twice["random_id"] = 0;
  EXPECT_EQ(refused(bob, twice), "400 RANDOM_ID_EMPTY");
  EXPECT_EQ(refused(bob, text_to(sandbox::make("inputPeerEmpty"), "x")), "400 PEER_ID_INVALID");
  json later = text_to(to_bot, "later");
  later["schedule_date"] = 2'000'000'000;
  EXPECT_EQ(refused(bob, later), "400 SANDBOX_SCHEDULE_MISSING");
}

TEST_F(world_messages, access_hashes_belong_to_the_one_who_got_them) {
  json wrong = to_bot;
  wrong["access_hash"] = wrong["access_hash"].get<std::int64_t>() + 1;
  EXPECT_EQ(refused(bob, text_to(wrong, "x")), "400 PEER_ID_INVALID");
  EXPECT_EQ(refused(carol, text_to(to_bot, "x")), "400 PEER_ID_INVALID") << "Bob's hash";
  wrong["access_hash"] = 0;
  EXPECT_EQ(refused(bob, text_to(wrong, "x")), "400 PEER_ID_INVALID");
  wrong["_"] = "inputUser";
  json full = sandbox::make("users.getFullUser");
  full["id"] = wrong;
  EXPECT_EQ(refused(bob, full), "400 USER_ID_INVALID");
}

TEST_F(world_messages, a_bot_does_not_speak_first) {
  const json to_carol = peer(bot, "carol");
  EXPECT_EQ(refused(bot, text_to(to_carol, "hi")), "400 PEER_ID_INVALID");
  call(carol, text_to(peer(carol, "sandbox_1000001_bot"), "/start"));
  call(bot, text_to(to_carol, "hi"));
  json known = to_carol;
  known["access_hash"] = 0;
  call(bot, text_to(known, "a bot may leave the hash out for those who wrote to it"));
  log_in_bot("1000002:x");
  EXPECT_EQ(refused(bot, text_to(peer(bot, "sandbox_1000002_bot"), "hi")), "400 USER_IS_BOT");
}

TEST_F(world_messages, alice_answers_each_message_of_anyone) {
  const json to_alice = peer(bot, "ALICE");
  const json sent = call(bot, text_to(to_alice, "hello"));
  EXPECT_EQ(sent["updates"][1]["message"]["message"], "hello");
  EXPECT_EQ(sent["updates"][1]["pts"], 2);
  // The answer to the caller itself is a push: its call's result does not have it.
  json heard;
  for (const auto& push : effects.pushes) {
    for (const json& update : push.updates["updates"]) {
      if (update["message"]["message"] == "You wrote: hello") {
        heard = update;
        EXPECT_EQ(push.except_key, 0u);
      }
    }
  }
  ASSERT_FALSE(heard.is_null());
  EXPECT_EQ(heard["pts"], 3);
  // Two that answer each other would not stop.
  json reply = text_to(to_alice, "Echo");
  reply["reply_to"] = sandbox::make("inputReplyToMessage");
  reply["reply_to"]["reply_to_msg_id"] = heard["message"]["id"];
  call(bot, reply);
  EXPECT_EQ(call(bot, R"({"_":"updates.getState"})")["pts"], 4);
  // Nor would an echo that does not say what it answers.
  call(bot, text_to(to_alice, "Echo: You wrote: hello"));
  EXPECT_EQ(call(bot, R"({"_":"updates.getState"})")["pts"], 5);
}

TEST_F(world_messages, alice_can_be_switched_off) {
  auto options = plain();
  options.alice = false;
  open(sandbox::make_memory_store(), options);
  const auto key = log_in_bot();
  call(key, text_to(peer(key, "alice"), "hello"));
  EXPECT_EQ(call(key, R"({"_":"updates.getState"})")["pts"], 2);
}

TEST_F(world_messages, entities_are_checked_kept_and_found) {
  json message = text_to(to_bot, "😀 bold /help @carol https://example.org/x.");
  message["entities"] = parse(R"([{"_":"messageEntityBold","offset":3,"length":4},
              {"_":"inputMessageEntityMentionName","offset":0,"length":2,
               "user_id":{"_":"inputUserSelf"}}])");
  const json sent = call(bob, message)["updates"][1]["message"];
  ASSERT_EQ(sent["entities"].size(), 5u) << sent.dump();
  EXPECT_EQ(kind(sent["entities"][0]), "messageEntityMentionName");
  EXPECT_EQ(kind(sent["entities"][1]), "messageEntityBold");
  EXPECT_EQ(sent["entities"][2], parse(R"({"_":"messageEntityBotCommand","offset":8,"length":5})"));
  EXPECT_EQ(sent["entities"][3], parse(R"({"_":"messageEntityMention","offset":14,"length":6})"));
  EXPECT_EQ(sent["entities"][4], parse(R"({"_":"messageEntityUrl","offset":21,"length":21})"));
  for (const char* bad : {R"([{"_":"messageEntityBold","offset":40,"length":4}])",
                          R"([{"_":"messageEntityBold","offset":-1,"length":4}])",
                          R"([{"_":"messageEntityBold","offset":1,"length":0}])"}) {
    json wrong = text_to(to_bot, "short text");
    wrong["entities"] = parse(bad);
    EXPECT_EQ(refused(bob, wrong), "400 ENTITY_BOUNDS_INVALID") << bad;
  }
}

// A mention describes whom it names to all who read it, with an access hash of their own.
TEST_F(world_messages, nobody_is_mentioned_whom_the_sender_does_not_know) {
  const json stranger = self(carol)["id"];
  json message = text_to(sandbox::make("inputPeerSelf"), "xyz and more");
  message["entities"] = parse(R"([{"_":"inputMessageEntityMentionName","offset":0,"length":1,
               "user_id":{"_":"inputUser","access_hash":0}},
              {"_":"messageEntityMentionName","offset":1,"length":1},
              {"_":"messageEntityBold","offset":2,"length":1}])");
  message["entities"][0]["user_id"]["user_id"] = stranger;
  message["entities"][1]["user_id"] = stranger;
  const json sent = call(bob, message);
  const json kept = sent["updates"][1]["message"];
  ASSERT_EQ(kept["entities"].size(), 1u) << kept.dump();
  EXPECT_EQ(kind(kept["entities"][0]), "messageEntityBold");
  EXPECT_TRUE(described(sent, "users", stranger.get<std::int64_t>()).is_null());
  json edit = message;
  edit["_"] = "messages.editMessage";
  edit.erase("random_id");
  edit["id"] = kept["id"];
  edit["message"] = "xyz and other";
  const json edited = call(bob, edit);
  EXPECT_EQ(edited["updates"][0]["message"]["entities"].size(), 1u) << edited.dump();
  EXPECT_TRUE(described(edited, "users", stranger.get<std::int64_t>()).is_null());
  message["random_id"] = 4711;
  message["entities"][0]["user_id"] = user(bob, "carol");
  const json known = call(bob, message);
  EXPECT_EQ(known["updates"][1]["message"]["entities"].size(), 2u);
  EXPECT_FALSE(described(known, "users", stranger.get<std::int64_t>()).is_null());
}

TEST_F(world_messages, of_many_ids_the_first_hundred_count) {
  call(bob, text_to(to_bot, "one"));
  json get = sandbox::make("messages.getMessages");
  get["id"] = json::array();
  json remove = sandbox::make("messages.deleteMessages");
  for (int i = 0; i < 5000; ++i) {
    get["id"].push_back(parse(R"({"_":"inputMessageID","id":77})"));
    remove["id"].push_back(i == 100 ? 1 : 77);
  }
  EXPECT_EQ(call(bob, get)["messages"].size(), 100u);
  EXPECT_EQ(call(bob, remove)["pts_count"], 0);
  remove["id"][99] = 1;
  EXPECT_EQ(call(bob, remove)["pts_count"], 1);
  json peers = sandbox::make("messages.getPeerDialogs");
  for (int i = 0; i < 200; ++i) {
    peers["peers"].push_back(parse(R"({"_":"inputDialogPeer"})"));
    peers["peers"].back()["peer"] = to_bot;
  }
  EXPECT_EQ(call(bob, peers)["dialogs"].size(), 100u);
}

TEST_F(world_messages, replies_point_into_the_readers_own_box) {
  call(bob, text_to(peer(bob, "carol"), "something else, so that ids differ"));
  call(bob, text_to(to_bot, "one"));
  const json heard = pushed(bot, "updateNewMessage")["message"];
  json reply = text_to(peer(bot, "alice"), "x");
  reply["peer"]["user_id"] = heard["from_id"]["user_id"];
  reply["peer"]["access_hash"] = 0;
  reply["reply_to"] = sandbox::make("inputReplyToMessage");
  reply["reply_to"]["reply_to_msg_id"] = heard["id"];
  call(bot, reply);
  const json seen = pushed(bob, "updateNewMessage")["message"];
  EXPECT_EQ(seen["reply_to"]["reply_to_msg_id"], 2);
  EXPECT_NE(heard["id"], 2);
  reply["random_id"] = 999;
  reply["reply_to"]["reply_to_msg_id"] = 77;
  EXPECT_EQ(refused(bot, reply), "400 MESSAGE_ID_INVALID");
}

TEST_F(world_messages, editing) {
  call(bob, text_to(to_bot, "one"));
  json edit = sandbox::make("messages.editMessage");
  edit["peer"] = to_bot;
  edit["id"] = 1;
  edit["message"] = "one";
  EXPECT_EQ(refused(bob, edit), "400 MESSAGE_NOT_MODIFIED");
  edit["message"] = "";
  EXPECT_EQ(refused(bob, edit), "400 MESSAGE_EMPTY");
  edit["message"] = "two";
  const json mine = call(bob, edit);
  EXPECT_EQ(kind(mine["updates"][0]), "updateEditMessage");
  EXPECT_TRUE(mine["updates"][0]["message"].contains("edit_date"));
  EXPECT_EQ(pushed(bot, "updateEditMessage")["message"]["message"], "two");
  edit["id"] = 5;
  EXPECT_EQ(refused(bob, edit), "400 MESSAGE_ID_INVALID");
  json theirs = edit;
  theirs["id"] = 1;
  theirs["peer"]["user_id"] = self(bob)["id"];
  theirs["peer"]["access_hash"] = 0;
  EXPECT_EQ(refused(bot, theirs), "403 MESSAGE_AUTHOR_REQUIRED");
}

TEST_F(world_messages, deleting) {
  call(bob, text_to(to_bot, "one"));
  call(bob, text_to(to_bot, "two"));
  const json gone = call(bob, R"({"_":"messages.deleteMessages","revoke":true,"id":[1,1,9]})");
  EXPECT_EQ(gone["pts_count"], 1);
  EXPECT_EQ(pushed(bot, "updateDeleteMessages")["messages"], parse("[1]"));
  EXPECT_EQ(history(bob, to_bot)["messages"].size(), 1u);
  const json own = call(bob, R"({"_":"messages.deleteMessages","id":[2]})");
  EXPECT_EQ(own["pts_count"], 1);
  EXPECT_TRUE(pushed(bot, "updateDeleteMessages").is_null()) << "for oneself alone";
  const json left = call(bot, R"({"_":"messages.getMessages","id":[{"_":"inputMessageID","id":1},
                                  {"_":"inputMessageID","id":2}]})");
  EXPECT_EQ(kind(left["messages"][0]), "messageEmpty");
  EXPECT_EQ(left["messages"][1]["message"], "two");
}

TEST_F(world_messages, history_in_pages) {
  for (int i = 1; i <= 10; ++i) {
    call(bob, text_to(to_bot, std::to_string(i)));
    clock.advance(std::chrono::seconds{10});
  }
  const auto texts = [this](std::string_view rest) {
    std::string out;
    const json page = history(bob, to_bot, rest);
    for (const json& one : page["messages"]) {
      out += one["message"].get<std::string>() + " ";
    }
    return out;
  };
  EXPECT_EQ(texts(R"({"limit":3})"), "10 9 8 ");
  EXPECT_EQ(texts(R"({"offset_id":8,"limit":3})"), "7 6 5 ");
  EXPECT_EQ(texts(R"({"offset_id":8,"add_offset":-2,"limit":3})"), "9 8 7 ");
  EXPECT_EQ(texts(R"({"max_id":4})"), "3 2 1 ");
  EXPECT_EQ(texts(R"({"min_id":8})"), "10 9 ");
  EXPECT_EQ(kind(history(bob, to_bot, R"({"limit":3})")), "messages.messagesSlice");
  EXPECT_EQ(history(bob, to_bot, R"({"limit":3})")["count"], 10);
  EXPECT_EQ(kind(history(bob, to_bot)), "messages.messages");
}

TEST_F(world_messages, dialogs_count_what_is_unread) {
  call(bob, text_to(to_bot, "/start"));
  json to_bob = to_bot;
  to_bob["user_id"] = self(bob)["id"];
  to_bob["access_hash"] = 0;
  call(bot, text_to(to_bob, "1"));
  call(bot, text_to(to_bob, "2"));
  call(bob, text_to(peer(bob, "carol"), "hi"));
  const json all =
      R"({"_":"messages.getDialogs","offset_date":0,"offset_id":0,
        "offset_peer":{"_":"inputPeerEmpty"},"limit":10,"hash":0})";
  const json before = call(bob, all);
  ASSERT_EQ(before["dialogs"].size(), 2u);
  EXPECT_EQ(before["dialogs"][1]["peer"]["user_id"], 1000001);
  EXPECT_EQ(before["dialogs"][1]["unread_count"], 2);
  EXPECT_EQ(before["dialogs"][1]["top_message"], 3);
  json read = sandbox::make("messages.readHistory");
  read["peer"] = to_bot;
  read["max_id"] = 2;
  EXPECT_EQ(call(bob, read)["pts_count"], 1);
  EXPECT_EQ(call(bob, read)["pts_count"], 0);
  EXPECT_EQ(call(bob, all)["dialogs"][1]["unread_count"], 1);
  json some = sandbox::make("messages.getPeerDialogs");
  some["peers"] = json::array({sandbox::make("inputDialogPeer")});
  some["peers"][0]["peer"] = to_bot;
  EXPECT_EQ(call(bob, some)["dialogs"][0]["read_inbox_max_id"], 2);
}

TEST_F(world_messages, reading_is_told_to_the_writer) {
  call(bob, text_to(peer(bob, "carol"), "hi"));
  json read = sandbox::make("messages.readHistory");
  read["peer"] = sandbox::make("inputPeerUser");
  const json from = pushed(carol, "updateNewMessage")["message"]["from_id"];
  const json users = effects.pushes.back().updates["users"];
  for (const json& user : users) {
    if (user["id"] == from["user_id"]) {
      read["peer"]["user_id"] = user["id"];
      read["peer"]["access_hash"] = user["access_hash"];
    }
  }
  read["max_id"] = 0;
  call(carol, read);
  const json told = pushed(bob, "updateReadHistoryOutbox");
  EXPECT_EQ(told["max_id"], 1);
  EXPECT_EQ(told["pts_count"], 1);
}

TEST_F(world_messages, typing_is_pushed_without_pts) {
  call(bob, text_to(to_bot, "/start"));
  json typing = sandbox::make("messages.setTyping");
  typing["peer"] = to_bot;
  typing["peer"]["user_id"] = self(bob)["id"];
  typing["peer"]["access_hash"] = 0;
  typing["action"] = sandbox::make("sendMessageTypingAction");
  EXPECT_EQ(call(bot, typing), json(true));
  const json told = pushed(bob, "updateUserTyping");
  EXPECT_EQ(told["user_id"], 1000001);
  EXPECT_FALSE(told.contains("pts"));
}

TEST_F(world_messages, messages_to_oneself_have_one_copy) {
  const json sent = call(bob, text_to(sandbox::make("inputPeerSelf"), "note"));
  EXPECT_EQ(sent["updates"][1]["pts"], 2);
  EXPECT_EQ(history(bob, sandbox::make("inputPeerSelf"))["messages"].size(), 1u);
  const json gone = call(bob, R"({"_":"messages.deleteMessages","revoke":true,"id":[1]})");
  EXPECT_EQ(gone["pts"], 3);
}

TEST_F(world_messages, who_is_who) {
  json full = sandbox::make("users.getFullUser");
  full["id"] = to_bot;
  full["id"]["_"] = "inputUser";
  const json seen = call(bob, full);
  EXPECT_EQ(seen["full_user"]["id"], 1000001);
  EXPECT_EQ(seen["full_user"]["bot_info"]["user_id"], 1000001);
  EXPECT_EQ(refused(bob, R"({"_":"contacts.resolveUsername","username":"nobody_at_all"})"),
            "400 USERNAME_NOT_OCCUPIED");
  EXPECT_EQ(refused(bob, R"({"_":"contacts.resolveUsername","username":"no body"})"),
            "400 USERNAME_INVALID");
  EXPECT_EQ(refused(bob, R"({"_":"account.updateUsername","username":"Carol"})"),
            "400 USERNAME_OCCUPIED");
  call(bob, R"({"_":"contacts.getContacts","hash":0})");
  call(bob, R"({"_":"contacts.resolvePhone","phone":"15550101"})");
  EXPECT_EQ(call(bob, R"({"_":"account.updateProfile","first_name":"Robert"})")["first_name"],
            "Robert");
  call(bob, R"({"_":"account.updateStatus","offline":false})");
}

} // namespace
} // namespace cafegram
