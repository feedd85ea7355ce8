#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/session_store.hpp>
#include <cafegram/actors/session_writer.hpp>
#include <cafegram/storage/session.hpp>
#include <cafegram/tests/support.hpp>

#include <caf/all.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "virtual_time.hpp"

// What a session's store leaves to the writer when it ends because its session is lost.
namespace cafegram {

namespace {

session_change new_home(std::int32_t dc, bool at_once) {
  return {[dc](storage::session_state& state) { state.home_dc = dc; }, at_once};
}

/// Whoever asks it for anything hears that another process has the session: of a write when the
/// test says so.
struct taken_writer {
  static caf::error taken() { return to_caf(error::make(errc::session_in_use, "it is taken")); }

  session_writer_actor::behavior_type operator()(session_writer_actor::pointer self) const {
    return {[seen = seen, self](const session_write&) -> caf::result<void> {
              seen->push_back(self->make_response_promise());
              return seen->back();
            },
            [](const inbox_read&) -> caf::result<inbox_page> { return taken(); },
            [](const peer_read&) -> caf::result<stored_peer> { return taken(); },
            [](const value_read&) -> caf::result<stored_value> { return taken(); },
            [](const export_read&) -> caf::result<exported_session> { return taken(); },
            [seen = seen](shutdown_atom) { seen->front().deliver(taken()); }};
  }

  std::shared_ptr<std::deque<caf::response_promise>> seen =
      std::make_shared<std::deque<caf::response_promise>>();
};

} // namespace

// The rest would be written over what the new owner has written, with keys that are its own now.
TEST(session_store, leaves_the_writer_nothing_of_a_session_that_is_lost) {
  const std::function<void(const session_store_actor&, const session_writer_actor&)> ways[] = {
      [](const auto&, const auto& writer) { caf::anon_send(writer, shutdown_atom_v); },
      [](const auto& store, const auto&) { caf::anon_send(store, value_lookup{"chat/"}); },
      [](const auto& store, const auto&) {
        caf::anon_send(store, peer_lookup{peer_name::username("somebody")});
      },
      [](const auto& store, const auto&) {
        caf::anon_send(caf::actor_cast<caf::actor>(store), // as its backend tells it
                       caf::exit_msg{store.address(), taken_writer::taken()});
      }};
  for (const auto& lose : ways) {
    test::virtual_system actors;
    const taken_writer played;
    const auto writer = actors.system().spawn(played);
    const auto store =
        spawn_session_store(actors.system(), writer, storage::make_memory_backend(), {});
    std::optional<errc> end;
    const auto watcher = actors.system().spawn([&](caf::event_based_actor* self) -> caf::behavior {
      self->monitor(store);
      self->set_down_handler([&end](const caf::down_msg& of) { end = to_error(of.reason).code; });
      return {[](int) {}};
    });
    caf::anon_send(store, new_home(3, true));
    caf::anon_send(store, new_home(4, false)); // while that is under way
    actors.run();
    ASSERT_EQ(played.seen->size(), 1U);
    lose(store, writer);
    actors.run();
    EXPECT_EQ(end, errc::session_in_use);
    EXPECT_EQ(played.seen->size(), 1U);
    caf::anon_send_exit(writer, caf::exit_reason::kill);
    caf::anon_send_exit(watcher, caf::exit_reason::kill);
    played.seen->clear();
    actors.run();
  }
}

} // namespace cafegram
