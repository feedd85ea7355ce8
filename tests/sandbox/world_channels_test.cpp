#include "rooms_support.hpp"

/// Supergroups and channels: one box of their own for all who are in there.
namespace cafegram {
namespace {

using sandbox::json;
using sandbox::kind;
using sandbox::number;

using world_channels = test::channels_test;

TEST_F(world_channels, one_is_made) {
  const auto id = new_channel(ann, "megagroup", "Plans");
  EXPECT_FALSE(update_in(made, "updateChannel").is_null());
  const json first = update_in(made, "updateNewChannelMessage");
  EXPECT_EQ(first["pts"], 2);
  EXPECT_EQ(first["pts_count"], 1);
  EXPECT_EQ(first["message"]["id"], 1);
  EXPECT_EQ(kind(first["message"]["action"]), "messageActionChannelCreate");
  EXPECT_EQ(number(first["message"]["peer_id"], "channel_id"), id);
  const json seen = described(made, "chats", id);
  EXPECT_EQ(seen["megagroup"], true);
  EXPECT_EQ(seen["creator"], true);
  EXPECT_FALSE(seen.contains("left"));
  const json full = call(ann, with_channel("channels.getFullChannel", channel(ann, id)));
  EXPECT_EQ(full["full_chat"]["about"], "What it is about");
  EXPECT_EQ(full["full_chat"]["pts"], 2);
  EXPECT_EQ(full["full_chat"]["participants_count"], 1);
  EXPECT_EQ(full["full_chat"]["unread_count"], 0);
}

TEST_F(world_channels, its_pts_is_one_for_all_and_its_own) {
  const auto id = new_channel(ann, "megagroup");
  call(ann, invite(ann, id, {"bob"}));
  call(ann, text_to(peer(ann, "bob"), "so that no two counters stand at the same place"));
  call(bob, text_to(peer(bob, bot_name), "hello"));
  const auto pts = [this](std::uint64_t key) {
    return call(key, R"({"_":"updates.getState"})")["pts"].get<int>();
  };
  const auto anns = pts(ann);
  const auto bobs = pts(bob);
  const json sent = call(ann, text_to(channel_peer(ann, id), "hello"));
  const json mine = update_in(sent, "updateNewChannelMessage");
  const json theirs = pushed(bob, "updateNewChannelMessage");
  EXPECT_EQ(mine["pts"], 4);
  EXPECT_EQ(theirs["pts"], 4);
  EXPECT_EQ(theirs["pts_count"], 1);
  EXPECT_EQ(mine["message"]["id"], theirs["message"]["id"]);
  EXPECT_EQ(mine["message"]["out"], true);
  EXPECT_FALSE(theirs["message"].contains("out"));
  EXPECT_TRUE(containers(carol).empty());
  EXPECT_EQ(pts(ann), anns);
  EXPECT_EQ(pts(bob), bobs);
}

TEST_F(world_channels, posts_are_the_channels) {
  const auto id = new_channel(ann, "broadcast");
  open_to_all(ann, id, "news");
  join(bob, "news");
  EXPECT_EQ(kind(joined), "messages.chatInviteJoinResultOk");
  EXPECT_TRUE(update_in(joined["updates"], "updateNewChannelMessage").is_null())
      << "a channel does not say who comes";
  EXPECT_EQ(refused(bob, text_to(channel_peer(bob, id), "x")), "403 CHAT_WRITE_FORBIDDEN");
  call(ann, text_to(channel_peer(ann, id), "news"));
  const json post = pushed(bob, "updateNewChannelMessage")["message"];
  EXPECT_EQ(post["post"], true);
  EXPECT_EQ(post["views"], 1);
  EXPECT_FALSE(post.contains("from_id"));
  EXPECT_EQ(refused(bob, with_channel("channels.joinChannel", channel(bob, id))),
            "400 USER_ALREADY_PARTICIPANT");
}

TEST_F(world_channels, people_come_and_go) {
  const auto id = new_channel(ann, "megagroup");
  const json invited = call(ann, invite(ann, id, {"bob"}));
  EXPECT_EQ(kind(update_in(invited["updates"], "updateNewChannelMessage")["message"]["action"]),
            "messageActionChatAddUser");
  EXPECT_FALSE(pushed(bob, "updateChannel").is_null());
  EXPECT_EQ(refused(ann, invite(ann, id, {"bob"})), "400 USER_ALREADY_PARTICIPANT");
  json both = call(ann, invite(ann, id, {"bob", "carol", "carol"})); // once is enough
  EXPECT_EQ(described(both["updates"], "chats", id)["participants_count"], 3);
  const json gone = call(bob, with_channel("channels.leaveChannel", channel(bob, id)));
  EXPECT_FALSE(update_in(gone, "updateChannel").is_null());
  EXPECT_EQ(kind(described(gone, "chats", id)), "channelForbidden");
  EXPECT_EQ(kind(pushed(carol, "updateNewChannelMessage")["message"]["action"]),
            "messageActionChatDeleteUser");
  EXPECT_EQ(refused(bob, with_channel("channels.leaveChannel", channel(bob, id))),
            "400 USER_NOT_PARTICIPANT");
  EXPECT_EQ(refused(bob, text_to(channel_peer(bob, id), "x")), "400 CHANNEL_PRIVATE");
  EXPECT_EQ(refused(bob, channel_difference(bob, id, 1)), "400 CHANNEL_PRIVATE");
  EXPECT_EQ(refused(bob, with_channel("channels.joinChannel", channel(bob, id))),
            "400 CHANNEL_PRIVATE");
  EXPECT_EQ(refused(ann, with_channel("channels.leaveChannel", channel(ann, id))),
            "400 USER_CREATOR");
  json channels = sandbox::make("channels.getChannels");
  channels["id"] = json::array({channel(bob, id)});
  EXPECT_EQ(kind(call(bob, channels)["chats"][0]), "channelForbidden");
}

TEST_F(world_channels, edits_deletions_and_pins_move_its_pts) {
  const auto id = new_channel(ann, "megagroup");
  call(ann, invite(ann, id, {"bob", "carol"})); // pts 2, 3, 4
  const auto message = number(update_in(call(bob, text_to(channel_peer(bob, id), "helo")),
                                        "updateNewChannelMessage")["message"],
                              "id");
  json edit = sandbox::make("messages.editMessage");
  edit["peer"] = channel_peer(bob, id);
  edit["id"] = message;
  edit["message"] = "hello";
  call(bob, edit);
  EXPECT_EQ(pushed(carol, "updateEditChannelMessage")["pts"], 6);
  EXPECT_EQ(pushed(carol, "updateEditChannelMessage")["message"]["message"], "hello");
  json pin = sandbox::make("messages.updatePinnedMessage");
  pin["peer"] = channel_peer(ann, id);
  pin["id"] = message;
  call(ann, pin);
  EXPECT_EQ(pushed(bob, "updatePinnedChannelMessages")["pts"], 7);
  EXPECT_EQ(kind(pushed(bob, "updateNewChannelMessage")["message"]["action"]),
            "messageActionPinMessage");
  const json full = call(bob, with_channel("channels.getFullChannel", channel(bob, id)));
  EXPECT_EQ(full["full_chat"]["pinned_msg_id"], message);
  pin["peer"] = channel_peer(carol, id);
  pin["unpin"] = true;
  EXPECT_EQ(refused(carol, pin), "400 CHAT_ADMIN_REQUIRED");
  json remove = with_channel("channels.deleteMessages", channel(carol, id));
  remove["id"] = json::array({message});
  EXPECT_EQ(refused(carol, remove), "403 MESSAGE_DELETE_FORBIDDEN");
  remove["channel"] = channel(bob, id);
  const json affected = call(bob, remove);
  EXPECT_EQ(affected["pts"], 9);
  EXPECT_EQ(affected["pts_count"], 1);
  EXPECT_EQ(pushed(carol, "updateDeleteChannelMessages")["messages"], json::array({message}));
  EXPECT_EQ(call(bob, remove)["pts_count"], 0);
  json get = with_channel("channels.getMessages", channel(bob, id));
  get["id"] = parse(fmt::format(R"([{{"_":"inputMessageID","id":1}},
                                    {{"_":"inputMessageID","id":{}}}])",
                                message));
  const json found = call(bob, get);
  EXPECT_EQ(kind(found), "messages.channelMessages");
  EXPECT_EQ(kind(found["messages"][0]), "messageService");
  EXPECT_EQ(kind(found["messages"][1]), "messageEmpty");
}

TEST_F(world_channels, reading) {
  const auto id = new_channel(ann, "megagroup");
  call(ann, invite(ann, id, {"bob"}));
  const auto second = log_in_person("15550101");
  call(ann, text_to(channel_peer(ann, id), "one"));
  call(ann, text_to(channel_peer(ann, id), "two"));
  json read = with_channel("channels.readHistory", channel(bob, id));
  read["max_id"] = 3;
  EXPECT_EQ(call(bob, read), json(true));
  const json mine = pushed(second, "updateReadChannelInbox");
  EXPECT_EQ(mine["max_id"], 3);
  EXPECT_EQ(mine["still_unread_count"], 1);
  EXPECT_EQ(mine["pts"], 5);
  EXPECT_EQ(pushed(ann, "updateReadChannelOutbox")["max_id"], 3);
  const json dialogs = call(bob, R"({"_":"messages.getDialogs","offset_date":0,"offset_id":0,
    "offset_peer":{"_":"inputPeerEmpty"},"limit":10,"hash":0})");
  ASSERT_EQ(dialogs["dialogs"].size(), 1u);
  EXPECT_EQ(dialogs["dialogs"][0]["unread_count"], 1);
  EXPECT_EQ(dialogs["dialogs"][0]["pts"], 5);
  EXPECT_EQ(dialogs["messages"][0]["message"], "two");
  EXPECT_EQ(call(bob, history(bob, id))["count"], 4);
}

TEST_F(world_channels, who_has_left_hears_of_no_reading) {
  const auto id = new_channel(ann, "megagroup");
  call(ann, invite(ann, id, {"bob", "carol"}));
  call(bob, text_to(channel_peer(bob, id), "one"));
  call(bob, with_channel("channels.leaveChannel", channel(bob, id)));
  json read = with_channel("channels.readHistory", channel(carol, id));
  read["max_id"] = 0;
  call(carol, read);
  EXPECT_FALSE(pushed(ann, "updateReadChannelOutbox").is_null());
  EXPECT_TRUE(containers(bob).empty());
}

TEST_F(world_channels, names) {
  const auto id = new_channel(ann, "megagroup");
  json check = with_channel("channels.checkUsername", channel(ann, id));
  check["username"] = "bob";
  EXPECT_EQ(call(ann, check), json(false));
  check["username"] = "no name";
  EXPECT_EQ(refused(ann, check), "400 USERNAME_INVALID");
  check["username"] = "free_name";
  EXPECT_EQ(call(ann, check), json(true));
  json update = with_channel("channels.updateUsername", channel(ann, id));
  update["username"] = "BOB";
  EXPECT_EQ(refused(ann, update), "400 USERNAME_OCCUPIED");
  open_to_all(ann, id, "free_name");
  update["username"] = "free_name";
  EXPECT_EQ(refused(ann, update), "400 USERNAME_NOT_MODIFIED");
  const json found = call(bob, R"({"_":"contacts.resolveUsername","username":"FREE_NAME"})");
  EXPECT_EQ(number(found["peer"], "channel_id"), id);
  EXPECT_EQ(found["chats"][0]["left"], true);
  EXPECT_EQ(refused(bob, parse(R"({"_":"account.updateUsername","username":"free_name"})")),
            "400 USERNAME_OCCUPIED");
  EXPECT_EQ(call(bob, history(bob, id))["count"], 1) << "who looks in need not be a member";
}

TEST_F(world_channels, links) {
  const auto id = new_channel(ann, "megagroup");
  json make = sandbox::make("messages.exportChatInvite");
  make["peer"] = channel_peer(ann, id);
  const std::string link = call(ann, make)["link"];
  const std::string head = "https://t.me/+";
  ASSERT_EQ(link.find(head), 0u);
  const std::string hash = link.substr(head.size());
  json check = sandbox::make("messages.checkChatInvite");
  check["hash"] = hash;
  const json shown = call(bob, check);
  EXPECT_EQ(shown["title"], "Room");
  EXPECT_EQ(shown["participants_count"], 1);
  json take = sandbox::make("messages.importChatInvite");
  take["hash"] = hash;
  const json in = call(bob, take);
  const json said = update_in(in["updates"], "updateNewChannelMessage")["message"]["action"];
  EXPECT_EQ(kind(said), "messageActionChatJoinedByLink");
  EXPECT_EQ(number(said, "inviter_id"), id_of(ann));
  EXPECT_EQ(refused(bob, take), "400 USER_ALREADY_PARTICIPANT");
  EXPECT_EQ(kind(call(bob, check)), "chatInviteAlready");
  make["peer"] = channel_peer(bob, id);
  EXPECT_EQ(refused(bob, make), "400 CHAT_ADMIN_REQUIRED");
  take["hash"] = "nothing";
  EXPECT_EQ(refused(carol, take), "400 INVITE_HASH_INVALID");
  make["peer"] = channel_peer(ann, id);
  make["legacy_revoke_permanent"] = true;
  call(ann, make);
  take["hash"] = hash;
  EXPECT_EQ(refused(carol, take), "400 INVITE_HASH_EXPIRED");
}

TEST_F(world_channels, a_deleted_one_is_gone_for_all) {
  const auto id = new_channel(ann, "megagroup");
  open_to_all(ann, id, "plans");
  join(bob, "plans");
  EXPECT_EQ(refused(bob, with_channel("channels.deleteChannel", channel(bob, id))),
            "400 CHAT_ADMIN_REQUIRED");
  call(ann, with_channel("channels.deleteChannel", channel(ann, id)));
  EXPECT_EQ(kind(described(containers(bob).back(), "chats", id)), "channelForbidden");
  EXPECT_EQ(refused(ann, text_to(channel_peer(ann, id), "x")), "400 CHANNEL_PRIVATE");
  EXPECT_EQ(refused(bob, with_channel("channels.leaveChannel", channel(bob, id))),
            "400 CHANNEL_PRIVATE");
  EXPECT_TRUE(containers(ann).empty()) << "nothing is said there any more";
  EXPECT_EQ(refused(bob, parse(R"({"_":"contacts.resolveUsername","username":"plans"})")),
            "400 USERNAME_NOT_OCCUPIED");
}

TEST_F(world_channels, buttons_under_posts) {
  const auto id = new_channel(ann, "megagroup");
  call(ann, invite(ann, id, {"bob", bot_name}));
  json message = text_to(channel_peer(bot, id), "choose");
  message["reply_markup"] = parse(R"({"_":"replyInlineMarkup","rows":[{"_":"keyboardButtonRow",
    "buttons":[{"_":"keyboardButtonCallback","text":"Yes","data":"eWVz"}]}]})");
  call(bot, message);
  json click = sandbox::make("messages.getBotCallbackAnswer");
  click["peer"] = channel_peer(bob, id);
  click["msg_id"] = pushed(bob, "updateNewChannelMessage")["message"]["id"];
  click["data"] = "eWVz";
  begin(bob, click);
  const json query = pushed(bot, "updateBotCallbackQuery");
  EXPECT_EQ(number(query["peer"], "channel_id"), id);
  EXPECT_EQ(query["msg_id"], click["msg_id"]);
}

TEST_F(world_channels, random_ids_count_once_here_too) {
  const auto id = new_channel(ann, "broadcast");
  const json message = text_to(channel_peer(ann, id), "once");
  call(ann, message);
  EXPECT_EQ(refused(ann, message), "500 RANDOM_ID_DUPLICATE");
}

} // namespace
} // namespace cafegram
