#include <limits>

#include "rooms_support.hpp"

/// Supergroups and channels: one box of their own for all who are in there.
namespace cafegram {
namespace {

using sandbox::json;
using sandbox::kind;
using sandbox::number;

class world_channels : public test::rooms_test {
protected:
  /// Names it, so that others can find and join it.
  void open_to_all(std::uint64_t key, std::int64_t id, std::string_view name) {
    json request = with_channel("channels.updateUsername", channel(key, id));
    request["username"] = name;
    EXPECT_EQ(call(key, request), json(true));
  }

  void join(std::uint64_t key, std::string_view name) {
    json resolve = sandbox::make("contacts.resolveUsername");
    resolve["username"] = name;
    const json found = call(key, resolve);
    joined = call(
        key, with_channel("channels.joinChannel", channel(key, number(found["chats"][0], "id"))));
  }

  json history(std::uint64_t key, std::int64_t id) {
    return parse(fmt::format(R"({{"_":"messages.getHistory","peer":{},"offset_id":0,
      "offset_date":0,"add_offset":0,"limit":100,"max_id":0,"min_id":0,"hash":0}})",
                             channel_peer(key, id).dump()));
  }

  json participant(std::uint64_t key, std::int64_t id, std::string_view name) {
    json out = with_channel("channels.getParticipant", channel(key, id));
    out["participant"] = peer(key, name);
    return out;
  }

  json joined;
};

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
  const json both = call(ann, invite(ann, id, {"bob", "carol", "carol"})); // once is enough
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

TEST_F(world_channels, who_is_banned_is_told_and_kept_out) {
  const auto id = new_channel(ann, "megagroup");
  open_to_all(ann, id, "plans");
  join(bob, "plans");
  join(carol, "plans");
  EXPECT_EQ(refused(carol, ban(carol, id, "bob", {"view_messages"})), "400 CHAT_ADMIN_REQUIRED");
  EXPECT_EQ(refused(ann, ban(ann, id, "alice", {"send_messages"})), "400 PARTICIPANT_ID_INVALID");
  call(ann, ban(ann, id, "bob", {"view_messages"}));
  EXPECT_FALSE(pushed(bob, "updateChannel").is_null());
  EXPECT_EQ(kind(described(containers(bob).back(), "chats", id)), "channelForbidden");
  EXPECT_TRUE(all_pushed(bob, "updateNewChannelMessage").empty());
  EXPECT_EQ(refused(bob, history(bob, id)), "400 CHANNEL_PRIVATE");
  EXPECT_EQ(refused(bob, with_channel("channels.joinChannel", channel(bob, id))),
            "400 CHANNEL_PRIVATE");
  EXPECT_EQ(kind(call(ann, participant(ann, id, "bob"))["participant"]),
            "channelParticipantBanned");
  EXPECT_EQ(refused(carol, invite(carol, id, {"bob"})), "400 USER_KICKED");
  call(ann, ban(ann, id, "bob", {}));
  call(bob, with_channel("channels.joinChannel", channel(bob, id)));
  call(ann, ban(ann, id, "bob", {"send_messages"}));
  EXPECT_EQ(refused(bob, text_to(channel_peer(bob, id), "x")), "400 USER_BANNED_IN_CHANNEL");
  EXPECT_EQ(call(bob, history(bob, id))["chats"][0]["banned_rights"]["send_messages"], true);
  // Leaving and coming again lifts nothing.
  call(bob, with_channel("channels.leaveChannel", channel(bob, id)));
  call(bob, with_channel("channels.joinChannel", channel(bob, id)));
  EXPECT_EQ(refused(bob, text_to(channel_peer(bob, id), "x")), "400 USER_BANNED_IN_CHANNEL");
  call(ann, ban(ann, id, "bob", {}));
  call(bob, text_to(channel_peer(bob, id), "free again"));
  // What an admin might do it may not after leaving.
  call(ann, promote(ann, id, "bob", {"change_info"}));
  call(bob, with_channel("channels.leaveChannel", channel(bob, id)));
  call(bob, with_channel("channels.joinChannel", channel(bob, id)));
  EXPECT_FALSE(call(bob, history(bob, id))["chats"][0].contains("banned_rights"));
  EXPECT_EQ(kind(call(ann, participant(ann, id, "bob"))["participant"]), "channelParticipant");
}

TEST_F(world_channels, admins_and_their_rights) {
  const auto id = new_channel(ann, "megagroup");
  call(ann, invite(ann, id, {"bob", "carol"}));
  json title = with_channel("channels.editTitle", channel(bob, id));
  title["title"] = "Bob's";
  EXPECT_EQ(refused(bob, title), "400 CHAT_ADMIN_REQUIRED");
  EXPECT_EQ(refused(bob, promote(bob, id, "carol", {"change_info"})), "400 CHAT_ADMIN_REQUIRED");
  call(ann, promote(ann, id, "bob", {"change_info", "add_admins"}));
  EXPECT_EQ(described(containers(bob).back(), "chats", id)["admin_rights"]["change_info"], true);
  call(bob, title);
  EXPECT_EQ(pushed(carol, "updateNewChannelMessage")["message"]["action"]["title"], "Bob's");
  EXPECT_EQ(refused(bob, title), "400 CHAT_NOT_MODIFIED");
  EXPECT_EQ(refused(bob, promote(bob, id, "carol", {"ban_users"})), "403 RIGHT_FORBIDDEN");
  EXPECT_EQ(refused(bob, promote(bob, id, "ann", {"change_info"})), "400 USER_CREATOR");
  EXPECT_EQ(refused(bob, ban(bob, id, "ann", {"view_messages"})), "400 CHAT_ADMIN_REQUIRED");
  call(ann, promote(ann, id, "bob", {"ban_users"}));
  EXPECT_EQ(refused(bob, ban(bob, id, "ann", {"view_messages"})), "400 USER_ADMIN_INVALID");
  call(ann, promote(ann, id, "bob", {}));
  EXPECT_EQ(refused(bob, title), "400 CHAT_ADMIN_REQUIRED");
  // An admin answers to who has made it one, and to the creator.
  call(ann, promote(ann, id, "bob", {"add_admins", "change_info"}));
  call(ann, promote(ann, id, "carol", {"add_admins", "change_info"}));
  EXPECT_EQ(refused(bob, promote(bob, id, "carol", {})), "400 CHAT_ADMIN_REQUIRED");
  EXPECT_EQ(refused(bob, promote(bob, id, "carol", {"change_info"})), "400 CHAT_ADMIN_REQUIRED");
  call(ann, promote(ann, id, "carol", {}));
  call(bob, promote(bob, id, "carol", {"change_info"}));
  call(bob, promote(bob, id, "carol", {}));
}

TEST_F(world_channels, who_posts_no_more_leaves_its_posts_alone) {
  const auto id = new_channel(ann, "broadcast");
  open_to_all(ann, id, "news");
  join(bob, "news");
  call(ann, promote(ann, id, "bob", {"post_messages"}));
  const json sent = call(bob, text_to(channel_peer(bob, id), "news"));
  const auto post = number(update_in(sent, "updateNewChannelMessage")["message"], "id");
  json edit = sandbox::make("messages.editMessage");
  edit["peer"] = channel_peer(bob, id);
  edit["id"] = post;
  edit["message"] = "better news";
  call(bob, edit);
  call(ann, promote(ann, id, "bob", {}));
  edit["message"] = "worse news";
  EXPECT_EQ(refused(bob, edit), "403 CHAT_WRITE_FORBIDDEN");
  json remove = with_channel("channels.deleteMessages", channel(bob, id));
  remove["id"] = json::array({post});
  EXPECT_EQ(refused(bob, remove), "403 MESSAGE_DELETE_FORBIDDEN");
  // The same in a supergroup that anybody may read, for who has left it.
  const auto group = new_channel(ann, "megagroup");
  open_to_all(ann, group, "plans");
  join(bob, "plans");
  const json said = call(bob, text_to(channel_peer(bob, group), "x"));
  edit["peer"] = channel_peer(bob, group);
  edit["id"] = update_in(said, "updateNewChannelMessage")["message"]["id"];
  call(bob, with_channel("channels.leaveChannel", channel(bob, group)));
  EXPECT_EQ(refused(bob, edit), "403 CHAT_WRITE_FORBIDDEN");
  remove["channel"] = channel(bob, group);
  remove["id"] = json::array({edit["id"]});
  EXPECT_EQ(refused(bob, remove), "403 MESSAGE_DELETE_FORBIDDEN");
}

TEST_F(world_channels, bots_are_in_channels_as_admins_only) {
  const auto id = new_channel(ann, "broadcast");
  EXPECT_EQ(refused(ann, invite(ann, id, {bot_name})), "400 USER_BOT");
  call(ann, promote(ann, id, bot_name, {"post_messages"}));
  call(ann, text_to(channel_peer(ann, id), "for the bot too"));
  EXPECT_EQ(pushed(bot, "updateNewChannelMessage")["message"]["message"], "for the bot too");
  call(bot, text_to(channel_peer(bot, id), "posted by it"));
  EXPECT_EQ(pushed(ann, "updateNewChannelMessage")["message"]["post"], true);
  json no_hash = channel_peer(bot, id);
  no_hash["access_hash"] = 0;
  call(bot, text_to(no_hash, "bots may leave the hash out where they are"));
  call(ann, promote(ann, id, bot_name, {}));
  EXPECT_EQ(refused(bot, text_to(channel_peer(bot, id), "x")), "400 CHANNEL_PRIVATE");
}

TEST_F(world_channels, participants) {
  const auto id = new_channel(ann, "megagroup");
  call(ann, invite(ann, id, {"bob", bot_name}));
  const auto listing = [&](std::uint64_t key, std::string_view filter) {
    json request = with_channel("channels.getParticipants", channel(key, id));
    request["filter"] = parse(filter);
    request["offset"] = 0;
    request["limit"] = 100;
    request["hash"] = 0;
    return request;
  };
  const auto count = [&](std::uint64_t key, std::string_view filter) {
    return call(key, listing(key, filter))["count"].get<int>();
  };
  EXPECT_EQ(count(bob, R"({"_":"channelParticipantsRecent"})"), 3);
  EXPECT_EQ(count(bob, R"({"_":"channelParticipantsAdmins"})"), 1);
  EXPECT_EQ(count(bob, R"({"_":"channelParticipantsBots"})"), 1);
  EXPECT_EQ(count(bob, R"({"_":"channelParticipantsSearch","q":"bo"})"), 1);
  for (const auto filter : {R"({"_":"channelParticipantsKicked","q":""})",
                            R"({"_":"channelParticipantsBanned","q":""})"}) {
    EXPECT_EQ(refused(bob, listing(bob, filter)), "400 CHAT_ADMIN_REQUIRED") << filter;
    EXPECT_EQ(count(ann, filter), 0);
  }
  EXPECT_EQ(kind(call(bob, participant(bob, id, "ann"))["participant"]),
            "channelParticipantCreator");
  EXPECT_EQ(refused(bob, participant(bob, id, "carol")), "400 USER_NOT_PARTICIPANT");
  json self = with_channel("channels.getParticipant", channel(bob, id));
  self["participant"] = sandbox::make("inputPeerSelf");
  EXPECT_EQ(kind(call(bob, self)["participant"]), "channelParticipantSelf");
  self["channel"] = channel(ann, new_channel(ann, "broadcast"));
  self["participant"] = peer(ann, "bob");
  EXPECT_EQ(refused(ann, self), "400 USER_NOT_PARTICIPANT");
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

TEST_F(world_channels, access_hashes_are_each_accounts_own) {
  const auto id = new_channel(ann, "megagroup");
  call(ann, invite(ann, id, {"bob"}));
  EXPECT_NE(channel(ann, id), channel(bob, id));
  EXPECT_EQ(refused(bob, text_to(channel_peer(ann, id), "x")), "400 CHANNEL_INVALID");
  EXPECT_EQ(refused(bob, with_channel("channels.getFullChannel", channel(ann, id))),
            "400 CHANNEL_INVALID");
  EXPECT_EQ(
      refused(bob, with_channel("channels.getFullChannel", parse(R"({"_":"inputChannelEmpty"})"))),
      "400 CHANNEL_INVALID");
  json unknown = channel(bob, id);
  unknown["channel_id"] = 17;
  EXPECT_EQ(refused(bob, with_channel("channels.joinChannel", unknown)), "400 CHANNEL_INVALID");
}

// A group's id and a channel's are marked by where they lie: no id of the one is the other's.
TEST_F(world_channels, a_channel_is_no_group_and_a_group_no_channel) {
  const auto id = new_channel(ann, "megagroup");
  call(ann, invite(ann, id, {"bob", bot_name}));
  call(ann, text_to(channel_peer(ann, id), "secret"));
  call(ann, ban(ann, id, "bob", {"view_messages"}));
  const auto as_group = 1'000'000'000'000 + id;
  json read = history(ann, id);
  read["peer"] = input_group(as_group);
  EXPECT_EQ(refused(bob, read), "400 PEER_ID_INVALID");
  json chats = sandbox::make("messages.getChats");
  chats["id"] = json::array({as_group});
  EXPECT_EQ(refused(ann, chats), "400 CHAT_ID_INVALID");

  const auto group = new_group(ann, {"bob", bot_name});
  json remove = sandbox::make("channels.deleteMessages");
  remove["id"] = json::array({1});
  remove["channel"] = parse(R"({"_":"inputChannel","access_hash":0})");
  for (const auto wrong : {group - 1'000'000'000'000, std::numeric_limits<std::int64_t>::max(),
                           std::numeric_limits<std::int64_t>::min(), std::int64_t{0}}) {
    remove["channel"]["channel_id"] = wrong;
    EXPECT_EQ(refused(bot, remove), "400 CHANNEL_INVALID") << wrong;
    chats["id"] = json::array({wrong});
    EXPECT_EQ(refused(ann, chats), "400 CHAT_ID_INVALID") << wrong;
  }
  json from = parse(R"({"_":"inputChannelFromMessage","msg_id":1})");
  from["peer"] = input_group(group);
  from["channel_id"] = group - 1'000'000'000'000;
  remove["channel"] = from;
  EXPECT_EQ(refused(ann, remove), "400 CHANNEL_INVALID");
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
  ask(bob, click);
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
