#include <algorithm>

#include "client_world.hpp"
#include "hub_inbox_kit.hpp"

// A hub with a receiver that takes its updates in batches.
namespace cafegram {

namespace {

using test::fresh;
using test::live;
using test::query;
using counts = std::vector<std::size_t>;
using row_numbers = std::vector<std::uint64_t>;

/// What it has got in batches, and nothing of which it has told the end; one by one it ends all.
struct batch_receiver {
  caf::actor actor;
  std::vector<update_events> got;
  std::vector<std::int64_t> asked; ///< over these, one by one

  explicit batch_receiver(caf::actor_system& system) {
    actor = system.spawn([this]() -> caf::behavior {
      return {
          [this](const update_events& batch) { got.push_back(batch); },
          [this](const update_event& one) { asked.push_back(test::mark_of(*one.update)); },
      };
    });
  }
  std::vector<std::int64_t> marks() {
    std::vector<std::int64_t> out;
    for (const auto& batch : std::exchange(got, {})) {
      for (const auto& event : batch.events) {
        out.push_back(test::mark_of(*event.update));
      }
    }
    return out;
  }
  row_numbers numbers() const {
    row_numbers out;
    for (const auto& batch : got) {
      for (const auto& event : batch.events) {
        out.push_back(event.number);
      }
    }
    return out;
  }
};

struct hub_batches : test::inbox_stage {
  std::unique_ptr<batch_receiver> taker = std::make_unique<batch_receiver>(actors.system());

  ~hub_batches() override { end_taker(); }

  void start_taking() {
    begin(updates_from::now);
    claim_batches();
  }
  void claim_batches(bool wanted = true) {
    caf::anon_send(hub, update_claim{taker->actor, wanted});
    actors.run();
  }
  void end_taker() {
    caf::anon_send_exit(taker->actor, caf::exit_reason::kill);
    actors.run();
  }
  void tell(updates_finished what) {
    caf::anon_send(hub, std::move(what));
    actors.run();
  }
};

} // namespace

TEST_F(hub_batches, go_out_in_one_message_and_end_in_one_write) {
  start_taking();
  wire(live({fresh(1, 11), query(900), fresh(2, 12), fresh(3, 13)}));
  const auto numbers = taker->numbers();
  ASSERT_EQ(taker->got.size(), 1U);
  EXPECT_EQ(taker->marks(), (marks{1, 900, 2, 3}));
  ASSERT_EQ(inbox().size(), 3U);
  world->holds_writes = true;
  tell({{numbers[0], numbers[1], numbers[3]}});
  ASSERT_EQ(world->held_writes.size(), 1U);
  EXPECT_EQ(inbox().size(), 3U);
  caf::anon_send(store, caf::tick_atom_v);
  actors.run();
  ASSERT_EQ(inbox().size(), 1U);
  EXPECT_EQ(inbox()[0].number, numbers[2]);
  EXPECT_TRUE(world->held_writes.empty());
  world->holds_writes = false;
}

TEST_F(hub_batches, hold_nothing_that_is_not_written) {
  start_taking();
  world->holds_writes = true;
  wire(live({fresh(1, 11), fresh(2, 12)}));
  EXPECT_TRUE(taker->got.empty());
  caf::anon_send(store, caf::tick_atom_v);
  actors.run();
  EXPECT_EQ(taker->marks(), (marks{1, 2}));
  world->holds_writes = false;
}

TEST_F(hub_batches, are_bounded) {
  start_taking();
  std::vector<tl::Update> many;
  marks expected;
  for (std::int32_t n = 1; n <= 150; ++n) {
    many.push_back(fresh(n, 10 + n));
    expected.push_back(n);
  }
  wire(live(many));
  counts sizes;
  std::ranges::transform(taker->got, std::back_inserter(sizes),
                         [](const update_events& batch) { return batch.events.size(); });
  EXPECT_EQ(sizes, (counts{64, 64, 22}));
  EXPECT_EQ(taker->marks(), expected);
}

TEST_F(hub_batches, who_dies_leaves_what_it_has_not_told_of) {
  start_taking();
  wire(live({fresh(1, 11), fresh(2, 12), fresh(3, 13)}));
  tell({{taker->numbers()[1]}});
  end_taker();
  taker = std::make_unique<batch_receiver>(actors.system());
  claim_batches();
  EXPECT_EQ(taker->marks(), (marks{1, 3}));
  EXPECT_EQ(inbox().size(), 2U);
}

TEST_F(hub_batches, a_new_hub_hands_out_again_what_was_not_told) {
  start_taking();
  wire(live({fresh(1, 11), fresh(2, 12)}));
  tell({{taker->numbers()[0]}});
  taker->got.clear();
  another_hub();
  begin(updates_from::stored);
  claim_batches();
  EXPECT_EQ(taker->marks(), marks{2});
}

TEST_F(hub_batches, who_comes_after_is_asked_as_it_wants_to_be) {
  start_taking();
  wire(live({fresh(1, 11)}));
  ASSERT_EQ(taker->got.size(), 1U);
  end_taker();
  claim();
  EXPECT_EQ(bot->marks(), marks{1}) << "a request to each";
  finish();
  EXPECT_TRUE(inbox().empty());
}

TEST_F(hub_batches, who_claims_again_gets_what_comes_then_as_it_says_now) {
  start_taking();
  wire(live({fresh(1, 11)}));
  ASSERT_EQ(taker->got.size(), 1U);
  claim_batches(false);
  wire(live({fresh(2, 12)}));
  EXPECT_EQ(taker->asked, marks{2});
  EXPECT_EQ(taker->got.size(), 1U) << "nothing comes twice";
  ASSERT_EQ(inbox().size(), 1U) << "what it had before has not ended";
  claim_batches();
  wire(live({fresh(3, 13)}));
  EXPECT_EQ(taker->asked, marks{2});
  tell({taker->numbers()});
  EXPECT_EQ(taker->marks(), (marks{1, 3}));
  EXPECT_TRUE(inbox().empty());
}

TEST(client_claims, of_the_same_receiver_are_taken_over_and_kept_for_the_next_hub) {
  test::client_world world;
  world.start();
  batch_receiver taker{world.actors.system()};
  const auto claim = [&](bool in_batches) {
    caf::anon_send(world.client, update_claim{taker.actor, in_batches});
    world.actors.run();
  };
  claim(false);
  world.push(1, 11);
  EXPECT_EQ(taker.asked, std::vector<std::int64_t>{1});
  claim(true);
  world.push(2, 12);
  EXPECT_EQ(taker.marks(), std::vector<std::int64_t>{2});
  world.kill(world.hub);
  world.serve();
  world.push(3, 13);
  EXPECT_EQ(taker.marks(), std::vector<std::int64_t>{3});
  EXPECT_EQ(taker.asked.size(), 1U);
  world.kill(taker.actor);
}

TEST_F(hub_batches, what_is_given_up_is_a_dead_letter) {
  start_taking();
  wire(live({fresh(1, 11), fresh(2, 12)}));
  tell({{taker->numbers()[0]}, "it is poison"});
  ASSERT_EQ(dead().size(), 1U);
  EXPECT_EQ(dead()[0].update.last_failure, "it is poison");
  EXPECT_EQ(inbox().size(), 1U);
}

} // namespace cafegram
