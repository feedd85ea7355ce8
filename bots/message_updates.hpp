#pragma once

#include <cafegram/bots/text.hpp>
#include <cafegram/bots/update_base.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

// Typed updates that messages bring. All of them stand in updates.hpp.

namespace cafegram {

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
  /// As Telegram writes it; `chat()` is the same with what it takes to write there.
  const tl::Peer& peer() const { return message_->peer_id; }
  /// The user or chat that wrote it; the chat itself for a post or an anonymous administrator.
  chat_ref sender() const;
  /// The user that wrote it, or null: not a user, or not told.
  const tl::user* sender_user() const;
  /// The message that it answers, in the same chat.
  std::optional<std::int32_t> reply_to() const;
  /// All that is told of what it answers: topic, quote, another chat; null for a story, or nothing.
  const tl::messageReplyHeader* reply() const;
  const tl::MessageFwdHeader* forward() const;
  const tl::MessageMedia* media() const;
  /// The same for all messages of one album.
  std::optional<std::int64_t> grouped_id() const { return message_->grouped_id; }
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
class deleted_messages
  : public update_from<tl::updateDeleteMessages, tl::updateDeleteChannelMessages> {
public:
  std::span<const std::int32_t> ids() const;

private:
  friend struct update_factory;
  using update_from::update_from;
};

/// Photos, videos, files or tracks that were sent together, as one; see
/// `bot_options::albums_within` for when they come so. `chat()` and `identity()` are the album's;
/// answer to one of its messages or to all: the sends are of the same update.
class new_album : public update_base {
public:
  /// At least one, by rising ids.
  const std::vector<new_message>& messages() const { return *messages_; }
  std::int64_t grouped_id() const { return messages_->front().grouped_id().value_or(0); }
  /// The first text under one of them; empty where there is none.
  const std::string& text() const;
  chat_ref sender() const { return messages_->front().sender(); }
  bool outgoing() const { return messages_->front().outgoing(); }
  std::chrono::sys_seconds date() const { return messages_->front().date(); }

private:
  friend struct update_factory;
  new_album(std::shared_ptr<const update_data> data, std::shared_ptr<detail::delivery> origin,
            std::vector<new_message> messages)
    : update_base{std::move(data), std::move(origin)}
    , messages_{std::make_shared<const std::vector<new_message>>(std::move(messages))} {}
  std::shared_ptr<const std::vector<new_message>> messages_;
};

/// Messages were pinned, or are no more. Spec: updatePinnedMessages, updatePinnedChannelMessages.
class pinned_messages
  : public update_from<tl::updatePinnedMessages, tl::updatePinnedChannelMessages> {
public:
  std::span<const std::int32_t> ids() const;
  /// False: they are pinned no more.
  bool pinned() const;

private:
  friend struct update_factory;
  using update_from::update_from;
};

/// Messages up to one were read. Spec: updateReadHistoryInbox, updateReadHistoryOutbox,
/// updateReadChannelInbox, updateReadChannelOutbox, updateReadChannelDiscussionInbox,
/// updateReadChannelDiscussionOutbox, updateReadMonoForumInbox, updateReadMonoForumOutbox.
class read_receipt
  : public update_from<tl::updateReadHistoryInbox, tl::updateReadHistoryOutbox,
                       tl::updateReadChannelInbox, tl::updateReadChannelOutbox,
                       tl::updateReadChannelDiscussionInbox, tl::updateReadChannelDiscussionOutbox,
                       tl::updateReadMonoForumInbox, tl::updateReadMonoForumOutbox> {
public:
  /// The last one that was read.
  std::int32_t max_id() const;
  /// The account's own messages, read by others; else others', read by the account.
  bool outgoing() const;
  /// The topic or the thread of comments, where it is of one.
  std::optional<std::int32_t> top_message_id() const;
  /// Who writes with a channel, where it is of a channel's direct messages.
  std::optional<chat_ref> saved_peer() const;
  /// None where it is not told.
  std::optional<std::int32_t> still_unread() const;

private:
  friend struct update_factory;
  using update_from::update_from;
};

/// The contents of messages were looked at: voice was heard, a mention seen. Outside channels
/// Telegram does not tell in which chat. Spec: updateReadMessagesContents,
/// updateChannelReadMessagesContents.
class contents_read
  : public update_from<tl::updateReadMessagesContents, tl::updateChannelReadMessagesContents> {
public:
  std::span<const std::int32_t> ids() const;

private:
  friend struct update_factory;
  using update_from::update_from;
};

/// The account has begun a message on another device, or given it up. Spec: updateDraftMessage.
class draft_changed : public update_from<tl::updateDraftMessage> {
public:
  /// Null: there is none any more.
  const tl::draftMessage* draft() const { return tl::get_if<tl::draftMessage>(raw().draft); }
  /// Empty where there is none.
  const std::string& text() const;
  std::optional<std::int32_t> top_message_id() const { return raw().top_msg_id; }

private:
  friend struct update_factory;
  using update_from::update_from;
};

/// What a business account's message has, beside what any message has. `chat()` is the chat of that
/// account, where the bot writes by `tl::invokeWithBusinessConnection` alone.
class business_message_update : public message_update {
public:
  const std::string& connection_id() const { return *connection_; }
  /// The message that it answers, where it came along; else null.
  const tl::message* reply_to_message() const { return answered_; }

protected:
  business_message_update(std::shared_ptr<const update_data> data,
                          std::shared_ptr<detail::delivery> origin, const tl::message* message,
                          const std::string* connection, const tl::message* answered)
    : message_update{std::move(data), std::move(origin), message}
    , connection_{connection}
    , answered_{answered} {}

private:
  const std::string* connection_; // within data_, as the next
  const tl::message* answered_;
};

/// Somebody wrote in a chat of a business account that this bot works for.
/// Spec: updateBotNewBusinessMessage.
class business_message : public business_message_update {
  friend struct update_factory;
  using business_message_update::business_message_update;
};

/// Spec: updateBotEditBusinessMessage.
class edited_business_message : public business_message_update {
  friend struct update_factory;
  using business_message_update::business_message_update;
};

/// Spec: updateBotDeleteBusinessMessage.
class deleted_business_messages : public update_from<tl::updateBotDeleteBusinessMessage> {
public:
  const std::string& connection_id() const { return raw().connection_id; }
  std::span<const std::int32_t> ids() const { return raw().messages; }

private:
  friend struct update_factory;
  using update_from::update_from;
};

} // namespace cafegram
