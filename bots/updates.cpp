#include <cafegram/bots/updates.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>
#include <utility>

namespace cafegram {

namespace {

constexpr std::int64_t first_marked_channel = -1'000'000'000'000;

/// Null for what is no message, a service message, or one that this schema cannot read.
const tl::message* plain_message(const tl::Message& message) {
  return tl::get_if<tl::message>(message);
}

const tl::message* plain_message(const std::optional<tl::Message>& message) {
  return message ? plain_message(*message) : nullptr;
}

template <class... Ts>
const tl::message* message_in(const tl::Update& update) {
  const tl::message* out = nullptr;
  const auto one = [&](const auto* found) {
    out = found != nullptr ? plain_message(found->message) : out;
  };
  (one(tl::get_if<Ts>(update)), ...);
  return out;
}

} // namespace

std::int64_t chat_ref::marked_id() const {
  switch (kind) {
  case chat_kind::user:
    return id;
  case chat_kind::group:
    return -id;
  case chat_kind::channel:
    break;
  }
  return first_marked_channel - id;
}

tl::InputPeer chat_ref::input_peer() const {
  if (kind == chat_kind::group) {
    tl::inputPeerChat peer;
    peer.chat_id = id;
    return peer;
  }
  if (kind == chat_kind::channel) {
    tl::inputPeerChannel peer;
    peer.channel_id = id;
    peer.access_hash = access_hash;
    return peer;
  }
  tl::inputPeerUser peer;
  peer.user_id = id;
  peer.access_hash = access_hash;
  return peer;
}

chat_ref chat_ref::from(const tl::Peer& peer) {
  if (const auto* p = tl::get_if<tl::peerUser>(peer)) {
    return {chat_kind::user, p->user_id, 0};
  }
  if (const auto* p = tl::get_if<tl::peerChat>(peer)) {
    return {chat_kind::group, p->chat_id, 0};
  }
  if (const auto* p = tl::get_if<tl::peerChannel>(peer)) {
    return {chat_kind::channel, p->channel_id, 0};
  }
  return {};
}

chat_ref chat_ref::from_marked(std::int64_t id) {
  if (id > 0) {
    return {chat_kind::user, id, 0};
  }
  return id < first_marked_channel ? chat_ref{chat_kind::channel, first_marked_channel - id, 0}
                                   : chat_ref{chat_kind::group, -id, 0};
}

std::string to_string(const chat_ref& chat) {
  return fmt::format("{}", chat.marked_id());
}

const tl::user* update_data::find_user(std::int64_t id) const {
  if (!peers) {
    return nullptr;
  }
  const auto at = peers->users.find(id);
  return at != peers->users.end() ? tl::get_if<tl::user>(at->second) : nullptr;
}

const tl::channel* update_data::find_channel(std::int64_t id) const {
  if (!peers) {
    return nullptr;
  }
  const auto at = peers->chats.find(id);
  return at != peers->chats.end() ? tl::get_if<tl::channel>(at->second) : nullptr;
}

// The hash of a `min` constructor is good for photos only. Spec: "Min constructors".
chat_ref update_data::complete(chat_ref incomplete) const {
  if (incomplete.kind == chat_kind::user) {
    const auto* user = find_user(incomplete.id);
    if (user != nullptr && !user->min) {
      incomplete.access_hash = user->access_hash.value_or(0);
    }
  } else if (incomplete.kind == chat_kind::channel) {
    const auto* channel = find_channel(incomplete.id);
    if (channel != nullptr && !channel->min) {
      incomplete.access_hash = channel->access_hash.value_or(0);
    }
  }
  return incomplete;
}

const update_base& common(const any_update& update) {
  return std::visit([](const auto& u) -> const update_base& { return u; }, update);
}

std::optional<any_update> update_factory::make_message(const data_ptr& data,
                                                       const origin_ptr& origin) {
  const auto& update = data->update;
  if (const auto* m = message_in<tl::updateNewMessage, tl::updateNewChannelMessage>(update)) {
    return new_message{data, origin, m};
  }
  if (const auto* m = message_in<tl::updateEditMessage, tl::updateEditChannelMessage>(update)) {
    return edited_message{data, origin, m};
  }
  return std::nullopt;
}

std::optional<any_update> update_factory::make_business(const data_ptr& data,
                                                        const origin_ptr& origin) {
  const auto& update = data->update;
  if (const auto* u = tl::get_if<tl::updateBotNewBusinessMessage>(update)) {
    if (const auto* m = plain_message(u->message)) {
      return business_message{data, origin, m, &u->connection_id,
                              plain_message(u->reply_to_message)};
    }
  }
  if (const auto* u = tl::get_if<tl::updateBotEditBusinessMessage>(update)) {
    if (const auto* m = plain_message(u->message)) {
      return edited_business_message{data, origin, m, &u->connection_id,
                                     plain_message(u->reply_to_message)};
    }
  }
  return std::nullopt;
}

any_update update_factory::make_album(const data_ptr& data, const origin_ptr& origin) {
  std::vector<new_message> messages;
  for (const auto& part : data->album) {
    if (auto made = make_message(part, origin)) {
      if (auto* message = std::get_if<new_message>(&*made)) {
        messages.push_back(std::move(*message));
      }
    }
  }
  if (messages.empty()) {
    return other_update{data, origin};
  }
  std::ranges::sort(messages, {}, &message_update::id);
  return new_album{data, origin, std::move(messages)};
}

template <class U>
bool update_factory::make_if(std::optional<any_update>& out, const data_ptr& data,
                             const origin_ptr& origin) {
  if constexpr (requires { U::made_of(data->update); }) {
    if (U::made_of(data->update)) {
      out.emplace(U{data, origin});
      return true;
    }
  }
  return false;
}

template <class... Us>
any_update update_factory::make_one_of(const std::variant<Us...>* /*all*/, const data_ptr& data,
                                       const origin_ptr& origin) {
  std::optional<any_update> out;
  if ((make_if<Us>(out, data, origin) || ...)) {
    return *std::move(out);
  }
  return other_update{data, origin};
}

any_update update_factory::make(data_ptr data, origin_ptr origin) {
  if (data->lost != 0) {
    return updates_lost{std::move(data), std::move(origin)};
  }
  if (!data->album.empty()) {
    return make_album(data, origin);
  }
  if (auto message = make_message(data, origin)) {
    return *std::move(message);
  }
  if (auto message = make_business(data, origin)) {
    return *std::move(message);
  }
  return make_one_of(static_cast<const detail::update_variant*>(nullptr), data, origin);
}

chat_ref conversation_of(const tl::Update& update, std::int64_t account) {
  const auto chat = chat_named_in(update).value_or(chat_name{chat_kind::user, account});
  return {chat.kind, chat.id, 0};
}

namespace {

std::optional<chat_ref> somebody(const chat_ref& who) {
  return who.id != 0 ? std::optional{who} : std::nullopt;
}

} // namespace

std::optional<chat_ref> cause_of(const any_update& update) {
  return std::visit(
      []<class U>(const U& u) -> std::optional<chat_ref> {
        if constexpr (requires { u.sender(); }) {
          return somebody(u.sender());
        } else if constexpr (requires { u.actor_id(); }) {
          return somebody({chat_kind::user, u.actor_id(), 0});
        } else if constexpr (requires { u.user_id(); }) {
          const std::optional<std::int64_t> user = u.user_id();
          return somebody({chat_kind::user, user.value_or(0), 0});
        } else {
          return std::nullopt;
        }
      },
      update);
}

std::int64_t user_of(const any_update& update) {
  const auto who = cause_of(update);
  return who && who->kind == chat_kind::user ? who->id : 0;
}

} // namespace cafegram
