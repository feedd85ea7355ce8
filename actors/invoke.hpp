#pragma once

#include <cafegram/actors/client.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/interfaces.hpp>
#include <cafegram/tl/coding.hpp>

#include <caf/actor_cast.hpp>
#include <caf/duration.hpp>

#include <memory>
#include <utility>

namespace cafegram {

/// The client's handle for typed actors.
inline client_actor actor_of(const client& of) {
  return caf::actor_cast<client_actor>(of.untyped_actor());
}

/// Calls `function` and then `done(result<bytes>)`, boxed octets, as below.
template <class Self, class Done>
void invoke_bytes(Self* self, const client_actor& to, bytes function, Done done,
                  invoke_options options = {}) {
  auto shared = std::make_shared<Done>(std::move(done));
  invoke_request request{std::make_shared<const bytes>(std::move(function)), std::move(options)};
  // The pool keeps the deadline: a time-out of CAF's own is never taken back.
  self->request(to, caf::infinite, std::move(request))
      .then(
          [shared](const invoke_answer& answer) {
            (*shared)(result<bytes>{to_bytes(*answer.result)});
          },
          [shared](const caf::error& why) {
            (*shared)(result<bytes>{std::unexpected(to_error(why))});
          });
}

/// Calls `function` from the actor `self` and then `done(result<R>)` in its context, `R` being the
/// function's result type: exactly once, unless `self` ends before. Errors: as of the call;
/// `malformed` where the answer is not of that type.
template <class Self, tl::function_struct Function, class Done>
void invoke(Self* self, const client_actor& to, const Function& function, Done done,
            invoke_options options = {}) {
  using answer_type = typename Function::result_type;
  auto encoded = tl::encode_checked(function);
  auto shared = std::make_shared<Done>(std::move(done));
  if (!encoded) {
    (*shared)(result<answer_type>{std::unexpected(std::move(encoded.error()))});
    return;
  }
  invoke_request request{std::make_shared<const bytes>(*std::move(encoded)), std::move(options)};
  self->request(to, caf::infinite, std::move(request))
      .then(
          [shared](const invoke_answer& answer) {
            (*shared)(tl::decode<answer_type>(*answer.result));
          },
          [shared](const caf::error& why) {
            (*shared)(result<answer_type>{std::unexpected(to_error(why))});
          });
}

/// Looks up how a peer is addressed, and then calls `done(result<tl::InputPeer>)` in the context of
/// `self`, as `client::resolve_peer`.
template <class Self, class Done>
void resolve_peer(Self* self, const client_actor& of, peer_name name, Done done,
                  std::chrono::milliseconds timeout = peer_patience) {
  auto shared = std::make_shared<Done>(std::move(done));
  self->request(of, caf::infinite, peer_request{std::move(name), timeout})
      .then([shared](const resolved_peer& found) { (*shared)(result<tl::InputPeer>{found.peer}); },
            [shared](const caf::error& why) {
              (*shared)(result<tl::InputPeer>{std::unexpected(to_error(why))});
            });
}

template <class Function>
result<typename Function::result_type> client::invoke_sync(const Function& function,
                                                           invoke_options options) {
  auto encoded = tl::encode_checked(function);
  if (!encoded) {
    return std::unexpected(std::move(encoded.error()));
  }
  auto answer = invoke_bytes(*std::move(encoded), std::move(options));
  if (!answer) {
    return std::unexpected(std::move(answer.error()));
  }
  return tl::decode<typename Function::result_type>(*answer);
}

} // namespace cafegram
