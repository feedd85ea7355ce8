#include "mirror.hpp"
#include "rooms_support.hpp"

/// Catching up: slices, gaps that are too long, channels, and that it all gives what the pushes
/// gave.
namespace cafegram {
namespace {

using sandbox::json;
using sandbox::kind;
using sandbox::number;
using sandbox::number32;
using test::in_short;
using test::mirror;

class world_difference : public test::rooms_test {
protected:
  void reopen(std::int32_t slice, std::int32_t total) {
    auto options = plain();
    options.difference_slice = slice;
    options.difference_total = total;
    open(sandbox::make_memory_store(), options);
    meet();
  }
};

TEST_F(world_difference, slices_are_as_long_as_wanted) {
  reopen(3, 0);
  const json to_bot = peer(bob, bot_name);
  for (int i = 0; i < 7; ++i) {
    call(bob, text_to(to_bot, fmt::format("{}", i)));
  }
  const json first = difference(bot, 1, 1);
  EXPECT_EQ(kind(first), "updates.differenceSlice");
  EXPECT_EQ(first["new_messages"].size(), 3u);
  EXPECT_EQ(first["intermediate_state"]["pts"], 4);
  json request = sandbox::make("updates.getDifference");
  request["pts"] = 4;
  request["date"] = 0;
  request["qts"] = 1;
  request["pts_limit"] = 2;
  EXPECT_EQ(call(bot, request)["new_messages"].size(), 2u) << "as the client wants";
  const json last = difference(bot, 7, 1);
  EXPECT_EQ(kind(last), "updates.difference");
  EXPECT_EQ(last["new_messages"].size(), 1u);
  EXPECT_EQ(kind(difference(bot, 8, 1, 2'000'000'000)), "updates.differenceEmpty");
}

TEST_F(world_difference, too_long_a_gap) {
  reopen(100, 5);
  const json to_bot = peer(bob, bot_name);
  for (int i = 0; i < 6; ++i) {
    call(bob, text_to(to_bot, fmt::format("{}", i)));
  }
  const json answer = difference(bot, 1, 1);
  EXPECT_EQ(kind(answer), "updates.differenceTooLong");
  EXPECT_EQ(answer["pts"], 7);
  EXPECT_EQ(kind(difference(bot, 2, 1)), "updates.difference");
  json request = sandbox::make("updates.getDifference");
  request["pts"] = 2;
  request["date"] = 0;
  request["qts"] = 1;
  request["pts_total_limit"] = 4;
  EXPECT_EQ(kind(call(bot, request)), "updates.differenceTooLong") << "as the client wants";
}

TEST_F(world_difference, what_is_gone_moves_the_pts_all_the_same) {
  call(bob, text_to(peer(bob, bot_name), "x"));
  call(bot, R"({"_":"messages.deleteMessages","id":[1]})");
  const json answer = difference(bot, 1, 1);
  EXPECT_EQ(kind(answer), "updates.difference");
  EXPECT_TRUE(answer["new_messages"].empty());
  EXPECT_EQ(kind(answer["other_updates"][0]), "updateDeleteMessages");
  EXPECT_EQ(answer["state"]["pts"], 3);
}

TEST_F(world_difference, channels_that_moved_are_named) {
  const auto id = new_channel(ann, "megagroup");
  call(ann, invite(ann, id, {"bob"}));
  const auto date = clock.wall_now().time_since_epoch() / std::chrono::seconds{1};
  clock.advance(std::chrono::seconds{60});
  const json state = call(bob, R"({"_":"updates.getState"})");
  EXPECT_EQ(kind(difference(bob, number32(state, "pts"), 0, date + 1)), "updates.differenceEmpty");
  call(ann, text_to(channel_peer(ann, id), "while bob is away"));
  const json answer = difference(bob, number32(state, "pts"), 0, date + 1);
  EXPECT_EQ(kind(answer), "updates.difference");
  ASSERT_EQ(answer["other_updates"].size(), 1u);
  EXPECT_EQ(kind(answer["other_updates"][0]), "updateChannelTooLong");
  EXPECT_EQ(number(answer["other_updates"][0], "channel_id"), id);
  EXPECT_EQ(answer["other_updates"][0]["pts"], 4);
  EXPECT_FALSE(described(answer, "chats", id).is_null());
}

// Else a channel that moved while the client was away would be forgotten between two parts.
TEST_F(world_difference, channels_that_moved_are_named_behind_slices_too) {
  reopen(2, 0);
  const auto id = new_channel(ann, "megagroup");
  call(ann, invite(ann, id, {"bob"}));
  clock.advance(std::chrono::seconds{60});
  json state = call(bob, R"({"_":"updates.getState"})");
  clock.advance(std::chrono::seconds{60});
  call(ann, text_to(channel_peer(ann, id), "while bob is away"));
  for (int i = 0; i < 3; ++i) {
    call(ann, text_to(peer(ann, "bob"), fmt::format("{}", i)));
  }
  clock.advance(std::chrono::seconds{60});
  const json first = difference(bob, number32(state, "pts"), 0, number(state, "date"));
  ASSERT_EQ(kind(first), "updates.differenceSlice");
  EXPECT_TRUE(first["other_updates"].empty());
  state = first["intermediate_state"];
  const json last = difference(bob, number32(state, "pts"), 0, number(state, "date"));
  ASSERT_EQ(kind(last), "updates.difference");
  ASSERT_EQ(last["other_updates"].size(), 1u);
  EXPECT_EQ(number(last["other_updates"][0], "channel_id"), id);
}

TEST_F(world_difference, of_channels_in_slices_until_it_is_final) {
  reopen(2, 0);
  const auto id = new_channel(ann, "megagroup");
  call(ann, invite(ann, id, {"bob"})); // pts 3
  for (int i = 0; i < 5; ++i) {
    call(ann, text_to(channel_peer(ann, id), fmt::format("{}", i)));
  }
  const json first = call(bob, channel_difference(bob, id, 3));
  EXPECT_EQ(kind(first), "updates.channelDifference");
  EXPECT_FALSE(first.contains("final"));
  EXPECT_EQ(first["pts"], 5);
  EXPECT_EQ(first["new_messages"].size(), 2u);
  EXPECT_FALSE(call(bob, channel_difference(bob, id, 5)).contains("final"));
  const json last = call(bob, channel_difference(bob, id, 7));
  EXPECT_EQ(last["final"], true);
  EXPECT_EQ(last["pts"], 8);
  const json none = call(bob, channel_difference(bob, id, 8));
  EXPECT_EQ(kind(none), "updates.channelDifferenceEmpty");
  EXPECT_EQ(none["final"], true);
  EXPECT_EQ(none["pts"], 8);
}

TEST_F(world_difference, of_channels_too_long) {
  const auto id = new_channel(ann, "megagroup");
  call(ann, invite(ann, id, {"bob"}));
  for (int i = 0; i < 20; ++i) {
    call(ann, text_to(channel_peer(ann, id), fmt::format("{}", i)));
  }
  const json answer = call(bob, channel_difference(bob, id, 3, 19));
  EXPECT_EQ(kind(answer), "updates.channelDifferenceTooLong");
  EXPECT_EQ(answer["final"], true);
  EXPECT_EQ(answer["dialog"]["pts"], 23);
  EXPECT_EQ(answer["dialog"]["unread_count"], 21) << "and that he was added";
  EXPECT_EQ(answer["messages"].size(), 10u);
  EXPECT_EQ(answer["messages"][0]["message"], "19");
  EXPECT_EQ(kind(call(bob, channel_difference(bob, id, 3, 20))), "updates.channelDifference");
}

TEST_F(world_difference, refusals) {
  const auto id = new_channel(ann, "megagroup");
  EXPECT_EQ(refused(ann, channel_difference(ann, id, 0)), "400 PERSISTENT_TIMESTAMP_EMPTY");
  EXPECT_EQ(refused(ann, channel_difference(ann, id, 3)), "400 PERSISTENT_TIMESTAMP_INVALID");
  EXPECT_EQ(refused(ann, channel_difference(ann, id, 1, 0)), "400 LIMIT_INVALID");
  json wrong = channel_difference(ann, id, 1);
  wrong["channel"]["access_hash"] = 1;
  EXPECT_EQ(refused(ann, wrong), "400 CHANNEL_INVALID");
}

class world_mirrors : public world_difference {
protected:
  struct watched {
    std::uint64_t acts = 0;
    std::uint64_t listens = 0;
    mirror seen;
    std::vector<mirror> before;
  };

  void listen(std::vector<watched*> all) {
    for (watched* one : all) {
      for (const json& container : containers(one->listens)) {
        for (const json& update : container["updates"]) {
          one->seen.apply(update);
        }
      }
      one->before.push_back(one->seen);
    }
  }

  mirror caught_up(const watched& who, mirror from) {
    for (bool whole = false; !whole;) {
      const json got = difference(who.listens, from.pts, qts_of(who));
      whole = kind(got) != "updates.differenceSlice";
      if (kind(got) == "updates.differenceEmpty") {
        break;
      }
      take(from, got);
      from.pts = number32(got[whole ? "state" : "intermediate_state"], "pts");
    }
    for (auto& [id, pts] : from.channels) {
      for (bool final = false; !final;) {
        const json got = call(who.listens, channel_difference(who.acts, id, pts, 100'000));
        take(from, got);
        pts = number32(got, "pts");
        final = got.contains("final");
      }
    }
    return from;
  }

  std::int32_t qts_of(const watched& who) {
    return number32(call(who.listens, R"({"_":"updates.getState"})"), "qts");
  }

  static void take(mirror& into, const json& difference) {
    for (const json& message : sandbox::items(difference, "new_messages")) {
      json update =
          sandbox::make(kind(message["peer_id"]) == "peerChannel" ? "updateNewChannelMessage"
                                                                  : "updateNewMessage");
      update["message"] = message;
      into.change(update);
    }
    for (const json& update : sandbox::items(difference, "other_updates")) {
      into.change(update);
    }
  }
};

// From every state that a client ever had, the differences lead to where the pushes led; also for a
// bot that does not see everything.
TEST_F(world_mirrors, differences_give_what_the_pushes_gave) {
  reopen(7, 0);
  seeded_random random{test::seed()};
  const auto group = new_group(ann, {"bob", bot_name});
  const auto room = new_channel(ann, "megagroup");
  call(ann, invite(ann, room, {"bob", bot_name}));
  watched one{ann, log_in_person("15550100"), {}, {}};
  watched two{bob, log_in_person("15550101"), {}, {}};
  watched third{bot, log_in_bot(), {}, {}};
  const std::vector<watched*> all{&one, &two, &third};
  for (watched* who : all) {
    who->seen.pts = number32(call(who->acts, R"({"_":"updates.getState"})"), "pts");
  }
  for (int round = 0; round < 250; ++round) {
    watched& who = *all[random.next() % all.size()];
    const bool in_group = random.next() % 2 == 0;
    // Some are refused; they must change nothing.
    (void)ask(who.acts,
              random_request(random, in_group ? input_group(group) : channel_peer(who.acts, room)));
    listen(all);
  }
  for (const watched* who : all) {
    EXPECT_GT(who->seen.messages.size() + who->seen.posts.size(), 10u);
    for (const mirror& earlier : who->before) {
      const mirror now = caught_up(*who, earlier);
      ASSERT_EQ(now.pts, who->seen.pts);
      ASSERT_EQ(in_short(now.messages), in_short(who->seen.messages)) << earlier.pts;
      if (!earlier.channels.empty()) {
        ASSERT_EQ(now.channels, who->seen.channels);
        ASSERT_EQ(in_short(now.posts), in_short(who->seen.posts));
      }
    }
  }
}

} // namespace
} // namespace cafegram
