#pragma once

#include <cafegram/sandbox/connection.hpp>

#include <caf/actor.hpp>
#include <caf/io/doorman.hpp>

namespace cafegram::sandbox {

/// Accepts sockets and makes a connection of each, on the I/O thread. Ends by an exit message.
caf::actor spawn_listener(caf::actor_system& system, caf::io::doorman_ptr door,
                          connection_parts parts);

} // namespace cafegram::sandbox
