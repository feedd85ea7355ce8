#include <cafegram/actors/errors.hpp>
#include <cafegram/bots/watcher.hpp>

#include <gtest/gtest.h>

#include <memory>

#include "fixture.hpp"

// What the parts of a bot do about each other's ends: docs/supervision.md.
namespace cafegram::test {

namespace {

using strings = std::vector<std::string>;

class supervision : public bot_test {
protected:
  /// Answers each message with its text and how many came before it in this conversation; where a
  /// call fails, the code is kept.
  void start_counting(bot_options options = {}) {
    start(
        [this](router& r) {
          r.otherwise([this](bot_actor self) -> behavior {
            latest_ = caf::actor_cast<caf::actor>(self);
            auto seen = std::make_shared<int>(0);
            return {[this, self, seen](const new_message& m) {
              self->reply(m, m.text() + " " + std::to_string(++*seen))
                  .then([](const sent_message&) {},
                        [this](const error& why) { failures_.push_back(why.code); });
            }};
          });
        },
        options);
  }
  void kill(const caf::actor& which) {
    caf::anon_send_exit(which, caf::exit_reason::kill);
    settle();
  }
  /// True when it has ended.
  std::shared_ptr<bool> watch(const caf::actor& which) {
    auto out = std::make_shared<bool>(false);
    which->attach_functor([out] { *out = true; });
    return out;
  }

  ~supervision() override { latest_ = nullptr; }

  caf::actor latest_; ///< the conversation that was made last
  std::vector<errc> failures_;
};

TEST_F(supervision, dispatcher_conversation_dies) {
  telegram_->hold = true;
  start_counting();
  give(bob_.says(1, "b"));
  give(alice_.says(1, "a"));
  give(alice_.says(2, "after"));
  kill(latest_);
  EXPECT_EQ(telegram_->texts(), (strings{"b 1", "a 1", "after 1"}))
      << "the next update finds a fresh conversation";
  EXPECT_EQ(status().failed, 1U) << "the one under way is counted, not repeated";
  telegram_->hold = false;
  telegram_->answer_next();
  settle();
  give(bob_.says(2, "b"));
  EXPECT_EQ(telegram_->texts().back(), "b 2") << "others are as they were";
}

TEST_F(supervision, dispatcher_conversation_stalls) {
  telegram_->hold = true;
  start_counting({.queue_per_chat = 2});
  for (std::int32_t id = 1; id <= 10; ++id) {
    give(alice_.says(id, "a"));
  }
  give(bob_.says(1, "b"));
  EXPECT_EQ(telegram_->texts(), (strings{"a 1", "b 1"})) << "the other chat goes on";
  EXPECT_EQ(status().lost, 7U) << "and this one's queue has a bound";
  EXPECT_EQ(status().queued, 3U) << "two updates and the note of those that were lost";
}

TEST_F(supervision, dispatcher_account_floods) {
  telegram_->hold = true;
  start_counting({.queue_total = 3});
  for (std::int64_t id = 1; id <= 3; ++id) {
    EXPECT_EQ(*give(person{id, "P"}.says(1, "x")), reception::taken);
  }
  const auto held = give(person{4, "P"}.says(1, "x"));
  EXPECT_EQ(*held, reception::waits) << "the account hands out no more";
  telegram_->answer_next();
  settle();
  EXPECT_EQ(*held, reception::taken);
}

TEST_F(supervision, conversation_dispatcher_dies) {
  telegram_->hold = true;
  start_counting({.queue_total = 1});
  give(alice_.says(1, "a"));
  const auto waiting = give(alice_.says(2, "b"));
  const auto ended = watch(latest_);
  kill(caf::actor_cast<caf::actor>(bot_));
  EXPECT_TRUE(*ended) << "no conversation outlives it";
  EXPECT_EQ(*waiting, reception::refused) << "and nobody waits for it";
}

TEST_F(supervision, conversation_client_dies) {
  start_counting();
  give(alice_.says(1, "a"));
  kill(client_);
  give(alice_.says(2, "b"));
  EXPECT_EQ(failures_, std::vector{errc::cancelled}) << "each call is answered";
  EXPECT_EQ(status().in_flight, 0U);
  EXPECT_EQ(status().failed, 0U) << "the conversation goes on";
}

/// A client that logs in at once, or never answers.
client_actor::behavior_type quiet_client(client_actor::pointer self, bool answers) {
  return {
      [](const invoke_request&) -> caf::result<invoke_answer> {
        return caf::sec::invalid_argument;
      },
      [](const callback_call&) {},
      [](const cancel_calls&) {},
      [](const peer_request&) -> caf::result<resolved_peer> { return caf::sec::invalid_argument; },
      [](const session_export&) -> caf::result<exported_session> {
        return caf::sec::invalid_argument;
      },
      [self, answers](const bot_login&) -> caf::result<account> {
        if (answers) {
          return account{bot_id, true, "Bot", "some_bot"};
        }
        return self->make_response_promise<account>();
      },
      [](caf::subscribe_atom, const caf::actor&) {},
      [](const channel_follow&) {},
      [](const update_claim&) {},
      [](status_atom) { return client_status{}; },
      [](const network_available&) {},
      [](const stop_request&) -> caf::result<caf::ok_atom> { return caf::ok_atom_v; },
      [](const connection_report&) {},
      [](const login_lost&) {},
      [](caf::tick_atom, std::uint64_t) {},
  };
}

TEST_F(supervision, bot_run_client_dies) {
  start_counting();
  for (const bool logged_in : {true, false}) {
    const auto account_client = system_.spawn(quiet_client, logged_in);
    int ends = 0;
    const auto watcher = spawn_watcher(system_, account_client, caf::actor_cast<caf::actor>(bot_),
                                       "1:x", [&ends] { ++ends; });
    settle();
    EXPECT_EQ(ends, 0);
    kill(caf::actor_cast<caf::actor>(account_client));
    EXPECT_EQ(ends, 1) << "the program ends with 1";
    kill(watcher);
  }
}

TEST_F(supervision, bot_run_dispatcher_dies) {
  start_counting();
  const auto account_client = system_.spawn(quiet_client, true);
  int ends = 0;
  const auto watcher = spawn_watcher(system_, account_client, caf::actor_cast<caf::actor>(bot_),
                                     "1:x", [&ends] { ++ends; });
  settle();
  kill(caf::actor_cast<caf::actor>(bot_));
  EXPECT_EQ(ends, 1);
  kill(watcher);
  kill(caf::actor_cast<caf::actor>(account_client));
}

} // namespace

} // namespace cafegram::test
