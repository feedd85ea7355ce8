#include "limits_kit.hpp"

namespace cafegram {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

struct limits : test::limits_kit {};

} // namespace

// -- flood limits -------------------------------------------------------------------------------

TEST_F(limits, a_flood_wait_is_waited_out_to_its_end) {
  start();
  for (const auto* name : {"FLOOD_WAIT_5", "FLOOD_PREMIUM_WAIT_5", "SLOWMODE_WAIT_5"}) {
    const auto what = text(1, name[0]);
    const auto before = seen(what);
    const auto out = call(what);
    refuse(what, 420, name);
    pass(4'999ms);
    EXPECT_EQ(seen(what), before + 1) << name;
    pass(300ms);
    EXPECT_EQ(seen(what), before + 2) << "with a little jitter: " << name;
    EXPECT_FALSE(out->settled());
    answer(what);
    EXPECT_TRUE(out->ok);
  }
  EXPECT_EQ(status().limits.flood_waits, 3U);
}

TEST_F(limits, a_flood_wait_holds_back_what_it_concerns_and_nothing_else) {
  start();
  call(text(1, 1));
  refuse(text(1, 1), 420, "FLOOD_WAIT_30");
  call(text(1, 2));
  EXPECT_EQ(seen(text(1, 2)), 0U) << "the same method and peer";
  call(text(2, 3));
  EXPECT_EQ(seen(text(2, 3)), 1U) << "another peer";
  call(history(1));
  EXPECT_EQ(seen(history(1)), 1U) << "another method";
  EXPECT_EQ(status().limits.held_by_flood, 2U);
  refuse(history(1), 420, "FLOOD_WAIT_30");
  call(history(2));
  EXPECT_EQ(seen(history(2)), 1U) << "other parameters";
  call(history(1));
  EXPECT_EQ(seen(history(1)), 1U);
  pass(30'300ms);
  EXPECT_EQ(seen(history(1)), 2U);
}

TEST_F(limits, a_wait_over_the_threshold_is_the_callers) {
  start();
  const auto out = call(text(1));
  refuse(text(1), 420, "FLOOD_WAIT_61");
  ASSERT_TRUE(out->why);
  EXPECT_TRUE(out->why->is_rpc("FLOOD_WAIT"));
  EXPECT_EQ(out->why->rpc->value, 61);
  EXPECT_EQ(out->why->what, "messages.sendMessage");
  const auto again = call(text(1));
  EXPECT_EQ(seen(text(1)), 2U) << "who asks again is answered by the server";
  refuse(text(1), 420, "FLOOD_WAIT_60");
  EXPECT_FALSE(again->settled());
  EXPECT_EQ(status().limits.flood_refused, 1U);
}

TEST_F(limits, the_threshold_is_set_per_client_and_per_call) {
  options.timing.flood_wait_threshold = 5s;
  start();
  const auto strict = call(text(1));
  refuse(text(1), 420, "FLOOD_WAIT_6");
  EXPECT_TRUE(strict->settled());
  const auto patient = call(text(2), {.flood_wait_threshold = 10min});
  refuse(text(2), 420, "FLOOD_WAIT_600");
  EXPECT_FALSE(patient->settled());
  const auto impatient = call(text(3), {.flood_wait_threshold = 0ms});
  refuse(text(3), 420, "FLOOD_WAIT_0");
  EXPECT_TRUE(impatient->settled());
  const auto behind = call(text(2, 2));
  ASSERT_TRUE(behind->why) << "told without asking the server";
  EXPECT_EQ(seen(text(2, 2)), 0U);
  EXPECT_TRUE(behind->why->is_rpc("FLOOD_WAIT"));
  EXPECT_GE(behind->why->rpc->value, 600);
}

TEST_F(limits, a_wait_that_comes_for_several_callers_lets_them_go_in_their_order) {
  start();
  std::vector<std::shared_ptr<outcome>> outs;
  for (int n = 1; n <= 3; ++n) {
    outs.push_back(call(text(1, n)));
  }
  for (int n = 3; n >= 1; --n) {
    refuse(text(1, n), 420, "FLOOD_WAIT_3");
  }
  pass(3'300ms);
  EXPECT_EQ(seen(text(1, 1)), 2U);
  EXPECT_EQ(seen(text(1, 2)), 1U);
  answer(text(1, 1));
  pass(1ms);
  EXPECT_EQ(seen(text(1, 2)), 2U);
  EXPECT_EQ(seen(text(1, 3)), 1U);
  pass(1'100ms);
  EXPECT_EQ(seen(text(1, 3)), 2U) << "a slow answer holds nobody up for long";
  answer(text(1, 2));
  answer(text(1, 3));
  for (const auto& out : outs) {
    EXPECT_TRUE(out->ok);
  }
}

TEST_F(limits, a_wait_that_one_caller_does_not_bear_holds_the_others_all_the_same) {
  start();
  const auto hasty = call(text(1, 1), {.flood_wait_threshold = 5s});
  refuse(text(1, 1), 420, "FLOOD_WAIT_3");
  const auto patient = call(text(1, 2));
  pass(3'300ms);
  ASSERT_EQ(seen(text(1, 1)), 2U);
  refuse(text(1, 1), 420, "FLOOD_WAIT_30");
  EXPECT_TRUE(hasty->why->is_rpc("FLOOD_WAIT"));
  pass(29'999ms);
  EXPECT_EQ(seen(text(1, 2)), 0U);
  pass(300ms);
  EXPECT_EQ(seen(text(1, 2)), 1U);
  EXPECT_FALSE(patient->settled());
}

TEST_F(limits, waiting_a_flood_limit_out_costs_nothing_of_the_deadline) {
  start();
  const auto out = call(text(1), {.timeout = 10s});
  pass(4s);
  refuse(text(1), 420, "FLOOD_WAIT_50");
  pass(50'300ms);
  ASSERT_EQ(seen(text(1)), 2U);
  EXPECT_FALSE(out->settled());
  const auto left = lines[0]->calls.back().deadline - now();
  EXPECT_LE(left, 6s);
  EXPECT_GE(left, 5'600ms);
  pass(6s);
  EXPECT_TRUE(out->failed_with(errc::deadline)) << "but all other time does";
}

TEST_F(limits, a_deadline_is_a_minute_unless_something_else_is_said) {
  start();
  const auto usual = call(history(1));
  const auto longer = call(history(2), {.timeout = 90s});
  pass(59'999ms);
  EXPECT_FALSE(usual->settled());
  pass(1ms);
  EXPECT_TRUE(usual->failed_with(errc::deadline));
  pass(29'999ms);
  EXPECT_FALSE(longer->settled());
  pass(1ms);
  EXPECT_TRUE(longer->failed_with(errc::deadline));
}

TEST_F(limits, retries_share_one_deadline) {
  start();
  const auto out = call(history(1), {.timeout = 10s});
  pass(9s);
  refuse(history(1), 500, "RPC_CALL_FAIL");
  pass(700ms);
  EXPECT_EQ(seen(history(1)), 2U);
  pass(301ms);
  EXPECT_TRUE(out->failed_with(errc::deadline));
}

TEST_F(limits, a_deadline_may_be_infinite) {
  start();
  const auto out = call(history(1), {.timeout = milliseconds::max()});
  pass(1000h);
  EXPECT_FALSE(out->settled());
  answer(history(1));
  EXPECT_TRUE(out->ok);
}

TEST_F(limits, a_server_that_says_flood_wait_0_for_ever_is_asked_a_few_times) {
  start();
  const auto out = call(text(1));
  for (int n = 1; !out->settled(); ++n) {
    ASSERT_LE(n, 6);
    ASSERT_EQ(seen(text(1)), static_cast<std::size_t>(n));
    refuse(text(1), 420, "FLOOD_WAIT_0");
    pass(999ms);
    EXPECT_EQ(seen(text(1)), static_cast<std::size_t>(n)) << "not at once";
    pass(300ms);
  }
  EXPECT_EQ(seen(text(1)), 6U);
  EXPECT_TRUE(out->why->is_rpc("FLOOD_WAIT"));
}

TEST_F(limits, odd_numbers_of_seconds_are_errors) {
  options.timing.flood_wait_threshold = milliseconds::max();
  start();
  for (const auto* text_of : {"FLOOD_WAIT_-5", "FLOOD_WAIT_", "FLOOD_WAIT", "FLOOD_WAIT_1x",
                              "FLOOD_WAIT_9223372036854775807", "FLOOD_WAIT_2147483648",
                              "FLOOD_WAIT_99999999999999999999999"}) {
    const auto out = call(text(1));
    refuse(text(1), 420, text_of);
    ASSERT_TRUE(out->why) << text_of;
    EXPECT_EQ(out->why->rpc->text, text_of);
    EXPECT_EQ(out->why->rpc->kind(), rpc_class::flood);
  }
  const auto out = call(text(1));
  refuse(text(1), 420, "FLOOD_WAIT_2147483647");
  EXPECT_FALSE(out->settled()) << "68 years, for who wants them";
  pass(1000h);
  EXPECT_FALSE(out->settled());
}

TEST_F(limits, no_more_calls_are_held_than_may_be) {
  options.flood.most_held = 2;
  start();
  std::vector<std::shared_ptr<outcome>> outs;
  for (int n = 1; n <= 3; ++n) {
    outs.push_back(call(text(n)));
    refuse(text(n), 420, "FLOOD_WAIT_5");
  }
  EXPECT_FALSE(outs[0]->settled());
  EXPECT_FALSE(outs[1]->settled());
  EXPECT_TRUE(outs[2]->why->is_rpc("FLOOD_WAIT"));
  EXPECT_EQ(status().limits.held_by_flood, 2U);
}

TEST_F(limits, waits_together_have_a_bound) {
  options.flood.longest = 60s;
  options.flood.most_waits = 100;
  start();
  const auto out = call(text(1));
  refuse(text(1), 420, "FLOOD_WAIT_40");
  pass(40'300ms);
  EXPECT_FALSE(out->settled());
  refuse(text(1), 420, "FLOOD_WAIT_40");
  EXPECT_TRUE(out->settled());
}

// -- giving up ----------------------------------------------------------------------------------

TEST_F(limits, a_held_call_is_given_up_by_its_caller) {
  start();
  const auto out = call(text(1), {.tag = 7});
  refuse(text(1), 420, "FLOOD_WAIT_5");
  const auto other = call(text(1, 2), {.tag = 8});
  send(cancel_calls{7});
  EXPECT_TRUE(out->failed_with(errc::cancelled));
  EXPECT_FALSE(other->settled());
  EXPECT_EQ(status().limits.held_by_flood, 1U);
  pass(5'300ms);
  EXPECT_EQ(seen(text(1)), 1U);
  EXPECT_EQ(seen(text(1, 2)), 1U);
  EXPECT_EQ(out->times, 1);
}

TEST_F(limits, a_call_under_way_is_given_up_and_the_server_told) {
  start();
  const auto out = call(history(1), {.tag = 7});
  const auto same = call(history(2), {.tag = 7});
  const auto other = call(history(3), {.tag = 8});
  send(cancel_calls{7});
  EXPECT_TRUE(out->failed_with(errc::cancelled));
  EXPECT_TRUE(same->failed_with(errc::cancelled));
  EXPECT_FALSE(other->settled());
  EXPECT_EQ(lines[0]->dropped.size(), 2U);
  answer(history(1));
  EXPECT_EQ(out->times, 1) << "an answer after that goes nowhere";
  send(cancel_calls{0});
  EXPECT_FALSE(other->settled()) << "0 is no tag";
}

TEST_F(limits, a_call_between_two_attempts_is_given_up) {
  start();
  const auto out = call(history(1), {.tag = 7});
  refuse(history(1), 500, "X");
  EXPECT_EQ(status().limits.held_for_retry, 1U);
  send(cancel_calls{7});
  EXPECT_TRUE(out->failed_with(errc::cancelled));
  EXPECT_EQ(status().limits.held_for_retry, 0U);
  pass(10s);
  EXPECT_EQ(seen(history(1)), 1U);
}

TEST_F(limits, a_stop_does_not_wait_for_what_cannot_go_before_its_end) {
  start();
  const auto late = call(text(1));
  refuse(text(1), 420, "FLOOD_WAIT_50");
  const auto soon = call(text(2));
  refuse(text(2), 420, "FLOOD_WAIT_2");
  send(stop_request{5s});
  EXPECT_TRUE(late->failed_with(errc::cancelled));
  EXPECT_FALSE(soon->settled());
  pass(2'300ms);
  answer(text(2));
  EXPECT_TRUE(soon->ok);
}

TEST_F(limits, whatever_is_held_is_answered_when_the_client_ends) {
  options.pacing.enabled = true;
  start();
  std::vector<std::shared_ptr<outcome>> outs;
  outs.push_back(call(text(1)));
  refuse(text(1), 420, "FLOOD_WAIT_50");
  outs.push_back(call(text(2, 1)));
  outs.push_back(call(text(2, 2)));
  outs.push_back(call(history(1)));
  refuse(history(1), 500, "X");
  caf::anon_send_exit(client, caf::exit_reason::kill);
  system.run();
  for (const auto& out : outs) {
    EXPECT_TRUE(out->failed_with(errc::cancelled));
    EXPECT_EQ(out->times, 1);
  }
}

} // namespace cafegram
