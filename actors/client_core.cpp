#include <cafegram/actors/client_core.hpp>
#include <cafegram/actors/client_state.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/policy_guard.hpp>
#include <cafegram/actors/update_hub.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/protocol/auth_key.hpp>

#include <caf/all.hpp>

#include <algorithm>

namespace cafegram {

namespace {

constexpr std::chrono::seconds restart_window{60};
/// Less than `stop_and_wait` gives on top: who waits for a stop is told of it.
constexpr std::chrono::seconds close_patience{4};
/// Of each part that is asked for its share of a picture: both together are less than `client`
/// waits for that.
constexpr std::chrono::seconds status_patience{2};

} // namespace

client_state::~client_state() {
  const auto why = fatal.value_or(error::make(errc::cancelled, "the client has stopped"));
  // What is told may look into the map.
  const auto left = std::exchange(calls, {});
  for (const auto& [id, call] : left) {
    call.done(std::unexpected(why));
  }
  for (const auto& [id, one] : std::exchange(lookups, {})) {
    one.done(std::unexpected(why));
  }
  tell_status({});
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
  gate = flood_gate{setup.options.flood.most_held};
  if (setup.options.pacing.enabled) {
    pacing.emplace(setup.options.pacing);
  }
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
  store = setup.open_store(self->system(), services.writer, setup.backend, setup.session,
                           setup.options.peers_in_memory);
  self->monitor(store);
  ++children;
}

void client_state::start_hub() {
  hub = spawn_update_hub(self->system(), services, self, store, setup.options.inbox);
  self->monitor(hub);
  ++children;
  for (const auto& receiver : subscribers) {
    self->send(hub, caf::subscribe_atom_v, receiver);
  }
  if (finisher) {
    self->send(hub, update_claim{finisher, in_batches});
  }
  for (const auto channel : followed_channels) {
    // A request: the answer to a mere message would come as one that nobody expects.
    self->request(hub, caf::infinite, channel_follow{channel})
        .then([] {}, [this, channel](const caf::error& why) { not_followed(channel, why); });
  }
}

/// Whoever wanted it heard long ago that it is followed: only what lasts ends that. Where the hub
/// has died or the network has failed, the next hub is told again.
void client_state::not_followed(std::int64_t channel, const caf::error& why) {
  switch (to_error(why).code) {
  case errc::rpc:
  case errc::not_found:
  case errc::malformed:
  case errc::cancelled:
    followed_channels.erase(channel);
    break;
  default:
    break;
  }
}

void client_state::start_pool() {
  pool_setup to;
  to.profile = setup.profile;
  to.addresses = setup.addresses;
  to.home_dc = home_dc;
  to.connect = setup.connect;
  to.logged_in = login == login_state::logged_in;
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
  has_pool = true;
  // Calls that were made without one.
  for (auto waiting = std::exchange(parked, {}); const auto id : waiting) {
    if (const auto found = calls.find(id); found != calls.end()) {
      leave_place(id, found->second);
      let_go(found->second, now());
      proceed(id);
    }
  }
}

/// Also kept here, for a hub that is started again.
void client_state::subscribe(const caf::actor& receiver) {
  if (std::ranges::find(subscribers, receiver) == subscribers.end()) {
    if (finisher != receiver) { // else it is monitored already
      self->monitor(receiver);
    }
    subscribers.push_back(receiver);
  }
  self->send(hub, caf::subscribe_atom_v, receiver);
}

caf::result<void> client_state::claimed(const update_claim& by) {
  if (finisher && finisher != by.receiver) {
    return to_caf(error::make(errc::bad_argument,
                              "another one finishes this client's updates: one bot for each"));
  }
  const bool is_new = !finisher;
  if (is_new) {
    finisher = by.receiver;
    if (std::ranges::find(subscribers, finisher) == subscribers.end()) {
      self->monitor(finisher);
    }
  }
  if (is_new || in_batches != by.in_batches) {
    in_batches = by.in_batches;
    self->send(hub, by);
  }
  return caf::unit;
}

/// True for a receiver of updates.
bool client_state::forget(const caf::actor_addr& receiver) {
  const bool was_finisher = finisher == receiver;
  if (was_finisher) {
    finisher = nullptr;
  }
  return std::erase_if(subscribers,
                       [&receiver](const caf::actor& one) { return one == receiver; }) > 0 ||
         was_finisher;
}

void client_state::begin_updates(updates_from from) {
  self->send(hub, hub_start{who, from, setup.options.max_update_age});
}

void client_state::child_ended(const caf::down_msg& down) {
  if (down.source != store && down.source != pool && down.source != hub) {
    return; // a receiver's, who is forgotten already
  }
  --children;
  if (closing) {
    close_store();
    return;
  }
  log::error("client", "a part of the client died: {}", caf::to_string(down.reason));
  if (down.source == store) {
    // Without its store nothing may go on: what it would have kept is lost at the next start.
    auto why = to_error(down.reason);
    end_for(why.code == errc::session_in_use
                ? std::move(why)
                : error::make(errc::storage, "the session store died"));
    return;
  }
  const bool was_pool = down.source == pool;
  has_pool = has_pool && !was_pool;
  const auto pause =
      ask_restart(setup.options.restart.get(), setup.options.timing,
                  {was_pool ? "dc_pool" : "update_hub", count_death()}, *services.random);
  if (!pause) {
    end_for(error::make(errc::connection_lost, "parts of the client died too often"));
    return;
  }
  (was_pool ? pool_at : hub_at) = later(now(), *pause);
  restart_due(now());
  schedule();
}

/// How many parts have died within the last minute, this one included.
std::size_t client_state::count_death() {
  const auto at = now();
  deaths.push_back(at);
  while (deaths.front() + restart_window < at) {
    deaths.pop_front();
  }
  return deaths.size();
}

void client_state::restart_due(steady_time at) {
  if (hub_at && *hub_at <= at) {
    hub_at.reset();
    restart_hub();
  }
  if (pool_at && *pool_at <= at) {
    pool_at.reset();
    restart_pool();
  }
}

void client_state::restart_hub() {
  start_hub();
  self->send(pool, caf::put_atom_v, update_sink_actor{hub});
  if (login == login_state::logged_in) {
    begin_updates(updates_from::stored);
  }
}

void client_state::restart_pool() {
  self->request(store, look_up_patience, load_atom_v)
      .then(
          [this](const session_snapshot& newest) {
            if (!closing) {
              setup.session = *newest.state;
              start_pool();
            }
          },
          [this](const caf::error& why) {
            end_for(error::make(errc::storage,
                                "the session store does not tell the keys: " + to_error(why).what));
          });
}

/// What is under way is told why.
void client_state::end_for(error why) {
  last_error = why.what;
  fatal = std::move(why);
  self->quit(to_caf(*fatal));
}

// -- end, time, picture -------------------------------------------------------------------------

void client_state::stop(const stop_request& how) {
  stopping = true;
  if (!closing) {
    stop_at = std::min(stop_at, now() + how.timeout);
    give_up_held();
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
  self->send(hub, caf::close_atom_v);
  close_store();
  schedule();
}

/// When the others have ended. What they have told the store comes first: an exit message would
/// overtake it. No deadline but `stop_at`; the store is monitored, and its death an answer.
void client_state::close_store() {
  if (children == 1) {
    self->request(store, caf::infinite, caf::flush_atom_v)
        .then(
            [this]() { self->send_exit(store, caf::exit_reason::user_shutdown); },
            [this](const caf::error&) { self->send_exit(store, caf::exit_reason::user_shutdown); });
  } else if (children == 0) {
    let_go_of_session();
  }
}

/// Whoever has a session last closes it, and that takes as long as its disk or server does: the
/// writer's thread may wait for these.
void client_state::let_go_of_session() {
  if (!setup.backend) {
    ended();
    return;
  }
  setup.options.session = nullptr; // the same one, where it was given
  self->request(services.writer, caf::infinite,
                session_write{.to = std::exchange(setup.backend, nullptr)})
      .then([this]() { ended(); }, [this](const caf::error&) { ended(); });
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
  if (!closing) {
    next = std::min(next, next_release());
    next = std::min(next, lookups_due.empty() ? steady_time::max() : lookups_due.begin()->first);
    for (const auto& at : {login_at, config_at, pool_at, hub_at}) {
      next = std::min(next, at.value_or(steady_time::max()));
    }
  }
  ticks.set(self, next, now());
}

void client_state::tick(std::uint64_t number) {
  if (!ticks.rings(number)) {
    return;
  }
  const auto at = now();
  if (closing) {
    // Calls that are left are answered with the end.
    if (at >= stop_at) {
      if (children == 0) {
        log::warn("client", "its session is still being closed, and not free yet");
      } else {
        log::error("client", "its store does not answer: what it had not written is lost");
      }
      ended();
    } else {
      schedule();
    }
    return;
  }
  restart_due(at);
  release_due(at);
  give_up_lookups(at);
  if (login_at && *login_at <= at) {
    login_at.reset();
    log_in_bot();
  }
  if (config_at && *config_at <= at) {
    fetch_config();
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
  out.limits = limits_now();
  return out;
}

/// With what the pool and the hub alone know, while there are these and they answer.
caf::typed_response_promise<client_status> client_state::whole_status() {
  auto promise = self->make_response_promise<client_status>();
  status_asked.push_back(promise);
  if (status_asked.size() == 1) {
    self->request(pool, status_patience, status_atom_v)
        .then([this](const client_status& of_pool) { ask_hub_too(of_pool); },
              [this](const caf::error&) { ask_hub_too({}); });
  }
  return promise;
}

void client_state::ask_hub_too(const client_status& known) {
  self->request(hub, status_patience, status_atom_v)
      .then(
          [this, known](const inbox_picture& inbox) {
            auto whole = known;
            whole.inbox = inbox;
            tell_status(whole);
          },
          [this, known](const caf::error&) { tell_status(known); });
}

void client_state::tell_status(const client_status& of_parts) {
  auto out = status();
  out.connections = of_parts.connections;
  out.limits.circuits = of_parts.limits.circuits;
  out.inbox = of_parts.inbox;
  for (auto& promise : std::exchange(status_asked, {})) {
    promise.deliver(out);
  }
}

void client_state::report(const connection_report& what) {
  note_trouble(what);
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
  self->set_down_handler([self](const caf::down_msg& down) {
    if (!self->state.forget(down.source)) {
      self->state.child_ended(down);
    }
  });
  self->state.start();
  return {
      [self](const invoke_request& request) { return self->state.invoke(request); },
      [self](const callback_call& call) {
        self->state.call(call.request, [done = call.done](const result<shared_bytes>& outcome) {
          (*done)(outcome ? result<bytes>{to_bytes(**outcome)} : std::unexpected(outcome.error()));
        });
      },
      [self](const cancel_calls& which) { self->state.cancel(which.tag); },
      [self](const peer_request& what) { return self->state.resolve(what); },
      [self](const session_export& how) -> caf::result<exported_session> {
        return self->delegate(self->state.store, how);
      },
      [self](const bot_login& how) { return self->state.log_in(how); },
      [self](caf::subscribe_atom, const caf::actor& receiver) { self->state.subscribe(receiver); },
      [self](const channel_follow& what) { return self->state.follow(what); },
      [self](const update_claim& by) { return self->state.claimed(by); },
      [self](status_atom) { return self->state.whole_status(); },
      [self](const network_available& news) { self->send(self->state.pool, news); },
      [self](const stop_request& how) {
        auto promise = self->make_response_promise<caf::ok_atom>();
        self->state.stops.push_back(promise);
        self->state.stop(how);
        return promise;
      },
      [self](const connection_report& what) { self->state.report(what); },
      [self](const login_lost& lost) {
        // Not where it has ended meanwhile, for whatever reason.
        if (self->state.login == login_state::logged_in) {
          self->state.logged_out(lost.why);
        }
      },
      [self](caf::tick_atom, std::uint64_t number) { self->state.tick(number); },
  };
}

} // namespace

client_actor spawn_client(caf::actor_system& system, const runtime::services& services,
                          client_setup setup) {
  return system.spawn(client_behavior, services, std::move(setup));
}

} // namespace cafegram
