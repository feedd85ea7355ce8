#pragma once

#include <cafegram/bots/chat_updates.hpp>
#include <cafegram/bots/message_updates.hpp>
#include <cafegram/bots/query_updates.hpp>
#include <cafegram/bots/update_base.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <variant>

namespace cafegram {

struct account;
struct update_event;

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

namespace detail {

using update_variant =
    std::variant<new_message, edited_message, deleted_messages, new_album, pinned_messages,
                 read_receipt, contents_read, draft_changed, callback_query, inline_query,
                 chosen_inline_result, pre_checkout_query, shipping_query, user_status, user_typing,
                 chat_member_updated, chat_join_request, pending_join_requests, message_reaction,
                 message_reactions, poll_updated, poll_answer, bot_stopped, chat_boost,
                 business_connection, business_message, edited_business_message,
                 deleted_business_messages, story_updated, stories_read, story_reaction,
                 updates_lost, other_update>;

template <class U, class Variant>
inline constexpr bool is_alternative = false;
template <class U, class... Us>
inline constexpr bool is_alternative<U, std::variant<Us...>> = (std::is_same_v<U, Us> || ...);

template <class U>
concept typed_update = is_alternative<std::remove_cvref_t<U>, update_variant>;

} // namespace detail

/// The typed updates: a handler of a `behavior` takes one of them. What Telegram adds comes as
/// `other_update`; of a message with something in it that this schema does not know, too.
/// A `std::variant`, for `std::visit`, `std::get_if` and the like.
// What a variant of so many is copied, moved and destroyed by is made in any_update.cpp, once, and
// not for each file of each bot.
class any_update : public detail::update_variant {
public:
  template <detail::typed_update U>
  any_update(U update) noexcept;
  any_update(const any_update& other);
  any_update(any_update&& other) noexcept;
  any_update& operator=(const any_update& other);
  any_update& operator=(any_update&& other) noexcept;
  ~any_update();
};

/// What all of them have.
const update_base& common(const any_update& update);

/// Makes typed updates.
struct update_factory {
  using data_ptr = std::shared_ptr<const update_data>;
  using origin_ptr = std::shared_ptr<detail::delivery>;

  static any_update make(data_ptr data, origin_ptr origin = nullptr);

private:
  static std::optional<any_update> make_message(const data_ptr& data, const origin_ptr& origin);
  static std::optional<any_update> make_business(const data_ptr& data, const origin_ptr& origin);
  static any_update make_album(const data_ptr& data, const origin_ptr& origin);
  template <class U>
  static bool make_if(std::optional<any_update>& out, const data_ptr& data,
                      const origin_ptr& origin);
  template <class... Us>
  static any_update make_one_of(const std::variant<Us...>*, const data_ptr& data,
                                const origin_ptr& origin);
};

/// The update of an account, as it is typed: for an actor that has subscribed
/// (`client::subscribe`). `self` gives the account's name, which filters of commands want to know.
/// The event must hold an update.
any_update typed(const update_event& event, const account& self);

/// INTERNAL: the same before it is typed. Null for an event without an update.
std::shared_ptr<const update_data> intake(const update_event& event, const account& self);

/// Who has caused the update: wrote, pressed, asked, joined, or let somebody else in or out. A chat
/// where somebody writes as that chat. None where there is nobody, or Telegram does not tell.
std::optional<chat_ref> cause_of(const any_update& update);
/// The same where it is a user, else 0: a channel may have the number of a user.
std::int64_t user_of(const any_update& update);

/// Which conversation an update belongs to: the chat that it names; the user where it names none;
/// the account itself for what has neither.
chat_ref conversation_of(const tl::Update& update, std::int64_t account);

} // namespace cafegram
