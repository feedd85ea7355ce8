#pragma once

#include <cafegram/actors/interfaces.hpp>

#include <functional>

namespace cafegram {

/// The resolver alone.
resolver_actor spawn_resolver(caf::actor_system& system);

/// Makes a resolver; `spawn_resolver`, or what a test puts into its place.
using resolver_maker = std::function<resolver_actor(caf::actor_system&)>;

/// Starts a connector with a resolver of its own, each on its own thread. The resolver ends with
/// the connector; when the resolver dies, the connector starts another one.
connector_actor spawn_connector(caf::actor_system& system, resolver_maker make = spawn_resolver);

/// Makes a connector.
using connector_maker = std::function<connector_actor(caf::actor_system&)>;

/// One that does not end before its runtime does: passes requests on to a connector, and makes
/// another one when that dies. The dead one's requests are answered with `cancelled`.
connector_actor spawn_kept_connector(
    caf::actor_system& system,
    connector_maker make = [](caf::actor_system& in) { return spawn_connector(in); });

} // namespace cafegram
