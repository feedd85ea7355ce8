#include <stdexcept>

#include "hub_kit.hpp"

// What a hub does about its receivers: docs/supervision.md.
namespace cafegram {

namespace {

using namespace std::chrono_literals;
using test::fresh;
using test::live;
using test::query;
using marks = std::vector<std::int64_t>;

/// A receiver that takes updates and answers none until it is let go.
struct slow_receiver {
  caf::actor actor;
  std::vector<caf::response_promise> unanswered;
  std::size_t taken = 0;
  bool lets_go = false;

  explicit slow_receiver(caf::actor_system& system) {
    actor = system.spawn([this](caf::event_based_actor* self) -> caf::behavior {
      return {[this, self](const update_event&) -> caf::result<void> {
                ++taken;
                if (lets_go) {
                  return caf::unit;
                }
                unanswered.push_back(self->make_response_promise());
                return unanswered.back();
              },
              [this](caf::ok_atom) {
                lets_go = true;
                for (auto& promise : unanswered) {
                  promise.deliver(caf::unit);
                }
                unanswered.clear();
              }};
    });
  }
};

} // namespace

TEST(supervision, update_hub_receiver_dies) {
  test::hub_stage stage;
  stage.subscribe();
  stage.begin(updates_from::now);
  stage.wire(live({fresh(1, 11)}));
  EXPECT_EQ(stage.take(), (marks{1}));
  caf::anon_send_exit(stage.receiver, caf::exit_reason::kill);
  stage.actors.run();
  stage.wire(live({fresh(2, 12)}));
  EXPECT_EQ(stage.world->stored.updates->pts, 11) << "nobody has seen it";
  stage.world->bring({2}, {}, {.pts = 12, .qts = 3, .date = 2, .seq = 1});
  stage.receiver = stage.actors.system().spawn([world = stage.world]() -> caf::behavior {
    return {[world](const update_event& event) {
      world->seen.push_back(test::mark_of(*event.update));
    }};
  });
  stage.subscribe();
  EXPECT_EQ(stage.take(), (marks{2})) << "the next receiver gets it";
}

TEST(supervision, update_hub_receiver_stalls) {
  test::hub_stage stage;
  slow_receiver slow{stage.actors.system()};
  caf::anon_send(stage.hub, caf::subscribe_atom_v, slow.actor);
  stage.begin(updates_from::now);
  std::int32_t pts = 10;
  for (std::int32_t id = 1; id <= 4000; ++id) {
    stage.wire(live({fresh(id, ++pts)}));
  }
  EXPECT_EQ(slow.taken, update_window) << "no more is given to it";
  const auto kept = stage.world->stored.updates->pts - 10;
  EXPECT_LE(kept, static_cast<std::int32_t>(update_backlog + update_window + 1))
      << "the rest stays with the server";
  EXPECT_TRUE(stage.world->asked.empty());
  stage.world->bring({9999}, {}, {.pts = pts, .qts = 3, .date = 2, .seq = 1});
  caf::anon_send(slow.actor, caf::ok_atom_v);
  stage.actors.run();
  ASSERT_EQ(stage.world->asked.size(), 1U) << "and is fetched when it has caught up";
  EXPECT_EQ(stage.world->asked.front().pts, 10 + kept);
  EXPECT_EQ(slow.taken, static_cast<std::size_t>(kept) + 1);
  caf::anon_send_exit(slow.actor, caf::exit_reason::kill);
  stage.actors.run();
}

TEST(supervision, update_hub_receiver_throws) {
  test::hub_stage stage;
  auto clumsy = stage.actors.system().spawn([](caf::event_based_actor*) -> caf::behavior {
    return {[](const update_event&) { throw std::runtime_error{"deliberate"}; }};
  });
  caf::anon_send(stage.hub, caf::subscribe_atom_v, clumsy);
  stage.begin(updates_from::now);
  stage.wire(live({fresh(1, 11), fresh(2, 12), fresh(3, 13)}));
  stage.subscribe();
  EXPECT_EQ(stage.take(), (marks{1, 2, 3})) << "what it had, and what waited for it, the next gets";
}

TEST(supervision, update_hub_wire_floods) {
  test::hub_stage stage;
  slow_receiver slow{stage.actors.system()};
  caf::anon_send(stage.hub, caf::subscribe_atom_v, slow.actor);
  stage.begin(updates_from::now);
  // What no difference brings again is not left to the server: the oldest goes.
  for (std::int64_t id = 1; id <= 10'000; ++id) {
    stage.wire(live({query(id)}));
  }
  caf::anon_send(slow.actor, caf::ok_atom_v);
  stage.actors.run();
  EXPECT_LE(slow.taken, 2 * update_backlog + update_window);
  EXPECT_GE(slow.taken, 2 * update_backlog);
  caf::anon_send_exit(slow.actor, caf::exit_reason::kill);
  stage.actors.run();
}

} // namespace cafegram
