#include <fmt/format.h>
#include <gtest/gtest.h>

#include "fixture.hpp"

// Verbs to chats whose access hash no update has told: how these are addressed is looked up.
namespace cafegram::test {

namespace {

constexpr std::int64_t club = -1'000'000'000'070; // a supergroup, as in the Bot API

class addresses : public bot_test {
protected:
  void knows(std::int64_t marked, std::int64_t hash) {
    auto chat = chat_ref::from_marked(marked);
    chat.access_hash = hash;
    telegram_->addresses[marked] = chat.input_peer();
  }
  /// The answers to the look-ups that are held.
  void tell_addresses() {
    caf::anon_send(client_, caf::flush_atom_v);
    settle();
  }
  std::vector<tl::messages::sendMessage> sends() const {
    return telegram_->of<tl::messages::sendMessage>();
  }
  static std::int64_t hash_of(const tl::InputPeer& peer) {
    if (const auto* user = tl::get_if<tl::inputPeerUser>(peer)) {
      return user->access_hash;
    }
    const auto* channel = tl::get_if<tl::inputPeerChannel>(peer);
    return channel != nullptr ? channel->access_hash : -1;
  }
};

TEST_F(addresses, all_verbs_that_take_a_chat_need_its_id_alone) {
  knows(club, 700);
  start([](router& r) {
    r.otherwise([](context ctx) {
      const auto to = chat_ref::from_marked(club);
      ctx.send(to, "hello");
      ctx.edit({to, 5}, "changed");
      ctx.remove({to, 6});
    });
  });
  give(alice_.says(1, "x"));
  ASSERT_EQ(sends().size(), 1U);
  EXPECT_EQ(hash_of(sends()[0].peer), 700);
  const auto edits = telegram_->of<tl::messages::editMessage>();
  ASSERT_EQ(edits.size(), 1U);
  EXPECT_EQ(hash_of(edits[0].peer), 700);
  const auto removals = telegram_->of<tl::channels::deleteMessages>();
  ASSERT_EQ(removals.size(), 1U);
  EXPECT_EQ(tl::get_if<tl::inputChannel>(removals[0].channel)->access_hash, 700);
  EXPECT_EQ(status().finished, 1U) << "when all of them are answered";
}

TEST_F(addresses, a_chat_that_is_known_by_its_update_is_not_looked_up) {
  start([](router& r) {
    r.otherwise([](context ctx) {
      ctx.reply("hello");
      ctx.action();
      ctx.send(chat_ref::from_marked(-5), "to a group: its id is all");
    });
  });
  give(alice_.says(1, "x"));
  EXPECT_EQ(sends().size(), 2U);
  EXPECT_TRUE(telegram_->looked_up.empty());
}

TEST_F(addresses, calls_to_one_chat_keep_their_order_while_it_is_looked_up) {
  knows(club, 700);
  telegram_->hold_addresses = true;
  start([](router& r) {
    r.otherwise([](context ctx) {
      auto known = chat_ref::from_marked(club);
      known.access_hash = 700;
      ctx.send(chat_ref::from_marked(club), "first");
      ctx.send(known, "second");
      ctx.send(chat_ref::from_marked(club), "third");
      ctx.reply("elsewhere");
    });
  });
  const auto done = give(alice_.says(1, "x"));
  EXPECT_EQ(telegram_->texts(), (std::vector<std::string>{"elsewhere"}));
  EXPECT_EQ(status().finished, 0U) << "its sends are not made yet";
  tell_addresses();
  EXPECT_EQ(telegram_->texts(),
            (std::vector<std::string>{"elsewhere", "first", "second", "third"}));
  EXPECT_EQ(telegram_->looked_up, (std::vector<std::int64_t>{club})) << "one for all that wait";
  EXPECT_EQ(status().finished, 1U);
}

TEST_F(addresses, one_that_was_never_seen_is_left_to_the_server) {
  start([](router& r) {
    r.otherwise([](context ctx) { ctx.send(chat_ref::from_marked(99), "hello"); });
  });
  give(alice_.says(1, "x"));
  ASSERT_EQ(sends().size(), 1U);
  EXPECT_EQ(hash_of(sends()[0].peer), 0) << "bots are let through to those who know them";
}

TEST_F(addresses, what_is_called_when_one_has_failed_goes_behind_those_that_wait) {
  telegram_->hold_addresses = true;
  telegram_->no_look_up = error::make(errc::storage, "no disk");
  start([](router& r) {
    r.otherwise([](context ctx) {
      auto known = chat_ref::from_marked(club);
      known.access_hash = 700;
      ctx.send(chat_ref::from_marked(club), "first")
          .then([](const sent_message&) {},
                [ctx, known](const error&) { ctx.send(known, "behind"); });
      ctx.send(known, "second");
    });
  });
  give(alice_.says(1, "x"));
  tell_addresses();
  tell_addresses();
  EXPECT_EQ(telegram_->texts(), (std::vector<std::string>{"second", "behind"}));
}

TEST_F(addresses, so_many_calls_wait_for_them_and_no_more) {
  telegram_->hold_addresses = true;
  auto outcome = std::make_shared<error>();
  start([outcome](router& r) {
    r.otherwise([outcome](context ctx) -> task<> {
      for (int n = 0; n < 1024; ++n) {
        ctx.send(chat_ref::from_marked(club), fmt::format("{}", n));
      }
      const auto sent = co_await ctx.send(chat_ref::from_marked(99), "one more");
      *outcome = sent ? error{} : sent.error();
    });
  });
  give(alice_.says(1, "x"));
  EXPECT_EQ(outcome->code, errc::limit);
  tell_addresses();
  EXPECT_EQ(sends().size(), 1024U);
}

TEST_F(addresses, nobody_has_the_number_0) {
  auto outcome = std::make_shared<error>();
  start([outcome](router& r) {
    r.otherwise([outcome](context ctx) -> task<> {
      const auto sent = co_await ctx.send(chat_ref::from_marked(0), "hello");
      *outcome = sent ? error{} : sent.error();
    });
  });
  give(alice_.says(1, "x"));
  EXPECT_TRUE(sends().empty());
  EXPECT_EQ(outcome->code, errc::bad_argument);
}

TEST_F(addresses, a_look_up_that_fails_is_the_call_s_failure) {
  telegram_->no_look_up = error::make(errc::storage, "no disk");
  auto outcome = std::make_shared<error>();
  start([outcome](router& r) {
    r.otherwise([outcome](context ctx) -> task<> {
      const auto sent = co_await ctx.send(chat_ref::from_marked(99), "hello");
      *outcome = sent ? error{} : sent.error();
    });
  });
  give(alice_.says(1, "x"));
  EXPECT_TRUE(sends().empty());
  EXPECT_EQ(outcome->code, errc::storage);
}

TEST_F(addresses, the_send_is_the_same_whether_its_hash_was_known_or_not) {
  knows(99, 990);
  start([](router& r) {
    r.otherwise([](context ctx) { ctx.send(chat_ref::from_marked(99), "hello"); });
  });
  give(alice_.says(1, "x"));
  telegram_->addresses.clear();
  give(alice_.says(1, "x")); // as after a crash
  ASSERT_EQ(sends().size(), 2U);
  EXPECT_EQ(sends()[0].random_id, sends()[1].random_id);
}

TEST_F(addresses, a_conversation_that_ends_meanwhile_calls_nothing) {
  knows(club, 700);
  telegram_->hold_addresses = true;
  start([](router& r) {
    r.otherwise([](context ctx) { ctx.send(chat_ref::from_marked(club), "hello"); });
  });
  give(alice_.says(1, "x"));
  ASSERT_EQ(telegram_->unaddressed.size(), 1U);
  caf::anon_send_exit(bot_, caf::exit_reason::user_shutdown);
  settle();
  tell_addresses();
  EXPECT_TRUE(sends().empty());
}

} // namespace

} // namespace cafegram::test
