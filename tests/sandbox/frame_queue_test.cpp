#include <cafegram/sandbox/frame_queue.hpp>
#include <cafegram/tests/support.hpp>

#include <gtest/gtest.h>

#include <array>

namespace cafegram::sandbox {
namespace {

using namespace std::chrono_literals;

constexpr auto all_the_time = fault_rate{1, 100};

/// One direction of a line, on a clock that stands.
class frame_queue_test : public ::testing::Test {
protected:
  void plan_only(fault_kind kind, std::uint64_t number, std::uint32_t value = 1) {
    plan_.exact.push_back({kind, {0, fault_way::out, number}, value});
  }
  std::optional<fault> put(std::uint8_t name) {
    return queue_.put(plan_, bytes(48, name), false, clock_.wall_now());
  }
  /// The first octets of all that comes out now.
  std::vector<int> all() {
    std::vector<int> out;
    while (auto frame = queue_.take(clock_.wall_now())) {
      out.push_back(frame->payload.front());
      last_ = *std::move(frame);
    }
    return out;
  }

  manual_clock clock_;
  fault_plan plan_;
  frame_queue queue_{7, fault_way::out};
  queued_frame last_;
};

using names = std::vector<int>;

TEST_F(frame_queue_test, without_a_plan_frames_pass_as_they_are) {
  EXPECT_FALSE(put(1));
  EXPECT_FALSE(put(2));
  EXPECT_EQ(queue_.octets(), 96U);
  EXPECT_EQ(all(), (names{1, 2}));
  EXPECT_EQ(last_.payload, bytes(48, 2));
  EXPECT_EQ(last_.number, 2U);
  EXPECT_EQ(queue_.octets(), 0U);
  EXPECT_EQ(queue_.next_deadline(), wall_time::max());
}

TEST_F(frame_queue_test, drops) {
  plan_only(fault_kind::drop, 2);
  put(1);
  EXPECT_EQ(put(2)->kind, fault_kind::drop);
  EXPECT_EQ(queue_.place(), (fault_place{7, fault_way::out, 2}));
  put(3);
  EXPECT_EQ(all(), (names{1, 3}));
}

TEST_F(frame_queue_test, duplicates) {
  plan_only(fault_kind::duplicate, 1);
  EXPECT_TRUE(put(1));
  put(2);
  EXPECT_EQ(all(), (names{1, 1, 2}));
  EXPECT_EQ(queue_.octets(), 0U);
}

TEST_F(frame_queue_test, delays_a_frame_and_all_behind_it) {
  plan_only(fault_kind::delay, 2, 80);
  put(1);
  EXPECT_EQ(all(), names{1});
  EXPECT_TRUE(put(2));
  put(3);
  EXPECT_EQ(all(), names{});
  EXPECT_EQ(queue_.next_deadline(), clock_.wall_now() + 80ms);
  clock_.advance(79ms);
  EXPECT_EQ(all(), names{});
  clock_.advance(1ms);
  EXPECT_EQ(all(), (names{2, 3}));
}

TEST_F(frame_queue_test, puts_a_frame_behind_the_next_one) {
  plan_only(fault_kind::reorder, 1, 50);
  EXPECT_TRUE(put(1));
  EXPECT_EQ(all(), names{});
  put(2);
  put(3);
  EXPECT_EQ(all(), (names{2, 1, 3}));
}

TEST_F(frame_queue_test, a_frame_that_waits_for_a_next_one_does_not_wait_for_ever) {
  plan_only(fault_kind::reorder, 1, 50);
  put(1);
  EXPECT_EQ(queue_.next_deadline(), clock_.wall_now() + 50ms);
  clock_.advance(50ms);
  EXPECT_EQ(all(), names{1});
}

TEST_F(frame_queue_test, one_bit_of_a_corrupt_frame_is_wrong) {
  plan_only(fault_kind::corrupt, 1, 8 * 48 + 19);
  put(0);
  all();
  bytes wanted(48, 0);
  wanted[2] = 1U << 3;
  EXPECT_EQ(last_.payload, wanted);
}

// A frame of four octets would be an error word of the transport.
TEST_F(frame_queue_test, a_truncated_frame_keeps_two_words_and_loses_one) {
  for (const std::uint32_t value : {0U, 1U, 9U, 10U, 4'000'000'000U}) {
    plan_.exact.clear();
    plan_only(fault_kind::truncate, queue_.place().number + 1, value);
    EXPECT_TRUE(put(1));
    all();
    EXPECT_GE(last_.payload.size(), 8U);
    EXPECT_LE(last_.payload.size(), 44U);
    EXPECT_EQ(last_.payload.size() % 4, 0U);
    EXPECT_EQ(queue_.octets(), 0U);
  }
}

TEST_F(frame_queue_test, what_concerns_the_connection_comes_out_with_its_frame) {
  plan_only(fault_kind::half_open, 1, 77);
  EXPECT_FALSE(put(1)) << "not yet";
  put(2);
  const auto frame = queue_.take(clock_.wall_now());
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->what, (fault{fault_kind::half_open, 77}));
  EXPECT_EQ(frame->number, 1U);
  EXPECT_FALSE(queue_.take(clock_.wall_now())->what);
}

// Whatever happens: nothing stays, and what is neither dropped nor doubled comes out once.
TEST_F(frame_queue_test, nothing_is_held_for_ever) {
  plan_.seed = test::seed();
  for (const auto kind :
       {fault_kind::drop, fault_kind::delay, fault_kind::duplicate, fault_kind::reorder}) {
    plan_.rate(kind) = {4, all_the_time.bound};
  }
  std::array<int, 200> expected{};
  std::array<int, 200> seen{};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto what = put(static_cast<std::uint8_t>(i));
    expected[i] = !what                                 ? 1
                  : what->kind == fault_kind::drop      ? 0
                  : what->kind == fault_kind::duplicate ? 2
                                                        : 1;
    clock_.advance(3ms);
    for (const int name : all()) {
      ++seen[static_cast<std::size_t>(name)];
    }
  }
  clock_.advance(100ms);
  for (const int name : all()) {
    ++seen[static_cast<std::size_t>(name)];
  }
  EXPECT_EQ(seen, expected);
  EXPECT_EQ(queue_.octets(), 0U);
  EXPECT_EQ(queue_.next_deadline(), wall_time::max());
}

} // namespace
} // namespace cafegram::sandbox
