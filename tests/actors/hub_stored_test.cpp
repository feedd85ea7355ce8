#include <cafegram/storage/chat_values.hpp>

#include <numeric>

#include "hub_inbox_kit.hpp"

// What a chat has no room for in memory is in the store alone, and comes from there.
namespace cafegram {

namespace {

using namespace std::chrono_literals;
using test::fresh;
using test::live;
using test::query;

constexpr std::int64_t user_ann = 71;
constexpr std::int64_t user_bob = 72;

struct hub_stored : test::inbox_stage {
  hub_stored() {
    another_hub(); // with bounds of its own
  }
  void another_hub() {
    caf::anon_send_exit(hub, caf::exit_reason::kill);
    actors.run();
    hub = spawn_update_hub(actors.system(), actors.services(), client, store,
                           {.rows = 100, .rows_per_chat = 4, .stored_rows = 40});
  }
  /// So many messages of somebody, from `pts` on; their ids are their places.
  void say(std::int64_t who, std::int32_t count) {
    for (; count > 0; --count) {
      ++pts;
      wire(live({fresh(pts, pts, who)}));
    }
  }
  void say_album(std::int64_t who, std::int32_t count) {
    const auto album = ++last_album;
    for (; count > 0; --count) {
      ++pts;
      tl::message part{.id = pts,
                       .peer_id = tl::peerUser{.user_id = who},
                       .date = 1,
                       .message = "",
                       .grouped_id = album};
      wire(live({tl::updateNewMessage{.message = std::move(part), .pts = pts, .pts_count = 1}}));
    }
  }
  void finish_all() {
    while (!bot->open.empty()) {
      finish();
    }
  }
  marks places(std::int32_t first, std::int32_t last) const {
    marks out(static_cast<std::size_t>(last - first + 1));
    std::iota(out.begin(), out.end(), first);
    return out;
  }

  std::int32_t pts = 10;
  std::int64_t last_album = 0;
};

} // namespace

TEST_F(hub_stored, one_chat_that_stands_still_holds_up_no_other) {
  start();
  say(user_ann, 20);
  EXPECT_EQ(bot->marks(), places(11, 14)) << "the others of hers are in the store";
  EXPECT_EQ(inbox().size(), 20U);
  say(user_bob, 3);
  EXPECT_EQ(bot->marks(), places(31, 33));
  EXPECT_TRUE(world->asked.empty()) << "nothing was left to the server";
  finish_all();
  EXPECT_EQ(bot->marks(), places(15, 30)) << "in their order";
  EXPECT_TRUE(inbox().empty());
}

TEST_F(hub_stored, values_are_written_though_their_row_is_in_the_store_alone) {
  start();
  say(user_ann, 6);
  updates_finished told{.numbers = {inbox().back().number}, .chat = user_ann, .account = test::me};
  told.values = std::make_shared<const std::vector<chat_value>>(
      std::vector<chat_value>{{.key = "a", .value = "1"}});
  caf::anon_send(hub, std::move(told));
  actors.run();
  EXPECT_EQ(world->value(storage::chat_value_key(test::me, user_ann, "a")).value_or("none"), "1");
}

TEST_F(hub_stored, an_album_is_handed_out_as_a_whole_and_so_it_is_after_a_restart) {
  start();
  say(user_ann, 3);
  say_album(user_ann, 3);
  say_album(user_ann, 4);
  EXPECT_EQ(bot->marks(), places(11, 16));
  another_hub();
  end_bot();
  bot = std::make_unique<test::patient_receiver>(actors.system());
  start(updates_from::stored);
  EXPECT_EQ(bot->marks(), places(11, 16));
  for (int n = 0; n < 4; ++n) {
    finish();
  }
  EXPECT_EQ(bot->marks(), places(17, 20));
}

TEST_F(hub_stored, what_else_is_said_of_a_channel_stays_before_its_later_messages) {
  start();
  for (std::int32_t qts = 4; qts <= 9; ++qts) {
    wire(live({tl::updateBotChatInviteRequester{.peer = tl::peerChannel{.channel_id = 70},
                                                .date = 1,
                                                .user_id = user_ann,
                                                .invite = tl::chatInvitePublicJoinRequests{},
                                                .qts = qts}}));
  }
  EXPECT_EQ(bot->marks().size(), 6U) << "none of them waits in the store, where posts never do";
}

TEST_F(hub_stored, what_comes_later_does_not_overtake_what_is_in_the_store) {
  start();
  say(user_ann, 6);
  EXPECT_EQ(bot->marks(), places(11, 14));
  world->hides_rows = true;
  finish_all();
  say(user_ann, 1);
  EXPECT_TRUE(bot->got.empty()) << "there is room, but two are before it";
  world->hides_rows = false;
  actors.pass(6s);
  EXPECT_EQ(bot->marks(), places(15, 17)) << "asked for again after five seconds";
}

TEST_F(hub_stored, what_the_store_does_not_bring_in_time_is_asked_for_again) {
  start();
  say(user_ann, 6);
  EXPECT_EQ(bot->marks(), places(11, 14));
  world->unanswered = "rows";
  finish_all();
  world->unanswered.clear();
  say(user_bob, 1);
  EXPECT_EQ(bot->marks(), places(17, 17)) << "the others do not wait for it";
  actors.pass(29s);
  EXPECT_TRUE(bot->got.empty());
  actors.pass(1s);
  actors.pass(5s);
  EXPECT_EQ(bot->marks(), places(15, 16)) << "each once";
  finish_all();
  EXPECT_TRUE(inbox().empty());
}

TEST_F(hub_stored, nothing_is_read_that_is_not_written) {
  start();
  say(user_ann, 4);
  bot->marks();
  world->holds_writes = true;
  say(user_ann, 2);
  finish_all();
  EXPECT_TRUE(bot->got.empty());
  while (!world->held_writes.empty()) {
    caf::anon_send(store, caf::tick_atom_v);
    actors.run();
  }
  world->holds_writes = false;
  EXPECT_EQ(bot->marks(), places(15, 16));
}

TEST_F(hub_stored, it_comes_again_over_a_restart_and_to_another_bot) {
  start();
  say(user_ann, 10);
  bot->marks();
  finish();
  finish();
  EXPECT_EQ(bot->marks(), places(15, 16));
  another_bot();
  EXPECT_EQ(bot->marks(), places(13, 16)) << "what it had not finished";
  another_hub();
  end_bot();
  bot = std::make_unique<test::patient_receiver>(actors.system());
  start(updates_from::stored);
  EXPECT_EQ(bot->marks(), places(13, 16));
  finish_all();
  EXPECT_EQ(bot->marks(), places(17, 20));
  EXPECT_TRUE(inbox().empty());
}

TEST_F(hub_stored, when_that_is_full_too_telegram_keeps_the_rest) {
  start();
  say(user_ann, 45);
  EXPECT_EQ(inbox().size(), 45U);
  say(user_ann, 5);
  say(user_bob, 1);
  EXPECT_EQ(inbox().size(), 45U);
  EXPECT_EQ(bot->marks(), places(11, 14));
  EXPECT_TRUE(world->asked.empty()) << "there is no room for an answer";
  world->bring({56, 57}, {}, {.pts = 61, .qts = 3, .date = 2, .seq = 1});
  finish_all();
  EXPECT_EQ(world->asked.front().pts, 55);
  EXPECT_TRUE(inbox().empty());
}

TEST_F(hub_stored, who_looks_on_sees_all_in_the_account_s_order) {
  subscribe();
  start();
  say(user_ann, 6);
  say(user_bob, 1);
  say(user_ann, 1);
  EXPECT_EQ(take(), places(11, 18));
  EXPECT_EQ(bot->marks(), places(11, 18)) << "so none of them is in the store alone";
}

TEST_F(hub_stored, what_waits_for_somebody_makes_room) {
  start();
  say(user_ann, 6);
  EXPECT_EQ(bot->marks(), places(11, 14));
  for (const auto& [number, promise] : bot->open) {
    caf::anon_send(hub, update_waits{number, true});
  }
  actors.run();
  EXPECT_EQ(bot->marks(), places(15, 16)) << "perhaps it is what they wait for";
}

TEST_F(hub_stored, a_query_waits_for_none_of_them) {
  start();
  say(user_ann, 6);
  bot->marks();
  wire(live({query(900)}));
  EXPECT_EQ(bot->marks(), (marks{900})) << "it is worth nothing seconds later";
}

TEST_F(hub_stored, one_that_cannot_be_read_is_a_dead_letter_and_one_that_is_gone_is_gone) {
  start();
  say(user_ann, 8);
  bot->marks();
  auto rows = inbox();
  rows[4].update = {1, 2};
  storage::batch changes;
  put(changes, rows[4]);
  erase_inbox(changes, rows[6].number);
  ASSERT_TRUE(world->rows->apply(changes));
  finish_all();
  EXPECT_EQ(bot->marks(), (marks{16, 18}));
  ASSERT_EQ(dead().size(), 1U);
  EXPECT_EQ(dead()[0].update.number, rows[4].number);
  EXPECT_TRUE(inbox().empty());
}

TEST_F(hub_stored, another_account_finds_nothing_of_it) {
  start();
  say(user_ann, 8);
  world->stored.updates.reset();
  begin(updates_from::now, test::me + 1);
  bot->marks();
  finish_all();
  EXPECT_TRUE(bot->got.empty());
}

} // namespace cafegram
