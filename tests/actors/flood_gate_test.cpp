#include <cafegram/actors/flood_gate.hpp>
#include <cafegram/tests/support.hpp>

#include <algorithm>

namespace cafegram {

namespace {

using namespace std::chrono_literals;

/// A gate and the time before it.
struct flood_gate_ : testing::Test {
  static constexpr call_scope here{1, 10};
  static constexpr call_scope there{1, 11};

  steady_time now{1h};
  flood_gate gate{100};

  gate_ticket ticket(std::uint64_t id, call_scope scope = here,
                     std::chrono::milliseconds threshold = 60s) const {
    return {id, scope, threshold, steady_time::max()};
  }
  /// The server tells a call to wait.
  gate_verdict told(const gate_ticket& call, std::chrono::milliseconds wait) {
    EXPECT_TRUE(gate.close(call.scope, "FLOOD_WAIT", wait, now));
    return gate.arrive(call, now);
  }
  /// The ids that come out at this time, those refused as their negatives.
  std::vector<std::int64_t> due() {
    std::vector<std::int64_t> out;
    for (const auto& one : gate.due(now)) {
      const auto id = static_cast<std::int64_t>(one.id);
      out.push_back(one.refused ? -id : id);
    }
    return out;
  }
};

using call_ids = std::vector<std::int64_t>;

/// What has become of each call of a random sequence.
struct gate_fates {
  struct fate {
    gate_ticket ticket;
    steady_time not_before; ///< as the server has told it last
    bool inside = false;
  };

  flood_gate& gate;
  std::map<std::uint64_t, fate> calls{};
  std::size_t went = 0;
  std::size_t refused = 0;

  /// False: it was refused.
  bool arrive(fate& call, steady_time now) {
    const auto verdict = gate.arrive(call.ticket, now);
    call.inside = verdict == gate_verdict::held;
    refused += verdict == gate_verdict::refused ? 1 : 0;
    return verdict != gate_verdict::refused;
  }
  /// What comes out now has been inside, and none of it is too early; the rest is inside still.
  void take_due(steady_time now) {
    for (const auto& out : gate.due(now)) {
      ASSERT_TRUE(calls.contains(out.id) && calls.at(out.id).inside) << "came out twice";
      auto& call = calls.at(out.id);
      call.inside = false;
      if (out.refused) {
        ++refused;
        calls.erase(out.id);
      } else {
        ++went;
        ASSERT_GE(now, call.not_before);
      }
    }
    const auto is_inside = [](const auto& one) { return one.second.inside; };
    ASSERT_EQ(gate.held(), static_cast<std::size_t>(std::ranges::count_if(calls, is_inside)));
  }
};

} // namespace

TEST_F(flood_gate_, a_wait_is_kept_to_its_end) {
  EXPECT_EQ(told(ticket(1), 5s), gate_verdict::held);
  EXPECT_EQ(gate.next_deadline(), now + 5s);
  now += 5s - 1ns;
  EXPECT_EQ(due(), call_ids{});
  now += 1ns;
  EXPECT_EQ(due(), call_ids{1});
  EXPECT_EQ(gate.arrive(ticket(1), now), gate_verdict::pass) << "it is on its way";
}

TEST_F(flood_gate_, holds_what_the_limit_concerns_and_nothing_else) {
  told(ticket(1), 5s);
  EXPECT_EQ(gate.arrive(ticket(2), now), gate_verdict::held);
  EXPECT_EQ(gate.arrive(ticket(3, there), now), gate_verdict::pass) << "other parameters";
  EXPECT_EQ(gate.arrive(ticket(4, {2, 10}), now), gate_verdict::pass) << "another method";
  EXPECT_TRUE(gate.concerns(1));
  EXPECT_FALSE(gate.concerns(2));
  EXPECT_FALSE(gate.concerns(0));
}

TEST_F(flood_gate_, several_callers_go_one_after_the_other_in_their_order) {
  told(ticket(3), 5s);
  told(ticket(1), 5s);
  EXPECT_EQ(gate.arrive(ticket(2), now), gate_verdict::held);
  now += 5s;
  EXPECT_EQ(due(), call_ids{1});
  EXPECT_EQ(due(), call_ids{}) << "until the first has its answer";
  EXPECT_EQ(gate.arrive(ticket(4), now), gate_verdict::held) << "nobody overtakes";
  gate.settled(1, here, now);
  EXPECT_EQ(due(), call_ids{2});
  now += 999ms;
  EXPECT_EQ(due(), call_ids{});
  now += 1ms;
  EXPECT_EQ(due(), call_ids{3}) << "a slow answer does not stop the others";
  gate.settled(2, here, now);
  EXPECT_EQ(due(), call_ids{}) << "its turn was over";
  gate.settled(3, here, now);
  EXPECT_EQ(due(), call_ids{4});
  gate.settled(4, here, now);
  EXPECT_EQ(due(), call_ids{});
  EXPECT_EQ(gate.scopes(), 0U);
  EXPECT_EQ(gate.next_deadline(), steady_time::max());
  EXPECT_EQ(gate.arrive(ticket(5), now), gate_verdict::pass);
}

TEST_F(flood_gate_, a_limit_that_still_holds_costs_one_call_only) {
  told(ticket(1), 5s);
  gate.arrive(ticket(2), now);
  now += 5s;
  EXPECT_EQ(due(), call_ids{1});
  EXPECT_EQ(told(ticket(1), 7s), gate_verdict::held);
  now += 7s - 1ns;
  EXPECT_EQ(due(), call_ids{});
  now += 1ns;
  EXPECT_EQ(due(), call_ids{1});
}

TEST_F(flood_gate_, a_shorter_wait_does_not_shorten_a_longer_one) {
  told(ticket(1), 9s);
  told(ticket(2), 2s);
  now += 8s;
  EXPECT_EQ(due(), call_ids{});
  now += 1s;
  EXPECT_EQ(due(), call_ids{1});
}

TEST_F(flood_gate_, who_does_not_bear_the_wait_is_told_what_is_left_of_it) {
  told(ticket(1), 30s);
  now += 10s + 1ms;
  const auto impatient = ticket(2, here, 19s);
  EXPECT_EQ(gate.arrive(impatient, now), gate_verdict::refused);
  EXPECT_EQ(gate.refusal(here, now).rpc->text, "FLOOD_WAIT_20") << "rounded up";
  EXPECT_EQ(gate.refusal(here, now).rpc->code, 420);
  EXPECT_EQ(gate.arrive(ticket(3, here, 20s), now), gate_verdict::held);
}

TEST_F(flood_gate_, a_wait_that_grows_too_long_sends_away_who_does_not_bear_it) {
  told(ticket(1, here, 10s), 5s);
  gate.arrive(ticket(2, here, 60s), now);
  now += 5s;
  EXPECT_EQ(due(), call_ids{1});
  EXPECT_TRUE(gate.close(here, "SLOWMODE_WAIT", 30s, now));
  EXPECT_EQ(gate.arrive(ticket(1, here, 10s), now), gate_verdict::refused);
  EXPECT_EQ(due(), call_ids{});
  now += 30s;
  EXPECT_EQ(due(), call_ids{2});
}

TEST_F(flood_gate_, what_nobody_bears_is_not_remembered) {
  told(ticket(1, here, 10s), 5s);
  gate.arrive(ticket(2, here, 10s), now);
  EXPECT_TRUE(gate.close(here, "FLOOD_WAIT", 2'147'483'647s, now));
  EXPECT_EQ(due(), (call_ids{-1, -2}));
  EXPECT_EQ(gate.scopes(), 0U);
  EXPECT_EQ(gate.arrive(ticket(3), now), gate_verdict::pass) << "the server is asked again";
}

TEST_F(flood_gate_, nobody_is_held_beyond_what_is_left_of_his_patience) {
  auto call = ticket(1);
  call.until = now + 8s;
  EXPECT_EQ(told(call, 9s), gate_verdict::refused);
  gate = flood_gate{100};
  EXPECT_EQ(told(call, 5s), gate_verdict::held);
  told(ticket(2), 7s);
  told(ticket(3), 10s);
  EXPECT_EQ(due(), call_ids{-1}) << "10 s are too long for it";
}

TEST_F(flood_gate_, a_call_that_is_given_up_leaves_no_trace_after_the_wait) {
  told(ticket(1), 5s);
  gate.forget(1);
  gate.forget(1);
  EXPECT_EQ(gate.held(), 0U);
  EXPECT_EQ(gate.arrive(ticket(2), now), gate_verdict::held) << "the limit holds all the same";
  gate.forget(2);
  now += 5s;
  EXPECT_EQ(due(), call_ids{});
  EXPECT_EQ(gate.scopes(), 0U);
}

TEST_F(flood_gate_, holds_no_more_than_it_may) {
  gate = flood_gate{3};
  told(ticket(1), 5s);
  gate.arrive(ticket(2), now);
  gate.arrive(ticket(3), now);
  EXPECT_EQ(gate.arrive(ticket(4), now), gate_verdict::refused);
  EXPECT_EQ(gate.held(), 3U);
  for (std::uint64_t n = 0; n < 100; ++n) {
    gate.close({5, n}, "FLOOD_WAIT", 5s, now);
  }
  EXPECT_EQ(gate.scopes(), 3U);
  EXPECT_FALSE(gate.close({6, 0}, "FLOOD_WAIT", 5s, now));
}

/// Whatever comes in whatever order: each call comes out once, none before its wait is over.
TEST_F(flood_gate_, any_sequence_keeps_every_wait) {
  const auto seed = test::seed();
  SCOPED_TRACE(seed);
  seeded_random random{seed};
  const auto below = [&random](std::uint64_t n) { return random.next() % n; };
  gate = flood_gate{20};
  gate_fates all{.gate = gate};
  auto& calls = all.calls;
  for (std::uint64_t step = 1; step <= 20'000; ++step) {
    now += std::chrono::milliseconds{below(400)};
    const auto at = calls.empty()
                        ? calls.end()
                        : std::next(calls.begin(), static_cast<long>(below(calls.size())));
    if (const auto what = below(4); what <= 1) {
      gate_fates::fate call{ticket(step, {1, below(5)}, std::chrono::seconds{below(12)}), {}};
      call.ticket.until = now + std::chrono::seconds{below(30)};
      if (all.arrive(call, now)) {
        calls.emplace(step, call);
      }
    } else if (at != calls.end() && at->second.inside) {
      gate.forget(at->first);
      calls.erase(at);
    } else if (at != calls.end() && what == 2) {
      gate.settled(at->first, at->second.ticket.scope, now);
      calls.erase(at);
    } else if (at != calls.end()) {
      const auto scope = at->second.ticket.scope;
      const auto wait = std::chrono::milliseconds{1 + below(9'000)};
      at->second.not_before = now + wait;
      if (!gate.close(scope, "FLOOD_WAIT", wait, now) || !all.arrive(at->second, now)) {
        calls.erase(at);
      }
    }
    ASSERT_NO_FATAL_FAILURE(all.take_due(now));
    ASSERT_LE(gate.held(), 20U);
    ASSERT_LE(gate.scopes(), 20U);
    ASSERT_GT(gate.next_deadline(), now);
  }
  EXPECT_GT(all.went, 1'000U);
  EXPECT_GT(all.refused, 1'000U);
}

} // namespace cafegram
