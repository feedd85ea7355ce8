#include <cafegram/bots/conversation.hpp>

#include <gtest/gtest.h>

#include "inbox_kit.hpp"

// Bounds of what is stored with updates, and of what waits for the disk.
namespace cafegram::test {

namespace {

using strings = std::vector<std::string>;
using several = std::vector<numbers>;

class bot_value_bounds : public bot_inbox {};

} // namespace

TEST_F(bot_value_bounds, of_one_chat_are_not_loaded_without_bound) {
  std::vector<errc> codes;
  hold_loads_ = true;
  start([&codes](router& r) {
    r.otherwise([&codes](context ctx) {
      for (std::size_t n = 0; n <= conversation::max_loads; ++n) {
        ctx.load("a").then([](const std::optional<std::string>&) {},
                           [&codes](const error& why) { codes.push_back(why.code); });
      }
    });
  });
  hand_together({row(1, alice_.says(1, "x"))});
  EXPECT_EQ(codes, std::vector{errc::limit});
  EXPECT_EQ(loaded_.size(), conversation::max_loads);
}

TEST_F(bot_value_bounds, over_what_the_store_can_take_chats_wait) {
  hold_ends_ = true;
  start([](router& r) {
    r.otherwise([](context ctx) {
      for (int n = 0; n < 64; ++n) {
        ctx.store(std::to_string(n), std::string(std::size_t{64} << 10, 'x'));
      }
      ctx.reply(std::string{ctx.text()});
    });
  });
  for (std::int32_t n = 1; n <= 6; ++n) {
    hand_together({row(static_cast<std::uint64_t>(n), alice_.says(n, std::to_string(n)))});
  }
  EXPECT_EQ(telegram_->texts(), (strings{"1", "2", "3", "4"})) << "16 MiB";
  hold_ends_ = false;
  while (!held_ends_.empty()) {
    answer_end(true);
  }
  EXPECT_EQ(telegram_->texts(), (strings{"1", "2", "3", "4", "5", "6"}));
}

TEST_F(bot_value_bounds, that_wait_for_another_hub_count_too) {
  start([](router& r) {
    r.otherwise([](context ctx) -> task<> {
      for (int n = 0; n < 64; ++n) {
        ctx.store(std::to_string(n), std::string(std::size_t{64} << 10, 'x'));
      }
      co_await ctx.reply(std::string{ctx.text()});
    });
  });
  telegram_->hold = true;
  std::vector<update_event> rows;
  for (std::int32_t n = 1; n <= 6; ++n) {
    rows.push_back(row(static_cast<std::uint64_t>(n), alice_.says(n, std::to_string(n))));
  }
  hand_together(rows);
  another_hub();
  telegram_->hold = false;
  telegram_->answer_next();
  settle();
  EXPECT_EQ(telegram_->texts(), (strings{"1", "2", "3", "4"})) << "16 MiB";
  EXPECT_TRUE(ends_with_values_.empty());
  hand_together({row(7, alice_.says(7, "7"))});
  EXPECT_EQ(telegram_->texts(), (strings{"1", "2", "3", "4", "5", "6", "7"}));
  EXPECT_EQ(ends_with_values_, (several{{1}, {2}, {3}, {4}, {5}, {6}, {7}}));
}

TEST_F(bot_value_bounds, a_chat_goes_on_behind_the_store_though_another_one_finds_no_conversation) {
  hold_ends_ = true;
  start(
      [](router& r) {
        r.otherwise([](context ctx) {
          for (int n = 0; n < 64; ++n) {
            ctx.store(std::to_string(n), std::string(std::size_t{64} << 10, 'x'));
          }
          ctx.reply(std::string{ctx.text()});
        });
      },
      {.conversations = 1});
  for (std::int32_t n = 1; n <= 3; ++n) {
    hand_together({row(static_cast<std::uint64_t>(n), alice_.says(n, std::to_string(n)))});
  }
  telegram_->hold = true;
  hand_together({row(4, alice_.says(4, "4"))});
  hand_together({row(5, bob_.says(1, "b"))}); // waits for the conversation that is busy
  hand_together({row(6, alice_.says(5, "5"))});
  telegram_->hold = false;
  telegram_->answer_next();
  settle();
  EXPECT_EQ(telegram_->texts(), (strings{"1", "2", "3", "4"})) << "16 MiB";
  hold_ends_ = false;
  while (!held_ends_.empty()) {
    answer_end(true);
  }
  EXPECT_EQ(telegram_->texts(), (strings{"1", "2", "3", "4", "5", "b"}));
}

TEST_F(bot_value_bounds, have_bounds) {
  std::vector<errc> codes;
  start([&codes](router& r) {
    r.otherwise([&codes](context ctx) {
      const auto note = [&codes](const pending<void>& outcome) {
        outcome.then([&codes] { codes.push_back(errc::none); },
                     [&codes](const error& why) { codes.push_back(why.code); });
      };
      note(ctx.store(std::string(128, 'k'), std::string(std::size_t{64} << 10, 'x')));
      note(ctx.store(std::string(129, 'k'), "x"));
      note(ctx.store("", "x"));
      note(ctx.store("a", std::string((std::size_t{64} << 10) + 1, 'x')));
      ctx.load("").then([](const auto&) { ADD_FAILURE(); },
                        [&codes](const error& why) { codes.push_back(why.code); });
      for (int n = 0; n < 63; ++n) {
        ctx.store(std::to_string(n), "x");
      }
      note(ctx.store("one more", "x"));
      note(ctx.store("0", "again"));
    });
  });
  hand_together({row(1, alice_.says(1, "x"))});
  EXPECT_EQ(codes, (std::vector<errc>{errc::none, errc::bad_argument, errc::bad_argument,
                                      errc::bad_argument, errc::bad_argument, errc::bad_argument,
                                      errc::none}));
  EXPECT_EQ(values_.size(), 64U);
  EXPECT_EQ(value(alice_, "0"), "again");
}

} // namespace cafegram::test
