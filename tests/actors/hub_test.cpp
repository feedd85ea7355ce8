#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/session_store.hpp>
#include <cafegram/actors/system.hpp>
#include <cafegram/actors/update_hub.hpp>
#include <cafegram/actors/update_parts.hpp>
#include <cafegram/tests/support.hpp>
#include <cafegram/tl/api.hpp>

#include <caf/all.hpp>
#include <fmt/format.h>

#include <mutex>

namespace cafegram {

namespace {

using namespace std::chrono_literals;

constexpr std::int64_t me = 4242;

tl::Message message_of(std::int32_t id, std::string text) {
  return tl::message{.id = id,
                     .peer_id = tl::peerUser{.user_id = 7},
                     .date = 1000 + id,
                     .message = std::move(text)};
}

tl::Update fresh(std::int32_t id, std::int32_t pts) {
  return tl::updateNewMessage{
      .message = message_of(id, fmt::format("m{}", id)), .pts = pts, .pts_count = 1};
}

raw_updates live(std::vector<tl::Update> updates) {
  return {std::make_shared<const bytes>(
      tl::encode(tl::Updates{tl::updates_{.updates = std::move(updates), .date = 1, .seq = 0}}))};
}

tl::updates::State state_at(std::int32_t pts) {
  return tl::updates::state{.pts = pts, .date = 1, .seq = 1};
}

/// The other end of the hub's calls: answers with what the test has laid out, counts questions.
struct fake_server {
  std::mutex mutex;
  std::vector<tl::updates::Difference> differences;
  std::vector<std::int32_t> asked_from; ///< pts of each getDifference
  std::int32_t pts = 10;

  caf::result<invoke_answer> answer(const invoke_request& request) {
    const std::lock_guard lock{mutex};
    const auto id = tl::reader{*request.function}.peek_u32();
    if (id == tl::updates::getState::tl_id) {
      return invoke_answer{std::make_shared<const bytes>(tl::encode(state_at(pts)))};
    }
    const auto question = tl::decode<tl::updates::getDifference>(*request.function);
    EXPECT_TRUE(question);
    asked_from.push_back(question->pts);
    if (differences.empty()) {
      return invoke_answer{std::make_shared<const bytes>(
          tl::encode(tl::updates::Difference{tl::updates::differenceEmpty{.date = 1, .seq = 1}}))};
    }
    auto next = differences.front();
    differences.erase(differences.begin());
    return invoke_answer{std::make_shared<const bytes>(tl::encode(next))};
  }

  void lay_out(std::vector<std::int32_t> ids, std::int32_t to, bool slice = false) {
    std::vector<tl::Message> messages;
    for (const auto id : ids) {
      messages.push_back(message_of(id, fmt::format("m{}", id)));
    }
    const std::lock_guard lock{mutex};
    if (slice) {
      differences.emplace_back(tl::updates::differenceSlice{.new_messages = messages,
                                                            .intermediate_state = state_at(to)});
    } else {
      differences.emplace_back(
          tl::updates::difference{.new_messages = messages, .state = state_at(to)});
    }
  }
};

client_actor::behavior_type fake_client(client_actor::pointer self,
                                        std::shared_ptr<fake_server> server) {
  return {
      [server](const invoke_request& request) { return server->answer(request); },
      [](const callback_call&) {},
      [](const cancel_calls&) {},
      [](const bot_login&) -> caf::result<account> { return caf::sec::invalid_argument; },
      [](caf::subscribe_atom, const caf::actor&) {},
      [](status_atom) { return client_status{}; },
      [](const network_available&) {},
      [self](const stop_request&) -> caf::result<caf::ok_atom> {
        self->quit();
        return caf::ok_atom_v;
      },
      [](const connection_report&) {},
      [](const login_lost&) {},
      [](caf::tick_atom, std::uint64_t) {},
  };
}

struct update_hub_fixture : testing::Test {
  runtime rt;
  caf::scoped_actor self{rt.system()};
  std::shared_ptr<fake_server> server = std::make_shared<fake_server>();
  session_store_actor store = spawn_session_store(
      rt.system(), rt.shared().writer,
      std::shared_ptr<storage::session_backend>{storage::make_memory_backend()}, {});
  client_actor client = rt.system().spawn(fake_client, server);
  update_hub_actor hub = spawn_update_hub(rt.system(), rt.shared(), client, store);

  void SetUp() override {
    self->send(hub, caf::subscribe_atom_v, caf::actor_cast<caf::actor>(self));
    self->send(hub, hub_start{{.id = me, .bot = true, .first_name = {}, .username = {}},
                              updates_from::now});
  }
  void TearDown() override {
    for (const auto& actor : {caf::actor_cast<caf::actor>(hub), caf::actor_cast<caf::actor>(client),
                              caf::actor_cast<caf::actor>(store)}) {
      self->send_exit(actor, caf::exit_reason::user_shutdown);
    }
  }

  /// Ids of the next `count` messages; fewer when no more come.
  std::vector<std::int32_t> take(std::size_t count, std::chrono::milliseconds limit = 5s) {
    std::vector<std::int32_t> out;
    bool more = true;
    while (more && out.size() < count) {
      self->receive(
          [&out](const update_event& event) {
            const auto* update = tl::get_if<tl::updateNewMessage>(event.update->update);
            const auto* message =
                update != nullptr ? tl::get_if<tl::message>(update->message) : nullptr;
            out.push_back(message != nullptr ? message->id : 0);
          },
          caf::after(limit) >> [&more]() { more = false; });
    }
    return out;
  }

  using ids = std::vector<std::int32_t>;
};

} // namespace

TEST_F(update_hub_fixture, hands_out_what_comes_in_order_each_once) {
  self->send(hub, live({fresh(1, 11)}));
  EXPECT_EQ(take(1), (ids{1}));
  self->send(hub, live({fresh(2, 12), fresh(3, 13)}));
  self->send(hub, live({fresh(2, 12)}));
  self->send(hub, live({fresh(4, 14)}));
  EXPECT_EQ(take(4, 300ms), (ids{2, 3, 4}));
}

TEST_F(update_hub_fixture, puts_what_overtook_back_in_order) {
  self->send(hub, live({fresh(1, 11)}));
  ASSERT_EQ(take(1), (ids{1}));
  self->send(hub, live({fresh(3, 13)}));
  self->send(hub, live({fresh(2, 12)}));
  EXPECT_EQ(take(2), (ids{2, 3}));
  EXPECT_TRUE(server->asked_from.empty());
}

TEST_F(update_hub_fixture, fetches_what_does_not_come) {
  self->send(hub, live({fresh(1, 11)}));
  ASSERT_EQ(take(1), (ids{1}));
  server->lay_out({2, 3}, 13);
  self->send(hub, live({fresh(3, 13)}));
  EXPECT_EQ(take(3, 2s), (ids{2, 3})) << "the gap is filled, and what waited is no double";
  EXPECT_EQ(server->asked_from, (ids{11}));
}

TEST_F(update_hub_fixture, goes_on_until_the_difference_is_final) {
  self->send(hub, live({fresh(1, 11)}));
  ASSERT_EQ(take(1), (ids{1}));
  server->lay_out({2, 3}, 13, true);
  server->lay_out({4}, 14);
  self->send(hub, updates_suspect{"test"});
  EXPECT_EQ(take(3), (ids{2, 3, 4}));
  EXPECT_EQ(server->asked_from, (ids{11, 13}));
}

TEST_F(update_hub_fixture, a_long_difference_waits_for_slow_receivers) {
  constexpr std::int32_t slices = 5;
  constexpr std::int32_t per_slice = 2000;
  ids all;
  for (std::int32_t n = 0; n < slices; ++n) {
    ids part;
    for (std::int32_t m = 0; m < per_slice; ++m) {
      part.push_back(n * per_slice + m + 1);
    }
    all.insert(all.end(), part.begin(), part.end());
    server->lay_out(part, 10 + (n + 1) * per_slice, n + 1 < slices);
  }
  self->send(hub, updates_suspect{"test"});
  EXPECT_EQ(take(all.size()), all);
}

TEST_F(update_hub_fixture, own_results_leave_no_gap_and_are_not_handed_out) {
  self->send(hub, live({fresh(1, 11)}));
  ASSERT_EQ(take(1), (ids{1}));
  self->send(hub, own_result{live({fresh(2, 12)}).object});
  self->send(hub, own_result{std::make_shared<const bytes>(
                      tl::encode(tl::messages::affectedMessages{.pts = 13, .pts_count = 1}))});
  self->send(hub, own_result{std::make_shared<const bytes>(tl::encode(
                      tl::updateShortSentMessage{.id = 5, .pts = 14, .pts_count = 1, .date = 1}))});
  self->send(hub, live({fresh(6, 15)}));
  EXPECT_EQ(take(1), (ids{6}));
  EXPECT_TRUE(server->asked_from.empty());
}

TEST_F(update_hub_fixture, continues_from_the_stored_state) {
  self->send(hub, live({fresh(1, 11)}));
  ASSERT_EQ(take(1), (ids{1}));
  // A second hub over the same store, as after the death of the first.
  server->lay_out({2}, 12);
  auto next = spawn_update_hub(rt.system(), rt.shared(), client, store);
  self->send_exit(hub, caf::exit_reason::kill);
  self->send(next, caf::subscribe_atom_v, caf::actor_cast<caf::actor>(self));
  self->send(next, hub_start{{.id = me, .bot = true, .first_name = {}, .username = {}},
                             updates_from::stored});
  EXPECT_EQ(take(1), (ids{2}));
  EXPECT_EQ(server->asked_from, (ids{11}));
  hub = next;
}

// A message may come between the login and the answer that says where its counting begins: it is
// before that place, and no difference brings it.
TEST_F(update_hub_fixture, what_came_during_the_login_is_not_lost) {
  self->send(hub, live({fresh(1, 11)}));
  ASSERT_EQ(take(1), (ids{1}));
  auto next = spawn_update_hub(rt.system(), rt.shared(), client, store);
  self->send_exit(hub, caf::exit_reason::kill);
  hub = next;
  self->send(next, caf::subscribe_atom_v, caf::actor_cast<caf::actor>(self));
  self->send(next, live({fresh(2, 11)}));
  self->send(next, hub_start{{.id = me, .bot = true, .first_name = {}, .username = {}},
                             updates_from::login});
  EXPECT_EQ(take(1), (ids{2}));
  self->send(next, live({fresh(3, 11), fresh(4, 12)}));
  EXPECT_EQ(take(2, 500ms), (ids{4})) << "from then on its place is not given twice";
}

// The other way round: it comes after that place, over the connection and by the difference too.
TEST_F(update_hub_fixture, what_came_after_the_first_state_is_handed_out_once) {
  self->send(hub, live({fresh(1, 11)}));
  ASSERT_EQ(take(1), (ids{1}));
  auto next = spawn_update_hub(rt.system(), rt.shared(), client, store);
  self->send_exit(hub, caf::exit_reason::kill);
  hub = next;
  server->lay_out({2}, 12);
  self->send(next, caf::subscribe_atom_v, caf::actor_cast<caf::actor>(self));
  self->send(next, live({fresh(2, 12)}));
  self->send(next, hub_start{{.id = me, .bot = true, .first_name = {}, .username = {}},
                             updates_from::login});
  EXPECT_EQ(take(2, 500ms), (ids{2}));
}

TEST_F(update_hub_fixture, waits_for_its_first_receiver) {
  self->send(hub, live({fresh(1, 11)}));
  ASSERT_EQ(take(1), (ids{1}));
  auto next = spawn_update_hub(rt.system(), rt.shared(), client, store);
  self->send_exit(hub, caf::exit_reason::kill);
  hub = next;
  self->send(next, hub_start{{.id = me, .bot = true, .first_name = {}, .username = {}},
                             updates_from::stored});
  self->send(next, live({fresh(2, 12)}));
  EXPECT_TRUE(take(1, 200ms).empty());
  server->lay_out({2}, 12);
  self->send(next, caf::subscribe_atom_v, caf::actor_cast<caf::actor>(self));
  EXPECT_EQ(take(2, 500ms), (ids{2}));
  EXPECT_EQ(server->asked_from, (ids{11}));
}

TEST_F(update_hub_fixture, a_receiver_that_does_not_answer_gets_a_window_and_no_more) {
  auto silent = rt.system().spawn(
      [count = std::make_shared<int>(0)](caf::event_based_actor* actor) -> caf::behavior {
        return {[actor, count](const update_event&) -> caf::response_promise {
                  ++*count;
                  return actor->make_response_promise();
                },
                [count](status_atom) { return *count; }};
      });
  self->send(hub, caf::subscribe_atom_v, silent);
  std::vector<tl::Update> many;
  for (std::int32_t n = 1; n <= 1000; ++n) {
    many.push_back(fresh(n, 10 + n));
  }
  self->send(hub, live(std::move(many)));
  EXPECT_EQ(take(1000).size(), 1000U) << "the other receiver is not held up";
  int seen = 0;
  self->request(silent, 5s, status_atom_v)
      .receive([&seen](int count) { seen = count; }, [](const caf::error&) {});
  EXPECT_EQ(seen, static_cast<int>(update_window));
  self->send_exit(silent, caf::exit_reason::kill);
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
