#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/session_changes.hpp>
#include <cafegram/actors/session_peers.hpp>
#include <cafegram/actors/session_store.hpp>
#include <cafegram/base/log.hpp>

#include <caf/all.hpp>
#include <fmt/chrono.h>

#include <deque>

namespace cafegram {

namespace {

constexpr std::chrono::seconds grace{1};
constexpr std::chrono::seconds after_failure{5};
/// Of peers that the writer's thread is asked for: a disk that hangs collects no more.
constexpr std::size_t most_peers_asked_for = 65'536;

/// Another process has the session: no write will ever succeed, and its keys are not ours any more.
bool is_lost(const caf::error& why) {
  return to_error(why).code == errc::session_in_use;
}

/// Whatever happened to the writer: the state is not stored.
error not_written(const caf::error& why) {
  auto out = to_error(why);
  return out.code == errc::storage ? out : error::make(errc::storage, "not written: " + out.what);
}

/// Who wants to know when a state, or a newer one, is written.
struct write_waiter {
  std::uint64_t state = 0;
  caf::response_promise promise;
};

struct session_store_state {
  explicit session_store_state(session_store_actor::pointer owner)
    : self{owner} {}
  ~session_store_state();

  session_store_actor::pointer self;
  session_writer_actor writer;
  std::shared_ptr<storage::session_backend> backend;
  storage::session_state newest;
  session_changes unwritten;
  session_peers peers;
  std::uint64_t accounts = 0; ///< counts those that are forgotten
  // States are counted.
  std::uint64_t last = 0;    ///< `newest`
  std::uint64_t given = 0;   ///< what the writer has, or has written
  std::uint64_t written = 0; ///< what it has written
  std::deque<write_waiter> waiting;
  /// The session as its login has left it, until a copy is kept; and the first state after it.
  std::shared_ptr<const session_copy> aside;
  std::uint64_t aside_for = 0;
  bool tick_pending = false;
  bool reading = false;    ///< the writer was asked since it was given something
  std::size_t lookups = 0; ///< under way

  caf::result<void> change(session_change& by);
  void apply(const std::function<void(storage::session_state&)>& to);
  caf::result<void> flush();
  caf::result<void> end(const session_ended& how);
  void note(const peers_came& what);
  caf::result<peer_found> look_up(const peer_name& what);
  caf::result<stored_value> look_up(const value_lookup& what);
  caf::result<exported_session> make_string(const session_export& how);
  void write();
  void wrote(std::uint64_t state, const caf::error& why);
  void watch_owner();
  void lost(const caf::error& why);
  void write_in(std::chrono::seconds time);
  template <class Answer, class Request>
  caf::result<Answer> read(Request what) {
    reading = true;
    auto promise = self->make_response_promise<Answer>();
    self->request(writer, caf::infinite, std::move(what))
        .then([promise](const Answer& answer) mutable { promise.deliver(answer); },
              [this, promise](const caf::error& why) mutable {
                promise.deliver(why);
                if (is_lost(why)) {
                  lost(why);
                }
              });
    return promise;
  }
};

/// What the writer does not have yet it is given now; nobody is left to hear how that went.
session_store_state::~session_store_state() {
  if (given != last) {
    // What is under way may fail: this takes it along.
    unwritten.failed();
    caf::anon_send(writer, session_write{backend, unwritten.take(newest), aside});
  }
  for (auto& one : waiting) {
    one.promise.deliver(to_caf(error::make(errc::cancelled, "the session store has ended")));
  }
}

caf::result<void> session_store_state::change(session_change& by) {
  if (by.progress && newest.user && newest.user->id == by.progress->account) {
    auto progress = by.progress.use_count() == 1 ? std::move(*by.progress) : *by.progress;
    unwritten.add(std::move(progress), newest);
    if (backend->rows() == nullptr) {
      unwritten.note_login(); // such a one keeps counters as a part of the session alone
    }
  }
  if (by.apply) {
    apply(by.apply);
  }
  ++last;
  if (by.at_once) {
    return flush();
  }
  write_in(grace);
  return caf::unit;
}

void session_store_state::apply(const std::function<void(storage::session_state&)>& to) {
  const std::int64_t before = newest.user ? newest.user->id : 0; // nobody's
  to(newest);
  unwritten.note_login();
  if (before != 0 && (!newest.user || newest.user->id != before)) {
    unwritten.forget_account();
    peers.forget();
    ++accounts;
  }
}

void session_store_state::note(const peers_came& what) {
  const bool ours = newest.user && newest.user->id == what.account;
  if (ours && peers.note(what, unwritten)) {
    ++last;
    write_in(grace);
  }
}

caf::result<peer_found> session_store_state::look_up(const peer_name& what) {
  const auto answer = [](const std::optional<storage::peer_address>& found) {
    return peer_found{found ? std::make_shared<const storage::peer_address>(*found) : nullptr};
  };
  if (const auto known = peers.find(what, unwritten)) {
    return answer(known);
  }
  if (lookups >= most_peers_asked_for) {
    return to_caf(error::make(errc::limit, "too many peers are looked up"));
  }
  ++lookups;
  reading = true;
  auto promise = self->make_response_promise<peer_found>();
  self->request(writer, caf::infinite, peer_read{backend, what})
      .then(
          [this, answer, promise, what, of = accounts](const stored_peer& stored) mutable {
            --lookups;
            const auto found =
                of == accounts ? peers.found(what, stored.peer.get(), unwritten) : std::nullopt;
            promise.deliver(answer(found));
          },
          [this, promise](const caf::error& why) mutable {
            --lookups;
            promise.deliver(why);
            if (is_lost(why)) {
              lost(why);
            }
          });
  return promise;
}

/// What is unwritten counts: it is written before whatever its reader makes of it.
caf::result<stored_value> session_store_state::look_up(const value_lookup& what) {
  if (const auto* change = unwritten.latest(storage::table::value, what.key)) {
    return change->what == storage::change::kind::put
               ? stored_value{std::string{as_text(change->value)}}
               : stored_value{};
  }
  return read<stored_value>(value_read{backend, what.key});
}

/// What is unwritten goes first: who begins with the string is not to lack the newest key.
caf::result<exported_session> session_store_state::make_string(const session_export& how) {
  auto promise = self->make_response_promise<exported_session>();
  self->request(session_store_actor{self}, caf::infinite, caf::flush_atom_v)
      .then(
          [this, promise, how]() mutable {
            reading = true;
            self->request(writer, caf::infinite, export_read{backend, how.how})
                .then([promise](const exported_session& made) mutable { promise.deliver(made); },
                      [this, promise](const caf::error& why) mutable {
                        promise.deliver(why);
                        if (is_lost(why)) {
                          lost(why);
                        }
                      });
          },
          [promise](const caf::error& why) mutable { promise.deliver(why); });
  return promise;
}

/// The writer does all in its order: behind a write, also an empty one, it holds the session for
/// no question any more, and the session is free as soon as this actor has ended.
caf::result<void> session_store_state::flush() {
  last += reading ? 1 : 0;
  if (written == last) {
    return caf::unit;
  }
  auto promise = self->make_response_promise();
  if (!promise.async()) { // else nobody asked, and an answer would be a message of its own
    waiting.push_back({last, promise});
  }
  write();
  return promise;
}

/// Nothing is written over the session as it was before its copy is kept: not the next keys either.
caf::result<void> session_store_state::end(const session_ended& how) {
  if (!newest.user) {
    return caf::unit;
  }
  if (newest.ended) {
    return flush();
  }
  if (how.keep_copy && aside) {
    return to_caf(error::make(errc::storage, "the login before is not put aside yet"));
  }
  if (how.keep_copy) {
    const auto at = std::chrono::floor<std::chrono::seconds>(how.at);
    aside = std::make_shared<const session_copy>(
        std::make_shared<const storage::session_state>(newest),
        fmt::format("ended-{:%Y-%m-%dT%H-%M-%S}Z", fmt::gmtime(at)));
    aside_for = last + 1;
  }
  session_change ended{[](storage::session_state& session) { session.ended = true; }, true};
  return change(ended);
}

/// One write at a time: what changes meanwhile goes together with the next one.
void session_store_state::write() {
  if (given != written || written == last) {
    return;
  }
  given = last;
  reading = false;
  self->request(writer, caf::infinite, session_write{backend, unwritten.take(newest), aside})
      .then([this, state = last]() { wrote(state, {}); },
            [this, state = last](const caf::error& why) { wrote(state, why); });
}

void session_store_state::wrote(std::uint64_t state, const caf::error& why) {
  if (is_lost(why)) {
    lost(why);
    return;
  }
  if (why) {
    // Room on the device comes back, and nobody may change anything until then.
    log::error("session_store", "{}", to_string(not_written(why)));
    given = written;
    unwritten.failed();
    write_in(after_failure);
  } else {
    written = state;
    unwritten.written();
    if (aside_for <= state) {
      aside = nullptr;
    }
  }
  for (; !waiting.empty() && waiting.front().state <= state; waiting.pop_front()) {
    auto& promise = waiting.front().promise;
    why ? promise.deliver(to_caf(not_written(why))) : promise.deliver(caf::unit);
  }
  if (!waiting.empty()) {
    write();
  }
}

/// A client that is idle writes nothing, and would keep its connections beside the new owner's. The
/// backend may outlive this actor: it holds no more than the address.
void session_store_state::watch_owner() {
  self->set_exit_handler([this](const caf::exit_msg& how) {
    is_lost(how.reason) ? lost(how.reason) : self->quit(how.reason);
  });
  if (auto* rows = backend->rows(); rows != nullptr) {
    rows->when_lost([to = self->address()](const error& why) {
      caf::anon_send(caf::actor_cast<caf::actor>(to), caf::exit_msg{to, to_caf(why)});
    });
  }
}

/// The end, by which the client learns it: to go on or to try again would be a second use of keys.
void session_store_state::lost(const caf::error& why) {
  log::error("session_store", "{}", to_string(to_error(why)));
  given = last; // else the writer would be given the rest at the end
  for (auto& one : std::exchange(waiting, {})) {
    one.promise.deliver(why);
  }
  self->quit(why);
}

void session_store_state::write_in(std::chrono::seconds time) {
  if (!tick_pending) {
    tick_pending = true;
    self->delayed_send(self, time, caf::tick_atom_v);
  }
}

session_store_actor::behavior_type
session_store(session_store_actor::stateful_pointer<session_store_state> self,
              session_writer_actor writer, std::shared_ptr<storage::session_backend> backend,
              storage::session_state loaded, std::size_t peers_in_memory) {
  self->state.peers = session_peers{peers_in_memory};
  self->state.writer = std::move(writer);
  self->state.backend = std::move(backend);
  self->state.newest = std::move(loaded);
  self->state.watch_owner();
  return {
      [self](load_atom) {
        return session_snapshot{std::make_shared<const storage::session_state>(self->state.newest)};
      },
      [self](session_change& by) { return self->state.change(by); },
      [self](const inbox_request& what) -> caf::result<inbox_page> {
        return self->state.read<inbox_page>(
            inbox_read{self->state.backend, what.after, what.numbers});
      },
      [self](const value_lookup& what) { return self->state.look_up(what); },
      [self](const session_export& how) { return self->state.make_string(how); },
      [self](const peers_came& what) { self->state.note(what); },
      [self](const peer_lookup& what) { return self->state.look_up(what.what); },
      [self](caf::flush_atom) { return self->state.flush(); },
      [self](const session_ended& how) { return self->state.end(how); },
      [self](caf::tick_atom) {
        self->state.tick_pending = false;
        self->state.write();
      },
  };
}

} // namespace

session_store_actor spawn_session_store(caf::actor_system& system, session_writer_actor writer,
                                        std::shared_ptr<storage::session_backend> backend,
                                        storage::session_state loaded,
                                        std::size_t peers_in_memory) {
  return system.spawn(session_store, std::move(writer), std::move(backend), std::move(loaded),
                      peers_in_memory);
}

} // namespace cafegram
