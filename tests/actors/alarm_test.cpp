#include <cafegram/actors/alarm.hpp>

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace cafegram {

namespace {

using namespace std::chrono_literals;

/// Takes delayed messages as CAF would, and rings them when the test's time has come.
struct alarm_fixture : testing::Test {
  alarm ticks;
  steady_time now{1h};
  std::vector<std::pair<steady_time, std::uint64_t>> queued;

  void delayed_send(alarm_fixture*, steady_time::duration after, caf::tick_atom, std::uint64_t id) {
    queued.emplace_back(now + after, id);
  }

  void set(steady_time::duration from_now) { ticks.set(this, now + from_now, now); }

  /// Lets the time pass until the next message; how long it was, and whether it rang.
  std::pair<steady_time::duration, bool> next() {
    const auto soonest = std::ranges::min_element(queued);
    const auto [at, number] = *soonest;
    queued.erase(soonest);
    const auto passed = at - now;
    now = at;
    return {passed, ticks.rings(number)};
  }
};

using passed = std::pair<steady_time::duration, bool>;

} // namespace

TEST_F(alarm_fixture, rings_at_the_sooner_of_two) {
  set(10s);
  set(4s);
  EXPECT_EQ(next(), (passed{4s, true}));
  EXPECT_EQ(next(), (passed{6s, true})) << "early or not, whoever set it looks at the clock";
}

TEST_F(alarm_fixture, a_deadline_that_moves_on_costs_one_message) {
  for (int i = 0; i < 1'000; ++i) {
    set(15min);
    now += 1ms;
  }
  EXPECT_EQ(queued.size(), 1U);
}

TEST_F(alarm_fixture, short_waits_before_a_long_one_leave_nothing) {
  set(15min);
  for (int i = 0; i < 1'000; ++i) {
    set(500ms);
    EXPECT_EQ(next(), (passed{500ms, true}));
    set(15min);
  }
  EXPECT_EQ(queued.size(), 1U);
  EXPECT_TRUE(next().second);
  set(1min);
  EXPECT_EQ(next(), (passed{1min, true})) << "after the last one it can be set again";
}

// CAF adds the wait to a clock of its own: the longest there is would be a time long past.
TEST_F(alarm_fixture, never_sends_nothing) {
  ticks.set(this, steady_time::max(), now);
  EXPECT_TRUE(queued.empty());
  set(3s);
  EXPECT_EQ(next(), (passed{3s, true}));
}

TEST_F(alarm_fixture, what_is_due_comes_at_once) {
  set(-5s);
  EXPECT_EQ(next(), (passed{0s, true}));
}

TEST_F(alarm_fixture, knows_its_own_messages) {
  set(1s);
  EXPECT_FALSE(ticks.rings(77));
  const auto number = queued.front().second;
  EXPECT_TRUE(ticks.rings(number));
  EXPECT_FALSE(ticks.rings(number)) << "each rings once";
}

} // namespace cafegram
