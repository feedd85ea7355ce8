#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/update_hub.hpp>
#include <cafegram/actors/update_parts.hpp>
#include <cafegram/storage/session.hpp>
#include <cafegram/tl/api.hpp>

#include <deque>

#include "virtual_time.hpp"

// Where a hub stands, on a clock that the tests move and with a server that they play.
namespace cafegram {

namespace {

using namespace std::chrono_literals;

constexpr std::int64_t me = 4242;

tl::Message message_of(std::int32_t id) {
  return tl::message{.id = id,
                     .peer_id = tl::peerUser{.user_id = 7},
                     .date = 1000 + id,
                     .message = "m" + std::to_string(id)};
}

tl::Update fresh(std::int32_t id, std::int32_t pts) {
  return tl::updateNewMessage{.message = message_of(id), .pts = pts, .pts_count = 1};
}

tl::Update query(std::int64_t id) {
  return tl::updateBotCallbackQuery{
      .query_id = id, .user_id = 7, .peer = tl::peerUser{.user_id = 7}, .msg_id = 1};
}

/// Has a counter neither of its own nor of a box.
tl::Update name_of(std::int64_t user) {
  return tl::updateUserPhone{.user_id = user, .phone = "1"};
}

raw_updates live(std::vector<tl::Update> updates, std::int32_t seq = 0) {
  return {std::make_shared<const bytes>(
      tl::encode(tl::Updates{tl::updates_{.updates = std::move(updates), .date = 1, .seq = seq}}))};
}

raw_updates short_message(std::int32_t id, std::int64_t from, std::int32_t pts) {
  return {std::make_shared<const bytes>(tl::encode(tl::updateShortMessage{
      .id = id, .user_id = from, .message = "hi", .pts = pts, .pts_count = 1, .date = 5}))};
}

/// What the tests see of one update: a message's id, or another thing's.
std::int64_t mark_of(const tl::Update& update) {
  if (const auto* message = tl::get_if<tl::updateNewMessage>(update)) {
    return tl::get_if<tl::message>(message->message)->id;
  }
  if (const auto* asked = tl::get_if<tl::updateBotCallbackQuery>(update)) {
    return asked->query_id;
  }
  if (const auto* named = tl::get_if<tl::updateUserPhone>(update)) {
    return named->user_id;
  }
  if (const auto* stopped = tl::get_if<tl::updateBotStopped>(update)) {
    return stopped->user_id;
  }
  return 0;
}

/// The server, the store and the receiver of one hub.
struct hub_world {
  tl::updates::state state{.pts = 10, .qts = 3, .date = 1, .seq = 1};
  std::deque<result<tl::updates::Difference>> differences; ///< then `differenceEmpty`
  std::vector<tl::updates::getDifference> asked;
  bool hold = false; ///< the next difference waits for `network_available`
  std::optional<caf::typed_response_promise<invoke_answer>> held;

  int unreadable = 0; ///< so many times the store cannot be read
  storage::session_state stored;
  std::vector<std::int64_t> seen;

  static invoke_answer encoded(const auto& value) {
    return {std::make_shared<const bytes>(tl::encode(value))};
  }

  result<invoke_answer> next_difference() {
    if (differences.empty()) {
      return encoded(
          tl::updates::Difference{tl::updates::differenceEmpty{.date = 1, .seq = state.seq}});
    }
    const auto next = std::move(differences.front());
    differences.pop_front();
    return next ? result<invoke_answer>{encoded(*next)} : std::unexpected(next.error());
  }

  /// `messages` and what else, up to a place.
  void bring(const std::vector<std::int32_t>& messages, std::vector<tl::Update> others,
             const tl::updates::state& to) {
    tl::updates::difference out{.other_updates = std::move(others), .state = to};
    for (const auto id : messages) {
      out.new_messages.push_back(message_of(id));
    }
    differences.emplace_back(tl::updates::Difference{std::move(out)});
  }
};

client_actor::behavior_type played_client(client_actor::pointer self,
                                          std::shared_ptr<hub_world> world) {
  return {
      [self, world](const invoke_request& request) -> caf::result<invoke_answer> {
        if (tl::reader{*request.function}.peek_u32() == tl::updates::getState::tl_id) {
          return hub_world::encoded(tl::updates::State{world->state});
        }
        world->asked.push_back(*tl::decode<tl::updates::getDifference>(*request.function));
        if (world->hold) {
          world->held = self->make_response_promise<invoke_answer>();
          return *world->held;
        }
        auto answer = world->next_difference();
        if (!answer) {
          return to_caf(answer.error());
        }
        return *std::move(answer);
      },
      [](const callback_call&) {},
      [](const cancel_calls&) {},
      [](const bot_login&) -> caf::result<account> { return caf::sec::invalid_argument; },
      [](caf::subscribe_atom, const caf::actor&) {},
      [](status_atom) { return client_status{}; },
      [world](const network_available&) {
        if (auto promise = std::exchange(world->held, std::nullopt)) {
          world->hold = false;
          promise->deliver(world->next_difference().value());
        }
      },
      [](const stop_request&) -> caf::result<caf::ok_atom> { return caf::ok_atom_v; },
      [](const connection_report&) {},
      [](const login_lost&) {},
      [](caf::tick_atom, std::uint64_t) {},
  };
}

session_store_actor::behavior_type played_store(std::shared_ptr<hub_world> world) {
  return {
      [world](load_atom) -> caf::result<session_snapshot> {
        if (world->unreadable > 0) {
          --world->unreadable;
          return to_caf(error::make(errc::storage, "not now"));
        }
        return session_snapshot{std::make_shared<const storage::session_state>(world->stored)};
      },
      [world](const session_change& by) { by.apply(world->stored); },
      [](caf::flush_atom) {},
      [](caf::tick_atom) {},
  };
}

struct hub_order : testing::Test {
  std::shared_ptr<hub_world> world = std::make_shared<hub_world>();
  test::virtual_system actors;
  client_actor client = actors.system().spawn(played_client, world);
  session_store_actor store =
      actors.system().spawn([world = world] { return played_store(world); });
  caf::actor receiver = actors.system().spawn([world = world]() -> caf::behavior {
    return {[world](const update_event& event) {
      world->seen.push_back(mark_of(event.update->update));
    }};
  });
  update_hub_actor hub = spawn_update_hub(actors.system(), actors.services(), client, store);

  void TearDown() override {
    for (const auto& actor : {caf::actor_cast<caf::actor>(hub), caf::actor_cast<caf::actor>(client),
                              caf::actor_cast<caf::actor>(store), receiver}) {
      caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    }
    world->held.reset();
    actors.run();
  }

  void begin(updates_from from, std::int64_t account = me) {
    caf::anon_send(hub,
                   hub_start{{.id = account, .bot = true, .first_name = {}, .username = {}}, from});
    actors.run();
  }
  void subscribe() {
    caf::anon_send(hub, caf::subscribe_atom_v, receiver);
    actors.run();
  }
  void wire(raw_updates updates) {
    caf::anon_send(hub, std::move(updates));
    actors.run();
  }
  std::vector<std::int64_t> take() { return std::exchange(world->seen, {}); }

  using marks = std::vector<std::int64_t>;
};

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

TEST_F(hub_order, a_container_with_an_old_number_is_handed_out_once) {
  subscribe();
  begin(updates_from::now);
  wire(live({name_of(100), fresh(1, 11)}, 2));
  wire(live({name_of(100), fresh(1, 11)}, 2));
  wire(live({name_of(101)}, 3));
  wire(live({name_of(100)}, 2));
  EXPECT_EQ(take(), (marks{100, 1, 101}));
  EXPECT_TRUE(world->asked.empty());
}

TEST_F(hub_order, a_container_beyond_a_gap_is_left_to_the_difference) {
  subscribe();
  begin(updates_from::now);
  world->bring({}, {name_of(100), name_of(101)}, {.pts = 11, .qts = 3, .date = 2, .seq = 3});
  wire(live({name_of(101), fresh(1, 11)}, 3));
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
  EXPECT_EQ(take(), (marks{1})) << "it goes on from where the server is";
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

TEST_F(hub_order, another_account_begins_anew) {
  subscribe();
  begin(updates_from::now);
  wire(live({fresh(3, 13)})); // waits for what is missing
  world->state = {.pts = 12, .qts = 0, .date = 1, .seq = 1};
  begin(updates_from::now, me + 1);
  wire(live({fresh(5, 13)}));
  EXPECT_EQ(take(), (marks{5})) << "what waited was another one's";
}

TEST_F(hub_order, forgets_a_dead_receiver_and_keeps_its_place_for_the_next) {
  subscribe();
  begin(updates_from::now);
  wire(live({fresh(1, 11)}));
  EXPECT_EQ(take(), (marks{1}));
  caf::anon_send_exit(receiver, caf::exit_reason::kill);
  actors.run();
  wire(live({fresh(2, 12)}));
  EXPECT_EQ(world->stored.updates->pts, 11) << "nobody has seen it";
  world->bring({2}, {}, {.pts = 12, .qts = 3, .date = 2, .seq = 1});
  receiver = actors.system().spawn([world = world]() -> caf::behavior {
    return {[world](const update_event& event) {
      world->seen.push_back(mark_of(event.update->update));
    }};
  });
  subscribe();
  EXPECT_EQ(take(), (marks{2}));
}

TEST(update_parts, a_message_that_cannot_be_read_has_an_identity_of_its_own) {
  const auto empty = [](std::int32_t id) -> tl::Update {
    return tl::updateNewMessage{.message = tl::messageEmpty{.id = id}, .pts = 1, .pts_count = 1};
  };
  EXPECT_NE(identity_of(me, empty(1)), identity_of(me, empty(2)));
  EXPECT_EQ(identity_of(me, empty(1)), identity_of(me, empty(1)));
}

} // namespace cafegram
