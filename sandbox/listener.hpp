#pragma once

#include <cafegram/sandbox/connection.hpp>

#include <caf/actor.hpp>
#include <caf/io/doorman.hpp>

#include <chrono>

namespace cafegram::sandbox {

/// Accepts sockets and makes a connection of each, on the I/O thread. Ends by an exit message, and
/// with its router or its port; at once where there is no router.
/// `rest` is how long a door of `open_door` waits each time that there is no descriptor.
caf::actor spawn_listener(caf::actor_system& system, caf::io::doorman_ptr door,
                          connection_parts parts,
                          std::chrono::milliseconds rest = std::chrono::seconds{1});

} // namespace cafegram::sandbox
