#include "rooms_support.hpp"

/// Bots in rooms: what they get to see, and the updates that move their qts.
namespace cafegram {
namespace {

using sandbox::json;
using sandbox::kind;
using sandbox::number;
using sandbox::number32;

class world_rooms_bots : public test::rooms_test {
protected:
  void set_privacy(bool on) {
    EXPECT_TRUE(world->set_privacy(test::echo_id, on, clock.wall_now()).value);
  }

  /// What the bot has got of a text that Bob writes to a group.
  bool bot_hears(const json& peer, std::string_view text) {
    call(bob, text_to(peer, text));
    return !all_pushed(bot, "updateNewMessage").empty() ||
           !all_pushed(bot, "updateNewChannelMessage").empty();
  }

  std::uint64_t second_bot() {
    const auto key = log_in_bot("1000002:x");
    ids[key] = 1000002;
    return key;
  }
};

TEST_F(world_rooms_bots, with_privacy_they_hear_what_concerns_them) {
  const auto group = new_group(ann, {"bob", bot_name});
  const json to = input_group(group);
  EXPECT_FALSE(bot_hears(to, "between us"));
  EXPECT_FALSE(bot_hears(to, "mail me at bob@sandbox_1000001_bot_or_so"));
  EXPECT_TRUE(bot_hears(to, "/start"));
  EXPECT_TRUE(bot_hears(to, "/start@Sandbox_1000001_bot now"));
  EXPECT_FALSE(bot_hears(to, "/start@another_bot"));
  EXPECT_TRUE(bot_hears(to, "hello @sandbox_1000001_BOT!"));
  json mention = text_to(to, "you there");
  mention["entities"] = json::array({sandbox::make("inputMessageEntityMentionName")});
  mention["entities"][0]["offset"] = 0;
  mention["entities"][0]["length"] = 3;
  mention["entities"][0]["user_id"] = user(bob, bot_name);
  call(bob, mention);
  EXPECT_FALSE(pushed(bot, "updateNewMessage").is_null());
  call(bot, text_to(to, "the bot speaks"));
  const auto said = number(pushed(bob, "updateNewMessage")["message"], "id");
  json reply = text_to(to, "an answer");
  reply["reply_to"] = sandbox::make("inputReplyToMessage");
  reply["reply_to"]["reply_to_msg_id"] = said;
  call(bob, reply);
  EXPECT_FALSE(pushed(bot, "updateNewMessage").is_null());
  set_privacy(false);
  EXPECT_TRUE(bot_hears(to, "for all"));
  set_privacy(true);
  EXPECT_FALSE(bot_hears(to, "between us again"));
}

TEST_F(world_rooms_bots, admins_hear_everything_but_other_bots) {
  const auto group = new_group(ann, {"bob", bot_name});
  json admin = sandbox::make("messages.editChatAdmin");
  admin["chat_id"] = group;
  admin["user_id"] = user(ann, bot_name);
  admin["is_admin"] = true;
  call(ann, admin);
  EXPECT_TRUE(bot_hears(input_group(group), "for all"));
  const auto other = second_bot();
  json add = sandbox::make("messages.addChatUser");
  add["chat_id"] = group;
  add["user_id"] = user(ann, "sandbox_1000002_bot");
  add["fwd_limit"] = 0;
  call(ann, add);
  call(other, text_to(input_group(group), "/start@sandbox_1000001_bot"));
  EXPECT_FALSE(pushed(ann, "updateNewMessage").is_null());
  EXPECT_TRUE(pushed(bot, "updateNewMessage").is_null());
}

// The channel's pts goes on with what the bot does not see: the next step that it sees covers it.
TEST_F(world_rooms_bots, hidden_messages_leave_no_gap_in_the_pts) {
  const auto id = new_channel(ann, "megagroup");
  call(ann, invite(ann, id, {"bob", bot_name})); // pts 3 and 4
  const auto start = number32(pushed(bot, "updateNewChannelMessage"), "pts");
  EXPECT_EQ(start, 4);
  const json to = channel_peer(bob, id);
  EXPECT_FALSE(bot_hears(to, "hidden"));
  EXPECT_FALSE(bot_hears(to, "hidden too"));
  call(bob, text_to(to, "/seen"));
  const json seen = pushed(bot, "updateNewChannelMessage");
  EXPECT_EQ(seen["pts"], 7);
  EXPECT_EQ(seen["pts_count"], 3);
  EXPECT_EQ(pushed(ann, "updateNewChannelMessage")["pts_count"], 1);
  EXPECT_FALSE(bot_hears(to, "hidden at the end"));
  const json all = call(bot, channel_difference(bot, id, start));
  EXPECT_EQ(all["new_messages"].size(), 1u);
  EXPECT_EQ(all["pts"], 7) << "not 8: the step to the next that it sees begins here";
  EXPECT_EQ(all["final"], true);
  EXPECT_EQ(kind(call(bot, channel_difference(bot, id, 7))), "updates.channelDifferenceEmpty");
  call(bob, text_to(to, "/again"));
  EXPECT_EQ(pushed(bot, "updateNewChannelMessage")["pts"], 9);
  EXPECT_EQ(pushed(bot, "updateNewChannelMessage")["pts_count"], 2);
  json get = with_channel("channels.getMessages", channel(bot, id));
  get["id"] = parse(R"([{"_":"inputMessageID","id":4},{"_":"inputMessageID","id":6}])");
  const json found = call(bot, get);
  EXPECT_EQ(kind(found["messages"][0]), "messageEmpty") << "hidden";
  EXPECT_EQ(found["messages"][1]["message"], "/seen");
}

TEST_F(world_rooms_bots, of_before_it_came_a_bot_hears_nothing) {
  const auto id = new_channel(ann, "megagroup");
  call(ann, text_to(channel_peer(ann, id), "/before"));
  call(ann, invite(ann, id, {bot_name}));
  const json all = call(bot, channel_difference(bot, id, 1));
  ASSERT_EQ(all["new_messages"].size(), 1u);
  EXPECT_EQ(kind(all["new_messages"][0]["action"]), "messageActionChatAddUser");
  EXPECT_EQ(all["pts"], 4);
}

// What was said before it came stays hidden: in edits, when it asks, and in what is forwarded.
TEST_F(world_rooms_bots, nothing_of_before_it_came_reaches_a_bot_later) {
  const auto id = new_channel(ann, "megagroup");
  call(ann, text_to(channel_peer(ann, id), "/before")); // message 2
  call(ann, invite(ann, id, {bot_name}));
  const auto pts = number32(pushed(bot, "updateNewChannelMessage"), "pts");
  json edit = sandbox::make("messages.editMessage");
  edit["peer"] = channel_peer(ann, id);
  edit["id"] = 2;
  edit["message"] = "/before, and more";
  call(ann, edit);
  EXPECT_TRUE(containers(bot).empty());
  json pin = sandbox::make("messages.updatePinnedMessage");
  pin["peer"] = channel_peer(ann, id);
  pin["id"] = 2;
  call(ann, pin);
  EXPECT_TRUE(pushed(bot, "updatePinnedChannelMessages").is_null());
  const json said = pushed(bot, "updateNewChannelMessage");
  EXPECT_EQ(said["pts_count"], 3) << "the edit, the pin, and the word of it";
  const json all = call(bot, channel_difference(bot, id, pts));
  EXPECT_EQ(all["new_messages"].size(), 1u);
  EXPECT_TRUE(all["other_updates"].empty()) << all.dump();
  EXPECT_EQ(all["final"], true);
  json get = with_channel("channels.getMessages", channel(bot, id));
  get["id"] = parse(R"([{"_":"inputMessageID","id":2},{"_":"inputMessagePinned"}])");
  const json found = call(bot, get);
  EXPECT_EQ(kind(found["messages"][0]), "messageEmpty");
  EXPECT_EQ(kind(found["messages"][1]), "messageEmpty");
  json forward = sandbox::make("messages.forwardMessages");
  forward["from_peer"] = channel_peer(bot, id);
  forward["to_peer"] = channel_peer(bot, id);
  forward["id"] = json::array({2});
  forward["random_id"] = json::array({4711});
  EXPECT_EQ(refused(bot, forward), "400 MESSAGE_ID_INVALID");
}

TEST_F(world_rooms_bots, a_bot_that_has_left_reads_nothing_more) {
  const auto id = new_channel(ann, "megagroup");
  json name = with_channel("channels.updateUsername", channel(ann, id));
  name["username"] = "plans";
  call(ann, name);
  call(ann, invite(ann, id, {bot_name}));
  const auto pts = number32(pushed(bot, "updateNewChannelMessage"), "pts");
  call(bot, with_channel("channels.leaveChannel", channel(bot, id)));
  const auto message = number(update_in(call(ann, text_to(channel_peer(ann, id), "/still there?")),
                                        "updateNewChannelMessage")["message"],
                              "id");
  EXPECT_EQ(refused(bot, channel_difference(bot, id, pts)), "400 CHANNEL_PRIVATE");
  json get = with_channel("channels.getMessages", channel(bot, id));
  get["id"] = json::array({sandbox::make("inputMessageID")});
  get["id"][0]["id"] = message;
  EXPECT_EQ(kind(call(bot, get)["messages"][0]), "messageEmpty");
  // Come again, it hears what is said from then on.
  call(ann, invite(ann, id, {bot_name}));
  EXPECT_EQ(kind(call(bot, get)["messages"][0]), "messageEmpty");
  call(ann, text_to(channel_peer(ann, id), "/here"));
  EXPECT_EQ(pushed(bot, "updateNewChannelMessage")["pts_count"], 1);
}

TEST_F(world_rooms_bots, membership_moves_the_qts) {
  EXPECT_EQ(call(bot, R"({"_":"updates.getState"})")["qts"], 1);
  EXPECT_EQ(call(ann, R"({"_":"updates.getState"})")["qts"], 0);
  const auto group = new_group(ann, {"bob", bot_name});
  const json came = pushed(bot, "updateChatParticipant");
  EXPECT_EQ(came["qts"], 2);
  EXPECT_EQ(number(came, "chat_id"), group);
  EXPECT_EQ(number(came, "user_id"), test::echo_id);
  EXPECT_EQ(number(came, "actor_id"), id_of(ann));
  EXPECT_FALSE(came.contains("prev_participant"));
  EXPECT_EQ(kind(came["new_participant"]), "chatParticipant");
  // Of others it hears as an admin.
  json add = sandbox::make("messages.addChatUser");
  add["chat_id"] = group;
  add["user_id"] = user(ann, "carol");
  add["fwd_limit"] = 0;
  call(ann, add);
  EXPECT_TRUE(pushed(bot, "updateChatParticipant").is_null());
  json remove = sandbox::make("messages.deleteChatUser");
  remove["chat_id"] = group;
  remove["user_id"] = user(ann, bot_name);
  call(ann, remove);
  const json left = pushed(bot, "updateChatParticipant");
  EXPECT_EQ(left["qts"], 3);
  EXPECT_EQ(kind(left["prev_participant"]), "chatParticipant");
  EXPECT_FALSE(left.contains("new_participant"));

  const auto id = new_channel(ann, "broadcast");
  call(ann, promote(ann, id, bot_name, {"post_messages", "invite_users"}));
  const json up = pushed(bot, "updateChannelParticipant");
  EXPECT_EQ(up["qts"], 4);
  EXPECT_EQ(kind(up["new_participant"]), "channelParticipantAdmin");
  EXPECT_EQ(up["new_participant"]["self"], true);
  call(ann, invite(ann, id, {"bob"}));
  EXPECT_EQ(number(pushed(bot, "updateChannelParticipant"), "user_id"), id_of(bob));
}

TEST_F(world_rooms_bots, who_asks_to_come_in_is_told_to_bots_that_may_let_in) {
  const auto id = new_channel(ann, "megagroup");
  call(ann, invite(ann, id, {bot_name}));
  call(ann, promote(ann, id, bot_name, {"invite_users"}));
  json make = sandbox::make("messages.exportChatInvite");
  make["peer"] = channel_peer(ann, id);
  make["request_needed"] = true;
  const std::string link = call(ann, make)["link"];
  json take = sandbox::make("messages.importChatInvite");
  take["hash"] = link.substr(link.rfind('+') + 1);
  EXPECT_EQ(refused(bob, take), "400 INVITE_REQUEST_SENT");
  const json asked = pushed(bot, "updateBotChatInviteRequester");
  EXPECT_EQ(number(asked, "user_id"), id_of(bob));
  EXPECT_EQ(number(asked["peer"], "channel_id"), id);
  EXPECT_GT(number32(asked, "qts"), 1);
  EXPECT_EQ(pushed(ann, "updatePendingJoinRequests")["requests_pending"], 1);
  // What is told is enough to answer: for people the hash, for bots the id.
  json let = sandbox::make("messages.hideChatJoinRequest");
  const json told = described(containers(ann).back(), "users", id_of(bob));
  EXPECT_FALSE(told.contains("min")) << told.dump();
  let["peer"] = channel_peer(ann, id);
  let["user_id"] = sandbox::make("inputUser");
  let["user_id"]["user_id"] = told["id"];
  let["user_id"]["access_hash"] = told["access_hash"];
  call(ann, let);
  EXPECT_EQ(refused(bob, take), "400 INVITE_REQUEST_SENT");
  const json heard = described(containers(bot).back(), "users", id_of(bob));
  EXPECT_FALSE(heard.contains("min")) << heard.dump();
  let["peer"] = channel_peer(bot, id);
  let["user_id"]["user_id"] = heard["id"];
  let["user_id"]["access_hash"] = 0;
  let["approved"] = true;
  call(bot, let);
  EXPECT_FALSE(pushed(bob, "updateChannel").is_null());
  EXPECT_EQ(refused(bot, let), "400 USER_ALREADY_PARTICIPANT");
  let["user_id"] = user(bot, "carol");
  EXPECT_EQ(refused(bot, let), "400 HIDE_REQUESTER_MISSING");
}

TEST_F(world_rooms_bots, a_bot_lets_in_again_whom_it_has_banned) {
  const auto id = new_channel(ann, "megagroup");
  call(ann, invite(ann, id, {"bob", bot_name}));
  call(ann, promote(ann, id, bot_name, {"ban_users"}));
  json change = ban(bot, id, "bob", {"view_messages"});
  change["participant"]["access_hash"] = 0;
  call(bot, change);
  change["banned_rights"].erase("view_messages");
  call(bot, change);
  EXPECT_EQ(call(ann, invite(ann, id, {"bob"}))["missing_invitees"].size(), 0u);
  // Of nobody else's rooms.
  change["channel"] = channel(bot, id);
  change["participant"] = peer(bot, "carol");
  change["participant"]["access_hash"] = 0;
  EXPECT_EQ(refused(bot, change), "400 PARTICIPANT_ID_INVALID");
}

TEST_F(world_rooms_bots, who_blocks_a_bot_stops_it) {
  call(bob, text_to(peer(bob, bot_name), "/start"));
  json block = sandbox::make("contacts.block");
  block["id"] = peer(bob, bot_name);
  EXPECT_EQ(call(bob, block), json(true));
  const json stopped = pushed(bot, "updateBotStopped");
  EXPECT_EQ(stopped["stopped"], true);
  EXPECT_EQ(stopped["qts"], 2);
  EXPECT_EQ(refused(bot, text_to(peer(bot, "bob"), "x")), "403 USER_IS_BLOCKED");
  call(bob, block);
  EXPECT_TRUE(containers(bot).empty()) << "it is blocked already";
  block["_"] = "contacts.unblock";
  call(bob, block);
  EXPECT_EQ(pushed(bot, "updateBotStopped")["stopped"], false);
  call(bot, text_to(peer(bot, "bob"), "thank you"));
}

TEST_F(world_rooms_bots, the_difference_brings_qts_back) {
  const auto group = new_group(ann, {bot_name});
  const json first = pushed(bot, "updateChatParticipant");
  call(bob, text_to(peer(bob, bot_name), "/start"));
  json block = sandbox::make("contacts.block");
  block["id"] = peer(bob, bot_name);
  call(bob, block);
  const json all = difference(bot, 1, 1);
  EXPECT_EQ(kind(all), "updates.difference");
  EXPECT_EQ(all["state"]["qts"], 3);
  ASSERT_EQ(all["other_updates"].size(), 2u) << group;
  EXPECT_EQ(all["other_updates"][0], first);
  EXPECT_EQ(kind(all["other_updates"][1]), "updateBotStopped");
  const json rest = difference(bot, 3, 2);
  EXPECT_EQ(rest["other_updates"].size(), 1u);
  EXPECT_TRUE(rest["new_messages"].empty());
  json wrong = sandbox::make("updates.getDifference");
  wrong["pts"] = 1;
  wrong["date"] = 0;
  wrong["qts"] = 9;
  EXPECT_EQ(refused(bot, wrong), "400 PERSISTENT_TIMESTAMP_INVALID");
  wrong["qts"] = 1;
  wrong["qts_limit"] = 1;
  const json slice = call(bot, wrong);
  EXPECT_EQ(kind(slice), "updates.differenceSlice");
  EXPECT_EQ(slice["intermediate_state"]["qts"], 2);
}

} // namespace
} // namespace cafegram
