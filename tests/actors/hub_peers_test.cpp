#include <cafegram/actors/update_parts.hpp>

#include "hub_kit.hpp"

// What a hub tells the store of who is who.
namespace cafegram {

namespace {

using test::fresh;
using test::live;
using test::me;
using test::posted;

struct hub_peers : testing::Test, test::hub_stage {
  using strings = std::vector<std::string>;

  hub_peers() {
    subscribe();
    begin(updates_from::now);
    world->orders.clear();
  }

  static tl::User user(std::int64_t id) {
    return tl::user{.id = id, .access_hash = id * 10, .first_name = "A"};
  }
  static raw_updates with_users(std::vector<tl::Update> updates, std::vector<tl::User> users) {
    tl::updates_ out{.updates = std::move(updates), .users = std::move(users), .date = 1};
    return {std::make_shared<const bytes>(tl::encode(tl::Updates{std::move(out)}))};
  }
  std::optional<storage::peer_record> known(std::int64_t id) const {
    return find_peer(*world->rows, storage::peer_kind::user, id).value_or(std::nullopt);
  }
};

} // namespace

TEST_F(hub_peers, those_of_updates_are_told_before_the_updates_are_written) {
  wire(with_users({fresh(1, 11)}, {user(7)}));
  EXPECT_EQ(world->orders, (strings{"peers", "write", "write"})) << "the last one is its end";
  ASSERT_EQ(world->peers.size(), 1U);
  EXPECT_EQ(world->peers.front().account, me);
  EXPECT_EQ(known(7)->access_hash, 70);
  EXPECT_EQ(take(), (marks{1}));
}

TEST_F(hub_peers, those_of_updates_that_are_not_kept_are_told_too) {
  wire(with_users({tl::updateUserTyping{.user_id = 7, .action = tl::sendMessageTypingAction{}}},
                  {user(7)}));
  EXPECT_EQ(known(7)->access_hash, 70);
}

TEST_F(hub_peers, those_of_a_difference_are_told) {
  tl::updates::difference told{.new_messages = {test::message_of(1)},
                               .users = {user(7)},
                               .state = tl::updates::state{.pts = 11, .date = 1, .seq = 1}};
  world->differences.emplace_back(tl::updates::Difference{std::move(told)});
  caf::anon_send(hub, updates_suspect{"test"});
  actors.run();
  EXPECT_EQ(known(7)->access_hash, 70);
  EXPECT_EQ(take(), (marks{1}));
}

TEST_F(hub_peers, a_min_one_is_told_with_its_message) {
  auto stranger = *tl::get_if<tl::user>(user(9));
  stranger.min = true;
  auto post = *tl::get_if<tl::updateNewChannelMessage>(posted(70, 4, 5));
  auto message = *tl::get_if<tl::message>(post.message);
  message.from_id = tl::peerUser{.user_id = 9};
  post.message = message;
  wire(with_users({post}, {stranger}));
  ASSERT_TRUE(known(9));
  EXPECT_EQ(known(9)->seen_in, (storage::message_source{storage::peer_kind::channel, 70, 4}));
}

TEST_F(hub_peers, what_comes_during_a_write_waits_for_the_next_one_but_not_all_of_it) {
  world->holds_writes = true;
  wire(live({fresh(1, 11)}));
  const auto typing = [this](std::int64_t id) {
    wire(with_users({tl::updateUserTyping{.user_id = id, .action = tl::sendMessageTypingAction{}}},
                    {user(id)}));
  };
  for (std::int64_t id = 1; id < 64; ++id) {
    typing(id);
  }
  EXPECT_TRUE(world->peers.empty());
  typing(64);
  ASSERT_EQ(world->peers.size(), 1U) << "what waits is bounded";
  EXPECT_EQ(world->peers.front().seen.size(), 64U);
  typing(65);
  EXPECT_EQ(world->peers.size(), 1U);
  world->holds_writes = false;
  caf::anon_send(store, caf::tick_atom_v);
  actors.run();
  EXPECT_TRUE(known(65));
}

TEST_F(hub_peers, what_waits_is_told_at_the_end_of_the_hub) {
  world->holds_writes = true;
  wire(live({fresh(1, 11)}));
  wire(with_users({}, {user(7)}));
  EXPECT_FALSE(known(7));
  caf::anon_send_exit(hub, caf::exit_reason::user_shutdown);
  actors.run();
  EXPECT_TRUE(known(7));
}

TEST_F(hub_peers, what_waits_is_told_as_of_the_account_before) {
  world->holds_writes = true;
  wire(live({fresh(1, 11)}));
  wire(with_users({}, {user(7)}));
  begin(updates_from::now, me + 1);
  ASSERT_EQ(world->peers.size(), 1U);
  EXPECT_EQ(world->peers.front().account, me);
}

TEST_F(hub_peers, a_result_that_comes_before_the_beginning_is_left_to_the_store) {
  caf::anon_send_exit(hub, caf::exit_reason::kill);
  actors.run();
  hub = spawn_update_hub(actors.system(), actors.services(), client, store);
  const auto result = with_users({}, {user(7)}).object;
  caf::anon_send(hub, own_result{result, me});
  actors.run();
  ASSERT_EQ(world->peers.size(), 1U);
  EXPECT_EQ(world->peers.front().account, me);
  EXPECT_EQ(world->peers.front().result, *result);
}

} // namespace cafegram
