#include <cafegram/actors/method_traits.hpp>
#include <cafegram/actors/peer_notes.hpp>
#include <cafegram/actors/update_parts.hpp>
#include <cafegram/crypto/hash.hpp>
#include <cafegram/protocol/update_table.hpp>
#include <cafegram/tl/api.hpp>
#include <cafegram/tl/updates.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <concepts>

namespace cafegram {

namespace {

template <class T>
concept has_pts = requires(const T& t) {
  { t.pts } -> std::convertible_to<std::int32_t>;
  { t.pts_count } -> std::convertible_to<std::int32_t>;
};

template <class T>
concept has_qts = requires(const T& t) {
  { t.qts } -> std::convertible_to<std::int32_t>;
};

/// Their `pts` is the channel's, not the account's.
template <class T>
concept of_channel = requires(const T& t) {
  t.channel_id;
} || std::same_as<T, tl::updateNewChannelMessage> || std::same_as<T, tl::updateEditChannelMessage>;

template <class T>
bool read_place(const tl::Update& update, update_place& out) {
  if constexpr (has_pts<T> || has_qts<T>) {
    const auto* found = tl::get_if<T>(update);
    if (found == nullptr) {
      return false;
    }
    if constexpr (has_pts<T>) {
      out = {of_channel<T> ? update_order::channel : update_order::common, found->pts,
             found->pts_count};
    } else {
      out = {update_order::secondary, found->qts, 1};
    }
    return true;
  } else {
    return false;
  }
}

template <class... Ts>
update_place read_any_place(const tl::Update& update, tl::detail::list<Ts...>) {
  update_place out;
  static_cast<void>((read_place<Ts>(update, out) || ...));
  return out;
}

std::string peer_text(const tl::Peer& peer) {
  if (!peer) {
    return "none";
  }
  return tl::match(
      peer, [](const tl::peerUser& p) { return fmt::format("u{}", p.user_id); },
      [](const tl::peerChat& p) { return fmt::format("g{}", p.chat_id); },
      [](const tl::peerChannel& p) { return fmt::format("c{}", p.channel_id); },
      [](const tl::unknown&) { return std::string{"unknown"}; });
}

std::string content_hash(const tl::Update& update) {
  return to_hex(bytes_view{crypto::sha256(tl::encode(update))}.first(16));
}

std::string message_text(const tl::Message& message) {
  if (const auto* plain = tl::get_if<tl::message>(message)) {
    return fmt::format("{}/{}", peer_text(plain->peer_id), plain->id);
  }
  if (const auto* service = tl::get_if<tl::messageService>(message)) {
    return fmt::format("{}/{}", peer_text(service->peer_id), service->id);
  }
  return {};
}

const tl::Message* new_message_of(const tl::Update& update) {
  if (const auto* fresh = tl::get_if<tl::updateNewMessage>(update)) {
    return &fresh->message;
  }
  const auto* fresh = tl::get_if<tl::updateNewChannelMessage>(update);
  return fresh != nullptr ? &fresh->message : nullptr;
}

std::string edit_text(const tl::Message& message, const tl::Update& update) {
  const auto* plain = tl::get_if<tl::message>(message);
  if (plain == nullptr) {
    return content_hash(update);
  }
  // The counter is not part of it: a difference brings the same edit with another one.
  const auto digest = crypto::sha256(tl::encode(message));
  return fmt::format("{}/{}/{}", message_text(message), plain->edit_date.value_or(0),
                     to_hex(bytes_view{digest}.first(8)));
}

template <class T>
concept has_query = requires(const T& t) {
  { t.query_id } -> std::convertible_to<std::int64_t>;
};

template <class T>
bool read_query(const tl::Update& update, std::optional<std::int64_t>& out) {
  if constexpr (has_query<T>) {
    if (const auto* found = tl::get_if<T>(update)) {
      out = found->query_id;
    }
  }
  return out.has_value();
}

template <class... Ts>
std::optional<std::int64_t> read_any_query(const tl::Update& update, tl::detail::list<Ts...>) {
  std::optional<std::int64_t> out;
  static_cast<void>((read_query<Ts>(update, out) || ...));
  return out;
}

std::optional<std::int64_t> query_of(const tl::Update& update) {
  return update ? read_any_query(update, tl::Update::tl_alternatives{}) : std::nullopt;
}

bool is_basic_group(const tl::Chat& chat) {
  return chat && (tl::holds<tl::chat>(chat) || tl::holds<tl::chatForbidden>(chat));
}

tl::Peer user_peer(std::int64_t id) {
  return tl::peerUser{.user_id = id};
}

template <class Short>
tl::message common_of(const Short& from) {
  tl::message out;
  out.out = from.out;
  out.mentioned = from.mentioned;
  out.media_unread = from.media_unread;
  out.silent = from.silent;
  out.id = from.id;
  out.date = from.date;
  out.message = from.message;
  out.fwd_from = from.fwd_from;
  out.via_bot_id = from.via_bot_id;
  out.reply_to = from.reply_to;
  out.entities = from.entities;
  out.ttl_period = from.ttl_period;
  return out;
}

void add_short(update_batch& out, tl::message message, std::int32_t pts, std::int32_t count) {
  out.date = message.date;
  out.short_form = true;
  out.updates.emplace_back(
      tl::updateNewMessage{.message = std::move(message), .pts = pts, .pts_count = count});
}

void take(update_batch& out, const tl::updateShortMessage& from, std::int64_t account) {
  auto message = common_of(from);
  message.peer_id = user_peer(from.user_id);
  if (from.out) {
    message.from_id = user_peer(account);
  }
  add_short(out, std::move(message), from.pts, from.pts_count);
}

void take(update_batch& out, const tl::updateShortChatMessage& from) {
  auto message = common_of(from);
  message.peer_id = tl::peerChat{.chat_id = from.chat_id};
  message.from_id = user_peer(from.from_id);
  add_short(out, std::move(message), from.pts, from.pts_count);
}

template <class Container>
void take_container(update_batch& out, const Container& from) {
  out.updates = from.updates;
  out.date = from.date;
  out.seq = from.seq;
  note_users(*out.peers, from.users);
  note_chats(*out.peers, from.chats);
  find_sources(*out.peers, from.updates);
}

} // namespace

update_place place_of(const tl::Update& update) {
  return update ? read_any_place(update, tl::Update::tl_alternatives{}) : update_place{};
}

bool is_query(const tl::Update& update) {
  return query_of(update).has_value();
}

std::string identity_of(std::int64_t account, const tl::Update& update, std::uint64_t when) {
  if (const auto* message = new_message_of(update)) {
    // One that cannot be read (empty, or of a newer schema) has no number to be known by.
    const auto text = message_text(*message);
    if (!text.empty()) {
      return fmt::format("message/{}/{}", account, text);
    }
  }
  if (const auto* edit = tl::get_if<tl::updateEditMessage>(update)) {
    return fmt::format("edit/{}/{}", account, edit_text(edit->message, update));
  }
  if (const auto* edit = tl::get_if<tl::updateEditChannelMessage>(update)) {
    return fmt::format("edit/{}/{}", account, edit_text(edit->message, update));
  }
  if (const auto query = query_of(update)) {
    return fmt::format("query/{}/{}", account, *query);
  }
  const auto content = content_hash(update);
  return when != 0 && place_of(update).value == 0
             ? fmt::format("update/{}/{}/{}", account, content, when)
             : fmt::format("update/{}/{}", account, content);
}

result<update_batch> read_updates(bytes_view object, std::int64_t account) {
  auto decoded = tl::decode_updates(object);
  if (!decoded) {
    return std::unexpected(std::move(decoded.error()));
  }
  update_batch out;
  tl::match(
      *decoded,
      [&](const tl::updates_& from) {
        take_container(out, from);
        out.seq_start = from.seq;
      },
      [&](const tl::updatesCombined& from) {
        take_container(out, from);
        out.seq_start = from.seq_start;
      },
      [&](const tl::updateShort& from) {
        out.updates.push_back(from.update);
        out.date = from.date;
      },
      [&](const tl::updateShortMessage& from) { take(out, from, account); },
      [&](const tl::updateShortChatMessage& from) { take(out, from); },
      [&](const tl::updateShortSentMessage& from) {
        out.own = update_place{update_order::common, from.pts, from.pts_count};
      },
      [&](const tl::updatesTooLong&) { out.too_long = true; },
      [&](const tl::unknown& opaque) { out.updates.emplace_back(opaque); });
  return out;
}

std::vector<std::int64_t> users_in(const update_batch& batch) {
  std::vector<std::int64_t> out;
  const auto add = [&out](const tl::Peer& peer) {
    if (const auto* user = tl::get_if<tl::peerUser>(peer)) {
      out.push_back(user->user_id);
    }
  };
  for (const auto& update : batch.updates) {
    const auto* fresh = tl::get_if<tl::updateNewMessage>(update);
    const auto* message = fresh != nullptr ? tl::get_if<tl::message>(fresh->message) : nullptr;
    if (message != nullptr) {
      add(message->peer_id);
      add(message->from_id.value_or(tl::Peer{}));
    }
  }
  return out;
}

std::optional<update_place> place_of_result(bytes_view object) {
  switch (tl::reader{object}.peek_u32()) {
  case tl::messages::affectedMessages::tl_id:
  case tl::messages::affectedHistory::tl_id:
  case tl::messages::affectedFoundMessages::tl_id: {
    tl::reader in{object.subspan(4)};
    const auto pts = in.i32();
    const auto count = in.i32();
    return in.ok() ? std::optional{update_place{update_order::common, pts, count}} : std::nullopt;
  }
  default:
    return std::nullopt;
  }
}

namespace {

/// Takes the `updates` out of a result that is a `Result`; false for any other.
template <class Result>
bool take_updates(bytes_view result, shared_bytes& out) {
  if (tl::reader{result}.peek_u32() != Result::tl_id) {
    return false;
  }
  if (const auto whole = tl::decode<Result>(result)) {
    out = std::make_shared<const bytes>(tl::encode(whole->updates));
  }
  return true;
}

/// Of results that have more than `Updates`; a test holds the list against the schema. Null for any
/// other.
shared_bytes updates_within(bytes_view result) {
  shared_bytes out;
  static_cast<void>(take_updates<tl::messages::invitedUsers>(result, out) ||
                    take_updates<tl::messages::chatInviteJoinResultOk>(result, out) ||
                    take_updates<tl::payments::paymentResult>(result, out));
  return out;
}

shared_bytes step_of_result(bytes_view function, const shared_bytes& object) {
  const auto place = place_of_result(*object);
  const auto box = place ? protocol::box_of_affected(function) : std::nullopt;
  if (!box || box->kind != protocol::box_kind::channel) {
    return box ? object : nullptr;
  }
  const tl::Update step = tl::updateDeleteChannelMessages{
      .channel_id = box->channel, .pts = place->value, .pts_count = place->count};
  return std::make_shared<const bytes>(tl::encode(tl::Updates{tl::updateShort{.update = step}}));
}

} // namespace

shared_bytes moved_by(bytes_view function, const shared_bytes& result) {
  const auto call = unwrap(function);
  if (call.for_another) {
    return nullptr;
  }
  if (is_updates(*result)) {
    return result;
  }
  auto within = updates_within(*result);
  return within ? within : step_of_result(call.function, result);
}

bool is_updates(bytes_view object) {
  switch (tl::reader{object}.peek_u32()) {
  case tl::updates_::tl_id:
  case tl::updatesCombined::tl_id:
  case tl::updateShort::tl_id:
  case tl::updateShortMessage::tl_id:
  case tl::updateShortChatMessage::tl_id:
  case tl::updateShortSentMessage::tl_id:
  case tl::updatesTooLong::tl_id:
    return true;
  default:
    return false;
  }
}

void note_users(peers_seen& into, const std::vector<tl::User>& users) {
  for (const auto& user : users) {
    if (const auto* known = tl::get_if<tl::user>(user)) {
      into.users.insert_or_assign(known->id, user);
    }
  }
}

void note_chats(peers_seen& into, const std::vector<tl::Chat>& chats) {
  const auto note = [&into](std::int64_t id, const tl::Chat& chat) {
    auto& known = into.chats[id];
    if (is_basic_group(known) != is_basic_group(chat) && known) {
      into.groups.insert(id);
    }
    if (!known || !is_basic_group(chat) || is_basic_group(known)) {
      known = chat;
    }
  };
  for (const auto& chat : chats) {
    if (const auto* group = tl::get_if<tl::chat>(chat)) {
      note(group->id, chat);
    } else if (const auto* channel = tl::get_if<tl::channel>(chat)) {
      note(channel->id, chat);
    } else if (const auto* closed_group = tl::get_if<tl::chatForbidden>(chat)) {
      note(closed_group->id, chat);
    } else if (const auto* closed_channel = tl::get_if<tl::channelForbidden>(chat)) {
      note(closed_channel->id, chat);
    }
  }
}

} // namespace cafegram
