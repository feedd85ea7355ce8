#include <cafegram/actors/dc_pool_state.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/method_traits.hpp>
#include <cafegram/actors/time_budget.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/protocol/session.hpp>

#include <caf/all.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace cafegram {

using answer_promise = caf::typed_response_promise<invoke_answer>;

answer_promise dc_pool_state::invoke(const invoke_request& request) {
  auto promise = self->make_response_promise<invoke_answer>();
  const auto& options = request.options;
  const auto dc = options.dc.value_or(setup.home_dc);
  if (calls.size() >= max_held_calls) {
    promise.deliver(to_caf(error::make(errc::limit, "too many calls are under way")));
    return promise;
  }
  if (!setup.addresses.serves(dc, options.purpose)) {
    promise.deliver(to_caf(
        error::make(errc::bad_argument, "no address is known for dc " + std::to_string(dc), dc)));
    return promise;
  }
  if (options.purpose == connection_purpose::cdn && !is_for_cdns(*request.function)) {
    promise.deliver(to_caf(error::make(
        errc::bad_argument, "a CDN is asked for parts of files alone: upload.getCdnFile", dc)));
    return promise;
  }
  auto& circuit = centre(dc).circuit;
  if (const auto wait = circuit.refuses(now())) {
    promise.deliver(to_caf(error::make(errc::circuit_open,
                                       "connections to dc " + std::to_string(dc) +
                                           " fail again and again: not tried for a while",
                                       wait->count())));
    return promise;
  }
  held_call call;
  call.promise = promise;
  call.tag = options.tag;
  call.after = options.after;
  call.call.function = request.function;
  call.call.may_repeat = options.may_repeat.value_or(false);
  call.dc = dc;
  call.purpose = options.purpose;
  call.call.gzip =
      options.purpose != connection_purpose::upload && !is_file_part(*request.function);
  const auto id =
      hold(std::move(call), options.timeout.value_or(setup.profile->timing.request_timeout));
  circuit.began(id);
  place(id);
  schedule(now());
  return promise;
}

/// A call of the pool's own over a main connection; it may be repeated.
void dc_pool_state::call_internally(std::int32_t dc, bytes function,
                                    std::function<void(result<shared_bytes>)> done) {
  held_call call;
  call.internal = std::move(done);
  call.call.function = std::make_shared<const bytes>(std::move(function));
  call.call.may_repeat = true;
  call.dc = dc;
  const auto id = hold(std::move(call), setup.profile->timing.request_timeout);
  give(id, {dc, connection_purpose::main, 0});
  schedule(now());
}

call_id dc_pool_state::hold(held_call call, std::chrono::milliseconds timeout) {
  const auto id = next_id++;
  call.call.id = id;
  call.call.deadline = later(now(), timeout);
  deadlines.emplace(call.call.deadline, id);
  if (call.tag != 0) {
    tagged.emplace(call.tag, id);
  }
  calls.emplace(id, std::move(call));
  return id;
}

/// Finds the connection for a call, or what it has to wait for: a login, which no CDN gets, or the
/// keys of a CDN.
void dc_pool_state::place(call_id id) {
  const auto& call = calls.at(id);
  const bool to_cdn = call.purpose == connection_purpose::cdn;
  if (to_cdn && !cdn.keys.contains(call.dc)) {
    await_cdn_keys(id);
  } else if (!to_cdn && needs_login(call.dc)) {
    await_login(id, call.dc);
  } else if (const auto slot = pick(call.dc, call.purpose)) {
    give(id, *slot);
  } else {
    answer(id,
           fail(errc::not_found,
                "no address is known for this purpose in dc " + std::to_string(call.dc), call.dc));
  }
}

void dc_pool_state::give(call_id id, const line_slot& at) {
  auto& call = calls.at(id);
  auto& connection = connection_at(at);
  call.at = at;
  ++connection.load;
  call.call.without_updates = at != home_line() && at.purpose != connection_purpose::cdn;
  call.may_have_left = connection.phase == connection_phase::ready;
  call.call.after = calls_before(id);
  if (connection.actor) {
    self->send(connection.actor, call.call);
  } else {
    log::debug("dc_pool", "call {} waits for {}", id, to_string(at));
  }
}

/// Those that a call is to be run behind: what the server knows over one connection. Of very many
/// the last ones.
std::vector<call_id> dc_pool_state::calls_before(call_id id) const {
  const auto& call = calls.at(id);
  std::vector<call_id> out;
  if (call.after == 0) {
    return out;
  }
  const auto [first, last] = tagged.equal_range(call.after);
  for (auto one = first; one != last; ++one) {
    if (one->second != id && calls.at(one->second).at == call.at) {
      out.push_back(one->second);
    }
  }
  std::ranges::sort(out);
  if (out.size() > protocol::max_requests_before) {
    out.erase(out.begin(), out.end() - protocol::max_requests_before);
  }
  return out;
}

void dc_pool_state::settle(const call_settled& outcome) {
  const auto found = calls.find(outcome.id);
  if (found == calls.end()) {
    return;
  }
  if (outcome.result || outcome.failure.rpc) {
    note_unknown(found->second.dc, false);
    centre(found->second.dc).circuit.answered();
  }
  if (outcome.result) {
    answer(outcome.id, outcome.result);
  } else if (!try_after_import(outcome.id, outcome.failure)) {
    answer(outcome.id, std::unexpected(outcome.failure));
  }
}

/// Ends a call. Whoever is told may make another.
void dc_pool_state::answer(call_id id, result<shared_bytes> outcome) {
  auto node = calls.extract(id);
  if (node.empty()) {
    return;
  }
  auto& call = node.mapped();
  deadlines.erase({call.call.deadline, id});
  centre(call.dc).circuit.ended(id, now());
  if (call.tag != 0) {
    const auto [first, last] = tagged.equal_range(call.tag);
    tagged.erase(std::find_if(first, last, [id](const auto& one) { return one.second == id; }));
  }
  if (const auto at = call.at ? connections.find(*call.at) : connections.end();
      at != connections.end() && --at->second.load == 0) {
    at->second.idle_since = now();
    schedule(now());
  }
  if (call.internal) {
    call.internal(std::move(outcome));
  } else if (outcome) {
    call.promise.deliver(invoke_answer{*std::move(outcome)});
  } else {
    call.promise.deliver(to_caf(outcome.error()));
  }
}

void dc_pool_state::sweep(steady_time at) {
  while (!deadlines.empty() && deadlines.begin()->first <= at) {
    const auto id = deadlines.begin()->second;
    drop(id);
    answer(id, std::unexpected(late(calls.at(id))));
  }
}

void dc_pool_state::cancel(call_tag tag) {
  std::vector<call_id> given_up;
  for (auto [at, last] = tagged.equal_range(tag); at != last; ++at) {
    given_up.push_back(at->second);
  }
  for (const auto id : given_up) {
    drop(id);
    answer(id, fail(errc::cancelled, "given up by its caller"));
  }
}

/// Tells its connection that nobody waits for a call any more.
void dc_pool_state::drop(call_id id) {
  const auto& call = calls.at(id);
  if (const auto found = call.at ? connections.find(*call.at) : connections.end();
      found != connections.end() && found->second.actor) {
    self->send(found->second.actor, drop_call{id});
  }
}

/// What a call is told whose time is over.
error dc_pool_state::late(const held_call& call) {
  if (centre(call.dc).key_unknown) {
    return error::make(errc::key_unknown,
                       "no answer in time: the server does not know the key of this login, which "
                       "is kept; if that lasts, the login is gone");
  }
  const auto found = call.at ? connections.find(*call.at) : connections.end();
  if (found != connections.end() && !found->second.trouble.empty()) {
    return error::make(errc::deadline, fmt::format("no answer in time; dc {} is not connected: {}",
                                                   call.dc, found->second.trouble));
  }
  return error::make(errc::deadline, "no answer in time");
}

} // namespace cafegram
