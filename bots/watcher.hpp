#pragma once

#include <cafegram/actors/interfaces.hpp>

#include <caf/actor.hpp>

#include <functional>
#include <string>

namespace cafegram {

/// Logs a bot in, tells its dispatcher who it is, and calls `ended` once when either of the two has
/// ended, or the login is refused. `ended` must not block.
caf::actor spawn_watcher(caf::actor_system& system, const client_actor& client,
                         const caf::actor& dispatcher, std::string token,
                         std::function<void()> ended);

} // namespace cafegram
