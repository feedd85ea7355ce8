#pragma once

#include <cafegram/actors/interfaces.hpp>
#include <cafegram/actors/services.hpp>

namespace cafegram {

/// At most so many events of one subscriber are unanswered.
constexpr std::size_t update_window = 256;
/// Over this many waiting events the hub takes no more of what a difference brings again.
constexpr std::size_t update_backlog = 2048;

/// Starts a hub; it does nothing until `hub_start`. Calls go through `client`, the state to
/// `store`.
update_hub_actor spawn_update_hub(caf::actor_system& system, const runtime::services& services,
                                  client_actor client, session_store_actor store,
                                  const inbox_bounds& bounds = {});

} // namespace cafegram
