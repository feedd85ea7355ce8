#include <cafegram/actors/update_parts.hpp>
#include <cafegram/tests/support.hpp>

#include <numeric>

#include "hub_kit.hpp"

namespace cafegram {

namespace {

using namespace std::chrono_literals;
using test::fresh;
using test::live;
using test::me;

/// A hub that counts from pts 10 and has its receiver.
struct update_hub_fixture : testing::Test, test::hub_stage {
  update_hub_fixture() {
    subscribe();
    begin(updates_from::now);
  }

  static tl::updates::state at(std::int32_t pts) { return {.pts = pts, .date = 1, .seq = 1}; }

  /// Messages up to a place, with more to come.
  void bring_slice(const std::vector<std::int32_t>& messages, std::int32_t pts) {
    tl::updates::differenceSlice out{.intermediate_state = at(pts)};
    for (const auto id : messages) {
      out.new_messages.push_back(test::message_of(id));
    }
    world->differences.emplace_back(tl::updates::Difference{std::move(out)});
  }
  /// The pts of each question for the difference.
  marks asked_from() const {
    marks out;
    for (const auto& one : world->asked) {
      out.push_back(one.pts);
    }
    return out;
  }
  void suspect() {
    caf::anon_send(hub, updates_suspect{"test"});
    actors.run();
  }
  /// A second hub over the same store, as after the death of the first.
  void start_another() {
    caf::anon_send_exit(hub, caf::exit_reason::kill);
    actors.run();
    hub = spawn_update_hub(actors.system(), actors.services(), client, store);
  }
};

} // namespace

TEST_F(update_hub_fixture, hands_out_what_comes_in_order_each_once) {
  wire(live({fresh(1, 11)}));
  EXPECT_EQ(take(), (marks{1}));
  wire(live({fresh(2, 12), fresh(3, 13)}));
  wire(live({fresh(2, 12)}));
  wire(live({fresh(4, 14)}));
  actors.pass(5s);
  EXPECT_EQ(take(), (marks{2, 3, 4}));
}

TEST_F(update_hub_fixture, puts_what_overtook_back_in_order) {
  wire(live({fresh(1, 11)}));
  ASSERT_EQ(take(), (marks{1}));
  wire(live({fresh(3, 13)}));
  EXPECT_TRUE(take().empty());
  wire(live({fresh(2, 12)}));
  EXPECT_EQ(take(), (marks{2, 3}));
  EXPECT_TRUE(world->asked.empty());
}

TEST_F(update_hub_fixture, fetches_what_does_not_come) {
  wire(live({fresh(1, 11)}));
  ASSERT_EQ(take(), (marks{1}));
  world->bring({2, 3}, {}, at(13));
  wire(live({fresh(3, 13)}));
  EXPECT_TRUE(take().empty()) << "it may still come";
  actors.pass(2s);
  EXPECT_EQ(take(), (marks{2, 3})) << "the gap is filled, and what waited is no double";
  EXPECT_EQ(asked_from(), (marks{11}));
}

TEST_F(update_hub_fixture, goes_on_until_the_difference_is_final) {
  wire(live({fresh(1, 11)}));
  ASSERT_EQ(take(), (marks{1}));
  bring_slice({2, 3}, 13);
  world->bring({4}, {}, at(14));
  suspect();
  EXPECT_EQ(take(), (marks{2, 3, 4}));
  EXPECT_EQ(asked_from(), (marks{11, 13}));
}

TEST_F(update_hub_fixture, a_long_difference_waits_for_slow_receivers) {
  constexpr std::int32_t slices = 5;
  constexpr std::int32_t per_slice = 2000;
  marks all;
  for (std::int32_t n = 0; n < slices; ++n) {
    std::vector<std::int32_t> part;
    for (std::int32_t m = 0; m < per_slice; ++m) {
      part.push_back(n * per_slice + m + 1);
    }
    all.insert(all.end(), part.begin(), part.end());
    const auto to = 10 + (n + 1) * per_slice;
    if (n + 1 < slices) {
      bring_slice(part, to);
    } else {
      world->bring(part, {}, at(to));
    }
  }
  suspect();
  actors.pass(1min);
  const auto seen = take();
  EXPECT_EQ(seen.size(), all.size());
  EXPECT_TRUE(std::ranges::is_sorted(seen));
}

TEST_F(update_hub_fixture, nothing_more_is_asked_for_before_the_last_answer_is_written) {
  std::vector<std::int32_t> part(3000);
  std::iota(part.begin(), part.end(), 1);
  bring_slice(part, 3010);
  world->bring({3001}, {}, at(3011));
  world->holds_writes = true;
  suspect();
  EXPECT_EQ(asked_from(), (marks{10}));
  EXPECT_TRUE(take().empty());
  world->holds_writes = false;
  caf::anon_send(store, caf::tick_atom_v);
  actors.run();
  EXPECT_EQ(asked_from(), (marks{10, 3010})) << "the question has waited, and is not forgotten";
  EXPECT_EQ(take().size(), 3001U);
}

TEST_F(update_hub_fixture, own_results_leave_no_gap_and_are_not_handed_out) {
  const auto own = [this](shared_bytes object) {
    caf::anon_send(hub, own_result{std::move(object)});
    actors.run();
  };
  wire(live({fresh(1, 11)}));
  ASSERT_EQ(take(), (marks{1}));
  own(live({fresh(2, 12)}).object);
  own(std::make_shared<const bytes>(
      tl::encode(tl::messages::affectedMessages{.pts = 13, .pts_count = 1})));
  own(std::make_shared<const bytes>(
      tl::encode(tl::updateShortSentMessage{.id = 5, .pts = 14, .pts_count = 1, .date = 1})));
  wire(live({fresh(6, 15)}));
  EXPECT_EQ(take(), (marks{6}));
  EXPECT_TRUE(world->asked.empty());
}

TEST_F(update_hub_fixture, continues_from_the_stored_state) {
  wire(live({fresh(1, 11)}));
  ASSERT_EQ(take(), (marks{1}));
  world->bring({2}, {}, at(12));
  start_another();
  subscribe();
  begin(updates_from::stored);
  EXPECT_EQ(take(), (marks{2}));
  EXPECT_EQ(asked_from(), (marks{11}));
}

// A message may come between the login and the answer that says where its counting begins: it is
// before that place, and no difference brings it.
TEST_F(update_hub_fixture, what_came_during_the_login_is_not_lost) {
  wire(live({fresh(1, 11)}));
  ASSERT_EQ(take(), (marks{1}));
  start_another();
  subscribe();
  wire(live({fresh(2, 11)}));
  begin(updates_from::login);
  EXPECT_EQ(take(), (marks{2}));
  wire(live({fresh(3, 11), fresh(4, 12)}));
  actors.pass(5s);
  EXPECT_EQ(take(), (marks{4})) << "from then on its place is not given twice";
}

// The other way round: it comes after that place, and the difference is asked for from behind it.
TEST_F(update_hub_fixture, what_came_after_the_first_state_is_handed_out_once) {
  wire(live({fresh(1, 11)}));
  ASSERT_EQ(take(), (marks{1}));
  start_another();
  subscribe();
  wire(live({fresh(2, 12)}));
  begin(updates_from::login);
  actors.pass(5s);
  EXPECT_EQ(take(), (marks{2}));
  EXPECT_EQ(asked_from(), (marks{12}));
}

TEST_F(update_hub_fixture, waits_for_its_first_receiver) {
  wire(live({fresh(1, 11)}));
  ASSERT_EQ(take(), (marks{1}));
  start_another();
  begin(updates_from::stored);
  wire(live({fresh(2, 12)}));
  actors.pass(5s);
  EXPECT_TRUE(take().empty());
  world->bring({2}, {}, at(12));
  subscribe();
  actors.pass(5s);
  EXPECT_EQ(take(), (marks{2}));
  EXPECT_EQ(asked_from(), (marks{11}));
}

TEST_F(update_hub_fixture, a_receiver_that_does_not_answer_gets_a_window_and_no_more) {
  std::size_t seen = 0;
  auto silent = actors.system().spawn([&seen](caf::event_based_actor* self) -> caf::behavior {
    return {[self, &seen](const update_event&) -> caf::response_promise {
      ++seen;
      return self->make_response_promise();
    }};
  });
  caf::anon_send(hub, caf::subscribe_atom_v, silent);
  std::vector<tl::Update> many;
  for (std::int32_t n = 1; n <= 1000; ++n) {
    many.push_back(fresh(n, 10 + n));
  }
  wire(live(std::move(many)));
  EXPECT_EQ(take().size(), 1000U) << "the other receiver is not held up";
  EXPECT_EQ(seen, update_window);
  caf::anon_send_exit(silent, caf::exit_reason::kill);
  actors.run();
}

TEST(update_parts, short_forms_are_messages_too) {
  const auto batch = read_updates(
      tl::encode(tl::updateShortMessage{
          .id = 5, .user_id = 7, .message = "hi", .pts = 11, .pts_count = 1, .date = 99}),
      me);
  ASSERT_TRUE(batch);
  ASSERT_EQ(batch->updates.size(), 1U);
  const auto place = place_of(batch->updates.front());
  EXPECT_EQ(place.order, update_order::common);
  EXPECT_EQ(place.value, 11);
  EXPECT_EQ(users_in(*batch), (std::vector<std::int64_t>{7}));
  EXPECT_EQ(identity_of(me, batch->updates.front()), "message/4242/u7/5");
}

TEST(update_parts, one_identity_by_whatever_way_it_comes) {
  EXPECT_EQ(identity_of(me, fresh(5, 11)), identity_of(me, fresh(5, 0)));
  EXPECT_NE(identity_of(me, fresh(5, 11)), identity_of(me, fresh(6, 11)));
  EXPECT_NE(identity_of(me, fresh(5, 11)), identity_of(me + 1, fresh(5, 11)));
  const tl::Update query = tl::updateBotCallbackQuery{
      .query_id = 77, .user_id = 7, .peer = tl::peerUser{.user_id = 7}, .msg_id = 1};
  EXPECT_EQ(identity_of(me, query), "query/4242/77");
  EXPECT_EQ(place_of(query).order, update_order::none);
}

TEST(update_parts, what_is_unknown_comes_as_it_is) {
  auto octets = tl::encode(tl::updateShort{.update = tl::updateConfig{}, .date = 5});
  octets[4] ^= 0xff; // the update's constructor
  const auto batch = read_updates(octets, me);
  ASSERT_TRUE(batch);
  ASSERT_EQ(batch->updates.size(), 1U);
  const auto* opaque = tl::get_if<tl::unknown>(batch->updates.front());
  ASSERT_NE(opaque, nullptr);
  EXPECT_EQ(opaque->id, tl::updateConfig::tl_id ^ 0xffU);
  EXPECT_EQ(batch->date, 5) << "what stands around it is read";
}

TEST(update_parts, broken_octets_are_an_error) {
  EXPECT_FALSE(read_updates({}, me));
  auto octets = tl::encode(tl::updateShort{.update = tl::updateConfig{}, .date = 5});
  octets.pop_back();
  EXPECT_FALSE(read_updates(octets, me));
}

} // namespace cafegram
