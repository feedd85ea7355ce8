#include <cafegram/actors/client_state.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/method_traits.hpp>
#include <cafegram/actors/policy_guard.hpp>

#include <caf/all.hpp>

#include <algorithm>

// What stands between a call and the pool: the flood gate, the pacer, and the pauses between
// attempts. A call is in one place at a time; `proceed` takes it on from wherever it was.

namespace cafegram {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Also what keeps a server that says FLOOD_WAIT_0 from being asked again and again at once.
constexpr seconds least_flood_wait{1};
constexpr milliseconds most_jitter{255};
/// The deadline of a call is the pool's, which knows why nothing came; so much later one that says
/// nothing is not waited for.
constexpr seconds pool_grace{10};

bool is_flood_wait(const error& why) {
  return why.is_rpc("FLOOD_WAIT") || why.is_rpc("FLOOD_PREMIUM_WAIT") ||
         why.is_rpc("SLOWMODE_WAIT");
}

std::uint32_t method_of(const running_call& call) {
  return tl::reader{*call.request.function}.peek_u32();
}

/// Telegram's error with the method that it is about.
error about(const running_call& call, error why) {
  why.what = std::string{method_name(*call.request.function)};
  return why;
}

} // namespace

void client_state::proceed(std::uint64_t id) {
  auto& call = calls.at(id);
  if (!held_at_gate(id, call) && !held_for_pace(id, call)) {
    send(id);
  }
}

// -- flood limits -------------------------------------------------------------------------------

milliseconds client_state::flood_pause(std::int64_t told) const {
  const seconds wait{std::clamp(told, least_flood_wait.count(), longest_flood_wait.count())};
  return wait + milliseconds{services.random->integer<std::uint8_t>()};
}

milliseconds client_state::threshold_of(const running_call& call) const {
  const auto given =
      call.request.options.flood_wait_threshold.value_or(setup.options.timing.flood_wait_threshold);
  return std::clamp<milliseconds>(given, milliseconds::zero(), longest_flood_wait);
}

gate_ticket client_state::ticket_of(std::uint64_t id, running_call& call) const {
  const auto threshold = threshold_of(call);
  if (call.hold_until == steady_time::max()) {
    call.hold_until = later(now(), std::max(setup.options.flood.longest, threshold) + most_jitter);
  }
  const bool bears_any = threshold > milliseconds::zero();
  return {id, *call.scope,
          bears_any ? std::max<milliseconds>(threshold, least_flood_wait) + most_jitter : threshold,
          call.hold_until};
}

bool client_state::held_at_gate(std::uint64_t id, running_call& call) {
  if (!gate.concerns(method_of(call))) {
    return false;
  }
  if (!call.scope) {
    call.scope = scope_of(*call.request.function);
  }
  switch (gate.arrive(ticket_of(id, call), now())) {
  case gate_verdict::pass:
    return false;
  case gate_verdict::held:
    hold(call, call_place::at_gate);
    return true;
  case gate_verdict::refused:
    ++limits.flood_refused;
    finish(id, std::unexpected(about(call, gate.refusal(*call.scope, now()))));
    return true;
  }
  return false;
}

/// True where the call waits a flood limit out.
bool client_state::waited_out(std::uint64_t id, running_call& call, const error& why) {
  if (!is_flood_wait(why) || !why.rpc->value) {
    return false;
  }
  const auto told = *why.rpc->value;
  const auto threshold = threshold_of(call);
  const bool borne = threshold > milliseconds::zero() && told <= threshold / seconds{1} &&
                     call.waits < setup.options.flood.most_waits;
  if (!call.scope && (borne || gate.concerns(method_of(call)))) {
    call.scope = scope_of(*call.request.function);
  }
  // Others may wait for the same: they are told too, though this caller does not wait.
  if (borne || (call.scope && gate.has_waiting(*call.scope))) {
    const bool closed = gate.close(*call.scope, why.rpc->name, flood_pause(told), now());
    schedule();
    if (borne && closed && gate.arrive(ticket_of(id, call), now()) == gate_verdict::held) {
      ++call.waits;
      ++limits.flood_waits;
      hold(call, call_place::at_gate);
      return true;
    }
  }
  ++limits.flood_refused;
  return false;
}

/// The call has an outcome: if the gate let it go first, the next one may go.
void client_state::note_outcome(std::uint64_t id, const running_call& call) {
  if (call.scope) {
    gate.settled(id, *call.scope, now());
    schedule();
  }
}

void client_state::release_from_gate(steady_time at) {
  for (auto& released : gate.due(at)) {
    auto& call = calls.at(released.id);
    let_go(call, at);
    if (released.refused) {
      ++limits.flood_refused;
      finish(released.id, std::unexpected(about(call, *std::move(released.refused))));
    } else {
      proceed(released.id);
    }
  }
}

// -- pacing -------------------------------------------------------------------------------------

/// True where a send does not go now.
bool client_state::held_for_pace(std::uint64_t id, running_call& call) {
  const auto target = pacing && !call.paced ? send_target_of(*call.request.function) : std::nullopt;
  if (!target) {
    return false;
  }
  switch (pacing->arrive(id, *target, now())) {
  case pacing_verdict::go:
    return false;
  case pacing_verdict::queued:
    hold(call, call_place::in_pacer);
    return true;
  case pacing_verdict::refused:
    finish(id, fail(errc::limit, "too many sends wait for their turn"));
    return true;
  }
  return false;
}

void client_state::release_from_pacer(steady_time at) {
  for (const auto& released : pacing->due(at)) {
    auto& call = calls.at(released.id);
    let_go(call, at);
    if (released.expired) {
      finish(released.id, fail(errc::limit, "a send had no turn for too long",
                               setup.options.pacing.longest_wait.count()));
    } else {
      call.paced = true;
      proceed(released.id);
    }
  }
}

// -- pauses between attempts --------------------------------------------------------------------

/// True where a policy has the call made again.
bool client_state::made_again(std::uint64_t id, running_call& call, const error& why) {
  if (!why.rpc || why.rpc->kind() == rpc_class::see_other || is_flood_wait(why) ||
      why.is_rpc("RANDOM_ID_DUPLICATE")) { // it is there already
    return false;
  }
  const bool may_have_run =
      why.rpc->kind() == rpc_class::internal || why.rpc->kind() == rpc_class::timeout;
  if (may_have_run && !call.request.options.may_repeat.value_or(false)) {
    return false;
  }
  const auto left = call.time.left(now());
  const auto pause =
      ask_retry(setup.options.retry.get(),
                {method_name(*call.request.function), why, call.attempts, left}, *services.random);
  if (!pause || *pause >= left) {
    return false;
  }
  ++limits.retries;
  rest(id, call, later(now(), *pause));
  return true;
}

void client_state::rest(std::uint64_t id, running_call& call, steady_time until) {
  call.place = call_place::resting;
  call.rests_until = until;
  resting.emplace(until, id);
  schedule();
}

// -- all of them --------------------------------------------------------------------------------

/// Time that a call is held so is no part of its deadline.
void client_state::hold(running_call& call, call_place where) {
  call.place = where;
  call.time.pause(now());
  schedule();
}

void client_state::let_go(running_call& call, steady_time at) {
  call.place = call_place::with_pool;
  call.time.resume(at);
}

/// A call ends: nothing holds it any more.
void client_state::leave_place(std::uint64_t id, const running_call& call) {
  switch (call.place) {
  case call_place::with_pool:
    note_outcome(id, call);
    break;
  case call_place::at_gate:
    gate.forget(id);
    break;
  case call_place::in_pacer:
    pacing->forget(id);
    break;
  case call_place::resting:
  case call_place::moving:
    resting.erase({call.rests_until, id});
    break;
  }
}

void client_state::release_due(steady_time at) {
  while (!resting.empty() && resting.begin()->first <= at) {
    const auto id = resting.begin()->second;
    resting.erase(resting.begin());
    auto& call = calls.at(id);
    let_go(call, at);
    if (call.time.left(at) > milliseconds::zero()) {
      proceed(id);
    } else {
      finish(id, fail(errc::deadline, "no answer in time"));
    }
  }
  release_from_gate(at);
  if (pacing) {
    release_from_pacer(at);
  }
  give_up_silent(at);
}

// -- a pool that does not answer ----------------------------------------------------------------

/// One time for all calls and not one for each: it is a matter of the pool, not of a call, and
/// calls are many. While the pool answers, each has more than the grace left.
void client_state::expect_answer(running_call& call, milliseconds left) {
  call.silent_at = later(later(now(), left), pool_grace);
  if (call.silent_at < silence_at) {
    silence_at = call.silent_at;
    schedule();
  }
}

void client_state::give_up_silent(steady_time at) {
  if (at < silence_at) {
    return;
  }
  silence_at = steady_time::max();
  std::vector<std::uint64_t> silent;
  for (const auto& [id, call] : calls) {
    if (call.place != call_place::with_pool) {
      continue; // `send` looks after it again
    }
    if (call.silent_at <= at) {
      silent.push_back(id);
    } else {
      silence_at = std::min(silence_at, call.silent_at);
    }
  }
  for (const auto id : silent) {
    finish(id, fail(errc::deadline, "no answer in time, nor a word from the client's connections"));
  }
}

steady_time client_state::next_release() const {
  auto next = std::min(gate.next_deadline(), silence_at);
  if (!resting.empty()) {
    next = std::min(next, resting.begin()->first);
  }
  return pacing ? std::min(next, pacing->next_deadline(now())) : next;
}

/// The client stops: what cannot go before its end ends now. A move may still come to its end.
void client_state::give_up_held() {
  std::vector<std::uint64_t> late;
  for (const auto& [id, call] : calls) {
    if ((call.place == call_place::at_gate && gate.opens_at(id) >= stop_at) ||
        (call.place == call_place::resting && call.rests_until >= stop_at)) {
      late.push_back(id);
    }
  }
  for (const auto id : late) {
    finish(id, fail(errc::cancelled, "the client is stopping"));
  }
}

limits_picture client_state::limits_now() const {
  auto out = limits;
  out.held_by_flood = gate.held();
  out.held_by_pacing = pacing ? pacing->waiting() : 0;
  out.held_for_retry = static_cast<std::size_t>(std::ranges::count_if(
      calls, [](const auto& entry) { return entry.second.place == call_place::resting; }));
  return out;
}

} // namespace cafegram
