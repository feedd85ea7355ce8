#include <cafegram/bots/message_updates.hpp>

#include <algorithm>

namespace cafegram {

std::span<const tl::MessageEntity> message_update::entities() const {
  if (!message_->entities) {
    return {};
  }
  return *message_->entities;
}

formatted_text message_update::formatted() const {
  const auto all = entities();
  return {message_->message, {all.begin(), all.end()}};
}

std::chrono::sys_seconds message_update::date() const {
  return detail::at_unix_time(message_->date);
}

std::optional<std::chrono::sys_seconds> message_update::edit_date() const {
  if (!message_->edit_date) {
    return std::nullopt;
  }
  return detail::at_unix_time(*message_->edit_date);
}

chat_ref message_update::sender() const {
  if (message_->from_id) {
    return data_->complete(chat_ref::from(*message_->from_id));
  }
  if (chat().kind == chat_kind::user && outgoing()) {
    return data_->complete({chat_kind::user, account(), 0});
  }
  return chat(); // private chats leave out the other side; posts are the channel's
}

const tl::user* message_update::sender_user() const {
  const auto who = sender();
  return who.kind == chat_kind::user ? user(who.id) : nullptr;
}

const tl::messageReplyHeader* message_update::reply() const {
  return message_->reply_to ? tl::get_if<tl::messageReplyHeader>(*message_->reply_to) : nullptr;
}

std::optional<std::int32_t> message_update::reply_to() const {
  const auto* header = reply();
  if (header == nullptr || header->reply_to_peer_id) {
    return std::nullopt;
  }
  return header->reply_to_msg_id;
}

const tl::MessageFwdHeader* message_update::forward() const {
  return message_->fwd_from ? &*message_->fwd_from : nullptr;
}

const tl::MessageMedia* message_update::media() const {
  return message_->media ? &*message_->media : nullptr;
}

std::span<const std::int32_t> deleted_messages::ids() const {
  return read([](const auto& u) { return std::span<const std::int32_t>{u.messages}; });
}

const std::string& new_album::text() const {
  const auto told = std::ranges::find_if(
      *messages_, [](const new_message& message) { return !message.text().empty(); });
  return told != messages_->end() ? told->text() : messages_->front().text();
}

std::span<const std::int32_t> pinned_messages::ids() const {
  return read([](const auto& u) { return std::span<const std::int32_t>{u.messages}; });
}

bool pinned_messages::pinned() const {
  return read([](const auto& u) { return u.pinned; });
}

std::int32_t read_receipt::max_id() const {
  return read([](const auto& u) {
    if constexpr (requires { u.max_id; }) {
      return u.max_id;
    } else {
      return u.read_max_id;
    }
  });
}

bool read_receipt::outgoing() const {
  const auto& update = raw_update();
  return tl::holds<tl::updateReadHistoryOutbox>(update) ||
         tl::holds<tl::updateReadChannelOutbox>(update) ||
         tl::holds<tl::updateReadChannelDiscussionOutbox>(update) ||
         tl::holds<tl::updateReadMonoForumOutbox>(update);
}

std::optional<chat_ref> read_receipt::saved_peer() const {
  return read([this](const auto& u) -> std::optional<chat_ref> {
    if constexpr (requires { u.saved_peer_id; }) {
      return complete(u.saved_peer_id);
    } else {
      return std::nullopt;
    }
  });
}

std::optional<std::int32_t> read_receipt::top_message_id() const {
  return read([](const auto& u) -> std::optional<std::int32_t> {
    if constexpr (requires { u.top_msg_id; }) {
      return u.top_msg_id;
    } else {
      return std::nullopt;
    }
  });
}

std::optional<std::int32_t> read_receipt::still_unread() const {
  return read([](const auto& u) -> std::optional<std::int32_t> {
    if constexpr (requires { u.still_unread_count; }) {
      return u.still_unread_count;
    } else {
      return std::nullopt;
    }
  });
}

std::span<const std::int32_t> contents_read::ids() const {
  return read([](const auto& u) { return std::span<const std::int32_t>{u.messages}; });
}

const std::string& draft_changed::text() const {
  static const std::string none;
  const auto* there = draft();
  return there != nullptr ? there->message : none;
}

} // namespace cafegram
