#include <cafegram/actors/alarm.hpp>
#include <cafegram/actors/backoff.hpp>
#include <cafegram/actors/dc_pool.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/protocol/auth_key.hpp>
#include <cafegram/storage/session.hpp>

#include <caf/all.hpp>

#include <atomic>
#include <set>
#include <unordered_map>

namespace cafegram {

namespace {

using answer_promise = caf::typed_response_promise<invoke_answer>;

/// A call until it is settled.
struct held_call {
  answer_promise promise;
  submit_call call;
  std::int32_t dc = 0;
  bool may_have_left = false; ///< its connection was ready: the server may have it
};

/// A connection, and when to start it again after its death.
struct held_connection {
  dc_connection_actor actor;
  connection_phase phase = connection_phase::waiting;
  std::optional<steady_time> restart_at;
  std::optional<backoff> waits;
};

struct dc_pool_state {
  explicit dc_pool_state(dc_pool_actor::pointer owning)
    : self{owning} {}
  ~dc_pool_state();

  dc_pool_actor::pointer self;
  runtime::services services;
  pool_setup setup;
  session_store_actor store;
  pool_owner_actor owner;
  update_sink_actor updates;

  std::map<std::int32_t, held_connection> connections;
  std::unordered_map<call_id, held_call> calls;
  std::set<std::pair<steady_time, call_id>> deadlines;
  call_id next_id = 1;
  std::uint64_t reconnects = 0;
  alarm ticks;

  steady_time now() const { return services.clock->steady_now(); }

  // -- calls
  answer_promise invoke(const invoke_request& request);
  void give(call_id id, held_call& call);
  void settle(const call_settled& outcome);
  void fail(call_id id, const error& why);
  void forget(call_id id);
  void sweep(steady_time at);

  // -- connections
  held_connection& connection_to(std::int32_t dc);
  void start(std::int32_t dc, held_connection& connection);
  void report(const connection_report& what);
  void ended(const caf::down_msg& down);
  void refill(std::int32_t dc);
  void restart_due(steady_time at);
  void keep(const dc_key& key);
  void migrate(std::int32_t dc);
  void connect_home();
  void tell_login(const login_noted& noted);
  bool is_main(const caf::strong_actor_ptr& sender) const;

  client_status status() const;
  void schedule(steady_time at);
  void tick(std::uint64_t number);
};

dc_pool_state::~dc_pool_state() {
  for (auto& [dc, connection] : connections) {
    caf::anon_send_exit(connection.actor, caf::exit_reason::user_shutdown);
  }
  // A promise that is dropped answers nobody.
  for (auto& [id, call] : calls) {
    const bool unknown = call.may_have_left && !call.call.may_repeat;
    call.promise.deliver(to_caf(error::make(unknown ? errc::unknown_outcome : errc::cancelled,
                                            "the client stopped before the answer came")));
  }
}

// -- calls --------------------------------------------------------------------------------------

answer_promise dc_pool_state::invoke(const invoke_request& request) {
  auto promise = self->make_response_promise<invoke_answer>();
  const auto dc = request.options.dc.value_or(setup.home_dc);
  if (calls.size() >= max_held_calls) {
    promise.deliver(to_caf(error::make(errc::limit, "too many calls are under way")));
    return promise;
  }
  if (!setup.addresses.contains(dc)) {
    promise.deliver(to_caf(
        error::make(errc::bad_argument, "no address is known for dc " + std::to_string(dc), dc)));
    return promise;
  }
  const auto id = next_id++;
  const auto timeout = request.options.timeout.value_or(setup.profile->timing.request_timeout);
  const auto deadline = now() + timeout;
  auto& call = calls[id];
  call = {promise,
          {id, request.function, request.options.may_repeat.value_or(false), deadline},
          dc,
          false};
  deadlines.emplace(deadline, id);
  give(id, call);
  schedule(now());
  return promise;
}

void dc_pool_state::give(call_id id, held_call& call) {
  auto& connection = connection_to(call.dc);
  if (connection.actor) {
    call.may_have_left = connection.phase == connection_phase::ready;
    self->send(connection.actor, call.call);
  } else {
    log::debug("dc_pool", "call {} waits for the connection to dc {}", id, call.dc);
  }
}

void dc_pool_state::settle(const call_settled& outcome) {
  const auto found = calls.find(outcome.id);
  if (found == calls.end()) {
    return;
  }
  if (outcome.result) {
    found->second.promise.deliver(invoke_answer{outcome.result});
  } else {
    found->second.promise.deliver(to_caf(outcome.failure));
  }
  forget(outcome.id);
}

void dc_pool_state::fail(call_id id, const error& why) {
  if (const auto found = calls.find(id); found != calls.end()) {
    found->second.promise.deliver(to_caf(why));
    forget(id);
  }
}

void dc_pool_state::forget(call_id id) {
  const auto found = calls.find(id);
  deadlines.erase({found->second.call.deadline, id});
  calls.erase(found);
}

void dc_pool_state::sweep(steady_time at) {
  while (!deadlines.empty() && deadlines.begin()->first <= at) {
    const auto id = deadlines.begin()->second;
    const auto dc = calls.at(id).dc;
    if (const auto found = connections.find(dc); found != connections.end()) {
      self->send(found->second.actor, drop_call{id});
    }
    fail(id, error::make(errc::deadline, "no answer in time"));
  }
}

// -- connections --------------------------------------------------------------------------------

held_connection& dc_pool_state::connection_to(std::int32_t dc) {
  auto& connection = connections[dc];
  if (!connection.actor && !connection.restart_at) {
    start(dc, connection);
  }
  return connection;
}

void dc_pool_state::start(std::int32_t dc, held_connection& connection) {
  connection_setup to;
  to.profile = setup.profile;
  to.dc = dc;
  to.addresses = setup.addresses.at(dc);
  to.keep_key = setup.logged_in;
  if (const auto key = setup.keys.find(dc); key != setup.keys.end()) {
    to.key = key->second;
  }
  if (!connection.waits) {
    const auto& timing = setup.profile->timing;
    connection.waits.emplace(timing.reconnect_min, timing.reconnect_max);
  }
  connection.restart_at.reset();
  connection.phase = connection_phase::waiting;
  connection.actor = spawn_dc_connection(self->system(), services, std::move(to), self);
  self->monitor(connection.actor);
}

void dc_pool_state::report(const connection_report& what) {
  const auto found = connections.find(what.dc);
  if (found == connections.end() || self->current_sender() != found->second.actor) {
    return;
  }
  found->second.phase = what.phase;
  if (what.phase == connection_phase::ready) {
    found->second.waits->reset();
    // What it was given before leaves now.
    for (auto& [id, call] : calls) {
      call.may_have_left = call.may_have_left || call.dc == what.dc;
    }
  } else if (what.phase == connection_phase::waiting) {
    ++reconnects;
  }
  if (what.dc == setup.home_dc) {
    self->send(owner, what);
  }
}

void dc_pool_state::ended(const caf::down_msg& down) {
  for (auto& [dc, connection] : connections) {
    if (connection.actor == down.source) {
      const auto pause = connection.waits->take(*services.random);
      log::error("dc_pool", "the connection to dc {} died ({}); again in {} ms", dc,
                 caf::to_string(down.reason), pause.count());
      connection.actor = nullptr;
      connection.phase = connection_phase::waiting;
      connection.restart_at = now() + pause;
      refill(dc);
    }
  }
  schedule(now());
}

void dc_pool_state::refill(std::int32_t dc) {
  std::vector<call_id> lost;
  for (const auto& [id, call] : calls) {
    if (call.dc == dc && call.may_have_left && !call.call.may_repeat) {
      lost.push_back(id);
    }
  }
  for (const auto id : lost) {
    fail(id, error::make(errc::unknown_outcome, "its connection died before the answer came"));
  }
}

void dc_pool_state::restart_due(steady_time at) {
  for (auto& [dc, connection] : connections) {
    if (connection.restart_at && *connection.restart_at <= at) {
      start(dc, connection);
      for (auto& [id, call] : calls) {
        if (call.dc == dc) {
          call.may_have_left = false;
          self->send(connection.actor, call.call);
        }
      }
    }
  }
}

void dc_pool_state::keep(const dc_key& key) {
  const auto known = setup.keys.find(key.dc);
  const bool fresh = known == setup.keys.end() || !(*known->second.key == *key.key);
  setup.keys[key.dc] = key;
  auto apply = [key](storage::session_state& state) {
    auto& record = state.data_centres[key.dc];
    record.auth_key = std::make_shared<const crypto::secret>(key.key->view());
    record.salt = static_cast<std::uint64_t>(key.salt);
    record.created_at = key.created_at;
  };
  self->request(store, caf::infinite, session_change{std::move(apply), fresh})
      .then([]() {},
            [](const caf::error& why) {
              log::error("dc_pool", "a key is not saved: {}", to_string(to_error(why)));
            });
}

void dc_pool_state::migrate(std::int32_t dc) {
  if (dc == setup.home_dc) {
    return;
  }
  log::info("dc_pool", "home moves from dc {} to dc {}", setup.home_dc, dc);
  setup.home_dc = dc;
  connect_home();
}

void dc_pool_state::connect_home() {
  if (setup.addresses.contains(setup.home_dc)) {
    connection_to(setup.home_dc);
  }
}

void dc_pool_state::tell_login(const login_noted& noted) {
  setup.logged_in = noted.logged_in;
  for (auto& [dc, connection] : connections) {
    self->send(connection.actor, noted);
  }
}

bool dc_pool_state::is_main(const caf::strong_actor_ptr& sender) const {
  const auto found = connections.find(setup.home_dc);
  return found != connections.end() && found->second.actor == sender;
}

client_status dc_pool_state::status() const {
  client_status out;
  if (const auto found = connections.find(setup.home_dc); found != connections.end()) {
    out.connection = found->second.phase;
  }
  out.home_dc = setup.home_dc;
  out.pending_calls = calls.size();
  out.reconnects = reconnects;
  return out;
}

void dc_pool_state::schedule(steady_time at) {
  auto next = deadlines.empty() ? steady_time::max() : deadlines.begin()->first;
  for (const auto& [dc, connection] : connections) {
    next = std::min(next, connection.restart_at.value_or(steady_time::max()));
  }
  ticks.set(self, next, at);
}

void dc_pool_state::tick(std::uint64_t number) {
  if (ticks.rings(number)) {
    const auto at = now();
    sweep(at);
    restart_due(at);
    schedule(at);
  }
}

dc_pool_actor::behavior_type pool(dc_pool_actor::stateful_pointer<dc_pool_state> self,
                                  const runtime::services& services, pool_setup setup,
                                  session_store_actor store, pool_owner_actor owner,
                                  update_sink_actor updates) {
  auto& state = self->state;
  state.services = services;
  state.setup = std::move(setup);
  state.store = std::move(store);
  state.owner = std::move(owner);
  state.updates = std::move(updates);
  self->set_down_handler([self](const caf::down_msg& down) { self->state.ended(down); });
  state.connect_home();
  return {
      [self](const invoke_request& request) { return self->state.invoke(request); },
      [self](const call_settled& outcome) { self->state.settle(outcome); },
      [self](const connection_report& what) { self->state.report(what); },
      [self](const dc_key& key) { self->state.keep(key); },
      [self](const raw_updates& what) {
        if (self->state.is_main(self->current_sender())) {
          self->send(self->state.updates, what);
        }
      },
      [self](const updates_suspect& why) {
        if (self->state.is_main(self->current_sender())) {
          self->send(self->state.updates, why);
        }
      },
      [self](caf::migrate_atom, std::int32_t dc) { self->state.migrate(dc); },
      [self](const addresses_learned& more) {
        auto addresses = more.addresses;
        self->state.setup.addresses.merge(addresses);
      },
      [self](const login_noted& noted) { self->state.tell_login(noted); },
      [self](const network_available& news) {
        for (auto& [dc, connection] : self->state.connections) {
          self->send(connection.actor, news);
        }
      },
      [self](caf::put_atom, const update_sink_actor& to) { self->state.updates = to; },
      [self](status_atom) { return self->state.status(); },
      [self](caf::tick_atom, std::uint64_t number) { self->state.tick(number); },
  };
}

} // namespace

dc_pool_actor spawn_dc_pool(caf::actor_system& system, const runtime::services& services,
                            pool_setup setup, session_store_actor store, pool_owner_actor owner,
                            update_sink_actor updates) {
  return system.spawn(pool, services, std::move(setup), std::move(store), std::move(owner),
                      std::move(updates));
}

} // namespace cafegram
