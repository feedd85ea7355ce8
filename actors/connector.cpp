#include <cafegram/actors/connect_attempt.hpp>
#include <cafegram/actors/connector.hpp>
#include <cafegram/actors/errors.hpp>

#include <caf/all.hpp>
#include <caf/io/middleman.hpp>

#include <algorithm>
#include <deque>
#include <list>
#include <poll.h>

namespace cafegram {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds stagger{250};
constexpr milliseconds poll_limit{10};
constexpr std::size_t max_active = 64;
constexpr std::size_t max_waiting = 8192;

/// One request on its way: candidates not tried yet, and attempts under way.
struct connect_job {
  std::uint64_t id = 0;
  caf::typed_response_promise<connected> promise;
  steady_time deadline;
  milliseconds timeout{};
  std::deque<endpoint> candidates;
  std::size_t lookups = 0;
  std::list<connect_attempt> attempts;
  steady_time next_start;
  std::string failures;
  bool settled = false;

  bool exhausted() const { return candidates.empty() && lookups == 0 && attempts.empty(); }
  void note(const error& why) { failures += (failures.empty() ? "" : "; ") + why.what; }
};

struct connector_state {
  explicit connector_state(connector_actor::pointer owner)
    : self{owner} {}

  connector_actor::pointer self;
  resolver_actor resolver;
  std::list<connect_job> active;
  std::deque<connect_job> waiting;
  std::uint64_t next_id = 1;
  bool polling = false;

  ~connector_state();
  void watch_resolver();
  caf::typed_response_promise<connected> accept(const connect_request& request);
  void begin(connect_job& job);
  void look_up(connect_job& job, const endpoint& name);
  void take_addresses(std::uint64_t id, std::uint16_t port, const resolved& found);
  void take_lookup_failure(std::uint64_t id, const error& why);
  connect_job* find(std::uint64_t id);
  void schedule();
  void poll();
  void start_attempts(steady_time now);
  void wait_for_sockets(steady_time now);
  void check_attempts(connect_job& job, const std::vector<pollfd>& ready);
  void finish(connect_job& job, connect_attempt& winner) const;
  void give_up_late(steady_time now);
};

connector_state::~connector_state() {
  const auto why = to_caf(error::make(errc::cancelled, "the connector has stopped"));
  for (auto* jobs : {&waiting}) {
    for (auto& job : *jobs) {
      job.promise.deliver(why);
    }
  }
  for (auto& job : active) {
    if (!job.settled) {
      job.promise.deliver(why);
    }
  }
  caf::anon_send_exit(resolver, caf::exit_reason::user_shutdown);
}

void connector_state::watch_resolver() {
  resolver = spawn_resolver(self->system());
  self->monitor(resolver);
}

caf::typed_response_promise<connected> connector_state::accept(const connect_request& request) {
  auto promise = self->make_response_promise<connected>();
  if (request.candidates.empty()) {
    promise.deliver(to_caf(error::make(errc::bad_argument, "no address to connect to")));
    return promise;
  }
  if (waiting.size() >= max_waiting) {
    promise.deliver(to_caf(error::make(errc::limit, "too many connections are being opened")));
    return promise;
  }
  connect_job job;
  job.id = next_id++;
  job.promise = promise;
  job.timeout = request.timeout;
  job.candidates.assign(request.candidates.begin(), request.candidates.end());
  waiting.push_back(std::move(job));
  schedule();
  return promise;
}

void connector_state::begin(connect_job& job) {
  const auto now = std::chrono::steady_clock::now();
  job.deadline = now + job.timeout;
  job.next_start = now;
  std::deque<endpoint> given;
  given.swap(job.candidates);
  for (auto& candidate : given) {
    if (is_numeric_address(candidate.host)) {
      job.candidates.push_back(std::move(candidate));
    } else {
      look_up(job, candidate);
    }
  }
}

void connector_state::look_up(connect_job& job, const endpoint& name) {
  ++job.lookups;
  self->request(resolver, caf::infinite, resolve_request{name.host})
      .then([this, id = job.id,
             port = name.port](const resolved& found) { take_addresses(id, port, found); },
            [this, id = job.id](const caf::error& why) { take_lookup_failure(id, to_error(why)); });
}

void connector_state::take_addresses(std::uint64_t id, std::uint16_t port, const resolved& found) {
  if (auto* job = find(id)) {
    --job->lookups;
    for (const auto& address : found.addresses) {
      job->candidates.push_back({address, port});
    }
  }
}

void connector_state::take_lookup_failure(std::uint64_t id, const error& why) {
  if (auto* job = find(id)) {
    --job->lookups;
    job->note(why);
  }
}

connect_job* connector_state::find(std::uint64_t id) {
  const auto at = std::ranges::find(active, id, &connect_job::id);
  return at == active.end() ? nullptr : &*at;
}

void connector_state::schedule() {
  if (!polling) {
    polling = true;
    self->send(self, poll_atom_v);
  }
}

void connector_state::poll() {
  polling = false;
  while (!waiting.empty() && active.size() < max_active) {
    active.push_back(std::move(waiting.front()));
    waiting.pop_front();
    begin(active.back());
  }
  const auto now = std::chrono::steady_clock::now();
  start_attempts(now);
  wait_for_sockets(now);
  give_up_late(std::chrono::steady_clock::now());
  std::erase_if(active, [](const connect_job& job) { return job.settled; });
  if (!active.empty() || !waiting.empty()) {
    schedule();
  }
}

void connector_state::start_attempts(steady_time now) {
  for (auto& job : active) {
    while (!job.candidates.empty() && (job.attempts.empty() || now >= job.next_start)) {
      auto attempt = connect_attempt::start(job.candidates.front());
      job.candidates.pop_front();
      if (attempt) {
        job.attempts.push_back(*std::move(attempt));
        job.next_start = now + stagger;
      } else {
        job.note(attempt.error());
      }
    }
  }
}

void connector_state::wait_for_sockets(steady_time now) {
  std::vector<pollfd> sockets;
  for (const auto& job : active) {
    for (const auto& attempt : job.attempts) {
      sockets.push_back({attempt.fd(), POLLOUT, 0});
    }
  }
  // This thread is the connector's own: it may wait, but not so long that requests pile up.
  const bool failing = std::ranges::any_of(
      active, [now](const connect_job& job) { return job.exhausted() || job.deadline <= now; });
  ::poll(sockets.data(), sockets.size(), failing ? 0 : static_cast<int>(poll_limit.count()));
  for (auto& job : active) {
    check_attempts(job, sockets);
  }
}

void connector_state::check_attempts(connect_job& job, const std::vector<pollfd>& ready) {
  for (auto attempt = job.attempts.begin(); attempt != job.attempts.end();) {
    const auto found = std::ranges::find(ready, attempt->fd(), &pollfd::fd);
    if (found == ready.end() || found->revents == 0) {
      ++attempt;
      continue;
    }
    if (const auto outcome = attempt->outcome(); !outcome) {
      job.note(outcome.error());
      attempt = job.attempts.erase(attempt);
      continue;
    }
    finish(job, *attempt);
    return;
  }
}

void connector_state::finish(connect_job& job, connect_attempt& winner) const {
  auto& backend = self->system().middleman().backend();
  job.promise.deliver(connected{backend.new_scribe(winner.release()), winner.to()});
  job.attempts.clear();
  job.settled = true;
}

void connector_state::give_up_late(steady_time now) {
  for (auto& job : active) {
    if (job.settled || (!job.exhausted() && now < job.deadline)) {
      continue;
    }
    if (!job.exhausted()) {
      job.note(error::make(errc::deadline,
                           "no answer within " + std::to_string(job.timeout.count()) + " ms"));
    }
    job.promise.deliver(to_caf(error::make(errc::network, "cannot connect: " + job.failures)));
    job.attempts.clear();
    job.settled = true;
  }
}

connector_actor::behavior_type connector(connector_actor::stateful_pointer<connector_state> self) {
  self->state.watch_resolver();
  self->set_down_handler([self](const caf::down_msg&) { self->state.watch_resolver(); });
  return {
      [self](const connect_request& request) { return self->state.accept(request); },
      [self](poll_atom) { self->state.poll(); },
  };
}

} // namespace

connector_actor spawn_connector(caf::actor_system& system) {
  return system.spawn<caf::detached>(connector);
}

} // namespace cafegram
