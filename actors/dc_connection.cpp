#include <cafegram/actors/dc_connection_state.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/policy_guard.hpp>
#include <cafegram/actors/time_budget.hpp>
#include <cafegram/actors/transport.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/protocol/auth_key.hpp>

#include <caf/all.hpp>

#include <bit>
#include <utility>

namespace cafegram {

using std::chrono::milliseconds;

/// A turn is held so long while there is no socket yet. To connect first and ask then would be
/// simpler, but many clients would open their sockets at once and keep them silent for too long.
constexpr milliseconds turn_patience{500};
/// The connector keeps the times that it is given. Who asks waits a little longer, in case it does
/// not.
constexpr milliseconds connector_grace{5'000};
/// So long an open socket waits for a turn.
constexpr milliseconds silence_patience{30'000};
/// Longer than it takes until tens of thousands that start together have had their turns.
constexpr milliseconds queue_patience{600'000};

// -- the socket ---------------------------------------------------------------------------------

void dc_connection_state::start() {
  line.emplace(setup, services.random, services.primes);
  for (const auto& address : setup.route.addresses) {
    candidates.push_back(endpoint_of(address));
    if (auto secret = secret_of(address); secret && secret->fake_tls()) {
      disguised.push_back({candidates.back(), *std::move(secret)});
    }
  }
  if (line->has_work()) {
    connect();
  }
}

void dc_connection_state::connect() {
  if (candidates.empty()) {
    lost(error::make(errc::not_found, "no address is known"));
    return;
  }
  const auto which = ++attempt;
  phase_deadline = steady_time::max();
  enter(connection_phase::connecting, way_to(candidates.front()));
  if (!line->makes_keys()) {
    open_socket(which);
    return;
  }
  take_turn(which, [this, which] {
    turn_until = now() + turn_patience;
    open_socket(which);
  });
}

/// When it is this connection's turn to make keys. Where nobody counts, nobody waits, and for one
/// that counts no more not for ever.
template <class Then>
void dc_connection_state::take_turn(std::uint64_t which, Then then) {
  self->request(services.handshakes, queue_patience, turn_atom_v)
      .then(
          [this, which, then](const handshake_turn& given) {
            if (which == attempt) {
              turn = given;
              then();
            }
          },
          [this, which, then](const caf::error&) {
            if (which == attempt) {
              then();
            }
          });
}

void dc_connection_state::give_turn_back() {
  turn = {};
  turn_until = steady_time::max();
}

void dc_connection_state::open_socket(std::uint64_t which) {
  connect_request request{candidates,        setup.profile->timing.connect_timeout,
                          setup.profile->ip, setup.profile->proxy,
                          clock_ahead,       disguised};
  phase_deadline = later(now(), request.patience + request.timeout + connector_grace);
  schedule(now());
  self->request(services.connector, caf::infinite, std::move(request))
      .then([this, which](const connected& socket) { opened(which, socket); },
            [this, which](const caf::error& why) {
              if (which == attempt) {
                lost(to_error(why));
                // It may be the clock: a machine that slept takes the server's for late.
                clock_ahead = {};
              }
            });
}

void dc_connection_state::opened(std::uint64_t which, const connected& socket) {
  if (which != attempt || phase != connection_phase::connecting) {
    return;
  }
  phase_deadline = steady_time::max();
  turn_until = steady_time::max();
  if (line->makes_keys() && !turn.token) {
    // Nobody looks at the socket meanwhile, and no server keeps a silent one for long.
    phase_deadline = later(now(), silence_patience);
    schedule(now());
    silent = socket;
    take_turn(which, [this] { begin(*std::exchange(silent, std::nullopt)); });
  } else {
    begin(socket);
  }
}

void dc_connection_state::begin(const connected& socket) {
  phase_deadline = steady_time::max();
  progress("connected", way_to(socket.peer));
  wire = spawn_transport(self->system(), socket.socket, self);
  self->monitor(wire);
  in_flight = 0;
  line->opened(socket.peer, now(), services.clock->wall_now());
  if (line->ready()) {
    enter(connection_phase::ready, "session continued");
    if (attempt > 1) {
      tell(updates_suspect{"connected again"});
    }
  } else {
    enter(connection_phase::exchanging, {});
  }
  pump();
}

void dc_connection_state::close_wire() {
  silent.reset();
  if (wire) {
    self->demonitor(wire.address());
    caf::anon_send(wire, caf::close_atom_v);
    wire = nullptr;
  }
}

void dc_connection_state::lost(const error& why, std::optional<milliseconds> wait) {
  close_wire();
  note_clock();
  line->closed();
  give_turn_back();
  ++attempt;
  const auto& profile = *setup.profile;
  const auto pause = wait ? wait
                          : ask_reconnect(profile.restart.get(), profile.timing,
                                          {setup.dc, why, ++failures}, *services.random);
  phase_deadline = pause ? deadline_of_wait(*pause) : steady_time::max();
  // Whoever hears that it waits finds in the log why.
  if (pause) {
    log::info("dc_connection", "dc {}: {}; again in {} ms", setup.dc, to_string(why),
              pause->count());
  }
  enter(connection_phase::waiting, to_string(why), true);
  if (!pause) {
    self->quit(to_caf(error::make(errc::connection_lost, to_string(why))));
    return;
  }
  schedule(now());
}

/// Without a key to use or to make there is nothing to connect for.
steady_time dc_connection_state::deadline_of_wait(milliseconds pause) const {
  return line->has_work() ? later(now(), pause) : steady_time::max();
}

void dc_connection_state::received(const bytes_received& read) {
  if (!wire || self->current_sender() != wire) {
    return;
  }
  line->receive(*read.data, now(), services.clock->wall_now());
  self->send(wire, bytes_consumed{read.data->size()});
  if (line->proven()) {
    // Not before: a server that makes keys and knows none of them is not to be stormed.
    failures = 0;
    flood_waits.reset();
  }
  pump();
}

void dc_connection_state::drained(std::size_t count) {
  if (wire && self->current_sender() == wire) {
    in_flight -= std::min(count, in_flight);
    line->drained();
    pump();
  }
}

void dc_connection_state::enter(connection_phase to, std::string detail, bool failed) {
  phase = to;
  if (to == connection_phase::ready) {
    turn = {};
  }
  progress(to_string(to), detail);
  tell(connection_report{setup.dc, to, std::move(detail), false, failed});
}

void dc_connection_state::progress(std::string_view step, std::string_view detail) const {
  if (setup.profile->on_progress) {
    setup.profile->on_progress(step, detail);
  }
}

/// For people: where it goes, and through what.
std::string dc_connection_state::way_to(const endpoint& where) const {
  const auto& proxy = setup.profile->proxy;
  if (!proxy) {
    return to_string(where);
  }
  const auto target =
      proxy->kind == proxy_kind::mtproxy ? "dc " + std::to_string(setup.dc) : to_string(where);
  return target + " through " + to_string(*proxy);
}

/// What the server has told of its time: fake TLS shows it to the proxy.
void dc_connection_state::note_clock() {
  if (line->ready() && line->session().clock().synchronised()) {
    clock_ahead =
        line->session().clock().unix_time(now()) - services.clock->wall_now().time_since_epoch();
  }
}

// -- keys ---------------------------------------------------------------------------------------

void dc_connection_state::use(const key_order& order) {
  if (order.after != reports) {
    return; // the pool has not heard yet what we have told it since; it will say more
  }
  line->use(order, now(), services.clock->wall_now());
  if (!line->has_work()) {
    close_wire();
    line->closed();
    give_turn_back();
    ++attempt;
    phase_deadline = steady_time::max();
    if (phase != connection_phase::waiting) {
      enter(connection_phase::waiting, "another connection makes the key");
    }
  } else if (phase == connection_phase::waiting && phase_deadline == steady_time::max()) {
    connect();
  }
  pump();
}

void dc_connection_state::take_key_event(line_event& event) {
  if (auto* made = std::get_if<line_key_made>(&event)) {
    progress("authorization key", "made");
    report_key(std::move(made->key));
  } else if (auto* bound = std::get_if<line_key_bound>(&event)) {
    progress("temporary key", "bound");
    report_key(std::move(bound->key));
  } else if (auto* news = std::get_if<line_key_news>(&event)) {
    report_key(std::move(news->news));
  }
}

// -- the line's events --------------------------------------------------------------------------

void dc_connection_state::pump() {
  const auto at = now();
  give_calls();
  flush(at);
  // An event may end the connection, or give room for calls.
  while (auto event = line->next_event()) {
    take(*std::move(event));
  }
  if (phase == connection_phase::exchanging && line->ready()) {
    enter(connection_phase::ready, "new key");
  } else if (phase == connection_phase::ready && !line->ready()) {
    enter(connection_phase::exchanging, "another key");
  }
  give_calls();
  flush(at);
  tell_settled();
  schedule(at);
}

void dc_connection_state::flush(steady_time at) {
  if (!wire || in_flight >= transport_high_water) {
    return;
  }
  auto output = line->take_output(transport_high_water - in_flight, at);
  if (!output.empty()) {
    in_flight += output.size();
    self->send(wire, bytes_to_send{std::move(output)});
  }
}

void dc_connection_state::take(line_event event) {
  if (auto* one = std::get_if<protocol::session_event>(&event)) {
    take(std::move(*one));
  } else if (const auto* word = std::get_if<line_refused>(&event)) {
    refused(*word);
  } else if (const auto* broken = std::get_if<line_broken>(&event)) {
    lost(broken->why);
  } else if (const auto* back = std::get_if<line_released>(&event)) {
    released(back->requests);
  } else if (const auto* some = std::get_if<line_dropped>(&event)) {
    dropped(*some);
  } else {
    take_key_event(event);
  }
}

void dc_connection_state::take(protocol::session_event event) {
  if (auto* answer = std::get_if<protocol::request_answered>(&event)) {
    answered(*answer);
  } else if (auto* failure = std::get_if<protocol::request_failed>(&event)) {
    failed(*failure);
  } else if (auto* update = std::get_if<protocol::update_arrived>(&event)) {
    tell(raw_updates{std::move(update->body)});
  } else if (std::holds_alternative<protocol::server_session_created>(event)) {
    tell(updates_suspect{"the server has a new session"});
  } else if (const auto* changed = std::get_if<protocol::salt_changed>(&event)) {
    tell(key_salt{setup.dc, line->session().key().id(), static_cast<std::int64_t>(changed->salt)});
  } else if (std::holds_alternative<protocol::key_destroyed>(event)) {
    report_key(key_news{.dc = setup.dc, .what = key_news::kind::destroyed, .why = {}});
  } else if (const auto* reconnect = std::get_if<protocol::must_reconnect>(&event)) {
    lost(reconnect->why);
  }
}

/// Seldom of interest, and a server can make any number of them.
void dc_connection_state::dropped(const line_dropped& event) {
  const auto before = std::exchange(messages_dropped, messages_dropped + event.count);
  const bool rare = std::bit_width(before) != std::bit_width(messages_dropped);
  log::print(rare ? log::level::info : log::level::debug, "dc_connection",
             "dc {}: {} message(s) of the server dropped, the last as {}; {} in all", setup.dc,
             event.count, event.why, messages_dropped);
}

void dc_connection_state::refused(const line_refused& event) {
  const auto why =
      error::make(errc::transport_error,
                  "the server sent transport error " + std::to_string(event.code), event.code);
  if (event.code == -429) {
    lost(why, flood_waits.take(*services.random));
  } else {
    lost(why);
  }
}

// -- time ---------------------------------------------------------------------------------------

void dc_connection_state::schedule(steady_time at) {
  const auto own = std::min(phase_deadline, turn_until);
  ticks.set(self, wire ? std::min(own, line->next_deadline()) : own, at);
}

void dc_connection_state::tick(std::uint64_t number) {
  if (!ticks.rings(number)) {
    return;
  }
  const auto at = now();
  if (at >= turn_until) {
    give_turn_back(); // another one may have a network
  }
  if (at >= phase_deadline && phase == connection_phase::waiting) {
    connect();
  } else if (at >= phase_deadline && phase == connection_phase::connecting) {
    lost(error::make(errc::deadline,
                     silent ? "no turn to make keys came" : "the connector does not answer"));
  }
  if (wire) {
    line->poll(at);
  }
  pump();
}

namespace {

dc_connection_actor::behavior_type
connection(dc_connection_actor::stateful_pointer<dc_connection_state> self,
           const runtime::services& services, connection_setup setup,
           connection_owner_actor owner) {
  auto& state = self->state;
  state.services = services;
  state.setup = std::move(setup);
  state.owner = std::move(owner);
  self->set_down_handler([self](const caf::down_msg& down) {
    if (down.source == self->state.wire) {
      self->state.wire = nullptr;
      self->state.lost(error::make(errc::network, "the connection was closed"));
    }
  });
  state.start();
  return {
      [self](const bytes_received& read) { self->state.received(read); },
      [self](const bytes_drained& by) { self->state.drained(by.count); },
      [self](const submit_call& call) { self->state.submit(call); },
      [self](const drop_call& call) { self->state.drop(call.id); },
      [self](const key_order& order) { self->state.use(order); },
      [self](const network_available&) {
        if (self->state.phase == connection_phase::waiting && self->state.line->has_work()) {
          self->state.failures = 0;
          self->state.connect();
        }
      },
      [self](caf::flush_atom) {
        self->state.pump_due = false;
        self->state.pump();
      },
      [self](caf::tick_atom, std::uint64_t number) { self->state.tick(number); },
  };
}

} // namespace

std::string_view to_string(connection_phase phase) {
  switch (phase) {
  case connection_phase::waiting:
    return "waiting";
  case connection_phase::connecting:
    return "connecting";
  case connection_phase::exchanging:
    return "exchanging keys";
  case connection_phase::ready:
    return "ready";
  }
  return "unknown";
}

dc_connection_actor spawn_dc_connection(caf::actor_system& system,
                                        const runtime::services& services, connection_setup setup,
                                        connection_owner_actor owner) {
  return system.spawn(connection, services, std::move(setup), std::move(owner));
}

} // namespace cafegram
