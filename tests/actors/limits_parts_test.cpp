#include <cafegram/actors/call_scope.hpp>
#include <cafegram/actors/circuit_breaker.hpp>
#include <cafegram/actors/method_traits.hpp>
#include <cafegram/actors/policy_guard.hpp>
#include <cafegram/actors/time_budget.hpp>
#include <cafegram/tests/support.hpp>
#include <cafegram/tl/api.hpp>

#include <stdexcept>

namespace cafegram {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

tl::messages::sendMessage text_to(tl::InputPeer peer, std::int64_t random_id = 1) {
  return {.peer = std::move(peer), .message = "x", .random_id = random_id};
}

tl::InputPeer user(std::int64_t id) {
  return tl::inputPeerUser{.user_id = id, .access_hash = 5};
}

tl::messages::forwardMessages forward(std::int64_t to) {
  return {.from_peer = user(77), .id = {1, 2, 3}, .random_id = {4, 5, 6}, .to_peer = user(to)};
}

} // namespace

// -- what a flood limit concerns ----------------------------------------------------------------

TEST(call_scope_, is_the_method_with_its_parameters) {
  const auto history = [](std::int64_t of, std::int32_t offset) {
    return scope_of(
        tl::encode(tl::messages::getHistory{.peer = user(of), .offset_id = offset, .limit = 1}));
  };
  EXPECT_EQ(history(1, 0), history(1, 0));
  EXPECT_NE(history(1, 0), history(2, 0));
  EXPECT_NE(history(1, 0), history(1, 5));
  EXPECT_EQ(history(1, 0).method, tl::messages::getHistory::tl_id);
}

TEST(call_scope_, is_method_and_peer_where_a_random_id_makes_each_call_another) {
  const auto of = [](const auto& call) { return scope_of(tl::encode(call)); };
  auto longer = text_to(user(1), 2);
  longer.message = "something else";
  EXPECT_EQ(of(text_to(user(1))), of(longer));
  EXPECT_NE(of(text_to(user(1))), of(text_to(user(2))));
  EXPECT_NE(of(text_to(user(1))), of(text_to(tl::inputPeerChat{.chat_id = 1})))
      << "users and groups are counted apart";
  EXPECT_EQ(of(text_to(user(1))), of(text_to(tl::inputPeerUser{.user_id = 1, .access_hash = 9})))
      << "the same user, however it was met";
  EXPECT_EQ(of(forward(1)), of(forward(1)));
  EXPECT_NE(of(forward(1)), of(forward(2))) << "where it goes counts, not where it is from";
  const tl::messages::sendMultiMedia album{
      .peer = user(1),
      .multi_media = {tl::inputSingleMedia{.media = tl::inputMediaEmpty{}, .random_id = 1}}};
  auto other = album;
  other.multi_media = {tl::inputSingleMedia{.media = tl::inputMediaEmpty{}, .random_id = 2}};
  EXPECT_EQ(of(album), of(other));
}

TEST(call_scope_, of_what_the_schema_does_not_know_is_its_octets) {
  EXPECT_EQ(scope_of(test::hex("0102030405060708")), scope_of(test::hex("0102030405060708")));
  EXPECT_NE(scope_of(test::hex("0102030405060708")), scope_of(test::hex("0102030405060709")));
  EXPECT_EQ(scope_of(test::hex("01")).method, 0U);
}

TEST(send_target_, tells_chats_apart_and_counts_messages) {
  const auto of = [](const auto& call) { return send_target_of(tl::encode(call)); };
  const auto one = of(text_to(user(1)));
  ASSERT_TRUE(one);
  EXPECT_FALSE(one->group);
  EXPECT_EQ(one->messages, 1U);
  const auto forwarded = of(forward(1));
  ASSERT_TRUE(forwarded);
  EXPECT_EQ(forwarded->chat, one->chat) << "of any method";
  EXPECT_EQ(forwarded->messages, 3U);
  EXPECT_TRUE(of(text_to(tl::inputPeerChat{.chat_id = 1}))->group);
  EXPECT_TRUE(of(text_to(tl::inputPeerChannel{.channel_id = 1, .access_hash = 2}))->group);
  EXPECT_NE(of(text_to(tl::inputPeerChat{.chat_id = 1}))->chat, one->chat);
  EXPECT_EQ(of(text_to(tl::inputPeerUserFromMessage{
                   .peer = tl::inputPeerChannel{.channel_id = 9, .access_hash = 2},
                   .msg_id = 3,
                   .user_id = 1}))
                ->chat,
            one->chat)
      << "not the chat where the user was met";
  const tl::messages::sendMultiMedia album{
      .peer = user(1),
      .multi_media = {tl::inputSingleMedia{.media = tl::inputMediaEmpty{}, .random_id = 1},
                      tl::inputSingleMedia{.media = tl::inputMediaEmpty{}, .random_id = 2}}};
  EXPECT_EQ(of(album)->messages, 2U);
}

TEST(send_target_, is_nothing_for_what_sends_no_message) {
  EXPECT_FALSE(send_target_of(tl::encode(tl::help::getConfig{})));
  EXPECT_FALSE(send_target_of(tl::encode(
      tl::messages::startBot{.bot = tl::inputUserSelf{}, .peer = user(1), .random_id = 1})));
  EXPECT_FALSE(send_target_of({}));
}

TEST(send_target_, is_found_in_wrappers) {
  const auto plain = tl::encode(text_to(user(1)));
  const auto target = send_target_of(without_updates(plain));
  ASSERT_TRUE(target);
  EXPECT_EQ(target->chat, send_target_of(plain)->chat);
  EXPECT_EQ(target->messages, 1U);
}

TEST(method_traits, albums_may_run_twice_and_what_makes_things_may_not) {
  EXPECT_TRUE(may_repeat_by_default(tl::encode(tl::messages::sendMultiMedia{.peer = user(1)})))
      << "each item has its random_id";
  EXPECT_FALSE(may_repeat_by_default(tl::encode(tl::messages::exportChatInvite{.peer = user(1)})));
  EXPECT_FALSE(
      may_repeat_by_default(tl::encode(tl::messages::getBotCallbackAnswer{.peer = user(1)})))
      << "it presses a button";
  EXPECT_FALSE(may_repeat_by_default(tl::encode(tl::photos::uploadProfilePhoto{})));
}

TEST(method_traits, what_sets_or_edits_may_not_run_late) {
  const auto may = [](const auto& function) { return may_repeat_by_default(tl::encode(function)); };
  EXPECT_FALSE(may(tl::messages::editMessage{.peer = user(1), .id = 1, .message = "older"}))
      << "it would overwrite a newer one";
  EXPECT_FALSE(may(tl::bots::setBotCommands{.scope = tl::botCommandScopeDefault{}}));
  EXPECT_FALSE(may(tl::messages::saveDraft{.peer = user(1), .message = "older"}));
  EXPECT_FALSE(may(tl::account::updateProfile{.about = "older"}));
  EXPECT_FALSE(may(tl::messages::toggleDialogPin{.peer = tl::inputDialogPeer{user(1)}}));
  EXPECT_FALSE(may(tl::messages::updatePinnedMessage{.peer = user(1), .id = 1}));
  EXPECT_FALSE(may(tl::messages::markDialogUnread{.peer = tl::inputDialogPeer{user(1)}}));
  EXPECT_FALSE(may(tl::messages::importChatInvite{.hash = "x"}));
  EXPECT_FALSE(may(tl::messages::readMentions{.peer = user(1)})) << "also of what came meanwhile";
  EXPECT_FALSE(may(tl::channels::searchPosts{.offset_peer = user(1), .allow_paid_stars = 10}))
      << "it pays";
  EXPECT_FALSE(may(tl::messages::clickSponsoredMessage{})) << "that random_id is an ad's name";
  EXPECT_FALSE(may(tl::auth::cancelCode{})) << "can is not cancel";
}

TEST(method_traits, some_that_do_not_read_may_run_twice) {
  const auto may = [](const auto& function) { return may_repeat_by_default(tl::encode(function)); };
  EXPECT_TRUE(may(tl::upload::saveFilePart{.file_id = 1, .bytes = bytes{1}})) << "the same part";
  EXPECT_TRUE(may(tl::upload::saveBigFilePart{.file_id = 1, .bytes = bytes{1}}));
  EXPECT_TRUE(may(tl::messages::readHistory{.peer = user(1), .max_id = 5}));
  EXPECT_TRUE(
      may(tl::messages::setTyping{.peer = user(1), .action = tl::sendMessageTypingAction{}}));
  EXPECT_TRUE(may(tl::account::updateStatus{.offline = true}));
  EXPECT_TRUE(may(tl::messages::setBotCallbackAnswer{.query_id = 1}));
  EXPECT_TRUE(may(tl::auth::importBotAuthorization{.bot_auth_token = "1:x"}))
      << "a bot's login goes on over another connection";
  EXPECT_TRUE(may(tl::updates::getDifference{.pts = 1, .date = 1, .qts = 1}));
  EXPECT_TRUE(may(tl::messages::search{.peer = user(1), .filter = tl::inputMessagesFilterEmpty{}}));
}

// -- time ---------------------------------------------------------------------------------------

TEST(time_budget_, stands_still_while_it_is_paused) {
  steady_time now{1h};
  time_budget time{10s, now};
  now += 4s;
  EXPECT_EQ(time.left(now), 6s);
  time.pause(now);
  now += 1h;
  EXPECT_EQ(time.left(now), 6s);
  time.resume(now);
  now += 5s;
  EXPECT_EQ(time.left(now), 1s);
  now += 1s;
  EXPECT_EQ(time.left(now), 0s);
  now += 1h;
  EXPECT_EQ(time.left(now), 0s);
}

TEST(time_budget_, may_have_no_end) {
  steady_time now{1h};
  time_budget time{milliseconds::max(), now};
  EXPECT_EQ(time.left(now + 10'000h), milliseconds::max());
  time.pause(now);
  time.resume(now + 10'000h);
  EXPECT_EQ(time.left(now + 20'000h), milliseconds::max());
  EXPECT_EQ(later(now, milliseconds::max()), steady_time::max());
  EXPECT_EQ(later(now, 5s), now + 5s);
}

// -- the breaker --------------------------------------------------------------------------------

namespace {

struct breaking : testing::Test {
  steady_time now{1h};
  circuit_breaker circuit{{.failures = 3, .within = 60s, .pause = 10s}};

  void fail(int times) {
    for (int n = 0; n < times; ++n) {
      circuit.failed(now);
    }
  }
};

} // namespace

TEST_F(breaking, opens_after_so_many_failures_in_a_row) {
  fail(2);
  EXPECT_FALSE(circuit.refuses(now));
  circuit.answered();
  fail(2);
  EXPECT_EQ(circuit.phase(), circuit_phase::closed) << "an answer came between";
  fail(1);
  EXPECT_EQ(circuit.phase(), circuit_phase::open);
  EXPECT_EQ(circuit.refuses(now + 3s), 7s);
  EXPECT_EQ(circuit.refused(), 1U);
}

TEST_F(breaking, failures_far_apart_do_not_count_together) {
  for (int n = 0; n < 20; ++n) {
    circuit.failed(now);
    now += 31s;
  }
  EXPECT_EQ(circuit.phase(), circuit_phase::closed);
}

TEST_F(breaking, one_call_finds_out_and_its_answer_closes) {
  fail(3);
  now += 10s;
  EXPECT_FALSE(circuit.refuses(now));
  circuit.began(7);
  EXPECT_EQ(circuit.phase(), circuit_phase::probing);
  EXPECT_TRUE(circuit.refuses(now)) << "one at a time";
  circuit.ended(6, now);
  EXPECT_EQ(circuit.phase(), circuit_phase::probing) << "another call's end says nothing";
  circuit.answered();
  EXPECT_EQ(circuit.phase(), circuit_phase::closed);
  EXPECT_FALSE(circuit.refuses(now));
}

TEST_F(breaking, a_probe_without_an_answer_opens_again) {
  fail(3);
  now += 10s;
  circuit.refuses(now);
  circuit.began(7);
  circuit.ended(7, now);
  EXPECT_EQ(circuit.refuses(now), 10s);
  now += 10s;
  circuit.refuses(now);
  circuit.began(8);
  circuit.failed(now);
  EXPECT_EQ(circuit.refuses(now), 10s) << "one failure is enough then";
}

TEST_F(breaking, a_connection_that_stands_is_worth_a_call) {
  fail(3);
  circuit.reachable(now + 1s);
  EXPECT_FALSE(circuit.refuses(now + 1s));
}

TEST_F(breaking, is_off_unless_asked_for) {
  circuit = circuit_breaker{};
  fail(100'000);
  EXPECT_FALSE(circuit.refuses(now));
}

// -- policies -----------------------------------------------------------------------------------

namespace {

struct throwing_policy final : retry_policy, restart_policy {
  std::optional<milliseconds> retry(const refused_call&, random_source&) override {
    throw std::runtime_error{"a bug of the program's"};
  }
  std::optional<milliseconds> reconnect(const lost_line&, random_source&) override { throw 1; }
  std::optional<milliseconds> restart(const dead_part&, random_source&) override { throw 1; }
};

struct eager_policy final : retry_policy, restart_policy {
  std::optional<milliseconds> retry(const refused_call&, random_source&) override { return -5s; }
  std::optional<milliseconds> reconnect(const lost_line&, random_source&) override { return -5s; }
  std::optional<milliseconds> restart(const dead_part&, random_source&) override {
    return std::nullopt;
  }
};

struct policies : testing::Test {
  seeded_random random{3};
  timing_options timing;
  error trouble = error::from_rpc(500, "RPC_CALL_FAIL");

  std::optional<milliseconds> retry(const error& why, int attempts, retry_policy* by = nullptr) {
    return ask_retry(by, {"help.getConfig", why, attempts, 60s}, random);
  }
};

} // namespace

TEST_F(policies, by_default_the_servers_trouble_is_retried_three_times) {
  for (int attempt = 1; attempt <= 3; ++attempt) {
    const auto pause = retry(trouble, attempt);
    ASSERT_TRUE(pause);
    EXPECT_GE(*pause, 400ms * (1 << (attempt - 1)));
    EXPECT_LE(*pause, 600ms * (1 << (attempt - 1)));
  }
  EXPECT_FALSE(retry(trouble, 4));
  EXPECT_TRUE(retry(error::from_rpc(-503, "Timeout"), 1));
  EXPECT_TRUE(retry(error::from_rpc(999, "WHAT"), 1)) << "unknown codes count as 500";
  for (const auto code : {303, 400, 401, 403, 404, 406, 420}) {
    EXPECT_FALSE(retry(error::from_rpc(code, "X"), 1)) << code;
  }
  EXPECT_FALSE(retry(error::from_rpc(500, "RANDOM_ID_DUPLICATE"), 1)) << "it is there already";
}

TEST_F(policies, by_default_lines_are_tried_ever_later_up_to_a_bound) {
  for (std::size_t failures = 1; failures < 100; ++failures) {
    const auto pause = ask_reconnect(nullptr, timing, {2, trouble, failures}, random);
    ASSERT_TRUE(pause);
    const auto base = std::min(500ms * (1 << std::min<std::size_t>(failures - 1, 10)), 5'000ms);
    EXPECT_GE(*pause, base * 8 / 10);
    EXPECT_LE(*pause, base * 12 / 10);
  }
}

TEST_F(policies, by_default_five_deaths_a_minute_are_borne) {
  EXPECT_EQ(ask_restart(nullptr, timing, {"dc_pool", 5}, random), 0ms);
  EXPECT_EQ(ask_restart(nullptr, timing, {"update_hub", 6}, random), std::nullopt);
  EXPECT_TRUE(ask_restart(nullptr, timing, {"dc_connection", 60}, random));
}

TEST_F(policies, what_a_policy_throws_leaves_the_decision_to_the_default) {
  throwing_policy bad;
  EXPECT_TRUE(retry(trouble, 1, &bad));
  EXPECT_FALSE(retry(trouble, 4, &bad));
  EXPECT_TRUE(ask_reconnect(&bad, timing, {2, trouble, 1}, random));
  EXPECT_EQ(ask_restart(&bad, timing, {"dc_pool", 1}, random), 0ms);
}

TEST_F(policies, no_policy_makes_a_client_spin) {
  eager_policy eager;
  EXPECT_EQ(retry(trouble, 1, &eager), 100ms);
  EXPECT_EQ(ask_reconnect(&eager, timing, {2, trouble, 1}, random), 10ms);
  EXPECT_EQ(ask_restart(&eager, timing, {"dc_pool", 1}, random), std::nullopt);
}

} // namespace cafegram
