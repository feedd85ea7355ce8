#pragma once

#include <cafegram/bots/keyboard.hpp>
#include <cafegram/bots/text.hpp>
#include <cafegram/bots/updates.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace cafegram {

/// A message to be sent or to replace another. A plain text is one:
/// `outgoing("Ready").silent().markup(inline_keyboard{}.row(callback_button("OK", "ok")))`.
class outgoing {
public:
  // Implicit: wherever a message is wanted, a text will do.
  outgoing(formatted_text text);
  outgoing(std::string text);
  outgoing(std::string_view text);
  outgoing(const char* text);
  outgoing(std::string text, std::span<const tl::MessageEntity> entities);
  outgoing(const outgoing&);
  outgoing(outgoing&&) noexcept;
  outgoing& operator=(const outgoing&);
  outgoing& operator=(outgoing&&) noexcept;
  ~outgoing();

  /// Answers that message of the same chat.
  outgoing& reply_to(std::int32_t message_id);
  /// No sound for those who get it.
  outgoing& silent();
  /// No picture of the first link.
  outgoing& no_preview();
  /// Cannot be forwarded or saved.
  outgoing& protect();
  outgoing& markup(tl::ReplyMarkup markup);
  /// Names the send, so that a repetition under the same name, whatever made it, is dropped by
  /// Telegram. Without it the update that is handled and the content give the name.
  outgoing& key(std::string name);

  const formatted_text& text() const { return text_; }
  const std::optional<std::string>& key() const { return key_; }

  /// The call with `random_id` 0.
  tl::messages::sendMessage send_request(const chat_ref& chat) const;
  tl::messages::editMessage edit_request(const message_ref& message) const;
  tl::messages::editInlineBotMessage edit_request(const tl::InputBotInlineMessageID& id) const;

private:
  formatted_text text_;
  std::optional<std::int32_t> reply_to_;
  std::optional<tl::ReplyMarkup> markup_;
  std::optional<std::string> key_;
  bool silent_ = false;
  bool no_preview_ = false;
  bool protect_ = false;
};

/// What became of a send.
struct sent_message {
  chat_ref chat;
  std::optional<std::int32_t> id; ///< none: Telegram knew the send already and told no id
  std::chrono::sys_seconds date{};
  bool was_duplicate = false;

  message_ref ref() const { return {chat, id.value_or(0)}; }
};

/// Finds the message that `random_id` became in the answer to a send.
sent_message sent_from(const tl::Updates& answer, const chat_ref& chat, std::int64_t random_id);

/// How a pressed button is answered.
struct callback_answer {
  std::string text;            ///< shown for a moment; empty: nothing is shown
  bool alert = false;          ///< shown until the user closes it
  std::string url;             ///< opened; only for games and links to the bot
  std::int32_t cache_time = 0; ///< seconds for which clients keep the answer
};

} // namespace cafegram
