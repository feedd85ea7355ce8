#include <array>

#include "mirror.hpp"
#include "rooms_support.hpp"

/// Several sessions of one account: what one of them does it has in its answer, and the others in
/// what they are told.
namespace cafegram {
namespace {

using sandbox::json;
using sandbox::kind;
using sandbox::number;
using sandbox::number32;

class world_sessions : public test::rooms_test {
protected:
  void SetUp() override {
    rooms_test::SetUp();
    others = {log_in_person("15550100"), log_in_person("15550100")};
  }

  /// Both of Ann's other sessions have been told of it once, the one that did it has not.
  void others_hear(std::string_view update) {
    for (const auto key : others) {
      EXPECT_EQ(all_pushed(key, update).size(), 1u) << update;
    }
    EXPECT_TRUE(all_pushed(ann, update).empty()) << update;
  }

  json reading(const json& peer, std::int32_t up_to) {
    json out = sandbox::make("messages.readHistory");
    out["peer"] = peer;
    out["max_id"] = up_to;
    return out;
  }

  std::array<std::uint64_t, 2> others{};
};

TEST_F(world_sessions, own_messages_are_told_to_the_others) {
  call(ann, text_to(peer(ann, "bob"), "to Bob"));
  others_hear("updateNewMessage");
  const json told = pushed(others[0], "updateNewMessage");
  EXPECT_EQ(told["message"]["out"], true);
  EXPECT_EQ(told["pts"], 2);
  EXPECT_EQ(pushed(others[1], "updateNewMessage"), told);
  const auto group = new_group(ann, {"bob"});
  others_hear("updateNewMessage");
  others_hear("updateChatParticipants");
  call(ann, text_to(input_group(group), "to all"));
  others_hear("updateNewMessage");
  const auto id = new_channel(ann, "megagroup");
  others_hear("updateChannel");
  others_hear("updateNewChannelMessage");
  call(ann, text_to(channel_peer(ann, id), "to all here"));
  others_hear("updateNewChannelMessage");
  EXPECT_EQ(pushed(others[0], "updateNewChannelMessage")["message"]["out"], true);
  EXPECT_EQ(call(others[0], R"({"_":"updates.getState"})")["pts"],
            call(ann, R"({"_":"updates.getState"})")["pts"]);
}

TEST_F(world_sessions, so_is_what_else_they_do) {
  const json to_bob = peer(ann, "bob");
  call(bob, text_to(peer(bob, "ann"), "read this"));
  call(ann, reading(to_bob, 1));
  others_hear("updateReadHistoryInbox");
  call(ann, text_to(to_bob, "helo"));
  json edit = sandbox::make("messages.editMessage");
  edit["peer"] = to_bob;
  edit["id"] = 2;
  edit["message"] = "hello";
  call(ann, edit);
  others_hear("updateEditMessage");
  json pin = sandbox::make("messages.updatePinnedMessage");
  pin["peer"] = to_bob;
  pin["id"] = 2;
  call(ann, pin);
  others_hear("updatePinnedMessages");
  call(ann, R"({"_":"messages.deleteMessages","id":[2]})");
  others_hear("updateDeleteMessages");
  json block = sandbox::make("contacts.block");
  block["id"] = to_bob;
  call(ann, block);
  others_hear("updatePeerBlocked");
  const auto id = new_channel(bob, "megagroup");
  json name = with_channel("channels.updateUsername", channel(bob, id));
  name["username"] = "plans";
  call(bob, name);
  call(ann, R"({"_":"contacts.resolveUsername","username":"plans"})");
  call(ann, with_channel("channels.joinChannel", channel(ann, id)));
  others_hear("updateChannel");
  others_hear("updateNewChannelMessage");
  call(ann, with_channel("channels.leaveChannel", channel(ann, id)));
  others_hear("updateChannel");
}

TEST_F(world_sessions, who_logs_out_hears_nothing_more) {
  call(others[0], R"({"_":"auth.logOut"})");
  call(bob, text_to(peer(bob, "ann"), "hello"));
  EXPECT_TRUE(containers(others[0]).empty());
  EXPECT_FALSE(pushed(others[1], "updateNewMessage").is_null());
  EXPECT_FALSE(pushed(ann, "updateNewMessage").is_null());
}

TEST_F(world_sessions, a_random_id_counts_once_for_all_of_them) {
  const json message = text_to(peer(ann, "bob"), "once");
  call(ann, message);
  EXPECT_EQ(refused(others[0], message), "500 RANDOM_ID_DUPLICATE");
}

class world_sessions_mirrors : public world_sessions {
protected:
  using mirrors = std::map<std::uint64_t, test::mirror>; ///< by key

  /// That all messages of a chat are pinned no more.
  static json unpinned(const test::mirror& seen, const json& peer) {
    if (kind(peer) == "inputPeerChannel") {
      json out = sandbox::make("updatePinnedChannelMessages");
      out["channel_id"] = peer["channel_id"];
      out["messages"] = json::array();
      for (const auto& [place, message] : seen.posts) {
        out["messages"].push_back(place.second);
      }
      return out;
    }
    const char* name = kind(peer) == "inputPeerChat" ? "chat_id" : "user_id";
    json out = sandbox::make("updatePinnedMessages");
    out["messages"] = json::array();
    for (const auto& [id, message] : seen.messages) {
      if (number(message["peer_id"], name) == number(peer, name)) {
        out["messages"].push_back(id);
      }
    }
    return out;
  }

  /// What the session that has asked makes of its answer.
  static void take_answer(test::mirror& seen, const json& request, const json& answer) {
    for (const json& update : sandbox::items(answer, "updates")) {
      seen.apply(update);
    }
    if (kind(answer) != "messages.affectedMessages" && kind(answer) != "messages.affectedHistory") {
      return;
    }
    json update = kind(request) == "messages.unpinAllMessages"
                      ? unpinned(seen, request["peer"])
                      : sandbox::make("updateReadHistoryInbox");
    if (kind(request) == "messages.deleteMessages") {
      update = sandbox::make("updateDeleteMessages");
      update["messages"] = request["id"];
    } else if (kind(request) == "channels.deleteMessages") {
      update = sandbox::make("updateDeleteChannelMessages");
      update["messages"] = request["id"];
      update["channel_id"] = request["channel"]["channel_id"];
    }
    update["pts"] = answer["pts"];
    update["pts_count"] = answer["pts_count"];
    seen.apply(update);
  }

  void act(mirrors& all, std::uint64_t key, const json& request) {
    const auto answer = ask(key, request); // some are refused; they must change nothing
    for (auto& [one, seen] : all) {
      if (one == key && answer) {
        take_answer(seen, request, *answer);
      }
      for (const json& container : containers(one)) {
        for (const json& update : container["updates"]) {
          seen.apply(update);
        }
      }
    }
  }
};

// Answers and updates together leave no session a gap, and lead all of one account to one place; a
// bot too, which does not see all of it.
TEST_F(world_sessions_mirrors, all_of_an_account_see_the_same) {
  seeded_random random{test::seed()};
  const auto group = new_group(ann, {"bob", bot_name});
  const auto room = new_channel(ann, "megagroup");
  call(ann, invite(ann, room, {"bob", bot_name}));
  json pins = sandbox::make("messages.editChatDefaultBannedRights");
  pins["peer"] = channel_peer(ann, room);
  pins["banned_rights"] = parse(R"({"_":"chatBannedRights","until_date":0})");
  call(ann, pins); // everybody may pin
  call(ann, text_to(peer(ann, bot_name), "/start"));
  call(bob, text_to(peer(bob, bot_name), "/start"));
  const std::vector<std::vector<std::uint64_t>> accounts{
      {ann, others[0], others[1]}, {bob, log_in_person("15550101")}, {bot, log_in_bot()}};
  const std::array<const char*, 3> partners{"bob", "ann", "ann"};
  mirrors all;
  for (const auto& sessions : accounts) {
    for (const auto key : sessions) {
      all[key].pts = number32(call(key, R"({"_":"updates.getState"})"), "pts");
    }
  }
  for (int round = 0; round < 500; ++round) {
    const auto who = random.next() % accounts.size();
    const auto& sessions = accounts[who];
    const std::uint64_t key = sessions[random.next() % sessions.size()];
    const std::vector<json> peers{peer(key, partners[who]), input_group(group),
                                  channel_peer(sessions.front(), room)};
    const json& to = peers[random.next() % peers.size()];
    switch (random.next() % 16) {
    case 0:
    case 1:
      act(all, key, reading(to, 0));
      break;
    case 2: {
      json unpin = sandbox::make("messages.unpinAllMessages");
      unpin["peer"] = to;
      act(all, key, unpin);
      break;
    }
    default:
      act(all, key, random_request(random, to));
    }
  }
  for (const auto& sessions : accounts) {
    const test::mirror& first = all[sessions.front()];
    EXPECT_GT(first.messages.size(), 10u);
    EXPECT_GT(first.posts.size(), 10u);
    for (const auto key : sessions) {
      EXPECT_EQ(all[key].pts, number32(call(key, R"({"_":"updates.getState"})"), "pts"));
      EXPECT_EQ(all[key].channels, first.channels);
      EXPECT_EQ(test::in_short(all[key].messages), test::in_short(first.messages));
      EXPECT_EQ(test::in_short(all[key].posts), test::in_short(first.posts));
    }
  }
}

} // namespace
} // namespace cafegram
