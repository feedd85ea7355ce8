#include <cafegram/actors/peer_notes.hpp>
#include <cafegram/actors/peer_walk.hpp>
#include <cafegram/tl/api.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace cafegram {

namespace {

constexpr std::int64_t first_channel = 1'000'000'000'000; ///< in marked ids

bool is_min(const tl::User& user) {
  const auto* one = tl::get_if<tl::user>(user);
  return one != nullptr && one->min;
}

bool is_min(const tl::Chat& chat) {
  const auto* one = tl::get_if<tl::channel>(chat);
  return one != nullptr && one->min;
}

message_place place_of_source(const storage::message_source& from) {
  switch (from.chat_kind) {
  case storage::peer_kind::user:
    return {tl::peerUser{.user_id = from.chat}, from.message};
  case storage::peer_kind::group:
    return {tl::peerChat{.chat_id = from.chat}, from.message};
  case storage::peer_kind::channel:
    break;
  }
  return {tl::peerChannel{.channel_id = from.chat}, from.message};
}

storage::message_source source_of(const message_place& place) {
  if (const auto* user = tl::get_if<tl::peerUser>(place.chat)) {
    return {storage::peer_kind::user, user->user_id, place.id};
  }
  if (const auto* group = tl::get_if<tl::peerChat>(place.chat)) {
    return {storage::peer_kind::group, group->chat_id, place.id};
  }
  const auto* channel = tl::get_if<tl::peerChannel>(place.chat);
  return {storage::peer_kind::channel, channel != nullptr ? channel->channel_id : 0, place.id};
}

/// Others name nobody by a message: to look into them would cost their encoding.
bool may_hold_message(const tl::Update& update) {
  return tl::holds<tl::updateNewMessage>(update) ||
         tl::holds<tl::updateNewChannelMessage>(update) ||
         tl::holds<tl::updateEditMessage>(update) ||
         tl::holds<tl::updateEditChannelMessage>(update);
}

bool may_hold_message(const tl::Message& message) {
  return !tl::holds<tl::unknown>(message);
}

/// Most updates bring whole ones alone, and cost no more than a look at those.
peer_sources wanted_by(const peers_seen& seen) {
  peer_sources out;
  for (const auto& [id, user] : seen.users) {
    if (is_min(user)) {
      out.users[id];
    }
  }
  for (const auto& [id, chat] : seen.chats) {
    if (is_min(chat)) {
      out.channels[id];
    }
  }
  return out;
}

template <class Boxed>
void find_all_sources(peers_seen& into, const std::vector<Boxed>& in) {
  auto sources = wanted_by(into);
  if (sources.empty()) {
    return;
  }
  for (const auto& one : in) {
    if (may_hold_message(one)) {
      find_sources(tl::encode(one), sources);
    }
  }
  const auto take = [](const auto& from, auto& to) {
    for (const auto& [id, source] : from) {
      if (source) {
        to.insert_or_assign(id, place_of_source(*source));
      }
    }
  };
  take(sources.users, into.users_in);
  take(sources.channels, into.chats_in);
}

/// Of users and channels: the main one first.
template <class Peer>
void read_usernames(const Peer& of, std::vector<std::string_view>& out) {
  out.clear();
  if (of.username) {
    out.push_back(*of.username);
  }
  if (of.usernames) {
    for (const auto& name : *of.usernames) {
      const auto* one = tl::get_if<tl::username>(name);
      if (one != nullptr && one->active && std::ranges::find(out, one->username) == out.end()) {
        out.push_back(one->username);
      }
    }
  }
}

/// Puts together what is told, with room for names that is used again.
class peer_noter {
public:
  peer_noter(storage::peer_cache& into, storage::batch& rows)
    : into_{&into}
    , rows_{&rows} {}

  void note(const tl::user& user, const message_place* seen_in) {
    const std::string_view phone = user.phone ? std::string_view{*user.phone} : std::string_view{};
    note(storage::peer_kind::user, user, phone, seen_in);
  }
  void note(const tl::channel& channel, const message_place* seen_in) {
    note(storage::peer_kind::channel, channel, {}, seen_in);
  }
  void note(const tl::chat& group) {
    note(storage::peer_kind::group, group.id, 0);
    const auto* now =
        group.migrated_to ? tl::get_if<tl::inputChannel>(*group.migrated_to) : nullptr;
    if (now != nullptr) {
      note_migration(*into_, now->channel_id, now->access_hash, *rows_);
    }
  }
  void note(storage::peer_kind kind, std::int64_t id, std::int64_t hash) {
    into_->note({kind, id, hash}, *rows_);
  }

private:
  template <class Peer>
  void note(storage::peer_kind kind, const Peer& peer, std::string_view phone,
            const message_place* seen_in) {
    if (peer.min ? seen_in == nullptr : !peer.access_hash) {
      return; // nothing addresses it
    }
    read_usernames(peer, usernames_);
    storage::peer_news news{kind, peer.id, peer.access_hash.value_or(0), usernames_, phone};
    if (peer.min) {
      news.seen_in = source_of(*seen_in);
    }
    into_->note(news, *rows_);
  }

  storage::peer_cache* into_;
  storage::batch* rows_;
  std::vector<std::string_view> usernames_;
};

const message_place* find_place(const std::map<std::int64_t, message_place>& in, std::int64_t id) {
  const auto found = in.find(id);
  return found != in.end() ? &found->second : nullptr;
}

tl::InputPeer input_user(std::int64_t id, std::int64_t hash) {
  return tl::inputPeerUser{.user_id = id, .access_hash = hash};
}

tl::InputPeer input_channel(std::int64_t id, std::int64_t hash) {
  return tl::inputPeerChannel{.channel_id = id, .access_hash = hash};
}

/// By itself.
tl::InputPeer input_of(const account& who, const storage::peer_address& peer) {
  switch (peer.kind) {
  case storage::peer_kind::user:
    if (peer.id == who.id) {
      return tl::inputPeerSelf{};
    }
    return input_user(peer.id, peer.access_hash);
  case storage::peer_kind::group:
    return tl::inputPeerChat{.chat_id = peer.id};
  case storage::peer_kind::channel:
    break;
  }
  return input_channel(peer.id, peer.access_hash);
}

} // namespace

peer_name peer_name::marked(std::int64_t id) {
  if (id > 0) {
    return user(id);
  }
  return id < -first_channel ? channel(-first_channel - id) : group(-id);
}

std::string to_string(const peer_name& name) {
  switch (name.what()) {
  case peer_name::form::user:
    return fmt::format("user {}", name.id());
  case peer_name::form::group:
    return fmt::format("group {}", name.id());
  case peer_name::form::channel:
    return fmt::format("channel {}", name.id());
  case peer_name::form::username:
    return storage::username_key(name.text());
  case peer_name::form::phone:
    break;
  }
  return "a phone number";
}

void find_sources(peers_seen& into, const std::vector<tl::Update>& in) {
  find_all_sources(into, in);
}

void find_sources(peers_seen& into, const std::vector<tl::Message>& in) {
  find_all_sources(into, in);
}

void note_peers(storage::peer_cache& into, const peers_seen& seen, storage::batch& rows) {
  peer_noter noter{into, rows};
  for (const auto& [id, user] : seen.users) {
    if (const auto* one = tl::get_if<tl::user>(user)) {
      noter.note(*one, find_place(seen.users_in, id));
    }
  }
  for (const auto& [id, chat] : seen.chats) {
    if (const auto* channel = tl::get_if<tl::channel>(chat)) {
      noter.note(*channel, find_place(seen.chats_in, id));
    } else if (const auto* barred = tl::get_if<tl::channelForbidden>(chat)) {
      noter.note(storage::peer_kind::channel, barred->id, barred->access_hash);
    } else if (const auto* group = tl::get_if<tl::chat>(chat)) {
      noter.note(*group);
    } else {
      noter.note(storage::peer_kind::group, id, 0);
    }
  }
  for (const auto id : seen.groups) {
    noter.note(storage::peer_kind::group, id, 0);
  }
}

std::string key_of(const peer_name& name) {
  switch (name.what()) {
  case peer_name::form::username:
    return storage::username_key(name.text());
  case peer_name::form::phone:
    return storage::phone_key(name.text());
  default:
    return {};
  }
}

storage::peer_kind kind_of(const peer_name& id) {
  switch (id.what()) {
  case peer_name::form::group:
    return storage::peer_kind::group;
  case peer_name::form::channel:
    return storage::peer_kind::channel;
  default:
    return storage::peer_kind::user;
  }
}

std::optional<tl::InputPeer> address_for(const account& who, const storage::peer_address& peer,
                                         const storage::peer_address* chat) {
  if (!peer.seen_in) {
    return input_of(who, peer);
  }
  if (who.bot) {
    return input_of(who, {peer.kind, peer.id, 0});
  }
  if (chat == nullptr || chat->seen_in) {
    return std::nullopt;
  }
  if (peer.kind == storage::peer_kind::user) {
    return tl::inputPeerUserFromMessage{
        .peer = input_of(who, *chat), .msg_id = peer.seen_in->message, .user_id = peer.id};
  }
  return tl::inputPeerChannelFromMessage{
      .peer = input_of(who, *chat), .msg_id = peer.seen_in->message, .channel_id = peer.id};
}

} // namespace cafegram
