#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/peer_notes.hpp>
#include <cafegram/actors/session_writer.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/storage/inbox.hpp>
#include <cafegram/storage/peers.hpp>
#include <cafegram/storage/string_store.hpp>

#include <caf/all.hpp>

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

namespace cafegram {

namespace {

/// A backend may be anybody's: what it throws costs no more than a failed write.
result<void> commit(const session_write& what) {
  auto& to = *what.to;
  if (!what.batch) {
    return {};
  }
  try {
    if (what.aside) {
      const auto kept = to.put_aside(*what.aside->state, what.aside->name);
      if (!kept) {
        return std::unexpected(kept.error());
      }
      log::warn("session_writer", "the login has ended; a copy of its session: {}",
                kept->empty() ? to.place() + " keeps none" : *kept);
    }
    return to.commit(*what.batch);
  } catch (const std::exception& thrown) {
    return fail(errc::storage, to.place() + ": " + thrown.what());
  }
}

result<inbox_page> read(const inbox_read& what) {
  try {
    auto* rows = what.from->rows();
    auto content = rows == nullptr        ? storage::inbox_content{}
                   : what.numbers.empty() ? storage::read_unfinished(*rows, what.after)
                                          : storage::read_unfinished(*rows, what.numbers);
    if (!content) {
      return std::unexpected(std::move(content.error()));
    }
    return inbox_page{std::make_shared<const storage::inbox_content>(*std::move(content))};
  } catch (const std::exception& thrown) {
    return fail(errc::storage, what.from->place() + ": " + thrown.what());
  }
}

result<stored_peer> read(const peer_read& what) {
  try {
    auto* rows = what.from->rows();
    if (rows == nullptr) {
      return stored_peer{};
    }
    auto found = what.what.by_id() ? find_peer(*rows, kind_of(what.what), what.what.id())
                                   : find_named_peer(*rows, key_of(what.what));
    if (!found) {
      return std::unexpected(std::move(found.error()));
    }
    return stored_peer{*found ? std::make_shared<const storage::peer_record>(**std::move(found))
                              : nullptr};
  } catch (const std::exception& thrown) {
    return fail(errc::storage, what.from->place() + ": " + thrown.what());
  }
}

result<exported_session> read(const export_read& what) {
  try {
    auto text = [&what]() -> result<crypto::secret> {
      if (auto* rows = what.from->rows(); rows != nullptr) {
        return export_string(*rows, *what.how);
      }
      const auto session = what.from->load();
      if (!session) {
        return std::unexpected(session.error());
      }
      return *session ? export_string(**session, *what.how)
                      : fail(errc::storage, "there is no session in " + what.from->place());
    }();
    if (!text) {
      return std::unexpected(std::move(text.error()));
    }
    return exported_session{std::make_shared<const crypto::secret>(*std::move(text))};
  } catch (const std::exception& thrown) {
    return fail(errc::storage, what.from->place() + ": " + thrown.what());
  }
}

result<stored_value> read(const value_read& what) {
  try {
    auto* rows = what.from->rows();
    if (rows == nullptr) {
      return fail(errc::bad_argument, what.from->place() + " keeps no values of chats");
    }
    const auto found = rows->get(storage::table::value, what.key);
    if (!found) {
      return std::unexpected(found.error());
    }
    return *found ? stored_value{std::string{as_text(**found)}} : stored_value{};
  } catch (const std::exception& thrown) {
    return fail(errc::storage, what.from->place() + ": " + thrown.what());
  }
}

} // namespace

session_writer_actor::behavior_type session_worker(session_writer_actor::pointer self) {
  return {
      [](session_write& what) -> caf::result<void> {
        // Let go before the answer: a session whose last write is answered is free.
        const auto write = std::exchange(what, {});
        if (const auto outcome = commit(write); !outcome) {
          return to_caf(outcome.error());
        }
        return caf::unit;
      },
      [](inbox_read& what) -> caf::result<inbox_page> {
        const auto request = std::exchange(what, {});
        auto page = read(request);
        return page ? caf::result<inbox_page>{*std::move(page)} : to_caf(page.error());
      },
      [](peer_read& what) -> caf::result<stored_peer> {
        const auto request = std::exchange(what, {});
        auto peer = read(request);
        return peer ? caf::result<stored_peer>{*std::move(peer)} : to_caf(peer.error());
      },
      [](value_read& what) -> caf::result<stored_value> {
        const auto request = std::exchange(what, {});
        auto value = read(request);
        return value ? caf::result<stored_value>{*std::move(value)} : to_caf(value.error());
      },
      [](export_read& what) -> caf::result<exported_session> {
        const auto request = std::exchange(what, {});
        auto text = read(request);
        return text ? caf::result<exported_session>{*std::move(text)} : to_caf(text.error());
      },
      [self](shutdown_atom) { self->quit(); },
  };
}

namespace {

struct session_writer_state {
  explicit session_writer_state(session_writer_actor::pointer owner)
    : self{owner} {}
  ~session_writer_state() { tell_the_end(); }

  session_writer_actor::pointer self;
  std::vector<session_writer_actor> workers;
  bool ending = false;

  session_writer_actor start() const;
  void ended(const caf::down_msg& down);
  const session_writer_actor& worker_of(const storage::session_backend* session) const;
  void tell_the_end() const;
};

session_writer_actor session_writer_state::start() const {
  auto out = self->system().spawn<caf::detached>(session_worker);
  self->monitor(out);
  return out;
}

/// Who waits for a dead one is answered by CAF, and asks again.
void session_writer_state::ended(const caf::down_msg& down) {
  const auto found = std::ranges::find_if(
      workers, [&down](const session_writer_actor& one) { return one == down.source; });
  if (found == workers.end()) {
    return;
  }
  if (!ending) {
    log::error("session_writer", "a writer died: {}", caf::to_string(down.reason));
    *found = start();
    return;
  }
  workers.erase(found);
  if (workers.empty()) {
    self->quit();
  }
}

/// Always the same for a session, so that it is written in order.
const session_writer_actor&
session_writer_state::worker_of(const storage::session_backend* session) const {
  return workers[std::hash<const void*>{}(session) / 64 % workers.size()];
}

/// Behind what they were given: all of that is written, however this one ends.
void session_writer_state::tell_the_end() const {
  for (const auto& one : workers) {
    caf::anon_send(one, shutdown_atom_v);
  }
}

session_writer_actor::behavior_type
session_writer(session_writer_actor::stateful_pointer<session_writer_state> self,
               std::size_t threads) {
  auto& state = self->state;
  for (std::size_t i = 0; i < threads; ++i) {
    state.workers.push_back(state.start());
  }
  self->set_down_handler([self](const caf::down_msg& down) { self->state.ended(down); });
  return {
      [self](session_write& what) -> caf::result<void> {
        const auto& to = self->state.worker_of(what.to.get());
        return self->delegate(to, std::exchange(what, {}));
      },
      [self](inbox_read& what) -> caf::result<inbox_page> {
        const auto& to = self->state.worker_of(what.from.get());
        return self->delegate(to, std::exchange(what, {}));
      },
      [self](peer_read& what) -> caf::result<stored_peer> {
        const auto& to = self->state.worker_of(what.from.get());
        return self->delegate(to, std::exchange(what, {}));
      },
      [self](value_read& what) -> caf::result<stored_value> {
        const auto& to = self->state.worker_of(what.from.get());
        return self->delegate(to, std::exchange(what, {}));
      },
      [self](export_read& what) -> caf::result<exported_session> {
        const auto& to = self->state.worker_of(what.from.get());
        return self->delegate(to, std::exchange(what, {}));
      },
      [self](shutdown_atom) {
        self->state.ending = true;
        self->state.tell_the_end();
      },
  };
}

} // namespace

session_writer_actor spawn_session_writer(caf::actor_system& system, std::size_t threads) {
  return system.spawn(session_writer, threads);
}

} // namespace cafegram
