#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "fixture.hpp"

namespace cafegram::test {

namespace {

using strings = std::vector<std::string>;

class dispatching : public bot_test {};

behavior counting(bot_actor self) {
  auto seen = std::make_shared<int>(0);
  return {
      [self, seen](const new_message& m) {
        self->reply(m, m.text() + " " + std::to_string(++*seen));
      },
      [self](const callback_query& q) { self->answer(q, "Done"); },
  };
}

void counting_bot(router& r) {
  r.otherwise(counting);
}

void slow_bot(router& r) {
  r.otherwise([](context ctx) { ctx.reply(std::string{ctx.text()}); });
}

TEST_F(dispatching, each_chat_has_a_behavior_of_its_own) {
  start(counting_bot);
  give(alice_.says(1, "a"));
  give(bob_.says(1, "b"));
  give(alice_.says(2, "a"));
  EXPECT_EQ(telegram_->texts(), (strings{"a 1", "b 1", "a 2"}));
  EXPECT_EQ(status().awake, 2u);
}

TEST_F(dispatching, a_kind_without_a_handler_is_passed_over) {
  start(counting_bot);
  give(alice_.edits(1, "a"));
  give(alice_.presses(1, "x"));
  EXPECT_TRUE(telegram_->texts().empty());
  EXPECT_EQ(telegram_->of<tl::messages::setBotCallbackAnswer>().size(), 1u);
  EXPECT_EQ(status().finished, 2u);
}

TEST_F(dispatching, one_update_at_a_time_in_a_chat_and_chats_in_parallel) {
  telegram_->hold = true;
  start(slow_bot);
  give(alice_.says(1, "a1"));
  give(alice_.says(2, "a2"));
  give(bob_.says(1, "b1"));
  EXPECT_EQ(telegram_->texts(), (strings{"a1", "b1"}));
  EXPECT_EQ(status().queued, 1u);
  telegram_->answer_next();
  settle();
  EXPECT_EQ(telegram_->texts(), (strings{"a1", "b1", "a2"}));
}

TEST_F(dispatching, a_full_chat_drops_the_newest_and_says_so_in_its_place) {
  telegram_->hold = true;
  auto log = std::make_shared<strings>();
  start(
      [log](router& r) {
        r.on(kind<updates_lost>(), [log](const updates_lost& lost) {
           log->emplace_back("lost " + std::to_string(lost.count()));
         }).otherwise([log](context ctx) {
          log->emplace_back(ctx.text());
          ctx.reply("x");
        });
      },
      {.queue_per_chat = 2});
  for (std::int32_t i = 1; i <= 6; ++i) { // 1 is under way, 2 and 3 wait, 4 to 6 are lost
    EXPECT_EQ(*give(alice_.says(i, std::to_string(i))), reception::taken);
  }
  EXPECT_EQ(status().lost, 3u);
  telegram_->answer_next();
  settle();
  give(alice_.says(7, "7")); // no room yet: the note is in the place of 4, 5, 6
  telegram_->answer_next();
  settle();
  give(alice_.says(8, "8"));
  telegram_->hold = false;
  while (!telegram_->unanswered.empty()) {
    telegram_->answer_next();
    settle();
  }
  EXPECT_EQ(*log, (strings{"1", "2", "3", "lost 4", "8"}));
}

TEST_F(dispatching, a_full_bot_lets_the_account_wait) {
  telegram_->hold = true;
  start(slow_bot, {.queue_total = 2});
  EXPECT_EQ(*give(alice_.says(1, "a")), reception::taken);
  EXPECT_EQ(*give(alice_.says(2, "b")), reception::taken);
  const auto third = give(alice_.says(3, "c"));
  EXPECT_EQ(*third, reception::waits);
  telegram_->answer_next();
  settle();
  EXPECT_EQ(*third, reception::taken);
  EXPECT_EQ(status().lost, 0u);
}

TEST_F(dispatching, a_handler_that_throws_costs_its_update_and_its_conversation) {
  start([](router& r) {
    r.otherwise([](bot_actor self) -> behavior {
      auto seen = std::make_shared<int>(0);
      return {[self, seen](const new_message& m) {
        ++*seen;
        if (m.text() == "bad") {
          throw std::runtime_error("deliberate");
        }
        self->reply(m, m.text() + " " + std::to_string(*seen));
      }};
    });
  });
  give(alice_.says(1, "a"));
  give(bob_.says(1, "b"));
  post(alice_.says(2, "bad"));
  post(alice_.says(3, "after"));
  settle();
  give(bob_.says(2, "b"));
  auto texts = telegram_->texts();
  std::ranges::sort(texts);
  EXPECT_EQ(texts, (strings{"a 1", "after 1", "b 1", "b 2"})); // Alice's count began anew
  EXPECT_EQ(status().failed, 1u);
  EXPECT_EQ(status().in_flight, 0u);
}

TEST_F(dispatching, whatever_else_is_thrown) {
  start([](router& r) {
    r.on(text("bad"), [](context) { throw 42; }).otherwise([](context ctx) { ctx.reply("ok"); });
  });
  give(alice_.says(1, "bad"));
  give(alice_.says(2, "good"));
  EXPECT_EQ(telegram_->texts(), strings{"ok"});
  EXPECT_EQ(status().failed, 1u);
}

TEST_F(dispatching, an_exception_in_a_callback_of_a_request_counts_too) {
  start([](router& r) {
    r.otherwise([](context ctx) {
      ctx.reply("x").then([](const sent_message&) { throw std::runtime_error("deliberate"); },
                          [](const error&) {});
    });
  });
  give(alice_.says(1, "x"));
  EXPECT_EQ(status().failed, 1u);
  EXPECT_EQ(status().awake, 0u);
}

TEST_F(dispatching, idle_conversations_go_to_sleep) {
  start(counting_bot, {.idle_after = 60s});
  give(alice_.says(1, "a"));
  pass(59s);
  give(bob_.says(1, "b"));
  EXPECT_EQ(status().awake, 2u);
  pass(2s);
  EXPECT_EQ(status().awake, 1u);
  EXPECT_EQ(status().put_to_sleep, 1u);
  give(alice_.says(2, "a"));
  EXPECT_EQ(telegram_->texts(), (strings{"a 1", "b 1", "a 1"}));
}

TEST_F(dispatching, a_coroutine_keeps_its_conversation_awake) {
  start(
      [](router& r) {
        r.otherwise([](context ctx) -> task<> {
          co_await ctx.sleep(1h);
          co_await ctx.reply("late");
        });
      },
      {.idle_after = 60s});
  give(alice_.says(1, "a"));
  pass(1h);
  EXPECT_EQ(telegram_->texts(), strings{"late"});
}

TEST_F(dispatching, the_number_of_conversations_is_bounded) {
  telegram_->hold = true;
  start(slow_bot, {.conversations = 2});
  const person carol{999, "Carol"};
  give(alice_.says(1, "a"));
  give(bob_.says(1, "b"));
  give(carol.says(1, "c")); // both others are busy
  EXPECT_EQ(status().awake, 2u);
  EXPECT_EQ(telegram_->texts(), (strings{"a", "b"}));
  telegram_->answer_next(); // Alice's is idle now and gives way
  settle();
  EXPECT_EQ(telegram_->texts(), (strings{"a", "b", "c"}));
  EXPECT_EQ(status().awake, 2u);
  EXPECT_EQ(status().put_to_sleep, 1u);
}

TEST_F(dispatching, what_the_bot_itself_has_written_is_left_out) {
  start(slow_bot);
  auto mine = *alice_.says(1, "my own");
  auto message = *tl::get_if<tl::message>(tl::get_if<tl::updateNewMessage>(mine.update)->message);
  message.out = true;
  tl::updateNewMessage update;
  update.message = message;
  mine.update = update;
  give(std::make_shared<const update_data>(mine));
  EXPECT_TRUE(telegram_->texts().empty());
}

TEST_F(dispatching, an_update_of_the_account_arrives) {
  start(counting_bot);
  EXPECT_EQ(*give_raw(*alice_.says(1, "a")), reception::taken);
  EXPECT_EQ(telegram_->texts(), strings{"a 1"});
  EXPECT_EQ(status().sent, 1u);
}

TEST_F(dispatching, updates_wait_until_the_bot_knows_its_name) {
  const auto known = std::exchange(self_, {});
  start([](router& r) { r.on(command("x"), [](context ctx) { ctx.reply("mine"); }); });
  const auto first = give_raw(*alice_.says(1, "/x@some_bot"));
  EXPECT_EQ(*first, reception::waits);
  caf::anon_send(bot_, known);
  settle();
  EXPECT_EQ(*first, reception::taken);
  EXPECT_EQ(telegram_->texts(), strings{"mine"});
}

TEST_F(dispatching, whoever_waits_gets_an_answer_when_the_bot_ends) {
  self_ = {};
  start(counting_bot);
  const auto early = give_raw(*alice_.says(1, "a"));
  caf::anon_send_exit(bot_, caf::exit_reason::kill);
  settle();
  EXPECT_EQ(*early, reception::refused);
}

TEST_F(dispatching, whoever_waits_for_room_gets_an_answer_when_the_bot_ends) {
  telegram_->hold = true;
  start(slow_bot, {.queue_total = 1});
  give(alice_.says(1, "a"));
  const auto second = give(alice_.says(2, "b"));
  EXPECT_EQ(*second, reception::waits);
  caf::anon_send_exit(bot_, caf::exit_reason::kill);
  settle();
  EXPECT_EQ(*second, reception::refused);
}

TEST_F(dispatching, a_send_that_failed_is_not_counted_as_sent) {
  telegram_->hold = true;
  start(slow_bot);
  give(alice_.says(1, "a"));
  telegram_->refuse_next(error::from_rpc(403, "USER_IS_BLOCKED"));
  settle();
  EXPECT_EQ(status().finished, 1u);
  EXPECT_EQ(status().sent, 0u);
}

TEST_F(dispatching, stops_when_handlers_have_ended) {
  telegram_->hold = true;
  start(slow_bot);
  give(alice_.says(1, "a"));
  give(alice_.says(2, "b"));
  auto stopped = std::make_shared<bool>(false);
  system_.spawn([stopped, bot = bot_](caf::event_based_actor* self) {
    self->request(bot, caf::infinite, stop_request{std::chrono::milliseconds{5'000}})
        .then([stopped] { *stopped = true; },
              [](const caf::error& e) { ADD_FAILURE() << caf::to_string(e); });
  });
  settle();
  EXPECT_EQ(*give(alice_.says(3, "c")), reception::refused);
  telegram_->answer_next();
  settle();
  EXPECT_FALSE(*stopped);
  telegram_->answer_next();
  settle();
  EXPECT_TRUE(*stopped);
  EXPECT_EQ(telegram_->texts(), (strings{"a", "b"}));
}

TEST_F(dispatching, stops_at_its_deadline_whatever_handlers_do) {
  telegram_->hold = true;
  start(slow_bot);
  give(alice_.says(1, "a"));
  auto stopped = std::make_shared<bool>(false);
  system_.spawn([stopped, bot = bot_](caf::event_based_actor* self) {
    self->request(bot, caf::infinite, stop_request{std::chrono::milliseconds{5'000}})
        .then([stopped] { *stopped = true; },
              [](const caf::error& e) { ADD_FAILURE() << caf::to_string(e); });
  });
  settle();
  pass(4500ms);
  EXPECT_FALSE(*stopped);
  pass(500ms);
  EXPECT_TRUE(*stopped);
}

} // namespace

} // namespace cafegram::test
