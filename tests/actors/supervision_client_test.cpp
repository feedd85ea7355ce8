#include "client_world.hpp"

// What a client does about the ends of its parts, and how it stops: docs/supervision.md.
namespace cafegram {

namespace {

using namespace std::chrono_literals;
using marks = std::vector<std::int64_t>;
using test::client_world;

tl::updates::Difference brings(std::int32_t id, std::int32_t pts) {
  return tl::updates::difference{
      .new_messages = {test::message_of(id)},
      .state = tl::updates::State{tl::updates::state{.pts = pts, .qts = 3, .date = 1, .seq = 1}}};
}

} // namespace

TEST(supervision, client_dc_pool_dies) {
  client_world world;
  world.start();
  const auto once = world.call();
  const auto again = world.call(true);
  world.kill(world.pool());
  ASSERT_TRUE(once->why);
  EXPECT_EQ(once->why->code, errc::unknown_outcome) << "it may have run";
  ASSERT_TRUE(again->why);
  EXPECT_EQ(again->why->code, errc::cancelled) << "to be made again by whoever wants it";
  EXPECT_FALSE(world.end);
  ASSERT_EQ(world.lines.size(), 2U) << "another pool has opened its connection";
  EXPECT_TRUE(*world.line().keys().permanent->key == *test::key_of(2)) << "the stored key";
  world.serve();
  const auto later = world.call();
  world.answer_calls();
  EXPECT_TRUE(later->ok);
  world.push(1, 11);
  EXPECT_EQ(world.seen, (marks{1})) << "its updates find the hub";
}

TEST(supervision, client_dc_pool_stalls) {
  client_world world;
  world.start();
  const auto before = world.call();
  world.actors.stall(world.pool());
  const auto call = world.call();
  const auto known = world.status();
  EXPECT_FALSE(*known);
  world.actors.pass(2s);
  ASSERT_TRUE(*known) << "the rest of the picture does not wait for it";
  EXPECT_EQ((*known)->pending_calls, 2U);
  world.actors.pass(58s);
  EXPECT_FALSE(call->why) << "it may be about to say why";
  world.actors.pass(10s);
  for (const auto& one : {before, call}) {
    ASSERT_TRUE(one->why);
    EXPECT_EQ(one->why->code, errc::deadline);
  }
  world.actors.wake();
  world.answer_calls();
  EXPECT_FALSE(call->ok) << "settled once";
  const auto later = world.call();
  world.answer_calls();
  EXPECT_TRUE(later->ok);
  EXPECT_FALSE(world.end);
}

TEST(supervision, client_update_hub_stalls) {
  client_world world;
  world.start();
  world.push(1, 11);
  ASSERT_EQ(world.seen, (marks{1}));
  world.actors.stall(world.hub);
  const auto call = world.call();
  world.answer_calls();
  EXPECT_TRUE(call->ok) << "calls do not wait for it";
  world.push(2, 12);
  EXPECT_EQ(world.seen, (marks{1}));
  const auto known = world.status();
  world.actors.pass(2s);
  EXPECT_TRUE(*known) << "without the inbox, which it alone knows";
  const auto stopped = world.stop(5s);
  world.actors.pass(3s);
  EXPECT_FALSE(*stopped);
  world.actors.pass(1s);
  EXPECT_TRUE(*stopped) << "a stop does not wait for it for ever";
}

TEST(supervision, client_update_hub_dies) {
  client_world world;
  world.start();
  world.push(1, 11);
  ASSERT_EQ(world.seen, (marks{1}));
  const auto first = world.hub;
  world.kill(first);
  world.differences.emplace_back(brings(2, 12));
  world.serve();
  ASSERT_FALSE(world.asked.empty());
  EXPECT_EQ(world.asked.back().pts, 11) << "it goes on from the stored state";
  world.push(3, 13);
  EXPECT_EQ(world.seen, (marks{1, 2, 3})) << "to the same receivers";
  EXPECT_NE(world.hub, first);
  EXPECT_FALSE(world.end);
}

TEST(supervision, client_receiver_dies) {
  client_world world;
  world.start();
  world.push(1, 11);
  const auto hub = world.hub;
  // It listens, and finishes too: one death of one actor.
  auto both = world.make_receiver();
  caf::anon_send(world.client, caf::subscribe_atom_v, both);
  caf::anon_send(world.client, update_claim{both});
  caf::anon_send(world.client, caf::subscribe_atom_v, both);
  world.actors.run();
  for (int n = 0; n < 7; ++n) {
    world.kill(both);
    both = world.make_receiver();
    caf::anon_send(world.client, update_claim{both});
    caf::anon_send(world.client, caf::subscribe_atom_v, both);
    world.actors.run();
  }
  world.actors.pass(5s);
  world.seen.clear();
  world.push(2, 12);
  EXPECT_FALSE(world.end);
  EXPECT_EQ(world.hub, hub) << "no part of the client has died";
  EXPECT_EQ(world.seen, (marks{2, 2})) << "each once: this one, and the other receiver";
  world.kill(both);
}

TEST(client_parts, are_counted_by_no_end_of_somebody_else) {
  client_world world;
  world.start();
  world.push(1, 11);
  const auto hub = world.hub;
  const auto stranger = world.make_receiver(); // or one that is forgotten already
  caf::anon_send(caf::actor_cast<caf::actor>(world.client),
                 caf::down_msg{stranger.address(), caf::exit_reason::kill});
  world.actors.run();
  world.actors.pass(5s);
  world.push(2, 12);
  EXPECT_EQ(world.seen, (marks{1, 2}));
  EXPECT_EQ(world.hub, hub) << "no part of the client has died";
  EXPECT_TRUE(*world.stop(5s));
  // Also the hub, if another one has taken its place: nobody else would end it.
  for (const auto& one : {caf::actor_cast<caf::actor>(world.client), hub, stranger}) {
    world.kill(one);
  }
}

TEST(supervision, client_session_store_dies) {
  client_world world;
  world.start();
  const auto call = world.call();
  world.kill(world.store());
  ASSERT_TRUE(world.end);
  EXPECT_EQ(world.end->code, errc::storage);
  ASSERT_TRUE(call->why);
  EXPECT_EQ(call->why->code, errc::storage);
  EXPECT_TRUE(world.line().ended) << "nothing of it is left";
}

TEST(supervision, client_session_store_stalls) {
  client_world world;
  world.start();
  world.kept->silent = true;
  const auto call = world.call();
  world.answer_calls();
  EXPECT_TRUE(call->ok) << "calls do not wait for the disk";
  world.push(1, 11);
  EXPECT_TRUE(world.seen.empty()) << "updates do: what is handed out comes again after a crash";
  const auto stopped = world.stop(5s);
  world.actors.pass(3s);
  EXPECT_FALSE(*stopped) << "it may still be written";
  world.actors.pass(2s);
  EXPECT_TRUE(*stopped) << "but not for ever";
  EXPECT_TRUE(world.end);
}

TEST(supervision, client_session_store_tells_no_keys) {
  client_world world;
  world.start();
  world.kept->mute = true;
  world.kill(world.pool());
  const auto call = world.call();
  world.actors.pass(29s);
  EXPECT_FALSE(world.end);
  world.actors.pass(1s);
  ASSERT_TRUE(world.end) << "another pool would be without keys";
  EXPECT_EQ(world.end->code, errc::storage);
  EXPECT_TRUE(call->why);
}

TEST(supervision, client_parts_die_too_often) {
  client_world world;
  world.start();
  for (int n = 0; n < 5; ++n) {
    world.kill(world.pool());
    ASSERT_FALSE(world.end) << n;
  }
  world.kill(world.pool());
  ASSERT_TRUE(world.end);
  EXPECT_EQ(world.end->code, errc::connection_lost);
}

TEST(supervision, client_parts_die_now_and_then) {
  client_world world;
  world.start();
  for (int n = 0; n < 20; ++n) {
    world.kill(world.pool());
    ASSERT_FALSE(world.end) << n;
    world.actors.pass(13s);
  }
}

TEST(supervision, client_stops_in_good_order) {
  client_world world;
  world.start();
  const auto call = world.call();
  world.push(1, 11);
  const auto flushes = world.kept->flushes;
  const auto stopped = world.stop(5s);
  const auto refused = world.call();
  ASSERT_TRUE(refused->why);
  EXPECT_EQ(refused->why->code, errc::cancelled) << "nothing new is begun";
  world.actors.pass(4s);
  EXPECT_FALSE(*stopped);
  EXPECT_FALSE(call->why);
  world.answer_calls();
  EXPECT_TRUE(call->ok) << "what runs may end";
  EXPECT_TRUE(*stopped);
  EXPECT_EQ(world.kept->flushes, flushes + 1) << "what was not written is";
  EXPECT_EQ(world.kept->state.updates->pts, 11);
  EXPECT_TRUE(world.end);
}

TEST(supervision, client_session_is_closed_by_the_writer) {
  client_world world;
  world.backend = storage::make_memory_backend();
  const std::weak_ptr<storage::session_backend> session = world.backend;
  session_write last;
  caf::response_promise closing;
  world.writer = world.actors.system().spawn(
      [&last, &closing](session_writer_actor::pointer self) -> session_writer_actor::behavior_type {
        return {
            [&last, &closing, self](session_write& what) -> caf::result<void> {
              last = std::exchange(what, {});
              closing = self->make_response_promise();
              return closing;
            },
            [](const inbox_read&) { return inbox_page{}; },
            [](const peer_read&) { return stored_peer{}; },
            [](const value_read&) { return stored_value{}; },
            [](const export_read&) -> caf::result<exported_session> {
              return caf::sec::invalid_argument;
            },
            [&closing](shutdown_atom) { closing.deliver(caf::unit); }, // as a sign to go on
        };
      });
  world.start();
  const auto stopped = world.stop(5s);
  ASSERT_TRUE(last.to) << "its thread may wait for a disk";
  EXPECT_FALSE(last.batch);
  EXPECT_EQ(session.use_count(), 1) << "nobody else has it";
  EXPECT_FALSE(*stopped) << "who begins again finds it free";
  last = {};
  caf::anon_send(world.writer, shutdown_atom_v);
  world.actors.run();
  EXPECT_TRUE(*stopped);
}

TEST(supervision, client_session_is_not_waited_for_without_end) {
  client_world world;
  world.backend = storage::make_memory_backend();
  world.writer = world.actors.system().spawn(
      [](session_writer_actor::pointer) -> session_writer_actor::behavior_type {
        return {
            [](const session_write&) -> caf::result<void> { return caf::delegated<void>{}; },
            [](const inbox_read&) { return inbox_page{}; },
            [](const peer_read&) { return stored_peer{}; },
            [](const value_read&) { return stored_value{}; },
            [](const export_read&) -> caf::result<exported_session> {
              return caf::sec::invalid_argument;
            },
            [](shutdown_atom) {},
        };
      });
  world.start();
  const auto stopped = world.stop(5s);
  world.actors.pass(3s);
  EXPECT_FALSE(*stopped);
  world.actors.pass(2s);
  EXPECT_TRUE(*stopped);
}

TEST(supervision, client_stops_at_its_deadline) {
  client_world world;
  world.start();
  const auto sent = world.call();
  const auto may_repeat = world.call(true);
  const auto flushes = world.kept->flushes;
  const auto stopped = world.stop(5s);
  world.actors.pass(4900ms);
  EXPECT_FALSE(*stopped);
  world.actors.pass(100ms);
  EXPECT_TRUE(*stopped);
  ASSERT_TRUE(may_repeat->why);
  EXPECT_EQ(may_repeat->why->code, errc::cancelled);
  ASSERT_TRUE(sent->why);
  EXPECT_EQ(sent->why->code, errc::unknown_outcome) << "the server has it";
  EXPECT_EQ(world.kept->flushes, flushes + 1);
}

TEST(supervision, client_ends_by_itself) {
  client_world world;
  world.start();
  const auto call = world.call();
  world.kill(caf::actor_cast<caf::actor>(world.client));
  ASSERT_TRUE(call->why);
  EXPECT_EQ(call->why->code, errc::cancelled);
  EXPECT_TRUE(world.line().ended) << "pool and connections go with it";
  EXPECT_TRUE(world.end) << "whoever monitors it knows";
}

} // namespace cafegram
