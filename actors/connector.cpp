#include <cafegram/actors/connect_attempt.hpp>
#include <cafegram/actors/connector.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/time_budget.hpp>
#include <cafegram/crypto/secure.hpp>

#include <caf/all.hpp>
#include <caf/io/middleman.hpp>

#include <algorithm>
#include <deque>
#include <list>
#include <poll.h>
#include <utility>

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
  connect_request asked;
  steady_time begins_by;
  steady_time deadline;            ///< once it has begun
  std::vector<endpoint> addresses; ///< to connect to, none tried yet
  std::vector<endpoint> targets;   ///< behind a proxy; empty: the addresses themselves
  std::deque<connect_step> candidates;
  std::size_t lookups = 0;
  std::list<connect_attempt> attempts;
  steady_time next_start;
  std::string failures;
  error last_refusal; ///< of a proxy
  bool settled = false;

  bool exhausted() const { return candidates.empty() && lookups == 0 && attempts.empty(); }
  void note(const error& why) {
    failures += (failures.empty() ? "" : "; ") + why.what;
    if (why.code == errc::proxy) {
      last_refusal = why;
    }
  }
};

caf::error too_many() {
  return to_caf(error::make(errc::limit, "too many connections are being opened"));
}

struct connector_state {
  explicit connector_state(connector_actor::pointer owner)
    : self{owner} {}

  connector_actor::pointer self;
  resolver_maker make_resolver;
  resolver_actor resolver;
  std::shared_ptr<random_source> random = crypto::system_random();
  std::list<connect_job> active;
  std::deque<connect_job> waiting;
  std::uint64_t next_id = 1;
  bool polling = false;

  ~connector_state();
  void watch_resolver();
  caf::typed_response_promise<connected> accept(const connect_request& request);
  void begin(connect_job& job);
  void add_addresses(connect_job& job, const std::vector<endpoint>& more);
  result<connect_attempt> start_attempt(const connect_job& job, const connect_step& step);
  void look_up(connect_job& job, const endpoint& name);
  void take_addresses(std::uint64_t id, std::uint16_t port, const resolved& found);
  void take_lookup_failure(std::uint64_t id, const error& why);
  connect_job* find(std::uint64_t id);
  void schedule();
  void poll();
  void start_attempts(steady_time now);
  void wait_for_sockets(steady_time now);
  void check_attempts(connect_job& job, const std::vector<pollfd>& ready) const;
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
  resolver = make_resolver(self->system());
  self->monitor(resolver);
}

caf::typed_response_promise<connected> connector_state::accept(const connect_request& request) {
  auto promise = self->make_response_promise<connected>();
  if (request.candidates.empty()) {
    promise.deliver(to_caf(error::make(errc::bad_argument, "no address to connect to")));
    return promise;
  }
  if (waiting.size() >= max_waiting) {
    promise.deliver(too_many());
    return promise;
  }
  connect_job job;
  job.id = next_id++;
  job.promise = promise;
  job.asked = request;
  job.begins_by = later(std::chrono::steady_clock::now(), request.patience);
  waiting.push_back(std::move(job));
  schedule();
  return promise;
}

void connector_state::begin(connect_job& job) {
  const auto now = std::chrono::steady_clock::now();
  job.deadline = now + job.asked.timeout;
  job.next_start = now;
  auto given = job.asked.candidates;
  if (const auto& proxy = job.asked.proxy) {
    if (proxy->kind != proxy_kind::mtproxy) {
      job.targets = std::move(given);
    }
    given = {{proxy->host, proxy->port}};
  }
  std::vector<endpoint> known;
  for (const auto& one : given) {
    if (is_numeric_address(one.host)) {
      known.push_back(one);
    } else {
      look_up(job, one);
    }
  }
  add_addresses(job, known);
}

/// What is not under way yet is put into its order anew.
void connector_state::add_addresses(connect_job& job, const std::vector<endpoint>& more) {
  if (job.targets.empty()) {
    for (auto& left : job.candidates) {
      job.addresses.push_back(std::move(left.address));
    }
    job.candidates.clear();
  }
  job.addresses.insert(job.addresses.end(), more.begin(), more.end());
  const auto steps = plan_steps(std::exchange(job.addresses, {}), job.targets, job.asked.ip);
  job.candidates.insert(job.candidates.end(), steps.begin(), steps.end());
  if (!more.empty() && steps.empty()) {
    job.note(error::make(errc::network, "no address is of the family that the options allow"));
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
    std::vector<endpoint> more;
    more.reserve(found.addresses.size());
    for (const auto& address : found.addresses) {
      more.push_back({address, port});
    }
    add_addresses(*job, more);
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
      const auto step = std::move(job.candidates.front());
      job.candidates.pop_front();
      auto attempt = start_attempt(job, step);
      if (attempt) {
        job.attempts.push_back(*std::move(attempt));
        job.next_start = now + stagger;
      } else {
        job.note(attempt.error());
      }
    }
  }
}

result<connect_attempt> connector_state::start_attempt(const connect_job& job,
                                                       const connect_step& step) {
  const auto now = std::chrono::system_clock::now() +
                   std::chrono::duration_cast<wall_time::duration>(job.asked.clock_offset);
  const auto& to = step.target;
  std::unique_ptr<protocol::tunnel> talk;
  if (job.asked.proxy) {
    auto made = protocol::make_tunnel(*job.asked.proxy, {to.host, to.port, address_octets(to.host)},
                                      *random, now);
    if (!made) {
      return std::unexpected(std::move(made.error()));
    }
    talk = *std::move(made);
  }
  const auto& disguised = job.asked.disguised;
  if (const auto found = std::ranges::find(disguised, to, &disguised_address::where);
      found != disguised.end()) {
    talk = protocol::through(std::move(talk),
                             protocol::make_fake_tls_tunnel(found->secret, *random, now));
  }
  return connect_attempt::start(step, std::move(talk));
}

void connector_state::wait_for_sockets(steady_time now) {
  std::vector<pollfd> sockets;
  for (const auto& job : active) {
    for (const auto& attempt : job.attempts) {
      sockets.push_back({attempt.fd(), attempt.awaited(), 0});
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

void connector_state::check_attempts(connect_job& job, const std::vector<pollfd>& ready) const {
  for (auto attempt = job.attempts.begin(); attempt != job.attempts.end();) {
    const auto found = std::ranges::find(ready, attempt->fd(), &pollfd::fd);
    if (found == ready.end() || found->revents == 0) {
      ++attempt;
      continue;
    }
    const auto open = attempt->advance();
    if (open && *open) {
      finish(job, *attempt);
      return;
    }
    if (open) {
      ++attempt;
      continue;
    }
    // The next one need not wait for its turn.
    job.note(open.error());
    job.next_start = {};
    attempt = job.attempts.erase(attempt);
  }
}

void connector_state::finish(connect_job& job, connect_attempt& winner) const {
  auto& backend = self->system().middleman().backend();
  job.promise.deliver(connected{backend.new_scribe(winner.release()), winner.target()});
  job.attempts.clear();
  job.settled = true;
}

void connector_state::give_up_late(steady_time now) {
  while (!waiting.empty() && waiting.front().begins_by <= now) {
    waiting.front().promise.deliver(too_many());
    waiting.pop_front();
  }
  for (auto& job : active) {
    if (job.settled || (!job.exhausted() && now < job.deadline)) {
      continue;
    }
    if (!job.exhausted()) {
      job.note(error::make(errc::deadline, "no answer within " +
                                               std::to_string(job.asked.timeout.count()) + " ms"));
    }
    const auto& refusal = job.last_refusal;
    const auto code = refusal.code == errc::none ? errc::network : refusal.code;
    job.promise.deliver(
        to_caf(error::make(code, "cannot connect: " + job.failures, refusal.number)));
    job.attempts.clear();
    job.settled = true;
  }
}

connector_actor::behavior_type connector(connector_actor::stateful_pointer<connector_state> self,
                                         resolver_maker make) {
  self->state.make_resolver = std::move(make);
  self->state.watch_resolver();
  self->set_down_handler([self](const caf::down_msg&) { self->state.watch_resolver(); });
  return {
      [self](const connect_request& request) { return self->state.accept(request); },
      [self](poll_atom) { self->state.poll(); },
  };
}

} // namespace

connector_actor spawn_connector(caf::actor_system& system, resolver_maker make) {
  return system.spawn<caf::detached>(connector, std::move(make));
}

} // namespace cafegram
