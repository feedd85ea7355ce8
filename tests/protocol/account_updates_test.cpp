#include "updates_kit.hpp"

namespace cafegram::protocol::test {
namespace {

struct account_updates_ : testing::Test {
  updates_client client;
  void SetUp() override { client.begin(); }
};

using items = std::vector<update_item>;

// -- live ---------------------------------------------------------------------------------------

TEST_F(account_updates_, what_follows_is_told_and_saved_at_once) {
  const auto out = client.come({item(common_box, 11, "a"), item(common_box, 14, "b", 3),
                                item(secondary_box, 4, "q"), loose("typing")});
  EXPECT_EQ(told(out), "common:a,b secondary:q loose:typing");
  EXPECT_EQ(out.save, (account_place{14, 4, 1000, 1}));
  const auto& first = std::get<accepted_updates>(out.told.front());
  EXPECT_EQ(first.from, 10);
  EXPECT_EQ(first.to, 14);
}

TEST_F(account_updates_, what_was_told_is_dropped) {
  client.come(item(common_box, 11, "a"));
  const auto out = client.come({item(common_box, 11, "a"), item(secondary_box, 3, "q")});
  EXPECT_TRUE(out.empty());
}

TEST_F(account_updates_, what_overtook_is_put_in_order_without_a_question) {
  EXPECT_TRUE(client.come(item(common_box, 13, "c")).empty());
  EXPECT_TRUE(client.come(item(common_box, 12, "b")).empty());
  client.now += 400ms;
  EXPECT_EQ(told(client.come(item(common_box, 11, "a"))), "common:a,b,c");
  EXPECT_FALSE(client.pass(10s).ask);
}

TEST_F(account_updates_, a_gap_is_waited_for_half_a_second_and_then_asked_about) {
  client.come(item(common_box, 13, "c"));
  EXPECT_EQ(client.boxes.next_deadline(), client.now + 500ms);
  EXPECT_TRUE(client.pass(499ms).empty());
  EXPECT_EQ(client.pass(1ms).ask, (account_place{10, 3, 1000, 1}));
  EXPECT_EQ(told(client.whole({item(common_box, 0, "a", 0), item(common_box, 12, "b")},
                              {12, 3, 1001, 1})),
            "common:a,b,c");
  EXPECT_EQ(client.boxes.stands().pts, 13);
}

TEST_F(account_updates_, an_update_without_steps_holds_at_its_value_and_once) {
  EXPECT_EQ(told(client.come(item(common_box, 10, "still", 0))), "common:still");
  EXPECT_TRUE(client.come(item(common_box, 10, "still", 0)).empty());
  EXPECT_EQ(told(client.come(item(common_box, 10, "other", 0))), "common:other");
  EXPECT_TRUE(client.come(item(common_box, 11, "later", 0)).empty());
  EXPECT_EQ(told(client.come(item(common_box, 11, "a"))), "common:a,later");
  EXPECT_TRUE(client.come(item(common_box, 9, "earlier", 0)).empty());
}

TEST_F(account_updates_, an_own_result_moves_the_counter_and_tells_nothing) {
  auto moved = item(common_box, 11, "");
  moved.body = nullptr;
  const auto out = client.come(std::move(moved));
  EXPECT_TRUE(out.told.empty());
  EXPECT_EQ(out.save->pts, 11);
  EXPECT_EQ(told(client.come(item(common_box, 12, "b"))), "common:b");
}

TEST_F(account_updates_, containers_are_in_order_too) {
  EXPECT_EQ(told(client.come({loose("name"), item(common_box, 11, "a")}, 2, 2)),
            "common:a sequence:name");
  EXPECT_TRUE(client.come({loose("name")}, 2, 2).empty()) << "it was told";
  EXPECT_EQ(told(client.come({loose("last"), item(common_box, 12, "b")}, 5, 6)), "common:b")
      << "what has a counter of its own does not wait";
  EXPECT_EQ(told(client.come({loose("middle")}, 3, 4)), "sequence:middle,last");
  EXPECT_EQ(client.boxes.stands().seq, 6);
  EXPECT_EQ(client.boxes.stands().date, 1006);
  client.come({loose("far")}, 9, 9);
  EXPECT_TRUE(client.pass(500ms).ask);
}

TEST_F(account_updates_, what_comes_in_no_difference_is_held_up_by_nothing) {
  auto query = loose("query");
  query.role = update_role::transient;
  client.boxes.full({}, true, client.now);
  client.boxes.suspect(client.now);
  EXPECT_EQ(told(client.come({query, loose("other")}, 9, 9)), "loose:query");
}

TEST_F(account_updates_, strangers_are_left_to_the_difference) {
  auto stranger = item(common_box, 11, "who");
  stranger.strangers = true;
  auto out = client.come(stranger);
  EXPECT_TRUE(out.told.empty());
  ASSERT_TRUE(out.ask) << "at once, not after a gap's time";
  out = client.whole({item(common_box, 11, "known")}, {11, 3, 1000, 1});
  EXPECT_EQ(told(out), "common:known");
  // A server that does not bring it loses nothing for us, nor is asked for ever.
  stranger.value = 12;
  ASSERT_TRUE(client.come(stranger).ask);
  out = client.empty_difference();
  EXPECT_EQ(told(out), "common:who");
  EXPECT_FALSE(out.ask);
}

TEST_F(account_updates_, wrong_numbers_are_dropped) {
  EXPECT_TRUE(client
                  .come({item(common_box, -7, "a"), item(common_box, 11, "b", -1),
                         item(common_box, 3, "c", 5), item(secondary_box, 1, "d", 2)})
                  .empty());
}

// -- what makes a difference owed ---------------------------------------------------------------

TEST_F(account_updates_, a_suspicion_and_too_long_ask) {
  EXPECT_TRUE(client.boxes.suspect(client.now).ask);
  // Under way: whether it covers this is not known, so another follows.
  EXPECT_FALSE(client.boxes.receive({.items = {}, .too_long = true}, client.now).ask);
  EXPECT_TRUE(client.empty_difference().ask);
  EXPECT_FALSE(client.empty_difference().ask);
}

TEST_F(account_updates_, a_quarter_of_an_hour_of_silence_asks) {
  client.pass(10min);
  client.come(loose("sign"));
  client.now += 10min;
  auto own = container({});
  own.own = true;
  client.boxes.receive(std::move(own), client.now); // is no sign that the server pushes
  EXPECT_FALSE(client.boxes.poll(client.now).ask);
  EXPECT_EQ(client.boxes.next_deadline(), client.now + 5min);
  EXPECT_TRUE(client.pass(5min).ask);
  client.empty_difference();
  EXPECT_FALSE(client.pass(14min).ask);
}

TEST_F(account_updates_, a_lost_state_is_asked_for_and_told) {
  update_item changed;
  changed.role = update_role::state_lost;
  client.come(item(common_box, 13, "c"));
  EXPECT_TRUE(client.come(changed).ask_place);
  EXPECT_EQ(told(client.boxes.place({20, 3, 2000, 1}, client.now)),
            "lost(common 10..12) common:c lost(common 13..20)");
  client.empty_difference(); // about channels
  changed.role = update_role::state_lost;
  client.come(changed);
  client.boxes.place({4, 3, 2000, 1}, client.now);
  EXPECT_EQ(told(client.come(item(common_box, 5, "new"))), "common:new") << "it has begun anew";
}

// -- the difference -----------------------------------------------------------------------------

TEST_F(account_updates_, what_comes_during_a_difference_waits_for_its_end) {
  client.boxes.suspect(client.now);
  EXPECT_TRUE(
      client
          .come({item(common_box, 11, "a"), item(common_box, 12, "b"), item(secondary_box, 4, "q")})
          .empty());
  const auto out = client.whole({item(common_box, 0, "a'", 0)}, {11, 3, 1001, 1});
  EXPECT_EQ(told(out), "common:a',b secondary:q");
  EXPECT_EQ(out.save, (account_place{12, 4, 1001, 1})) << "all boxes in one";
}

TEST_F(account_updates_, slices_are_followed_to_their_end) {
  client.boxes.suspect(client.now);
  auto out = client.slice({item(common_box, 0, "a", 0)}, {11, 3, 1001, 1});
  EXPECT_EQ(told(out), "common:a");
  EXPECT_EQ(out.save->pts, 11);
  EXPECT_EQ(out.ask, (account_place{11, 3, 1001, 1}));
  out = client.whole({item(common_box, 0, "b", 0)}, {12, 3, 1002, 1});
  EXPECT_EQ(told(out), "common:b");
  EXPECT_EQ(out.ask, (account_place{12, 3, 1000, 1})) << "the last part may be all that names any";
  EXPECT_FALSE(client.whole({}, {12, 3, 1003, 1}).ask);
}

TEST_F(account_updates_, a_slice_that_leads_nowhere_is_asked_for_ever_later) {
  auto out = client.boxes.suspect(client.now);
  steady_time last = client.now;
  duration before{};
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(out.ask);
    EXPECT_TRUE(client.slice({item(common_box, 0, "again", 0)}, {10, 3, 1000, 1}).empty())
        << "or it would be told each time";
    const auto wait = client.boxes.next_deadline() - client.now;
    EXPECT_GT(wait, before);
    before = wait;
    last = client.now;
    out = client.pass(wait);
  }
  EXPECT_GT(client.now - last, 15s);
}

TEST_F(account_updates_, a_difference_that_is_too_long_is_told_and_gone_on_behind) {
  client.boxes.suspect(client.now);
  client.come(item(common_box, 15, "e"));
  const auto out = client.boxes.difference(
      {.what = account_difference::form::too_long, .items = {}, .place = {.pts = 20}}, client.now);
  EXPECT_EQ(told(out), "lost(common 10..14) common:e lost(common 15..20)")
      << "what came by itself is not lost";
  EXPECT_EQ(out.ask, (account_place{20, 3, 1000, 1}));
}

TEST_F(account_updates_, a_gap_that_no_difference_fills_is_given_up_in_the_end) {
  client.come(item(common_box, 13, "c"));
  int asked = 0;
  std::string all;
  for (int i = 0; i < 20 && all.empty(); ++i) {
    const auto out = client.pass(client.boxes.next_deadline() - client.now);
    if (out.ask) {
      ++asked;
      all = told(client.empty_difference());
    }
  }
  EXPECT_EQ(asked, counter_box::most_fruitless);
  EXPECT_EQ(all, "lost(common 10..12) common:c");
}

TEST_F(account_updates_, failures_are_asked_again_and_hold_up_nothing_that_fits) {
  client.boxes.suspect(client.now);
  client.come(item(common_box, 11, "a"));
  auto out = client.boxes.difference_failed(difference_failure::later, 20s, client.now);
  EXPECT_EQ(told(out), "common:a") << "it fits, and nothing is under way";
  EXPECT_EQ(told(client.come(item(common_box, 12, "b"))), "common:b");
  EXPECT_FALSE(client.pass(19s).ask) << "a flood limit is waited out";
  EXPECT_EQ(client.pass(1s).ask->pts, 12);
}

TEST_F(account_updates_, a_place_that_the_server_does_not_have_is_given_up) {
  client.boxes.suspect(client.now);
  EXPECT_TRUE(
      client.boxes.difference_failed(difference_failure::place_unknown, 0s, client.now).ask_place);
  EXPECT_FALSE(client.boxes.place_failed(0s, client.now).ask_place);
  EXPECT_TRUE(client.pass(2s).ask_place);
  EXPECT_EQ(told(client.boxes.place({30, 5, 2000, 1}, client.now)),
            "lost(common 10..30) lost(secondary 3..5)");
}

TEST_F(account_updates_, what_cannot_be_read_is_tried_three_times) {
  auto out = client.boxes.suspect(client.now);
  int asked = 0;
  while (out.ask && asked < 10) {
    ++asked;
    out = client.boxes.difference_failed(difference_failure::unreadable, 0s, client.now);
    if (!out.ask_place) {
      out = client.pass(10s);
    }
  }
  EXPECT_EQ(asked, 3);
  EXPECT_TRUE(out.ask_place);
}

TEST_F(account_updates_, answers_that_nobody_asked_for_are_ignored) {
  EXPECT_TRUE(client.whole({item(common_box, 0, "a", 0)}, {11, 3, 1001, 1}).empty());
  EXPECT_TRUE(client.boxes.place({99, 9, 9, 9}, client.now).empty());
  EXPECT_TRUE(client.boxes.difference_failed(difference_failure::later, 0s, client.now).empty());
  EXPECT_TRUE(client.channel_answer({client.of_channel(5, "x")}, 5).empty());
  EXPECT_TRUE(client.channel_failed(difference_failure::forbidden).empty());
  EXPECT_TRUE(client.boxes.loaded(5, channel_place{.channel = 5, .pts = 5}, client.now).empty());
}

TEST_F(account_updates_, old_updates_of_a_difference_are_skipped_and_told) {
  update_bounds bounds;
  bounds.max_age = 60s;
  updates_client careful{bounds};
  careful.begin();
  careful.boxes.suspect(careful.now);
  auto old = item(common_box, 0, "old", 0);
  old.date = 1000;
  auto fresh = item(common_box, 0, "fresh", 0);
  fresh.date = 1950;
  account_difference answer{.what = account_difference::form::whole,
                            .items = {},
                            .place = {12, 3, 2000, 1},
                            .server_time = 2000};
  answer.items = {old, fresh};
  EXPECT_EQ(told(careful.boxes.difference(std::move(answer), careful.now)),
            "lost(common 10..12) common:fresh");
}

// -- room ---------------------------------------------------------------------------------------

TEST_F(account_updates_, without_room_a_box_stays_where_it_is_and_is_fetched_later) {
  client.open(50);
  client.boxes.full(common_box, true, client.now);
  EXPECT_TRUE(client.come(item(common_box, 11, "a")).empty());
  EXPECT_EQ(told(client.come(client.of_channel(51, "x"))), "channel 7:x") << "others go on";
  EXPECT_EQ(client.boxes.waiting(), 0U) << "the server keeps it";
  EXPECT_FALSE(client.pass(10s).ask);
  EXPECT_EQ(client.boxes.full(common_box, false, client.now).ask->pts, 10);
}

TEST_F(account_updates_, an_answer_without_room_is_asked_for_again) {
  client.boxes.suspect(client.now);
  client.boxes.full({}, true, client.now);
  EXPECT_TRUE(client.whole({item(common_box, 0, "a", 0)}, {11, 3, 1001, 1}).empty());
  EXPECT_EQ(client.boxes.stands().pts, 10);
  EXPECT_TRUE(client.boxes.full({}, false, client.now).ask);
}

TEST_F(account_updates_, what_waits_is_bounded_by_count_and_octets) {
  for (std::int32_t i = 0; i < 2000; ++i) {
    client.come(item(common_box, 20 + 2 * i, "x"));
  }
  EXPECT_EQ(client.boxes.waiting(), waiting_room{}.most_in_box);
  update_bounds bounds;
  bounds.room.most_octets = 1000;
  updates_client small{bounds};
  small.begin();
  auto large = item(common_box, 20, "x");
  large.octets = 2000;
  EXPECT_TRUE(small.come(large).ask) << "it is fetched instead";
  EXPECT_EQ(small.boxes.waiting_octets(), 0U);
}

// -- beginning ----------------------------------------------------------------------------------

TEST(account_beginning, without_a_stored_place_it_begins_now_and_tells_of_no_loss) {
  updates_client client;
  auto out = client.boxes.start({}, {}, client.now);
  EXPECT_TRUE(out.ask_place);
  EXPECT_TRUE(client
                  .come({item(common_box, 11, "b"), item(common_box, 10, "a"),
                         item(common_box, 10, "a"), item(common_box, 12, "c")})
                  .empty());
  out = client.boxes.place({11, 3, 1000, 1}, client.now);
  EXPECT_EQ(told(out), "common:a,b,c")
      << "what came before the place was known comes in no difference";
  EXPECT_EQ(out.save, (account_place{12, 3, 1000, 1}));
  EXPECT_FALSE(out.ask);
}

TEST(account_beginning, the_stored_place_is_gone_on_from) {
  updates_client client;
  const auto out = client.boxes.start({updates_start::from::stored, account_place{10, 3, 1000, 1}},
                                      {}, client.now);
  EXPECT_EQ(out.ask, (account_place{10, 3, 1000, 1}));
  EXPECT_TRUE(out.load_unsure);
  EXPECT_FALSE(out.forget_all);
}

TEST(account_beginning, what_is_not_wanted_is_told_as_lost) {
  updates_client client;
  auto out =
      client.boxes.start({updates_start::from::now, account_place{10, 3, 1000, 1}}, {}, client.now);
  EXPECT_TRUE(out.ask_place);
  EXPECT_TRUE(out.forget_all);
  client.come({item(common_box, 9, "told"), item(common_box, 18, "late")});
  EXPECT_EQ(told(client.boxes.place({20, 3, 2000, 1}, client.now)),
            "lost(common 10..17) common:late lost(common 18..20)");
}

TEST(account_beginning, what_came_during_a_login_is_not_lost) {
  updates_client client;
  std::vector<update_container> early;
  early.push_back(container({item(common_box, 9, "before"), item(common_box, 12, "behind")}));
  early.push_back(container({item(common_box, 11, "next")}));
  const auto out = client.boxes.start({updates_start::from::login, account_place{10, 3, 1000, 1}},
                                      std::move(early), client.now);
  EXPECT_EQ(told(out), "common:before common:next,behind");
  EXPECT_EQ(out.save->pts, 12);
  EXPECT_EQ(out.ask->pts, 12);
}

} // namespace
} // namespace cafegram::protocol::test
