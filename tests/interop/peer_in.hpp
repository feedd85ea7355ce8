#pragma once

#include <cafegram/base/error.hpp>
#include <cafegram/tl/api.hpp>

namespace cafegram::test {

/// The user that `contacts.resolveUsername` has found, as one to write to.
inline result<tl::InputPeer> peer_in(const result<tl::contacts::ResolvedPeer>& found) {
  if (!found) {
    return std::unexpected(found.error());
  }
  const auto* peer = tl::get_if<tl::contacts::resolvedPeer>(*found);
  const auto* user =
      peer != nullptr && !peer->users.empty() ? tl::get_if<tl::user>(peer->users.front()) : nullptr;
  if (user == nullptr) {
    return fail(errc::malformed, "contacts.resolveUsername: no user");
  }
  return tl::InputPeer{
      tl::inputPeerUser{.user_id = user->id, .access_hash = user->access_hash.value_or(0)}};
}

} // namespace cafegram::test
