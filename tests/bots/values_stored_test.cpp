#include <cafegram/storage/chat_values.hpp>
#include <cafegram/storage/open.hpp>
#include <cafegram/tests/temporary_folder.hpp>

#include <map>
#include <stdexcept>

#include "whole_house.hpp"

// Values of chats from the handler to each kind of store. The time is virtual, all else is real.
namespace cafegram::test {

namespace {

using namespace std::chrono_literals;

class stored_values : public testing::TestWithParam<const char*> {
protected:
  static constexpr std::int32_t chats = 4;

  stored_values() {
    const std::string kind = GetParam();
    auto place = kind == "memory" ? kind : kind + ":" + folder_.file("bot");
    backend_ = storage::open_session(place).value();
    house_.emplace(backend_);
    house_->start_bot([this](router& r) {
      r.on(has_text(), [this](context ctx) -> task<> {
        const auto before = co_await ctx.load("count");
        const int now = before ? std::stoi(before->value_or("0")) + 1 : -1;
        seen_[ctx.chat().marked_id()].push_back(now);
        ctx.store("count", std::to_string(now));
        if (ctx.text() == "poison" && throws_-- > 0) {
          throw std::runtime_error{"it is poison"};
        }
        co_await ctx.invoke(tl::help::getConfig{});
      });
      r.otherwise([](context) {});
    });
    chats_ = house_->make_chats(chats);
  }

  /// By chat, as the store has them.
  std::vector<std::string> counts() {
    std::vector<std::string> out;
    for (const auto& [chat, seen] : seen_) {
      const auto key = storage::chat_value_key(whole_house::who, chat, "count");
      const auto found = backend_->rows()->get(storage::table::value, key).value();
      out.push_back(found ? std::string{as_text(*found)} : "none");
    }
    return out;
  }
  void write_everywhere(const std::string& what) {
    for (const auto& chat : chats_) {
      house_->write(chat, what);
    }
  }

  temporary_folder folder_;
  std::shared_ptr<storage::session_backend> backend_;
  std::map<std::int64_t, std::vector<int>> seen_; ///< what handlers have counted, by chat
  int throws_ = 0;
  std::vector<sandbox::page_load_chat> chats_;
  std::optional<whole_house> house_;
};

} // namespace

TEST_P(stored_values, of_each_chat_are_there_when_its_update_is_gone) {
  house_->gate->shut = true;
  write_everywhere("a");
  ASSERT_EQ(seen_.size(), std::size_t{chats});
  EXPECT_EQ(house_->inbox().size(), std::size_t{chats});
  EXPECT_EQ(counts(), std::vector<std::string>(chats, "none")) << "no handler has ended";
  house_->open_gate();
  house_->pass(1s, 1s);
  EXPECT_TRUE(house_->inbox().empty());
  EXPECT_EQ(counts(), std::vector<std::string>(chats, "1"));
  write_everywhere("b");
  write_everywhere("c");
  house_->pass(1s, 1s);
  EXPECT_EQ(counts(), std::vector<std::string>(chats, "3"));
  for (const auto& [chat, seen] : seen_) {
    EXPECT_EQ(seen, (std::vector{1, 2, 3})) << chat;
  }
}

TEST_P(stored_values, a_handler_that_fails_begins_with_the_old_one_again) {
  throws_ = 2;
  house_->write(chats_[0], "poison");
  house_->pass(10s, 1s);
  ASSERT_EQ(seen_.size(), 1U);
  EXPECT_EQ(seen_.begin()->second, (std::vector{1, 1, 1}));
  EXPECT_EQ(counts(), std::vector<std::string>{"1"});
  EXPECT_TRUE(house_->dead().empty());
}

INSTANTIATE_TEST_SUITE_P(, stored_values, testing::Values("memory", "sqlite", "file"),
                         [](const auto& one) { return std::string{one.param}; });

} // namespace cafegram::test
