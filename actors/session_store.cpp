#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/session_store.hpp>
#include <cafegram/base/log.hpp>

#include <caf/all.hpp>
#include <fmt/chrono.h>

#include <exception>

namespace cafegram {

namespace {

constexpr std::chrono::seconds grace{1};
constexpr std::chrono::seconds after_failure{5};

struct session_store_state {
  explicit session_store_state(session_store_actor::pointer owner)
    : self{owner} {}

  session_store_actor::pointer self;
  std::shared_ptr<storage::session_backend> backend;
  std::shared_ptr<const storage::session_state> newest;
  bool unwritten = false;
  bool tick_pending = false;

  ~session_store_state() { report(write()); }
  caf::result<void> change(const session_change& by);
  caf::result<void> flush();
  caf::result<void> end(const session_ended& how);
  void tick();
  result<void> write();
  result<void> commit();
  result<std::string> put_aside(wall_time at);
  void write_in(std::chrono::seconds time);
  void report(const result<void>& outcome) const;
};

caf::result<void> session_store_state::change(const session_change& by) {
  auto next = std::make_shared<storage::session_state>(*newest);
  by.apply(*next);
  newest = std::move(next);
  unwritten = true;
  if (by.at_once) {
    return flush();
  }
  write_in(grace);
  return caf::unit;
}

caf::result<void> session_store_state::flush() {
  if (auto outcome = write(); !outcome) {
    write_in(after_failure);
    return to_caf(outcome.error());
  }
  return caf::unit;
}

caf::result<void> session_store_state::end(const session_ended& how) {
  if (!newest->user || newest->ended) {
    return caf::unit;
  }
  if (how.keep_copy) {
    const auto kept = put_aside(how.at);
    if (!kept) {
      log::error("session_store", "no copy of the ended session: {}", to_string(kept.error()));
      return to_caf(kept.error());
    }
    log::warn("session_store", "the ended session is kept in {}", *kept);
  }
  return change({[](storage::session_state& session) { session.ended = true; }, true});
}

void session_store_state::tick() {
  tick_pending = false;
  const auto outcome = write();
  if (!outcome) {
    // Room on the device comes back, and nobody may change anything until then.
    write_in(after_failure);
  }
  report(outcome);
}

void session_store_state::write_in(std::chrono::seconds time) {
  if (!tick_pending) {
    tick_pending = true;
    self->delayed_send(self, time, caf::tick_atom_v);
  }
}

result<void> session_store_state::write() {
  if (!unwritten) {
    return {};
  }
  auto outcome = commit();
  // After a failure it stays unwritten: the next change, flush, tick or end tries again.
  unwritten = !outcome.has_value();
  return outcome;
}

/// A backend may be anybody's: what it throws must not leave the destructor.
result<void> session_store_state::commit() {
  try {
    return backend->commit({*newest});
  } catch (const std::exception& thrown) {
    return fail(errc::storage, backend->place() + ": " + thrown.what());
  }
}

result<std::string> session_store_state::put_aside(wall_time at) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at);
  const auto name = fmt::format("ended-{:%Y-%m-%dT%H-%M-%S}Z", fmt::gmtime(seconds));
  try {
    return backend->put_aside(*newest, name);
  } catch (const std::exception& thrown) {
    return fail(errc::storage, backend->place() + ": " + thrown.what());
  }
}

void session_store_state::report(const result<void>& outcome) const {
  if (!outcome) {
    log::error("session_store", "{}", to_string(outcome.error()));
  }
}

session_store_actor::behavior_type
session_store(session_store_actor::stateful_pointer<session_store_state> self,
              std::shared_ptr<storage::session_backend> backend, storage::session_state loaded) {
  self->state.backend = std::move(backend);
  self->state.newest = std::make_shared<const storage::session_state>(std::move(loaded));
  return {
      [self](load_atom) { return session_snapshot{self->state.newest}; },
      [self](const session_change& by) { return self->state.change(by); },
      [self](caf::flush_atom) { return self->state.flush(); },
      [self](const session_ended& how) { return self->state.end(how); },
      [self](caf::tick_atom) { self->state.tick(); },
  };
}

} // namespace

session_store_actor spawn_session_store(caf::actor_system& system,
                                        std::shared_ptr<storage::session_backend> backend,
                                        storage::session_state loaded) {
  return system.spawn<caf::detached>(session_store, std::move(backend), std::move(loaded));
}

} // namespace cafegram
