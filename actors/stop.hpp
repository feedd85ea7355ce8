#pragma once

#include <caf/actor.hpp>
#include <caf/fwd.hpp>

#include <chrono>

namespace cafegram {

/// Sends `stop_request{timeout}` and waits until the actor has ended. The actor keeps the deadline;
/// five seconds later one that cannot any more is left behind. On a thread that runs actors, where
/// nobody may wait, it only asks.
void stop_and_wait(caf::actor_system& system, const caf::actor& actor,
                   std::chrono::milliseconds timeout);

} // namespace cafegram
