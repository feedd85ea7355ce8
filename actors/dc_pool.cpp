#include <cafegram/actors/dc_pool_state.hpp>
#include <cafegram/actors/errors.hpp>

#include <caf/all.hpp>

#include <algorithm>

namespace cafegram {

dc_pool_state::~dc_pool_state() {
  for (auto& [slot, connection] : connections) {
    caf::anon_send_exit(connection.actor, caf::exit_reason::user_shutdown);
  }
  for (const auto& left : farewells) {
    caf::anon_send_exit(left.actor, caf::exit_reason::user_shutdown);
  }
  for (auto& promise : farewell_waiters) {
    promise.deliver(caf::ok_atom_v);
  }
  // A promise that is dropped answers nobody.
  for (auto& [dc, known] : centres) {
    for (auto& promise : known.login.moves) {
      promise.deliver(home_move{
          .why = error::make(errc::cancelled, "the client stopped before home had moved")});
    }
  }
  for (auto& [id, call] : calls) {
    if (!call.internal) {
      const bool unknown = call.may_have_left && !call.call.may_repeat;
      call.promise.deliver(to_caf(error::make(unknown ? errc::unknown_outcome : errc::cancelled,
                                              "the client stopped before the answer came")));
    }
  }
}

client_status dc_pool_state::status() const {
  client_status out;
  if (const auto found = connections.find(home_line()); found != connections.end()) {
    out.connection = found->second.phase;
  }
  if (const auto known = centres.find(setup.home_dc); known != centres.end()) {
    out.key_unknown = known->second.key_unknown;
  }
  out.home_dc = setup.home_dc;
  out.pending_calls = calls.size();
  out.connections = connections.size();
  out.reconnects = reconnects;
  for (const auto& [dc, known] : centres) {
    if (known.circuit.ever_opened()) {
      out.limits.circuits.push_back({dc, known.circuit.phase(), known.circuit.refused()});
    }
  }
  return out;
}

void dc_pool_state::schedule(steady_time at) {
  auto next = deadlines.empty() ? steady_time::max() : deadlines.begin()->first;
  for (const auto& [slot, connection] : connections) {
    next = std::min(next, connection.restart_at.value_or(steady_time::max()));
    if (may_idle(slot, connection)) {
      next = std::min(next, connection.idle_since + setup.profile->pool.idle_after);
    }
  }
  for (const auto& [dc, known] : centres) {
    next = std::min(next, known.keys.next_deadline(at));
  }
  ticks.set(self, std::min(next, farewell_until), at);
}

void dc_pool_state::tick(std::uint64_t number) {
  if (!ticks.rings(number)) {
    return;
  }
  const auto at = now();
  sweep(at);
  restart_due(at);
  renew_keys(at);
  close_idle(at);
  if (at >= farewell_until) {
    end_farewells();
  }
  schedule(at);
}

namespace {

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
  state.schedule(state.now());
  return {
      [self](const invoke_request& request) { return self->state.invoke(request); },
      [self](const cancel_calls& which) { self->state.cancel(which.tag); },
      [self](const call_settled& outcome) { self->state.settle(outcome); },
      [self](const calls_settled& outcomes) {
        for (const auto& one : outcomes.calls) {
          self->state.settle(one);
        }
      },
      [self](const connection_report& what) { self->state.report(what); },
      [self](const dc_key& key) { self->state.key_made(key); },
      [self](const temporary_key& key) { self->state.key_bound(key); },
      [self](const key_salt& salt) { self->state.salted(salt); },
      [self](const key_news& news) { self->state.heard(news); },
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
      [self](caf::migrate_atom, std::int32_t dc) { return self->state.migrate(dc); },
      [self](const addresses_learned& more) { self->state.setup.addresses.learn(more.addresses); },
      [self](const login_noted& noted) { self->state.noted(noted); },
      [self](const destroy_keys&) { return self->state.destroy_all(); },
      [self](const network_available& news) {
        for (auto& [slot, connection] : self->state.connections) {
          self->send(connection.actor, news);
        }
        self->state.connect_home();
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
