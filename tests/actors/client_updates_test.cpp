#include "updates_client.hpp"

// What a client tells its hub.
namespace cafegram {

namespace {

using namespace std::chrono_literals;
using test::fresh;

/// One that was here before, at pts 4, and what it missed: two messages of 1970.
struct client_updates : test::updates_client {
  const tl::updates::getDifference question{.pts = 4, .date = 1, .qts = 3};

  client_updates() { stored->updates = storage::update_state{4, 3, 1, 1}; }

  void tell_difference() {
    answer(question, tl::encode(tl::updates::Difference{tl::updates::difference{
                         .new_messages = {test::message_of(1), test::message_of(2)},
                         .state = tl::updates::state{.pts = 6, .qts = 3, .date = 2, .seq = 1}}}));
  }
};

} // namespace

TEST_F(client_updates, with_catch_up_it_goes_on_where_it_was) {
  options.catch_up = true;
  begin();
  EXPECT_EQ(count<tl::updates::getState>(), 0);
  ASSERT_EQ(client_kit::seen(question), 1U);
  tell_difference();
  EXPECT_EQ(take(), (marks{1, 2}));
}

TEST_F(client_updates, without_it_begins_where_the_server_is) {
  options.catch_up = false;
  begin();
  ASSERT_EQ(count<tl::updates::getState>(), 1);
  tell_state();
  EXPECT_EQ(take(), (marks{-1})) << "what it does not want is told";
  push(fresh(3, 11));
  EXPECT_EQ(take(), (marks{3}));
  EXPECT_EQ(count<tl::updates::getDifference>(), 0);
}

TEST_F(client_updates, what_is_older_than_wanted_is_told_as_lost) {
  options.catch_up = true;
  options.max_update_age = 1h;
  begin();
  tell_difference();
  EXPECT_EQ(take(), (marks{-1}));
}

namespace {

struct followed_channels : client_updates {
  static constexpr std::int64_t news = 77;    ///< is at pts 5 in the store
  static constexpr std::int64_t unknown = 78; ///< nothing is known of it

  followed_channels() {
    options.catch_up = true;
    stored->channels = {{news, {5}}};
  }

  void begin_calm() {
    begin();
    tell_difference();
    take();
  }
  std::shared_ptr<outcome> follow(std::int64_t channel, bool on = true) {
    auto out = std::make_shared<outcome>();
    system.system().spawn([out, channel, on, to = client](caf::event_based_actor* self) {
      self->request(to, caf::infinite, channel_follow{channel, on})
          .then([out] { out->ok = true; },
                [out](const caf::error& why) { out->why = to_error(why); });
    });
    system.run();
    return out;
  }

  static tl::InputChannel address(std::int64_t channel) {
    return tl::inputChannel{.channel_id = channel, .access_hash = 0};
  }
  static tl::updates::getChannelDifference ask(std::int64_t channel, std::int32_t pts) {
    return {.channel = address(channel),
            .filter = tl::channelMessagesFilterEmpty{},
            .pts = pts,
            .limit = 100'000};
  }
  static tl::channels::getFullChannel ask_place(std::int64_t channel) {
    return {.channel = address(channel)};
  }
  /// Nothing new; `timeout` is when to ask again.
  void tell_nothing(std::int64_t channel, std::int32_t pts, std::int32_t timeout) {
    answer(ask(channel, pts),
           tl::encode(tl::updates::ChannelDifference{tl::updates::channelDifferenceEmpty{
               .final = true, .pts = pts, .timeout = timeout}}));
  }
  void tell_post(std::int64_t channel, std::int32_t id, std::int32_t pts, std::int32_t timeout) {
    const auto post = test::posted(channel, id, 0);
    answer(ask(channel, pts - 1),
           tl::encode(tl::updates::ChannelDifference{tl::updates::channelDifference{
               .final = true,
               .pts = pts,
               .timeout = timeout,
               .new_messages = {tl::get_if<tl::updateNewChannelMessage>(post)->message}}}));
  }
  void tell_place(std::int64_t channel, std::int32_t pts) {
    tl::channelFull full;
    full.id = channel;
    full.pts = pts;
    full.chat_photo = tl::photoEmpty{};
    full.notify_settings = tl::peerNotifySettings{};
    answer(ask_place(channel),
           tl::encode(tl::messages::ChatFull{tl::messages::chatFull{.full_chat = full}}));
  }
};

} // namespace

TEST_F(followed_channels, are_asked_about_with_the_pauses_that_the_server_wants) {
  begin_calm();
  EXPECT_TRUE(follow(news)->ok);
  EXPECT_EQ(seen(ask(news, 5)), 1U);
  tell_nothing(news, 5, 30);
  pass(29s);
  EXPECT_EQ(seen(ask(news, 5)), 1U);
  pass(2s);
  ASSERT_EQ(seen(ask(news, 5)), 2U);
  tell_post(news, 1, 6, 5);
  EXPECT_EQ(take(), (marks{1}));
  pass(4s);
  EXPECT_EQ(seen(ask(news, 6)), 0U);
  pass(2s);
  ASSERT_EQ(seen(ask(news, 6)), 1U);
  EXPECT_TRUE(follow(news, false)->ok);
  tell_nothing(news, 6, 5);
  pass(1min);
  EXPECT_EQ(seen(ask(news, 6)), 1U) << "it is followed no more";
}

TEST_F(followed_channels, one_of_which_nothing_is_known_begins_where_it_is) {
  begin_calm();
  const auto done = follow(unknown);
  ASSERT_EQ(seen(ask_place(unknown)), 1U);
  EXPECT_FALSE(done->ok);
  tell_place(unknown, 40);
  EXPECT_TRUE(done->ok);
  ASSERT_EQ(seen(ask(unknown, 40)), 1U);
  tell_post(unknown, 9, 41, 1);
  EXPECT_EQ(take(), (marks{9}));
}

TEST_F(followed_channels, who_may_not_see_one_is_told) {
  begin_calm();
  const auto done = follow(unknown);
  refuse(ask_place(unknown), 400, "CHANNEL_PRIVATE");
  ASSERT_TRUE(done->why);
  EXPECT_TRUE(done->why->is_rpc("CHANNEL_PRIVATE"));
  pass(1min);
  EXPECT_EQ(count<tl::updates::getChannelDifference>(), 0);
  EXPECT_TRUE(follow(0)->failed_with(errc::bad_argument));
}

TEST_F(followed_channels, are_few) {
  begin_calm();
  for (std::int64_t id = 101; id <= 100 + std::int64_t{most_followed_channels}; ++id) {
    EXPECT_FALSE(follow(id)->why);
  }
  EXPECT_TRUE(follow(news)->failed_with(errc::limit));
  const auto given_up = follow(101);
  follow(101, false);
  EXPECT_TRUE(given_up->failed_with(errc::cancelled)) << "nobody waits for it in vain";
  EXPECT_TRUE(follow(news)->ok);
}

TEST_F(followed_channels, are_followed_by_the_next_hub) {
  begin_calm();
  follow(news);
  tell_post(news, 1, 6, 5);
  ASSERT_TRUE(hub);
  caf::anon_send_exit(hub, caf::exit_reason::kill);
  system.run();
  pass(2s, 100ms);
  EXPECT_EQ(seen(ask(news, 6)), 1U) << "at once, not after the pause";
}

TEST_F(followed_channels, belong_to_who_is_logged_in) {
  stored->user.reset();
  begin();
  EXPECT_TRUE(follow(news)->failed_with(errc::logged_out));
}

} // namespace cafegram
