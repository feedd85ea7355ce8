#include <cafegram/protocol/update_box.hpp>

#include <algorithm>

#include "kit.hpp"

namespace cafegram::protocol {
namespace {

using namespace std::chrono_literals;

constexpr steady_time start{1h};

std::vector<update_token> tokens(std::initializer_list<std::uint64_t> values) {
  std::vector<update_token> out;
  for (const auto value : values) {
    out.push_back(update_token{value});
  }
  return out;
}

TEST(update_box, applies_what_follows) {
  update_box box{100};
  EXPECT_EQ(box.offer(update_token{1}, 101, 1, start).apply, tokens({1}));
  EXPECT_EQ(box.offer(update_token{2}, 104, 3, start).apply, tokens({2}));
  EXPECT_EQ(box.value(), 104);
}

TEST(update_box, drops_what_was_applied) {
  update_box box{100};
  EXPECT_EQ(box.offer(update_token{1}, 100, 1, start).drop, tokens({1}));
  EXPECT_EQ(box.offer(update_token{2}, 50, 0, start).drop, tokens({2}));
  EXPECT_EQ(box.offer(update_token{3}, -7, 1, start).drop, tokens({3}));
  EXPECT_EQ(box.offer(update_token{4}, 101, -1, start).drop, tokens({4}));
  EXPECT_EQ(box.value(), 100);
}

TEST(update_box, an_update_without_steps_holds_at_its_value) {
  update_box box{100};
  EXPECT_EQ(box.offer(update_token{1}, 100, 0, start).apply, tokens({1}));
  EXPECT_TRUE(box.offer(update_token{2}, 101, 0, start).apply.empty());
  EXPECT_EQ(box.offer(update_token{3}, 101, 1, start).apply, tokens({3, 2}));
}

TEST(update_box, waits_for_what_is_missing_and_keeps_the_order) {
  update_box box{100};
  EXPECT_TRUE(box.offer(update_token{3}, 103, 1, start).apply.empty());
  EXPECT_TRUE(box.offer(update_token{2}, 102, 1, start).apply.empty());
  EXPECT_EQ(box.waiting(), 2U);
  EXPECT_EQ(box.offer(update_token{1}, 101, 1, start).apply, tokens({1, 2, 3}));
  EXPECT_EQ(box.value(), 103);
  EXPECT_EQ(box.next_deadline(), steady_time::max());
}

TEST(update_box, falls_behind_when_a_gap_stays) {
  update_box box{100};
  box.offer(update_token{3}, 103, 1, start);
  EXPECT_EQ(box.next_deadline(), start + 500ms);
  box.poll(start + 499ms);
  EXPECT_FALSE(box.behind());
  box.poll(start + 500ms);
  EXPECT_TRUE(box.behind());
  box.begin_difference();
  EXPECT_FALSE(box.behind());
  box.offer(update_token{4}, 104, 1, start + 1s);
  const auto after = box.restart(102, start + 2s);
  EXPECT_EQ(after.apply, tokens({3, 4}));
  EXPECT_EQ(box.value(), 104);
}

TEST(update_box, drops_what_the_difference_brought) {
  update_box box;
  EXPECT_TRUE(box.behind());
  box.offer(update_token{1}, 7, 1, start);
  box.offer(update_token{2}, 9, 1, start);
  box.begin_difference();
  const auto after = box.restart(8, start);
  EXPECT_EQ(after.drop, tokens({1}));
  EXPECT_EQ(after.apply, tokens({2}));
}

TEST(update_box, is_behind_again_when_too_much_came_to_wait) {
  update_box box{0};
  for (std::uint64_t i = 0; i < update_box::max_waiting; ++i) {
    box.offer(update_token{i}, static_cast<std::int32_t>(10 + i), 1, start);
  }
  EXPECT_FALSE(box.behind());
  EXPECT_EQ(box.offer(update_token{9999}, 5000, 1, start).drop, tokens({9999}));
  EXPECT_TRUE(box.behind());
  box.begin_difference();
  EXPECT_EQ(box.offer(update_token{9998}, 5001, 1, start).drop, tokens({9998}));
  box.restart(5000, start);
  EXPECT_TRUE(box.behind());
  box.begin_difference();
  box.restart(5001, start);
  EXPECT_FALSE(box.behind());
  EXPECT_EQ(box.waiting(), 0U);
}

/// Any order, any repetition: each update at most once, and in order.
TEST(update_box, applies_a_shuffled_stream_once_and_in_order) {
  seeded_random random{test::seed()};
  for (int round = 0; round < 200; ++round) {
    update_box box{0};
    std::vector<std::pair<std::int32_t, std::int32_t>> stream;
    std::int32_t value = 0;
    for (int i = 0; i < 50; ++i) {
      const auto count = static_cast<std::int32_t>(1 + random.next() % 3);
      value += count;
      stream.emplace_back(value, count);
    }
    const auto sent = stream;
    stream.insert(stream.end(), sent.begin(), sent.begin() + 10);
    for (std::size_t i = stream.size(); i > 1; --i) {
      std::swap(stream[i - 1], stream[random.next() % i]);
    }
    std::vector<update_token> applied;
    for (const auto& [at, count] : stream) {
      const auto out = box.offer(update_token{static_cast<std::uint64_t>(at)}, at, count, start);
      applied.insert(applied.end(), out.apply.begin(), out.apply.end());
    }
    ASSERT_EQ(applied.size(), sent.size());
    ASSERT_TRUE(std::ranges::is_sorted(applied));
    ASSERT_EQ(box.value(), value);
  }
}

} // namespace
} // namespace cafegram::protocol
