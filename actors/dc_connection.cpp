#include <cafegram/actors/alarm.hpp>
#include <cafegram/actors/backoff.hpp>
#include <cafegram/actors/dc_connection.hpp>
#include <cafegram/actors/dc_line.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/transport.hpp>
#include <cafegram/base/log.hpp>

#include <caf/all.hpp>

#include <deque>
#include <map>

namespace cafegram {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t max_under_way = 2048;
constexpr int max_init_retries = 3;
constexpr milliseconds flood_least{1'000};
constexpr milliseconds flood_most{60'000};

struct pending_call {
  submit_call call;
  std::uint64_t wrapped_on = 0; ///< the attempt whose first calls it was among
  int init_retries = 0;
};

struct dc_connection_state {
  explicit dc_connection_state(dc_connection_actor::pointer actor)
    : self{actor} {}
  ~dc_connection_state() { close_wire(); }

  dc_connection_actor::pointer self;
  runtime::services services;
  connection_setup setup;
  connection_owner_actor owner;

  std::optional<dc_line> line;
  transport_actor wire;
  connection_phase phase = connection_phase::waiting;
  std::uint64_t attempt = 0;
  std::optional<backoff> waits;
  backoff flood_waits{flood_least, flood_most};
  steady_time phase_deadline = steady_time::max();
  std::uint64_t messages_seen = 0;
  std::size_t in_flight = 0;
  bool initialised = false;

  std::map<call_id, pending_call> calls;
  std::deque<call_id> waiting;

  alarm ticks;

  steady_time now() const { return services.clock->steady_now(); }

  // -- the socket
  void start();
  void connect();
  void opened(std::uint64_t which, const connected& socket);
  void close_wire();
  void lost(const error& why, std::optional<milliseconds> wait = {});
  void received(const bytes_received& read);
  void drained(std::size_t count);
  void enter(connection_phase to, std::string detail);
  void progress(std::string_view step, std::string_view detail) const;

  // -- calls
  void submit(const submit_call& call);
  void drop(call_id id);
  void give_calls();
  void settle(call_id id, shared_bytes result, error failure);
  void answered(protocol::request_answered& event);
  void failed(protocol::request_failed& event);
  void note_initialised(const pending_call& call);
  void give_up_key();

  // -- the line's events
  void pump();
  void flush(steady_time at);
  void take(line_event event);
  void take(protocol::session_event event);
  void take(line_key_made& event);
  void refused(const line_refused& event);
  void salt(std::uint64_t value);

  // -- time
  void schedule(steady_time at);
  void tick(std::uint64_t number);
};

// -- the socket ---------------------------------------------------------------------------------

void dc_connection_state::start() {
  const auto& timing = setup.profile->timing;
  waits.emplace(timing.reconnect_min, timing.reconnect_max);
  line.emplace(setup, services.random, services.primes);
  connect();
}

void dc_connection_state::connect() {
  const auto which = ++attempt;
  phase_deadline = steady_time::max();
  enter(connection_phase::connecting, to_string(setup.addresses.front()));
  self->request(services.connector, caf::infinite,
                connect_request{setup.addresses, setup.profile->timing.connect_timeout})
      .then([this, which](const connected& socket) { opened(which, socket); },
            [this, which](const caf::error& why) {
              if (which == attempt) {
                lost(to_error(why));
              }
            });
}

void dc_connection_state::opened(std::uint64_t which, const connected& socket) {
  if (which != attempt || phase != connection_phase::connecting) {
    return;
  }
  progress("connected", to_string(socket.peer));
  wire = spawn_transport(self->system(), socket.socket, self);
  self->monitor(wire);
  in_flight = 0;
  initialised = false;
  line->opened(now(), services.clock->wall_now());
  if (line->ready()) {
    messages_seen = line->session().counters().messages_in;
    enter(connection_phase::ready, "session continued");
    if (which > 1) {
      self->send(owner, updates_suspect{"connected again"});
    }
  } else {
    enter(connection_phase::exchanging, {});
    phase_deadline = now() + setup.profile->timing.handshake_timeout;
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
  line->closed();
  ++attempt;
  const auto pause = wait ? *wait : waits->take(*services.random);
  log::info("dc_connection", "dc {}: {}; again in {} ms", setup.dc, to_string(why), pause.count());
  phase_deadline = now() + pause;
  enter(connection_phase::waiting, to_string(why));
  schedule(now());
}

void dc_connection_state::received(const bytes_received& read) {
  if (!wire || self->current_sender() != wire) {
    return;
  }
  const auto size = read.data->size();
  line->receive(as_bytes(std::string_view{read.data->data(), size}), now(),
                services.clock->wall_now());
  self->send(wire, bytes_consumed{size});
  if (line->ready() && line->session().counters().messages_in != messages_seen) {
    messages_seen = line->session().counters().messages_in;
    waits->reset();
    flood_waits.reset();
  }
  pump();
}

void dc_connection_state::drained(std::size_t count) {
  if (wire && self->current_sender() == wire) {
    in_flight -= std::min(count, in_flight);
    if (line->ready()) {
      line->session().drained();
    }
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

// -- calls --------------------------------------------------------------------------------------

void dc_connection_state::submit(const submit_call& call) {
  if (calls.try_emplace(call.id, pending_call{call}).second) {
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
  if (line->ready()) {
    line->session().cancel(protocol::request_id{id});
    pump();
  }
}

void dc_connection_state::give_calls() {
  while (phase == connection_phase::ready && !waiting.empty() &&
         line->session().under_way() < max_under_way) {
    const auto found = calls.find(waiting.front());
    waiting.pop_front();
    if (found == calls.end()) {
      continue;
    }
    auto& [id, call] = *found;
    bytes body;
    if (!initialised) {
      // Until one of them is answered nobody knows which the server sees first.
      body = setup.profile->first_call_prefix;
      call.wrapped_on = attempt;
    }
    append(body, *call.call.function);
    protocol::request_options options;
    options.may_repeat = call.call.may_repeat;
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
  if (const auto found = calls.find(id); found != calls.end()) {
    note_initialised(found->second);
    settle(id, std::make_shared<const bytes>(std::move(event.body)), {});
  }
}

void dc_connection_state::failed(protocol::request_failed& event) {
  const auto id = static_cast<call_id>(event.id);
  const auto found = calls.find(id);
  if (found == calls.end()) {
    return;
  }
  auto& call = found->second;
  const bool not_initialised =
      event.why.is_rpc("CONNECTION_NOT_INITED") || event.why.is_rpc("CONNECTION_LAYER_INVALID");
  if (not_initialised && call.init_retries < max_init_retries) {
    ++call.init_retries;
    initialised = false;
    waiting.push_front(id);
    return;
  }
  if (event.why.code == errc::rpc && !not_initialised) {
    note_initialised(call);
  }
  settle(id, nullptr, std::move(event.why));
}

void dc_connection_state::note_initialised(const pending_call& call) {
  initialised = initialised || call.wrapped_on == attempt;
}

void dc_connection_state::give_up_key() {
  for (auto& released : line->drop_key()) {
    const auto id = static_cast<call_id>(released.id);
    if (released.may_have_run && !released.options.may_repeat) {
      settle(id, nullptr,
             error::make(errc::unknown_outcome, "the session ended before the answer came"));
    } else {
      waiting.push_back(id);
    }
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
  if (auto* made = std::get_if<line_key_made>(&event)) {
    take(*made);
  } else if (const auto* word = std::get_if<line_refused>(&event)) {
    refused(*word);
  } else if (const auto* broken = std::get_if<line_broken>(&event)) {
    lost(broken->why);
  } else {
    take(std::get<protocol::session_event>(std::move(event)));
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
    salt(changed->salt);
  } else if (const auto* reconnect = std::get_if<protocol::must_reconnect>(&event)) {
    lost(reconnect->why);
  }
}

void dc_connection_state::take(line_key_made& event) {
  setup.key = event.key;
  waits->reset();
  phase_deadline = steady_time::max();
  self->send(owner, std::move(event.key));
  enter(connection_phase::ready, "new key");
}

void dc_connection_state::refused(const line_refused& event) {
  const auto why =
      error::make(errc::transport_error,
                  "the server sent transport error " + std::to_string(event.code), event.code);
  if (event.code == -404 && !event.exchanging && !setup.keep_key) {
    give_up_key();
  }
  if (event.code == -429) {
    lost(why, flood_waits.take(*services.random));
  } else {
    lost(why);
  }
}

void dc_connection_state::salt(std::uint64_t value) {
  if (setup.key) {
    setup.key->salt = static_cast<std::int64_t>(value);
    self->send(owner, *setup.key);
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
  if (at >= phase_deadline) {
    if (phase == connection_phase::waiting) {
      connect();
    } else {
      lost(error::make(errc::deadline, "the key exchange took too long"));
    }
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
      [self](const login_noted& noted) { self->state.setup.keep_key = noted.logged_in; },
      [self](const network_available&) {
        if (self->state.phase == connection_phase::waiting) {
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
