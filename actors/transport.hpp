#pragma once

#include <cafegram/actors/interfaces.hpp>

namespace cafegram {

/// A transport reads this much ahead of what its sink has decoded, then stops until the sink
/// catches up.
constexpr std::size_t transport_read_ahead = std::size_t{1} << 20;
/// Who sends holds back while more than this is not drained.
constexpr std::size_t transport_high_water = std::size_t{512} << 10;

/// Starts a broker for one open socket. It feeds `sink`, dies with it, and should be monitored by
/// whoever wants to know of the socket's end.
transport_actor spawn_transport(caf::actor_system& system, caf::io::scribe_ptr socket,
                                byte_sink_actor sink);

} // namespace cafegram
