#pragma once

#include <cafegram/actors/client_core.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/invoke.hpp>
#include <cafegram/actors/updates.hpp>
#include <cafegram/tl/api.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "fakes.hpp"
#include "hub_kit.hpp"

namespace cafegram::test {

/// A client whose connections and store are played, on a clock that the test moves.
class client_world {
public:
  client_world() {
    kept->state.user = storage::user_record{me, true, "Bot", "bot"};
    kept->state.updates = storage::update_state{10, 3, 1, 1};
    kept->state.data_centres[2] = {
        std::make_shared<const crypto::secret>(key_of(2)->view()), 1, 1'700'000'000, {}, false};
  }
  client_world(const client_world&) = delete;
  client_world& operator=(const client_world&) = delete;
  ~client_world() {
    actors.wake();
    lines.kill_all();
    for (const auto& actor : {caf::actor_cast<caf::actor>(client), receiver, watcher, store(),
                              caf::actor_cast<caf::actor>(writer)}) {
      caf::anon_send_exit(actor, caf::exit_reason::kill);
    }
    actors.run();
    lines.forget_all();
    stores.clear();
    actors.system().await_actors_before_shutdown(false);
  }

  /// Starts it, makes the keys of its connection, answers what a client asks by itself.
  void start() {
    client_setup setup;
    setup.options.api_id = 1;
    setup.options.api_hash = "0";
    setup.options.bot_token = token;
    auto profile = std::make_shared<connection_profile>();
    profile->timing = setup.options.timing;
    profile->forward_secrecy = true;
    setup.profile = profile;
    setup.addresses = address_book::pinned({2, {"127.0.0.1", 1}}, {});
    setup.session = kept->state;
    setup.open_store = [this](caf::actor_system& in, const auto&, const auto&, const auto&,
                              std::size_t) {
      stores.push_back(open_store ? open_store(in) : in.spawn(played_session_store, kept));
      return stores.back();
    };
    setup.connect = lines.factory();
    setup.options.session = backend;
    setup.backend = std::exchange(backend, nullptr);
    auto services = actors.services();
    services.writer = writer;
    client = spawn_client(actors.system(), services, std::move(setup));
    watcher = actors.system().spawn([this](caf::event_based_actor* self) -> caf::behavior {
      self->monitor(client);
      self->set_down_handler([this](const caf::down_msg& down) { end = to_error(down.reason); });
      return {[](int) {}};
    });
    receiver = make_receiver();
    caf::anon_send(client, caf::subscribe_atom_v, receiver);
    actors.run();
    serve();
  }

  /// Whoever receives updates: what it has seen, and from whom.
  caf::actor make_receiver() {
    return actors.system().spawn([this](caf::event_based_actor* self) -> caf::behavior {
      return {[this, self](const update_event& event) {
        hub = caf::actor_cast<caf::actor>(self->current_sender());
        seen.push_back(mark_of(event.update->update));
      }};
    });
  }

  fake_line& line() { return *lines.back(); }
  caf::actor pool() { return caf::actor_cast<caf::actor>(line().owner); }
  caf::actor store() { return caf::actor_cast<caf::actor>(stores.back()); }

  /// Makes the keys of the newest connection and answers what the client has asked by itself.
  void serve() {
    if (line().keys().make) {
      line().tell(temporary_key{.dc = 2,
                                .key = key_of(77),
                                .salt = 2,
                                .expires_at = 1'750'086'400,
                                .good_until = actors.services().clock->steady_now() +
                                              std::chrono::hours{24}});
    }
    line().ready();
    actors.run();
    for (bool more = true; more;) {
      more = false;
      for (std::size_t n = 0; n < line().calls.size(); ++n) {
        const auto& made = line().calls[n];
        if (is_own(*made.function) && answered.emplace(&line(), made.id).second) {
          line().answer(n, own_answer(*made.function));
          more = true;
        }
      }
      actors.run();
    }
  }

  /// A call of the test's; `serve` leaves it alone.
  struct outcome {
    bool ok = false;
    std::optional<error> why;
  };
  std::shared_ptr<outcome> call(bool may_repeat = false) {
    auto out = std::make_shared<outcome>();
    invoke_request request{std::make_shared<const bytes>(bytes{1, 2, 3, 4}), {}};
    request.options.may_repeat = may_repeat;
    actors.system().spawn([out, request, to = client](caf::event_based_actor* self) {
      self->request(to, caf::infinite, request)
          .then([out](const invoke_answer&) { out->ok = true; },
                [out](const caf::error& why) { out->why = to_error(why); });
    });
    actors.run();
    return out;
  }
  /// Answers the test's own calls that the newest connection has.
  void answer_calls() {
    for (std::size_t n = 0; n < line().calls.size(); ++n) {
      const auto& made = line().calls[n];
      if (!is_own(*made.function) && answered.emplace(&line(), made.id).second) {
        line().answer(n);
      }
    }
    actors.run();
  }

  /// What the client says of itself; none yet where it has not answered.
  std::shared_ptr<std::optional<client_status>> status() {
    auto out = std::make_shared<std::optional<client_status>>();
    actors.system().spawn([out, to = client](caf::event_based_actor* self) {
      self->request(to, caf::infinite, status_atom_v)
          .then([out](const client_status& now) { *out = now; }, [](const caf::error&) {});
    });
    actors.run();
    return out;
  }

  void kill(const caf::actor& which) {
    caf::anon_send_exit(which, caf::exit_reason::kill);
    actors.run();
  }
  void push(std::int32_t id, std::int32_t pts) {
    line().tell(live({fresh(id, pts)}));
    actors.run();
  }
  /// True once the client has said that it has stopped.
  std::shared_ptr<bool> stop(std::chrono::milliseconds timeout) {
    auto out = std::make_shared<bool>(false);
    actors.system().spawn([out, timeout, to = client](caf::event_based_actor* self) {
      self->request(to, caf::infinite, stop_request{timeout})
          .then([out](caf::ok_atom) { *out = true; }, [](const caf::error&) {});
    });
    actors.run();
    return out;
  }

  virtual_system actors;
  std::string token; ///< set before `start`
  /// The same; none: a played store.
  std::function<session_store_actor(caf::actor_system&)> open_store;
  std::shared_ptr<storage::session_backend> backend; ///< the same; none: there is nothing to close
  session_writer_actor writer;                       ///< the same
  std::shared_ptr<played_session> kept = std::make_shared<played_session>();
  fake_lines lines;
  std::vector<session_store_actor> stores;
  client_actor client;
  caf::actor receiver;
  caf::actor watcher;
  caf::actor hub; ///< known when it has handed out an update
  std::vector<std::int64_t> seen;
  std::optional<error> end;                                ///< of the client
  std::deque<result<tl::updates::Difference>> differences; ///< then empty ones
  std::vector<tl::updates::getDifference> asked;

private:
  /// A call that a client makes by itself, not the test.
  static bool is_own(bytes_view function) {
    const auto id = tl::reader{function}.peek_u32();
    return id == tl::help::getConfig::tl_id || id == tl::updates::getState::tl_id ||
           id == tl::updates::getDifference::tl_id;
  }
  /// What the server says to it.
  bytes own_answer(bytes_view function) {
    switch (tl::reader{function}.peek_u32()) {
    case tl::help::getConfig::tl_id:
      return tl::encode(tl::Config{tl::config{.date = 1, .expires = 3601, .this_dc = 2}});
    case tl::updates::getState::tl_id:
      return tl::encode(tl::updates::State{tl::updates::state{.pts = 10, .qts = 3, .date = 1}});
    default:
      return next_difference(function);
    }
  }
  bytes next_difference(bytes_view function) {
    asked.push_back(*tl::decode<tl::updates::getDifference>(function));
    if (differences.empty()) {
      return tl::encode(tl::updates::Difference{tl::updates::differenceEmpty{.date = 1, .seq = 1}});
    }
    const auto next = std::move(differences.front());
    differences.pop_front();
    return tl::encode(*next);
  }

  std::set<std::pair<const fake_line*, call_id>> answered;
};

} // namespace cafegram::test
