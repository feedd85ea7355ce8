#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/bots/update_base.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Typed updates that want an answer, or tell what became of one. All of them stand in updates.hpp.

namespace cafegram {

/// A button was pressed. Answer it: the user sees it wait until then.
/// Spec: updateBotCallbackQuery, updateInlineBotCallbackQuery, updateBusinessBotCallbackQuery.
class callback_query
  : public update_from<tl::updateBotCallbackQuery, tl::updateInlineBotCallbackQuery,
                       tl::updateBusinessBotCallbackQuery> {
public:
  std::int64_t id() const;
  /// The data of the button, as octets in a string; empty for a game.
  std::string_view data_text() const;
  /// The short name of the game whose button it is; empty for another button.
  std::string_view game() const;
  std::int64_t user_id() const;
  const tl::user* sender_user() const { return user(user_id()); }
  /// The message with the button; none when it was sent through inline mode, or for a business
  /// account.
  std::optional<message_ref> message() const;
  /// The message that inline mode sent; null for others.
  const tl::InputBotInlineMessageID* inline_message() const;
  /// The message that was sent for a business account, and that account's connection; null for
  /// others.
  const tl::updateBusinessBotCallbackQuery* business() const;
  std::int64_t chat_instance() const;

private:
  friend struct update_factory;
  using update_from::update_from;
};

/// Somebody types the bot's name and a query in any chat. Spec: updateBotInlineQuery.
class inline_query : public update_from<tl::updateBotInlineQuery> {
public:
  std::int64_t id() const { return raw().query_id; }
  std::int64_t user_id() const { return raw().user_id; }
  const std::string& query() const { return raw().query; }
  const std::string& offset() const { return raw().offset; }

private:
  friend struct update_factory;
  using update_from::update_from;
};

/// Somebody has sent a result of an inline query; told where @BotFather was asked for it.
/// Spec: updateBotInlineSend.
class chosen_inline_result : public update_from<tl::updateBotInlineSend> {
public:
  /// The result's, as the bot has named it.
  const std::string& result_id() const { return raw().id; }
  std::int64_t user_id() const { return raw().user_id; }
  const tl::user* sender_user() const { return user(user_id()); }
  const std::string& query() const { return raw().query; }
  /// The message, to edit it; null where it has no inline keyboard.
  const tl::InputBotInlineMessageID* inline_message() const {
    return raw().msg_id ? &*raw().msg_id : nullptr;
  }

private:
  friend struct update_factory;
  using update_from::update_from;
};

/// Somebody is about to pay: `messages.setBotPrecheckoutResults` within ten seconds.
/// Spec: updateBotPrecheckoutQuery.
class pre_checkout_query : public update_from<tl::updateBotPrecheckoutQuery> {
public:
  std::int64_t id() const { return raw().query_id; }
  std::int64_t user_id() const { return raw().user_id; }
  const tl::user* sender_user() const { return user(user_id()); }
  /// As it stands in the invoice.
  std::string_view payload() const { return as_text(raw().payload); }
  const std::string& currency() const { return raw().currency; }
  /// In the smallest unit of the currency.
  std::int64_t total_amount() const { return raw().total_amount; }
  const std::optional<std::string>& shipping_option() const { return raw().shipping_option_id; }
  /// What the user has filled in; null where nothing was asked for.
  const tl::paymentRequestedInfo* order_info() const {
    return raw().info ? tl::get_if<tl::paymentRequestedInfo>(*raw().info) : nullptr;
  }

private:
  friend struct update_factory;
  using update_from::update_from;
};

/// Somebody asks what it costs to send it there: `messages.setBotShippingResults`.
/// Spec: updateBotShippingQuery.
class shipping_query : public update_from<tl::updateBotShippingQuery> {
public:
  std::int64_t id() const { return raw().query_id; }
  std::int64_t user_id() const { return raw().user_id; }
  const tl::user* sender_user() const { return user(user_id()); }
  std::string_view payload() const { return as_text(raw().payload); }
  /// Null where this schema does not know its form.
  const tl::postAddress* address() const {
    return tl::get_if<tl::postAddress>(raw().shipping_address);
  }

private:
  friend struct update_factory;
  using update_from::update_from;
};

} // namespace cafegram
