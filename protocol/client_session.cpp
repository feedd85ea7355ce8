#include <cafegram/protocol/client_state.hpp>
#include <cafegram/protocol/gzip.hpp>
#include <cafegram/protocol/protections.hpp>

#include <algorithm>
#include <utility>

namespace cafegram::protocol {
namespace {

/// A state question that was not answered is asked again.
constexpr auto question_patience = std::chrono::seconds{15};
/// A server that wants a new session again and again is given up before that many.
constexpr std::size_t most_left_sessions = 16;
/// How far ahead of server time an id may be; a server that refused one refused all beyond this.
constexpr auto accepted_future = std::chrono::seconds{30};

steady_time after(steady_time now, duration by) {
  return now + std::chrono::duration_cast<steady_time::duration>(by);
}

error unknown_outcome(std::string_view why) {
  return error::make(errc::unknown_outcome, std::string{why} + "; the request may have run");
}

} // namespace

client_session::state::state(auth_key k, salt_list s, server_clock c,
                             std::shared_ptr<random_source> r, session_options o)
  : key{std::move(k)}
  , salts{std::move(s)}
  , clock{c}
  , random{std::move(r)}
  , options{o}
  , session_id{random->integer<std::uint64_t>()} {}

result<void> client_session::state::submit(request_id id, shared_bytes body,
                                           const request_options& o) {
  if (body->empty() || body->size() % 4 != 0) {
    return fail(errc::bad_argument, "a request has whole words",
                static_cast<std::int64_t>(body->size()));
  }
  if (requests.contains(id)) {
    return fail(errc::bad_argument, "this request id is under way already");
  }
  if (o.after.size() > max_requests_before) {
    return fail(errc::bad_argument, "a request waits for too many others",
                static_cast<std::int64_t>(o.after.size()));
  }
  if (requests.size() >= options.max_requests) {
    return fail(errc::limit, "too many requests are under way",
                static_cast<std::int64_t>(options.max_requests));
  }
  if (body->size() > options.max_unpacked) {
    return fail(errc::limit, "a request is too long, compressed or not",
                static_cast<std::int64_t>(body->size()));
  }
  if (o.gzip && body->size() > gzip_from) {
    if (auto packed = gzip_pack(*body)) {
      body = *std::move(packed);
    }
  }
  if (body->size() > max_request_octets) {
    return fail(errc::limit, "a request is too long for one message",
                static_cast<std::int64_t>(body->size()));
  }
  requests.add(id, std::move(body), o);
  return {};
}

/// Ends a request for its caller. What the server has of it already, it is told to drop.
void client_session::state::cancel(request_id id, error why) {
  const auto* which = requests.find(id);
  if (which == nullptr) {
    return;
  }
  if (which->now != request::phase::waiting && due.drops.size() < options.max_requests) {
    due.drops.push_back(which->name);
  }
  fail_request(id, std::move(why));
}

void client_session::state::settle(request_id id, session_event with) {
  requests.take(id);
  events.emplace_back(std::move(with));
}

void client_session::state::fail_request(request_id id, error why) {
  settle(id, request_failed{.id = id, .why = std::move(why)});
}

bool client_session::state::one_more_refusal(request& which, std::string_view why) {
  if (++which.refusals <= options.max_resends) {
    return true;
  }
  fail_request(which.id, error::make(errc::protocol_violation,
                                     "refused again and again: " + std::string{why}));
  return false;
}

void client_session::state::send_again(request& which, std::string_view why) {
  if (one_more_refusal(which, why)) {
    ++counters.resends;
    requests.wait(which);
  }
}

void client_session::state::break_off(errc code, std::string why) {
  if (!broken) {
    broken = true;
    events.emplace_back(must_reconnect{.why = error::make(code, std::move(why))});
  }
}

void client_session::state::connect(steady_time now, bool over_padded) {
  if (connected) {
    disconnect();
  }
  connected = true;
  padded = over_padded;
  introduced = false;
  if (++connection > 1) {
    clock.doubt(); // the machine may have slept, and its steady clock with it
  }
  due.ping = true; // the server learns of the session, and pushes updates to it
  next_ping = after(now, options.ping_interval);
  for (auto* which : requests.all(request::phase::sent)) {
    if constexpr (!protections::state_question) {
      requests.wait(*which);
      continue;
    }
    which->now = request::phase::asked;
    which->answer_by.reset();
    which->answer_asked = 0;
  }
  due.questions.clear();
  for (const auto* which : requests.all(request::phase::asked)) {
    due.questions.push_back(which->name);
  }
}

void client_session::state::disconnect() {
  connected = false;
  broken = false;
  left_sessions.clear();
  ping_sent.reset();
  ping_stuck.reset();
  question_sent.reset();
  salts_asked.reset();
  answers_by.reset();
  next_ping = steady_time::max();
  services.clear();
  tokens.clear();
  service_refusals = 0;
  // Acknowledgements stay: what they are for is sent again unless it is acknowledged.
  auto acks = std::exchange(due.acks, {});
  const auto acks_by = due.acks_by;
  const bool destroy = due.destroy;
  due = {};
  due.acks = std::move(acks);
  due.acks_by = acks_by;
  due.destroy = destroy;
  due.bind = unbound();
}

void client_session::state::poll(steady_time now) {
  while (const auto late = requests.past_deadline(now)) {
    cancel(*late, error::make(errc::deadline, "no answer within the request's time"));
  }
  if (!connected || broken) {
    return;
  }
  if (ping_sent && now >= after(*ping_sent, options.dead_after)) {
    return break_off(errc::network, "nothing was received after a ping: the connection is dead");
  }
  if (ping_stuck && now >= after(*ping_stuck, options.dead_after)) {
    return break_off(errc::network, "nothing goes out and nothing comes: the connection is dead");
  }
  if (now >= next_ping) {
    due.ping = true;
    ping_stuck = ping_stuck.value_or(now);
    next_ping = after(now, options.ping_interval);
  }
  if (question_sent && now >= after(*question_sent, question_patience)) {
    question_sent.reset();
    due.questions.clear();
    for (const auto* which : requests.all(request::phase::asked)) {
      due.questions.push_back(which->name);
    }
  }
  chase_answers(now);
}

steady_time client_session::state::next_deadline() const {
  auto next = requests.next_deadline().value_or(steady_time::max());
  if (!connected || broken) {
    return next;
  }
  next = std::min(next, next_ping);
  for (const auto since : {ping_sent, ping_stuck}) {
    if (since) {
      next = std::min(next, after(*since, options.dead_after));
    }
  }
  if (question_sent) {
    next = std::min(next, after(*question_sent, question_patience));
  }
  next = std::min(next, answers_by.value_or(steady_time::max()));
  return std::min(next, due.acks_by.value_or(steady_time::max()));
}

/// A new session id, for the server refused the old one's numbering. `refused`: messages that the
/// server said it did not take.
void client_session::state::replace_session(steady_time now, const std::vector<msg_id>& refused) {
  const auto horizon = clock.unix_time(now) + accepted_future;
  auto open = requests.all(request::phase::sent);
  const auto asked = requests.all(request::phase::asked);
  open.insert(open.end(), asked.begin(), asked.end());
  for (auto* which : open) {
    const bool not_taken =
        std::ranges::find(refused, which->name) != refused.end() || time_of(which->outer) > horizon;
    if (not_taken) {
      send_again(*which, "session numbering");
    } else {
      resend_or_give_up(*which, "the session was lost before the answer came");
    }
  }
  requests.forget_names();
  introduced = false;
  proven = 0;
  // Several may be left before the answers to what was said in the first have come.
  left_sessions.push_back(session_id);
  if (left_sessions.size() > most_left_sessions) {
    left_sessions.pop_front();
  }
  session_id = random->integer<std::uint64_t>();
  source.reset();
  content_count = 0;
  received.clear();
  created.clear();
  services.clear();
  containers.clear();
  tokens.clear();
  question_sent.reset();
  salts_asked.reset();
  answers_by.reset();
  const bool destroy = due.destroy;
  due = {};
  due.destroy = destroy;
  due.bind = unbound();
  due.ping = true;
  events.emplace_back(session_replaced{.session_id = session_id});
}

void client_session::state::resend_or_give_up(request& which, std::string_view why) {
  if (which.options.may_repeat) {
    ++counters.resends;
    requests.wait(which);
  } else {
    fail_request(which.id, unknown_outcome(why));
  }
}

std::vector<released_request> client_session::state::release() {
  std::vector<released_request> out;
  for (const auto phase : {request::phase::sent, request::phase::asked, request::phase::waiting}) {
    for (const auto* which : requests.all(phase)) {
      auto taken = requests.take(which->id);
      out.push_back({.id = taken.id,
                     .body = std::move(taken.body),
                     .options = taken.options,
                     .may_have_run = phase != request::phase::waiting});
    }
  }
  return out;
}

// -- the public face -------------------------------------------------------------------------

client_session::client_session(auth_key key, salt_list salts, server_clock clock,
                               std::shared_ptr<random_source> random, session_options options)
  : state_{std::make_unique<state>(std::move(key), std::move(salts), clock, std::move(random),
                                   options)} {}
client_session::client_session(client_session&&) noexcept = default;
client_session& client_session::operator=(client_session&&) noexcept = default;
client_session::~client_session() = default;

result<void> client_session::submit(request_id id, shared_bytes body,
                                    const request_options& options) {
  return state_->submit(id, std::move(body), options);
}

void client_session::cancel(request_id id) {
  state_->cancel(id, error::make(errc::cancelled, "the caller gave the request up"));
}

void client_session::introduce_with(bytes prefix) {
  state_->prefix = std::move(prefix);
  state_->introduced = false;
}

void client_session::bind_to(auth_key permanent, std::int32_t expires_at, bool is_bound) {
  state_->bind_to(std::move(permanent), expires_at, is_bound);
}

void client_session::destroy_key() {
  state_->due.destroy = true;
}

void client_session::connected(steady_time now, bool padded) {
  state_->connect(now, padded);
}

void client_session::disconnected() {
  state_->disconnect();
}

void client_session::heard() {
  state_->ping_sent.reset();
  state_->ping_stuck.reset();
}

void client_session::drained() {
  state_->ping_stuck.reset();
}

void client_session::receive(std::span<const mutable_bytes_view> packets, steady_time now) {
  state_->receive(packets, now);
}

void client_session::quick_acked(std::uint32_t token) {
  auto& tokens = state_->tokens;
  const auto found =
      std::ranges::find(tokens, token, [](const auto& entry) { return entry.first; });
  if (found == tokens.end()) {
    return;
  }
  for (const auto id : found->second) {
    if (state_->requests.contains(id)) {
      state_->events.emplace_back(request_received{.id = id});
    }
  }
  tokens.erase(found);
}

void client_session::poll(steady_time now) {
  state_->poll(now);
}

steady_time client_session::next_deadline() const {
  return state_->next_deadline();
}

bool client_session::take_packets(std::vector<outgoing_packet>& out, steady_time now,
                                  std::size_t max) {
  return state_->take_packets(out, now, max);
}

std::optional<session_event> client_session::next_event() {
  return state_->events.take();
}

std::vector<released_request> client_session::release() {
  return state_->release();
}

std::uint64_t client_session::session_id() const {
  return state_->session_id;
}

const auth_key& client_session::key() const {
  return state_->key;
}

const server_clock& client_session::clock() const {
  return state_->clock;
}

const salt_list& client_session::salts() const {
  return state_->salts;
}

std::size_t client_session::under_way() const {
  return state_->requests.size();
}

const session_counters& client_session::counters() const {
  return state_->counters;
}

} // namespace cafegram::protocol
