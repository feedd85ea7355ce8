#include <cafegram/actors/inbox_rows.hpp>

#include "hub_kit.hpp"

// What a hub keeps until it is finished, in a store and with receivers that the tests play.
namespace cafegram {

namespace {

using namespace std::chrono_literals;
using test::fresh;
using test::live;
using test::me;
using test::posted;
using test::query;

/// A receiver that answers when the test says so.
struct patient_receiver {
  caf::actor actor;
  std::vector<update_event> got;
  std::map<std::uint64_t, caf::response_promise> open;

  explicit patient_receiver(caf::actor_system& system) {
    actor = system.spawn([this](caf::event_based_actor* self) -> caf::behavior {
      return {[this, self](const update_event& event) -> caf::response_promise {
                got.push_back(event);
                return open[event.number] = self->make_response_promise();
              },
              [this](caf::ok_atom, std::uint64_t number) {
                open.at(number).deliver(caf::unit);
                open.erase(number);
              },
              [this](caf::flush_atom, std::uint64_t number, int code) {
                open.at(number).deliver(
                    to_caf(error::make(static_cast<errc>(code), "it is poison")));
                open.erase(number);
              }};
    });
  }
  std::vector<std::int64_t> marks() {
    std::vector<std::int64_t> out;
    for (const auto& event : std::exchange(got, {})) {
      out.push_back(test::mark_of(*event.update));
    }
    return out;
  }
};

/// A hub whose updates are claimed.
struct hub_inbox : testing::Test, test::hub_stage {
  std::unique_ptr<patient_receiver> bot = std::make_unique<patient_receiver>(actors.system());

  ~hub_inbox() override { end_bot(); }

  void start(updates_from from = updates_from::now) {
    begin(from);
    claim();
  }
  void claim() {
    caf::anon_send(hub, update_claim{bot->actor});
    actors.run();
  }
  void end_bot() {
    caf::anon_send_exit(bot->actor, caf::exit_reason::kill);
    bot->open.clear();
    actors.run();
  }
  void another_bot() {
    end_bot();
    bot = std::make_unique<patient_receiver>(actors.system());
    claim();
  }
  void another_hub() {
    caf::anon_send_exit(hub, caf::exit_reason::kill);
    actors.run();
    hub = spawn_update_hub(actors.system(), actors.services(), client, store);
  }
  void finish(std::size_t at = 0) {
    const auto next = std::next(bot->open.begin(), static_cast<std::ptrdiff_t>(at));
    caf::anon_send(bot->actor, caf::ok_atom_v, next->first);
    actors.run();
  }
  void refuse(errc code) {
    caf::anon_send(bot->actor, caf::flush_atom_v, bot->open.begin()->first, static_cast<int>(code));
    actors.run();
  }
  std::vector<storage::inbox_row> inbox() const { return read_inbox(*world->rows, 0)->records; }
  std::vector<storage::dead_letter> dead() const {
    return read_dead_letters(*world->rows, 0)->records;
  }
};

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

TEST_F(hub_inbox, what_is_not_finished_comes_again_before_all_else) {
  start();
  wire(live({fresh(1, 11), fresh(2, 12), fresh(3, 13)}));
  bot->marks();
  finish(1);
  another_hub();
  end_bot();
  bot = std::make_unique<patient_receiver>(actors.system());
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

TEST_F(hub_inbox, others_see_updates_and_finish_none) {
  subscribe();
  start();
  wire(live({fresh(1, 11)}));
  EXPECT_EQ(take(), (marks{1}));
  EXPECT_EQ(inbox().size(), 1U);
  finish();
  EXPECT_TRUE(inbox().empty());
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

TEST_F(hub_inbox, a_full_channel_is_left_to_the_server_alone) {
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
