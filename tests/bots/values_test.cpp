#include <gtest/gtest.h>

#include <stdexcept>

#include "inbox_kit.hpp"

// Values of chats: stored with the end of the updates over which they were set.
namespace cafegram::test {

namespace {

using namespace std::chrono_literals;
using strings = std::vector<std::string>;
using several = std::vector<numbers>;

class bot_values : public bot_inbox {
protected:
  /// Counts a chat's messages, and throws over "poison" when it has counted.
  void start_counting() {
    start([](router& r) {
      r.otherwise([](context ctx) -> task<> {
        const auto before = co_await ctx.load("count");
        const auto now =
            std::to_string(std::stoi(before ? before->value_or("0") : std::string{"1000"}) + 1);
        co_await ctx.store("count", now);
        if (ctx.text() == "poison") {
          throw std::runtime_error{"it is poison"};
        }
        co_await ctx.reply(now);
      });
    });
  }
};

} // namespace

TEST_F(bot_values, the_next_update_loads_what_one_has_stored) {
  start_counting();
  hand_together({row(1, alice_.says(1, "a")), row(2, alice_.says(2, "b"))});
  hand_together({row(3, alice_.says(3, "c"))});
  EXPECT_EQ(telegram_->texts(), (strings{"1", "2", "3"}));
  EXPECT_EQ(value(alice_, "count"), "3");
  EXPECT_EQ(ends_with_values_, (several{{1}, {2}, {3}})) << "each in one change with its own end";
}

TEST_F(bot_values, an_update_that_is_asked_for_has_them_too) {
  start_counting();
  hand(row(1, alice_.says(1, "a")));
  EXPECT_EQ(ends_with_values_, several{{1}});
  EXPECT_EQ(finished_, numbers{1});
}

TEST_F(bot_values, of_two_chats_are_apart) {
  start_counting();
  hand_together(
      {row(1, alice_.says(1, "a")), row(2, bob_.says(1, "b")), row(3, alice_.says(2, "c"))});
  EXPECT_EQ(value(alice_, "count"), "2");
  EXPECT_EQ(value(bob_, "count"), "1");
}

TEST_F(bot_values, nothing_is_stored_by_a_handler_that_throws) {
  start_counting();
  hand_together({row(1, alice_.says(1, "a")), row(2, alice_.says(2, "poison"))});
  pass(10s);
  EXPECT_EQ(failures_, (numbers{2, 2}));
  EXPECT_EQ(buried_, several{{2}});
  EXPECT_EQ(value(alice_, "count"), "1") << "each time it began with what the first one has left";
  hand_together({row(3, alice_.says(3, "b"))});
  EXPECT_EQ(telegram_->texts(), (strings{"1", "2"}));
}

TEST_F(bot_values, nothing_is_stored_while_a_send_has_no_outcome) {
  telegram_->hold = true;
  start_counting();
  hand_together({row(1, alice_.says(1, "a"))});
  telegram_->refuse_next(error::make(errc::deadline, "not now"));
  settle();
  EXPECT_EQ(value(alice_, "count"), "none");
  pass(10s);
  telegram_->answer_next();
  settle();
  EXPECT_EQ(telegram_->texts(), (strings{"1", "1"})) << "it began again where it had begun";
  EXPECT_EQ(value(alice_, "count"), "1");
}

TEST_F(bot_values, an_update_loads_what_it_has_stored_itself) {
  strings seen;
  values_[{alice_.id, "a"}] = "old";
  start([&seen](router& r) {
    r.otherwise([&seen](context ctx) {
      const auto look = [&seen, ctx] {
        ctx.load("a").then(
            [&seen](const std::optional<std::string>& is) { seen.push_back(is.value_or("none")); },
            [&seen](const error& why) { seen.push_back(why.what); });
      };
      look(); // its answer comes when the rest has been done
      ctx.store("a", "new");
      look();
      ctx.erase("a");
      look();
      ctx.store("a", "");
      look();
    });
  });
  hand_together({row(1, alice_.says(1, "x"))});
  EXPECT_EQ(seen, (strings{"new", "none", "", "old"}));
  EXPECT_EQ(loaded_, strings{"a"}) << "only what it had not stored was asked for";
  EXPECT_EQ(value(alice_, "a"), "");
}

TEST_F(bot_values, what_is_erased_is_gone) {
  values_[{alice_.id, "a"}] = "old";
  start([](router& r) { r.otherwise([](context ctx) { ctx.erase("a"); }); });
  hand_together({row(1, alice_.says(1, "x"))});
  EXPECT_TRUE(values_.empty());
}

TEST_F(bot_values, a_callback_stores_with_its_update) {
  telegram_->hold = true;
  start([](router& r) {
    r.otherwise([](context ctx) {
      ctx.reply("x").then([ctx](const sent_message&) { ctx.store("a", "1"); }, [](const error&) {});
    });
  });
  hand_together({row(1, alice_.says(1, "x"))});
  EXPECT_TRUE(ends_with_values_.empty());
  telegram_->answer_next();
  settle();
  EXPECT_EQ(ends_with_values_, several{{1}});
}

TEST_F(bot_values, of_a_coroutine_are_stored_with_all_that_it_has_consumed) {
  start([](router& r) {
    r.on(command("go"), [](context ctx) -> task<> {
      ctx.store("asked", "yes");
      const auto name = co_await ctx.ask("name?", 1h);
      if (name) {
        ctx.store("name", std::string{name->text()});
      }
    });
    r.otherwise([](context) {});
  });
  hand_together({row(1, alice_.says(1, "/go"))});
  EXPECT_TRUE(values_.empty());
  hand_together({row(2, alice_.says(2, "Alice"))});
  EXPECT_EQ(ends_with_values_, (several{{1, 2}})) << "in one change";
  EXPECT_EQ(value(alice_, "asked"), "yes");
  EXPECT_EQ(value(alice_, "name"), "Alice");
  EXPECT_EQ(status().in_flight, 0U);
  EXPECT_EQ(status().finished, 2U);
}

TEST_F(bot_values, a_callback_of_a_later_update_stores_not_with_the_checkpoint_before) {
  telegram_->hold_addresses = true; // the send before the checkpoint waits, those behind it do not
  start([this](router& r) {
    r.on(command("go"), [this](context ctx) -> task<> {
      co_await ctx.sleep(1s);
      ctx.send({chat_kind::user, bob_.id, 0}, "slow");
      ctx.store("a", "1");
      co_await ctx.checkpoint();
      const auto next = co_await ctx.wait_for_message(1h);
      if (next) {
        const context later{any_update{*next}};
        later.reply("quick").then([later](const sent_message&) { later.store("b", "2"); },
                                  [](const error&) {});
        ctx.store("c", "3");
      }
    });
    r.otherwise([](context) {});
  });
  hand_together({row(1, alice_.says(1, "/go"))});
  pass(2s);
  hand_together({row(2, alice_.says(2, "x"))});
  EXPECT_TRUE(ends_with_values_.empty()) << "in the order of their ends";
  telegram_->no_look_up = error::make(errc::deadline, "not now");
  telegram_->hold_addresses = false;
  caf::anon_send(client_, caf::flush_atom_v);
  settle();
  EXPECT_EQ(ends_with_values_, several{{2}}) << "the first comes again";
  EXPECT_EQ(value(alice_, "a"), "none");
  EXPECT_EQ(value(alice_, "b"), "2");
  EXPECT_EQ(value(alice_, "c"), "3");
}

TEST_F(bot_values, what_was_made_from_an_end_that_comes_again_is_made_again) {
  values_[{alice_.id, "count"}] = "4";
  const auto count = [](context ctx) -> task<> {
    const auto before = co_await ctx.load("count");
    ctx.store("count",
              std::to_string(std::stoi(before ? before->value_or("0") : std::string{"1000"}) + 1));
  };
  start([count](router& r) {
    r.on(command("later"), [count](context ctx) -> task<> {
      co_await ctx.sleep(3s);
      co_await count(ctx);
    });
    r.otherwise([count](context ctx) -> task<> {
      co_await count(ctx);
      ctx.reply("counted"); // it ends before that is answered
    });
  });
  hand_together({row(1, alice_.says(1, "/later"))});
  telegram_->hold = true;
  hand_together({row(2, alice_.says(2, "now"))});
  pass(4s);
  EXPECT_TRUE(ends_with_values_.empty()) << "the other one has counted on, and waits for its end";
  telegram_->hold = false;
  telegram_->refuse_next(error::make(errc::deadline, "not now"));
  settle();
  EXPECT_EQ(value(alice_, "count"), "4");
  pass(20s);
  EXPECT_EQ(value(alice_, "count"), "6") << "each once";
  EXPECT_EQ(status().in_flight, 0U);
}

TEST_F(bot_values, a_checkpoint_stores_what_there_was_by_then) {
  strings seen;
  start([&seen](router& r) {
    r.on(command("go"), [&seen](context ctx) -> task<> {
      ctx.store("step", "1");
      co_await ctx.checkpoint();
      const auto after = co_await ctx.load("step");
      seen.push_back(after ? after->value_or("none") : "error");
      ctx.store("step", "2");
      co_await ctx.sleep(1s);
      ctx.store("more", "3");
      co_await ctx.checkpoint();
      ctx.store("step", "4");
      co_await ctx.sleep(1s);
      throw std::runtime_error{"no"};
    });
  });
  hand_together({row(1, alice_.says(1, "/go"))});
  EXPECT_EQ(seen, strings{"1"});
  EXPECT_EQ(ends_with_values_, several{{1}});
  EXPECT_EQ(value(alice_, "step"), "1");
  pass(1500ms);
  EXPECT_EQ(ends_with_values_, (several{{1}, {}})) << "there was no update to end with it";
  EXPECT_EQ(value(alice_, "step"), "2");
  EXPECT_EQ(value(alice_, "more"), "3");
  pass(10s);
  EXPECT_EQ(value(alice_, "step"), "2") << "it threw before it had said so";
}

TEST_F(bot_values, a_query_s_are_stored_though_it_has_no_row) {
  start_counting();
  auto passing = row(1, alice_.presses(1, "x"));
  passing.kept = false;
  hand_together({passing});
  EXPECT_EQ(ends_with_values_, several{{}});
  EXPECT_EQ(value(alice_, "count"), "1");
}

// The hub writes nothing as another account's: it would refuse these, or write them as its own.
TEST_F(bot_values, are_those_of_the_account_that_their_update_has_come_to) {
  values_[{alice_.id, "count"}] = "1";
  start([](router& r) {
    r.otherwise([](context ctx) -> task<> {
      co_await ctx.sleep(1s);
      const auto before = co_await ctx.load("count");
      ctx.store("count", before ? before->value_or("0") + "!" : std::string{"error"});
      co_await ctx.checkpoint();
      ctx.store("behind", "an end of no update");
    });
  });
  hand_together({row(1, alice_.says(1, "x"))});
  auto other = self_;
  other.id = bot_id + 1;
  caf::anon_send(bot_, other); // the bot has logged in as another one meanwhile
  pass(2s);
  EXPECT_EQ(loaded_, strings{"count"});
  EXPECT_EQ(ends_with_values_, (several{{1}, {}}));
  EXPECT_EQ(value(alice_, "count"), "1!");
  EXPECT_EQ(value(alice_, "behind"), "an end of no update");
  account_ = other.id;
  hand_together({row(2, bob_.says(1, "y"))});
  pass(2s);
  EXPECT_EQ(ends_with_values_, (several{{1}, {}, {2}, {}}));
  EXPECT_EQ(value(bob_, "count"), "0!");
}

TEST_F(bot_values, outlive_the_sleep_of_their_conversation) {
  hold_ends_ = true;
  start(
      [](router& r) {
        r.otherwise([](context ctx) -> task<> {
          const auto before = co_await ctx.load("a");
          const auto text = before ? before->value_or("none") : std::string{"error"};
          ctx.store("a", std::string{ctx.text()});
          co_await ctx.reply(text);
        });
      },
      {.conversations = 1, .idle_after = 1s});
  hand_together({row(1, alice_.says(1, "x"))});
  pass(3s);
  EXPECT_EQ(status().awake, 0U);
  hand_together({row(2, alice_.says(2, "y"))});
  EXPECT_EQ(telegram_->texts(), (strings{"none", "x"})) << "the write of it is still under way";
}

TEST_F(bot_values, an_update_that_could_not_load_is_handled_again) {
  unreadable_ = true;
  values_[{alice_.id, "count"}] = "7";
  start_counting();
  hand_together({row(1, alice_.says(1, "a"))});
  EXPECT_EQ(value(alice_, "count"), "7") << "whatever its handler makes of that";
  EXPECT_TRUE(ends_with_values_.empty());
  unreadable_ = false;
  pass(10s);
  EXPECT_EQ(value(alice_, "count"), "8");
  EXPECT_TRUE(failures_.empty());
}

TEST_F(bot_values, a_load_that_is_not_answered_fails_and_its_update_is_handled_again) {
  hold_loads_ = true;
  values_[{alice_.id, "count"}] = "7";
  std::vector<errc> codes;
  start([&codes](router& r) {
    r.otherwise([&codes](context ctx) -> task<> {
      const auto before = co_await ctx.load("count");
      codes.push_back(before ? errc::none : before.error().code);
      ctx.store("count", before ? before->value_or("0") + "!" : std::string{"false"});
    });
  });
  hand_together({row(1, alice_.says(1, "a"))});
  pass(29s);
  EXPECT_TRUE(codes.empty());
  pass(2s);
  hold_loads_ = false;
  EXPECT_EQ(codes, std::vector{errc::deadline});
  EXPECT_EQ(value(alice_, "count"), "7");
  pass(35s); // it may have begun again before
  ASSERT_FALSE(codes.empty());
  EXPECT_EQ(codes.back(), errc::none);
  EXPECT_EQ(value(alice_, "count"), "7!");
  EXPECT_EQ(status().in_flight, 0U);
}

TEST_F(bot_values, what_comes_once_and_could_not_load_stores_nothing) {
  unreadable_ = true;
  values_[{alice_.id, "count"}] = "7";
  start_counting();
  auto passing = row(1, alice_.presses(1, "x"));
  passing.kept = false;
  hand_together({passing});
  EXPECT_EQ(telegram_->texts(), strings{"1001"});
  EXPECT_EQ(value(alice_, "count"), "7");
  EXPECT_EQ(status().in_flight, 0U);
}

TEST_F(bot_values, a_coroutine_behind_a_checkpoint_that_could_not_load_stores_nothing) {
  values_[{alice_.id, "a"}] = "old";
  start([](router& r) {
    r.otherwise([](context ctx) -> task<> {
      co_await ctx.checkpoint();
      co_await ctx.sleep(1s);
      co_await ctx.load("a");
      ctx.store("a", "new");
    });
  });
  hand_together({row(1, alice_.says(1, "x"))});
  unreadable_ = true;
  pass(3s);
  EXPECT_EQ(loaded_, strings{"a"});
  EXPECT_EQ(value(alice_, "a"), "old");
}

TEST_F(bot_values, a_new_hub_is_told_again_of_what_may_not_be_written) {
  hold_ends_ = true;
  start_counting();
  hand_together({row(1, alice_.says(1, "a")), row(2, bob_.says(1, "b"))});
  ASSERT_EQ(held_ends_.size(), 2U);
  answer_end(true);
  answer_end(false);
  another_hub();
  ends_with_values_.clear();
  values_.clear();
  hand_together({row(1, alice_.says(1, "a")), row(2, bob_.says(1, "b"))});
  EXPECT_EQ(ends_with_values_.size(), 1U);
  EXPECT_EQ(values_.size(), 1U) << "the other one was";
  EXPECT_EQ(telegram_->texts().size(), 2U) << "neither is handled again";
}

TEST_F(bot_values, that_a_dying_hub_has_given_to_the_store_are_not_called_lost) {
  hold_ends_ = true;
  start_counting();
  auto passing = row(1, alice_.presses(1, "x"));
  passing.kept = false;
  hand_together({passing});
  ASSERT_EQ(held_ends_.size(), 1U);
  testing::internal::CaptureStderr();
  answer_end(false);
  EXPECT_EQ(testing::internal::GetCapturedStderr().find("lost"), std::string::npos);
}

TEST_F(bot_values, a_new_hub_is_told_in_the_order_of_the_ends_before_it_is_asked) {
  hold_ends_ = true;
  start([](router& r) {
    r.on(command("go"), [](context ctx) -> task<> {
      const auto name = co_await ctx.ask("name?", 1h);
      if (name) {
        ctx.store("a", "later");
      }
    });
    r.otherwise([](context ctx) { ctx.store("a", "earlier"); });
  });
  const auto asks = row(1, alice_.says(1, "/go"));
  const auto presses = row(2, alice_.presses(1, "x"));
  const auto answers = row(3, alice_.says(2, "Alice"));
  hand_together({asks, presses, answers});
  ASSERT_EQ(ends_with_values_, (several{{2}, {1, 3}}));
  answer_end(false);
  answer_end(false);
  another_hub();
  ends_with_values_.clear();
  hand_together({row(4, bob_.says(1, "x"))}); // its first message need not have these rows
  EXPECT_EQ(ends_with_values_, (several{{2}, {1, 3}, {4}}));
  EXPECT_EQ(value(alice_, "a"), "later");
  hand_together({asks, presses, answers});
  EXPECT_EQ(ends_with_values_.size(), 3U) << "this one knows";
}

} // namespace cafegram::test
