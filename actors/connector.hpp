#pragma once

#include <cafegram/actors/interfaces.hpp>

namespace cafegram {

/// Starts a connector with a resolver of its own, each on its own thread. The resolver ends with
/// the connector; when the resolver dies, the connector starts another one.
connector_actor spawn_connector(caf::actor_system& system);

/// The resolver alone.
resolver_actor spawn_resolver(caf::actor_system& system);

} // namespace cafegram
