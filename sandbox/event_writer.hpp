#pragma once

#include <cafegram/sandbox/event_log.hpp>

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/send.hpp>
#include <caf/typed_actor.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace cafegram::sandbox {

/// A line for the log of a run.
struct event_line {
  std::string text;
  std::uint64_t lost_before = 0; ///< lines that there was no room for, since the one before
};

/// Writes the log of a run, on a thread of its own: files block.
using event_writer_actor = caf::typed_actor<
    // In the order in which they come.
    caf::reacts_to<event_line>,
    // Answers when all lines before are in the file.
    caf::replies_to<caf::flush_atom>::with<caf::ok_atom>,
    // INTERNAL: it is to end, and all lines before have been seen.
    caf::reacts_to<caf::close_atom>,
    // INTERNAL: writes what has gathered.
    caf::reacts_to<caf::tick_atom>>;

} // namespace cafegram::sandbox

// Local-only: no other machine writes to this file.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::sandbox::event_line)

namespace cafegram::sandbox {

/// What waits for a writer. A disk that is slower than the run fills it and not the memory: what
/// comes then is lost, counted, and the log says so. Back-pressure would be no better, for whoever
/// writes here is an actor that others wait for, and the run would be another one.
class event_queue {
public:
  explicit event_queue(std::size_t limit)
    : limit_{limit} {}

  /// Whether there is room for so many octets; they are in it then. Else one more line is lost.
  bool enter(std::size_t octets);
  void enter_always(std::size_t octets) { octets_.fetch_add(octets); }
  void leave(std::size_t octets) { octets_.fetch_sub(octets); }
  std::uint64_t take_lost() { return lost_.exchange(0); }

private:
  std::size_t limit_;
  std::atomic<std::size_t> octets_{0};
  std::atomic<std::uint64_t> lost_{0};
};

/// Where the parts of a sandbox tell what happens. Empty: no log is kept.
class event_sink {
public:
  event_sink() = default;
  event_sink(event_writer_actor writer, std::shared_ptr<event_queue> queue)
    : writer_{std::move(writer)}
    , queue_{std::move(queue)} {}

  explicit operator bool() const { return static_cast<bool>(writer_); }
  const event_writer_actor& writer() const { return writer_; }

  template <class Self>
  void tell(Self* self, std::string line) const {
    if (queue_->enter(line.size())) {
      const auto lost = queue_->take_lost();
      self->send(writer_, event_line{std::move(line), lost});
    }
  }

  /// However much waits: without its first and last lines a log is not judged.
  void tell_always(std::string line) const {
    queue_->enter_always(line.size());
    const auto lost = queue_->take_lost();
    caf::anon_send(writer_, event_line{std::move(line), lost});
  }

private:
  event_writer_actor writer_;
  std::shared_ptr<event_queue> queue_;
};

constexpr std::size_t event_queue_octets = std::size_t{64} << 20;

/// Starts the writer. An exit message ends it, behind the lines that it was sent before.
event_sink spawn_event_writer(caf::actor_system& system, std::unique_ptr<event_file> file,
                              std::size_t limit = event_queue_octets);

} // namespace cafegram::sandbox
