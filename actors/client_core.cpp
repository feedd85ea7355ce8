#include <cafegram/actors/client_core.hpp>
#include <cafegram/actors/client_state.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/update_hub.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/protocol/auth_key.hpp>

#include <caf/all.hpp>

namespace cafegram {

namespace {

constexpr std::size_t max_restarts = 5;
constexpr std::chrono::seconds restart_window{60};
/// Less than `stop_and_wait` gives on top: who waits for a stop is told of it.
constexpr std::chrono::seconds close_patience{4};

} // namespace

client_state::~client_state() {
  const auto why = error::make(errc::cancelled, "the client has stopped");
  // What is told may look into the map.
  const auto left = std::exchange(calls, {});
  for (const auto& [id, call] : left) {
    call.done(std::unexpected(why));
  }
  if (logging_in) {
    for (auto& promise : logging_in->waiting) {
      promise.deliver(to_caf(why));
    }
  }
  for (auto& promise : stops) {
    promise.deliver(caf::ok_atom_v);
  }
  caf::anon_send_exit(pool, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(hub, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(store, caf::exit_reason::user_shutdown);
}

// -- children -----------------------------------------------------------------------------------

void client_state::start() {
  const auto& stored = setup.session;
  home_dc = setup.options.dc ? setup.options.dc->id : stored.home_dc != 0 ? stored.home_dc : 2;
  if (stored.user) {
    login = stored.ended ? login_state::unknown : login_state::logged_in;
    who = {stored.user->id, stored.user->bot, stored.user->first_name, stored.user->username};
  }
  take_stored_addresses();
  start_store();
  start_hub();
  start_pool();
  fetch_config();
  const auto& token = setup.options.bot_token;
  const bool is_that_bot = login == login_state::logged_in && who.id == bot_id_of(token);
  if (!token.empty() && !is_that_bot) {
    logging_in = running_login{token, {}};
    log_in_bot();
  } else if (login == login_state::logged_in) {
    begin_updates(setup.options.catch_up ? updates_from::stored : updates_from::now);
  } else {
    login = login_state::logged_out;
  }
}

void client_state::start_store() {
  store = setup.keep(self->system(), setup.backend, setup.session);
  self->monitor(store);
  ++children;
}

void client_state::start_hub() {
  hub = spawn_update_hub(self->system(), services, self, store);
  self->monitor(hub);
  ++children;
  for (const auto& receiver : subscribers) {
    self->send(hub, caf::subscribe_atom_v, receiver);
  }
}

void client_state::start_pool() {
  pool_setup to;
  to.profile = setup.profile;
  to.addresses = setup.addresses;
  to.home_dc = home_dc;
  to.logged_in = login == login_state::logged_in;
  to.connect = setup.connect;
  for (const auto& [id, record] : setup.session.data_centres) {
    if (record.authorised) {
      to.authorised.insert(id);
    }
    if (record.auth_key) {
      if (auto key = protocol::auth_key::from(record.auth_key->view())) {
        to.keys[id] = {id, std::make_shared<const protocol::auth_key>(*std::move(key)),
                       static_cast<std::int64_t>(record.salt), record.created_at};
      }
    }
  }
  pool = spawn_dc_pool(self->system(), services, std::move(to), store, self, hub);
  self->monitor(pool);
  ++children;
}

void client_state::begin_updates(updates_from from) {
  self->send(hub, hub_start{who, from});
}

void client_state::child_ended(const caf::down_msg& down) {
  --children;
  if (closing) {
    if (children == 1) {
      // What the others have told it comes first: an exit message would overtake it.
      self->request(store, caf::infinite, caf::flush_atom_v)
          .then([this]() { self->send_exit(store, caf::exit_reason::user_shutdown); },
                [this](const caf::error&) {
                  self->send_exit(store, caf::exit_reason::user_shutdown);
                });
    } else if (children == 0) {
      ended();
    }
    return;
  }
  log::error("client", "a part of the client died: {}", caf::to_string(down.reason));
  if (!may_restart()) {
    last_error = "parts of the client died too often";
    self->quit(to_caf(error::make(errc::connection_lost, last_error)));
    return;
  }
  if (down.source == hub) {
    start_hub();
    self->send(pool, caf::put_atom_v, update_sink_actor{hub});
    if (login == login_state::logged_in) {
      begin_updates(updates_from::stored);
    }
  } else if (down.source == pool) {
    self->request(store, caf::infinite, load_atom_v)
        .then(
            [this](const session_snapshot& newest) {
              if (closing) {
                return;
              }
              setup.session = *newest.state;
              start_pool();
            },
            [this](const caf::error& why) { self->quit(why); });
  } else {
    // Without its store nothing may go on: what it would have kept is lost at the next start.
    last_error = "the session store died";
    self->quit(to_caf(error::make(errc::storage, last_error)));
  }
}

bool client_state::may_restart() {
  const auto at = now();
  restarts.push_back(at);
  while (restarts.front() + restart_window < at) {
    restarts.pop_front();
  }
  return restarts.size() <= max_restarts;
}

// -- end, time, picture -------------------------------------------------------------------------

void client_state::stop(const stop_request& how) {
  stopping = true;
  if (!closing) {
    stop_at = std::min(stop_at, now() + how.timeout);
    close_when_idle();
    schedule();
  }
}

void client_state::close_when_idle() {
  if (closing || (!calls.empty() && now() < stop_at)) {
    return;
  }
  closing = true;
  stop_at = now() + close_patience;
  self->send_exit(pool, caf::exit_reason::user_shutdown);
  self->send_exit(hub, caf::exit_reason::user_shutdown);
  if (children == 0) {
    ended();
  } else {
    schedule();
  }
}

void client_state::ended() {
  for (auto& promise : stops) {
    promise.deliver(caf::ok_atom_v);
  }
  stops.clear();
  self->quit();
}

void client_state::schedule() {
  auto next = stop_at;
  if (!resend_at.empty()) {
    next = std::min(next, resend_at.begin()->first);
  }
  next = std::min(next, login_at.value_or(steady_time::max()));
  next = std::min(next, config_at.value_or(steady_time::max()));
  ticks.set(self, next, now());
}

void client_state::tick(std::uint64_t number) {
  if (!ticks.rings(number)) {
    return;
  }
  const auto at = now();
  while (!resend_at.empty() && resend_at.begin()->first <= at) {
    const auto id = resend_at.begin()->second;
    resend_at.erase(resend_at.begin());
    if (calls.contains(id)) {
      send(id);
    }
  }
  if (login_at && *login_at <= at) {
    login_at.reset();
    log_in_bot();
  }
  if (config_at && *config_at <= at) {
    fetch_config();
  }
  if (closing && at >= stop_at) {
    log::error("client", "its store does not answer: what it had not written is lost");
    ended();
    return;
  }
  if (stopping) {
    close_when_idle();
  }
  schedule();
}

client_status client_state::status() const {
  client_status out;
  out.connection = phase;
  out.reconnects = reconnects;
  out.login = login;
  out.self = who;
  out.home_dc = home_dc;
  out.pending_calls = calls.size();
  out.last_error = last_error;
  out.key_unknown = key_unknown;
  out.signing = setup.signing;
  return out;
}

void client_state::report(const connection_report& what) {
  phase = what.phase;
  key_unknown = what.key_unknown;
  if (what.detail.empty()) {
    return;
  }
  if (what.phase == connection_phase::waiting) {
    ++reconnects;
    last_error = what.detail;
  }
}

namespace {

client_actor::behavior_type client_behavior(client_actor::stateful_pointer<client_state> self,
                                            const runtime::services& services, client_setup setup) {
  self->state.services = services;
  self->state.setup = std::move(setup);
  self->set_down_handler([self](const caf::down_msg& down) { self->state.child_ended(down); });
  self->state.start();
  return {
      [self](const invoke_request& request) { return self->state.invoke(request); },
      [self](const callback_call& call) {
        self->state.call(call.request, [done = call.done](const result<shared_bytes>& outcome) {
          (*done)(outcome ? result<bytes>{**outcome} : std::unexpected(outcome.error()));
        });
      },
      [self](const bot_login& how) { return self->state.log_in(how); },
      [self](caf::subscribe_atom, const caf::actor& receiver) {
        self->state.subscribers.push_back(receiver);
        self->send(self->state.hub, caf::subscribe_atom_v, receiver);
      },
      [self](status_atom) { return self->state.status(); },
      [self](const network_available& news) { self->send(self->state.pool, news); },
      [self](const stop_request& how) {
        auto promise = self->make_response_promise<caf::ok_atom>();
        self->state.stops.push_back(promise);
        self->state.stop(how);
        return promise;
      },
      [self](const connection_report& what) { self->state.report(what); },
      [self](const login_lost& lost) { self->state.logged_out(lost.why); },
      [self](caf::tick_atom, std::uint64_t number) { self->state.tick(number); },
  };
}

} // namespace

client_actor spawn_client(caf::actor_system& system, const runtime::services& services,
                          client_setup setup) {
  return system.spawn(client_behavior, services, std::move(setup));
}

} // namespace cafegram
