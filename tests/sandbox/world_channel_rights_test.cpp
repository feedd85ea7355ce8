#include <limits>

#include "rooms_support.hpp"

/// Supergroups and channels: who may do what there, and by which words they are named.
namespace cafegram {
namespace {

using sandbox::json;
using sandbox::kind;
using sandbox::number;

using world_channel_rights = test::channels_test;

TEST_F(world_channel_rights, who_is_banned_is_told_and_kept_out) {
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

TEST_F(world_channel_rights, admins_and_their_rights) {
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

TEST_F(world_channel_rights, who_posts_no_more_leaves_its_posts_alone) {
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

TEST_F(world_channel_rights, bots_are_in_channels_as_admins_only) {
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

TEST_F(world_channel_rights, participants) {
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

TEST_F(world_channel_rights, access_hashes_are_each_accounts_own) {
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
TEST_F(world_channel_rights, a_channel_is_no_group_and_a_group_no_channel) {
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

} // namespace
} // namespace cafegram
