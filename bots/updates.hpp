#pragma once

#include <cafegram/actors/updates.hpp>
#include <cafegram/bots/text.hpp>
#include <cafegram/tl/api.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace cafegram {

enum class chat_kind : std::uint8_t { user, group, channel };

/// Where messages go: a private chat, a basic group, or a channel or supergroup.
struct chat_ref {
  chat_kind kind = chat_kind::user;
  std::int64_t id = 0;          ///< as in TL: positive
  std::int64_t access_hash = 0; ///< 0 where it is not known; bots may send it

  /// One number for all kinds, as in the Bot API: user `id`, group `-id`, channel `-10^12 - id`.
  std::int64_t marked_id() const;
  tl::InputPeer input_peer() const;
  static chat_ref from(const tl::Peer& peer);

  friend bool operator==(const chat_ref& a, const chat_ref& b) {
    return a.kind == b.kind && a.id == b.id;
  }
};

std::string to_string(const chat_ref& chat);

/// One message in one chat, for edit, delete and reply.
struct message_ref {
  chat_ref chat;
  std::int32_t id = 0;
  friend bool operator==(const message_ref&, const message_ref&) = default;
};

/// What an update is made of; shared and never changed. Typed updates are views of it.
struct update_data {
  std::string identity; ///< as `received_update::identity`
  tl::Update update;
  std::shared_ptr<const peers_seen> peers; ///< users and chats that came along; may be null
  std::int64_t account = 0;                ///< whose update it is
  std::string account_username;            ///< without `@`; may be empty
  std::uint64_t lost = 0; ///< when not 0 this is the note that so many updates were lost
  std::optional<lost_updates> gap = {}; ///< of those that Telegram brings no more
  chat_ref chat;                        ///< the conversation that it belongs to

  const tl::user* find_user(std::int64_t id) const;
  const tl::channel* find_channel(std::int64_t id) const;
  /// `chat` completed with the access hash that came along, if any did.
  chat_ref complete(chat_ref incomplete) const;
};

namespace detail {
struct delivery; // one update on its way through one conversation
}

/// What all typed updates have.
class update_base {
public:
  /// The conversation: the chat, or the user where there is no chat.
  const chat_ref& chat() const { return data_->chat; }
  /// The same each time this update is delivered, different for any other: for bookkeeping.
  const std::string& identity() const { return data_->identity; }
  const tl::Update& raw_update() const { return data_->update; }
  /// A user that came with the update, or null.
  const tl::user* user(std::int64_t id) const { return data_->find_user(id); }
  std::int64_t account() const { return data_->account; }
  const std::string& account_username() const { return data_->account_username; }

  const std::shared_ptr<const update_data>& data() const { return data_; }
  /// INTERNAL: under which the sends that it causes are made.
  const std::shared_ptr<detail::delivery>& origin() const { return origin_; }

protected:
  update_base(std::shared_ptr<const update_data> data, std::shared_ptr<detail::delivery> origin)
    : data_{std::move(data)}
    , origin_{std::move(origin)} {}

  std::shared_ptr<const update_data> data_;
  std::shared_ptr<detail::delivery> origin_;
};

/// A `message` as an update shows it.
class message_update : public update_base {
public:
  std::int32_t id() const { return message_->id; }
  const std::string& text() const { return message_->message; }
  std::span<const tl::MessageEntity> entities() const;
  formatted_text formatted() const;
  bool outgoing() const { return message_->out; }
  bool mentioned() const { return message_->mentioned; }
  bool silent() const { return message_->silent; }
  bool pinned() const { return message_->pinned; }
  bool post() const { return message_->post; }
  std::chrono::sys_seconds date() const;
  std::optional<std::chrono::sys_seconds> edit_date() const;
  /// The user or chat that wrote it; the chat itself for a post or an anonymous administrator.
  chat_ref sender() const;
  /// The user that wrote it, or null: not a user, or not told.
  const tl::user* sender_user() const;
  /// The message that it answers, in the same chat.
  std::optional<std::int32_t> reply_to() const;
  const tl::MessageFwdHeader* forward() const;
  const tl::MessageMedia* media() const;
  message_ref ref() const { return {chat(), id()}; }
  /// Telegram's own value, for everything else.
  const tl::message& raw() const { return *message_; }

protected:
  message_update(std::shared_ptr<const update_data> data, std::shared_ptr<detail::delivery> origin,
                 const tl::message* message)
    : update_base{std::move(data), std::move(origin)}
    , message_{message} {}

private:
  const tl::message* message_; // within data_
};

/// Somebody wrote. Spec: updateNewMessage, updateNewChannelMessage.
class new_message : public message_update {
  friend struct update_factory;
  using message_update::message_update;
};

/// A message has changed. Spec: updateEditMessage, updateEditChannelMessage.
class edited_message : public message_update {
  friend struct update_factory;
  using message_update::message_update;
};

/// Messages are gone. Outside channels Telegram does not tell from which chat: `chat()` is then
/// the account's own. Spec: updateDeleteMessages, updateDeleteChannelMessages.
class deleted_messages : public update_base {
public:
  std::span<const std::int32_t> ids() const { return ids_; }

private:
  friend struct update_factory;
  deleted_messages(std::shared_ptr<const update_data> data,
                   std::shared_ptr<detail::delivery> origin, std::span<const std::int32_t> ids)
    : update_base{std::move(data), std::move(origin)}
    , ids_{ids} {}
  std::span<const std::int32_t> ids_;
};

/// A button was pressed. Answer it: the user sees it wait until then.
/// Spec: updateBotCallbackQuery, updateInlineBotCallbackQuery.
class callback_query : public update_base {
public:
  std::int64_t id() const;
  /// The data of the button, as octets in a string; empty for a game.
  std::string_view data_text() const;
  std::int64_t user_id() const;
  const tl::user* sender_user() const { return user(user_id()); }
  /// The message with the button; none when it was sent through inline mode.
  std::optional<message_ref> message() const;
  /// The message that inline mode sent; null for others.
  const tl::InputBotInlineMessageID* inline_message() const;
  std::int64_t chat_instance() const;

private:
  friend struct update_factory;
  using update_base::update_base;
};

/// Somebody types the bot's name and a query in any chat. Spec: updateBotInlineQuery.
class inline_query : public update_base {
public:
  std::int64_t id() const { return raw().query_id; }
  std::int64_t user_id() const { return raw().user_id; }
  const std::string& query() const { return raw().query; }
  const std::string& offset() const { return raw().offset; }
  const tl::updateBotInlineQuery& raw() const;

private:
  friend struct update_factory;
  using update_base::update_base;
};

/// Updates of this conversation are lost: its queue was full (of what the inbox does not keep), or
/// Telegram brings them no more.
class updates_lost : public update_base {
public:
  /// At least so many.
  std::uint64_t count() const { return data_->lost; }
  /// Whose and which, where it is Telegram that brings them no more. Those of private chats and
  /// groups have one counter: their note comes to the account's own conversation.
  const std::optional<lost_updates>& gap() const { return data_->gap; }

private:
  friend struct update_factory;
  using update_base::update_base;
};

/// Every other kind of update: `raw_update()` is Telegram's own value.
class other_update : public update_base {
  friend struct update_factory;
  using update_base::update_base;
};

/// The typed updates: a handler of a `behavior` takes one of them.
using any_update = std::variant<new_message, edited_message, deleted_messages, callback_query,
                                inline_query, updates_lost, other_update>;

/// What all of them have.
const update_base& common(const any_update& update);

/// Makes typed updates.
struct update_factory {
  static any_update make(std::shared_ptr<const update_data> data,
                         std::shared_ptr<detail::delivery> origin = nullptr);
};

/// Which conversation an update belongs to: the chat; the user of an inline query or inline
/// button; the account itself for what has neither.
chat_ref conversation_of(const tl::Update& update, std::int64_t account);

} // namespace cafegram
