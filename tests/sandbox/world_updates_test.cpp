#include <map>

#include "world_support.hpp"

namespace cafegram {
namespace {

using sandbox::json;
using sandbox::kind;
using sandbox::number32;

/// What a client makes of updates: its copy of the box. Complains when one is lost or comes twice.
struct mirror {
  std::int32_t pts = 1;
  std::map<std::int32_t, json> messages;
  std::map<std::int64_t, std::int32_t> read_inbox;
  std::map<std::int64_t, std::int32_t> read_outbox;

  void apply(const json& update) {
    if (update.contains("pts")) {
      ASSERT_EQ(pts + number32(update, "pts_count"), number32(update, "pts")) << update.dump();
      pts = number32(update, "pts");
    }
    change(update);
  }

  void change(const json& update) {
    const auto what = kind(update);
    if (what == "updateNewMessage" || what == "updateEditMessage") {
      messages[number32(update["message"], "id")] = update["message"];
    } else if (what == "updateDeleteMessages") {
      for (const json& id : update["messages"]) {
        messages.erase(id.get<std::int32_t>());
      }
    } else if (what == "updateReadHistoryInbox") {
      read_inbox[sandbox::number(update["peer"], "user_id")] = number32(update, "max_id");
    } else if (what == "updateReadHistoryOutbox") {
      read_outbox[sandbox::number(update["peer"], "user_id")] = number32(update, "max_id");
    }
  }

  /// What an edit shows of the other marks is of no interest to a comparison.
  bool operator==(const mirror&) const = default;
};

class world_updates : public test::world_test {
protected:
  /// An account with a session that acts and one that only listens.
  struct participant {
    std::uint64_t acts = 0;
    std::uint64_t listens = 0;
    mirror seen;
    std::vector<mirror> history;
  };

  participant person(const std::string& phone, const std::string& username) {
    participant out{log_in_person(phone), log_in_person(phone), {}, {}};
    json name = sandbox::make("account.updateUsername");
    name["username"] = username;
    call(out.acts, name);
    return out;
  }

  void listen(std::vector<participant*> all) {
    for (participant* one : all) {
      for (const auto& push : effects.pushes) {
        const bool concerned = std::ranges::find(push.keys, one->listens) != push.keys.end();
        for (const json& update : push.updates["updates"]) {
          if (concerned) {
            one->seen.apply(update);
          }
        }
      }
      if (one->history.empty() || one->history.back().pts != one->seen.pts) {
        one->history.push_back(one->seen);
      }
    }
  }

  /// Catches up from an earlier state, slice by slice.
  mirror caught_up(const participant& who, mirror from) {
    for (;;) {
      json request = sandbox::make("updates.getDifference");
      request["pts"] = from.pts;
      request["date"] = 0;
      request["qts"] = 0;
      const json difference = call(who.listens, request);
      const auto what = kind(difference);
      if (what == "updates.differenceEmpty") {
        return from;
      }
      for (const json& message : difference["new_messages"]) {
        from.messages[number32(message, "id")] = message;
      }
      for (const json& update : difference["other_updates"]) {
        from.change(update);
      }
      const bool whole = what == "updates.difference";
      const std::int32_t reached =
          number32(difference[whole ? "state" : "intermediate_state"], "pts");
      EXPECT_GT(reached, from.pts);
      from.pts = reached;
      if (whole) {
        return from;
      }
    }
  }

  void random_step(seeded_random& random, participant& who, const std::vector<json>& peers) {
    const json& to = peers[random.next() % peers.size()];
    const auto id = static_cast<std::int32_t>(
        random.next() % static_cast<std::uint64_t>(who.seen.messages.size() + 3));
    json request;
    switch (random.next() % 8) {
    case 0:
      request = sandbox::make("messages.deleteMessages");
      request["id"] = json::array({id, id + 1});
      request["revoke"] = random.next() % 2 == 0;
      break;
    case 1:
    case 2:
      request = sandbox::make("messages.editMessage");
      request["peer"] = to;
      request["id"] = id;
      request["message"] = fmt::format("edited {}", random.next() % 1000);
      break;
    case 3:
      request = sandbox::make("messages.readHistory");
      request["peer"] = to;
      request["max_id"] = id;
      break;
    default:
      request = text_to(to, fmt::format("message {}", random.next() % 1000));
    }
    (void)ask(who.acts, request); // some are refused; they must change nothing
  }
};

TEST_F(world_updates, state_and_bounds) {
  const auto bot = log_in_bot();
  const json state = call(bot, R"({"_":"updates.getState"})");
  EXPECT_EQ(state["pts"], 1);
  const auto from = [](int pts) {
    return parse(fmt::format(R"({{"_":"updates.getDifference","pts":{},"date":0,"qts":0}})", pts));
  };
  EXPECT_EQ(kind(call(bot, from(1))), "updates.differenceEmpty");
  EXPECT_EQ(refused(bot, from(2)), "400 PERSISTENT_TIMESTAMP_INVALID");
  EXPECT_EQ(refused(bot, from(0)), "400 PERSISTENT_TIMESTAMP_EMPTY");
}

TEST_F(world_updates, a_long_difference_comes_in_slices) {
  const auto bot = log_in_bot();
  const json alice = peer(bot, "alice");
  for (int i = 0; i < 80; ++i) {
    call(bot, text_to(alice, "x"));
  }
  const json first = call(bot, R"({"_":"updates.getDifference","pts":1,"date":0,"qts":0})");
  EXPECT_EQ(kind(first), "updates.differenceSlice");
  EXPECT_EQ(first["new_messages"].size(), 100u);
  EXPECT_EQ(first["intermediate_state"]["pts"], 101);
}

// From every state that a client ever had, the difference leads to where the pushes led.
TEST_F(world_updates, difference_gives_what_the_pushes_gave) {
  seeded_random random{test::seed()};
  participant one = person("15550100", "one");
  participant two = person("15550101", "two");
  participant bot{log_in_bot(), log_in_bot(), {}, {}};
  const std::vector<json> from_one{peer(one.acts, "two"), peer(one.acts, "sandbox_1000001_bot"),
                                   peer(one.acts, "alice"), sandbox::make("inputPeerSelf")};
  const std::vector<json> from_two{peer(two.acts, "one"), peer(two.acts, "sandbox_1000001_bot")};
  const std::vector<json> from_bot{peer(bot.acts, "one"), peer(bot.acts, "two"),
                                   peer(bot.acts, "alice")};
  const std::vector<participant*> all{&one, &two, &bot};
  for (int round = 0; round < 300; ++round) {
    clock.advance(std::chrono::seconds{1});
    switch (random.next() % 3) {
    case 0:
      random_step(random, one, from_one);
      break;
    case 1:
      random_step(random, two, from_two);
      break;
    default:
      random_step(random, bot, from_bot);
    }
    listen(all);
  }
  for (const participant* who : all) {
    EXPECT_GT(who->seen.pts, 50);
    const json state = call(who->acts, R"({"_":"updates.getState"})");
    EXPECT_EQ(state["pts"], who->seen.pts);
    for (const mirror& earlier : who->history) {
      const mirror now = caught_up(*who, earlier);
      ASSERT_EQ(now.pts, who->seen.pts);
      ASSERT_EQ(now.messages, who->seen.messages) << "from pts " << earlier.pts;
      ASSERT_EQ(now.read_inbox, who->seen.read_inbox) << "from pts " << earlier.pts;
      ASSERT_EQ(now.read_outbox, who->seen.read_outbox) << "from pts " << earlier.pts;
    }
  }
}

} // namespace
} // namespace cafegram
