#pragma once

#include <cafegram/sandbox/frame_queue.hpp>
#include <cafegram/sandbox/wire.hpp>

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace cafegram::sandbox {

/// What goes wrong on one connection, and until when. Internal to sandbox/.
struct faulty_line {
  /// An answer, or updates, that are held back.
  struct late_letter {
    wall_time due;
    session_mail mail;
    bool until_next = false; ///< or until other updates have gone
  };
  explicit faulty_line(std::uint64_t connection)
    : in{connection, fault_way::in}
    , out{connection, fault_way::out} {}

  std::shared_ptr<const fault_plan> plan;
  frame_queue in;
  frame_queue out;
  bytes current; ///< the payload of the frame that is being taken
  std::uint64_t current_number = 0;
  std::optional<fault> session_fault; ///< for the session of that frame
  bool cut = false;                   ///< ends once all that was before it is written
  std::optional<wall_time> half_open_until;
  wall_time slow_read_until = {};
  wall_time slow_write_until = {};
  wall_time next_portion = {};
  bytes trickle; ///< octets that are written slowly
  wall_time clock_right_at = {};
  std::chrono::seconds clock_off{0};
  std::uint64_t calls = 0;
  std::uint64_t pushes = 0;
  std::map<std::pair<session_name, std::uint64_t>, std::chrono::milliseconds> late_calls;
  std::vector<late_letter> late;
};

} // namespace cafegram::sandbox
