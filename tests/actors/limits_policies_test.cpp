#include <cafegram/actors/policies.hpp>

#include "limits_kit.hpp"

namespace cafegram {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

struct retries : test::limits_kit {};
struct paced_sends : test::limits_kit {};
struct breaker : test::limits_kit {};
struct restarts : test::limits_kit {};

/// What it is told to answer, and what it was asked.
struct told_policy final : retry_policy, restart_policy {
  std::optional<milliseconds> pause = std::nullopt;
  int asked = 0;
  std::string last;

  std::optional<milliseconds> retry(const refused_call& call, random_source&) override {
    last =
        std::string{call.method} + " " + call.why.rpc->text + " " + std::to_string(call.attempts);
    ++asked;
    return pause;
  }
  std::optional<milliseconds> reconnect(const lost_line& line, random_source&) override {
    last = "dc " + std::to_string(line.dc) + " " + to_string(line.why) + " " +
           std::to_string(line.failures);
    ++asked;
    return pause;
  }
  std::optional<milliseconds> restart(const dead_part& part, random_source&) override {
    last = std::string{part.name} + " " + std::to_string(part.deaths);
    ++asked;
    return pause;
  }
};

} // namespace

// -- retries ------------------------------------------------------------------------------------

TEST_F(retries, the_servers_trouble_is_retried_where_the_call_may_be_repeated) {
  start();
  const auto out = call(history(1));
  for (const auto pause : {600ms, 1200ms, 2400ms}) {
    refuse(history(1), -503, "Timeout");
    pass(pause);
  }
  EXPECT_EQ(seen(history(1)), 4U);
  EXPECT_FALSE(out->settled());
  refuse(history(1), 500, "RPC_CALL_FAIL");
  EXPECT_TRUE(out->why->is_rpc("RPC_CALL_FAIL")) << "a bounded number of times";
  const auto whatever = call(history(2));
  refuse(history(2), 999, "NEVER_HEARD_OF");
  EXPECT_FALSE(whatever->settled()) << "unknown codes count as 500";
  const auto may_not = call(once());
  refuse(once(), 500, "X");
  EXPECT_TRUE(may_not->settled());
  EXPECT_EQ(seen(once()), 1U);
  const auto allowed = call(once(), {.may_repeat = true});
  refuse(once(), 500, "X");
  EXPECT_FALSE(allowed->settled());
  EXPECT_EQ(status().limits.retries, 5U);
}

TEST_F(retries, a_policy_of_ones_own_decides_on_retries) {
  const auto policy = std::make_shared<told_policy>();
  options.retry = policy;
  start();
  policy->pause = 30s;
  const auto out = call(history(1), {.timeout = 60s});
  refuse(history(1), 400, "X_INVALID");
  EXPECT_EQ(policy->last, "messages.getHistory X_INVALID 1");
  pass(29s);
  EXPECT_EQ(seen(history(1)), 1U);
  pass(1s);
  EXPECT_EQ(seen(history(1)), 2U);
  refuse(history(1), 500, "X");
  EXPECT_TRUE(out->why->is_rpc("X")) << "its pause would outlast the deadline";
  const auto asked = policy->asked;
  call(once());
  refuse(once(), 500, "X");
  call(text(1));
  refuse(text(1), 420, "FLOOD_WAIT_1");
  EXPECT_EQ(policy->asked, asked) << "neither what may not run twice, nor flood waits";
}

TEST_F(retries, what_is_there_already_is_not_sent_again) {
  const auto policy = std::make_shared<told_policy>();
  options.retry = policy;
  policy->pause = 1s;
  start();
  const auto known = call(text(1), {.may_repeat = true});
  refuse(text(1), 500, "RANDOM_ID_DUPLICATE");
  ASSERT_TRUE(known->settled()) << "whatever a policy would say";
  EXPECT_TRUE(known->why->is_rpc("RANDOM_ID_DUPLICATE"));
  EXPECT_EQ(policy->asked, 0);
}

// -- pacing -------------------------------------------------------------------------------------

TEST_F(paced_sends, sends_are_paced_if_asked_for) {
  options.pacing.enabled = true;
  start();
  for (int n = 1; n <= 3; ++n) {
    call(text(1, n), {.timeout = 1'500ms});
  }
  call(history(1));
  EXPECT_EQ(seen(history(1)), 1U) << "no send";
  EXPECT_EQ(seen(text(1, 1)), 1U);
  EXPECT_EQ(seen(text(1, 2)), 0U);
  EXPECT_EQ(status().limits.held_by_pacing, 2U);
  answer(text(1, 1));
  pass(1s, 100ms);
  EXPECT_EQ(seen(text(1, 2)), 1U);
  EXPECT_EQ(seen(text(1, 3)), 0U);
  answer(text(1, 2));
  pass(1s, 100ms);
  EXPECT_EQ(seen(text(1, 3)), 1U) << "2 s after it was made: waiting costs no deadline";
}

TEST_F(paced_sends, sends_are_not_paced_by_default) {
  start();
  for (int n = 1; n <= 100; ++n) {
    call(text(1, n));
    EXPECT_EQ(seen(text(1, n)), 1U);
  }
}

TEST_F(paced_sends, a_send_that_is_made_again_takes_another_turn) {
  options.pacing.enabled = true;
  start();
  call(text(1, 1));
  answer(text(1, 1));
  call(text(1, 2));
  pass(1s);
  EXPECT_EQ(seen(text(1, 2)), 1U);
  refuse(text(1, 2), 500, "X");
  pass(900ms, 100ms);
  EXPECT_EQ(seen(text(1, 2)), 1U) << "its pause was over";
  pass(200ms);
  EXPECT_EQ(seen(text(1, 2)), 2U);
}

TEST_F(paced_sends, what_a_flood_limit_has_held_is_paced) {
  options.pacing.enabled = true;
  start();
  call(to_group(1, 1));
  refuse(to_group(1, 1), 420, "SLOWMODE_WAIT_2");
  call(to_group(1, 2));
  pass(2'300ms);
  EXPECT_EQ(seen(to_group(1, 1)), 2U);
  answer(to_group(1, 1));
  pass(600ms);
  EXPECT_EQ(seen(to_group(1, 2)), 0U);
  pass(500ms);
  EXPECT_EQ(seen(to_group(1, 2)), 1U);
}

TEST_F(paced_sends, paced_sends_have_bounds_and_can_be_given_up) {
  options.pacing.enabled = true;
  options.pacing.most_waiting_per_chat = 1;
  start();
  call(text(1, 1));
  const auto waits = call(text(1, 2), {.tag = 7});
  EXPECT_TRUE(call(text(1, 3))->failed_with(errc::limit));
  send(cancel_calls{7});
  EXPECT_TRUE(waits->failed_with(errc::cancelled));
  EXPECT_FALSE(call(text(1, 4))->settled()) << "there is room again";
}

// -- the breaker --------------------------------------------------------------------------------

TEST_F(breaker, a_data_centre_that_keeps_failing_is_not_called_for_a_while) {
  options.breaker = {.failures = 3, .within = 60s, .pause = 10s};
  start();
  const auto before = call(history(1));
  for (int n = 0; n < 3; ++n) {
    fail_line();
  }
  const auto refused = call(history(2));
  ASSERT_TRUE(refused->failed_with(errc::circuit_open));
  EXPECT_EQ(refused->why->number, 10'000);
  EXPECT_FALSE(before->settled()) << "what was under way keeps its deadline";
  auto shown = status().limits.circuits;
  ASSERT_EQ(shown.size(), 1U);
  EXPECT_EQ(shown[0].dc, 2);
  EXPECT_EQ(shown[0].phase, circuit_phase::open);
  EXPECT_EQ(shown[0].refused, 1U);
  pass(10s);
  const auto probe = call(history(3));
  EXPECT_TRUE(call(history(4))->failed_with(errc::circuit_open)) << "one finds out";
  EXPECT_EQ(status().limits.circuits.at(0).phase, circuit_phase::probing);
  answer(history(3));
  EXPECT_TRUE(probe->ok);
  EXPECT_FALSE(call(history(5))->settled());
  EXPECT_EQ(status().limits.circuits.at(0).phase, circuit_phase::closed);
}

TEST_F(breaker, the_breaker_of_one_data_centre_does_not_stop_another) {
  options.breaker = {.failures = 1, .within = 60s, .pause = 10s};
  start();
  fail_line();
  EXPECT_TRUE(call(history(1))->settled());
  EXPECT_FALSE(call(history(1), invoke_on_dc(4))->settled());
}

TEST_F(breaker, without_a_breaker_calls_wait_for_their_deadline) {
  start();
  for (int n = 0; n < 1'000; ++n) {
    fail_line();
  }
  const auto out = call(history(1));
  pass(59s);
  EXPECT_FALSE(out->settled());
  pass(1s);
  EXPECT_TRUE(out->failed_with(errc::deadline));
}

// -- restarts -----------------------------------------------------------------------------------

TEST_F(restarts, a_connection_that_is_given_up_ends_its_calls_and_the_next_begins_afresh) {
  const auto policy = std::make_shared<told_policy>();
  options.restart = policy;
  start();
  const auto out = call(history(1));
  const auto unsure = call(once());
  lines[0]->die();
  system.run();
  EXPECT_EQ(policy->last, "dc_connection 1");
  EXPECT_TRUE(out->failed_with(errc::connection_lost));
  EXPECT_TRUE(unsure->failed_with(errc::unknown_outcome)) << "it may have run";
  EXPECT_EQ(lines.size(), 1U);
  const auto next = call(history(2));
  ASSERT_EQ(lines.size(), 2U);
  answer(history(2));
  EXPECT_TRUE(next->ok);
  lines[1]->die();
  system.run();
  send(network_available{});
  EXPECT_EQ(lines.size(), 3U) << "the network is back";
}

TEST_F(restarts, a_part_is_started_again_when_the_policy_says_and_calls_wait_for_it) {
  const auto policy = std::make_shared<told_policy>();
  options.restart = policy;
  start();
  policy->pause = 3s;
  caf::anon_send_exit(lines[0]->owner, caf::exit_reason::kill);
  system.run();
  EXPECT_EQ(policy->last, "dc_pool 1");
  const auto patient = call(history(1));
  const auto hasty = call(history(2), {.timeout = 2s});
  const auto given_up = call(history(3), {.tag = 7});
  send(cancel_calls{7});
  EXPECT_TRUE(given_up->failed_with(errc::cancelled));
  pass(2s);
  EXPECT_TRUE(hasty->failed_with(errc::deadline));
  EXPECT_EQ(lines.size(), 1U);
  pass(1s);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(seen(history(1)), 1U);
  EXPECT_EQ(seen(history(2)), 0U);
  answer(history(1));
  EXPECT_TRUE(patient->ok);
}

TEST_F(restarts, calls_that_wait_for_a_part_have_a_bound) {
  const auto policy = std::make_shared<told_policy>();
  options.restart = policy;
  start();
  policy->pause = 1h;
  caf::anon_send_exit(lines[0]->owner, caf::exit_reason::kill);
  system.run();
  std::size_t refused = 0;
  const auto done = std::make_shared<const std::function<void(result<bytes>)>>(
      [&refused](const result<bytes>& answer) {
        refused += !answer && answer.error().code == errc::limit ? 1 : 0;
      });
  const auto function = std::make_shared<const bytes>(tl::encode(once()));
  for (std::size_t n = 0; n < max_held_calls + 5; ++n) {
    caf::anon_send(client, callback_call{{function, {}}, done});
  }
  system.run();
  EXPECT_EQ(refused, 5U);
  caf::anon_send_exit(client, caf::exit_reason::kill);
  system.run();
}

TEST_F(restarts, a_line_is_tried_again_when_the_policy_says_and_given_up_so) {
  auto services = system.services();
  int attempts = 0;
  services.connector = system.system().spawn([&attempts]() -> connector_actor::behavior_type {
    return {[&attempts](const connect_request&) -> caf::result<connected> {
              ++attempts;
              return to_caf(error::make(errc::network, "refused"));
            },
            [](poll_atom) {}};
  });
  std::size_t failures = 0;
  auto owner = system.system().spawn([&failures]() -> connection_owner_actor::behavior_type {
    return {[](const call_settled&) {},
            [](const calls_settled&) {},
            [&failures](const connection_report& what) { failures += what.failed ? 1 : 0; },
            [](const dc_key&) {},
            [](const temporary_key&) {},
            [](const key_salt&) {},
            [](const key_news&) {},
            [](const raw_updates&) {},
            [](const updates_suspect&) {}};
  });
  const auto policy = std::make_shared<told_policy>();
  policy->pause = 3s;
  auto profile = std::make_shared<connection_profile>();
  profile->restart = policy;
  connection_setup setup;
  setup.profile = profile;
  setup.dc = 2;
  setup.route.addresses.emplace_back().host = "127.0.0.1";
  setup.keys.make = true;
  auto line = spawn_dc_connection(system.system(), services, std::move(setup), owner);
  caf::scoped_actor watch{system.system()};
  watch->monitor(line);
  system.run();
  EXPECT_EQ(attempts, 1);
  EXPECT_EQ(policy->last, "dc 2 network: refused 1");
  pass(2'999ms);
  EXPECT_EQ(attempts, 1);
  policy->pause.reset();
  pass(1ms);
  EXPECT_EQ(attempts, 2);
  EXPECT_EQ(policy->last, "dc 2 network: refused 2");
  EXPECT_EQ(failures, 2U);
  watch->receive([](const caf::down_msg& down) {
    EXPECT_EQ(to_error(down.reason).code, errc::connection_lost);
  });
  caf::anon_send_exit(services.connector, caf::exit_reason::kill);
  caf::anon_send_exit(owner, caf::exit_reason::kill);
  system.run();
}

TEST_F(restarts, a_store_that_dies_ends_calls_with_storage) {
  start();
  const auto out = call(history(1));
  const auto held = call(text(1));
  refuse(text(1), 420, "FLOOD_WAIT_5");
  caf::anon_send_exit(store, caf::exit_reason::kill);
  system.run();
  EXPECT_TRUE(held->failed_with(errc::storage));
  EXPECT_TRUE(out->failed_with(errc::storage));
  EXPECT_EQ(out->times, 1);
}

TEST_F(restarts, a_client_whose_policy_gives_a_part_up_ends_with_connection_lost) {
  options.restart = std::make_shared<told_policy>();
  start();
  caf::scoped_actor watch{system.system()};
  watch->monitor(client);
  const auto held = call(text(1));
  refuse(text(1), 420, "FLOOD_WAIT_5");
  caf::anon_send_exit(lines[0]->owner, caf::exit_reason::kill);
  system.run();
  EXPECT_TRUE(held->failed_with(errc::connection_lost));
  watch->receive([](const caf::down_msg& down) {
    EXPECT_EQ(to_error(down.reason).code, errc::connection_lost);
  });
}

} // namespace cafegram
