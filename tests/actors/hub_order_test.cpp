#include <cafegram/actors/peer_memory.hpp>
#include <cafegram/actors/update_parts.hpp>

#include "hub_kit.hpp"

// Where a hub stands, on a clock that the tests move and with a server that they play.
namespace cafegram {

namespace {

using namespace std::chrono_literals;
using test::fresh;
using test::live;
using test::me;
using test::name_of;
using test::query;
using test::short_message;

struct hub_order : testing::Test, test::hub_stage {};

} // namespace

TEST_F(hub_order, asks_the_store_again_that_could_not_be_read) {
  world->unreadable = 2;
  world->stored.updates = storage::update_state{20, 3, 1, 1};
  subscribe();
  begin(updates_from::stored);
  EXPECT_TRUE(world->asked.empty());
  actors.pass(1s);
  actors.pass(3s);
  ASSERT_EQ(world->asked.size(), 1U) << "it goes on as soon as the store can be read";
  EXPECT_EQ(world->asked.front().pts, 20);
  wire(live({fresh(1, 21)}));
  EXPECT_EQ(take(), (marks{1}));
}

TEST_F(hub_order, asks_the_store_again_that_does_not_answer) {
  for (const auto* what : {"flush", "inbox", "load"}) {
    SCOPED_TRACE(what);
    caf::anon_send_exit(hub, caf::exit_reason::kill);
    actors.run();
    hub = spawn_update_hub(actors.system(), actors.services(), client, store);
    world->stored.updates = storage::update_state{20, 3, 1, 1};
    world->unanswered = what;
    subscribe();
    begin(updates_from::stored);
    world->unanswered.clear();
    actors.pass(29s);
    EXPECT_TRUE(world->asked.empty());
    actors.pass(1s);
    actors.pass(1s);
    ASSERT_EQ(world->asked.size(), 1U) << "half a minute and the back-off later";
    EXPECT_EQ(world->asked.front().pts, 20);
    world->asked.clear();
  }
}

TEST_F(hub_order, a_container_with_an_old_number_is_handed_out_once) {
  subscribe();
  begin(updates_from::now);
  wire(live({name_of(100), fresh(1, 11)}, 2));
  wire(live({name_of(100), fresh(1, 11)}, 2));
  wire(live({name_of(101)}, 3));
  wire(live({name_of(100)}, 2));
  EXPECT_EQ(take(), (marks{1, 100, 101})) << "what counts by itself goes before the container";
  EXPECT_TRUE(world->asked.empty());
}

TEST_F(hub_order, a_container_beyond_a_gap_is_left_to_the_difference) {
  subscribe();
  begin(updates_from::now);
  world->bring({}, {name_of(100), name_of(101)}, {.pts = 11, .qts = 3, .date = 2, .seq = 3});
  wire(live({name_of(101), fresh(1, 11)}, 3));
  EXPECT_TRUE(world->asked.empty()) << "what is missing may only have been overtaken";
  actors.pass(600ms);
  EXPECT_EQ(world->asked.size(), 1U);
  EXPECT_EQ(take(), (marks{1, 100, 101}));
  wire(live({name_of(102)}, 4));
  EXPECT_EQ(take(), (marks{102}));
}

TEST_F(hub_order, a_query_is_handed_out_once_whatever_the_number_of_its_container) {
  subscribe();
  begin(updates_from::now);
  wire(live({query(900)}, 9));
  wire(live({query(901)}, 1));
  wire(live({query(901)}, 1));
  wire(live({query(900)}));
  EXPECT_EQ(take(), (marks{900, 901}));
}

TEST_F(hub_order, what_comes_while_a_difference_is_fetched_is_not_doubled_by_it) {
  subscribe();
  begin(updates_from::now);
  world->hold = true;
  caf::anon_send(hub, updates_suspect{"test"});
  actors.run();
  wire(live({name_of(100)}, 2));
  ASSERT_TRUE(world->held);
  EXPECT_TRUE(take().empty());
  world->bring({}, {name_of(100)}, {.pts = 10, .qts = 3, .date = 2, .seq = 2});
  caf::anon_send(client, network_available{});
  actors.run();
  EXPECT_EQ(take(), (marks{100}));
}

TEST_F(hub_order, both_orders_move_together) {
  subscribe();
  begin(updates_from::now);
  // Beyond a gap: it waits, and is handed out in the moment when the difference has ended.
  wire(live({fresh(3, 13)}));
  const tl::Update stopped =
      tl::updateBotStopped{.user_id = 500, .date = 1, .stopped = true, .qts = 4};
  world->bring({1, 2}, {stopped}, {.pts = 12, .qts = 4, .date = 2, .seq = 1});
  actors.pass(600ms);
  EXPECT_EQ(take(), (marks{1, 2, 500, 3}));
  caf::anon_send(hub, updates_suspect{"test"});
  actors.run();
  ASSERT_EQ(world->asked.size(), 2U);
  EXPECT_EQ(world->asked.back().pts, 13);
  EXPECT_EQ(world->asked.back().qts, 4) << "or its updates would come twice";
  EXPECT_EQ(world->stored.updates->qts, 4);
}

TEST_F(hub_order, a_place_that_the_server_has_lost_is_given_up) {
  world->stored.updates = storage::update_state{99, 3, 1, 1};
  world->differences.emplace_back(
      std::unexpected(error::from_rpc(400, "PERSISTENT_TIMESTAMP_INVALID")));
  subscribe();
  begin(updates_from::stored);
  wire(live({fresh(1, 11)}));
  EXPECT_EQ(take(), (marks{-1, 1})) << "it goes on from where the server is, and says so";
  EXPECT_EQ(world->stored.updates->pts, 11);
}

TEST_F(hub_order, a_difference_that_leads_nowhere_is_asked_for_ever_later) {
  subscribe();
  begin(updates_from::now);
  for (int i = 0; i < 50; ++i) {
    world->differences.emplace_back(tl::updates::Difference{
        tl::updates::differenceSlice{.intermediate_state = tl::updates::State{world->state}}});
  }
  caf::anon_send(hub, updates_suspect{"test"});
  actors.run();
  EXPECT_EQ(world->asked.size(), 1U);
  actors.pass(10s);
  EXPECT_LE(world->asked.size(), 6U);
  EXPECT_GE(world->asked.size(), 2U);
}

TEST_F(hub_order, a_short_message_of_a_stranger_comes_with_who_it_is) {
  subscribe();
  begin(updates_from::now);
  world->bring({1}, {}, {.pts = 11, .qts = 3, .date = 2, .seq = 1});
  wire(short_message(1, 7, 11));
  EXPECT_EQ(world->asked.size(), 1U);
  EXPECT_EQ(take(), (marks{1}));
  // Known now: no question is needed.
  auto known = tl::updates_{.updates = {fresh(2, 12)}, .users = {tl::user{.id = 7}}, .date = 1};
  wire({std::make_shared<const bytes>(tl::encode(tl::Updates{known}))});
  wire(short_message(3, 7, 13));
  EXPECT_EQ(world->asked.size(), 1U);
  EXPECT_EQ(take(), (marks{2, 3}));
}

TEST(peer_memory, what_is_known_in_full_is_not_forgotten_for_less) {
  peer_memory memory;
  const auto seen = [](bool min, std::string name) {
    peers_seen out;
    out.users.emplace(7, tl::user{.min = min, .id = 7, .first_name = std::move(name)});
    return out;
  };
  const auto name = [&memory] {
    update_batch batch;
    batch.updates = {fresh(1, 11)};
    return *tl::get_if<tl::user>(memory.known(batch)->users.at(7))->first_name;
  };
  memory.note(seen(true, "least"));
  EXPECT_EQ(name(), "least") << "better than nothing";
  memory.note(seen(false, "whole"));
  memory.note(seen(true, "less"));
  EXPECT_EQ(name(), "whole");
}

TEST_F(hub_order, another_account_begins_anew) {
  subscribe();
  begin(updates_from::now);
  wire(live({fresh(3, 13)})); // waits for what is missing
  world->state = {.pts = 12, .qts = 0, .date = 1, .seq = 1};
  world->stored.updates.reset(); // as the store does for another account
  begin(updates_from::now, me + 1);
  wire(live({fresh(5, 13)}));
  EXPECT_EQ(take(), (marks{5})) << "what waited was another one's";
}

TEST(update_parts, a_message_that_cannot_be_read_has_an_identity_of_its_own) {
  const auto empty = [](std::int32_t id) -> tl::Update {
    return tl::updateNewMessage{.message = tl::messageEmpty{.id = id}, .pts = 1, .pts_count = 1};
  };
  EXPECT_NE(identity_of(me, empty(1)), identity_of(me, empty(2)));
  EXPECT_EQ(identity_of(me, empty(1)), identity_of(me, empty(1)));
}

} // namespace cafegram
