#pragma once

#include <cafegram/base/error.hpp>

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/fwd.hpp>
#include <caf/io/accept_handle.hpp>
#include <caf/io/doorman.hpp>

#include <cstdint>
#include <string>

namespace cafegram::sandbox {

/// Told to the broker of a door: there is no descriptor for another socket. Nobody is taken until
/// the broker calls `trigger(door)`; meanwhile the kernel lets them wait.
struct door_rests {
  caf::io::accept_handle door;
  int number = 0; ///< errno
};

/// Opens a port; its address is free again as soon as it is closed. CAF's own door asks `accept`
/// without a pause when the process or the machine has no descriptor left, this one rests.
/// Errors: `network`.
result<caf::io::doorman_ptr> open_door(caf::actor_system& system, const std::string& host,
                                       std::uint16_t port);

} // namespace cafegram::sandbox

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::sandbox::door_rests)
