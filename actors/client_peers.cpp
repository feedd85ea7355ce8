#include <cafegram/actors/client_state.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/peer_notes.hpp>
#include <cafegram/storage/peers.hpp>
#include <cafegram/tl/api.hpp>

#include <caf/all.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

// How users, groups and channels are addressed that calls name by their ids, usernames or phones.

namespace cafegram {

namespace {

constexpr std::size_t most_lookups = 65'536;

template <class Known, class Boxed>
const Known* find_by_id(const std::vector<Boxed>& in, std::int64_t id) {
  for (const auto& one : in) {
    const auto* known = tl::get_if<Known>(one);
    if (known != nullptr && known->id == id) {
      return known;
    }
  }
  return nullptr;
}

/// Whom the answer to `contacts.resolveUsername` or `contacts.resolvePhone` is about.
std::optional<storage::peer_address> peer_of(bytes_view answer) {
  const auto decoded = tl::decode<tl::contacts::ResolvedPeer>(answer);
  const auto* found = decoded ? tl::get_if<tl::contacts::resolvedPeer>(*decoded) : nullptr;
  if (found == nullptr) {
    return std::nullopt;
  }
  if (const auto* named = tl::get_if<tl::peerUser>(found->peer)) {
    const auto* user = find_by_id<tl::user>(found->users, named->user_id);
    if (user != nullptr) {
      return storage::peer_address{storage::peer_kind::user, user->id,
                                   user->access_hash.value_or(0)};
    }
  } else if (const auto* about = tl::get_if<tl::peerChannel>(found->peer)) {
    const auto* channel = find_by_id<tl::channel>(found->chats, about->channel_id);
    if (channel != nullptr) {
      return storage::peer_address{storage::peer_kind::channel, channel->id,
                                   channel->access_hash.value_or(0)};
    }
  }
  return std::nullopt;
}

} // namespace

/// Kept here too, for a hub that is started again.
caf::result<void> client_state::follow(const channel_follow& what) {
  if (!what.on) {
    followed_channels.erase(what.channel);
    self->send(hub, what);
    return caf::unit;
  }
  if (login != login_state::logged_in) {
    return to_caf(error::make(errc::logged_out, "nobody is logged in who could follow a channel"));
  }
  if (what.channel <= 0) {
    return to_caf(
        error::make(errc::bad_argument, fmt::format("{} is no channel's id", what.channel)));
  }
  if (!followed_channels.contains(what.channel) &&
      followed_channels.size() >= most_followed_channels) {
    return to_caf(error::make(
        errc::limit, fmt::format("{} channels are followed already", most_followed_channels)));
  }
  followed_channels.insert(what.channel);
  auto promise = self->make_response_promise();
  self->request(hub, caf::infinite, what)
      .then([promise]() mutable { promise.deliver(caf::unit); },
            [this, promise, channel = what.channel](const caf::error& why) mutable {
              if (to_error(why).code != errc::cancelled) { // else whoever did that has seen to it
                followed_channels.erase(channel);
              }
              promise.deliver(why);
            });
  return promise;
}

caf::typed_response_promise<resolved_peer> client_state::resolve(const peer_request& what) {
  auto promise = self->make_response_promise<resolved_peer>();
  auto done = [promise](const result<tl::InputPeer>& outcome) mutable {
    if (outcome) {
      promise.deliver(resolved_peer{*outcome});
    } else {
      promise.deliver(to_caf(outcome.error()));
    }
  };
  if (stopping) {
    done(fail(errc::cancelled, "the client is stopping"));
  } else if (lookups.size() >= most_lookups) {
    done(fail(errc::limit, "too many look-ups are under way"));
  } else if (what.what.by_id() && what.what.id() <= 0) {
    done(fail(errc::bad_argument, fmt::format("{} is nobody's id", what.what.id())));
  } else if (what.what.what() == peer_name::form::user && what.what.id() == who.id) {
    done(tl::InputPeer{tl::inputPeerSelf{}});
  } else {
    const auto id = next_id++;
    const auto deadline = later(now(), what.timeout);
    lookups.emplace(id, running_lookup{what.what, done, deadline});
    lookups_due.emplace(deadline, id);
    ticks.set(self, deadline, now());
    ask_store(id, what.what, [this, id](const std::shared_ptr<const storage::peer_address>& peer) {
      peer ? peer_came(id, *peer) : ask_server(id);
    });
  }
  return promise;
}

void client_state::ask_store(
    std::uint64_t id, peer_name what,
    std::function<void(const std::shared_ptr<const storage::peer_address>&)> then) {
  self->request(store, look_up_patience, peer_lookup{std::move(what)})
      .then([then = std::move(then)](const peer_found& found) { then(found.peer); },
            [this, id](const caf::error& why) { looked_up(id, std::unexpected(to_error(why))); });
}

/// One that is known from a message alone is named by that, which takes its chat's address.
void client_state::peer_came(std::uint64_t id, const storage::peer_address& peer) {
  const auto named = [this, id, peer](const storage::peer_address* chat) {
    const auto address = address_for(who, peer, chat);
    looked_up(id, address ? result<tl::InputPeer>{*address}
                          : fail(errc::not_found,
                                 "it was only ever seen in a message of a chat that is not known"));
  };
  if (!peer.seen_in || who.bot) {
    named(nullptr);
    return;
  }
  const bool in_channel = peer.seen_in->chat_kind == storage::peer_kind::channel;
  const bool with_oneself =
      peer.seen_in->chat_kind == storage::peer_kind::user && peer.seen_in->chat == who.id;
  if (peer.seen_in->chat_kind == storage::peer_kind::group || with_oneself) {
    const storage::peer_address known{peer.seen_in->chat_kind, peer.seen_in->chat};
    named(&known);
  } else {
    ask_store(
        id,
        in_channel ? peer_name::channel(peer.seen_in->chat) : peer_name::user(peer.seen_in->chat),
        [named](const std::shared_ptr<const storage::peer_address>& chat) { named(chat.get()); });
  }
}

/// Of names it tells, of phones to persons alone. Of ids it tells nothing; but it lets bots leave
/// out hashes, and knows better whom a bot may name so: of those whom it knows only a part.
void client_state::ask_server(std::uint64_t id) {
  const auto found = lookups.find(id);
  if (found == lookups.end()) {
    return; // its time is over
  }
  const auto& what = found->second.what;
  if (what.what() == peer_name::form::username) {
    ask_for_name(id, tl::encode(tl::contacts::resolveUsername{.username = key_of(what).substr(1)}));
  } else if (what.what() == peer_name::form::phone && !who.bot) {
    ask_for_name(id, tl::encode(tl::contacts::resolvePhone{.phone = key_of(what).substr(1)}));
  } else if (what.by_id() && what.what() != peer_name::form::group && who.bot) {
    peer_came(id, {kind_of(what), what.id(), 0});
  } else {
    looked_up(id, fail(errc::not_found, to_string(what) + " was never seen by this account"));
  }
}

void client_state::ask_for_name(std::uint64_t id, bytes question) {
  const auto left =
      std::max(std::chrono::floor<std::chrono::milliseconds>(lookups.at(id).deadline - now()),
               std::chrono::milliseconds{1});
  invoke_request encoded{std::make_shared<const bytes>(std::move(question)),
                         {.timeout = left, .flood_wait_threshold = left}};
  call(std::move(encoded), [this, id](const result<shared_bytes>& outcome) {
    if (!outcome) {
      looked_up(id, std::unexpected(outcome.error()));
    } else if (const auto peer = peer_of(**outcome)) {
      peer_came(id, *peer);
    } else {
      looked_up(id, fail(errc::malformed, "who was asked for is not in the answer"));
    }
  });
}

void client_state::looked_up(std::uint64_t id, const result<tl::InputPeer>& outcome) {
  const auto node = lookups.extract(id);
  if (!node.empty()) {
    lookups_due.erase({node.mapped().deadline, id});
    node.mapped().done(outcome);
  }
}

void client_state::give_up_lookups(steady_time at) {
  while (!lookups_due.empty() && lookups_due.begin()->first <= at) {
    looked_up(lookups_due.begin()->second, fail(errc::deadline, "the peer was not found in time"));
  }
}

} // namespace cafegram
