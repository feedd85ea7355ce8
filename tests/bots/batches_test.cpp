#include <gtest/gtest.h>

#include <stdexcept>

#include "inbox_kit.hpp"

// Updates that the inbox hands out in batches, and whose ends it is told of in batches.
namespace cafegram::test {

namespace {

using namespace std::chrono_literals;
using strings = std::vector<std::string>;

class bot_batches : public bot_inbox {
protected:
  /// In the order in which their ends were told.
  numbers told() const {
    numbers out;
    for (const auto& some : together_) {
      out.insert(out.end(), some.begin(), some.end());
    }
    return out;
  }
  /// Answers with the same text; throws over "poison".
  void start_answering() {
    start([this](router& r) {
      r.otherwise([this](context ctx) {
        ++handled_;
        if (ctx.text() == "poison") {
          throw std::runtime_error{"it is poison"};
        }
        ctx.reply(std::string{ctx.text()});
      });
    });
  }

  /// A message of an album.
  std::shared_ptr<const update_data> part(std::int32_t id) const {
    auto data = std::make_shared<update_data>(*alice_.says(id, ""));
    auto message =
        *tl::get_if<tl::message>(tl::get_if<tl::updateNewMessage>(data->update)->message);
    message.grouped_id = 77;
    data->update = tl::updateNewMessage{.message = message, .pts = 0, .pts_count = 0};
    return data;
  }

  static constexpr bot_options gathering{.albums_within = 500ms};
  int handled_ = 0;
};

} // namespace

TEST_F(bot_batches, their_ends_are_told_in_batches) {
  start([](router& r) { r.otherwise([](const new_message&) {}); });
  hand_together({row(1, alice_.says(1, "a")), row(2, alice_.says(2, "b")),
                 row(3, bob_.says(1, "c")), row(4, bob_.says(2, "d"))});
  auto all = told();
  std::ranges::sort(all);
  EXPECT_EQ(all, (numbers{1, 2, 3, 4}));
  EXPECT_LT(together_.size(), 4U);
  EXPECT_TRUE(finished_.empty()) << "nobody has asked";
}

TEST_F(bot_batches, nothing_is_told_of_what_is_under_way) {
  telegram_->hold = true;
  start_answering();
  hand_together({row(1, alice_.says(1, "a")), row(2, bob_.says(1, "b"))});
  EXPECT_TRUE(together_.empty());
  telegram_->answer_next();
  settle();
  EXPECT_EQ(told(), numbers{1});
  telegram_->answer_next();
  settle();
  EXPECT_EQ(told(), (numbers{1, 2}));
}

TEST_F(bot_batches, what_is_given_up_is_told_with_the_reason) {
  start_answering();
  hand_together({row(1, alice_.says(1, "poison")), row(2, alice_.says(2, "after")),
                 row(3, bob_.says(1, "b"))});
  EXPECT_EQ(told(), numbers{3}) << "the other chat goes on";
  pass(3s);
  EXPECT_EQ(buried_, (std::vector<numbers>{{1}}));
  EXPECT_NE(why_buried_.find("it is poison"), std::string::npos) << why_buried_;
  EXPECT_EQ(told(), (numbers{3, 2}));
}

TEST_F(bot_batches, a_new_hub_is_told_again_and_nothing_is_handled_again) {
  telegram_->hold = true;
  start_answering();
  hand_together({row(1, alice_.says(1, "a")), row(2, bob_.says(1, "b"))});
  telegram_->answer_next();
  settle();
  ASSERT_EQ(told(), numbers{1});
  another_hub();
  hand_together({row(1, alice_.says(1, "a")), row(2, bob_.says(1, "b"))});
  EXPECT_EQ(told(), (numbers{1, 1}));
  telegram_->answer_next();
  settle();
  EXPECT_EQ(told(), (numbers{1, 1, 2}));
  EXPECT_EQ(telegram_->texts().size(), 2U);
}

TEST_F(bot_batches, wait_until_the_bot_knows_itself) {
  self_.id = 0;
  start_answering();
  hand_together({row(1, alice_.says(1, "a")), row(2, alice_.says(2, "b"))});
  EXPECT_EQ(handled_, 0);
  caf::anon_send(bot_, account{bot_id, true, "Bot", "bot"});
  settle();
  EXPECT_EQ(telegram_->texts(), (strings{"a", "b"}));
  EXPECT_EQ(told(), (numbers{1, 2}));
}

TEST_F(bot_batches, a_stop_tells_what_has_ended_and_nothing_else) {
  telegram_->hold = true;
  start_answering();
  hand_together({row(1, alice_.says(1, "a")), row(2, alice_.says(2, "b"))});
  caf::anon_send(bot_, stop_request{5s});
  hand_together({row(3, bob_.says(1, "c"))});
  telegram_->answer_next();
  settle();
  EXPECT_EQ(told(), numbers{1}) << "the others come again with the next start";
  EXPECT_EQ(telegram_->texts(), strings{"a"});
}

TEST_F(bot_batches, albums_end_in_one_change_that_is_told_once) {
  start([](router& r) { r.otherwise([](const new_album&) {}); }, gathering);
  hand_together({row(1, part(1)), row(2, part(2)), row(3, part(3))});
  EXPECT_TRUE(together_.empty());
  pass(1s);
  EXPECT_EQ(together_, (std::vector<numbers>{{1, 2, 3}}));
  another_hub();
  hand_together({row(1, part(1)), row(2, part(2)), row(3, part(3))});
  EXPECT_EQ(together_, (std::vector<numbers>{{1, 2, 3}, {1, 2, 3}})) << "it had not heard of it";
}

TEST_F(bot_batches, albums_that_are_given_up_are_told_once) {
  start([](router& r) { r.otherwise([](const new_album&) { throw std::runtime_error{"no"}; }); },
        gathering);
  hand_together({row(1, part(1)), row(2, part(2))});
  pass(3s);
  EXPECT_EQ(buried_, (std::vector<numbers>{{1, 2}}));
  EXPECT_TRUE(together_.empty());
}

TEST_F(bot_batches, albums_answer_those_of_their_messages_that_came_as_requests) {
  start([](router& r) { r.otherwise([](const new_album&) {}); }, gathering);
  hand(row(1, part(1)));
  hand_together({row(2, part(2)), row(3, part(3))});
  pass(1s);
  EXPECT_EQ(together_, (std::vector<numbers>{{1, 2, 3}}));
  EXPECT_EQ(finished_, numbers{1});
}

} // namespace cafegram::test
