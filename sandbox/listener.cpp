#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/listener.hpp>
#include <cafegram/sandbox/patient_door.hpp>
#include <cafegram/sandbox/replay_memory.hpp>

#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <caf/io/network/multiplexer.hpp>
#include <fmt/format.h>

#include <map>
#include <system_error>
#include <utility>

namespace cafegram::sandbox {
namespace {

struct listener_state {
  void joined(std::uint64_t number, connection_actor connection);

  connection_parts parts;
  std::map<std::uint64_t, connection_actor> strangers; ///< from the oldest on
  replay_memory hellos;
  std::chrono::milliseconds rest{}; ///< of a door that has no descriptor for another socket
  bool exhausted = false;           ///< and the log says so
};

using listener_broker = caf::io::stateful_broker<listener_state>*;

/// Whoever wants the place of others has to come again and again, and a guest needs it only
/// shortly.
void listener_state::joined(std::uint64_t number, connection_actor connection) {
  strangers.emplace(number, std::move(connection));
  if (strangers.size() > parts.strangers.count) {
    caf::anon_send(strangers.begin()->second, caf::close_atom_v);
    strangers.erase(strangers.begin());
  }
}

/// Those who wait stay where they are until there is room; the log hears of it once.
void take_a_rest(listener_broker self, const door_rests& why) {
  if (!std::exchange(self->state.exhausted, true)) {
    log::error("sandbox", "new connections wait: {}; close some, or allow more open files",
               std::generic_category().message(why.number));
  }
  self->delayed_send(self, self->state.rest, caf::tick_atom_v, why.door);
}

void note_room(listener_state& state) {
  if (std::exchange(state.exhausted, false)) {
    log::info("sandbox", "new connections are taken again");
  }
}

caf::behavior listener(listener_broker self, const caf::io::doorman_ptr& door,
                       const connection_parts& parts, std::chrono::milliseconds rest) {
  if (!parts.router) {
    log::error("sandbox", "a port without a router is not opened");
    return {}; // and the door closes with its last handle
  }
  self->add_doorman(door);
  self->state.parts = parts;
  self->state.rest = rest;
  // In the next turn of the I/O loop: a door that closes in its first stays open for ever.
  const auto end = [self] {
    self->system().middleman().backend().post(
        [me = caf::actor{self}] { caf::anon_send(me, caf::ok_atom_v); });
  };
  self->set_exit_handler([end](const caf::exit_msg&) { end(); });
  // Without its router it could serve nobody: who comes then is refused by the system.
  self->monitor(parts.router);
  self->set_down_handler([end](const caf::down_msg&) { end(); });
  return {
      [self](const caf::io::new_connection_msg& accepted) {
        note_room(self->state);
        std::string remote = fmt::format("{}:{}", self->remote_addr(accepted.handle),
                                         self->remote_port(accepted.handle));
        auto given = self->state.parts;
        given.gatekeeper = caf::actor{self};
        const auto number = given.accepted->fetch_add(1) + 1;
        self->state.joined(number,
                           spawn_connection(self->system(), given, number, std::move(remote),
                                            self->take(accepted.handle)));
      },
      [self](const stranger_gone& who) { self->state.strangers.erase(who.connection); },
      [self](const hello_seen& hello) {
        return self->state.hellos.is_fresh(hello.random, self->state.parts.clock->wall_now());
      },
      [self](const faults_told& told) { self->state.parts.faults = told.plan; },
      [self](const door_rests& why) { take_a_rest(self, why); },
      [self](caf::tick_atom, caf::io::accept_handle rested) { self->trigger(rested); },
      [self](const caf::io::acceptor_closed_msg&) { self->quit(); },
      [self](caf::ok_atom) { self->quit(); },
      // A socket that closed before it was handed over.
      [](const caf::io::connection_closed_msg&) {},
  };
}

} // namespace

caf::actor spawn_listener(caf::actor_system& system, caf::io::doorman_ptr door,
                          connection_parts parts, std::chrono::milliseconds rest) {
  return system.middleman().spawn_broker(listener, std::move(door), std::move(parts), rest);
}

} // namespace cafegram::sandbox
