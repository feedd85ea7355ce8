#include <cafegram/actors/connector.hpp>
#include <cafegram/base/log.hpp>

#include <caf/all.hpp>

#include <utility>

namespace cafegram {

namespace {

struct keeper_state {
  explicit keeper_state(connector_actor::pointer owner)
    : self{owner} {}
  ~keeper_state() { caf::anon_send_exit(kept, caf::exit_reason::user_shutdown); }

  connector_actor::pointer self;
  connector_maker make;
  connector_actor kept;

  void start() {
    kept = make(self->system());
    self->monitor(kept);
  }

  /// The next one is made when it is wanted: who asks does so with a back-off of his own.
  void ended(const caf::down_msg& down) {
    log::error("connector", "it died: {}", caf::to_string(down.reason));
    kept = nullptr;
  }

  auto pass_on(const connect_request& request) {
    if (!kept) {
      start();
    }
    return self->delegate(kept, request);
  }
};

connector_actor::behavior_type keeper(connector_actor::stateful_pointer<keeper_state> self,
                                      connector_maker make) {
  self->state.make = std::move(make);
  self->state.start();
  self->set_down_handler([self](const caf::down_msg& down) { self->state.ended(down); });
  return {
      [self](const connect_request& request) { return self->state.pass_on(request); },
      [](poll_atom) { /* the kept one polls itself */ },
  };
}

} // namespace

connector_actor spawn_kept_connector(caf::actor_system& system, connector_maker make) {
  return system.spawn(keeper, std::move(make));
}

} // namespace cafegram
