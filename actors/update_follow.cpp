#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/invoke.hpp>
#include <cafegram/actors/update_hub_state.hpp>
#include <cafegram/base/log.hpp>

#include <caf/all.hpp>

#include <utility>

// Channels whose updates nobody pushes. Spec: "Subscribing to updates of channels/supergroups".
namespace cafegram {

caf::result<void> update_hub_state::follow(const channel_follow& what) {
  if (!what.on) {
    unfollow(what.channel, error::make(errc::cancelled, "the channel is not to be followed"));
    return caf::unit;
  }
  auto promise = self->make_response_promise();
  to_follow.emplace(what.channel, promise);
  followed.insert(what.channel);
  if (started) {
    begin_to_follow(what.channel);
  }
  return promise;
}

void update_hub_state::begin_to_follow(std::int64_t channel) {
  apply(boxes->follow(channel, true, now()));
  if (boxes->stands(channel)) {
    follows(channel);
  } else {
    find_place(channel);
  }
  check();
}

/// The difference of a channel begins at some place, and nothing that is pushed tells the first.
void update_hub_state::find_place(std::int64_t channel) {
  const auto ask = [this, channel](std::int64_t hash) {
    const auto where = tl::inputChannel{.channel_id = channel, .access_hash = hash};
    invoke(self, client, tl::channels::getFullChannel{.channel = where},
           [this, of = life, channel](const result<tl::messages::ChatFull>& answer) {
             if (of == life) { // else it is asked for by now
               place_found(channel, answer);
             }
           });
  };
  with_address(channel, ask, [this, channel](protocol::difference_failure why) {
    const bool unknown = why == protocol::difference_failure::no_address;
    unfollow(channel,
             error::make(unknown ? errc::not_found : errc::storage,
                         "nothing is known that addresses channel " + std::to_string(channel)));
  });
}

void update_hub_state::place_found(std::int64_t channel,
                                   const result<tl::messages::ChatFull>& answer) {
  if (!answer) {
    unfollow(channel, answer.error());
    return;
  }
  const auto* whole = tl::get_if<tl::messages::chatFull>(*answer);
  const auto* full = whole != nullptr ? tl::get_if<tl::channelFull>(whole->full_chat) : nullptr;
  if (full == nullptr || full->pts <= 0) {
    unfollow(channel, error::make(errc::malformed, "the server does not say where a channel is"));
    return;
  }
  auto peers = std::make_shared<peers_seen>();
  note_users(*peers, whole->users);
  note_chats(*peers, whole->chats);
  note_peers(std::move(peers));
  apply(boxes->learn(channel, full->pts, now()));
  follows(channel);
  check();
}

void update_hub_state::follows(std::int64_t channel) {
  auto [first, last] = to_follow.equal_range(channel);
  for (auto it = first; it != last; ++it) {
    it->second.deliver(caf::unit);
  }
  to_follow.erase(first, last);
}

void update_hub_state::unfollow(std::int64_t channel, const error& why) {
  auto [first, last] = to_follow.equal_range(channel);
  if (first == last && why.code != errc::cancelled) {
    // It was followed before the hub began anew.
    log::warn("update_hub", "channel {} is not followed any more: {}", channel, to_string(why));
  }
  for (auto it = first; it != last; ++it) {
    it->second.deliver(to_caf(why));
  }
  to_follow.erase(first, last);
  if (followed.erase(channel) > 0 && started) {
    apply(boxes->follow(channel, false, now()));
    check();
  }
}

void update_hub_state::forget_followed(const error& why) {
  followed.clear();
  for (auto& [channel, promise] : std::exchange(to_follow, {})) {
    promise.deliver(to_caf(why));
  }
}

} // namespace cafegram
