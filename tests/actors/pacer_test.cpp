#include <cafegram/actors/pacer.hpp>
#include <cafegram/tests/support.hpp>

#include <algorithm>
#include <map>

namespace cafegram {

namespace {

using namespace std::chrono_literals;

send_target chat(std::uint64_t name, std::uint32_t messages = 1) {
  return {name, false, messages};
}
send_target group(std::uint64_t name, std::uint32_t messages = 1) {
  return {name, true, messages};
}

/// A pacer and the time before it.
struct pacing : testing::Test {
  steady_time now{1h};
  pacing_options options{.enabled = true};
  pacer pace{options};

  void begin() { pace = pacer{options}; }
  std::vector<std::uint64_t> due() {
    std::vector<std::uint64_t> out;
    for (const auto& one : pace.due(now)) {
      EXPECT_FALSE(one.expired);
      out.push_back(one.id);
    }
    return out;
  }
};

using ids = std::vector<std::uint64_t>;

/// The most messages that `sent` has in any stretch of `within`.
std::uint32_t most_within(const std::vector<std::pair<steady_time, std::uint32_t>>& sent,
                          duration within) {
  std::uint32_t most = 0;
  std::uint32_t count = 0;
  std::size_t first = 0;
  for (const auto& [at, messages] : sent) {
    count += messages;
    while (sent[first].first + within <= at) {
      count -= sent[first++].second;
    }
    most = std::max(most, count);
  }
  return most;
}

} // namespace

TEST_F(pacing, one_message_a_second_in_a_chat_in_their_order) {
  EXPECT_EQ(pace.arrive(1, chat(7), now), pacing_verdict::go);
  EXPECT_EQ(pace.arrive(2, chat(7), now), pacing_verdict::queued);
  EXPECT_EQ(pace.arrive(3, chat(7), now), pacing_verdict::queued);
  EXPECT_EQ(pace.arrive(4, chat(8), now), pacing_verdict::go) << "another chat does not wait";
  EXPECT_EQ(pace.next_deadline(now), now + 1s);
  now += 1s - 1ns;
  EXPECT_EQ(due(), ids{});
  now += 1ns;
  EXPECT_EQ(due(), ids{2});
  now += 1s;
  EXPECT_EQ(due(), ids{3});
  EXPECT_EQ(pace.waiting(), 0U);
}

TEST_F(pacing, twenty_messages_a_minute_in_a_group) {
  const auto begin = now;
  std::uint64_t id = 1;
  for (; id <= 20; ++id) {
    EXPECT_EQ(pace.arrive(id, group(7), now), pacing_verdict::go);
    now += 1s;
  }
  EXPECT_EQ(pace.arrive(id, group(7), now), pacing_verdict::queued);
  EXPECT_EQ(pace.next_deadline(now), begin + 60s);
  for (; id <= 41; ++id) {
    EXPECT_EQ(pace.arrive(id, chat(8), now), pacing_verdict::go) << "no group";
    now += 1s;
  }
}

TEST_F(pacing, thirty_messages_a_second_over_all_chats) {
  for (std::uint64_t id = 1; id <= 30; ++id) {
    EXPECT_EQ(pace.arrive(id, chat(id), now), pacing_verdict::go);
  }
  EXPECT_EQ(pace.arrive(31, chat(31), now), pacing_verdict::queued);
  now += 1s;
  EXPECT_EQ(due(), ids{31});
}

TEST_F(pacing, an_album_counts_as_its_items_and_is_not_starved) {
  for (std::uint64_t id = 1; id <= 25; ++id) {
    pace.arrive(id, chat(id), now);
  }
  EXPECT_EQ(pace.arrive(50, chat(50, 10), now), pacing_verdict::queued);
  EXPECT_EQ(pace.arrive(51, chat(51), now), pacing_verdict::queued) << "though there is room";
  now += 1s;
  EXPECT_EQ(due(), (ids{50, 51}));
  EXPECT_EQ(pace.arrive(60, chat(60, 1000), now + 1s), pacing_verdict::go)
      << "more than the rate has counts as all of it";
}

TEST_F(pacing, a_busy_chat_does_not_hold_the_others_up) {
  options.all = {1, 100ms};
  options.chat = {};
  begin();
  std::uint64_t id = 1;
  for (; id <= 50; ++id) {
    pace.arrive(id, chat(1), now);
  }
  pace.arrive(id, chat(2), now);
  const auto begin = now;
  ids out;
  while (std::ranges::find(out, id) == out.end()) {
    now = pace.next_deadline(now);
    std::ranges::copy(due(), std::back_inserter(out));
    ASSERT_LT(now, begin + 10s);
  }
  EXPECT_LE(out.size(), 2U) << "chats take turns";
}

TEST_F(pacing, waits_have_bounds) {
  options.most_waiting = 5;
  options.most_waiting_per_chat = 3;
  begin();
  pace.arrive(1, chat(1), now);
  pace.arrive(2, chat(2), now);
  for (const std::uint64_t id : {11U, 12U, 13U}) {
    EXPECT_EQ(pace.arrive(id, chat(1), now), pacing_verdict::queued);
  }
  EXPECT_EQ(pace.arrive(14, chat(1), now), pacing_verdict::refused);
  EXPECT_EQ(pace.arrive(21, chat(2), now), pacing_verdict::queued);
  EXPECT_EQ(pace.arrive(22, chat(2), now), pacing_verdict::queued);
  EXPECT_EQ(pace.arrive(23, chat(2), now), pacing_verdict::refused);
  EXPECT_EQ(pace.waiting(), 5U);
}

TEST_F(pacing, who_has_no_turn_for_too_long_is_given_up) {
  options.chat = {1, 10s};
  options.longest_wait = 15s;
  begin();
  for (const std::uint64_t id : {1U, 2U, 3U}) {
    pace.arrive(id, chat(1), now);
  }
  now += 10s;
  EXPECT_EQ(due(), ids{2});
  EXPECT_EQ(pace.next_deadline(now), now + 5s);
  now += 5s;
  const auto out = pace.due(now);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].id, 3U);
  EXPECT_TRUE(out[0].expired);
  EXPECT_EQ(pace.next_deadline(now), steady_time::max());
}

TEST_F(pacing, a_send_that_is_given_up_leaves_its_turn_to_the_next) {
  for (const std::uint64_t id : {1U, 2U, 3U, 4U}) {
    pace.arrive(id, chat(1), now);
  }
  pace.forget(3);
  pace.forget(2);
  pace.forget(99);
  now += 1s;
  EXPECT_EQ(due(), ids{4});
  EXPECT_EQ(pace.waiting(), 0U);
}

TEST_F(pacing, chats_that_are_quiet_again_are_forgotten) {
  options.all = {};
  begin();
  for (std::uint64_t name = 0; name < 20'000; ++name) {
    pace.arrive(name, chat(name), now);
    now += 10ms;
  }
  EXPECT_LE(pace.chats(), 2'100U) << "a second's worth is a hundred; swept when they are many";
}

TEST_F(pacing, no_stretch_of_time_has_more_than_its_rate) {
  const auto seed = test::seed();
  SCOPED_TRACE(seed);
  seeded_random random{seed};
  options.most_waiting = 100;
  begin();
  std::map<std::uint64_t, send_target> targets;
  std::vector<std::pair<steady_time, std::uint32_t>> all;
  std::map<std::uint64_t, std::vector<std::pair<steady_time, std::uint32_t>>> by_chat;
  std::map<std::uint64_t, std::vector<std::pair<steady_time, std::uint32_t>>> sends;
  std::map<std::uint64_t, std::uint64_t> newest;
  const auto sent = [&](std::uint64_t id) {
    const auto& to = targets.at(id);
    all.emplace_back(now, std::min(to.messages, 30U));
    by_chat[to.chat].emplace_back(now, to.messages);
    sends[to.chat].emplace_back(now, 1);
    EXPECT_LT(newest[to.chat], id) << "in order";
    newest[to.chat] = id;
  };
  std::uint64_t id = 1;
  for (int step = 0; step < 20'000; ++step) {
    now += std::chrono::milliseconds{random.next() % 60};
    for (const auto& one : pace.due(now)) {
      if (!one.expired) {
        sent(one.id);
      }
    }
    const auto name = random.next() % 40;
    const send_target to{name, name % 2 == 0, static_cast<std::uint32_t>(1 + random.next() % 3)};
    targets[id] = to;
    if (pace.arrive(id, to, now) == pacing_verdict::go) {
      sent(id);
    }
    ++id;
  }
  EXPECT_GT(all.size(), 2'000U);
  EXPECT_LE(most_within(all, 1s), 30U);
  for (const auto& [name, times] : by_chat) {
    EXPECT_LE(most_within(sends.at(name), 1s), 1U);
    EXPECT_LE(most_within(times, 60s), name % 2 == 0 ? 20U : 180U);
  }
}

} // namespace cafegram
