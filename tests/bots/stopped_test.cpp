#include <cafegram/storage/open.hpp>
#include <cafegram/tests/memory_in_use.hpp>
#include <cafegram/tests/temporary_folder.hpp>

#include <fmt/format.h>

#include <map>
#include <numeric>
#include <sstream>

#include "whole_house.hpp"

// Handlers that do not return, while people go on writing. The time is virtual, all else is real.
namespace cafegram::test {

namespace {

using namespace std::chrono_literals;

/// What came to the handlers: of each chat which of its messages, in their order.
struct handled_log {
  int prompt_from = 1'000; ///< handlers of these chats ask nothing

  std::map<int, std::vector<int>> begun;
  std::map<int, std::vector<int>> ended;
  std::size_t clicks = 0;
  std::size_t losses = 0;
};

/// `3 17` is the 17th message in chat 3.
std::pair<int, int> place_of_text(std::string_view text) {
  std::istringstream in{std::string{text}};
  std::pair<int, int> out;
  in >> out.first >> out.second;
  return out;
}

/// Handlers ask something before they end.
void asking_bot_of(router& r, const std::shared_ptr<handled_log>& log) {
  r.on(text("button"), [](context ctx) -> task<> {
    co_await ctx.reply(outgoing{"press"}.markup(inline_keyboard{}.row(callback_button("x", "x"))));
  });
  r.on(has_text(), [log](context ctx) -> task<> {
    const auto [chat, number] = place_of_text(ctx.text());
    log->begun[chat].push_back(number);
    if (chat < log->prompt_from) {
      co_await ctx.invoke(tl::help::getConfig{});
    }
    log->ended[chat].push_back(number);
  });
  r.on(kind<callback_query>(), [log](context ctx) -> task<> {
    co_await ctx.invoke(tl::help::getConfig{});
    ++log->clicks;
  });
  r.on(kind<updates_lost>(), [log](context) { ++log->losses; });
  r.otherwise([](context) {});
}

/// With bounds that are a tenth of the usual ones.
class stopped_handlers : public testing::TestWithParam<const char*> {
protected:
  static constexpr inbox_bounds bounds{.rows = 2'000,
                                       .rows_per_channel = 200,
                                       .rows_per_chat = 50,
                                       .stored_rows = 2'500,
                                       .passing = 64};
  /// What one difference brings, and those of so many channels that are asked for at once.
  static constexpr std::size_t slice = 100;
  static constexpr std::size_t asked_at_once = 11;
  static constexpr std::int32_t chats = 16;

  stopped_handlers() {
    const std::string kind = GetParam();
    auto place = kind == "memory" ? kind : kind + ":" + folder_.file("bot");
    house_.emplace(storage::open_session(place).value(), bounds);
    house_->start_bot([this](router& r) { asking_bot_of(r, log_); });
    chats_ = house_->make_chats(chats);
    write_everywhere();
    EXPECT_EQ(log_->ended.size(), std::size_t{chats}) << "all are known, and their handlers run";
  }

  void write_to(std::size_t chat) {
    house_->write(chats_[chat], fmt::format("{} {}", chat, ++written_[chat]));
  }
  void write_everywhere() {
    for (std::size_t chat = 0; chat < chats_.size(); ++chat) {
      write_to(chat);
    }
  }
  /// Two messages a second in each chat, and a call now and then.
  void load(std::chrono::minutes time) {
    for (auto left = std::chrono::milliseconds{time}; left > 0ms; left -= 500ms) {
      write_everywhere();
      house_->pass(500ms, 500ms);
      if (left % 30s == 0ms) {
        expect_answers();
        expect_bounds();
      }
    }
  }
  /// Once all is full. An update that stays takes 2,000 octets or more: a queue that nobody counts
  /// would show.
  void load_without_growth(std::chrono::minutes time) {
    constexpr std::size_t most_of_each = 128;
    const auto from = written_.front();
    const auto before = memory_in_use();
    load(time);
    const auto grown = memory_in_use() - before;
    const auto messages = static_cast<std::size_t>(written_.front() - from) * chats_.size();
    EXPECT_LT(grown, kept_by_sandbox(from, written_.front()) + messages * most_of_each)
        << "for " << messages << " messages";
  }
  /// What the sandbox keeps in this same process of the messages between these numbers: it forgets
  /// none. Measured where there is no bot, over the same numbers, for its tables grow by leaps.
  static std::size_t kept_by_sandbox(int from, int to) {
    whole_house house{storage::open_session("memory").value()};
    house.log_in();
    const auto where = house.make_chats(chats);
    std::size_t before = 0;
    for (int number = 1; number <= to; ++number) {
      for (std::size_t chat = 0; chat < where.size(); ++chat) {
        house.write(where[chat], fmt::format("{} {}", chat, number));
      }
      before = number == from ? memory_in_use() : before;
    }
    return memory_in_use() - before;
  }
  void expect_answers() {
    EXPECT_TRUE(house_->call(tl::help::getConfig{}));
    tl::users::getUsers self;
    self.id.emplace_back(tl::inputUserSelf{});
    const auto users = house_->call(self);
    ASSERT_TRUE(users);
    EXPECT_EQ(users->size(), 1U);
  }
  void expect_bounds() {
    const auto now = house_->of_client().inbox;
    EXPECT_LE(now.rows, bounds.rows + asked_at_once * slice);
    EXPECT_LE(now.stored_rows, bounds.stored_rows + slice);
    EXPECT_LE(now.passing, bounds.passing);
    const auto held = house_->of_bot();
    EXPECT_EQ(held.queued + held.in_flight, now.rows + now.passing);
    const auto rows = house_->inbox();
    EXPECT_EQ(rows.size(), now.rows + now.stored_rows);
    std::map<std::string, std::size_t> by_channel;
    for (const auto& one : rows) {
      by_channel[one.chat] += one.chat.starts_with('c') ? 1 : 0;
    }
    for (const auto& [channel, count] : by_channel) {
      EXPECT_LE(count, bounds.rows_per_channel + slice) << channel;
    }
  }
  /// Nobody says anything, and yet each minute something goes both ways.
  void expect_pings(std::chrono::minutes time) {
    for (; time > 0min; time -= 1min) {
      const auto sent = house_->octets_sent();
      const auto received = house_->octets_received();
      house_->pass(60s, 1s);
      EXPECT_GT(house_->octets_sent(), sent);
      EXPECT_GT(house_->octets_received(), received);
    }
  }
  /// Somebody gets a button from the bot.
  sandbox::page_click send_button() {
    sandbox::page_click out;
    const auto person = house_->in_world<sandbox::page_user>(
        [](sandbox::world& in, wall_time now) { return in.create_person("Ann", "", now); });
    out.as = person->id;
    out.chat = whole_house::who;
    out.data = to_bytes(as_bytes(std::string_view{"x"}));
    house_->write({out.chat, out.as}, "button");
    static_cast<void>(house_->in_world<void>([&out](sandbox::world& in, wall_time) {
      out.message = in.messages(out.as, out.chat, 0, 1)->back().id;
      return sandbox::paged<void>{};
    }));
    return out;
  }
  void press(const sandbox::page_click& click) {
    const auto pressed = house_->in_world<std::uint64_t>(
        [click](sandbox::world& in, wall_time now) { return in.click(click, now); });
    ASSERT_TRUE(pressed) << to_string(pressed.error());
  }
  bool all_handled() const {
    return std::ranges::all_of(log_->ended, [this](const auto& one) {
      return one.second.size() >= static_cast<std::size_t>(written_.at(one.first));
    });
  }
  void expect_each_once() {
    for (int chat = 0; chat < chats; ++chat) {
      std::vector<int> all(static_cast<std::size_t>(written_.at(chat)));
      std::iota(all.begin(), all.end(), 1);
      EXPECT_EQ(log_->begun[chat], all) << "chat " << chat;
      EXPECT_EQ(log_->ended[chat], all) << "chat " << chat;
    }
    EXPECT_EQ(log_->losses, 0U);
    EXPECT_TRUE(house_->inbox().empty());
    EXPECT_TRUE(house_->dead().empty());
    const auto left = house_->of_client();
    EXPECT_EQ(left.inbox.rows, 0U);
    EXPECT_EQ(left.inbox.octets, 0U);
    EXPECT_EQ(left.inbox.stored_rows, 0U);
    EXPECT_EQ(left.inbox.stored_octets, 0U);
    EXPECT_FALSE(left.inbox.full);
  }

  temporary_folder folder_;
  std::shared_ptr<handled_log> log_ = std::make_shared<handled_log>();
  std::optional<whole_house> house_;
  std::vector<sandbox::page_load_chat> chats_;
  std::vector<int> written_ = std::vector<int>(chats); ///< by chat
};

} // namespace

TEST_P(stopped_handlers, for_ten_minutes_under_load_lose_nothing_and_hold_up_no_call) {
  constexpr std::size_t clicks = 200;
  const auto button = send_button();
  house_->gate->shut = true;
  load(4min);
  EXPECT_TRUE(house_->of_client().inbox.full) << "the load is more than the inbox takes";
  expect_pings(1min);
  load_without_growth(4min);
  for (std::size_t n = 0; n < clicks; ++n) {
    press(button);
  }
  load(1min);
  EXPECT_EQ(house_->of_client().inbox.dropped, clicks - bounds.passing);
  EXPECT_EQ(house_->connections(), 1U) << "nobody took the other side for dead";
  EXPECT_EQ(house_->of_client().reconnects, 0U);
  for (const auto& [chat, numbers] : log_->ended) {
    EXPECT_EQ(numbers.size(), 1U) << "handlers of chat " << chat << " were to stand still";
  }
  house_->open_gate();
  for (int n = 0; n < 600 && !all_handled(); ++n) {
    house_->pass(1s, 1s);
  }
  expect_each_once();
  EXPECT_EQ(log_->clicks, bounds.passing);
  EXPECT_EQ(house_->connections(), 1U);
}

TEST_P(stopped_handlers, of_one_chat_hold_up_no_other) {
  log_->prompt_from = 1;
  house_->gate->shut = true;
  for (std::size_t n = 0; n < 100; ++n) {
    for (std::size_t more = 0; more < 21; ++more) {
      write_to(0);
    }
    write_everywhere();
  }
  EXPECT_GT(house_->of_client().inbox.stored_rows, bounds.rows) << "more than all may have";
  EXPECT_EQ(log_->ended[0].size(), 1U);
  for (int chat = 1; chat < chats; ++chat) {
    EXPECT_EQ(log_->ended[chat].size(), 101U) << "chat " << chat;
  }
  expect_bounds();
  house_->open_gate();
  house_->pass(1s, 1s);
  expect_each_once();
}

INSTANTIATE_TEST_SUITE_P(, stopped_handlers, testing::Values("memory", "sqlite", "file"),
                         [](const auto& one) { return std::string{one.param}; });

} // namespace cafegram::test
