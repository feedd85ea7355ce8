#pragma once

#include <cafegram/sandbox/event_log.hpp>

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/typed_actor.hpp>

#include <memory>
#include <string>

namespace cafegram::sandbox {

/// A line for the log of a run.
struct event_line {
  std::string text;
};

/// Writes the log of a run, on a thread of its own: files block.
using event_writer_actor = caf::typed_actor<
    // In the order in which they come.
    caf::reacts_to<event_line>,
    // Answers when all lines before are in the file.
    caf::replies_to<caf::flush_atom>::with<caf::ok_atom>,
    // INTERNAL: writes what has gathered.
    caf::reacts_to<caf::tick_atom>>;

/// Starts the writer; it ends with its last line written, by an exit message.
event_writer_actor spawn_event_writer(caf::actor_system& system, std::unique_ptr<event_file> file);

} // namespace cafegram::sandbox

// Local-only: no other machine writes to this file.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::sandbox::event_line)
