#pragma once

#include <cafegram/actors/signing.hpp>
#include <cafegram/bots/bot.hpp>
#include <cafegram/bots/dispatcher.hpp>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cafegram::test {

inline constexpr std::int64_t bot_id = 4242;

/// What the bot has called, and how it is answered.
struct fake_telegram {
  struct call {
    bytes function;
    caf::response_promise promise;
  };
  std::vector<bytes> calls; ///< all, in order
  std::deque<call> unanswered;
  bool hold = false; ///< keep calls until `answer_next`
  /// How those are addressed that were ever seen, by marked ids.
  std::map<std::int64_t, tl::InputPeer> addresses;
  std::vector<std::int64_t> looked_up;
  std::optional<error> no_look_up; ///< no address can be told
  bool hold_addresses = false;     ///< until `tell_addresses`
  std::deque<std::pair<std::int64_t, caf::typed_response_promise<resolved_peer>>> unaddressed;
  std::int32_t next_id = 1000;

  /// All calls of one kind.
  template <class Function>
  std::vector<Function> of() const {
    std::vector<Function> out;
    for (const auto& encoded : calls) {
      if (auto decoded = tl::decode<Function>(encoded)) {
        out.push_back(*std::move(decoded));
      }
    }
    return out;
  }
  /// The texts of all messages sent.
  std::vector<std::string> texts() const {
    std::vector<std::string> out;
    for (const auto& send : of<tl::messages::sendMessage>()) {
      out.push_back(send.message);
    }
    return out;
  }

  bytes natural_answer(bytes_view function) {
    if (!tl::decode<tl::messages::sendMessage>(function)) {
      return tl::encode(true);
    }
    tl::updateShortSentMessage sent;
    sent.id = next_id++;
    sent.date = 1'750'000'000;
    return tl::encode(sent);
  }
  result<resolved_peer> address(std::int64_t marked) {
    if (no_look_up) {
      return std::unexpected(*no_look_up);
    }
    const auto found = addresses.find(marked);
    return found != addresses.end() ? result<resolved_peer>{resolved_peer{found->second}}
                                    : fail(errc::not_found, "never seen");
  }
  /// Answers the oldest call that is held; it comes when the test settles.
  void answer_next() { decide({}); }
  void refuse_next(error e) { decide(std::move(e)); }

  std::deque<error> verdicts; ///< no error: the natural answer
  std::function<void()> poke; ///< lets the fake's actor, which alone may answer, carry one out

private:
  void decide(error e) {
    verdicts.push_back(std::move(e));
    poke();
  }
};

/// Makes updates as they come to a bot.
struct person {
  std::int64_t id = 777;
  std::string first_name = "Alice";

  tl::User boxed() const;
  std::shared_ptr<update_data> base(std::string identity, tl::Update update) const;
  std::shared_ptr<const update_data> says(std::int32_t message_id, std::string text,
                                          std::vector<tl::MessageEntity> entities = {}) const;
  std::shared_ptr<const update_data> edits(std::int32_t message_id, std::string text) const;
  std::shared_ptr<const update_data> presses(std::int32_t message_id, std::string_view data,
                                             std::int64_t query_id = 55) const;
};

struct system_config : caf::actor_system_config {
  system_config();
};

/// A bot on a scheduler and a clock that the test moves.
class bot_test : public ::testing::Test {
protected:
  bot_test();
  ~bot_test() override;

  enum class reception { waits, taken, refused };

  /// Spawns the dispatcher, for `self_`; once per test.
  void start(const std::function<void(router&)>& setup, bot_options options = {});
  /// An update as the account hands it over.
  std::shared_ptr<reception> give_raw(const update_data& data);
  /// Hands over an update and lets everything run. What became of it may change later.
  std::shared_ptr<reception> give(std::shared_ptr<const update_data> update);
  /// The same without letting anything run.
  std::shared_ptr<reception> post(std::shared_ptr<const update_data> update);
  /// Lets everything run that can run without time passing.
  void settle();
  /// Moves the clock, tick by tick.
  void pass(duration time);
  dispatcher_status status();

  system_config config_;
  caf::actor_system system_;
  caf::scheduler::test_coordinator& scheduler_;
  std::shared_ptr<fake_telegram> telegram_ = std::make_shared<fake_telegram>();
  caf::actor client_;
  account self_;
  dispatcher_actor bot_;
  person alice_;
  person bob_{888, "Bob"};
};

} // namespace cafegram::test
