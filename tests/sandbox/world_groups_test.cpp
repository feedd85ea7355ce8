#include "rooms_support.hpp"

/// Basic groups: their messages are in the boxes of the members.
namespace cafegram {
namespace {

using sandbox::json;
using sandbox::kind;
using sandbox::number;

class world_groups : public test::rooms_test {
protected:
  json with_chat(std::string_view method, std::int64_t group) {
    json out = sandbox::make(method);
    out["chat_id"] = group;
    return out;
  }

  json adding(std::uint64_t key, std::int64_t group, std::string_view name) {
    json out = with_chat("messages.addChatUser", group);
    out["user_id"] = user(key, name);
    out["fwd_limit"] = 0;
    return out;
  }

  json removing(std::uint64_t key, std::int64_t group, std::string_view name) {
    json out = with_chat("messages.deleteChatUser", group);
    out["user_id"] = user(key, name);
    return out;
  }

  json title(std::int64_t group, std::string_view text) {
    json out = with_chat("messages.editChatTitle", group);
    out["title"] = text;
    return out;
  }
};

TEST_F(world_groups, all_members_hear_that_it_was_made) {
  const auto group = new_group(ann, {"bob", bot_name});
  const json& updates = made["updates"];
  EXPECT_TRUE(made["missing_invitees"].empty());
  const json said = update_in(updates, "updateNewMessage")["message"];
  EXPECT_EQ(kind(said), "messageService");
  EXPECT_EQ(kind(said["action"]), "messageActionChatCreate");
  EXPECT_EQ(said["action"]["users"].size(), 3u);
  EXPECT_EQ(number(said["peer_id"], "chat_id"), group);
  EXPECT_EQ(said["out"], true);
  EXPECT_EQ(update_in(updates, "updateChatParticipants")["participants"]["participants"].size(),
            3u);
  const json chat = described(updates, "chats", group);
  EXPECT_EQ(chat["title"], "Friends");
  EXPECT_EQ(chat["creator"], true);
  EXPECT_EQ(chat["participants_count"], 3);
  const json heard = pushed(bob, "updateNewMessage");
  EXPECT_EQ(kind(heard["message"]["action"]), "messageActionChatCreate");
  EXPECT_EQ(heard["pts"], 2);
  EXPECT_FALSE(pushed(bot, "updateNewMessage").is_null()) << "bots hear words of the group itself";
  EXPECT_TRUE(containers(carol).empty());
}

TEST_F(world_groups, a_message_is_in_each_members_box) {
  call(bob, text_to(peer(bob, bot_name), "before, so that the ids differ"));
  const auto group = new_group(ann, {"bob", "carol"});
  const json sent = call(bob, text_to(input_group(group), "hello all"));
  EXPECT_EQ(sent["updates"][0]["id"], 3);
  EXPECT_EQ(sent["updates"][1]["message"]["out"], true);
  EXPECT_TRUE(pushed(bob, "updateNewMessage").is_null()) << "its session has it in the answer";
  for (const auto key : {ann, carol}) {
    const json update = pushed(key, "updateNewMessage");
    EXPECT_EQ(update["message"]["id"], 2);
    EXPECT_EQ(update["message"]["message"], "hello all");
    EXPECT_EQ(number(update["message"]["from_id"], "user_id"), id_of(bob));
    EXPECT_EQ(number(update["message"]["peer_id"], "chat_id"), group);
    EXPECT_EQ(update["pts"], 3);
  }
  EXPECT_EQ(call(ann, R"({"_":"updates.getState"})")["unread_count"], 1);
}

TEST_F(world_groups, a_second_session_hears_of_it_too) {
  const auto group = new_group(ann, {"bob"});
  const auto second = log_in_person("15550100");
  call(ann, text_to(input_group(group), "hello"));
  EXPECT_EQ(pushed(second, "updateNewMessage")["message"]["out"], true);
  EXPECT_TRUE(pushed(ann, "updateNewMessage").is_null());
}

TEST_F(world_groups, members_come_and_go) {
  const auto group = new_group(ann, {"bob"});
  call(ann, text_to(input_group(group), "before carol"));
  const json added = call(ann, adding(ann, group, "carol"));
  EXPECT_EQ(kind(update_in(added["updates"], "updateNewMessage")["message"]["action"]),
            "messageActionChatAddUser");
  const json add = pushed(bob, "updateChatParticipantAdd");
  EXPECT_EQ(number(add, "user_id"), id_of(carol));
  EXPECT_FALSE(pushed(carol, "updateChatParticipants").is_null());
  EXPECT_FALSE(pushed(carol, "updateNewMessage").is_null());
  EXPECT_EQ(refused(ann, adding(ann, group, "carol")), "400 USER_ALREADY_PARTICIPANT");
  // Carol may remove neither Ann nor Bob, but go herself.
  EXPECT_EQ(refused(carol, removing(carol, group, "bob")), "400 CHAT_ADMIN_REQUIRED");
  EXPECT_EQ(refused(carol, removing(carol, group, "ann")), "400 CHAT_ADMIN_REQUIRED");
  call(carol, removing(carol, group, "carol"));
  EXPECT_EQ(number(pushed(bob, "updateChatParticipantDelete"), "user_id"), id_of(carol));
  EXPECT_EQ(refused(carol, text_to(input_group(group), "x")), "403 CHAT_WRITE_FORBIDDEN");
  EXPECT_EQ(refused(carol, removing(carol, group, "carol")), "400 USER_NOT_PARTICIPANT");
  call(ann, text_to(input_group(group), "without carol"));
  EXPECT_TRUE(containers(carol).empty());
  // Bob is removed: the group is a forbidden one to him.
  call(ann, removing(ann, group, "bob"));
  EXPECT_FALSE(pushed(bob, "updateChatParticipantDelete").is_null());
  const json gone = containers(bob).back();
  EXPECT_EQ(kind(described(gone, "chats", group)), "chatForbidden");
  json chats = sandbox::make("messages.getChats");
  chats["id"] = json::array({group});
  EXPECT_EQ(kind(call(bob, chats)["chats"][0]), "chatForbidden");
  EXPECT_EQ(call(carol, chats)["chats"][0]["left"], true);
}

TEST_F(world_groups, titles_and_rights) {
  const auto group = new_group(ann, {"bob"});
  call(bob, title(group, "Bob's"));
  EXPECT_EQ(pushed(ann, "updateNewMessage")["message"]["action"]["title"], "Bob's");
  EXPECT_EQ(refused(bob, title(group, "Bob's")), "400 CHAT_NOT_MODIFIED");
  EXPECT_EQ(refused(bob, title(group, " ")), "400 CHAT_TITLE_EMPTY");
  json rights = sandbox::make("messages.editChatDefaultBannedRights");
  rights["peer"] = input_group(group);
  rights["banned_rights"] = parse(R"({"_":"chatBannedRights","change_info":true,
    "send_messages":true,"invite_users":true,"until_date":0})");
  EXPECT_EQ(refused(bob, rights), "400 CHAT_ADMIN_REQUIRED");
  call(ann, rights);
  EXPECT_EQ(pushed(bob, "updateChatDefaultBannedRights")["default_banned_rights"]["send_messages"],
            true);
  EXPECT_EQ(refused(ann, rights), "400 CHAT_NOT_MODIFIED");
  EXPECT_EQ(refused(bob, title(group, "again")), "400 CHAT_ADMIN_REQUIRED");
  EXPECT_EQ(refused(bob, adding(bob, group, "carol")), "400 CHAT_ADMIN_REQUIRED");
  EXPECT_EQ(refused(bob, text_to(input_group(group), "x")), "403 CHAT_WRITE_FORBIDDEN");
  json admin = with_chat("messages.editChatAdmin", group);
  admin["user_id"] = user(ann, "bob");
  admin["is_admin"] = true;
  EXPECT_EQ(call(ann, admin), json(true));
  EXPECT_EQ(pushed(bob, "updateChatParticipantAdmin")["is_admin"], true);
  call(bob, title(group, "an admin may"));
  call(bob, text_to(input_group(group), "and writes"));
}

TEST_F(world_groups, refusals) {
  const auto group = new_group(ann, {"bob"});
  EXPECT_EQ(refused(carol, text_to(input_group(group), "x")), "400 PEER_ID_INVALID");
  EXPECT_EQ(refused(carol, text_to(input_group(1), "x")), "400 PEER_ID_INVALID");
  EXPECT_EQ(refused(carol, title(group, "x")), "400 CHAT_ID_INVALID");
  EXPECT_EQ(refused(carol, with_chat("messages.getFullChat", group)), "400 CHAT_ID_INVALID");
  EXPECT_EQ(refused(ann, with_chat("messages.getFullChat", 12345)), "400 CHAT_ID_INVALID");
  json chats = sandbox::make("messages.getChats");
  chats["id"] = json::array({group, 17});
  EXPECT_EQ(refused(ann, chats), "400 CHAT_ID_INVALID");
  json wrong = adding(ann, group, "carol");
  wrong["user_id"]["access_hash"] = 1;
  EXPECT_EQ(refused(ann, wrong), "400 USER_ID_INVALID");
  json nameless = sandbox::make("messages.createChat");
  nameless["title"] = "";
  nameless["users"] = json::array();
  EXPECT_EQ(refused(ann, nameless), "400 CHAT_TITLE_EMPTY");
  nameless["title"] = "x";
  EXPECT_EQ(refused(bot, nameless), "400 BOT_METHOD_INVALID");
}

TEST_F(world_groups, edits_and_deletions_reach_all) {
  const auto group = new_group(ann, {"bob", "carol"});
  const json sent = call(bob, text_to(input_group(group), "helo"));
  const auto id = number(sent["updates"][0], "id");
  json edit = sandbox::make("messages.editMessage");
  edit["peer"] = input_group(group);
  edit["id"] = id;
  edit["message"] = "hello";
  EXPECT_EQ(refused(ann, edit), "403 MESSAGE_AUTHOR_REQUIRED");
  const json edited = call(bob, edit);
  EXPECT_EQ(update_in(edited, "updateEditMessage")["message"]["message"], "hello");
  EXPECT_EQ(pushed(carol, "updateEditMessage")["message"]["message"], "hello");
  json remove = sandbox::make("messages.deleteMessages");
  remove["id"] = json::array({id});
  remove["revoke"] = true;
  // Carol may not delete Bob's message for others, Ann may.
  EXPECT_EQ(call(carol, remove)["pts_count"], 1);
  EXPECT_TRUE(containers(bob).empty());
  EXPECT_EQ(call(ann, remove)["pts_count"], 1);
  EXPECT_EQ(pushed(bob, "updateDeleteMessages")["messages"], json::array({id}));
  EXPECT_TRUE(containers(carol).empty()) << "hers is gone already";
  EXPECT_EQ(refused(bob, edit), "400 MESSAGE_ID_INVALID");
}

// Their own box is theirs to read and to clear; the group's people hear nothing of it.
TEST_F(world_groups, who_was_removed_neither_acts_nor_hears) {
  const auto group = new_group(ann, {"bob", "carol"});
  call(bob, text_to(input_group(group), "Bob's"));     // 2 in each box
  call(carol, text_to(input_group(group), "Carol's")); // 3
  call(ann, removing(ann, group, "bob"));
  json edit = sandbox::make("messages.editMessage");
  edit["peer"] = input_group(group);
  edit["id"] = 2;
  edit["message"] = "changed from outside";
  EXPECT_EQ(refused(bob, edit), "403 CHAT_WRITE_FORBIDDEN");
  json read = sandbox::make("messages.readHistory");
  read["peer"] = input_group(group);
  read["max_id"] = 3;
  call(bob, read);
  EXPECT_TRUE(containers(carol).empty()) << "not told that he has read it";
  json remove = sandbox::make("messages.deleteMessages");
  remove["id"] = json::array({2});
  remove["revoke"] = true;
  const auto second = log_in_person("15550101");
  call(bob, remove);
  EXPECT_TRUE(containers(ann).empty());
  EXPECT_TRUE(containers(carol).empty());
  EXPECT_FALSE(pushed(second, "updateDeleteMessages").is_null()) << "from his own box";
  // Nor does he hear of what is read, edited, pinned or deleted there.
  call(ann, read);
  EXPECT_FALSE(pushed(carol, "updateReadHistoryOutbox").is_null());
  EXPECT_TRUE(containers(bob).empty());
  edit["id"] = 3;
  call(carol, edit);
  EXPECT_FALSE(pushed(ann, "updateEditMessage").is_null());
  EXPECT_TRUE(containers(bob).empty());
  json pin = sandbox::make("messages.updatePinnedMessage");
  pin["peer"] = input_group(group);
  pin["id"] = 3;
  call(ann, pin);
  EXPECT_TRUE(containers(bob).empty());
  remove["id"] = json::array({3});
  call(ann, remove);
  EXPECT_FALSE(pushed(carol, "updateDeleteMessages").is_null());
  EXPECT_TRUE(containers(bob).empty());
}

TEST_F(world_groups, answers_name_the_message_in_each_box) {
  call(carol, text_to(peer(carol, bot_name), "so that her ids differ"));
  const auto group = new_group(ann, {"bob", "carol"});
  call(ann, text_to(input_group(group), "question"));
  json reply = text_to(input_group(group), "answer");
  reply["reply_to"] = parse(R"({"_":"inputReplyToMessage","reply_to_msg_id":2})");
  call(bob, reply);
  const json to_ann = pushed(ann, "updateNewMessage")["message"];
  EXPECT_EQ(to_ann["reply_to"]["reply_to_msg_id"], 2);
  EXPECT_EQ(to_ann["mentioned"], true);
  const json to_carol = pushed(carol, "updateNewMessage")["message"];
  EXPECT_EQ(to_carol["reply_to"]["reply_to_msg_id"], 3);
  EXPECT_FALSE(to_carol.contains("mentioned"));
  reply["random_id"] = 4711;
  reply["reply_to"]["reply_to_msg_id"] = 99;
  EXPECT_EQ(refused(bob, reply), "400 MESSAGE_ID_INVALID");
}

TEST_F(world_groups, reading_is_told_to_those_who_wrote) {
  const auto group = new_group(ann, {"bob", "carol"});
  call(ann, text_to(input_group(group), "one"));
  call(bob, text_to(input_group(group), "two"));
  json read = sandbox::make("messages.readHistory");
  read["peer"] = input_group(group);
  read["max_id"] = 3;
  EXPECT_EQ(call(carol, read)["pts_count"], 1);
  EXPECT_EQ(pushed(ann, "updateReadHistoryOutbox")["max_id"], 2);
  EXPECT_EQ(pushed(bob, "updateReadHistoryOutbox")["max_id"], 3);
  EXPECT_EQ(number(pushed(bob, "updateReadHistoryOutbox")["peer"], "chat_id"), group);
  call(ann, read);
  EXPECT_TRUE(pushed(bob, "updateReadHistoryOutbox").is_null()) << "he knows";
}

TEST_F(world_groups, pins) {
  const auto group = new_group(ann, {"bob"});
  call(bob, text_to(input_group(group), "keep this"));
  json pin = sandbox::make("messages.updatePinnedMessage");
  pin["peer"] = input_group(group);
  pin["id"] = 2;
  const json done = call(ann, pin);
  EXPECT_EQ(update_in(done, "updatePinnedMessages")["pinned"], true);
  EXPECT_EQ(pushed(bob, "updatePinnedMessages")["messages"], json::array({2}));
  EXPECT_EQ(kind(pushed(bob, "updateNewMessage")["message"]["action"]), "messageActionPinMessage");
  EXPECT_EQ(refused(ann, pin), "400 CHAT_NOT_MODIFIED");
  EXPECT_EQ(call(bob, with_chat("messages.getFullChat", group))["full_chat"]["pinned_msg_id"], 2);
  pin["id"] = 77;
  EXPECT_EQ(refused(ann, pin), "400 MESSAGE_ID_INVALID");
  json all = sandbox::make("messages.unpinAllMessages");
  all["peer"] = input_group(group);
  EXPECT_EQ(call(bob, all)["pts_count"], 1);
  EXPECT_FALSE(pushed(ann, "updatePinnedMessages").contains("pinned"));
}

TEST_F(world_groups, buttons_are_pressed_in_groups) {
  const auto group = new_group(ann, {"bob", bot_name});
  json message = text_to(input_group(group), "choose");
  message["reply_markup"] = parse(R"({"_":"replyInlineMarkup","rows":[{"_":"keyboardButtonRow",
    "buttons":[{"_":"keyboardButtonCallback","text":"Yes","data":"eWVz"}]}]})");
  call(bot, message);
  const auto id = number(pushed(bob, "updateNewMessage")["message"], "id");
  json click = sandbox::make("messages.getBotCallbackAnswer");
  click["peer"] = input_group(group);
  click["msg_id"] = id;
  click["data"] = "eWVz";
  begin(bob, click);
  const json query = pushed(bot, "updateBotCallbackQuery");
  EXPECT_EQ(number(query["peer"], "chat_id"), group);
  EXPECT_EQ(number(query, "user_id"), id_of(bob));
  json answer = sandbox::make("messages.setBotCallbackAnswer");
  answer["query_id"] = query["query_id"];
  answer["message"] = "Done";
  answer["cache_time"] = 0;
  call(bot, answer);
  ASSERT_EQ(effects.settled.size(), 1u);
  EXPECT_EQ((*effects.settled[0].value)["message"], "Done");
  call(ann, removing(ann, group, "bob"));
  EXPECT_EQ(refused(bob, click), "403 CHAT_WRITE_FORBIDDEN");
  click["msg_id"] = 2;
  call(ann, removing(ann, group, bot_name));
  EXPECT_EQ(refused(ann, click), "400 BOT_RESPONSE_TIMEOUT");
}

TEST_F(world_groups, a_random_id_counts_once_in_all_chats) {
  const auto group = new_group(ann, {"bob"});
  json message = text_to(input_group(group), "once");
  call(bob, message);
  EXPECT_EQ(refused(bob, message), "500 RANDOM_ID_DUPLICATE");
  message["peer"] = peer(bob, "ann");
  EXPECT_EQ(refused(bob, message), "500 RANDOM_ID_DUPLICATE");
  message["peer"] = input_group(group);
  call(ann, message); // another one's are another one's
}

TEST_F(world_groups, what_is_forwarded_says_where_from) {
  const auto group = new_group(ann, {"carol"});
  call(bob, text_to(peer(bob, "ann"), "pass it on"));
  const auto id = number(pushed(ann, "updateNewMessage")["message"], "id");
  json forward = sandbox::make("messages.forwardMessages");
  forward["from_peer"] = peer(ann, "bob");
  forward["to_peer"] = input_group(group);
  forward["id"] = json::array({id});
  forward["random_id"] = json::array({4711});
  const json done = call(ann, forward);
  EXPECT_EQ(done["updates"][0]["random_id"], 4711);
  const json seen = pushed(carol, "updateNewMessage")["message"];
  EXPECT_EQ(seen["message"], "pass it on");
  EXPECT_EQ(number(seen["fwd_from"]["from_id"], "user_id"), id_of(bob));
  EXPECT_EQ(refused(ann, forward), "500 RANDOM_ID_DUPLICATE");
  forward["id"] = json::array({id, id});
  forward["random_id"] = json::array({5, 5});
  EXPECT_EQ(refused(ann, forward), "500 RANDOM_ID_DUPLICATE") << "nothing of it is sent";
  forward["random_id"] = json::array({5});
  EXPECT_EQ(refused(ann, forward), "400 RANDOM_ID_INVALID");
}

TEST_F(world_groups, a_group_becomes_a_supergroup) {
  const auto group = new_group(ann, {"bob"});
  EXPECT_EQ(refused(bob, with_chat("messages.migrateChat", group)), "400 CHAT_ADMIN_REQUIRED");
  const json updates = call(ann, with_chat("messages.migrateChat", group));
  const json left = update_in(updates, "updateNewMessage")["message"]["action"];
  EXPECT_EQ(kind(left), "messageActionChatMigrateTo");
  const auto channel_id = number(left, "channel_id");
  const json begun = update_in(updates, "updateNewChannelMessage");
  EXPECT_EQ(kind(begun["message"]["action"]), "messageActionChannelMigrateFrom");
  EXPECT_EQ(begun["pts"], 2);
  EXPECT_EQ(described(updates, "chats", group)["deactivated"], true);
  EXPECT_EQ(number(described(updates, "chats", group)["migrated_to"], "channel_id"), channel_id);
  EXPECT_FALSE(pushed(bob, "updateChannel").is_null());
  EXPECT_EQ(refused(bob, text_to(input_group(group), "x")), "400 PEER_ID_INVALID");
  EXPECT_EQ(refused(ann, title(group, "x")), "400 CHAT_ID_INVALID");
  call(bob, text_to(channel_peer(bob, channel_id), "goes on here"));
  EXPECT_EQ(pushed(ann, "updateNewChannelMessage")["message"]["message"], "goes on here");
}

TEST_F(world_groups, a_creator_who_has_left_has_no_say_until_coming_back) {
  const auto group = new_group(ann, {"bob"});
  call(ann, removing(ann, group, "ann"));
  json admin = with_chat("messages.editChatAdmin", group);
  admin["user_id"] = user(ann, "bob");
  admin["is_admin"] = true;
  EXPECT_EQ(refused(ann, admin), "400 CHAT_ADMIN_REQUIRED");
  EXPECT_EQ(refused(ann, with_chat("messages.migrateChat", group)), "400 CHAT_ADMIN_REQUIRED");
  call(bob, adding(bob, group, "ann"));
  EXPECT_EQ(call(ann, admin), json(true));
  EXPECT_FALSE(call(ann, with_chat("messages.migrateChat", group)).is_null());
}

TEST_F(world_groups, alice_answers_who_names_her) {
  const auto group = new_group(ann, {"bob", "alice"});
  call(bob, text_to(input_group(group), "nobody in particular"));
  EXPECT_EQ(all_pushed(ann, "updateNewMessage").size(), 1u);
  call(bob, text_to(input_group(group), "@Alice, are you there?"));
  const auto heard = all_pushed(ann, "updateNewMessage");
  ASSERT_EQ(heard.size(), 2u);
  EXPECT_EQ(heard[1]["message"]["message"], "You wrote: @Alice, are you there?");
  EXPECT_EQ(heard[1]["message"]["reply_to"]["reply_to_msg_id"], heard[0]["message"]["id"]);
}

TEST_F(world_groups, typing_is_told_to_people) {
  const auto group = new_group(ann, {"bob", bot_name});
  json typing = sandbox::make("messages.setTyping");
  typing["peer"] = input_group(group);
  typing["action"] = sandbox::make("sendMessageTypingAction");
  call(bot, typing);
  const json update = pushed(ann, "updateChatUserTyping");
  EXPECT_EQ(number(update, "chat_id"), group);
  EXPECT_EQ(number(update["from_id"], "user_id"), test::echo_id);
  call(bob, typing);
  EXPECT_TRUE(containers(bot).empty());
}

} // namespace
} // namespace cafegram
