#include <cafegram/actors/peer_notes.hpp>
#include <cafegram/actors/update_items.hpp>
#include <cafegram/protocol/update_table.hpp>
#include <cafegram/tl/api.hpp>

#include <functional>

namespace cafegram {

namespace {

using protocol::box_kind;
using protocol::update_role;

/// The channel of a message's peer, 0 for any other.
std::int64_t channel_of(const tl::Message& message) {
  const auto of = [](const tl::Peer& peer) {
    const auto* channel = peer ? tl::get_if<tl::peerChannel>(peer) : nullptr;
    return channel != nullptr ? channel->channel_id : 0;
  };
  if (const auto* plain = tl::get_if<tl::message>(message)) {
    return of(plain->peer_id);
  }
  if (const auto* service = tl::get_if<tl::messageService>(message)) {
    return of(service->peer_id);
  }
  const auto* empty = tl::get_if<tl::messageEmpty>(message);
  return empty != nullptr && empty->peer_id ? of(*empty->peer_id) : 0;
}

std::int32_t date_of(const tl::Message& message) {
  if (const auto* plain = tl::get_if<tl::message>(message)) {
    return plain->date;
  }
  const auto* service = tl::get_if<tl::messageService>(message);
  return service != nullptr ? service->date : 0;
}

/// When that happened of which it tells, where it says so.
std::int32_t date_of(const tl::Update& update) {
  const auto edited = [](const tl::Message& message) {
    const auto* plain = tl::get_if<tl::message>(message);
    return plain != nullptr ? plain->edit_date.value_or(0) : 0;
  };
  if (const auto* fresh = tl::get_if<tl::updateNewMessage>(update)) {
    return date_of(fresh->message);
  }
  if (const auto* post = tl::get_if<tl::updateNewChannelMessage>(update)) {
    return date_of(post->message);
  }
  if (const auto* edit = tl::get_if<tl::updateEditMessage>(update)) {
    return edited(edit->message);
  }
  const auto* edit = tl::get_if<tl::updateEditChannelMessage>(update);
  return edit != nullptr ? edited(edit->message) : 0;
}

template <class T>
void read_channel(const T& update, std::int64_t& out) {
  if constexpr (requires {
                  { update.channel_id } -> std::convertible_to<std::int64_t>;
                }) {
    out = update.channel_id;
  } else if constexpr (requires { channel_of(update.message); }) {
    out = channel_of(update.message);
  }
}

template <class... Ts>
std::int64_t channel_in(const tl::Update& update, tl::detail::list<Ts...>) {
  std::int64_t out = 0;
  const auto one = [&]<class T>(std::type_identity<T>) {
    if (const auto* found = tl::get_if<T>(update)) {
      read_channel(*found, out);
    }
  };
  (one(std::type_identity<Ts>{}), ...);
  return out;
}

/// Tells what moves no counter apart.
std::uint64_t mark_of(const tl::Update& update) {
  const auto octets = tl::encode(update);
  return std::hash<std::string_view>{}(
      {reinterpret_cast<const char*>(octets.data()), octets.size()});
}

void take_place(protocol::update_item& into, const tl::Update& update) {
  const auto* row = protocol::find_update(update.constructor_id());
  if (row == nullptr || tl::holds<tl::unknown>(update)) {
    return;
  }
  into.role = row->role;
  into.box.kind = row->box;
  if (row->box == box_kind::channel) {
    into.box.channel = channel_in(update, tl::Update::tl_alternatives{});
  }
  const auto place = place_of(update);
  into.value = place.value;
  into.count = place.count;
  if (const auto* read = tl::get_if<tl::updateReadChannelInbox>(update)) {
    into.value = read->pts;
  } else if (const auto* gap = tl::get_if<tl::updateChannelTooLong>(update)) {
    into.value = gap->pts.value_or(0);
  }
  if (row->box == box_kind::channel && into.box.channel == 0) {
    // A message that cannot be read does not say where it is.
    into.box = {};
    into.role = update_role::ordinary;
  }
}

protocol::update_item message_item(protocol::box_id box, const tl::Message& message,
                                   tl::Update update, const came_with& with) {
  auto body = std::make_shared<handed_update>();
  body->update = std::move(update);
  body->peers = with.peers;
  protocol::update_item out;
  out.box = box;
  out.date = date_of(message);
  out.body = std::move(body);
  return out;
}

} // namespace

protocol::update_item item_of(const tl::Update& update, const came_with& with) {
  auto body = std::make_shared<handed_update>();
  body->update = update;
  body->peers = with.peers;
  body->date = with.date;
  body->own = with.own;
  protocol::update_item out;
  take_place(out, update);
  out.strangers = with.strangers;
  out.date = date_of(update);
  // About what a message takes; what is in it is not counted for each update.
  out.octets = 1024;
  if (out.box.kind != box_kind::none && out.count == 0) {
    out.mark = mark_of(update);
  }
  out.body = std::move(body);
  return out;
}

protocol::update_item step_of(const update_place& place) {
  protocol::update_item out;
  out.box = protocol::common_box;
  out.value = place.value;
  out.count = place.count;
  return out;
}

protocol::update_container container_of(const update_batch& batch, const came_with& with) {
  protocol::update_container out;
  out.date = batch.date;
  out.seq_start = batch.seq_start;
  out.seq = batch.seq;
  out.too_long = batch.too_long;
  out.own = with.own;
  out.items.reserve(batch.updates.size() + 1);
  for (const auto& update : batch.updates) {
    out.items.push_back(item_of(update, with));
  }
  if (batch.own) {
    out.items.push_back(step_of(*batch.own));
  }
  return out;
}

namespace {

template <class Difference>
std::vector<protocol::update_item> items_of(const Difference& from, protocol::box_id box,
                                            peers_seen& peers) {
  note_users(peers, from.users);
  note_chats(peers, from.chats);
  find_sources(peers, from.new_messages);
  find_sources(peers, from.other_updates);
  const came_with with{std::make_shared<const peers_seen>(peers)};
  std::vector<protocol::update_item> out;
  for (const auto& message : from.new_messages) {
    auto update =
        box.kind == box_kind::channel
            ? tl::Update{tl::updateNewChannelMessage{.message = message, .pts = 0, .pts_count = 0}}
            : tl::Update{tl::updateNewMessage{.message = message, .pts = 0, .pts_count = 0}};
    out.push_back(message_item(box, message, std::move(update), with));
  }
  if constexpr (requires { from.new_encrypted_messages; }) {
    for (const auto& message : from.new_encrypted_messages) {
      out.push_back(message_item(protocol::secondary_box, {},
                                 tl::updateNewEncryptedMessage{.message = message, .qts = 0},
                                 with));
    }
  }
  for (const auto& update : from.other_updates) {
    out.push_back(item_of(update, with));
  }
  return out;
}

bool take_state(protocol::account_place& into, const tl::updates::State& from) {
  const auto* state = tl::get_if<tl::updates::state>(from);
  if (state != nullptr) {
    into = {state->pts, state->qts, state->date, state->seq};
  }
  return state != nullptr;
}

} // namespace

std::optional<protocol::account_difference> difference_of(const tl::updates::Difference& answer,
                                                          peers_seen& peers) {
  using form = protocol::account_difference::form;
  protocol::account_difference out;
  const bool known = tl::match(
      answer,
      [&](const tl::updates::differenceEmpty& empty) {
        out.place.date = empty.date;
        out.place.seq = empty.seq;
        return true;
      },
      [&](const tl::updates::difference& whole) {
        out.what = form::whole;
        out.items = items_of(whole, protocol::common_box, peers);
        return take_state(out.place, whole.state);
      },
      [&](const tl::updates::differenceSlice& part) {
        out.what = form::slice;
        out.items = items_of(part, protocol::common_box, peers);
        return take_state(out.place, part.intermediate_state);
      },
      [&](const tl::updates::differenceTooLong& gap) {
        out.what = form::too_long;
        out.place.pts = gap.pts;
        return true;
      },
      [](const tl::unknown&) { return false; });
  return known ? std::optional{std::move(out)} : std::nullopt;
}

std::optional<protocol::channel_difference>
difference_of(const tl::updates::ChannelDifference& answer, std::int64_t channel,
              peers_seen& peers) {
  using form = protocol::channel_difference::form;
  protocol::channel_difference out;
  const bool known = tl::match(
      answer,
      [&](const tl::updates::channelDifferenceEmpty& empty) {
        out.final = empty.final;
        out.pts = empty.pts;
        out.timeout = empty.timeout.value_or(0);
        return true;
      },
      [&](const tl::updates::channelDifference& some) {
        out.what = form::updates;
        out.final = some.final;
        out.pts = some.pts;
        out.timeout = some.timeout.value_or(0);
        out.items = items_of(some, protocol::channel_box(channel), peers);
        return true;
      },
      [&](const tl::updates::channelDifferenceTooLong& gap) {
        out.what = form::too_long;
        const auto* dialog = tl::get_if<tl::dialog>(gap.dialog);
        out.pts = dialog != nullptr ? dialog->pts.value_or(0) : 0;
        out.timeout = gap.timeout.value_or(0);
        note_users(peers, gap.users);
        note_chats(peers, gap.chats);
        find_sources(peers, gap.messages);
        return true;
      },
      [](const tl::unknown&) { return false; });
  return known ? std::optional{std::move(out)} : std::nullopt;
}

} // namespace cafegram
