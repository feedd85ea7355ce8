#include <cafegram/actors/alarm.hpp>
#include <cafegram/actors/backoff.hpp>
#include <cafegram/actors/dc_connection.hpp>
#include <cafegram/actors/dc_line.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/method_traits.hpp>
#include <cafegram/actors/transport.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/protocol/auth_key.hpp>

#include <caf/all.hpp>

#include <deque>
#include <map>

namespace cafegram {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t max_under_way = 2048;
constexpr milliseconds flood_least{1'000};
constexpr milliseconds flood_most{60'000};

struct dc_connection_state {
  explicit dc_connection_state(dc_connection_actor::pointer actor)
    : self{actor} {}
  ~dc_connection_state() { close_wire(); }

  dc_connection_actor::pointer self;
  runtime::services services;
  connection_setup setup;
  connection_owner_actor owner;

  std::optional<dc_line> line;
  std::vector<endpoint> candidates;
  transport_actor wire;
  connection_phase phase = connection_phase::waiting;
  std::uint64_t attempt = 0;
  duration clock_ahead{}; ///< the server's, before this machine's
  std::optional<backoff> waits;
  backoff flood_waits{flood_least, flood_most};
  steady_time phase_deadline = steady_time::max();
  std::uint64_t reports = 0; ///< of keys: an order that knows of fewer is out of date
  std::size_t in_flight = 0;

  std::map<call_id, submit_call> calls;
  std::deque<call_id> waiting;

  alarm ticks;

  steady_time now() const { return services.clock->steady_now(); }

  // -- the socket
  void start();
  void connect();
  steady_time deadline_of_wait(milliseconds pause) const;
  void opened(std::uint64_t which, const connected& socket);
  void close_wire();
  void lost(const error& why, std::optional<milliseconds> wait = {});
  void received(const bytes_received& read);
  void drained(std::size_t count);
  void enter(connection_phase to, std::string detail);
  void progress(std::string_view step, std::string_view detail) const;
  std::string way_to(const endpoint& where) const;
  void note_clock();

  // -- calls
  void submit(const submit_call& call);
  void drop(call_id id);
  void give_calls();
  void settle(call_id id, shared_bytes result, error failure);
  void answered(protocol::request_answered& event);
  void failed(protocol::request_failed& event);
  void released(std::vector<protocol::released_request> requests);

  // -- keys
  void use(const key_order& order);
  template <class Report>
  void report_key(Report what);

  // -- the line's events
  void pump();
  void flush(steady_time at);
  void take(line_event event);
  void take(protocol::session_event event);
  void take_key_event(line_event& event);
  void refused(const line_refused& event);

  // -- time
  void schedule(steady_time at);
  void tick(std::uint64_t number);
};

// -- the socket ---------------------------------------------------------------------------------

void dc_connection_state::start() {
  const auto& timing = setup.profile->timing;
  waits.emplace(timing.reconnect_min, timing.reconnect_max);
  line.emplace(setup, services.random, services.primes);
  for (const auto& address : setup.route.addresses) {
    candidates.push_back(endpoint_of(address));
  }
  if (line->has_work()) {
    connect();
  }
}

void dc_connection_state::connect() {
  const auto which = ++attempt;
  phase_deadline = steady_time::max();
  enter(connection_phase::connecting, way_to(candidates.front()));
  self->request(services.connector, caf::infinite,
                connect_request{candidates, setup.profile->timing.connect_timeout,
                                setup.profile->ip, setup.profile->proxy, clock_ahead})
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
  progress("connected", way_to(socket.peer));
  wire = spawn_transport(self->system(), socket.socket, self);
  self->monitor(wire);
  in_flight = 0;
  line->opened(socket.peer, now(), services.clock->wall_now());
  if (line->ready()) {
    enter(connection_phase::ready, "session continued");
    if (which > 1) {
      self->send(owner, updates_suspect{"connected again"});
    }
  } else {
    enter(connection_phase::exchanging, {});
  }
  pump();
}

void dc_connection_state::close_wire() {
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
  ++attempt;
  const auto pause = wait ? *wait : waits->take(*services.random);
  log::info("dc_connection", "dc {}: {}; again in {} ms", setup.dc, to_string(why), pause.count());
  phase_deadline = deadline_of_wait(pause);
  enter(connection_phase::waiting, to_string(why));
  schedule(now());
}

/// Without a key to use or to make there is nothing to connect for.
steady_time dc_connection_state::deadline_of_wait(milliseconds pause) const {
  return line->has_work() ? now() + pause : steady_time::max();
}

void dc_connection_state::received(const bytes_received& read) {
  if (!wire || self->current_sender() != wire) {
    return;
  }
  const auto size = read.data->size();
  line->receive(as_bytes(std::string_view{read.data->data(), size}), now(),
                services.clock->wall_now());
  self->send(wire, bytes_consumed{size});
  if (line->proven()) {
    // Not before: a server that makes keys and knows none of them is not to be stormed.
    waits->reset();
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

void dc_connection_state::enter(connection_phase to, std::string detail) {
  phase = to;
  progress(to_string(to), detail);
  self->send(owner, connection_report{setup.dc, to, std::move(detail)});
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

// -- calls --------------------------------------------------------------------------------------

void dc_connection_state::submit(const submit_call& call) {
  if (calls.try_emplace(call.id, call).second) {
    waiting.push_back(call.id);
    pump();
  }
}

void dc_connection_state::drop(call_id id) {
  if (calls.erase(id) == 0) {
    return;
  }
  // Without a network nothing else would take it out, however long that lasts.
  std::erase(waiting, id);
  line->cancel(protocol::request_id{id});
  pump();
}

void dc_connection_state::give_calls() {
  while (phase == connection_phase::ready && line->ready() && !waiting.empty() &&
         line->session().under_way() < max_under_way) {
    const auto found = calls.find(waiting.front());
    waiting.pop_front();
    if (found == calls.end()) {
      continue;
    }
    const auto& [id, call] = *found;
    auto body = call.without_updates ? without_updates(*call.function) : *call.function;
    protocol::request_options options;
    options.may_repeat = call.may_repeat;
    options.gzip = call.gzip;
    auto taken = line->session().submit(protocol::request_id{id}, std::move(body), options);
    if (!taken) {
      settle(id, nullptr, std::move(taken.error()));
    }
  }
}

void dc_connection_state::settle(call_id id, shared_bytes result, error failure) {
  if (calls.erase(id) > 0) {
    self->send(owner, call_settled{id, std::move(result), std::move(failure)});
  }
}

void dc_connection_state::answered(protocol::request_answered& event) {
  const auto id = static_cast<call_id>(event.id);
  if (calls.contains(id)) {
    settle(id, std::make_shared<const bytes>(std::move(event.body)), {});
  }
}

void dc_connection_state::failed(protocol::request_failed& event) {
  settle(static_cast<call_id>(event.id), nullptr, std::move(event.why));
}

void dc_connection_state::released(std::vector<protocol::released_request> requests) {
  for (const auto& one : requests) {
    const auto id = static_cast<call_id>(one.id);
    if (one.may_have_run && !one.options.may_repeat) {
      settle(id, nullptr,
             error::make(errc::unknown_outcome, "the session ended before the answer came"));
    } else {
      waiting.push_back(id);
    }
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

template <class Report>
void dc_connection_state::report_key(Report what) {
  ++reports;
  self->send(owner, std::move(what));
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
  schedule(at);
}

void dc_connection_state::flush(steady_time at) {
  if (!wire || in_flight >= transport_high_water) {
    return;
  }
  auto output = line->take_output(transport_high_water - in_flight, at);
  if (!output.empty()) {
    in_flight += output.size();
    self->send(wire, bytes_to_send{std::make_shared<const bytes>(std::move(output))});
  }
}

void dc_connection_state::take(line_event event) {
  if (auto* one = std::get_if<protocol::session_event>(&event)) {
    take(std::move(*one));
  } else if (const auto* word = std::get_if<line_refused>(&event)) {
    refused(*word);
  } else if (const auto* broken = std::get_if<line_broken>(&event)) {
    lost(broken->why);
  } else if (auto* back = std::get_if<line_released>(&event)) {
    released(std::move(back->requests));
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
    self->send(owner, raw_updates{std::make_shared<const bytes>(std::move(update->body))});
  } else if (std::holds_alternative<protocol::server_session_created>(event)) {
    self->send(owner, updates_suspect{"the server has a new session"});
  } else if (const auto* changed = std::get_if<protocol::salt_changed>(&event)) {
    self->send(owner, key_salt{setup.dc, line->session().key().id(),
                               static_cast<std::int64_t>(changed->salt)});
  } else if (std::holds_alternative<protocol::key_destroyed>(event)) {
    report_key(key_news{.dc = setup.dc, .what = key_news::kind::destroyed, .why = {}});
  } else if (const auto* reconnect = std::get_if<protocol::must_reconnect>(&event)) {
    lost(reconnect->why);
  }
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
  const auto wanted = wire ? std::min(phase_deadline, line->next_deadline()) : phase_deadline;
  ticks.set(self, wanted, at);
}

void dc_connection_state::tick(std::uint64_t number) {
  if (!ticks.rings(number)) {
    return;
  }
  const auto at = now();
  if (at >= phase_deadline && phase == connection_phase::waiting) {
    connect();
  }
  if (wire) {
    line->poll(at);
  }
  pump();
}

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
          self->state.waits->reset();
          self->state.connect();
        }
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
