#include <cafegram/bots/updates.hpp>

#include <fmt/format.h>

namespace cafegram {

namespace {

const tl::message* plain_message(const tl::Message& message) {
  return tl::get_if<tl::message>(message);
}

const tl::Message* message_of(const tl::Update& update) {
  if (const auto* u = tl::get_if<tl::updateNewMessage>(update)) {
    return &u->message;
  }
  if (const auto* u = tl::get_if<tl::updateNewChannelMessage>(update)) {
    return &u->message;
  }
  if (const auto* u = tl::get_if<tl::updateEditMessage>(update)) {
    return &u->message;
  }
  if (const auto* u = tl::get_if<tl::updateEditChannelMessage>(update)) {
    return &u->message;
  }
  return nullptr;
}

bool is_edit(const tl::Update& update) {
  return tl::get_if<tl::updateEditMessage>(update) != nullptr ||
         tl::get_if<tl::updateEditChannelMessage>(update) != nullptr;
}

const tl::Peer* peer_of(const tl::Message& message) {
  if (const auto* m = tl::get_if<tl::message>(message)) {
    return &m->peer_id;
  }
  if (const auto* m = tl::get_if<tl::messageService>(message)) {
    return &m->peer_id;
  }
  return nullptr;
}

std::chrono::sys_seconds seconds_of(std::int32_t unix_time) {
  return std::chrono::sys_seconds{std::chrono::seconds{unix_time}};
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
  return -1'000'000'000'000 - id;
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
  return seconds_of(message_->date);
}

std::optional<std::chrono::sys_seconds> message_update::edit_date() const {
  if (!message_->edit_date) {
    return std::nullopt;
  }
  return seconds_of(*message_->edit_date);
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

std::optional<std::int32_t> message_update::reply_to() const {
  if (!message_->reply_to) {
    return std::nullopt;
  }
  const auto* header = tl::get_if<tl::messageReplyHeader>(*message_->reply_to);
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

namespace {

// Both forms of a pressed button have these fields under the same names.
template <class F>
auto with_query(const tl::Update& update, F get) {
  if (const auto* q = tl::get_if<tl::updateBotCallbackQuery>(update)) {
    return get(*q);
  }
  return get(*tl::get_if<tl::updateInlineBotCallbackQuery>(update));
}

} // namespace

std::int64_t callback_query::id() const {
  return with_query(raw_update(), [](const auto& q) { return q.query_id; });
}

std::string_view callback_query::data_text() const {
  return with_query(raw_update(),
                    [](const auto& q) { return q.data ? as_text(*q.data) : std::string_view{}; });
}

std::int64_t callback_query::user_id() const {
  return with_query(raw_update(), [](const auto& q) { return q.user_id; });
}

std::int64_t callback_query::chat_instance() const {
  return with_query(raw_update(), [](const auto& q) { return q.chat_instance; });
}

std::optional<message_ref> callback_query::message() const {
  const auto* q = tl::get_if<tl::updateBotCallbackQuery>(raw_update());
  if (q == nullptr) {
    return std::nullopt;
  }
  return message_ref{chat(), q->msg_id};
}

const tl::InputBotInlineMessageID* callback_query::inline_message() const {
  const auto* q = tl::get_if<tl::updateInlineBotCallbackQuery>(raw_update());
  return q != nullptr ? &q->msg_id : nullptr;
}

const tl::updateBotInlineQuery& inline_query::raw() const {
  return *tl::get_if<tl::updateBotInlineQuery>(raw_update());
}

const update_base& common(const any_update& update) {
  return std::visit([](const auto& u) -> const update_base& { return u; }, update);
}

any_update update_factory::make(std::shared_ptr<const update_data> data,
                                std::shared_ptr<detail::delivery> origin) {
  const auto& update = data->update;
  if (data->lost != 0) {
    return updates_lost{std::move(data), std::move(origin)};
  }
  if (const auto* boxed = message_of(update)) {
    const auto* message = plain_message(*boxed);
    if (message != nullptr && is_edit(update)) {
      return edited_message{std::move(data), std::move(origin), message};
    }
    if (message != nullptr) {
      return new_message{std::move(data), std::move(origin), message};
    }
  }
  if (const auto* u = tl::get_if<tl::updateDeleteMessages>(update)) {
    return deleted_messages{std::move(data), std::move(origin), u->messages};
  }
  if (const auto* u = tl::get_if<tl::updateDeleteChannelMessages>(update)) {
    return deleted_messages{std::move(data), std::move(origin), u->messages};
  }
  if (tl::get_if<tl::updateBotCallbackQuery>(update) != nullptr ||
      tl::get_if<tl::updateInlineBotCallbackQuery>(update) != nullptr) {
    return callback_query{std::move(data), std::move(origin)};
  }
  if (tl::get_if<tl::updateBotInlineQuery>(update) != nullptr) {
    return inline_query{std::move(data), std::move(origin)};
  }
  return other_update{std::move(data), std::move(origin)};
}

chat_ref conversation_of(const tl::Update& update, std::int64_t account) {
  const chat_ref own{chat_kind::user, account, 0};
  if (const auto* message = message_of(update)) {
    const auto* peer = peer_of(*message);
    return peer != nullptr ? chat_ref::from(*peer) : own;
  }
  if (const auto* u = tl::get_if<tl::updateDeleteChannelMessages>(update)) {
    return {chat_kind::channel, u->channel_id, 0};
  }
  if (const auto* u = tl::get_if<tl::updateBotCallbackQuery>(update)) {
    return chat_ref::from(u->peer);
  }
  if (const auto* u = tl::get_if<tl::updateInlineBotCallbackQuery>(update)) {
    return {chat_kind::user, u->user_id, 0};
  }
  if (const auto* u = tl::get_if<tl::updateBotInlineQuery>(update)) {
    return {chat_kind::user, u->user_id, 0};
  }
  return own;
}

} // namespace cafegram
