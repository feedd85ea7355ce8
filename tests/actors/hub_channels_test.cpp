#include <cafegram/actors/update_parts.hpp>

#include "hub_kit.hpp"

// Channels count apart: what a hub does with each one's counter and difference.
namespace cafegram {

namespace {

using namespace std::chrono_literals;
using test::fresh;
using test::live;
using test::me;
using test::posted;

constexpr std::int64_t news = 1'000'000'001;
constexpr std::int64_t club = 1'000'000'002;

/// The account stands at pts 10, the channel `news` at 5 and `club` at 8, and nothing is missing.
struct hub_channels : testing::Test, test::hub_stage {
  hub_channels() {
    world->stored.updates = storage::update_state{10, 3, 1, 1};
    world->stored.channels = {{news, {5}}, {club, {8}}};
  }
  void start(bool bot = true) {
    subscribe();
    begin(updates_from::stored, me, bot);
    world->asked.clear();
    world->asked_channels.clear();
  }
  void refuse(std::int64_t channel, std::string_view name) {
    world->channel_differences[channel].emplace_back(
        std::unexpected(error::from_rpc(400, std::string{name})));
  }
  /// Second by second: what is tried again sets its next time when that has come.
  void wait(int seconds) {
    for (; seconds > 0; --seconds) {
      actors.pass(1s);
    }
  }
  std::int32_t stands(std::int64_t channel) const { return world->stored.channels[channel].pts; }
};

/// Channel and pts of each question.
std::vector<std::pair<std::int64_t, std::int32_t>>
questions(const std::vector<tl::updates::getChannelDifference>& asked) {
  std::vector<std::pair<std::int64_t, std::int32_t>> out;
  for (const auto& one : asked) {
    out.emplace_back(tl::get_if<tl::inputChannel>(one.channel)->channel_id, one.pts);
  }
  return out;
}

} // namespace

TEST_F(hub_channels, each_counts_by_itself) {
  start();
  wire(live({posted(news, 1, 6), fresh(2, 11), posted(club, 3, 9), posted(news, 4, 7)}));
  wire(live({posted(news, 1, 6)}));
  EXPECT_EQ(take(), (marks{2, 1, 4, 3})) << "each in its own order: a channel is looked up first";
  EXPECT_EQ(stands(news), 7);
  EXPECT_EQ(stands(club), 9);
  EXPECT_EQ(world->stored.updates->pts, 11);
  EXPECT_TRUE(world->asked.empty());
  EXPECT_TRUE(world->asked_channels.empty());
}

TEST_F(hub_channels, a_gap_in_one_holds_nothing_else_up) {
  start();
  world->bring_posts(news, {1, 2}, 7);
  wire(live({posted(news, 3, 8)}));
  wire(live({posted(club, 4, 9), fresh(5, 11)}));
  EXPECT_EQ(take(), (marks{5, 4}));
  EXPECT_EQ(stands(news), 5) << "nobody has seen what is behind the gap";
  actors.pass(600ms);
  EXPECT_EQ(take(), (marks{1, 2, 3}));
  EXPECT_EQ(questions(world->asked_channels), (decltype(questions({})){{news, 5}}));
  EXPECT_TRUE(world->asked.empty());
  EXPECT_EQ(stands(news), 8);
}

// The date of message N is 1000 + N.
TEST_F(hub_channels, a_new_one_is_looked_through_for_what_was_lost_before_its_first) {
  constexpr std::int64_t unheard_of = 1'000'000'003;
  world->stored.updates = storage::update_state{10, 3, 1004, 1};
  start();
  world->bring_posts(unheard_of, {3, 5, 6}, 141);
  wire(live({posted(unheard_of, 6, 141)}));
  EXPECT_EQ(questions(world->asked_channels), (decltype(questions({})){{unheard_of, 90}}));
  EXPECT_EQ(take(), (marks{5, 6})) << "3 is from before the account's place";
  EXPECT_EQ(world->stored.channels[unheard_of], (storage::channel_counter{141}));
}

TEST_F(hub_channels, a_new_one_that_was_not_looked_through_is_by_the_next_hub) {
  constexpr std::int64_t unheard_of = 1'000'000'003;
  world->stored.updates = storage::update_state{10, 3, 1004, 1};
  start();
  world->channel_differences[unheard_of].emplace_back(
      std::unexpected(error::from_rpc(500, "INTERNAL")));
  wire(live({posted(unheard_of, 6, 141)}));
  EXPECT_TRUE(take().empty());
  EXPECT_EQ(world->stored.channels[unheard_of], (storage::channel_counter{90, true, false, 1004}));
  caf::anon_send_exit(hub, caf::exit_reason::kill);
  actors.run();
  hub = spawn_update_hub(actors.system(), actors.services(), client, store);
  world->bring_posts(unheard_of, {3, 5, 6}, 141);
  start();
  EXPECT_EQ(take(), (marks{5, 6}));
}

TEST_F(hub_channels, where_they_stand_outlives_the_hub) {
  start();
  wire(live({posted(news, 1, 6)}));
  EXPECT_EQ(take(), (marks{1}));
  caf::anon_send_exit(hub, caf::exit_reason::kill);
  actors.run();
  hub = spawn_update_hub(actors.system(), actors.services(), client, store);
  start();
  wire(live({posted(news, 1, 6), posted(news, 2, 7)}));
  EXPECT_EQ(take(), (marks{2}));
}

TEST_F(hub_channels, a_person_asks_by_the_address_that_another_process_has_seen) {
  start(false);
  auto told = tl::updates_{.updates = {posted(news, 1, 6)}, .date = 1};
  told.chats = {tl::channel{
      .id = news, .access_hash = 77, .title = "News", .photo = tl::chatPhotoEmpty{}, .date = 1}};
  wire({std::make_shared<const bytes>(tl::encode(tl::Updates{told}))});
  EXPECT_EQ(take(), (marks{1}));
  world->stored.channels[news].unsure = true;
  world->stored.channels[club].unsure = true;
  caf::anon_send_exit(hub, caf::exit_reason::kill);
  actors.run();
  hub = spawn_update_hub(actors.system(), actors.services(), client, store);
  world->bring_posts(news, {2}, 7);
  subscribe();
  begin(updates_from::stored, me, false);
  ASSERT_EQ(world->asked_channels.size(), 1U) << "the other one was never seen";
  EXPECT_EQ(tl::get_if<tl::inputChannel>(world->asked_channels[0].channel)->access_hash, 77);
  EXPECT_EQ(take(), (marks{2, -1})) << "of that it is told that it cannot be fetched";
}

TEST_F(hub_channels, one_that_the_store_does_not_look_up_in_time_is_looked_up_again) {
  start(false);
  auto told = tl::updates_{.updates = {posted(news, 1, 6)}, .date = 1};
  told.chats = {tl::channel{
      .id = news, .access_hash = 77, .title = "News", .photo = tl::chatPhotoEmpty{}, .date = 1}};
  wire({std::make_shared<const bytes>(tl::encode(tl::Updates{told}))});
  EXPECT_EQ(take(), (marks{1}));
  world->stored.channels[news].unsure = true;
  caf::anon_send_exit(hub, caf::exit_reason::kill);
  actors.run();
  hub = spawn_update_hub(actors.system(), actors.services(), client, store);
  world->bring_posts(news, {2}, 7);
  world->answers_look_ups = false;
  subscribe();
  begin(updates_from::stored, me, false);
  wait(20);
  EXPECT_EQ(world->looked_up, 1);
  EXPECT_TRUE(world->asked_channels.empty()) << "its address is not known";
  world->answers_look_ups = true;
  wait(60);
  EXPECT_EQ(world->asked_channels.size(), 1U);
  EXPECT_EQ(take(), (marks{2}));
}

TEST_F(hub_channels, only_those_that_owe_a_difference_are_asked_about_at_the_start) {
  world->stored.channels[club].unsure = true;
  world->bring_posts(club, {1}, 9);
  subscribe();
  begin(updates_from::stored);
  EXPECT_EQ(questions(world->asked_channels), (decltype(questions({})){{club, 8}}));
  EXPECT_EQ(take(), (marks{1}));
  EXPECT_EQ(world->stored.channels[club], (storage::channel_counter{9}));
}

TEST_F(hub_channels, one_that_owes_a_difference_is_kept_as_such) {
  start();
  world->channel_differences[news].emplace_back(std::unexpected(error::from_rpc(500, "INTERNAL")));
  wire(live({tl::updateChannelTooLong{.channel_id = news}}));
  EXPECT_EQ(world->stored.channels[news], (storage::channel_counter{5, true}));
  actors.pass(2s);
  EXPECT_EQ(world->stored.channels[news], (storage::channel_counter{5}));
}

// A difference from its date on would not name them again.
TEST_F(hub_channels, those_that_a_difference_names_are_written_with_its_place) {
  world->bring(
      {1},
      {tl::updateChannelTooLong{.channel_id = news}, tl::updateChannelTooLong{.channel_id = club}},
      {.pts = 11, .qts = 3, .date = 1005, .seq = 1});
  world->holds_writes = true;
  subscribe();
  begin(updates_from::stored);
  ASSERT_EQ(world->held_writes.size(), 1U);
  EXPECT_EQ(world->stored.updates->date, 1);
  caf::anon_send(store, caf::tick_atom_v);
  actors.run();
  EXPECT_EQ(world->stored.updates->date, 1005);
  EXPECT_EQ(world->stored.channels[news], (storage::channel_counter{5, true}));
  EXPECT_EQ(world->stored.channels[club], (storage::channel_counter{8, true}));
  EXPECT_EQ(take(), (marks{1}));
  // The process is killed: what is not written by now is gone.
  const auto written = world->stored;
  caf::anon_send_exit(hub, caf::exit_reason::kill);
  actors.run();
  world->held_writes.clear();
  world->unwritten.clear();
  world->holds_writes = false;
  world->stored = written;
  world->bring_posts(news, {2}, 6);
  world->bring_posts(club, {3}, 9);
  hub = spawn_update_hub(actors.system(), actors.services(), client, store);
  start();
  EXPECT_EQ(take(), (marks{1, 2, 3}));
  EXPECT_EQ(world->stored.channels[news], (storage::channel_counter{6}));
  EXPECT_EQ(world->stored.channels[club], (storage::channel_counter{9}));
}

namespace {

/// The account stands at 1005, and its channels were named until 1001.
struct hub_behind_its_channels : hub_channels {
  void begin_behind_its_channels() {
    world->bring({}, {}, {.pts = 10, .qts = 3, .date = 1006, .seq = 2});
    world->bring({}, {tl::updateChannelTooLong{.channel_id = news}},
                 {.pts = 10, .qts = 3, .date = 1007, .seq = 2});
    world->bring_posts(news, {1}, 6);
    subscribe();
    begin(updates_from::stored);
    ASSERT_EQ(world->asked.size(), 2U);
    EXPECT_EQ(world->asked.front().date, 1005);
    EXPECT_EQ(world->asked.back().date, 1001);
  }
};

} // namespace

// Containers with seq have moved the account's date since channels were named last.
TEST_F(hub_behind_its_channels, those_that_moved_before_the_account_s_date_are_asked_for_by_name) {
  world->stored.updates = storage::update_state{10, 3, 1005, 2, 1001};
  begin_behind_its_channels();
  EXPECT_EQ(questions(world->asked_channels), (decltype(questions({})){{news, 5}}));
  EXPECT_EQ(take(), (marks{1}));
  EXPECT_EQ(world->stored.updates, (storage::update_state{10, 3, 1006, 2}));
}

// The same, from where the date is moved: the next process asks from what this one has written.
TEST_F(hub_behind_its_channels,
       the_date_until_which_they_were_named_is_written_beside_the_account_s) {
  world->stored.updates = storage::update_state{10, 3, 1001, 1};
  start();
  wire({std::make_shared<const bytes>(tl::encode(
      tl::Updates{tl::updates_{.updates = {test::name_of(7)}, .date = 1005, .seq = 2}}))});
  EXPECT_EQ(take(), (marks{7}));
  EXPECT_EQ(world->stored.updates, (storage::update_state{10, 3, 1005, 2, 1001}));
  caf::anon_send_exit(hub, caf::exit_reason::kill);
  actors.run();
  hub = spawn_update_hub(actors.system(), actors.services(), client, store);
  begin_behind_its_channels();
  EXPECT_EQ(take(), (marks{1})) << "its own push was lost with the process before";
}

TEST_F(hub_channels, all_are_asked_about_once_where_none_are_named) {
  constexpr std::int64_t left = 1'000'000'003;
  world->stored.updates = storage::update_state{10, 3, 1005, 2, 1001};
  world->stored.channels[left] = {4, false, true};
  world->bring({}, {}, {.pts = 10, .qts = 3, .date = 1006, .seq = 2});
  world->differences.emplace_back(
      std::unexpected(error::from_rpc(400, "PERSISTENT_TIMESTAMP_INVALID")));
  world->bring_posts(club, {1}, 9);
  subscribe();
  begin(updates_from::stored);
  EXPECT_EQ(questions(world->asked_channels), (decltype(questions({})){{news, 5}, {club, 8}}));
  EXPECT_EQ(take(), (marks{1}));
  EXPECT_EQ(world->stored.updates, (storage::update_state{10, 3, 1006, 2}));
  EXPECT_EQ(world->stored.channels[news], (storage::channel_counter{5}));
  EXPECT_EQ(world->stored.channels[left], (storage::channel_counter{4, false, true}));
}

TEST_F(hub_channels, one_whose_difference_is_too_long_goes_on_behind_it) {
  start();
  const tl::Dialog dialog = tl::dialog{.peer = tl::peerChannel{.channel_id = news},
                                       .notify_settings = tl::peerNotifySettings{},
                                       .pts = 50};
  world->channel_differences[news].emplace_back(tl::updates::ChannelDifference{
      tl::updates::channelDifferenceTooLong{.final = true, .dialog = dialog}});
  wire(live({tl::updateChannelTooLong{.channel_id = news}}));
  EXPECT_EQ(questions(world->asked_channels), (decltype(questions({})){{news, 5}}));
  EXPECT_EQ(take(), (marks{-1}));
  wire(live({posted(news, 1, 49), posted(news, 2, 51)}));
  EXPECT_EQ(take(), (marks{2})) << "what the server gives no more is passed over";
  EXPECT_EQ(stands(news), 51);
}

TEST_F(hub_channels, one_that_may_not_be_seen_is_left_alone) {
  start();
  refuse(news, "CHANNEL_PRIVATE");
  wire(live({tl::updateChannelTooLong{.channel_id = news}}));
  wire(live({posted(club, 1, 9), fresh(2, 11)}));
  EXPECT_EQ(take(), (marks{-1, 2, 1}));
  wait(300);
  EXPECT_EQ(world->asked_channels.size(), 1U) << "it is not asked about again";
  EXPECT_EQ(world->stored.channels[news], (storage::channel_counter{5, false, true}));
  wire(live({posted(news, 3, 70)}));
  actors.pass(600ms);
  EXPECT_EQ(take(), (marks{3})) << "heard of again it begins there";
}

TEST_F(hub_channels, a_difference_that_cannot_be_read_is_asked_for_in_smaller_parts) {
  start();
  world->garbled = 2;
  world->bring_posts(news, {1}, 6);
  wire(live({tl::updateChannelTooLong{.channel_id = news}}));
  wire(live({posted(club, 2, 9)}));
  wait(10);
  EXPECT_EQ(take(), (marks{2, 1}));
  ASSERT_EQ(world->asked_channels.size(), 3U);
  EXPECT_LT(world->asked_channels.back().limit, world->asked_channels.front().limit);
}

TEST_F(hub_channels, an_account_s_difference_that_cannot_be_read_stops_no_channel) {
  start();
  world->garbled = 3;
  world->state = {.pts = 20, .qts = 3, .date = 1, .seq = 1};
  caf::anon_send(hub, updates_suspect{"test"});
  actors.run();
  wire(live({posted(news, 1, 6)}));
  EXPECT_EQ(take(), (marks{1}));
  wait(10);
  wire(live({fresh(2, 21)}));
  EXPECT_EQ(take(), (marks{-1, 2})) << "the place is given up, and asked for";
}

TEST_F(hub_channels, the_result_of_a_call_in_one_moves_its_counter) {
  start();
  const auto call = tl::encode(tl::channels::deleteMessages{
      .channel = tl::inputChannel{.channel_id = news, .access_hash = 1}, .id = {1}});
  const auto result = std::make_shared<const bytes>(
      tl::encode(tl::messages::affectedMessages{.pts = 6, .pts_count = 1}));
  const auto step = moved_by(call, result);
  ASSERT_TRUE(step);
  caf::anon_send(hub, own_result{step});
  actors.run();
  EXPECT_EQ(stands(news), 6);
  EXPECT_EQ(world->stored.updates->pts, 10) << "it is none of the account's";
  wire(live({posted(news, 2, 7)}));
  EXPECT_EQ(take(), (marks{2}));
  EXPECT_TRUE(world->asked_channels.empty());
}

TEST_F(hub_channels, one_that_a_person_cannot_address_waits_for_who_tells_of_it) {
  world->stored.channels = {{news, {5, true}}};
  tl::updates::difference told{
      .chats = {tl::channel{
          .id = news, .access_hash = 77, .title = "News", .photo = tl::chatPhotoEmpty{}}},
      .state = world->state};
  world->differences.emplace_back(tl::updates::Difference{std::move(told)});
  world->bring_posts(news, {1}, 6);
  subscribe();
  begin(updates_from::stored, me, false);
  ASSERT_EQ(world->asked_channels.size(), 1U);
  const auto asked = *tl::get_if<tl::inputChannel>(world->asked_channels.front().channel);
  EXPECT_EQ(asked.access_hash, 77);
  EXPECT_EQ(take(), (marks{1}));
}

} // namespace cafegram
