#include <cafegram/protocol/session.hpp>
#include <cafegram/tl/api.hpp>

#include "pool_kit.hpp"

namespace cafegram {

namespace {

using namespace std::chrono_literals;

struct dc_pool_lines : test::pool_kit {
  static bytes exported() {
    return tl::encode(tl::auth::ExportedAuthorization{
        tl::auth::exportedAuthorization{.id = 42, .bytes = bytes{1, 2, 3}}});
  }
  static std::uint32_t function_of(const submit_call& call) {
    return tl::reader{*call.function}.peek_u32();
  }
};

} // namespace

// -- connections --------------------------------------------------------------------------------

TEST_F(dc_pool_lines, home_has_one_main_connection_whatever_is_called) {
  start();
  make_keys(*lines.at(0));
  for (int n = 0; n < 50; ++n) {
    call();
  }
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]->calls.size(), 50U);
  EXPECT_FALSE(lines[0]->calls[0].without_updates);
}

TEST_F(dc_pool_lines, answers_that_came_together_settle_each_its_own_call) {
  start();
  make_keys(*lines.at(0));
  const auto first = call();
  const auto second = call();
  const auto third = call();
  lines[0]->tell(calls_settled{{{lines[0]->calls.at(2).id, bytes{9, 9, 9, 9}, {}},
                                {lines[0]->calls.at(0).id, nullptr, error::from_rpc(400, "NO")},
                                {lines[0]->calls.at(2).id, bytes{9, 9, 9, 9}, {}}}});
  settle();
  EXPECT_TRUE(third->ok);
  EXPECT_TRUE(first->why && first->why->is_rpc("NO"));
  EXPECT_FALSE(second->settled());
}

TEST_F(dc_pool_lines, work_is_spread_over_at_most_so_many_connections_of_a_purpose) {
  profile->pool.download_connections = 3;
  start();
  make_keys(*lines.at(0));
  for (int n = 0; n < 9; ++n) {
    call({.purpose = connection_purpose::download});
  }
  ASSERT_EQ(lines.size(), 4U);
  for (std::size_t n = 1; n < 4; ++n) {
    EXPECT_EQ(lines[n]->calls.size(), 3U) << n;
    EXPECT_TRUE(lines[n]->calls[0].without_updates);
  }
  EXPECT_TRUE(lines[0]->calls.empty());
}

TEST_F(dc_pool_lines, an_idle_connection_takes_the_next_call_before_another_is_opened) {
  start();
  make_keys(*lines.at(0));
  call({.purpose = connection_purpose::upload});
  EXPECT_FALSE(lines.at(1)->calls.at(0).gzip) << "parts of files are not compressed";
  lines[1]->answer(0);
  settle();
  call({.purpose = connection_purpose::upload});
  EXPECT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[1]->calls.size(), 2U);
}

TEST_F(dc_pool_lines, parts_of_files_are_not_compressed_whatever_they_go_over) {
  start();
  make_keys(*lines.at(0));
  call_of(tl::encode(tl::upload::saveFilePart{.bytes = bytes(64)}), {});
  call_of(tl::encode(tl::upload::saveBigFilePart{.bytes = bytes(64)}), {});
  call();
  const auto& given = lines[0]->calls;
  ASSERT_EQ(given.size(), 3U);
  EXPECT_FALSE(given[0].gzip || given[1].gzip);
  EXPECT_TRUE(given[2].gzip);
}

TEST_F(dc_pool_lines, what_is_idle_is_closed_but_for_homes_main_connection) {
  profile->pool.idle_after = 10s;
  start();
  make_keys(*lines.at(0));
  const auto done = call({.purpose = connection_purpose::upload});
  const auto open = call({.purpose = connection_purpose::download});
  lines.at(1)->answer(0);
  settle();
  EXPECT_TRUE(done->ok);
  pass(11s, 1s);
  EXPECT_TRUE(lines[1]->ended);
  EXPECT_FALSE(lines[2]->ended) << "it has a call";
  EXPECT_FALSE(lines[0]->ended) << "home stays";
  lines[2]->answer(0);
  settle();
  EXPECT_TRUE(open->ok);
  pass(11s, 1s);
  EXPECT_TRUE(lines[2]->ended);
  call({.purpose = connection_purpose::upload});
  EXPECT_EQ(lines.size(), 4U) << "opened again when it is wanted";
}

TEST_F(dc_pool_lines, files_go_to_media_addresses_with_a_key_of_their_own) {
  start();
  protocol::dc_address media;
  media.dc = protocol::dc_id{2};
  media.host = "127.0.0.9";
  media.media_only = true;
  send(addresses_learned{{media}});
  make_keys(*lines.at(0));
  call({.purpose = connection_purpose::upload});
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_TRUE(lines[1]->setup.route.media);
  ASSERT_EQ(lines[1]->setup.route.addresses.size(), 1U);
  EXPECT_EQ(lines[1]->setup.route.addresses[0].host, "127.0.0.9");
  EXPECT_TRUE(lines[1]->keys().make) << "a temporary key";
  EXPECT_TRUE(lines[1]->keys().permanent);
}

TEST_F(dc_pool_lines, a_data_centre_that_is_known_for_files_alone_is_not_called) {
  start();
  protocol::dc_address media;
  media.dc = protocol::dc_id{6};
  media.host = "127.0.0.9";
  media.media_only = true;
  send(addresses_learned{{media}});
  const auto refused = call({.dc = 6, .purpose = connection_purpose::upload});
  ASSERT_TRUE(refused->why);
  EXPECT_EQ(refused->why->code, errc::bad_argument);
  EXPECT_EQ(lines.size(), 1U) << "its key would be made over a main connection";
}

TEST_F(dc_pool_lines, a_call_goes_behind_those_with_a_tag_that_its_connection_has) {
  start();
  make_keys(*lines.at(0));
  call({.tag = 5});
  const auto answered = call({.tag = 5});
  call({.purpose = connection_purpose::upload, .tag = 5});
  call({.tag = 6});
  lines[0]->answer(1);
  settle();
  EXPECT_TRUE(answered->ok);
  call({.tag = 5, .after = 5});
  const auto& given = lines[0]->calls;
  ASSERT_EQ(given.size(), 4U);
  EXPECT_EQ(given[3].after, std::vector{given[0].id});
  for (int n = 0; n < 100; ++n) {
    call({.tag = 7});
  }
  call({.after = 7});
  EXPECT_EQ(given.back().after.size(), protocol::max_requests_before);
  EXPECT_EQ(given.back().after.back(), given[given.size() - 2].id);
  EXPECT_TRUE(given[2].after.empty());
}

TEST_F(dc_pool_lines, calls_are_given_again_in_their_order) {
  start();
  make_keys(*lines.at(0));
  for (int n = 0; n < 20; ++n) {
    call({.may_repeat = true});
  }
  lines[0]->die();
  settle();
  pass(2s, 100ms);
  ASSERT_EQ(lines.size(), 2U);
  ASSERT_EQ(lines[1]->calls.size(), 20U);
  EXPECT_TRUE(std::ranges::is_sorted(lines[1]->calls, {}, &submit_call::id));
}

TEST_F(dc_pool_lines, updates_count_from_the_main_connection_alone) {
  start();
  make_keys(*lines.at(0));
  call({.purpose = connection_purpose::download});
  lines[0]->tell(raw_updates{});
  lines[1]->tell(raw_updates{});
  settle();
  EXPECT_EQ(updates, 1U);
}

TEST_F(dc_pool_lines, a_migration_moves_home_and_closes_the_old_one_when_it_is_idle) {
  profile->pool.idle_after = 10s;
  start();
  make_keys(*lines.at(0));
  const auto old = call();
  caf::anon_send(pool, caf::migrate_atom_v, 4);
  settle();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[1]->setup.dc, 4);
  call();
  ASSERT_EQ(lines[1]->calls.size(), 1U);
  EXPECT_FALSE(lines[1]->calls[0].without_updates);
  pass(11s, 1s);
  EXPECT_FALSE(lines[0]->ended);
  lines[0]->answer(0);
  settle();
  EXPECT_TRUE(old->ok);
  pass(11s, 1s);
  EXPECT_TRUE(lines[0]->ended);
}

// -- keys ---------------------------------------------------------------------------------------

TEST_F(dc_pool_lines, one_connection_makes_keys_and_the_others_wait_for_them) {
  start();
  call({.purpose = connection_purpose::upload});
  call({.purpose = connection_purpose::download});
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_TRUE(lines[0]->keys().make);
  EXPECT_FALSE(lines[1]->keys().make);
  EXPECT_FALSE(lines[2]->keys().make);
  make_keys(*lines[0]);
  for (const auto& line : lines) {
    ASSERT_TRUE(line->keys().temporary);
    EXPECT_EQ(line->keys().temporary->key->id(), test::key_of(77)->id());
    EXPECT_FALSE(line->keys().make);
  }
  EXPECT_TRUE(stored->data_centres.at(2).auth_key) << "the permanent key is stored";
  EXPECT_EQ(bytes(stored->data_centres.at(2).auth_key->view().begin(),
                  stored->data_centres.at(2).auth_key->view().end()),
            to_bytes(permanent(2).key->view()))
      << "and the temporary one is not";
}

TEST_F(dc_pool_lines, a_temporary_key_is_renewed_an_hour_before_its_end) {
  start();
  make_keys(*lines.at(0));
  pass(22h + 59min, 1min);
  EXPECT_FALSE(lines[0]->keys().renew);
  pass(2min, 1min);
  EXPECT_TRUE(lines[0]->keys().renew);
  lines[0]->tell(temporary(2, 78));
  settle();
  EXPECT_FALSE(lines[0]->keys().renew);
  EXPECT_EQ(lines[0]->keys().temporary->key->id(), test::key_of(78)->id());
}

TEST_F(dc_pool_lines, a_temporary_key_that_could_not_be_renewed_is_not_used_past_its_end) {
  start();
  make_keys(*lines.at(0));
  pass(24h, 1min);
  EXPECT_FALSE(lines[0]->keys().temporary);
  EXPECT_TRUE(lines[0]->keys().make);
  EXPECT_TRUE(lines[0]->keys().permanent);
}

TEST_F(dc_pool_lines, minus_404_on_a_temporary_key_costs_no_login) {
  start(true, {{2, permanent(2)}});
  make_keys(*lines.at(0));
  lines[0]->tell(key_news{.dc = 2, .key_id = test::key_of(77)->id(), .why = {}});
  settle();
  EXPECT_TRUE(lines[0]->keys().permanent);
  EXPECT_FALSE(lines[0]->keys().temporary);
  EXPECT_TRUE(lines[0]->keys().make);
  EXPECT_TRUE(lost_logins.empty());
}

TEST_F(dc_pool_lines, a_permanent_key_that_cannot_be_bound_ends_the_login_at_home) {
  start(true, {{2, permanent(2)}});
  key_news news{.dc = 2,
                .key_id = 1,
                .what = key_news::kind::not_bound,
                .server_time = 1'061,
                .permanent = permanent(2).key->id(),
                .why = error::from_rpc(400, "ENCRYPTED_MESSAGE_INVALID")};
  lines.at(0)->tell(news);
  settle();
  ASSERT_EQ(lost_logins.size(), 1U);
  EXPECT_FALSE(lines[0]->keys().permanent);
  EXPECT_TRUE(lines[0]->keys().make);
}

TEST_F(dc_pool_lines, a_duplicated_key_ends_the_login_at_home) {
  start(true, {{2, permanent(2)}});
  make_keys(*lines.at(0));
  const auto first = call();
  const auto second = call();
  for (const std::size_t n : {0U, 1U}) {
    lines[0]->tell(key_news{.dc = 2,
                            .key_id = test::key_of(77)->id(),
                            .what = key_news::kind::duplicated,
                            .why = error::from_rpc(406, "AUTH_KEY_DUPLICATED")});
    lines[0]->refuse(n, 406, "AUTH_KEY_DUPLICATED");
  }
  settle();
  ASSERT_TRUE(first->why && second->why);
  EXPECT_TRUE(first->why->is_rpc("AUTH_KEY_DUPLICATED")) << "the caller is told";
  ASSERT_EQ(lost_logins.size(), 1U);
  EXPECT_EQ(kept->ended.size(), 1U) << "and the session put aside";
  EXPECT_FALSE(lines[0]->keys().permanent);
  EXPECT_TRUE(lines[0]->keys().make);
}

TEST_F(dc_pool_lines, a_login_whose_key_is_not_known_is_kept_and_said_so) {
  profile->forward_secrecy = false;
  start(true, {{2, permanent(2)}});
  const auto late = call({.timeout = 10s});
  lines.at(0)->tell(key_news{.dc = 2, .key_id = permanent(2).key->id(), .why = {}});
  settle();
  EXPECT_TRUE(lines[0]->keys().permanent);
  EXPECT_TRUE(reports.back().key_unknown);
  pass(11s, 1s);
  ASSERT_TRUE(late->why);
  EXPECT_EQ(late->why->code, errc::key_unknown);
  call();
  lines[0]->answer(1);
  settle();
  EXPECT_FALSE(reports.back().key_unknown) << "it has passed";
  EXPECT_TRUE(lost_logins.empty());
}

TEST_F(dc_pool_lines, an_order_counts_what_the_pool_has_heard) {
  start();
  EXPECT_EQ(lines.at(0)->keys().after, 0U);
  lines[0]->tell(permanent(2));
  settle();
  EXPECT_EQ(lines[0]->keys().after, 1U);
  EXPECT_TRUE(lines[0]->keys().make);
  lines[0]->tell(temporary(2));
  settle();
  EXPECT_EQ(lines[0]->keys().after, 2U);
}

// -- logins elsewhere ---------------------------------------------------------------------------

TEST_F(dc_pool_lines, the_login_is_carried_once_for_all_that_wait) {
  start(true, {{2, permanent(2)}});
  make_keys(*lines.at(0));
  const auto first = call({.dc = 4, .purpose = connection_purpose::download});
  const auto second = call({.dc = 4, .purpose = connection_purpose::download});
  ASSERT_EQ(lines.size(), 1U) << "nothing goes there before";
  ASSERT_EQ(lines[0]->calls.size(), 1U);
  EXPECT_EQ(function_of(lines[0]->calls[0]), tl::auth::exportAuthorization::tl_id);
  lines[0]->answer(0, exported());
  settle();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[1]->setup.dc, 4);
  ASSERT_EQ(lines[1]->calls.size(), 1U);
  EXPECT_EQ(function_of(lines[1]->calls[0]), tl::auth::importAuthorization::tl_id);
  stored->data_centres[4];
  lines[1]->answer(0);
  settle();
  EXPECT_TRUE(stored->data_centres.at(4).authorised);
  ASSERT_EQ(lines.size(), 4U);
  lines[2]->answer(0);
  lines[3]->answer(0);
  settle();
  EXPECT_TRUE(first->ok && second->ok);
  call({.dc = 4});
  EXPECT_EQ(lines[0]->calls.size(), 1U) << "no second export";
}

TEST_F(dc_pool_lines, a_login_carried_in_an_earlier_life_is_not_carried_again) {
  start(true, {{2, permanent(2)}, {4, permanent(4)}}, {4});
  call({.dc = 4});
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[1]->calls.size(), 1U);
  EXPECT_TRUE(lines[0]->calls.empty());
}

TEST_F(dc_pool_lines, a_401_elsewhere_means_carry_it_again) {
  start(true, {{2, permanent(2)}, {4, permanent(4)}}, {4});
  const auto pending = call({.dc = 4});
  lines.at(1)->refuse(0, 401, "AUTH_KEY_UNREGISTERED");
  settle();
  EXPECT_FALSE(pending->settled());
  ASSERT_EQ(lines[0]->calls.size(), 1U);
  lines[0]->answer(0, exported());
  settle();
  ASSERT_EQ(lines[1]->calls.size(), 2U);
  lines[1]->answer(1);
  settle();
  ASSERT_EQ(lines[1]->calls.size(), 3U);
  lines[1]->answer(2);
  settle();
  EXPECT_TRUE(pending->ok);
}

TEST_F(dc_pool_lines, a_duplicated_key_elsewhere_is_made_anew_and_the_login_carried_again) {
  profile->forward_secrecy = false;
  start(true, {{2, permanent(2)}, {4, permanent(4)}}, {4});
  const auto pending = call({.dc = 4});
  auto& there = *lines.at(1);
  there.tell(key_news{.dc = 4,
                      .key_id = permanent(4).key->id(),
                      .what = key_news::kind::duplicated,
                      .why = error::from_rpc(406, "AUTH_KEY_DUPLICATED")});
  there.refuse(0, 406, "AUTH_KEY_DUPLICATED");
  settle();
  EXPECT_TRUE(lost_logins.empty()) << "home has said nothing";
  EXPECT_TRUE(there.keys().make);
  EXPECT_TRUE(lines[0]->keys().permanent);
  ASSERT_EQ(lines[0]->calls.size(), 1U);
  lines[0]->answer(0, exported());
  settle();
  ASSERT_EQ(there.calls.size(), 2U);
  there.answer(1);
  settle();
  ASSERT_EQ(there.calls.size(), 3U);
  there.answer(2);
  settle();
  EXPECT_TRUE(pending->ok);
}

TEST_F(dc_pool_lines, a_401_elsewhere_does_not_go_round_for_ever) {
  start(true, {{2, permanent(2)}, {4, permanent(4)}}, {4});
  const auto pending = call({.dc = 4});
  for (int n = 0; n < 10 && !pending->settled(); ++n) {
    const auto& last = lines[1]->calls.back();
    if (function_of(last) == tl::auth::importAuthorization::tl_id) {
      lines[1]->answer(lines[1]->calls.size() - 1);
    } else {
      lines[1]->refuse(lines[1]->calls.size() - 1, 401, "AUTH_KEY_UNREGISTERED");
      settle();
      if (!pending->settled()) {
        lines[0]->answer(lines[0]->calls.size() - 1, exported());
      }
    }
    settle();
  }
  ASSERT_TRUE(pending->why);
  EXPECT_TRUE(pending->why->is_rpc("AUTH_KEY_UNREGISTERED"));
  EXPECT_TRUE(lost_logins.empty());
}

TEST_F(dc_pool_lines, a_login_that_cannot_be_carried_is_told_to_all_that_wait) {
  start(true, {{2, permanent(2)}});
  const auto first = call({.dc = 4});
  const auto second = call({.dc = 4});
  lines.at(0)->refuse(0, 400, "DC_ID_INVALID");
  settle();
  ASSERT_TRUE(first->why && second->why);
  EXPECT_TRUE(first->why->is_rpc("DC_ID_INVALID"));
  call({.dc = 4});
  EXPECT_EQ(lines[0]->calls.size(), 2U) << "the next one tries again";
}

TEST_F(dc_pool_lines, without_a_login_nothing_is_carried) {
  start();
  call({.dc = 4});
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[1]->calls.size(), 1U);
}

// -- the end of a login -------------------------------------------------------------------------

TEST_F(dc_pool_lines, after_a_log_out_all_keys_are_destroyed_and_new_ones_made) {
  start(true, {{2, permanent(2)}, {4, permanent(4)}}, {4});
  auto done = std::make_shared<bool>(false);
  system.spawn([done, to = pool](caf::event_based_actor* self) {
    self->request(to, caf::infinite, destroy_keys{})
        .then([done](caf::ok_atom) { *done = true; }, [](const caf::error&) { FAIL(); });
  });
  settle();
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_TRUE(lines[1]->setup.destroy_key && lines[2]->setup.destroy_key);
  EXPECT_TRUE(lines[0]->keys().make);
  EXPECT_FALSE(lines[0]->keys().permanent);
  lines[1]->tell(key_news{.dc = 2, .what = key_news::kind::destroyed, .why = {}});
  settle();
  EXPECT_FALSE(*done);
  lines[2]->tell(key_news{.dc = 4, .what = key_news::kind::destroyed, .why = {}});
  settle();
  EXPECT_TRUE(*done);
  EXPECT_TRUE(lines[1]->ended && lines[2]->ended);
}

TEST_F(dc_pool_lines, a_key_that_is_not_destroyed_in_time_holds_nobody_up) {
  start(true, {{2, permanent(2)}});
  auto done = std::make_shared<bool>(false);
  system.spawn([done, to = pool](caf::event_based_actor* self) {
    self->request(to, caf::infinite, destroy_keys{})
        .then([done](caf::ok_atom) { *done = true; }, [](const caf::error&) { FAIL(); });
  });
  settle();
  EXPECT_FALSE(*done);
  pass(6s, 1s);
  EXPECT_TRUE(*done);
  EXPECT_TRUE(lines.at(1)->ended);
}

} // namespace cafegram
