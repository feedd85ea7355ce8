#include <gtest/gtest.h>

#include <stdexcept>

#include "fixture.hpp"

namespace cafegram::test {

namespace {

using strings = std::vector<std::string>;

class coroutine : public bot_test {};

task<> survey(context ctx) {
  auto name = co_await ctx.ask("Your name?", 60s);
  if (!name) {
    co_await ctx.reply("too late");
    co_return;
  }
  co_await ctx.reply("Hello, " + name->text());
}

void asking_bot(router& r) {
  r.on(command("survey"), survey).on(has_text(), [](context ctx) {
    ctx.reply("other: " + std::string{ctx.text()});
  });
}

TEST_F(coroutine, asks_and_gets_the_answer) {
  start(asking_bot);
  give(alice_.says(1, "/survey"));
  EXPECT_EQ(telegram_->texts(), strings{"Your name?"});
  give(alice_.says(2, "Alice"));
  EXPECT_EQ(telegram_->texts(), (strings{"Your name?", "Hello, Alice"}));
  EXPECT_EQ(status().in_flight, 0u);
  // The answer was consumed, and the wait is over.
  give(alice_.says(3, "more"));
  EXPECT_EQ(telegram_->texts().back(), "other: more");
}

TEST_F(coroutine, goes_on_without_an_answer_when_the_time_is_over) {
  start(asking_bot);
  give(alice_.says(1, "/survey"));
  pass(59s);
  EXPECT_EQ(telegram_->texts().size(), 1u);
  EXPECT_EQ(status().in_flight, 1u);
  pass(1s);
  EXPECT_EQ(telegram_->texts(), (strings{"Your name?", "too late"}));
  EXPECT_EQ(status().in_flight, 0u);
  give(alice_.says(2, "Alice"));
  EXPECT_EQ(telegram_->texts().back(), "other: Alice");
}

TEST_F(coroutine, waits_in_one_chat_and_not_in_the_others) {
  start(asking_bot);
  give(alice_.says(1, "/survey"));
  give(bob_.says(1, "hi"));
  EXPECT_EQ(telegram_->texts(), (strings{"Your name?", "other: hi"}));
}

TEST_F(coroutine, the_next_update_waits_until_the_question_is_sent) {
  telegram_->hold = true;
  start(asking_bot);
  give(alice_.says(1, "/survey"));
  give(alice_.says(2, "Alice"));
  EXPECT_EQ(telegram_->texts(), strings{"Your name?"});
  EXPECT_EQ(status().queued, 1u);
  telegram_->answer_next();
  settle();
  EXPECT_EQ(telegram_->texts(), (strings{"Your name?", "Hello, Alice"}));
  EXPECT_EQ(status().finished, 0u);
  telegram_->answer_next();
  settle();
  EXPECT_EQ(status().finished, 2u);
}

TEST_F(coroutine, a_question_that_cannot_be_sent_is_not_waited_for) {
  telegram_->hold = true;
  start(asking_bot);
  give(alice_.says(1, "/survey"));
  telegram_->refuse_next(error::from_rpc(400, "USER_IS_BLOCKED"));
  settle();
  EXPECT_EQ(telegram_->texts(), (strings{"Your name?", "too late"}));
}

TEST_F(coroutine, an_edit_is_no_answer) {
  start(asking_bot);
  give(alice_.says(1, "/survey"));
  give(alice_.edits(1, "/survey!"));
  EXPECT_EQ(telegram_->texts(), strings{"Your name?"});
  EXPECT_EQ(status().in_flight, 1u);
}

TEST_F(coroutine, waits_for_a_click_on_its_own_message) {
  start([](router& r) {
    r.on(command("buttons"), [](context ctx) -> task<> {
      const auto sent = co_await ctx.reply("Choose");
      const auto click = co_await ctx.wait_for_click(*sent, 10s);
      if (click) {
        co_await ctx.answer(*click, "You chose " + std::string{click->data_text()});
      }
    });
  });
  give(alice_.says(1, "/buttons"));
  give(alice_.presses(999, "other", 54)); // another message's button
  EXPECT_TRUE(telegram_->of<tl::messages::setBotCallbackAnswer>().empty());
  give(alice_.presses(1000, "red"));
  const auto answers = telegram_->of<tl::messages::setBotCallbackAnswer>();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].query_id, 55);
  EXPECT_EQ(answers[0].message, "You chose red");
}

TEST_F(coroutine, of_several_that_wait_for_the_same_the_last_one_gets_it) {
  start([](router& r) {
    r.otherwise([](context ctx) -> task<> {
      const auto name = std::string{ctx.text()};
      const auto click = co_await ctx.wait_for_click(message_ref{ctx.chat(), 5}, 60s);
      if (click) {
        co_await ctx.reply(name + " " + std::string{click->data_text()});
      }
    });
  });
  give(alice_.says(1, "first"));
  give(alice_.says(2, "second"));
  give(alice_.presses(5, "a", 51));
  give(alice_.presses(5, "b", 52));
  EXPECT_EQ(telegram_->texts(), (strings{"second a", "first b"}));
}

TEST_F(coroutine, sleeps_in_the_bots_time) {
  start([](router& r) {
    r.otherwise([](context ctx) -> task<> {
      co_await ctx.sleep(5s);
      co_await ctx.reply("awake");
    });
  });
  give(alice_.says(1, "x"));
  pass(4500ms);
  EXPECT_TRUE(telegram_->texts().empty());
  pass(500ms);
  EXPECT_EQ(telegram_->texts(), strings{"awake"});
}

task<int> twice(int n) {
  co_return n * 2;
}

task<int> fails(context ctx) {
  co_await ctx.sleep(1s);
  throw std::runtime_error("no");
}

TEST_F(coroutine, waits_for_others_and_gets_their_values) {
  start([](router& r) {
    r.otherwise([](context ctx) -> task<> {
      const int n = co_await twice(co_await twice(10));
      co_await ctx.reply(std::to_string(n));
    });
  });
  give(alice_.says(1, "x"));
  EXPECT_EQ(telegram_->texts(), strings{"40"});
}

TEST_F(coroutine, an_exception_of_an_inner_one_can_be_caught) {
  start([](router& r) {
    r.otherwise([](context ctx) -> task<> {
      std::string caught;
      try {
        co_await fails(ctx);
      } catch (const std::runtime_error& e) {
        caught = e.what();
      }
      co_await ctx.reply("caught " + caught);
    });
  });
  give(alice_.says(1, "x"));
  pass(1s);
  EXPECT_EQ(telegram_->texts(), strings{"caught no"});
  EXPECT_EQ(status().failed, 0u);
}

TEST_F(coroutine, an_exception_that_nobody_catches_ends_its_conversation_only) {
  start([](router& r) {
    r.on(text("bad"),
         [](context ctx) -> task<> {
           co_await ctx.sleep(1s);
           throw std::runtime_error("deliberate");
         })
        .on(command("survey"), survey)
        .otherwise([](context ctx) { ctx.reply("fine"); });
  });
  give(bob_.says(1, "/survey"));
  give(alice_.says(1, "bad"));
  pass(1s);
  EXPECT_EQ(status().failed, 1u);
  give(alice_.says(2, "x"));
  give(bob_.says(2, "Bob"));
  EXPECT_EQ(telegram_->texts(), (strings{"Your name?", "fine", "Hello, Bob"}));
}

// Counts the frames that are alive.
struct alive {
  explicit alive(std::shared_ptr<int> n)
    : count{std::move(n)} {
    ++*count;
  }
  alive(const alive& other)
    : count{other.count} {
    ++*count;
  }
  ~alive() { --*count; }
  std::shared_ptr<int> count;
};

TEST_F(coroutine, frames_end_with_their_conversation_and_late_answers_find_nobody) {
  auto count = std::make_shared<int>(0);
  telegram_->hold = true;
  start([count](router& r) {
    r.on(text("die"), [](context) { throw std::runtime_error("deliberate"); });
    r.otherwise([count](context ctx) -> task<> {
      const alive here{count};
      co_await ctx.sleep(1s);
      co_await ctx.reply("never settled");
      ADD_FAILURE() << "resumed after its end";
    });
  });
  give(alice_.says(1, "x"));
  EXPECT_EQ(*count, 1);
  pass(1s);
  ASSERT_EQ(telegram_->unanswered.size(), 1u);
  give(alice_.says(2, "die"));
  EXPECT_EQ(*count, 0);
  telegram_->answer_next();
  settle();
  EXPECT_EQ(status().failed, 2u);
}

TEST_F(coroutine, frames_end_when_the_bot_stops) {
  auto count = std::make_shared<int>(0);
  start([count](router& r) {
    r.otherwise([count](context ctx) -> task<> {
      const alive here{count};
      co_await ctx.ask("?", 1h);
    });
  });
  give(alice_.says(1, "x"));
  EXPECT_EQ(*count, 1);
  caf::anon_send_exit(bot_, caf::exit_reason::user_shutdown);
  settle();
  EXPECT_EQ(*count, 0);
}

TEST_F(coroutine, holds_at_most_64_updates_without_a_checkpoint) {
  start([](router& r) {
    r.on(command("go"), [](context ctx) -> task<> {
      while (co_await ctx.wait_for_message(1h)) {
      }
    });
  });
  give(alice_.says(1, "/go"));
  for (std::int32_t i = 2; i <= 64; ++i) {
    give(alice_.says(i, "more"));
  }
  EXPECT_EQ(status().in_flight, 64u);
  give(alice_.says(65, "too much"));
  EXPECT_EQ(status().in_flight, 0u);
  EXPECT_EQ(status().finished, 65u);
  EXPECT_EQ(status().cancelled, 65u);
  EXPECT_EQ(status().failed, 0u);
}

TEST_F(coroutine, a_checkpoint_gives_back_what_was_consumed) {
  start([](router& r) {
    r.on(command("go"), [](context ctx) -> task<> {
      while (co_await ctx.wait_for_message(1h)) {
        co_await ctx.checkpoint();
      }
    });
  });
  give(alice_.says(1, "/go"));
  for (std::int32_t i = 2; i <= 200; ++i) {
    give(alice_.says(i, "more"));
  }
  EXPECT_EQ(status().in_flight, 0u);
  EXPECT_EQ(status().finished, 200u);
}

TEST_F(coroutine, only_so_many_run_in_one_conversation) {
  auto count = std::make_shared<int>(0);
  start([count](router& r) {
    r.otherwise([count](context ctx) -> task<> {
      const alive here{count};
      co_await ctx.sleep(1h);
    });
  });
  for (std::int32_t i = 1; i <= 20; ++i) {
    give(alice_.says(i, "x"));
  }
  EXPECT_EQ(*count, 16);
  EXPECT_EQ(status().finished, 4u);
  EXPECT_EQ(status().refused, 4u);
}

TEST_F(coroutine, a_behavior_may_be_made_of_them) {
  start([](router& r) {
    r.otherwise([](bot_actor self) -> behavior {
      return {[self](new_message m) -> task<> {
        const auto sent = co_await self->reply(m, "first");
        if (sent) {
          co_await self->edit(m, sent->ref(), "second");
        }
      }};
    });
  });
  give(alice_.says(1, "x"));
  EXPECT_EQ(telegram_->texts(), strings{"first"});
  const auto edits = telegram_->of<tl::messages::editMessage>();
  ASSERT_EQ(edits.size(), 1u);
  EXPECT_EQ(edits[0].id, 1000);
  EXPECT_EQ(edits[0].message, "second");
}

} // namespace

} // namespace cafegram::test
