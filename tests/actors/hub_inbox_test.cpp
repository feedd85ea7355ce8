#include <cafegram/actors/inbox_rows.hpp>

#include <set>

#include "hub_inbox_kit.hpp"

// What a hub keeps until it is finished, in a store and with receivers that the tests play.
namespace cafegram {

namespace {

using namespace std::chrono_literals;
using test::fresh;
using test::live;
using test::me;
using test::query;

struct hub_inbox : test::inbox_stage {};

} // namespace

TEST_F(hub_inbox, nothing_is_handed_out_before_it_is_written) {
  start();
  world->holds_writes = true;
  wire(live({fresh(1, 11)}));
  wire(live({fresh(2, 12), query(900), fresh(3, 13)}));
  EXPECT_TRUE(bot->got.empty());
  ASSERT_EQ(world->held_writes.size(), 1U) << "one write at a time";
  caf::anon_send(store, caf::tick_atom_v);
  actors.run();
  EXPECT_EQ(bot->marks(), (marks{1}));
  EXPECT_EQ(world->stored.updates->pts, 11);
  ASSERT_EQ(world->held_writes.size(), 1U) << "what came meanwhile goes together";
  caf::anon_send(store, caf::tick_atom_v);
  actors.run();
  EXPECT_EQ(bot->marks(), (marks{2, 900, 3})) << "what is not kept does not overtake";
  EXPECT_EQ(inbox().size(), 3U);
  world->holds_writes = false;
}

TEST_F(hub_inbox, what_cannot_be_written_is_handed_out_when_it_is) {
  start();
  world->failing = true;
  wire(live({fresh(1, 11)}));
  actors.pass(1s);
  EXPECT_TRUE(bot->got.empty());
  wire(live({fresh(2, 12)}));
  actors.pass(6s);
  EXPECT_TRUE(bot->got.empty());
  world->failing = false;
  world->bring({2}, {}, {.pts = 12, .qts = 3, .date = 2, .seq = 1});
  actors.pass(6s);
  EXPECT_EQ(bot->marks(), (marks{1, 2})) << "the second was left to the server";
  EXPECT_EQ(world->asked.back().pts, 11);
}

TEST_F(hub_inbox, a_write_that_was_asked_after_in_vain_is_asked_after_again) {
  start();
  world->failing = true;
  wire(live({fresh(1, 11)}));
  world->unanswered = "flush";
  actors.pass(5s);
  world->unanswered.clear();
  world->failing = false;
  actors.pass(29s);
  EXPECT_TRUE(bot->got.empty()) << "nobody has said that it is written";
  actors.pass(1s);
  actors.pass(5s);
  EXPECT_EQ(bot->marks(), (marks{1}));
  EXPECT_EQ(inbox().size(), 1U);
}

TEST_F(hub_inbox, what_is_finished_leaves_the_store) {
  start();
  wire(live({fresh(1, 11), fresh(2, 12)}));
  ASSERT_EQ(inbox().size(), 2U);
  EXPECT_EQ(inbox()[0].identity, "message/4242/u7/1");
  finish(1);
  ASSERT_EQ(inbox().size(), 1U);
  EXPECT_EQ(inbox()[0].identity, "message/4242/u7/1") << "in whatever order they are finished";
  finish();
  EXPECT_TRUE(inbox().empty());
}

TEST_F(hub_inbox, what_was_handled_as_one_leaves_the_store_in_one_write) {
  start();
  wire(live({fresh(1, 11), fresh(2, 12), fresh(3, 13)}));
  const auto rows = inbox();
  ASSERT_EQ(rows.size(), 3U);
  world->holds_writes = true;
  caf::anon_send(hub, updates_finished{{rows[0].number, rows[2].number}});
  finish(2);
  finish(0);
  ASSERT_EQ(world->held_writes.size(), 1U);
  EXPECT_EQ(inbox().size(), 3U) << "a crash now brings all of them again";
  caf::anon_send(store, caf::tick_atom_v);
  actors.run();
  ASSERT_EQ(inbox().size(), 1U) << "and one now none of these";
  EXPECT_EQ(inbox()[0].number, rows[1].number);
  EXPECT_TRUE(world->held_writes.empty()) << "their answers say nothing new";
  world->holds_writes = false;
}

TEST_F(hub_inbox, what_was_handled_as_one_is_given_up_in_one_write) {
  start();
  wire(live({fresh(1, 11), fresh(2, 12), fresh(3, 13)}));
  const auto rows = inbox();
  ASSERT_EQ(rows.size(), 3U);
  world->holds_writes = true;
  caf::anon_send(hub, updates_finished{{rows[0].number, rows[2].number}, "it is poison"});
  refuse(errc::bad_argument);
  ASSERT_EQ(world->held_writes.size(), 1U);
  EXPECT_TRUE(dead().empty());
  EXPECT_EQ(inbox().size(), 3U) << "a crash now brings all of them again";
  caf::anon_send(store, caf::tick_atom_v);
  actors.run();
  ASSERT_EQ(dead().size(), 2U) << "and one now none of these";
  EXPECT_EQ(dead()[0].update.last_failure, "it is poison");
  EXPECT_EQ(dead()[1].update.number, rows[2].number);
  ASSERT_EQ(inbox().size(), 1U);
  EXPECT_EQ(inbox()[0].number, rows[1].number);
  EXPECT_TRUE(world->held_writes.empty()) << "their answers say nothing new";
  world->holds_writes = false;
}

TEST_F(hub_inbox, what_is_not_finished_comes_again_before_all_else) {
  start();
  wire(live({fresh(1, 11), fresh(2, 12), fresh(3, 13)}));
  bot->marks();
  finish(1);
  another_hub();
  end_bot();
  bot = std::make_unique<test::patient_receiver>(actors.system());
  world->bring({4}, {}, {.pts = 14, .qts = 3, .date = 2, .seq = 1});
  start(updates_from::stored);
  EXPECT_EQ(bot->got.front().number, inbox().front().number);
  EXPECT_EQ(bot->marks(), (marks{1, 3, 4}));
  EXPECT_EQ(world->asked.back().pts, 13) << "and is not asked for";
}

TEST_F(hub_inbox, who_claims_next_gets_what_the_one_before_has_not_finished) {
  start();
  wire(live({fresh(1, 11), fresh(2, 12)}));
  finish();
  another_bot();
  EXPECT_EQ(bot->marks(), (marks{2}));
  wire(live({fresh(3, 13)}));
  EXPECT_EQ(bot->marks(), (marks{3}));
}

TEST_F(hub_inbox, one_that_is_given_up_goes_to_the_dead_letters) {
  start();
  wire(live({fresh(1, 11), fresh(2, 12)}));
  const auto number = inbox()[0].number;
  caf::anon_send(hub, update_failed{number, "it threw"});
  actors.run();
  EXPECT_EQ(inbox()[0].failures, 1U);
  EXPECT_EQ(inbox()[0].last_failure, "it threw");
  refuse(errc::bad_argument);
  ASSERT_EQ(dead().size(), 1U);
  EXPECT_EQ(dead()[0].update.number, number);
  EXPECT_EQ(dead()[0].update.failures, 2U);
  EXPECT_EQ(dead()[0].update.identity, "message/4242/u7/1");
  EXPECT_EQ(inbox().size(), 1U);
  another_bot();
  EXPECT_EQ(bot->marks(), (marks{2}));
}

TEST_F(hub_inbox, dead_letters_stay_within_their_bound) {
  another_hub({.dead_rows = 2});
  start();
  wire(live({fresh(1, 11), fresh(2, 12), fresh(3, 13), fresh(4, 14)}));
  for (int n = 0; n < 4; ++n) {
    refuse(errc::bad_argument);
  }
  EXPECT_TRUE(inbox().empty());
  ASSERT_EQ(dead().size(), 2U) << "the first ones are gone";
  EXPECT_EQ(dead()[0].update.identity, "message/4242/u7/3");
  EXPECT_EQ(dead()[1].update.identity, "message/4242/u7/4");
}

TEST_F(hub_inbox, dead_letters_of_an_earlier_process_count_against_the_bound) {
  storage::batch earlier;
  for (std::uint64_t number = 1; number <= 5; ++number) {
    storage::dead_letter one;
    one.update.number = number;
    put(earlier, one);
  }
  ASSERT_TRUE(world->rows->apply(earlier));
  another_hub({.dead_rows = 3});
  start();
  ASSERT_EQ(dead().size(), 3U) << "they were more than are kept now";
  EXPECT_EQ(dead()[0].update.number, 3U);
  wire(live({fresh(1, 11)}));
  refuse(errc::bad_argument);
  ASSERT_EQ(dead().size(), 3U);
  EXPECT_EQ(dead()[0].update.number, 4U);
  EXPECT_EQ(dead()[2].update.identity, "message/4242/u7/1");
}

TEST_F(hub_inbox, one_that_a_stop_has_cut_off_stays) {
  start();
  wire(live({fresh(1, 11)}));
  refuse(errc::cancelled);
  EXPECT_EQ(inbox().size(), 1U);
  EXPECT_TRUE(dead().empty());
  another_bot();
  EXPECT_EQ(bot->marks(), (marks{1}));
}

TEST_F(hub_inbox, failures_are_counted_over_restarts) {
  start();
  wire(live({fresh(1, 11)}));
  caf::anon_send(hub, update_failed{inbox()[0].number, "it threw"});
  actors.run();
  another_hub();
  another_bot();
  start(updates_from::stored);
  ASSERT_FALSE(bot->got.empty());
  EXPECT_EQ(bot->got.back().failures, 1U);
}

TEST_F(hub_inbox, rows_of_another_account_are_dropped) {
  start();
  wire(live({fresh(1, 11)}));
  another_hub();
  another_bot();
  world->stored.updates.reset(); // as the store does for another account
  begin(updates_from::now, me + 1);
  claim();
  EXPECT_TRUE(bot->got.empty());
  EXPECT_TRUE(inbox().empty());
}

TEST_F(hub_inbox, a_row_that_cannot_be_read_is_a_dead_letter) {
  storage::inbox_row row;
  row.number = 5;
  row.account = me;
  row.update = {1, 2};
  storage::batch rows;
  put(rows, row);
  ASSERT_TRUE(world->rows->apply(rows));
  start();
  EXPECT_TRUE(bot->got.empty());
  EXPECT_TRUE(inbox().empty());
  ASSERT_EQ(dead().size(), 1U);
  wire(live({fresh(1, 11)}));
  EXPECT_EQ(bot->marks(), (marks{1}));
}

TEST_F(hub_inbox, a_row_that_is_damaged_holds_up_no_other) {
  start();
  wire(live({fresh(1, 11), fresh(2, 12), fresh(3, 13), fresh(4, 14)}));
  storage::batch damage;
  put(damage, inbox()[1]);
  damage.changes.front().value = {0xff, 0xff};
  ASSERT_TRUE(world->rows->apply(damage));
  another_hub();
  another_bot();
  start(updates_from::stored);
  EXPECT_EQ(bot->marks(), (marks{1, 3, 4}));
  wire(live({fresh(5, 15)}));
  EXPECT_EQ(bot->marks(), (marks{5}));
}

TEST_F(hub_inbox, a_row_of_another_layer_that_is_not_known_here_is_a_dead_letter) {
  storage::inbox_row row;
  row.account = me;
  row.update = {0x11, 0x22, 0x33, 0x44, 1, 2, 3, 4};
  storage::batch rows;
  for (const std::uint64_t number : {5, 6}) {
    row.number = number;
    row.layer = number == 5 ? tl::layer - 1 : tl::layer;
    put(rows, row);
  }
  ASSERT_TRUE(world->rows->apply(rows));
  start();
  ASSERT_EQ(dead().size(), 1U);
  EXPECT_EQ(dead()[0].update.number, 5U);
  ASSERT_EQ(bot->got.size(), 1U) << "one that came unknown is handed out as it came";
  EXPECT_EQ(bot->got[0].number, 6U);
}

TEST_F(hub_inbox, equal_updates_that_nothing_counts_are_told_apart) {
  const auto at = [](std::int32_t date) {
    return raw_updates{std::make_shared<const bytes>(
        tl::encode(tl::Updates{tl::updateShort{.update = test::name_of(7), .date = date}}))};
  };
  start();
  wire(at(1'750'000'000));
  wire(at(1'750'000'001));
  wire(at(0));
  wire(at(0));
  ASSERT_EQ(bot->got.size(), 4U);
  std::set<std::string> identities;
  for (const auto& event : bot->got) {
    identities.insert(event.update->identity);
  }
  EXPECT_EQ(identities.size(), 4U) << "or what is sent for one would be taken for the other's";
}

TEST_F(hub_inbox, sends_come_with_their_message_over_a_restart) {
  start();
  wire(live({fresh(1, 11)}));
  const made_send made{77, 1000, 1'750'000'000, false};
  caf::anon_send(hub, update_sent{inbox()[0].number, std::make_shared<const made_send>(made)});
  actors.run();
  another_hub();
  another_bot();
  start(updates_from::stored);
  ASSERT_FALSE(bot->got.empty());
  ASSERT_TRUE(bot->got.back().sends);
  const auto& again = bot->got.back().sends->front();
  EXPECT_EQ(again.random_id, 77);
  EXPECT_EQ(again.sent_id, 1000);
  EXPECT_EQ(again.date, 1'750'000'000);
}

TEST_F(hub_inbox, what_nobody_brings_back_is_told_in_its_place_and_kept) {
  start();
  wire(live({fresh(1, 11)}));
  world->differences.emplace_back(
      tl::updates::Difference{tl::updates::differenceTooLong{.pts = 500}});
  world->bring({2}, {}, {.pts = 501, .qts = 3, .date = 2, .seq = 1});
  caf::anon_send(hub, updates_suspect{"test"});
  actors.run();
  ASSERT_EQ(bot->got.size(), 3U);
  const auto lost = bot->got[1].update->lost;
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->channel, 0);
  EXPECT_EQ(lost->box, "pts");
  EXPECT_EQ(lost->from, 11);
  EXPECT_EQ(lost->to, 500);
  EXPECT_EQ(lost->why, "too long");
  EXPECT_EQ(bot->marks(), (marks{1, -1, 2}));
  ASSERT_EQ(inbox().size(), 3U);
  another_hub();
  another_bot();
  start(updates_from::stored);
  EXPECT_EQ(bot->marks(), (marks{1, -1, 2})) << "over a restart too";
}

TEST_F(hub_inbox, who_wants_nothing_of_the_past_is_told_what_that_is) {
  world->stored.updates = storage::update_state{4, 3, 1, 1};
  start(updates_from::now);
  ASSERT_EQ(bot->got.size(), 1U);
  EXPECT_EQ(bot->got[0].update->lost->why, "not wanted");
  EXPECT_EQ(bot->got[0].update->lost->from, 4);
  EXPECT_EQ(bot->got[0].update->lost->to, 10);
  wire(live({fresh(1, 11)}));
  EXPECT_EQ(bot->marks(), (marks{-1, 1}));
}

TEST_F(hub_inbox, what_is_older_than_wanted_is_told_as_lost) {
  world->stored.updates = storage::update_state{10, 3, 1, 1};
  world->bring({1, 2}, {}, {.pts = 12, .qts = 3, .date = 2, .seq = 1}); // of 1970
  claim();
  caf::anon_send(hub, hub_start{{.id = me, .bot = true, .first_name = {}, .username = {}},
                                updates_from::stored,
                                1h});
  actors.run();
  ASSERT_EQ(bot->got.size(), 1U);
  EXPECT_EQ(bot->got[0].update->lost->why, "too old");
  wire(live({fresh(3, 13)}));
  EXPECT_EQ(bot->marks(), (marks{-1, 3})) << "what is pushed is not asked for its age";
}

} // namespace cafegram
