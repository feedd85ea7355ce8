#pragma once

#include <cafegram/actors/interfaces.hpp>
#include <cafegram/storage/session.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

namespace cafegram {

/// So long who asks a store for something waits for it: it may stall like the disk behind it. Not
/// who gives it something to write: what has become of that the answer alone tells.
constexpr std::chrono::seconds look_up_patience{30};

/// Starts the owner of a session's newest state. `loaded` is what `backend` holds. Has `writer`
/// write what has changed a second after the change, at once when asked, and when it ends.
session_store_actor spawn_session_store(caf::actor_system& system, session_writer_actor writer,
                                        std::shared_ptr<storage::session_backend> backend,
                                        storage::session_state loaded,
                                        std::size_t peers_in_memory = peers_in_memory_by_default);

/// Starts the store of a client, which owns it.
using store_factory = std::function<session_store_actor(
    caf::actor_system&, session_writer_actor, std::shared_ptr<storage::session_backend>,
    storage::session_state, std::size_t peers_in_memory)>;

} // namespace cafegram
