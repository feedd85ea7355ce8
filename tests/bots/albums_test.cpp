#include <gtest/gtest.h>

#include <stdexcept>

#include "inbox_kit.hpp"

// Albums as one, of a bot with an inbox.
namespace cafegram::test {

namespace {

using namespace std::chrono_literals;
using strings = std::vector<std::string>;

constexpr bot_options gathering{.albums_within = 500ms};

class bot_albums : public bot_inbox {
protected:
  static std::shared_ptr<const update_data> photo(const person& by, std::int32_t id,
                                                  std::int64_t group, std::string text = {}) {
    const auto plain = by.says(id, std::move(text));
    auto message =
        *tl::get_if<tl::message>(tl::get_if<tl::updateNewMessage>(plain->update)->message);
    message.grouped_id = group;
    tl::updateNewMessage update;
    update.message = message;
    return by.base(plain->identity, update);
  }

  /// Answers an album with the ids of its messages, a message with its text.
  static void answer(router& r) {
    r.otherwise([](bot_actor self) -> behavior {
      return {[self](const new_album& a) {
                std::string said = "album";
                for (const auto& m : a.messages()) {
                  said.append(" ").append(std::to_string(m.id()));
                }
                self->reply(a, said);
              },
              [self](const new_message& m) { self->reply(m, m.text()); }};
    });
  }
};

} // namespace

TEST_F(bot_albums, come_as_one_when_their_time_is_over) {
  start(answer, gathering);
  hand(row(1, photo(alice_, 1, 70)));
  hand(row(2, photo(alice_, 2, 70, "the sea")));
  hand(row(3, photo(alice_, 3, 70)));
  EXPECT_TRUE(telegram_->texts().empty());
  EXPECT_EQ(status().queued, 1U);
  pass(500ms);
  EXPECT_EQ(telegram_->texts(), strings{"album 1 2 3"});
  EXPECT_EQ(together_, std::vector<numbers>{(numbers{1, 2, 3})});
  EXPECT_EQ(finished_, (numbers{1, 2, 3}));
}

TEST_F(bot_albums, tell_what_they_are) {
  std::shared_ptr<const new_album> got;
  start(
      [&got](router& r) {
        r.otherwise([&got](const new_album& a) { got = std::make_shared<const new_album>(a); });
      },
      gathering);
  hand(row(1, photo(alice_, 1, 70)));
  hand(row(2, photo(alice_, 2, 70, "the sea")));
  pass(500ms);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->grouped_id(), 70);
  EXPECT_EQ(got->text(), "the sea");
  EXPECT_EQ(got->sender().id, 777);
  EXPECT_EQ(got->identity(), "album/message/4242/777/1");
  EXPECT_EQ(got->messages()[1].identity(), "message/4242/777/2");
  got.reset();
}

TEST_F(bot_albums, have_their_messages_by_their_ids) {
  start(answer, gathering);
  for (const std::int32_t id : {3, 1, 2}) {
    hand(row(10 + static_cast<std::uint64_t>(id), photo(alice_, id, 70)));
  }
  pass(500ms);
  EXPECT_EQ(telegram_->texts(), strings{"album 1 2 3"});
}

TEST_F(bot_albums, wait_no_longer_than_five_seconds) {
  start(answer, {.albums_within = 1h});
  hand(row(1, photo(alice_, 1, 70)));
  pass(4500ms);
  EXPECT_TRUE(telegram_->texts().empty());
  pass(500ms);
  EXPECT_EQ(telegram_->texts(), strings{"album 1"});
}

TEST_F(bot_albums, come_once_whatever_a_new_hub_hands_out_again) {
  start(answer, gathering);
  hand(row(1, photo(alice_, 1, 70)));
  hand(row(2, photo(alice_, 2, 70)));
  another_hub();
  hand(row(1, photo(alice_, 1, 70)));
  hand(row(2, photo(alice_, 2, 70)));
  pass(500ms);
  EXPECT_EQ(telegram_->texts(), strings{"album 1 2"});
  EXPECT_EQ(together_, std::vector<numbers>{(numbers{1, 2})});
  EXPECT_EQ(finished_, (numbers{1, 2}));
}

TEST_F(bot_albums, answer_no_question) {
  start(
      [](router& r) {
        r.on(text("go"), [](context ctx) -> task<> {
          const auto next = co_await ctx.ask("what?", 1h);
          if (next) {
            co_await ctx.reply("it is " + next->text());
          }
        });
        r.otherwise([](context ctx, const new_album&) { ctx.reply("an album"); });
      },
      gathering);
  hand(row(1, alice_.says(1, "go")));
  hand(row(2, photo(alice_, 2, 70, "a picture")));
  pass(500ms);
  EXPECT_EQ(telegram_->texts(), (strings{"what?", "an album"}));
  hand(row(3, alice_.says(3, "a word")));
  EXPECT_EQ(telegram_->texts().back(), "it is a word");
}

TEST_F(bot_albums, wait_in_their_chat_alone_and_keep_its_order) {
  start(answer, gathering);
  hand(row(1, photo(alice_, 1, 70)));
  hand(row(2, alice_.says(2, "after")));
  hand(row(3, photo(alice_, 3, 71)));
  hand(row(4, photo(alice_, 4, 70)));
  hand(row(5, bob_.says(1, "bob")));
  EXPECT_EQ(telegram_->texts(), strings{"bob"});
  pass(1s);
  EXPECT_EQ(telegram_->texts(), (strings{"bob", "album 1 4", "after", "album 3"}));
}

TEST_F(bot_albums, with_as_many_as_there_can_be_wait_no_longer) {
  start(answer, gathering);
  for (std::int32_t n = 1; n <= 11; ++n) {
    hand(row(static_cast<std::uint64_t>(n), photo(alice_, n, 70)));
  }
  EXPECT_EQ(telegram_->texts(), strings{"album 1 2 3 4 5 6 7 8 9 10"});
  pass(500ms);
  EXPECT_EQ(telegram_->texts().back(), "album 11");
  EXPECT_EQ(finished_.size(), 11U);
}

TEST_F(bot_albums, are_single_messages_where_nobody_asks_for_them) {
  start(answer);
  hand(row(1, photo(alice_, 1, 70, "a")));
  hand(row(2, photo(alice_, 2, 70, "b")));
  EXPECT_EQ(telegram_->texts(), (strings{"a", "b"}));
  EXPECT_TRUE(together_.empty());
}

TEST_F(bot_albums, fail_and_are_given_up_as_one) {
  start([](router& r) { r.otherwise([](const new_album&) { throw std::runtime_error{"no"}; }); },
        gathering);
  hand(row(1, photo(alice_, 1, 70)));
  hand(row(2, photo(alice_, 2, 70)));
  pass(3s);
  EXPECT_EQ(failures_, (numbers{1, 2, 1, 2}));
  EXPECT_EQ(refused_,
            (std::map<std::uint64_t, errc>{{1, errc::bad_argument}, {2, errc::bad_argument}}));
  EXPECT_EQ(buried_, std::vector<numbers>{(numbers{1, 2})}) << "or a half would come again alone";
  EXPECT_TRUE(together_.empty());
  EXPECT_TRUE(finished_.empty());
}

TEST_F(bot_albums, that_an_earlier_process_had_send_nothing_twice) {
  const auto asks = [](router& r) {
    r.otherwise([](context ctx, new_album) -> task<> {
      co_await ctx.reply("got it");
      co_await ctx.wait_for_message(1h);
    });
  };
  start(asks, gathering);
  hand(row(1, photo(alice_, 1, 70)));
  hand(row(2, photo(alice_, 2, 70)));
  pass(500ms);
  ASSERT_EQ(telegram_->texts(), strings{"got it"});
  ASSERT_EQ(sends_[1].size(), 1U);
  EXPECT_EQ(waits_, (std::map<std::uint64_t, bool>{{1, true}, {2, true}}));
  auto again = row(7, photo(alice_, 1, 70));
  again.sends = std::make_shared<const std::vector<made_send>>(sends_[1]);
  caf::anon_send_exit(bot_, caf::exit_reason::kill);
  settle();
  start(asks, gathering);
  hand(again);
  hand(row(8, photo(alice_, 2, 70)));
  pass(500ms);
  EXPECT_EQ(status().in_flight, 1U) << "it waits again";
  EXPECT_EQ(telegram_->texts(), strings{"got it"});
}

TEST_F(bot_albums, that_gather_at_a_stop_stay_where_they_are) {
  start(answer, gathering);
  hand(row(1, photo(alice_, 1, 70)));
  hand(row(2, photo(alice_, 2, 70)));
  caf::anon_send(bot_, stop_request{5s});
  settle();
  EXPECT_EQ(refused_, (std::map<std::uint64_t, errc>{{1, errc::cancelled}, {2, errc::cancelled}}));
  EXPECT_TRUE(telegram_->texts().empty());
}

} // namespace cafegram::test
