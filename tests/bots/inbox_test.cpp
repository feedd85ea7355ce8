#include <cafegram/bots/conversation.hpp>

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>

#include "inbox_kit.hpp"

// Updates that an account's inbox keeps until the bot has finished them.
namespace cafegram::test {

namespace {

using namespace std::chrono_literals;
using strings = std::vector<std::string>;

/// Answers with the same text; throws over "poison", so often as it has patience.
behavior picky(bot_actor self, const std::shared_ptr<int>& throws) {
  return {[self, throws](const new_message& m) {
    if (m.text() == "poison" && (*throws)-- > 0) {
      throw std::runtime_error{"it is poison"};
    }
    self->reply(m, m.text());
  }};
}

} // namespace

TEST_F(bot_inbox, an_update_is_answered_when_it_is_finished) {
  telegram_->hold = true;
  start([](router& r) {
    r.otherwise([](bot_actor self) { return picky(self, std::make_shared<int>(0)); });
  });
  hand(row(1, alice_.says(1, "a")));
  EXPECT_TRUE(finished_.empty()) << "its send is under way";
  telegram_->answer_next();
  settle();
  EXPECT_EQ(finished_, numbers{1});
  EXPECT_TRUE(sends_.empty()) << "what ends with its update is not kept";
}

TEST_F(bot_inbox, one_that_fails_is_tried_again_and_its_chat_waits) {
  const auto throws = std::make_shared<int>(2);
  start([throws](router& r) {
    r.otherwise([throws](bot_actor self) { return picky(self, throws); });
  });
  hand(row(1, alice_.says(1, "poison")));
  hand(row(2, alice_.says(2, "after")));
  hand(row(3, bob_.says(1, "b")));
  EXPECT_EQ(telegram_->texts(), (strings{"b"})) << "the other chat goes on";
  EXPECT_EQ(failures_, (numbers{1, 1})) << "at once, then after a second";
  pass(1500ms);
  EXPECT_EQ(telegram_->texts(), (strings{"b", "poison", "after"}));
  EXPECT_EQ(finished_, (numbers{3, 1, 2}));
  EXPECT_TRUE(refused_.empty());
}

TEST_F(bot_inbox, one_that_fails_too_often_is_given_up) {
  const auto throws = std::make_shared<int>(100);
  start([throws](router& r) {
    r.otherwise([throws](bot_actor self) { return picky(self, throws); });
  });
  hand(row(1, alice_.says(1, "poison")));
  hand(row(2, alice_.says(2, "after")));
  pass(3s);
  EXPECT_EQ(refused_, (std::map<std::uint64_t, errc>{{1, errc::bad_argument}}));
  EXPECT_EQ(*throws, 97);
  EXPECT_EQ(finished_, numbers{2});
  auto again = row(3, alice_.says(3, "poison"));
  again.failures = 2;
  hand(again);
  EXPECT_TRUE(refused_.contains(3)) << "failures of before count";
}

TEST_F(bot_inbox, a_coroutine_begins_again_and_sends_nothing_twice) {
  start([](router& r) {
    r.on(kind<callback_query>(), [](context) { throw std::runtime_error{"no"}; });
    r.otherwise([](context ctx) -> task<> {
      co_await ctx.reply("first");
      const auto name = co_await ctx.ask("name?", 1h);
      const auto greeting = "hello " + (name ? name->text() : std::string{"nobody"});
      co_await ctx.reply(greeting);
    });
  });
  hand(row(1, alice_.says(1, "hi")));
  EXPECT_EQ(telegram_->texts(), (strings{"first", "name?"}));
  EXPECT_EQ(sends_[1].size(), 2U) << "the update goes on, so they are kept with it";
  hand(row(2, alice_.presses(1, "x")));
  pass(3s);
  EXPECT_EQ(refused_.size(), 1U);
  EXPECT_EQ(failures_, (numbers{2, 2})) << "the one that waited has not failed";
  hand(row(3, alice_.says(2, "Alice")));
  EXPECT_EQ(telegram_->texts(), (strings{"first", "name?", "hello Alice"}));
  EXPECT_EQ(finished_, (numbers{1, 3}));
}

TEST_F(bot_inbox, sends_of_an_earlier_process_are_not_made_again) {
  start([](router& r) {
    r.otherwise([](context ctx) -> task<> {
      const auto sent = co_await ctx.reply("first");
      co_await ctx.reply("it had number " + std::to_string(sent->id.value_or(0)));
      co_await ctx.ask("name?", 1h);
    });
  });
  hand(row(1, alice_.says(1, "hi")));
  auto again = row(7, alice_.says(1, "hi"));
  again.sends = std::make_shared<const std::vector<made_send>>(sends_[1]);
  telegram_->calls.clear();
  caf::anon_send_exit(bot_, caf::exit_reason::kill);
  settle();
  start([](router& r) {
    r.otherwise([](context ctx) -> task<> {
      const auto sent = co_await ctx.reply("first");
      co_await ctx.reply("it had number " + std::to_string(sent->id.value_or(0)));
      co_await ctx.reply("and is done");
    });
  });
  hand(again);
  EXPECT_EQ(telegram_->texts(), strings{"and is done"});
  EXPECT_EQ(finished_, numbers{7});
}

TEST_F(bot_inbox, what_a_new_hub_hands_out_again_is_not_handled_again) {
  telegram_->hold = true;
  start([](router& r) {
    r.otherwise([](bot_actor self) { return picky(self, std::make_shared<int>(0)); });
  });
  hand(row(1, alice_.says(1, "a")));
  hand(row(2, bob_.says(1, "b")));
  telegram_->answer_next();
  settle();
  ASSERT_EQ(finished_, numbers{1});
  another_hub();
  hand(row(1, alice_.says(1, "a")));
  hand(row(2, bob_.says(1, "b")));
  EXPECT_EQ(finished_, (numbers{1, 1})) << "that it is finished is told once more";
  telegram_->answer_next();
  settle();
  EXPECT_EQ(finished_, (numbers{1, 1, 2}));
  EXPECT_EQ(telegram_->texts().size(), 2U);
}

TEST_F(bot_inbox, one_that_is_given_up_is_so_for_a_new_hub_too) {
  const auto throws = std::make_shared<int>(100);
  start([throws](router& r) {
    r.otherwise([throws](bot_actor self) { return picky(self, throws); });
  });
  hand(row(1, alice_.says(1, "poison")));
  pass(3s);
  ASSERT_TRUE(refused_.contains(1));
  refused_.clear();
  another_hub(); // the one before has not heard of it
  hand(row(1, alice_.says(1, "poison")));
  EXPECT_EQ(refused_, (std::map<std::uint64_t, errc>{{1, errc::bad_argument}}));
  EXPECT_TRUE(finished_.empty()) << "or it would be neither handled nor a dead letter";
  EXPECT_EQ(*throws, 97) << "and it is not handled again";
}

TEST_F(bot_inbox, of_those_that_have_ended_the_last_are_remembered) {
  start([](router& r) { r.otherwise([](context ctx) { ctx.reply(std::string{ctx.text()}); }); });
  for (std::int32_t n = 2; n <= 4097; ++n) {
    caf::anon_send(hub_, row(static_cast<std::uint64_t>(n), alice_.says(n, "x")));
  }
  hand(row(1, bob_.says(1, "b"))); // a low number, and the last to end
  ASSERT_EQ(finished_.size(), 4097U);
  another_hub();
  hand(row(1, bob_.says(1, "b")));
  EXPECT_EQ(telegram_->texts().size(), 4097U);
  EXPECT_EQ(finished_.back(), 1U);
}

TEST_F(bot_inbox, what_could_not_be_sent_is_sent_later) {
  telegram_->hold = true;
  start([](router& r) { r.otherwise([](context ctx) { ctx.reply(std::string{ctx.text()}); }); });
  hand(row(1, alice_.says(1, "a")));
  hand(row(2, alice_.says(2, "b")));
  for (const auto code : {errc::deadline, errc::circuit_open, errc::logged_out, errc::cancelled}) {
    const auto before = telegram_->calls.size();
    telegram_->refuse_next(error::make(code, "not now"));
    settle();
    EXPECT_TRUE(finished_.empty());
    pass(500ms);
    EXPECT_EQ(telegram_->calls.size(), before) << "not at once";
    pass(10s);
    ASSERT_EQ(telegram_->unanswered.size(), 1U);
  }
  telegram_->refuse_next(error::from_rpc(401, "AUTH_KEY_UNREGISTERED"));
  pass(30s);
  EXPECT_EQ(telegram_->texts(), (strings(6, "a"))) << "its chat waits";
  const auto sends = telegram_->of<tl::messages::sendMessage>();
  for (const auto& one : sends) {
    EXPECT_EQ(one.random_id, sends.front().random_id) << "it is the same send";
  }
  EXPECT_TRUE(failures_.empty()) << "the handler has done nothing wrong";
  telegram_->answer_next();
  settle();
  EXPECT_EQ(finished_, numbers{1});
  EXPECT_EQ(telegram_->texts().back(), "b");
  EXPECT_EQ(status().unsent, 5U);
  telegram_->refuse_next(error::from_rpc(403, "USER_IS_BLOCKED"));
  pass(30s);
  EXPECT_EQ(finished_, (numbers{1, 2})) << "to be refused is an outcome";
}

TEST_F(bot_inbox, a_handler_that_sends_again_itself_makes_the_same_send) {
  telegram_->hold = true;
  start([](router& r) {
    r.otherwise([](context ctx) -> task<> {
      for (bool sent = false; !sent;) {
        sent = (co_await ctx.reply("a")).has_value();
      }
      co_await ctx.reply("a");
    });
  });
  hand(row(1, alice_.says(1, "x")));
  telegram_->refuse_next(error::make(errc::deadline, "not now"));
  settle();
  telegram_->answer_next();
  settle();
  telegram_->answer_next();
  settle();
  EXPECT_EQ(finished_, numbers{1}) << "in the end all was sent";
  const auto sends = telegram_->of<tl::messages::sendMessage>();
  ASSERT_EQ(sends.size(), 3U);
  EXPECT_EQ(sends[0].random_id, sends[1].random_id);
  EXPECT_NE(sends[1].random_id, sends[2].random_id);
}

TEST_F(bot_inbox, the_hash_of_a_chat_is_no_part_of_a_send) {
  start([](router& r) { r.otherwise([](context ctx) { ctx.reply("x"); }); });
  hand(row(1, alice_.says(1, "a")));
  auto stranger = std::make_shared<update_data>(*alice_.says(1, "a"));
  stranger->peers = std::make_shared<peers_seen>();
  hand(row(2, stranger)); // after a power cut, from a difference that does not name her
  const auto sends = telegram_->of<tl::messages::sendMessage>();
  ASSERT_EQ(sends.size(), 2U);
  EXPECT_NE(tl::encode(sends[0].peer), tl::encode(sends[1].peer));
  EXPECT_EQ(sends[0].random_id, sends[1].random_id);
}

TEST_F(bot_inbox, the_seventeenth_waits_until_a_coroutine_has_ended) {
  start([](router& r) {
    r.on(text("plain"), [](context ctx) { ctx.reply("plain"); });
    r.otherwise([](context ctx) -> task<> {
      const auto click = co_await ctx.wait_for_click(
          message_ref{ctx.chat(), static_cast<std::int32_t>(std::stoi(std::string{ctx.text()}))},
          1h);
      co_await ctx.reply("done " + std::string{ctx.text()});
    });
  });
  for (std::int32_t n = 1; n <= 18; ++n) {
    hand(row(static_cast<std::uint64_t>(n), alice_.says(n, std::to_string(n))));
  }
  hand(row(19, alice_.says(19, "plain")));
  EXPECT_TRUE(telegram_->texts().empty()) << "what came later does not overtake";
  EXPECT_EQ(status().in_flight, 16U);
  EXPECT_EQ(status().queued, 3U);
  hand(row(20, alice_.presses(3, "x", 20)));
  EXPECT_EQ(telegram_->texts(), strings{"done 3"}) << "what a coroutine waits for goes by";
  EXPECT_EQ(status().in_flight, 16U) << "and lets the next one begin";
  EXPECT_EQ(status().queued, 2U);
  pass(1min);
  EXPECT_EQ(status().queued, 2U);
  for (const std::int32_t n : {1, 2}) {
    hand(row(20 + static_cast<std::uint64_t>(n), alice_.presses(n, "x", 20 + n)));
  }
  EXPECT_EQ(telegram_->texts(), (strings{"done 3", "done 1", "plain", "done 2"}));
  EXPECT_TRUE(failures_.empty());
  EXPECT_TRUE(refused_.empty());
}

TEST_F(bot_inbox, over_too_many_in_one_coroutine_only_the_last_is_blamed) {
  start([](router& r) {
    r.on(command("go"), [](context ctx) -> task<> {
      while (co_await ctx.wait_for_message(1h)) {
      }
    });
  });
  hand(row(1, alice_.says(1, "/go")));
  for (std::int32_t n = 2; n <= 64; ++n) {
    hand(row(static_cast<std::uint64_t>(n), alice_.says(n, "more")));
  }
  EXPECT_EQ(status().in_flight, 64U);
  hand(row(65, alice_.says(65, "too much")));
  pass(10s);
  EXPECT_EQ(failures_, (numbers{65, 65}));
  EXPECT_EQ(refused_, (std::map<std::uint64_t, errc>{{65, errc::bad_argument}}));
  EXPECT_TRUE(finished_.empty());
  EXPECT_EQ(status().in_flight, 64U) << "the others are where they were";
}

TEST_F(bot_inbox, a_coroutine_that_throws_after_its_checkpoint_blames_nobody) {
  start([](router& r) {
    r.on(text("wait"), [](context ctx) -> task<> { co_await ctx.sleep(1h); });
    r.on(text("bad"), [](context ctx) -> task<> {
      co_await ctx.checkpoint();
      throw std::runtime_error{"no"};
    });
    r.on(text("later"), [](context ctx) -> task<> {
      co_await ctx.checkpoint();
      co_await ctx.sleep(1s);
      throw std::runtime_error{"no"};
    });
  });
  hand(row(1, alice_.says(1, "wait")));
  hand(row(2, bob_.says(1, "bad")));
  EXPECT_EQ(finished_, numbers{2}) << "it has said so";
  hand(row(3, bob_.says(2, "wait")));
  hand(row(4, bob_.says(3, "later")));
  pass(1min);
  EXPECT_EQ(finished_, (numbers{2, 4}));
  EXPECT_TRUE(failures_.empty()) << "neither of these, nor of those that waited";
  EXPECT_TRUE(refused_.empty());
  EXPECT_EQ(status().failed, 0U);
  EXPECT_EQ(status().in_flight, 2U);
}

TEST_F(bot_inbox, who_only_waits_when_the_conversation_is_killed_is_not_blamed) {
  caf::actor conversation;
  start([&conversation](router& r) {
    r.otherwise([&conversation](bot_actor self) -> behavior {
      conversation = caf::actor_cast<caf::actor>(self);
      return {[self](const new_message m) -> task<> { co_await self->in(m).wait_for_message(1h); }};
    });
  });
  hand(row(1, alice_.says(1, "wait")));
  caf::anon_send_exit(conversation, caf::exit_reason::kill);
  settle();
  EXPECT_TRUE(failures_.empty());
  EXPECT_EQ(status().in_flight, 1U) << "it has begun again";
  conversation = nullptr;
}

TEST_F(bot_inbox, the_hub_is_told_who_waits) {
  start([](router& r) {
    r.on(kind<callback_query>(), [](context) { throw std::runtime_error{"no"}; });
    r.otherwise([](context ctx) -> task<> { co_await ctx.wait_for_message(1h); });
  });
  hand(row(1, alice_.says(1, "wait")));
  EXPECT_EQ(waits_, (std::map<std::uint64_t, bool>{{1, true}}));
  waits_.clear();
  another_hub();
  hand(row(1, alice_.says(1, "wait")));
  EXPECT_EQ(waits_, (std::map<std::uint64_t, bool>{{1, true}})) << "a new one too";
  hand(row(2, alice_.presses(1, "x")));
  ASSERT_EQ(failures_, (numbers{2, 2}));
  EXPECT_FALSE(waits_[1]) << "its conversation has ended, and the next one waits a second";
  pass(2s);
  EXPECT_TRUE(waits_[1]) << "it has begun anew";
}

TEST_F(bot_inbox, nothing_is_kept_of_sends_after_a_checkpoint) {
  start([](router& r) {
    r.otherwise([](context ctx) -> task<> {
      co_await ctx.checkpoint();
      for (int n = 0; n < 100; ++n) {
        co_await ctx.reply("x");
        co_await ctx.sleep(1s);
      }
      EXPECT_TRUE(ctx.get<new_message>()->origin()->made.empty());
      EXPECT_TRUE(ctx.get<new_message>()->origin()->effects.empty());
    });
  });
  hand(row(1, alice_.says(1, "go")));
  EXPECT_EQ(finished_, numbers{1});
  pass(2min);
  EXPECT_EQ(telegram_->texts().size(), 100U);
}

TEST_F(bot_inbox, a_stop_leaves_what_waits_where_it_is) {
  telegram_->hold = true;
  start([](router& r) {
    r.otherwise([](bot_actor self) { return picky(self, std::make_shared<int>(0)); });
  });
  hand(row(1, alice_.says(1, "a")));
  hand(row(2, alice_.says(2, "b")));
  caf::anon_send(bot_, stop_request{5s});
  settle();
  hand(row(3, bob_.says(1, "c")));
  telegram_->answer_next();
  settle();
  EXPECT_EQ(finished_, numbers{1}) << "what runs may end";
  EXPECT_EQ(refused_, (std::map<std::uint64_t, errc>{{2, errc::cancelled}, {3, errc::cancelled}}));
  EXPECT_EQ(telegram_->texts(), strings{"a"});
}

TEST_F(bot_inbox, only_what_is_not_kept_is_dropped_over_a_chat_s_bound) {
  telegram_->hold = true;
  start(
      [](router& r) {
        r.otherwise([](bot_actor self) { return picky(self, std::make_shared<int>(0)); });
      },
      {.queue_per_chat = 2});
  for (std::uint64_t n = 1; n <= 10; ++n) {
    hand(row(n, alice_.says(static_cast<std::int32_t>(n), "a")));
  }
  EXPECT_EQ(status().lost, 0U);
  auto passing = row(11, alice_.presses(1, "x"));
  passing.kept = false;
  hand(passing);
  EXPECT_EQ(status().lost, 1U);
  EXPECT_EQ(finished_, numbers{11}) << "nobody waits for it";
}

TEST_F(bot_inbox, who_types_leaves_room_for_queries) {
  telegram_->hold = true;
  start(
      [](router& r) {
        r.otherwise([](bot_actor self) { return picky(self, std::make_shared<int>(0)); });
      },
      {.queue_per_chat = 4});
  hand(row(1, alice_.says(1, "a"))); // under way
  tl::updateUserTyping typing;
  typing.user_id = alice_.id;
  typing.action = tl::sendMessageTypingAction{};
  const auto passing = [this](std::uint64_t number,
                              const std::shared_ptr<const update_data>& what) {
    auto event = row(number, what);
    event.kept = false;
    hand(event);
  };
  for (std::uint64_t n = 2; n <= 6; ++n) {
    passing(n, alice_.base(std::to_string(n), typing));
  }
  EXPECT_EQ(finished_, (numbers{3, 4, 5, 6})) << "one waits; nobody waits for the others";
  passing(7, alice_.presses(1, "x"));
  EXPECT_EQ(status().lost, 4U) << "and none of these is the query";
  EXPECT_EQ(finished_.size(), 4U);
}

} // namespace cafegram::test
