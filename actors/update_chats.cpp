#include <cafegram/actors/update_chats.hpp>
#include <cafegram/tl/api.hpp>

#include <fmt/format.h>

#include <type_traits>

namespace cafegram {

namespace {

/// A chat that an update names; none where it is about something else under the same name.
std::optional<chat_name> named(const tl::Peer& peer) {
  if (!peer) {
    return std::nullopt;
  }
  return tl::match(
      peer, [](const tl::peerUser& p) { return chat_name{chat_kind::user, p.user_id}; },
      [](const tl::peerChat& p) { return chat_name{chat_kind::group, p.chat_id}; },
      [](const tl::peerChannel& p) { return chat_name{chat_kind::channel, p.channel_id}; },
      [](const tl::unknown&) { return chat_name{}; });
}

std::optional<chat_name> named(const std::optional<tl::Peer>& peer) {
  return peer ? named(*peer) : std::nullopt;
}

std::optional<chat_name> named(const tl::Message& message) {
  if (const auto* m = tl::get_if<tl::message>(message)) {
    return named(m->peer_id);
  }
  if (const auto* m = tl::get_if<tl::messageService>(message)) {
    return named(m->peer_id);
  }
  return std::nullopt;
}

template <class T>
constexpr bool is_id = std::is_same_v<std::remove_cvref_t<T>, std::int64_t>;

/// By the names of its fields, which Telegram uses alike, so what the next layer adds is found too.
/// The chat of `chat_id:int` is a secret one, which is none of these.
template <class T>
std::optional<chat_name> chat_in(const T& update) {
  if constexpr (requires { named(update.message); }) {
    return named(update.message);
  } else if constexpr (requires { named(update.peer); }) {
    return named(update.peer);
  } else if constexpr (requires { requires is_id<decltype(update.channel_id)>; }) {
    return chat_name{chat_kind::channel, update.channel_id};
  } else if constexpr (requires { requires is_id<decltype(update.chat_id)>; }) {
    return chat_name{chat_kind::group, update.chat_id};
  } else if constexpr (requires { requires is_id<decltype(update.user_id)>; }) {
    return chat_name{chat_kind::user, update.user_id};
  } else {
    return std::nullopt;
  }
}

std::optional<chat_name> chat_in(const tl::updateBotBusinessConnect& update) {
  const auto* connection = tl::get_if<tl::botBusinessConnection>(update.connection);
  return connection != nullptr ? std::optional{chat_name{chat_kind::user, connection->user_id}}
                               : std::nullopt;
}

template <class... Ts>
std::optional<chat_name> chat_in_any(const tl::Update& update, tl::detail::list<Ts...>) {
  std::optional<chat_name> out;
  const auto one = [&]<class T>(std::type_identity<T>) {
    const auto* found = tl::get_if<T>(update);
    if (found != nullptr) {
      out = chat_in(*found);
    }
    return found != nullptr;
  };
  static_cast<void>((one(std::type_identity<Ts>{}) || ...));
  return out;
}

} // namespace

std::string to_string(const chat_name& chat) {
  const char kind = chat.kind == chat_kind::user ? 'u' : chat.kind == chat_kind::group ? 'g' : 'c';
  return fmt::format("{}{}", kind, chat.id);
}

/// Most are messages.
std::optional<chat_name> chat_named_in(const tl::Update& update) {
  if (const auto* fresh = tl::get_if<tl::updateNewMessage>(update)) {
    return chat_in(*fresh);
  }
  if (const auto* fresh = tl::get_if<tl::updateNewChannelMessage>(update)) {
    return chat_in(*fresh);
  }
  return chat_in_any(update, tl::Update::tl_alternatives{});
}

std::int64_t album_in(const tl::Update& update) {
  const auto* fresh = tl::get_if<tl::updateNewMessage>(update);
  const auto* message = fresh != nullptr ? tl::get_if<tl::message>(fresh->message) : nullptr;
  return message != nullptr ? message->grouped_id.value_or(0) : 0;
}

} // namespace cafegram
