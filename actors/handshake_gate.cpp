#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/handshake_gate.hpp>

#include <caf/all.hpp>

#include <deque>

namespace cafegram {

namespace {

using turn_promise = caf::typed_response_promise<handshake_turn>;

struct handshake_gate_state {
  explicit handshake_gate_state(handshake_gate_actor::pointer owner)
    : self{owner} {}
  ~handshake_gate_state();

  handshake_gate_actor::pointer self;
  std::size_t most = 0;
  std::size_t given = 0;
  std::deque<turn_promise> waiting;

  turn_promise ask();
  void serve();
  handshake_turn make_turn() const;
};

handshake_gate_state::~handshake_gate_state() {
  for (auto& promise : waiting) {
    promise.deliver(to_caf(error::make(errc::cancelled, "the runtime has stopped")));
  }
}

turn_promise handshake_gate_state::ask() {
  auto promise = self->make_response_promise<handshake_turn>();
  waiting.push_back(promise);
  serve();
  return promise;
}

void handshake_gate_state::serve() {
  while (given < most && !waiting.empty()) {
    ++given;
    auto next = std::move(waiting.front());
    waiting.pop_front();
    next.deliver(make_turn());
  }
}

/// Whoever has it may die without a word, or before the turn reaches it. What it points at does not
/// matter, but that it does: a turn that is there is told from none.
handshake_turn handshake_gate_state::make_turn() const {
  return {std::shared_ptr<const void>{self, [gate = handshake_gate_actor{self}](const void*) {
                                        caf::anon_send(gate, caf::ok_atom_v);
                                      }}};
}

handshake_gate_actor::behavior_type
handshake_gate(handshake_gate_actor::stateful_pointer<handshake_gate_state> self,
               std::size_t most) {
  self->state.most = most;
  return {
      [self](turn_atom) { return self->state.ask(); },
      [self](caf::ok_atom) {
        --self->state.given;
        self->state.serve();
      },
  };
}

} // namespace

handshake_gate_actor spawn_handshake_gate(caf::actor_system& system, std::size_t most) {
  return system.spawn(handshake_gate, most);
}

} // namespace cafegram
