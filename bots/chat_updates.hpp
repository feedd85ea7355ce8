#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/bots/update_base.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Typed updates of people and chats. All of them stand in updates.hpp.

namespace cafegram {

/// A user has come online, or gone. Spec: updateUserStatus.
class user_status : public update_from<tl::updateUserStatus> {
public:
  std::int64_t user_id() const { return raw().user_id; }
  bool online() const { return tl::holds<tl::userStatusOnline>(raw().status); }
  /// Until when, if nothing more comes; none where the user is not online.
  std::optional<std::chrono::sys_seconds> online_until() const;
  /// When the user went; none where Telegram does not tell it exactly.
  std::optional<std::chrono::sys_seconds> last_seen() const;

private:
  friend struct update_factory;
  using update_from::update_from;
};

/// Somebody types, records, uploads, or has given it up. It counts for about six seconds.
/// Spec: updateUserTyping, updateChatUserTyping, updateChannelUserTyping.
class user_typing : public update_from<tl::updateUserTyping, tl::updateChatUserTyping,
                                       tl::updateChannelUserTyping> {
public:
  /// Who does it: a user, or a chat as which somebody writes.
  chat_ref sender() const;
  const tl::SendMessageAction& action() const;
  /// It has been given up.
  bool cancelled() const { return tl::holds<tl::sendMessageCancelAction>(action()); }
  std::optional<std::int32_t> top_message_id() const;

private:
  friend struct update_factory;
  using update_from::update_from;
};

/// Somebody has joined, left, or has other rights now; the bot itself too.
/// Spec: updateChatParticipant, updateChannelParticipant.
class chat_member_updated
  : public update_from<tl::updateChatParticipant, tl::updateChannelParticipant> {
public:
  enum class status : std::uint8_t { left, member, administrator, creator, restricted, banned };

  /// Who is spoken of.
  std::int64_t user_id() const;
  /// Who did it.
  std::int64_t actor_id() const;
  status before() const;
  status now() const;
  bool joined() const { return !inside(before()) && inside(now()); }
  bool left() const { return inside(before()) && !inside(now()); }
  /// The account that receives this.
  bool is_own() const { return user_id() == account(); }
  std::chrono::sys_seconds date() const;
  /// The link by which somebody came; null for another way.
  const tl::ExportedChatInvite* invite() const;

private:
  static bool inside(status what) { return what != status::left && what != status::banned; }
  friend struct update_factory;
  using update_from::update_from;
};

/// Somebody wants to join: `messages.hideChatJoinRequest`. Spec: updateBotChatInviteRequester.
class chat_join_request : public update_from<tl::updateBotChatInviteRequester> {
public:
  std::int64_t user_id() const { return raw().user_id; }
  const tl::user* sender_user() const { return user(user_id()); }
  /// What the user says about it; may be empty.
  const std::string& about() const { return raw().about; }
  const tl::ExportedChatInvite& invite() const { return raw().invite; }
  std::chrono::sys_seconds date() const { return detail::at_unix_time(raw().date); }

private:
  friend struct update_factory;
  using update_from::update_from;
};

/// So many want to join a chat that the account looks after. Spec: updatePendingJoinRequests.
class pending_join_requests : public update_from<tl::updatePendingJoinRequests> {
public:
  std::int32_t count() const { return raw().requests_pending; }
  /// Some of them.
  std::span<const std::int64_t> recent() const { return raw().recent_requesters; }

private:
  friend struct update_factory;
  using update_from::update_from;
};

/// Somebody reacts to a message otherwise than before. Spec: updateBotMessageReaction.
class message_reaction : public update_from<tl::updateBotMessageReaction> {
public:
  message_ref message() const { return {chat(), raw().msg_id}; }
  /// The user, or the chat as which somebody reacts.
  chat_ref sender() const { return complete(raw().actor); }
  std::span<const tl::Reaction> before() const { return raw().old_reactions; }
  std::span<const tl::Reaction> now() const { return raw().new_reactions; }
  std::chrono::sys_seconds date() const { return detail::at_unix_time(raw().date); }

private:
  friend struct update_factory;
  using update_from::update_from;
};

/// How many reactions a message has. Spec: updateBotMessageReactions (of those that name nobody),
/// updateMessageReactions.
class message_reactions
  : public update_from<tl::updateBotMessageReactions, tl::updateMessageReactions> {
public:
  message_ref message() const;
  std::span<const tl::ReactionCount> counts() const;

private:
  friend struct update_factory;
  using update_from::update_from;
};

/// A poll has other results now, or is closed. Spec: updateMessagePoll.
class poll_updated : public update_from<tl::updateMessagePoll> {
public:
  std::int64_t poll_id() const { return raw().poll_id; }
  /// Question and answers, where they came along; else null.
  const tl::poll* poll() const { return raw().poll ? tl::get_if<tl::poll>(*raw().poll) : nullptr; }
  /// Null where this schema does not know their form.
  const tl::pollResults* results() const { return tl::get_if<tl::pollResults>(raw().results); }
  /// The message with the poll, where it is told.
  std::optional<message_ref> message() const;

private:
  friend struct update_factory;
  using update_from::update_from;
};

/// Somebody has voted in a poll that is not anonymous, or has taken it back. `chat()` is that of
/// who votes. Spec: updateMessagePollVote.
class poll_answer : public update_from<tl::updateMessagePollVote> {
public:
  std::int64_t poll_id() const { return raw().poll_id; }
  chat_ref sender() const { return complete(raw().peer); }
  /// As `tl::pollAnswer` names them; empty: taken back.
  std::span<const bytes> options() const { return raw().options; }

private:
  friend struct update_factory;
  using update_from::update_from;
};

/// A user has blocked the bot, or has started it again. Spec: updateBotStopped.
class bot_stopped : public update_from<tl::updateBotStopped> {
public:
  std::int64_t user_id() const { return raw().user_id; }
  /// False: started again.
  bool stopped() const { return raw().stopped; }
  std::chrono::sys_seconds date() const { return detail::at_unix_time(raw().date); }

private:
  friend struct update_factory;
  using update_from::update_from;
};

/// A chat is boosted, or no more. Spec: updateBotChatBoost.
class chat_boost : public update_from<tl::updateBotChatBoost> {
public:
  /// Null where this schema does not know its form. It is over where `expires` is past.
  const tl::boost* boost() const { return tl::get_if<tl::boost>(raw().boost); }
  /// Who boosts; none where it is not told.
  std::optional<std::int64_t> user_id() const;

private:
  friend struct update_factory;
  using update_from::update_from;
};

/// A business account lets the bot work for it, otherwise than before, or no more. `chat()` is that
/// of its user. Spec: updateBotBusinessConnect.
class business_connection : public update_from<tl::updateBotBusinessConnect> {
public:
  /// Null where this schema does not know its form.
  const tl::botBusinessConnection* connection() const {
    return tl::get_if<tl::botBusinessConnection>(raw().connection);
  }
  /// Empty where there is no `connection()`.
  std::string_view connection_id() const;
  std::int64_t user_id() const { return connection() != nullptr ? connection()->user_id : 0; }
  bool enabled() const { return connection() != nullptr && !connection()->disabled; }

private:
  friend struct update_factory;
  using update_from::update_from;
};

/// A story is there, has changed, or is gone. Spec: updateStory.
class story_updated : public update_from<tl::updateStory> {
public:
  /// 0 where this schema does not know its form.
  std::int32_t story_id() const;
  /// Null: it is gone, or came without its contents (`raw().story`).
  const tl::storyItem* story() const { return tl::get_if<tl::storyItem>(raw().story); }
  bool deleted() const { return tl::holds<tl::storyItemDeleted>(raw().story); }

private:
  friend struct update_factory;
  using update_from::update_from;
};

/// Stories up to one were seen by the account. Spec: updateReadStories.
class stories_read : public update_from<tl::updateReadStories> {
public:
  std::int32_t max_id() const { return raw().max_id; }

private:
  friend struct update_factory;
  using update_from::update_from;
};

/// Somebody has reacted to a story of the account, or the account to one of `chat()`.
/// Spec: updateNewStoryReaction, updateSentStoryReaction.
class story_reaction : public update_from<tl::updateNewStoryReaction, tl::updateSentStoryReaction> {
public:
  std::int32_t story_id() const;
  const tl::Reaction& reaction() const;
  /// By the account itself.
  bool outgoing() const { return tl::holds<tl::updateSentStoryReaction>(raw_update()); }

private:
  friend struct update_factory;
  using update_from::update_from;
};

} // namespace cafegram
