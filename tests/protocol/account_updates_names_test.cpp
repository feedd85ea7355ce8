#include "updates_kit.hpp"

// Which channels have moved: from which date on a difference has to name them, and what is done
// where none does.
namespace cafegram::protocol::test {
namespace {

/// Stands at 10, 3 and 1; channels were named until 1000. A container with a number that comes next
/// moves the date to 1002.
struct account_updates_names : testing::Test {
  account_updates_names() { client.begin(); }

  update_outcome container_with_seq() { return client.come({loose("s")}, 2, 2); }
  /// The account's own difference is answered; the question about channels is what comes of it.
  update_outcome ask_names() {
    container_with_seq();
    client.boxes.suspect(client.now);
    return client.whole({}, {10, 3, 1003, 2});
  }
  update_item too_long(std::int64_t channel) const {
    update_item out = item(channel_box(channel), 0, "", 0);
    out.role = update_role::channel_too_long;
    out.body = nullptr;
    return out;
  }

  updates_client client;
};

} // namespace

TEST_F(account_updates_names, are_kept_apart_from_the_date_that_seq_moves) {
  EXPECT_EQ(container_with_seq().save, (account_place{10, 3, 1002, 2, 1000}));
  const auto out = client.boxes.suspect(client.now);
  EXPECT_EQ(out.ask, (account_place{10, 3, 1002, 2})) << "or updates of seq would come twice";
}

TEST_F(account_updates_names, are_asked_for_from_the_earlier_date) {
  EXPECT_EQ(ask_names().ask, (account_place{10, 3, 1000, 2}));
  const auto out = client.whole({too_long(7), loose("s")}, {10, 3, 1004, 2});
  EXPECT_EQ(told(out), "") << "it was handed out with its container";
  EXPECT_EQ(out.load_channels, (std::vector<std::int64_t>{7}));
  EXPECT_EQ(out.save, (account_place{10, 3, 1003, 2})) << "in the outcome that names the channel";
  EXPECT_FALSE(out.ask);
  EXPECT_EQ(
      client.boxes.loaded(7, channel_place{.channel = 7, .pts = 5}, client.now).ask_channels.size(),
      1U);
}

TEST_F(account_updates_names, are_asked_for_once_where_no_container_has_moved_the_date) {
  client.boxes.suspect(client.now);
  const auto out = client.whole({too_long(7)}, {10, 3, 1003, 1});
  EXPECT_EQ(out.save, (account_place{10, 3, 1003, 1}));
  EXPECT_FALSE(out.ask);
}

TEST_F(account_updates_names, that_an_earlier_process_did_not_hear_are_asked_for) {
  updates_client next;
  auto out = next.boxes.start({updates_start::from::stored, account_place{10, 3, 1002, 2, 1000}},
                              {}, next.now);
  EXPECT_EQ(out.ask, (account_place{10, 3, 1002, 2}));
  out = next.whole({}, {10, 3, 1003, 2});
  EXPECT_EQ(out.ask, (account_place{10, 3, 1000, 2}));
  EXPECT_EQ(out.save, (account_place{10, 3, 1003, 2, 1000})) << "killed here, it asks again";
  EXPECT_FALSE(next.whole({}, {10, 3, 1004, 2}).ask);
}

TEST_F(account_updates_names, hold_no_box_of_the_account_up) {
  ask_names();
  EXPECT_EQ(told(client.come(item(common_box, 11, "a"))), "common:a");
  EXPECT_EQ(told(client.come({loose("t")}, 3, 3)), "sequence:t");
}

TEST_F(account_updates_names, what_else_their_answer_has_is_left_to_the_next_difference) {
  ask_names();
  const auto out = client.whole({item(common_box, 0, "a", 0)}, {11, 3, 1004, 2});
  EXPECT_EQ(told(out), "");
  EXPECT_EQ(out.ask, (account_place{10, 3, 1003, 2}));
  EXPECT_EQ(told(client.whole({item(common_box, 0, "a", 0)}, {11, 3, 1005, 2})), "common:a");
}

TEST_F(account_updates_names, that_do_not_come_yet_are_asked_for_later) {
  ask_names();
  EXPECT_FALSE(client.boxes.difference_failed(difference_failure::later, 20s, client.now).ask);
  EXPECT_FALSE(client.pass(19s).ask);
  EXPECT_EQ(client.pass(1s).ask, (account_place{10, 3, 1000, 2}));
}

TEST_F(account_updates_names, that_nobody_can_tell_make_all_channels_unsure) {
  client.open(5);
  ask_names();
  const auto out = client.boxes.difference_failed(difference_failure::unreadable, 0s, client.now);
  EXPECT_TRUE(out.doubt_all) << "those in the store";
  EXPECT_TRUE(out.load_unsure);
  ASSERT_EQ(out.ask_channels.size(), 1U) << "and the one in memory";
  EXPECT_EQ(out.ask_channels.front().pts, 5);
  EXPECT_EQ(out.save, (account_place{10, 3, 1003, 2})) << "in one transaction: not at each start";
  EXPECT_FALSE(out.ask);
}

// The last part may be all that names channels, and what lies between is not taken.
TEST_F(account_updates_names, that_come_in_parts_make_all_channels_unsure) {
  ask_names();
  const auto out = client.slice({too_long(7)}, {10, 3, 1001, 2});
  EXPECT_TRUE(out.doubt_all);
  EXPECT_EQ(out.load_channels, (std::vector<std::int64_t>{7}));
}

TEST_F(account_updates_names, are_asked_for_where_the_account_s_place_is_given_up) {
  client.boxes.suspect(client.now);
  client.boxes.difference_failed(difference_failure::place_unknown, 0s, client.now);
  auto out = client.boxes.place({30, 5, 2000, 1}, client.now);
  EXPECT_EQ(out.ask, (account_place{30, 5, 1000, 1})) << "not from the new place's date";
  EXPECT_EQ(out.save, (account_place{30, 5, 2000, 1, 1000}));
  out = client.whole({too_long(7)}, {30, 5, 2001, 1});
  EXPECT_EQ(out.load_channels, (std::vector<std::int64_t>{7}));
  EXPECT_EQ(out.save, (account_place{30, 5, 2000, 1}));
}

// No difference from the account's date on names what moved it before that.
TEST_F(account_updates_names, of_a_channel_whose_first_update_comes_late_are_not_waited_for) {
  auto late = client.of_channel(2, "x");
  late.date = 990;
  client.come(late);
  const auto out = client.boxes.loaded(client.channel, {}, client.now);
  EXPECT_EQ(told(out), "channel 7:x");
  EXPECT_EQ(out.ask_channels.size(), 1U);
}

TEST_F(account_updates_names, of_a_channel_that_is_said_to_be_further_are_not_waited_for) {
  client.boxes.learn(client.channel, 4, client.now);
  client.come(client.of_channel(2, "x"));
  const auto out = client.boxes.loaded(client.channel, {}, client.now);
  EXPECT_EQ(told(out), "channel 7:x");
  EXPECT_EQ(out.ask_channels.size(), 1U);
}

TEST_F(account_updates_names, of_channels_that_are_heard_of_before_the_account_has_a_place) {
  updates_client next;
  next.boxes.start({updates_start::from::now, {}}, {}, next.now);
  next.come(next.of_channel(2, "x"));
  EXPECT_TRUE(next.boxes.loaded(next.channel, {}, next.now).ask_channels.empty());
  const auto out = next.boxes.place({10, 3, 1000, 1}, next.now);
  EXPECT_TRUE(out.doubt_all) << "one of them may have left memory";
  EXPECT_EQ(out.ask_channels.size(), 1U);
}

TEST_F(account_updates_names, of_a_channel_that_has_left_memory_before_the_account_has_a_place) {
  update_bounds bounds;
  bounds.most_channels = 1;
  updates_client next{bounds};
  next.boxes.start({updates_start::from::now, {}}, {}, next.now);
  next.come(next.of_channel(2, "x"));
  EXPECT_EQ(told(next.boxes.loaded(next.channel, {}, next.now)), "channel 7:x");
  next.come(too_long(8)); // it takes the place, and nobody knows where to begin with it
  next.boxes.loaded(8, {}, next.now);
  ASSERT_EQ(next.boxes.channels(), 0U);
  auto out = next.boxes.place({10, 3, 1000, 1}, next.now);
  EXPECT_TRUE(out.doubt_all);
  ASSERT_TRUE(out.load_unsure);
  out = next.boxes.loaded_unsure({channel_place{.channel = 7, .pts = 2, .unsure = true}}, next.now);
  ASSERT_EQ(out.ask_channels.size(), 1U);
  EXPECT_EQ(out.ask_channels.front().channel, 7);
}

} // namespace cafegram::protocol::test
