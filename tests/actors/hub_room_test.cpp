#include "hub_inbox_kit.hpp"

// How much a hub keeps, for whom, and who finishes it.
namespace cafegram {

namespace {

using namespace std::chrono_literals;
using test::fresh;
using test::live;
using test::posted;
using test::query;

struct hub_room : test::inbox_stage {};

} // namespace

TEST_F(hub_room, the_same_account_begins_again_behind_what_is_not_written_yet) {
  start();
  world->holds_writes = true;
  wire(live({fresh(1, 11)}));
  wire(live({fresh(2, 12), fresh(3, 13)})); // wait for the write before
  begin(updates_from::stored);
  EXPECT_EQ(world->asked.back().pts, 13);
  world->holds_writes = false;
  while (!world->held_writes.empty()) {
    caf::anon_send(store, caf::tick_atom_v);
    actors.run();
  }
  EXPECT_EQ(bot->marks(), (marks{1, 2, 3}));
  EXPECT_EQ(inbox().size(), 3U);
}

TEST_F(hub_room, what_no_counter_counts_has_no_row_while_nobody_listens) {
  begin(updates_from::now);
  for (std::int64_t n = 1; n <= 1000; ++n) {
    wire(live({test::name_of(n)}));
  }
  EXPECT_TRUE(inbox().empty());
  claim();
  EXPECT_EQ(bot->marks().size(), 128U) << "the last ones are there for who comes late";
  wire(live({test::name_of(2000)}));
  EXPECT_EQ(inbox().size(), 1U) << "to somebody they are worth a row";
}

TEST_F(hub_room, what_no_counter_counts_has_no_row_where_there_is_no_room) {
  start();
  std::vector<tl::Update> many;
  for (std::int32_t id = 1; id <= 20'001; ++id) {
    many.push_back(fresh(id, 10 + id, 100 + id % 100));
  }
  wire(live(std::move(many)));
  EXPECT_EQ(inbox().size(), 20'001U);
  for (std::int64_t n = 1; n <= 100; ++n) {
    wire(live({test::name_of(n)}));
  }
  EXPECT_EQ(inbox().size(), 20'001U);
  EXPECT_EQ(bot->got.size(), 20'101U) << "they come once";
}

TEST_F(hub_room, while_nobody_listens_there_is_one_note_of_what_is_lost) {
  for (std::int32_t pts = 10; pts <= 50; pts += 10) {
    world->state.pts = pts;
    begin(updates_from::now); // what came since the time before is not wanted
  }
  ASSERT_EQ(inbox().size(), 1U);
  EXPECT_EQ(inbox()[0].lost->from, 10);
  EXPECT_EQ(inbox()[0].lost->to, 50);
  claim();
  ASSERT_EQ(bot->got.size(), 1U);
  EXPECT_EQ(bot->got[0].update->lost->to, 50);
  world->state.pts = 60;
  begin(updates_from::now);
  ASSERT_EQ(bot->got.size(), 2U) << "what was handed out stays as it is";
  EXPECT_EQ(bot->got[1].update->lost->from, 50);
}

TEST_F(hub_room, a_query_is_given_to_one_finisher_alone) {
  start();
  wire(live({query(900), fresh(1, 11)}));
  EXPECT_EQ(bot->marks(), (marks{900, 1}));
  another_bot();
  EXPECT_EQ(bot->marks(), (marks{1})) << "a query is old by now";
}

TEST_F(hub_room, who_both_listens_and_finishes_gets_each_once) {
  caf::anon_send(hub, caf::subscribe_atom_v, bot->actor);
  actors.run();
  start();
  caf::anon_send(hub, caf::subscribe_atom_v, bot->actor);
  wire(live({fresh(1, 11)}));
  EXPECT_EQ(bot->marks(), (marks{1}));
  finish();
  EXPECT_TRUE(inbox().empty());
}

TEST_F(hub_room, a_listener_finishes_what_no_finisher_comes_back_for) {
  subscribe();
  start();
  wire(live({fresh(1, 11), fresh(2, 12)}));
  EXPECT_EQ(take(), (marks{1, 2}));
  end_bot();
  actors.pass(50s);
  EXPECT_EQ(inbox().size(), 2U) << "a bot that is started again gets them";
  bot = std::make_unique<test::patient_receiver>(actors.system());
  claim();
  EXPECT_EQ(bot->marks(), (marks{1, 2}));
  finish();
  end_bot();
  actors.pass(61s);
  EXPECT_TRUE(inbox().empty()) << "else it would stay for ever";
  EXPECT_TRUE(take().empty()) << "the listener has seen it";
}

TEST_F(hub_room, what_comes_while_a_bot_is_started_again_waits_for_it) {
  subscribe();
  start();
  end_bot();
  wire(live({fresh(1, 11)}));
  EXPECT_EQ(take(), (marks{1}));
  EXPECT_EQ(inbox().size(), 1U) << "the listener has answered, and finishes nothing of a bot's";
  bot = std::make_unique<test::patient_receiver>(actors.system());
  claim();
  EXPECT_EQ(bot->marks(), (marks{1}));
  end_bot();
  actors.pass(61s);
  EXPECT_TRUE(inbox().empty());
  EXPECT_TRUE(take().empty());
}

TEST_F(hub_room, what_waits_for_somebody_takes_no_room) {
  start();
  std::vector<tl::Update> many;
  for (std::int32_t id = 1; id <= 20'000; ++id) {
    many.push_back(fresh(id, 10 + id, 100 + id % 100));
  }
  wire(live(std::move(many)));
  const auto first = bot->got.front().number;
  caf::anon_send(hub, update_waits{first, true});
  bot->got.clear();
  wire(live({fresh(20'001, 20'011)}));
  wire(live({fresh(20'002, 20'012)}));
  EXPECT_EQ(bot->marks().size(), 2U);
  wire(live({fresh(20'003, 20'013)}));
  EXPECT_TRUE(bot->got.empty()) << "full: it is left to the server";
  for (std::uint64_t n = 1; n <= 10'001; ++n) {
    caf::anon_send(hub, update_waits{first + n, true});
  }
  world->bring({20'003}, {}, {.pts = 20'013, .qts = 3, .date = 2, .seq = 1});
  actors.run();
  EXPECT_EQ(bot->marks(), (marks{20'003})) << "perhaps it is what they wait for";
}

TEST_F(hub_room, a_full_channel_is_left_to_the_server_alone) {
  constexpr std::int64_t news = 1'000'000'001;
  world->stored.updates = storage::update_state{10, 3, 1, 1};
  world->stored.channels = {{news, {5}}};
  start(updates_from::stored);
  world->asked.clear();
  wire(live({posted(news, 1, 6)})); // looks up where it stands
  std::vector<tl::Update> many;
  for (std::int32_t id = 2; id <= 2001; ++id) {
    many.push_back(posted(news, id, 5 + id));
  }
  wire(live(std::move(many)));
  EXPECT_EQ(bot->marks().size(), 2001U);
  wire(live({posted(news, 2002, 2007), fresh(1, 11)}));
  EXPECT_EQ(bot->marks(), (marks{1}));
  EXPECT_EQ(world->stored.channels[news].pts, 2006);
  EXPECT_TRUE(world->asked_channels.empty()) << "there is no room for an answer";
  world->bring_posts(news, {2002}, 2007);
  for (int id = 1; id <= 1001; ++id) {
    finish();
  }
  EXPECT_EQ(bot->marks(), (marks{2002}));
  EXPECT_TRUE(world->asked.empty());
}

TEST_F(hub_room, others_see_updates_and_finish_none) {
  subscribe();
  start();
  wire(live({fresh(1, 11)}));
  EXPECT_EQ(take(), (marks{1}));
  EXPECT_EQ(inbox().size(), 1U);
  finish();
  EXPECT_TRUE(inbox().empty());
}

} // namespace cafegram
