#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/system.hpp>
#include <cafegram/bots/stream.hpp>

#include <caf/scoped_actor.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>
#include <thread>

#include "fixture.hpp"

// Streams over an account that the test plays.
namespace cafegram::test {

namespace {

using namespace std::chrono_literals;

class streams : public bot_test {
protected:
  streams() {
    account_ = system_.spawn([this](caf::event_based_actor* self) -> caf::behavior {
      return {[this](caf::subscribe_atom, const caf::actor& who) { receivers_.push_back(who); },
              [this, self](std::uint64_t number, const local_update& what) {
                auto received = std::make_shared<received_update>();
                received->identity = what.update->identity;
                received->update = what.update->update;
                received->peers = what.update->peers;
                received->account = bot_id;
                for (std::size_t i = 0; i < receivers_.size(); ++i) {
                  self->request(receivers_[i], caf::infinite, update_event{received, number})
                      .then([this, i, number] { finished_[i].push_back(number); },
                            [this, i, number](const caf::error& why) {
                              unfinished_[i].emplace(number, to_error(why).code);
                            });
                }
              }};
    });
  }
  ~streams() override {
    caf::anon_send_exit(account_, caf::exit_reason::user_shutdown);
    account_ = nullptr;
    settle();
    receivers_.clear();
  }

  update_stream open(stream_options options = {}) {
    auto out = update_stream::over(system_, account_, self_, options);
    settle();
    return out;
  }
  void come(std::uint64_t number, const std::string& text) {
    caf::anon_send(account_, number,
                   local_update{alice_.says(static_cast<std::int32_t>(number), text)});
    settle();
  }
  static std::string text_of(const std::optional<any_update>& update) {
    const auto* message = update ? std::get_if<new_message>(&*update) : nullptr;
    return message != nullptr ? message->text() : "(none)";
  }

  using finished_numbers = std::vector<std::uint64_t>;
  caf::actor account_;
  std::vector<caf::actor> receivers_;
  std::map<std::size_t, finished_numbers> finished_; ///< by receiver
  std::map<std::size_t, std::map<std::uint64_t, errc>> unfinished_;
};

} // namespace

TEST_F(streams, one_is_finished_when_the_next_is_asked_for) {
  auto stream = open();
  come(1, "a");
  come(2, "b");
  EXPECT_EQ(text_of(stream.try_next()), "a");
  settle();
  EXPECT_TRUE(finished_[0].empty()) << "it is being worked on";
  EXPECT_EQ(text_of(stream.try_next()), "b");
  settle();
  EXPECT_EQ(finished_[0], finished_numbers{1});
  stream.done();
  settle();
  EXPECT_EQ(finished_[0], (finished_numbers{1, 2}));
  EXPECT_FALSE(stream.try_next());
}

TEST_F(streams, several_get_all_each_at_its_own_pace) {
  auto quick = open();
  auto slow = open();
  auto late = open({.looks_on = true});
  for (std::uint64_t n = 1; n <= 3; ++n) {
    come(n, std::to_string(n));
  }
  for (std::uint64_t n = 1; n <= 3; ++n) {
    EXPECT_EQ(text_of(quick.try_next()), std::to_string(n));
  }
  EXPECT_FALSE(quick.try_next());
  EXPECT_EQ(text_of(slow.try_next()), "1");
  settle();
  EXPECT_EQ(finished_[0], (finished_numbers{1, 2, 3}));
  EXPECT_TRUE(finished_[1].empty());
  EXPECT_EQ(finished_[2], (finished_numbers{1, 2, 3})) << "who looks on answers at once";
  quick.close();
  settle();
  come(4, "4");
  EXPECT_EQ(text_of(slow.try_next()), "2");
  EXPECT_EQ(text_of(late.try_next()), "1");
}

TEST_F(streams, one_that_looks_on_is_bounded_and_tells_what_is_lost) {
  auto stream = open({.looks_on = true, .capacity = 3});
  for (std::uint64_t n = 1; n <= 5; ++n) {
    come(n, std::to_string(n));
  }
  EXPECT_EQ(stream.dropped(), 2U);
  const auto note = stream.try_next();
  ASSERT_TRUE(note && std::holds_alternative<updates_lost>(*note));
  EXPECT_EQ(std::get<updates_lost>(*note).count(), 2U);
  EXPECT_EQ(text_of(stream.try_next()), "3");
  EXPECT_EQ(text_of(stream.try_next()), "4");
  come(6, "6");
  EXPECT_EQ(text_of(stream.try_next()), "5");
  EXPECT_EQ(text_of(stream.try_next()), "6");
  EXPECT_FALSE(stream.try_next());
}

TEST_F(streams, what_was_not_finished_at_the_end_stays) {
  {
    auto stream = open();
    come(1, "a");
    come(2, "b");
    EXPECT_EQ(text_of(stream.try_next()), "a");
  }
  settle();
  EXPECT_TRUE(finished_[0].empty());
  EXPECT_EQ(unfinished_[0],
            (std::map<std::uint64_t, errc>{{1, errc::cancelled}, {2, errc::cancelled}}));
}

TEST_F(streams, what_a_new_hub_hands_out_again_comes_once) {
  auto stream = open();
  auto looker = open({.looks_on = true});
  const auto hand_out = [this] {
    come(1, "a");
    come(2, "b");
    come(3, "c");
  };
  hand_out();
  EXPECT_EQ(text_of(stream.try_next()), "a");
  EXPECT_EQ(text_of(stream.try_next()), "b");
  EXPECT_EQ(text_of(looker.try_next()), "a");
  settle();
  finished_.clear();
  hand_out(); // by a hub that has not heard that the first is finished
  EXPECT_EQ(finished_[0], finished_numbers{1}) << "that it is finished is told once more";
  EXPECT_EQ(text_of(stream.try_next()), "c");
  EXPECT_FALSE(stream.try_next());
  settle();
  EXPECT_EQ(finished_[0], (finished_numbers{1, 2, 3}));
  EXPECT_EQ(text_of(looker.try_next()), "b");
  EXPECT_EQ(text_of(looker.try_next()), "c");
  EXPECT_FALSE(looker.try_next());
}

TEST_F(streams, a_wait_has_its_limit_and_ends_with_the_stream) {
  auto stream = open();
  EXPECT_EQ(stream.next(1ms).error().code, errc::deadline);
  auto other = std::async(std::launch::async, [&stream] { return stream.next(); });
  stream.close();
  EXPECT_EQ(other.get().error().code, errc::cancelled);
  EXPECT_EQ(stream.next(1h).error().code, errc::cancelled);
}

TEST_F(streams, the_loop_ends_when_it_is_closed_and_its_last_update_is_finished) {
  auto stream = open();
  come(1, "a");
  come(2, "stop");
  come(3, "c");
  std::vector<std::string> seen;
  const auto ended = stream.run([&](const new_message& m) {
    seen.push_back(m.text());
    if (m.text() == "stop") {
      stream.close();
    }
  });
  EXPECT_TRUE(ended) << to_string(ended.error());
  settle();
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "stop"}));
  EXPECT_EQ(finished_[0], (finished_numbers{1, 2}));
  EXPECT_EQ(unfinished_[0], (std::map<std::uint64_t, errc>{{3, errc::cancelled}}));
}

TEST_F(streams, the_loop_ends_with_its_client) {
  auto stream = open();
  auto loop = std::async(std::launch::async, [&stream] {
    return stream.run([](const any_update&) { FAIL() << "none has come"; });
  });
  caf::anon_send_exit(account_, caf::exit_reason::user_shutdown);
  settle();
  EXPECT_TRUE(loop.get());
}

TEST_F(streams, what_a_handler_throws_comes_out_and_its_update_is_not_finished) {
  auto stream = open();
  come(1, "a");
  EXPECT_THROW(static_cast<void>(stream.run([](const new_message&) { throw 1; })), int);
  settle();
  EXPECT_TRUE(finished_[0].empty());
}

TEST_F(streams, an_actor_that_has_subscribed_may_take_them_typed_too) {
  std::vector<std::string> seen;
  auto actor = system_.spawn([&seen, self = self_]() -> caf::behavior {
    return {on_update(self, [&seen](const new_message& m) { seen.push_back(m.text()); })};
  });
  caf::anon_send(account_, caf::subscribe_atom_v, actor);
  settle();
  come(1, "a");
  EXPECT_EQ(seen, std::vector<std::string>{"a"});
  EXPECT_EQ(finished_[0], finished_numbers{1});
  come(1, "a"); // by a hub that is new
  EXPECT_EQ(seen, std::vector<std::string>{"a"});
  EXPECT_EQ(finished_[0], (finished_numbers{1, 1})) << "that it is finished is told once more";
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  actor = nullptr;
  settle();
}

TEST(streams_over_threads, are_not_pulled_by_actors) {
  runtime rt;
  const auto playing = rt.system().spawn([said = person{}.says(1, "a")]() -> caf::behavior {
    return {[said](caf::subscribe_atom, const caf::actor& who) {
      auto received = std::make_shared<received_update>();
      received->identity = said->identity;
      received->update = said->update;
      received->peers = said->peers;
      received->account = bot_id;
      for (std::uint64_t number = 1; number <= 3; ++number) {
        caf::anon_send(who, update_event{received, number});
      }
    }};
  });
  account self;
  self.id = bot_id;
  auto stream = update_stream::over(rt.system(), playing, self, {.looks_on = true, .capacity = 1});
  while (stream.dropped() < 2) {
    std::this_thread::yield();
  }
  const auto puller = rt.system().spawn([stream]() -> caf::behavior {
    return {[stream](int) mutable {
      return stream.try_next() || stream.next(1ms).error().code != errc::bad_argument;
    }};
  });
  caf::scoped_actor asker{rt.system()};
  asker->request(puller, std::chrono::seconds{30}, 1)
      .receive([](bool pulled) { EXPECT_FALSE(pulled); },
               [](const caf::error& why) { ADD_FAILURE() << caf::to_string(why); });
  EXPECT_TRUE(stream.try_next()) << "a thread of one's own may";
  asker->send_exit(puller, caf::exit_reason::user_shutdown);
  asker->send_exit(playing, caf::exit_reason::user_shutdown);
}

} // namespace cafegram::test
