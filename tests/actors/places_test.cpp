#include "places_kit.hpp"

// Where a client goes: home moves with its login, addresses are kept up to date.
namespace cafegram {

namespace {

using namespace std::chrono_literals;

struct places : test::places_kit {};

} // namespace

// -- home moves ---------------------------------------------------------------------------------

TEST_F(places, a_login_goes_along_when_home_moves) {
  log_in(false);
  start();
  const auto call_there = call(question);
  reject<asked>(303, "USER_MIGRATE_4");
  EXPECT_FALSE(call_there->settled());
  EXPECT_EQ(place_of<give>(), 2);
  EXPECT_EQ(place_of<take>(), 0);
  reply<give>(exported());
  EXPECT_EQ(place_of<take>(), 4);
  EXPECT_EQ(count<asked>(), 1U) << "not before the login is there";
  EXPECT_EQ(status().home_dc, 2);
  reply<take>();
  EXPECT_EQ(place_of<asked>(), 4);
  reply<asked>();
  EXPECT_TRUE(call_there->ok);
  EXPECT_EQ(status().home_dc, 4);
  EXPECT_EQ(status().login, login_state::logged_in);
  EXPECT_EQ(stored->home_dc, 4);
  call(question);
  EXPECT_EQ(place_of<asked>(), 4);
  EXPECT_FALSE(newest<asked>().first->calls[newest<asked>().second].without_updates);
  EXPECT_EQ(count<log_in_anew>(), 0U);
  // The old home is one beside home now, and has the login.
  call(question, invoke_on_dc(2));
  EXPECT_EQ(place_of<asked>(), 2);
  EXPECT_EQ(count<give>(), 1U);
}

TEST_F(places, all_calls_that_hear_of_it_wait_for_one_move) {
  log_in(true);
  start();
  const auto first = call(question);
  const auto second = call(tl::help::getAppConfig{});
  reject<asked>(303, "USER_MIGRATE_4");
  reject<tl::help::getAppConfig>(303, "USER_MIGRATE_4");
  reply<give>(exported());
  reply<take>();
  EXPECT_EQ(count<give>(), 1U);
  EXPECT_EQ(count<take>(), 1U);
  reply<asked>();
  reply<tl::help::getAppConfig>();
  EXPECT_TRUE(first->ok && second->ok);
}

TEST_F(places, a_call_waits_for_a_move_no_longer_than_it_may) {
  log_in(true);
  start();
  const auto late = call(question, {.timeout = 5s});
  reject<asked>(303, "USER_MIGRATE_4");
  pass(4s);
  EXPECT_FALSE(late->settled());
  pass(1s);
  EXPECT_TRUE(late->failed_with(errc::deadline));
  reply<give>(exported());
  reply<take>();
  EXPECT_EQ(count<asked>(), 1U) << "nobody waits for it any more";
  EXPECT_EQ(status().home_dc, 4) << "and home has moved all the same";
  EXPECT_EQ(late->times, 1);
}

TEST_F(places, a_stop_lets_a_call_that_waits_for_a_move_come_to_its_end) {
  log_in(true);
  start();
  const auto moving = call(question);
  reject<asked>(303, "USER_MIGRATE_4");
  const auto asking = call(tl::help::getAppConfig{});
  reject<tl::help::getAppConfig>(303, "FILE_MIGRATE_9");
  send(stop_request{10s});
  EXPECT_FALSE(moving->settled());
  EXPECT_FALSE(asking->settled());
  reply<give>(exported());
  reply<take>();
  reply<asked>();
  EXPECT_TRUE(moving->ok);
  pass(10s, 1s);
  EXPECT_TRUE(asking->settled()) << "no later than the stop";
}

// Who has no time left takes nobody's turn.
TEST_F(places, a_call_whose_time_is_over_during_a_move_waits_for_nothing_else) {
  log_in(true);
  start();
  const auto late = call(question, {.timeout = 5s, .flood_wait_threshold = 60s});
  reject<asked>(303, "USER_MIGRATE_4");
  const auto flooded = call(question, {.flood_wait_threshold = 60s});
  reject<asked>(420, "FLOOD_WAIT_30");
  EXPECT_FALSE(flooded->settled());
  pass(5s);
  EXPECT_TRUE(late->failed_with(errc::deadline));
}

TEST_F(places, a_call_that_named_the_old_home_goes_to_the_new_one) {
  log_in(true);
  start();
  const auto named = call(question, invoke_on_dc(2));
  reject<asked>(303, "USER_MIGRATE_4");
  reply<give>(exported());
  reply<take>();
  EXPECT_EQ(place_of<asked>(), 4);
  reply<asked>();
  EXPECT_TRUE(named->ok);
}

TEST_F(places, a_call_for_a_cdn_goes_where_there_is_nothing_else) {
  start();
  tl::config told;
  told.date = 1'750'000'000;
  told.expires = told.date + 3600;
  told.this_dc = 2;
  for (const std::int32_t dc : {203, 204}) {
    tl::dcOption where;
    where.cdn = true;
    where.id = dc;
    where.ip_address = "127.0.0.1";
    where.port = 443;
    told.dc_options.emplace_back(where);
  }
  reply<tl::help::getConfig>(tl::encode(told));
  using part = tl::upload::getCdnFile;
  call(part{.file_token = bytes{7}}, {.dc = 203, .purpose = connection_purpose::cdn});
  const auto key = crypto::telegram_test_keys().front().to_pem();
  reply<tl::help::getCdnConfig>(tl::encode(tl::CdnConfig{
      tl::cdnConfig{.public_keys = {tl::cdnPublicKey{.dc_id = 203, .public_key = key},
                                    tl::cdnPublicKey{.dc_id = 204, .public_key = key}}}}));
  ASSERT_EQ(place_of<part>(), 203);
  reject<part>(303, "FILE_MIGRATE_204");
  EXPECT_EQ(place_of<part>(), 204);
}

TEST_F(places, a_bot_is_not_refused_for_its_key_for_ever) {
  options.bot_token = "7:token";
  start();
  for (std::size_t n = 1; n <= 6; ++n) {
    ASSERT_EQ(count<log_in_anew>(), n);
    reject<log_in_anew>(406, "AUTH_KEY_DUPLICATED");
    pass(9s, 1s);
  }
  EXPECT_EQ(count<log_in_anew>(), 6U) << "each costs a key exchange";
  EXPECT_EQ(status().login, login_state::logged_out);
}

TEST_F(places, a_person_whose_login_is_not_let_go_keeps_it_where_it_is) {
  log_in(false);
  start();
  const auto refused = call(question);
  reject<asked>(303, "USER_MIGRATE_4");
  reject<give>(400, "DC_ID_INVALID");
  ASSERT_TRUE(refused->why);
  EXPECT_TRUE(refused->why->is_rpc("DC_ID_INVALID"));
  EXPECT_TRUE(refused->why->what.contains("dc 4")) << refused->why->what;
  EXPECT_EQ(status().login, login_state::logged_in);
  EXPECT_EQ(status().home_dc, 2);
  call(question);
  reject<asked>(303, "USER_MIGRATE_4");
  EXPECT_EQ(count<give>(), 2U) << "the next one tries again";
}

TEST_F(places, a_bot_whose_login_is_not_let_go_logs_in_anew) {
  options.bot_token = "7:token";
  log_in(true);
  start();
  const auto refused = call(question);
  reject<asked>(303, "USER_MIGRATE_4");
  reject<give>(400, "DC_ID_INVALID");
  EXPECT_TRUE(refused->settled());
  EXPECT_EQ(place_of<log_in_anew>(), 2);
  reject<log_in_anew>(303, "USER_MIGRATE_4");
  EXPECT_EQ(count<give>(), 1U) << "there is nothing to carry any more";
  EXPECT_EQ(place_of<log_in_anew>(), 4);
}

TEST_F(places, a_bot_whose_login_is_not_taken_keeps_it) {
  options.bot_token = "7:token";
  log_in(true);
  start();
  const auto refused = call(question);
  reject<asked>(303, "USER_MIGRATE_4");
  for (const auto& [code, text] : {std::pair{400, "AUTH_BYTES_INVALID"},
                                   {406, "AUTH_KEY_DUPLICATED"},
                                   {400, "AUTH_BYTES_INVALID"}}) {
    EXPECT_FALSE(refused->settled()) << text;
    reply<give>(exported());
    reject<take>(code, text);
  }
  ASSERT_TRUE(refused->why);
  EXPECT_TRUE(refused->why->is_rpc("AUTH_BYTES_INVALID"));
  EXPECT_EQ(count<log_in_anew>(), 0U);
  EXPECT_EQ(status().login, login_state::logged_in);
}

TEST_F(places, a_login_that_has_ended_does_not_end_again) {
  start();
  send(login_lost{error::from_rpc(401, "AUTH_KEY_UNREGISTERED")});
  EXPECT_TRUE(kept->ended.empty());
}

TEST_F(places, a_fault_that_passes_ends_no_login) {
  options.bot_token = "7:token";
  log_in(true);
  start();
  const auto unlucky = call(question);
  reject<asked>(303, "USER_MIGRATE_4");
  reject<give>(500, "INTERNAL");
  ASSERT_TRUE(unlucky->why);
  EXPECT_TRUE(unlucky->why->is_rpc("INTERNAL"));
  EXPECT_EQ(count<log_in_anew>(), 0U);
  EXPECT_EQ(status().login, login_state::logged_in);
}

TEST_F(places, an_old_home_that_does_not_know_the_login_ends_it) {
  log_in(false);
  start();
  const auto refused = call(question);
  reject<asked>(303, "USER_MIGRATE_4");
  reject<give>(401, "AUTH_KEY_UNREGISTERED");
  ASSERT_TRUE(refused->why);
  EXPECT_TRUE(refused->why->is_rpc("AUTH_KEY_UNREGISTERED"));
  EXPECT_NE(status().login, login_state::logged_in);
}

TEST_F(places, what_says_nothing_of_the_login_does_not_end_it) {
  log_in(false);
  start();
  for (const auto* text : {"AUTH_KEY_PERM_EMPTY", "SESSION_PASSWORD_NEEDED"}) {
    call(question);
    reject<asked>(303, "USER_MIGRATE_4");
    reject<give>(401, text);
    EXPECT_EQ(status().login, login_state::logged_in) << text;
  }
}

TEST_F(places, a_login_that_two_data_centres_are_refused_ends_once) {
  options.bot_token = "7:token";
  log_in(true);
  start();
  call(question);
  reject<asked>(303, "USER_MIGRATE_4");
  call(tl::help::getAppConfig{}, invoke_on_dc(5));
  ASSERT_EQ(count<give>(), 2U);
  auto& home = *newest<give>().first;
  for (std::size_t n = 0; n < home.calls.size(); ++n) {
    if (tl::reader{*home.calls[n].function}.peek_u32() == give::tl_id) {
      home.refuse(n, 401, "SESSION_REVOKED");
    }
  }
  system.run();
  EXPECT_EQ(kept->ended.size(), 1U);
}

TEST_F(places, a_pool_that_dies_during_a_move_leaves_nobody_waiting) {
  log_in(true);
  start();
  const auto lost = call(question);
  reject<asked>(303, "USER_MIGRATE_4");
  caf::anon_send_exit(caf::actor_cast<caf::actor>(lines.front()->owner), caf::exit_reason::kill);
  system.run();
  EXPECT_TRUE(lost->failed_with(errc::cancelled));
  pass(3s, 100ms);
  const auto call_there = call(question);
  EXPECT_EQ(place_of<asked>(), 2);
  reject<asked>(303, "USER_MIGRATE_4");
  reply<give>(exported());
  reply<take>();
  reply<asked>();
  EXPECT_TRUE(call_there->ok);
}

TEST_F(places, without_a_login_home_moves_at_once) {
  start();
  for (const auto* text : {"NETWORK_MIGRATE_4", "PHONE_MIGRATE_2", "USER_MIGRATE_4"}) {
    const auto moved = call(question);
    reject<asked>(303, text);
    reply<asked>();
    EXPECT_TRUE(moved->ok) << text;
    EXPECT_EQ(place_of<asked>(), text[std::string_view{text}.size() - 1] - '0');
  }
  EXPECT_EQ(count<give>(), 0U);
}

// -- help.getConfig -----------------------------------------------------------------------------

TEST_F(places, the_configuration_is_asked_for_again_when_it_expires) {
  const std::pair<std::chrono::seconds, std::chrono::seconds> times[] = {
      {1h, 1h}, {5s, 60s}, {240h, 24h}, {-5s, 60s}}; // told, and within bounds
  start();
  std::size_t seen = 1;
  for (const auto& [told, meant] : times) {
    ASSERT_EQ(count<tl::help::getConfig>(), seen) << told.count();
    reply<tl::help::getConfig>(config(told));
    pass(meant - 1s);
    EXPECT_EQ(count<tl::help::getConfig>(), seen) << told.count();
    pass(1s);
    ++seen;
  }
  EXPECT_EQ(count<tl::help::getConfig>(), seen);
}

TEST_F(places, a_configuration_that_does_not_come_is_asked_for_ever_later) {
  start();
  auto last = now();
  std::chrono::milliseconds before{};
  for (std::size_t n = 1; n < 5; ++n) {
    reject<tl::help::getConfig>(400, "NO");
    while (count<tl::help::getConfig>() == n) {
      pass(1s);
      ASSERT_LT(now() - last, 15min);
    }
    const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(now() - last);
    EXPECT_GT(waited, before);
    before = waited;
    last = now();
  }
}

TEST_F(places, a_configuration_that_never_came_is_not_asked_for_at_each_trouble) {
  start();
  reject<tl::help::getConfig>(400, "NO");
  for (int n = 0; n < 5; ++n) {
    for (const auto phase :
         {connection_phase::waiting, connection_phase::waiting, connection_phase::ready}) {
      lines.front()->tell(
          connection_report{2, phase, "x", false, phase == connection_phase::waiting});
      system.run();
    }
    EXPECT_EQ(count<tl::help::getConfig>(), 1U);
  }
  pass(2min, 1s);
  EXPECT_GE(count<tl::help::getConfig>(), 2U) << "in its time";
}

TEST_F(places, the_configuration_is_asked_for_after_a_move) {
  start();
  reply<tl::help::getConfig>(config(1h));
  call(question);
  reject<asked>(303, "NETWORK_MIGRATE_4");
  EXPECT_EQ(count<tl::help::getConfig>(), 2U);
  EXPECT_EQ(place_of<tl::help::getConfig>(), 4);
}

TEST_F(places, the_configuration_is_asked_for_after_trouble_with_the_addresses) {
  start();
  reply<tl::help::getConfig>(config(1h));
  auto& line = *lines.front();
  const auto report = [&](connection_phase phase, bool failed) {
    line.tell(connection_report{2, phase, "x", false, failed});
    system.run();
  };
  pass(5min);
  report(connection_phase::waiting, true);
  report(connection_phase::connecting, false);
  report(connection_phase::ready, false);
  pass(5min);
  EXPECT_EQ(count<tl::help::getConfig>(), 1U) << "a cut is no trouble with addresses";
  report(connection_phase::waiting, true);
  report(connection_phase::connecting, false);
  report(connection_phase::waiting, true);
  EXPECT_EQ(count<tl::help::getConfig>(), 1U) << "nobody is there to be asked";
  report(connection_phase::connecting, false);
  report(connection_phase::ready, false);
  EXPECT_EQ(count<tl::help::getConfig>(), 2U);
  reply<tl::help::getConfig>(config(1h));
  for (int n = 0; n < 3; ++n) {
    report(connection_phase::waiting, true);
    report(connection_phase::waiting, true);
    report(connection_phase::ready, false);
  }
  EXPECT_EQ(count<tl::help::getConfig>(), 2U) << "once a minute at most";
  pass(60s);
  EXPECT_EQ(count<tl::help::getConfig>(), 3U);
}

} // namespace cafegram
