#include <cafegram/bots/query_updates.hpp>

namespace cafegram {

std::int64_t callback_query::id() const {
  return read([](const auto& q) { return q.query_id; });
}

std::string_view callback_query::data_text() const {
  return read([](const auto& q) { return q.data ? as_text(*q.data) : std::string_view{}; });
}

std::string_view callback_query::game() const {
  return read([](const auto& q) -> std::string_view {
    if constexpr (requires { q.game_short_name; }) {
      return q.game_short_name ? std::string_view{*q.game_short_name} : std::string_view{};
    } else {
      return {};
    }
  });
}

std::int64_t callback_query::user_id() const {
  return read([](const auto& q) { return q.user_id; });
}

std::int64_t callback_query::chat_instance() const {
  return read([](const auto& q) { return q.chat_instance; });
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

const tl::updateBusinessBotCallbackQuery* callback_query::business() const {
  return tl::get_if<tl::updateBusinessBotCallbackQuery>(raw_update());
}

} // namespace cafegram
