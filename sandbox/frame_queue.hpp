#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/base/environment.hpp>
#include <cafegram/sandbox/faults.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

namespace cafegram::sandbox {

/// A payload on its way through a faulty line.
struct queued_frame {
  bytes payload;
  bool quick_ack = false;
  std::optional<fault> what = {}; ///< that whoever takes it has to do
  std::uint64_t number = 0;       ///< of the frame, from 1
};

/// One direction of one connection: frames go in, and come out as a plan wants it. What concerns
/// the frames alone (drop, delay, duplicate, reorder, corrupt, truncate) is done here; any other
/// fault comes out with its frame. Pure.
class frame_queue {
public:
  frame_queue(std::uint64_t connection, fault_way way)
    : place_{connection, way, 0} {}

  /// What happened to it here.
  std::optional<fault> put(const fault_plan& plan, bytes payload, bool quick_ack, wall_time now);
  /// The next frame whose time has come.
  std::optional<queued_frame> take(wall_time now);

  /// Of the frame that was put last.
  const fault_place& place() const { return place_; }
  bool paused(wall_time now) const { return now < paused_until_; }
  /// When `take` has something, as far as it is known; `wall_time::max()`: nothing waits.
  wall_time next_deadline() const;
  std::size_t octets() const { return octets_; }

private:
  void push(queued_frame frame);
  std::optional<fault> spoil(const fault& what, queued_frame& frame, wall_time now);
  void hold_back(queued_frame frame, wall_time until);

  fault_place place_;
  std::deque<queued_frame> frames_;
  std::optional<queued_frame> late_; ///< goes behind the next one
  wall_time late_until_ = wall_time::max();
  wall_time paused_until_ = {};
  std::size_t octets_ = 0;
};

} // namespace cafegram::sandbox
