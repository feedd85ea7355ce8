#pragma once

#include <cafegram/actors/interfaces.hpp>

namespace cafegram {

/// So many connections of one runtime make keys at a time. An exchange keeps a core busy for some
/// 10 ms and waits for four answers: these are enough to use the cores, few enough to be done in
/// time, however many clients begin at once.
constexpr std::size_t handshakes_at_once = 32;

/// Starts the gate of a runtime. First come, first served; a turn ends with its token.
handshake_gate_actor spawn_handshake_gate(caf::actor_system& system,
                                          std::size_t most = handshakes_at_once);

} // namespace cafegram
