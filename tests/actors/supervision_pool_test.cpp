#include "pool_kit.hpp"

// What a pool does about its connections: docs/supervision.md.
namespace cafegram {

namespace {

using namespace std::chrono_literals;
using test::pool_world;

} // namespace

TEST(supervision, dc_pool_dc_connection_dies) {
  pool_world world;
  world.start();
  world.make_keys(*world.lines.at(0));
  const auto once = world.call();
  const auto again = world.call({.may_repeat = true});
  world.lines[0]->die();
  world.settle();
  ASSERT_TRUE(once->why);
  EXPECT_EQ(once->why->code, errc::unknown_outcome) << "it may have run";
  EXPECT_FALSE(again->settled());
  EXPECT_EQ(world.lines.size(), 1U) << "not before the back-off";
  const auto late = world.call();
  world.pass(2s, 100ms);
  ASSERT_EQ(world.lines.size(), 2U);
  EXPECT_EQ(world.lines[1]->calls.size(), 2U) << "each call again, and what came meanwhile";
  world.lines[1]->answer(0);
  world.lines[1]->answer(1);
  world.settle();
  EXPECT_TRUE(again->ok);
  EXPECT_TRUE(late->ok);
}

TEST(supervision, dc_pool_dc_connection_dies_again_and_again) {
  pool_world world;
  world.start();
  const auto call = world.call({.timeout = 60s});
  for (int n = 0; n < 100; ++n) {
    world.lines.back()->die();
    world.settle();
    world.pass(500ms, 100ms);
  }
  EXPECT_LE(world.lines.size(), 20U) << "ever later: it is no storm";
  world.pass(15s, 500ms);
  ASSERT_TRUE(call->why);
  EXPECT_EQ(call->why->code, errc::deadline) << "settled once, by its deadline";
}

TEST(supervision, dc_pool_dc_connection_stalls) {
  pool_world world;
  world.start();
  world.make_keys(*world.lines.at(0));
  const auto first = world.call({.timeout = 5s});
  const auto second = world.call({.timeout = 9s});
  world.pass(5s, 500ms);
  ASSERT_TRUE(first->why);
  EXPECT_EQ(first->why->code, errc::deadline);
  EXPECT_EQ(world.lines[0]->dropped.size(), 1U) << "the server is told";
  EXPECT_FALSE(second->settled());
  world.pass(4s, 500ms);
  ASSERT_TRUE(second->why);
  EXPECT_EQ(second->why->code, errc::deadline);
  EXPECT_EQ(world.lines.size(), 1U) << "it is the connection's to find out";
}

TEST(supervision, dc_pool_key_maker_dies) {
  pool_world world;
  world.start();
  world.call({.purpose = connection_purpose::upload});
  ASSERT_EQ(world.lines.size(), 2U);
  ASSERT_TRUE(world.lines[0]->keys().make);
  EXPECT_FALSE(world.lines[1]->keys().make) << "one makes keys, the others wait";
  world.lines[0]->die();
  world.settle();
  EXPECT_TRUE(world.lines[1]->keys().make) << "another one does";
}

TEST(supervision, dc_pool_farewell_dies) {
  pool_world world;
  world.start(true, {{2, pool_world::permanent(2)}});
  bool done = false;
  world.system.spawn([&done, to = world.pool](caf::event_based_actor* self) {
    self->request(to, caf::infinite, destroy_keys{})
        .then([&done](caf::ok_atom) { done = true; }, [](const caf::error&) { FAIL(); });
  });
  world.settle();
  ASSERT_EQ(world.lines.size(), 2U);
  ASSERT_TRUE(world.lines[1]->setup.destroy_key);
  EXPECT_FALSE(done);
  world.lines[1]->die();
  world.settle();
  EXPECT_TRUE(done) << "the log out does not wait for the dead";
  world.pass(10s, 500ms);
  EXPECT_EQ(world.lines.size(), 2U) << "and the key is not destroyed a second time";
}

TEST(supervision, dc_pool_callers_flood) {
  std::size_t refused = 0;
  pool_world world;
  world.start();
  const invoke_request request{std::make_shared<const bytes>(bytes{1, 2, 3, 4}), {}};
  world.system.spawn([&](caf::event_based_actor* self) {
    for (std::size_t n = 0; n < max_held_calls + 10; ++n) {
      self->request(world.pool, caf::infinite, request)
          .then([](const invoke_answer&) {},
                [&refused](const caf::error& why) {
                  refused += to_error(why).code == errc::limit ? 1 : 0;
                });
    }
  });
  world.settle();
  EXPECT_EQ(refused, 10U) << "the bound holds, and each is answered";
}

} // namespace cafegram
