#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/event_writer.hpp>

#include <caf/all.hpp>

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

  std::unique_ptr<event_file> file;
  bool told = false; ///< of the first failure: the others are the same
};

event_writer_actor::behavior_type
event_writer(event_writer_actor::stateful_pointer<event_writer_state> self,
             const std::shared_ptr<std::unique_ptr<event_file>>& file) {
  self->state.file = std::move(*file);
  self->delayed_send(self, write_every, caf::tick_atom_v);
  return {
      [self](const event_line& line) { self->state.check(self->state.file->append(line.text)); },
      [self](caf::flush_atom) {
        self->state.check(self->state.file->flush());
        return caf::ok_atom_v;
      },
      [self](caf::tick_atom) {
        self->state.check(self->state.file->flush());
        self->delayed_send(self, write_every, caf::tick_atom_v);
      },
  };
}

} // namespace

event_writer_actor spawn_event_writer(caf::actor_system& system, std::unique_ptr<event_file> file) {
  return system.spawn<caf::detached>(
      event_writer, std::make_shared<std::unique_ptr<event_file>>(std::move(file)));
}

} // namespace cafegram::sandbox
