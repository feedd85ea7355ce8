#include <cafegram/actors/client_state.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/method_traits.hpp>
#include <cafegram/actors/update_parts.hpp>
#include <cafegram/tl/api.hpp>

#include <caf/all.hpp>

#include <algorithm>

namespace cafegram {

namespace {

using std::chrono::milliseconds;

constexpr int max_waits = 5;
constexpr int max_retries = 3;

bool is_login_loss(const error& why) {
  return why.rpc && why.rpc->code == 401 && why.rpc->name != "SESSION_PASSWORD_NEEDED" &&
         why.rpc->name != "AUTH_KEY_PERM_EMPTY";
}

bool is_flood_wait(const error& why) {
  return why.is_rpc("FLOOD_WAIT") || why.is_rpc("FLOOD_PREMIUM_WAIT") ||
         why.is_rpc("SLOWMODE_WAIT");
}

/// That the server has the send already is no trouble, whatever the code: asking again changes
/// nothing.
bool is_server_trouble(const error& why) {
  return !why.is_rpc("RANDOM_ID_DUPLICATE") && why.rpc &&
         (why.rpc->code >= 500 || why.rpc->code == -503);
}

} // namespace

void client_state::call(invoke_request request, answer_function done) {
  if (stopping) {
    done(fail(errc::cancelled, "the client is stopping"));
    return;
  }
  if (!request.function || request.function->empty()) {
    done(fail(errc::bad_argument, "an empty call"));
    return;
  }
  if (!request.options.may_repeat) {
    request.options.may_repeat = may_repeat_by_default(*request.function);
  }
  const auto id = next_id++;
  calls.emplace(id, running_call{std::move(request), std::move(done)});
  send(id);
}

caf::typed_response_promise<invoke_answer> client_state::invoke(const invoke_request& request) {
  auto promise = self->make_response_promise<invoke_answer>();
  call(request, [promise](const result<shared_bytes>& outcome) mutable {
    if (outcome) {
      promise.deliver(invoke_answer{*outcome});
    } else {
      promise.deliver(to_caf(outcome.error()));
    }
  });
  return promise;
}

void client_state::send(std::uint64_t id) {
  self->request(pool, caf::infinite, calls.at(id).request)
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
    logged_out(error::make(errc::logged_out, "logged out by auth.logOut"));
    end_login([this, id, answer] { finish(id, answer.result); });
    return;
  }
  if (is_updates(*answer.result) || place_of_result(*answer.result)) {
    self->send(hub, own_result{answer.result});
  }
  finish(id, answer.result);
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
  if (is_login_loss(why) && at_home && login == login_state::logged_in) {
    logged_out(why);
  }
  auto told = why;
  if (told.rpc) {
    told.what = std::string{method_name(*call.request.function)};
  }
  finish(id, std::unexpected(std::move(told)));
}

bool client_state::tried_again(std::uint64_t id, running_call& call, const error& why) {
  if (followed(id, call, why)) {
    return true;
  }
  const auto& timing = setup.options.timing;
  if (is_flood_wait(why) && why.rpc->value && call.waits < max_waits) {
    const milliseconds wait = std::chrono::seconds{std::max<std::int64_t>(*why.rpc->value, 0)};
    if (wait <= timing.flood_wait_threshold) {
      ++call.waits;
      // Never less than was asked for.
      resend_later(id, wait + milliseconds{services.random->integer<std::uint8_t>()});
      return true;
    }
  }
  const bool may_repeat = call.request.options.may_repeat.value_or(false);
  if (is_server_trouble(why) && may_repeat && call.retries < max_retries) {
    resend_later(id, client_retry_least * (1 << call.retries++));
    return true;
  }
  return false;
}

void client_state::resend_later(std::uint64_t id, milliseconds pause) {
  resend_at.emplace(now() + pause, id);
  schedule();
}

void client_state::finish(std::uint64_t id, const result<shared_bytes>& outcome) {
  const auto done = std::move(calls.at(id).done);
  calls.erase(id);
  done(outcome);
  if (stopping) {
    close_when_idle();
  }
}

} // namespace cafegram
