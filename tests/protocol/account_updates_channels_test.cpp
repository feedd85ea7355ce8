#include "updates_kit.hpp"

namespace cafegram::protocol::test {
namespace {

/// A channel that stands at 50.
struct channel_updates : testing::Test {
  updates_client client;

  void SetUp() override {
    client.begin();
    client.open(50);
  }
  update_item too_long(std::int32_t pts = 0) const {
    return {.box = channel_box(client.channel),
            .value = pts,
            .role = update_role::channel_too_long,
            .body = {}};
  }
  static channel_difference gone(std::int32_t pts) {
    return {.what = channel_difference::form::too_long, .items = {}, .pts = pts};
  }
};

TEST_F(channel_updates, have_an_order_of_their_own) {
  const auto out = client.come({client.of_channel(51, "a"), client.of_channel(53, "b", 2)});
  EXPECT_EQ(told(out), "channel 7:a,b");
  ASSERT_EQ(out.save_channels.size(), 1U);
  EXPECT_EQ(out.save_channels.front(), (channel_place{.channel = 7, .pts = 53}));
  EXPECT_FALSE(out.save) << "the account's place has not moved";
}

TEST_F(channel_updates, a_gap_is_waited_for_and_noted_in_the_store) {
  auto out = client.come(client.of_channel(53, "c"));
  ASSERT_EQ(out.save_channels.size(), 1U);
  EXPECT_TRUE(out.save_channels.front().unsure) << "whoever begins here has to ask";
  EXPECT_TRUE(client.pass(499ms).empty());
  out = client.pass(1ms);
  ASSERT_EQ(out.ask_channels.size(), 1U);
  EXPECT_EQ(out.ask_channels.front().pts, 50);
  EXPECT_EQ(out.ask_channels.front().limit, 100);
  out = client.channel_answer({client.of_channel(0, "a", 0), client.of_channel(0, "b", 0)}, 52);
  EXPECT_EQ(told(out), "channel 7:a,b,c");
  EXPECT_EQ(out.save_channels.back(), (channel_place{.channel = 7, .pts = 53}));
}

TEST_F(channel_updates, no_gap_holds_up_another_box) {
  client.come(client.of_channel(53, "c"));
  client.pass(500ms); // asked about
  client.boxes.suspect(client.now);
  client.boxes.learn(8, 20, client.now);
  client.boxes.loaded(8, {}, client.now);
  EXPECT_EQ(told(client.come({client.of_channel(54, "d"), item(channel_box(8), 21, "x"),
                              item(common_box, 11, "a")})),
            "channel 8:x");
  EXPECT_EQ(told(client.whole({}, {10, 3, 1000, 1})), "common:a");
  EXPECT_EQ(told(client.channel_answer({client.of_channel(0, "b", 0)}, 52)), "channel 7:b,c,d");
}

TEST_F(channel_updates, slices_are_followed_to_their_end) {
  client.come(too_long());
  auto out = client.channel_answer({client.of_channel(51, "a")}, 51, false);
  EXPECT_EQ(told(out), "channel 7:a");
  ASSERT_EQ(out.ask_channels.size(), 1U);
  EXPECT_EQ(out.ask_channels.front().pts, 51);
  out = client.channel_answer({}, 51, false);
  EXPECT_TRUE(out.ask_channels.empty()) << "it leads nowhere";
  out = client.pass(2s);
  ASSERT_EQ(out.ask_channels.size(), 1U);
  EXPECT_TRUE(client.channel_answer({}, 51).ask_channels.empty());
}

TEST_F(channel_updates, too_long_is_believed_when_the_largest_limit_says_so) {
  client.come(client.of_channel(60, "j"));
  EXPECT_EQ(client.pass(500ms).ask_channels.front().limit, 100);
  auto out = client.boxes.difference_of(7, gone(70), client.now);
  ASSERT_EQ(out.ask_channels.size(), 1U);
  EXPECT_EQ(out.ask_channels.front().limit, 1000);
  EXPECT_TRUE(out.told.empty());
  out = client.boxes.difference_of(7, gone(70), client.now);
  EXPECT_EQ(told(out), "lost(channel 7 50..59) channel 7:j lost(channel 7 60..70)");
  EXPECT_TRUE(out.ask_channels.empty());
  EXPECT_EQ(told(client.come(client.of_channel(71, "next"))), "channel 7:next");
}

TEST_F(channel_updates, a_forbidden_channel_is_told_and_closed) {
  client.come(client.of_channel(53, "c"));
  client.pass(500ms);
  auto out = client.channel_failed(difference_failure::forbidden);
  EXPECT_EQ(told(out), "lost(channel 7 50..52) channel 7:c lost(channel 7 53..)");
  ASSERT_EQ(out.save_channels.size(), 1U);
  EXPECT_TRUE(out.save_channels.front().closed);
  EXPECT_EQ(client.boxes.channels(), 0U);
  // Heard of again: nothing from before, and it begins with what comes.
  client.come(client.of_channel(52, "b"));
  out = client.boxes.loaded(7, out.save_channels.front(), client.now);
  EXPECT_TRUE(out.told.empty());
  out = client.come(client.of_channel(80, "new"));
  client.boxes.loaded(7, channel_place{.channel = 7, .pts = 53, .closed = true}, client.now);
  EXPECT_EQ(told(client.pass(500ms)), "channel 7:new");
}

TEST_F(channel_updates, a_channel_without_address_waits_for_the_accounts_difference) {
  client.come(too_long());
  auto out = client.channel_failed(difference_failure::no_address);
  ASSERT_TRUE(out.ask);
  EXPECT_TRUE(client.pass(2s).ask_channels.empty());
  out = client.empty_difference();
  ASSERT_EQ(out.ask_channels.size(), 1U);
  EXPECT_EQ(told(client.channel_failed(difference_failure::no_address)), "lost(channel 7 50..)");
}

TEST_F(channel_updates, failures_are_asked_again_with_back_off) {
  client.come(too_long());
  EXPECT_TRUE(client.channel_failed(difference_failure::later, 3s).ask_channels.empty());
  EXPECT_EQ(told(client.come(client.of_channel(51, "a"))), "channel 7:a") << "it fits";
  EXPECT_TRUE(client.pass(2s).ask_channels.empty());
  EXPECT_EQ(client.pass(1s).ask_channels.size(), 1U);
  EXPECT_EQ(told(client.channel_failed(difference_failure::place_unknown)), "lost(channel 7 51..)");
}

TEST_F(channel_updates, what_cannot_be_read_is_asked_for_in_smaller_pieces) {
  client.come(too_long());
  client.channel_failed(difference_failure::unreadable);
  auto out = client.pass(2s);
  ASSERT_EQ(out.ask_channels.size(), 1U);
  EXPECT_EQ(out.ask_channels.front().limit, 25);
  client.channel_failed(difference_failure::unreadable);
  client.pass(5s);
  EXPECT_EQ(told(client.channel_failed(difference_failure::unreadable)), "lost(channel 7 50..)");
}

TEST_F(channel_updates, a_hint_is_a_gap_when_nothing_follows) {
  auto read = client.of_channel(52, "read", 0);
  read.role = update_role::channel_hint;
  EXPECT_EQ(told(client.come(read)), "loose:read") << "in no order itself";
  EXPECT_TRUE(client.pass(499ms).empty());
  EXPECT_EQ(client.pass(1ms).ask_channels.size(), 1U);
  EXPECT_TRUE(client.channel_answer({}, 50).ask_channels.empty());
  EXPECT_TRUE(client.pass(1min).ask_channels.empty()) << "the server knows better";
}

TEST_F(channel_updates, strangers_are_left_to_the_channels_difference) {
  auto stranger = client.of_channel(51, "who");
  stranger.strangers = true;
  const auto out = client.come(stranger);
  EXPECT_TRUE(out.told.empty());
  EXPECT_EQ(out.ask_channels.size(), 1U);
  EXPECT_FALSE(out.ask);
}

TEST_F(channel_updates, without_room_one_is_left_and_fetched_later) {
  client.boxes.full(channel_box(7), true, client.now);
  EXPECT_TRUE(client.come(client.of_channel(51, "a")).told.empty());
  EXPECT_TRUE(client.pass(1min).ask_channels.empty());
  EXPECT_EQ(told(client.come(item(common_box, 11, "x"))), "common:x");
  EXPECT_EQ(client.boxes.full(channel_box(7), false, client.now).ask_channels.size(), 1U);
}

TEST_F(channel_updates, one_that_is_followed_is_asked_about_again_and_again) {
  EXPECT_EQ(client.boxes.follow(7, true, client.now).ask_channels.size(), 1U);
  client.boxes.difference_of(
      7, {.what = channel_difference::form::empty, .items = {}, .pts = 50, .timeout = 30},
      client.now);
  EXPECT_TRUE(client.pass(29s).ask_channels.empty());
  EXPECT_EQ(client.pass(1s).ask_channels.size(), 1U);
  client.channel_answer({}, 50);
  EXPECT_EQ(client.pass(1s).ask_channels.size(), 1U) << "a second where it is not said";
  client.channel_answer({}, 50);
  client.boxes.follow(7, false, client.now);
  EXPECT_TRUE(client.pass(1min).ask_channels.empty());
  for (std::int64_t id = 100; id < 120; ++id) {
    client.boxes.follow(id, true, client.now);
    client.boxes.loaded(id, {}, client.now);
  }
  EXPECT_EQ(client.boxes.channels(), 1U + client.bounds.most_followed);
}

TEST_F(channel_updates, one_that_is_followed_begins_where_it_is_learned_to_be) {
  client.boxes.follow(8, true, client.now);
  EXPECT_TRUE(client.boxes.loaded(8, {}, client.now).ask_channels.empty());
  const auto out = client.boxes.learn(8, 30, client.now);
  ASSERT_EQ(out.ask_channels.size(), 1U);
  EXPECT_EQ(out.ask_channels.front().pts, 30);
  const auto before = client.boxes.channels();
  client.boxes.follow(9, true, client.now);
  client.boxes.loaded(9, {}, client.now);
  client.boxes.follow(9, false, client.now);
  EXPECT_EQ(client.boxes.channels(), before) << "one that has no place does not stay";
}

TEST_F(channel_updates, few_are_asked_about_at_once) {
  update_bounds bounds;
  bounds.most_asked = 2;
  updates_client small{bounds};
  small.begin();
  std::size_t asked = 0;
  for (std::int64_t id = 1; id <= 5; ++id) {
    small.come({.box = channel_box(id), .role = update_role::channel_too_long, .body = {}});
    asked += small.boxes.loaded(id, channel_place{.channel = id, .pts = 5}, small.now)
                 .ask_channels.size();
  }
  EXPECT_EQ(asked, 2U);
  EXPECT_EQ(small.boxes.difference_of(1, {.items = {}, .pts = 5}, small.now).ask_channels.size(),
            1U);
}

TEST_F(channel_updates, of_a_difference_come_by_their_own_counter) {
  client.boxes.suspect(client.now);
  auto notice = too_long(70);
  notice.box = channel_box(9);
  const auto out = client.whole(
      {item(common_box, 0, "a", 0), client.of_channel(51, "x"), client.of_channel(53, "z"), notice},
      {11, 3, 1001, 1});
  EXPECT_EQ(told(out), "common:a channel 7:x");
  EXPECT_EQ(out.load_channels, std::vector<std::int64_t>{9});
  const auto begun = client.boxes.loaded(9, {}, client.now);
  ASSERT_EQ(begun.ask_channels.size(), 1U) << "it was not heard of, and is there by now";
  EXPECT_EQ(begun.ask_channels.front().pts, 20);
  ASSERT_FALSE(begun.save_channels.empty());
  EXPECT_TRUE(begun.save_channels.front().unsure) << "or it would be forgotten by a crash";
  EXPECT_EQ(begun.save_channels.front().since, 1000) << "when the account was asked last";
}

// -- which are known ----------------------------------------------------------------------------

/// Nobody has heard of channel 7; the account stands where it was at 1000.
struct new_channel : testing::Test {
  updates_client client;

  void SetUp() override { client.begin(); }
  static update_item dated(update_item what, std::int32_t date) {
    what.date = date;
    return what;
  }
  /// In a difference.
  update_item older(const std::string& name, std::int32_t date) const {
    return dated(client.of_channel(0, name, 0), date);
  }
  /// The store does not know it.
  update_outcome loaded() { return client.boxes.loaded(7, {}, client.now); }
};

// The push of the first one was lost, and no gap shows it.
TEST_F(new_channel, is_looked_through_for_what_was_lost_before_its_first_update) {
  auto out = client.come(dated(client.of_channel(132, "b"), 1003));
  EXPECT_EQ(out.load_channels, std::vector<std::int64_t>{7});
  out = loaded();
  EXPECT_TRUE(out.told.empty());
  ASSERT_EQ(out.ask_channels.size(), 1U);
  EXPECT_EQ(out.ask_channels.front().pts, 81);
  EXPECT_EQ(out.ask_channels.front().limit, 100);
  out = client.channel_answer({older("history", 999), older("a", 1002), older("b", 1003)}, 132);
  EXPECT_EQ(told(out), "channel 7:a,b") << "what is older than the account's place is not wanted";
  EXPECT_EQ(out.save_channels.back(), (channel_place{.channel = 7, .pts = 132}));
  EXPECT_EQ(told(client.come(client.of_channel(133, "c"))), "channel 7:c");
}

TEST_F(new_channel, is_looked_through_again_after_a_crash) {
  client.come(dated(client.of_channel(132, "b"), 1003));
  const auto kept = loaded().save_channels.back();
  EXPECT_EQ(kept, (channel_place{.channel = 7, .pts = 81, .unsure = true, .since = 1000}));
  updates_client next;
  ASSERT_TRUE(
      next.boxes.start({updates_start::from::stored, account_place{10, 3, 1500, 1}}, {}, next.now)
          .load_unsure);
  const auto out = next.boxes.loaded_unsure({kept}, next.now);
  ASSERT_EQ(out.ask_channels.size(), 1U);
  EXPECT_EQ(out.ask_channels.front().pts, 81);
  EXPECT_EQ(told(next.channel_answer({older("history", 999), older("a", 1002)}, 132)),
            "channel 7:a");
}

TEST_F(new_channel, what_came_by_itself_is_no_history) {
  client.come(dated(client.of_channel(32, "a"), 990));
  loaded();
  EXPECT_EQ(
      told(client.channel_answer({older("history", 980), older("a", 990), older("b", 995)}, 33)),
      "channel 7:a,b");
}

TEST_F(new_channel, slices_are_looked_through_to_their_end) {
  client.come(dated(client.of_channel(60, "d"), 1003));
  loaded();
  auto out = client.channel_answer({older("history", 900)}, 30, false);
  EXPECT_TRUE(out.told.empty());
  ASSERT_EQ(out.ask_channels.size(), 1U);
  EXPECT_EQ(out.ask_channels.front().pts, 30);
  out = client.channel_answer({older("more", 950), older("c", 1001), older("d", 1003)}, 60);
  EXPECT_EQ(told(out), "channel 7:c,d");
  EXPECT_EQ(out.save_channels.back(), (channel_place{.channel = 7, .pts = 60}));
}

TEST_F(new_channel, that_was_named_is_looked_through_from_before_where_it_is) {
  const update_item named{
      .box = channel_box(7), .value = 200, .role = update_role::channel_too_long, .body = {}};
  client.come(named);
  const auto out = loaded();
  ASSERT_EQ(out.ask_channels.size(), 1U);
  EXPECT_EQ(out.ask_channels.front().pts, 150);
  EXPECT_EQ(told(client.channel_answer({older("a", 1001), older("b", 1002)}, 200)),
            "lost(channel 7 1..150) channel 7:a,b")
      << "all of it is new: there may be more";
}

TEST_F(new_channel, that_was_named_without_its_place_is_looked_through_where_it_turns_out_to_be) {
  client.come(
      update_item{.box = channel_box(7), .role = update_role::channel_too_long, .body = {}});
  auto out = loaded();
  ASSERT_EQ(out.ask_channels.size(), 1U);
  EXPECT_EQ(out.ask_channels.front().pts, 1);
  out = client.boxes.difference_of(
      7, {.what = channel_difference::form::too_long, .items = {}, .pts = 5000}, client.now);
  EXPECT_TRUE(out.told.empty());
  ASSERT_EQ(out.ask_channels.size(), 1U);
  EXPECT_EQ(out.ask_channels.front().pts, 4950);
  EXPECT_EQ(told(client.channel_answer({older("history", 999), older("a", 1001)}, 5000)),
            "channel 7:a");
}

TEST_F(new_channel, that_cannot_be_looked_through_begins_with_what_came) {
  for (const auto why : {difference_failure::forbidden, difference_failure::no_address,
                         difference_failure::place_unknown, difference_failure::unreadable}) {
    updates_client other;
    other.begin();
    other.come(other.of_channel(132, "b"));
    other.boxes.loaded(7, {}, other.now);
    const auto out = other.channel_failed(why);
    EXPECT_EQ(told(out), "channel 7:b");
    EXPECT_FALSE(out.ask);
    EXPECT_TRUE(out.ask_channels.empty());
    EXPECT_EQ(out.save_channels.back(), (channel_place{.channel = 7, .pts = 132}));
  }
}

TEST_F(new_channel, of_a_first_start_has_no_news_from_before_it) {
  updates_client fresh;
  ASSERT_TRUE(fresh.boxes.start({updates_start::from::now, {}}, {}, fresh.now).ask_place);
  fresh.boxes.place({10, 3, 1000, 1}, fresh.now);
  fresh.come(dated(fresh.of_channel(132, "b"), 1003));
  fresh.boxes.loaded(7, {}, fresh.now);
  EXPECT_EQ(
      told(fresh.channel_answer({older("history", 1000), older("a", 1001), older("b", 1003)}, 132)),
      "channel 7:a,b");
}

TEST_F(new_channel, before_the_account_has_a_place_begins_with_the_lowest_of_half_a_second) {
  updates_client early;
  early.boxes.start({updates_start::from::now, {}}, {}, early.now);
  auto out = early.come(early.of_channel(32, "b"));
  EXPECT_EQ(out.load_channels, std::vector<std::int64_t>{7});
  EXPECT_TRUE(early.boxes.loaded(7, {}, early.now).told.empty());
  early.now += 400ms;
  EXPECT_TRUE(early.come(early.of_channel(31, "a")).told.empty()) << "what overtook it";
  out = early.pass(100ms);
  EXPECT_EQ(told(out), "channel 7:a,b");
  EXPECT_EQ(out.save_channels.back(), (channel_place{.channel = 7, .pts = 32}));
}

TEST(channel_memory, at_its_very_beginning_nothing_can_be_before) {
  updates_client client;
  client.begin();
  client.come(client.of_channel(2, "a"));
  EXPECT_EQ(told(client.boxes.loaded(7, {}, client.now)), "channel 7:a");
}

TEST(channel_memory, a_learned_place_is_a_beginning) {
  updates_client client;
  client.begin();
  client.boxes.learn(7, 30, client.now);
  client.boxes.loaded(7, {}, client.now);
  EXPECT_EQ(told(client.come(client.of_channel(31, "a"))), "channel 7:a");
  client.boxes.learn(7, 90, client.now);
  EXPECT_EQ(client.boxes.stands(7)->pts, 31) << "where it stands is known better here";
}

TEST(channel_memory, the_longest_unused_goes_and_comes_back_from_the_store) {
  update_bounds bounds;
  bounds.most_channels = 2;
  updates_client client{bounds};
  client.begin();
  for (std::int64_t id = 1; id <= 3; ++id) {
    client.come(item(channel_box(id), 2, "a"));
    client.boxes.loaded(id, {}, client.now);
  }
  EXPECT_EQ(client.boxes.channels(), 2U);
  EXPECT_FALSE(client.boxes.stands(1));
  const auto out = client.come(item(channel_box(1), 3, "b"));
  EXPECT_EQ(out.load_channels, std::vector<std::int64_t>{1});
  EXPECT_EQ(told(client.boxes.loaded(1, channel_place{.channel = 1, .pts = 2}, client.now)),
            "channel 1:b");
}

TEST(channel_memory, one_that_is_behind_goes_as_unsure_and_is_looked_for_again) {
  update_bounds bounds;
  bounds.most_channels = 1;
  bounds.most_asked = 1;
  updates_client client{bounds};
  client.begin();
  client.open(50);
  client.boxes.full(channel_box(7), true, client.now);
  auto out = client.come(client.of_channel(51, "a"));
  ASSERT_FALSE(out.save_channels.empty());
  EXPECT_TRUE(out.save_channels.back().unsure);
  out = client.come(item(channel_box(8), 2, "x"));
  EXPECT_EQ(out.load_channels, std::vector<std::int64_t>{8});
  out = client.boxes.loaded(8, {}, client.now);
  EXPECT_EQ(told(out), "channel 8:x");
  client.boxes.full(channel_box(7), false, client.now);
  ASSERT_TRUE(out.load_unsure) << "there is room for it again";
  out = client.boxes.loaded_unsure({channel_place{.channel = 7, .pts = 50, .unsure = true}},
                                   client.now);
  ASSERT_EQ(out.ask_channels.size(), 1U);
  EXPECT_EQ(out.ask_channels.front().channel, 7);
}

// It rests still, as the call before has left it, and nobody else begins to look at the store.
TEST(channel_memory, one_that_comes_to_owe_in_the_call_in_which_it_goes_is_looked_for_again) {
  update_bounds bounds;
  bounds.most_channels = 1;
  updates_client client{bounds};
  client.begin();
  client.open(50);
  const channel_place left{.channel = 7, .pts = 50, .unsure = true};
  auto out = client.come({client.of_channel(53, "c"), item(channel_box(8), 2, "x")});
  EXPECT_EQ(out.save_channels, std::vector{left}) << "it has a gap";
  EXPECT_EQ(out.load_channels, std::vector<std::int64_t>{8});
  out = client.boxes.loaded(8, {}, client.now);
  EXPECT_EQ(told(out), "channel 8:x");
  ASSERT_TRUE(out.load_unsure) << "there is room for it again";
  out = client.boxes.loaded_unsure({left}, client.now);
  ASSERT_EQ(out.ask_channels.size(), 1U);
  EXPECT_EQ(out.ask_channels.front().channel, 7);
  EXPECT_EQ(out.ask_channels.front().pts, 50);
}

TEST(channel_memory, what_finds_no_room_at_all_is_told) {
  update_bounds bounds;
  bounds.most_channels = 1;
  updates_client client{bounds};
  client.begin();
  client.come(client.of_channel(51, "a")); // the store is asked
  EXPECT_EQ(told(client.come(item(channel_box(8), 22, "x", 2))), "lost(channel 8 20..22)");
}

} // namespace
} // namespace cafegram::protocol::test
