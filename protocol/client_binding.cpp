#include <cafegram/protocol/client_state.hpp>
#include <cafegram/protocol/key_binding.hpp>
#include <cafegram/tl/codec.hpp>

#include <utility>

namespace cafegram::protocol {

void client_session::state::bind_to(auth_key permanent, std::int32_t expires_at, bool is_bound) {
  terms =
      binding_terms{.permanent = std::move(permanent), .expires_at = expires_at, .bound = is_bound};
  due.bind = !is_bound;
}

/// The message proves its own id, so that it is made anew each time it is sent.
void client_session::state::add_binding(draft& d, steady_time now) {
  due.bind = false;
  const auto id = source.next(clock.unix_time(now), 0);
  const key_binding what{.nonce = random->integer<std::int64_t>(),
                         .temporary_key_id = key.id(),
                         .permanent_key_id = terms->permanent.id(),
                         .session_id = session_id,
                         .expires_at = terms->expires_at};
  d.owned.push_back(write_binding_call(terms->permanent, what, id, *random));
  d.items.push_back({.id = id, .seqno = next_seqno(true), .body = d.owned.back()});
  services.emplace(id, sent_service{.what = sent_service::kind::bind, .which = {}});
}

void client_session::state::take_binding(bytes_view body) {
  const auto constructor = constructor_of(body);
  if (constructor == tl::bool_true_id) {
    terms->bound = true;
    introduced = false; // the server knows the key by another name from here on
    events.emplace_back(key_bound{});
    return;
  }
  auto why =
      error::make(errc::protocol_violation, "auth.bindTempAuthKey was not answered with true");
  if (constructor == ids::rpc_error) {
    if (const auto told = read_rpc_error(body)) {
      why = error::from_rpc(told->code, told->text, "auth.bindTempAuthKey");
    }
  }
  events.emplace_back(key_not_bound{.why = std::move(why)});
}

void client_session::state::bind_again() {
  terms->bound = false;
  due.bind = true;
}

} // namespace cafegram::protocol
