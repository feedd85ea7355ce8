#include <cafegram/actors/client_state.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/method_traits.hpp>
#include <cafegram/actors/peer_walk.hpp>
#include <cafegram/actors/update_parts.hpp>
#include <cafegram/tl/api.hpp>

#include <caf/all.hpp>

#include <algorithm>

namespace cafegram {

void client_state::call(invoke_request request, answer_function done, bool of_hub) {
  if (stopping) {
    done(fail(errc::cancelled, "the client is stopping"));
    return;
  }
  if (!request.function || request.function->empty()) {
    done(fail(errc::bad_argument, "an empty call"));
    return;
  }
  if (calls.size() >= max_held_calls) {
    done(fail(errc::limit, "too many calls are under way"));
    return;
  }
  if (!request.options.may_repeat) {
    request.options.may_repeat = may_repeat_by_default(*request.function);
  }
  const auto id = next_id++;
  if (const auto tag = request.options.tag; tag != 0) {
    tagged.emplace(tag, id);
  }
  const auto total = request.options.timeout.value_or(setup.options.timing.request_timeout);
  calls.emplace(id, running_call{.request = std::move(request),
                                 .done = std::move(done),
                                 .time = time_budget{total, now()},
                                 .of_hub = of_hub});
  proceed(id);
}

caf::typed_response_promise<invoke_answer> client_state::invoke(const invoke_request& request) {
  auto promise = self->make_response_promise<invoke_answer>();
  const bool of_hub = self->current_sender() == hub;
  call(
      request,
      [promise](const result<shared_bytes>& outcome) mutable {
        if (outcome) {
          promise.deliver(invoke_answer{*outcome});
        } else {
          promise.deliver(to_caf(outcome.error()));
        }
      },
      of_hub);
  return promise;
}

/// Gives a call to the pool, with what is left of its time.
void client_state::send(std::uint64_t id) {
  auto& call = calls.at(id);
  const auto left = call.time.left(now());
  if (left <= std::chrono::milliseconds::zero()) {
    finish(id, fail(errc::deadline, "no answer in time"));
    return;
  }
  if (!has_pool) {
    rest(id, call, later(now(), left));
    parked.push_back(id);
    return;
  }
  call.request.options.timeout = left;
  call.paced = false;
  ++call.attempts;
  expect_answer(call, left);
  self->request(pool, caf::infinite, call.request)
      .then([this, id](const invoke_answer& answer) { succeeded(id, answer); },
            [this, id](const caf::error& why) { failed(id, to_error(why)); });
}

void client_state::succeeded(std::uint64_t id, const invoke_answer& answer) {
  const auto found = calls.find(id);
  if (found == calls.end()) {
    return;
  }
  const auto effect = login_effect_of(*found->second.request.function);
  if (effect == login_effect::in) {
    take_authorization(*answer.result);
  } else if (effect == login_effect::out) {
    logged_out(error::make(errc::logged_out, "by auth.logOut"));
    end_login([this, id, answer](const result<void>& emptied) {
      finish(id, emptied ? result<shared_bytes>{answer.result} : std::unexpected(emptied.error()));
    });
    return;
  }
  take_in(found->second, answer.result);
  finish(id, answer.result);
}

/// What a result says beside its answer: how far it moves the counters, and who is who. The hub
/// reads what it asks for itself.
void client_state::take_in(const running_call& call, const shared_bytes& result) {
  if (auto moved = moved_by(*call.request.function, result)) {
    self->send(hub, own_result{std::move(moved), who.id});
  } else if (!call.of_hub && brings_peers(*result)) {
    self->send(store, peers_came{.account = who.id, .result = result});
  }
}

void client_state::failed(std::uint64_t id, const error& why) {
  const auto found = calls.find(id);
  if (found == calls.end()) {
    return;
  }
  auto& call = found->second;
  if (!stopping && tried_again(id, call, why)) {
    return;
  }
  const bool at_home = !call.request.options.dc || *call.request.options.dc == home_dc;
  if (ends_login(why) && at_home && login == login_state::logged_in) {
    if (doubted(id, call, why)) {
      return;
    }
    logged_out(why);
  }
  auto told = why;
  if (told.rpc) {
    told.what = std::string{method_name(*call.request.function)};
  }
  finish(id, std::unexpected(std::move(told)));
}

bool client_state::tried_again(std::uint64_t id, running_call& call, const error& why) {
  if (waited_out(id, call, why)) {
    return true;
  }
  note_outcome(id, call);
  return followed(id, call, why) || (!ends_login(why) && made_again(id, call, why));
}

void client_state::finish(std::uint64_t id, const result<shared_bytes>& outcome) {
  const auto node = calls.extract(id);
  if (node.empty()) {
    return; // given up meanwhile
  }
  const auto& call = node.mapped();
  leave_place(id, call);
  if (const auto tag = call.request.options.tag; tag != 0) {
    const auto [first, last] = tagged.equal_range(tag);
    tagged.erase(std::find_if(first, last, [id](const auto& one) { return one.second == id; }));
  }
  call.done(outcome);
  if (stopping) {
    close_when_idle();
  }
}

void client_state::cancel(call_tag tag) {
  std::vector<std::uint64_t> given_up;
  for (auto [at, last] = tagged.equal_range(tag); at != last; ++at) {
    given_up.push_back(at->second);
  }
  self->send(pool, cancel_calls{tag});
  for (const auto id : given_up) {
    finish(id, fail(errc::cancelled, "given up by its caller"));
  }
}

} // namespace cafegram
