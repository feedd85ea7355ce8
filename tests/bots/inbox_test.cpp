#include <cafegram/actors/errors.hpp>

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>

#include "fixture.hpp"

// Updates that an account's inbox keeps until the bot has finished them.
namespace cafegram::test {

namespace {

using namespace std::chrono_literals;
using numbers = std::vector<std::uint64_t>;
using strings = std::vector<std::string>;

class bot_inbox : public bot_test {
protected:
  bot_inbox() { hub_ = spawn_hub(); }
  ~bot_inbox() override {
    caf::anon_send_exit(hub_, caf::exit_reason::user_shutdown);
    hub_ = nullptr;
  }

  /// Hands updates to the bot, as the hub of an account does.
  caf::actor spawn_hub() {
    return system_.spawn([this](caf::event_based_actor* self) -> caf::behavior {
      return {[this, self](const update_event& event) {
                const auto number = event.number;
                self->request(bot_, caf::infinite, event)
                    .then([this, number] { finished_.push_back(number); },
                          [this, number](const caf::error& why) {
                            refused_.emplace(number, to_error(why).code);
                          });
              },
              [this](const update_failed& what) { failures_.push_back(what.number); },
              [this](const update_sent& what) { sends_[what.number].push_back(*what.what); }};
    });
  }
  void hand(update_event event) {
    caf::anon_send(hub_, std::move(event));
    settle();
  }
  update_event row(std::uint64_t number, const std::shared_ptr<const update_data>& data) {
    auto received = std::make_shared<received_update>();
    received->identity = data->identity;
    received->update = data->update;
    received->peers = data->peers;
    received->account = bot_id;
    return {received, number};
  }

  caf::actor hub_;
  numbers finished_;
  numbers failures_;
  std::map<std::uint64_t, errc> refused_;
  std::map<std::uint64_t, std::vector<made_send>> sends_;
};

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
      co_await ctx.reply("hello " + (name ? name->text() : "nobody"));
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
  caf::anon_send_exit(hub_, caf::exit_reason::kill);
  settle();
  hub_ = spawn_hub();
  hand(row(1, alice_.says(1, "a")));
  hand(row(2, bob_.says(1, "b")));
  EXPECT_EQ(finished_, (numbers{1, 1})) << "that it is finished is told once more";
  telegram_->answer_next();
  settle();
  EXPECT_EQ(finished_, (numbers{1, 1, 2}));
  EXPECT_EQ(telegram_->texts().size(), 2U);
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

} // namespace cafegram::test
