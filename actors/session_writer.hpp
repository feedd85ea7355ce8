#pragma once

#include <cafegram/actors/interfaces.hpp>
#include <cafegram/storage/session.hpp>

namespace cafegram {

/// A slow disk holds up at most the sessions that share its thread. A thread for each session would
/// be 2,000 threads for 2,000 bots.
constexpr std::size_t session_writer_threads = 4;

/// Starts the writer of a runtime with its threads. What one session gives it is written in order.
session_writer_actor spawn_session_writer(caf::actor_system& system,
                                          std::size_t threads = session_writer_threads);

/// What one of the threads does: writes and reads, and blocks meanwhile.
session_writer_actor::behavior_type session_worker(session_writer_actor::pointer self);

} // namespace cafegram
