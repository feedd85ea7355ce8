#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/event_writer.hpp>

#include <caf/all.hpp>

#include <bit>
#include <chrono>
#include <utility>

namespace cafegram::sandbox {
namespace {

constexpr auto write_every = std::chrono::milliseconds{250};

struct event_writer_state {
  void check(const result<void>& written) {
    if (!written && !std::exchange(told, true)) {
      log::error("sandbox", "{}", to_string(written.error()));
    }
  }

  void take(const event_line& line) {
    queue->leave(line.text.size());
    note_lost(line.lost_before);
    check(file->append(line.text));
  }
  /// Also what was lost behind the last line.
  void write_all() {
    note_lost(queue->take_lost());
    check(file->flush());
  }
  void note_lost(std::uint64_t lines) {
    if (lines == 0) {
      return;
    }
    const auto before = std::exchange(lost, lost + lines);
    if (std::bit_width(before) != std::bit_width(lost)) {
      log::error("sandbox", "the log is written too slowly: {} lines are lost", lost);
    }
    check(file->lose(lines));
  }

  std::unique_ptr<event_file> file;
  std::shared_ptr<event_queue> queue;
  bool told = false;      ///< of the first failure: the others are the same
  std::uint64_t lost = 0; ///< lines that there was no room for
};

event_writer_actor::behavior_type
event_writer(event_writer_actor::stateful_pointer<event_writer_state> self,
             const std::shared_ptr<std::unique_ptr<event_file>>& file,
             std::shared_ptr<event_queue> queue) {
  self->state.file = std::move(*file);
  self->state.queue = std::move(queue);
  self->delayed_send(self, write_every, caf::tick_atom_v);
  // An exit message overtakes all others; this one does not.
  self->set_exit_handler([self](const caf::exit_msg&) { self->send(self, caf::close_atom_v); });
  return {
      [self](const event_line& line) { self->state.take(line); },
      [self](caf::flush_atom) {
        self->state.write_all();
        return caf::ok_atom_v;
      },
      [self](caf::close_atom) {
        self->state.write_all();
        self->quit();
      },
      [self](caf::tick_atom) {
        self->state.write_all();
        self->delayed_send(self, write_every, caf::tick_atom_v);
      },
  };
}

} // namespace

bool event_queue::enter(std::size_t octets) {
  if (octets_.fetch_add(octets) + octets <= limit_) {
    return true;
  }
  octets_.fetch_sub(octets);
  ++lost_;
  return false;
}

event_sink spawn_event_writer(caf::actor_system& system, std::unique_ptr<event_file> file,
                              std::size_t limit) {
  auto queue = std::make_shared<event_queue>(limit);
  auto writer = system.spawn<caf::detached>(
      event_writer, std::make_shared<std::unique_ptr<event_file>>(std::move(file)), queue);
  return {std::move(writer), std::move(queue)};
}

} // namespace cafegram::sandbox
