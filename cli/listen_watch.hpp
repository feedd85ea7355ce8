#pragma once

#include <cafegram/actors/interfaces.hpp>

#include <caf/actor.hpp>

#include <functional>
#include <string>

namespace cafegram::cli {

/// Calls `end` once, with the reason, when there is nothing more to listen to: the client has
/// ended, its login has, or whoever prints what it hears. Ends then, and by an exit message.
caf::actor watch_listening(caf::actor_system& system, const client_actor& account,
                           const caf::actor& printer,
                           std::function<void(const std::string& why)> end);

} // namespace cafegram::cli
