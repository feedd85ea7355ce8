#pragma once

#include <cafegram/tl/api.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace cafegram {

/// A button that sends a `callback_query` with `data` (at most 64 octets).
tl::KeyboardInlineButton callback_button(std::string text, std::string_view data);
/// A button that opens an address.
tl::KeyboardInlineButton url_button(std::string text, std::string url);
/// A button of a reply keyboard: pressing it sends `text`.
tl::KeyboardButton text_button(std::string text);
/// Sends the user's phone number, private chats only.
tl::KeyboardButton contact_button(std::string text);
/// Sends the user's location, private chats only.
tl::KeyboardButton location_button(std::string text);

/// Buttons under one message:
/// `inline_keyboard{}.row(callback_button("Yes", "y"), callback_button("No", "n"))`.
class inline_keyboard {
public:
  template <class... Buttons>
  inline_keyboard& row(Buttons... buttons) {
    return add({tl::KeyboardInlineButton{std::move(buttons)}...});
  }
  inline_keyboard& add(std::vector<tl::KeyboardInlineButton> row);
  operator tl::ReplyMarkup() const;

private:
  std::vector<std::vector<tl::KeyboardInlineButton>> rows_;
};

/// Buttons in the place of the keyboard: `reply_keyboard{}.row(text_button("Red")).resize()`.
class reply_keyboard {
public:
  template <class... Buttons>
  reply_keyboard& row(Buttons... buttons) {
    return add({tl::KeyboardButton{std::move(buttons)}...});
  }
  reply_keyboard& add(std::vector<tl::KeyboardButton> row);
  /// As high as the buttons need.
  reply_keyboard& resize();
  /// Hidden after one use.
  reply_keyboard& one_time();
  /// Only for those mentioned or answered.
  reply_keyboard& selective();
  reply_keyboard& persistent();
  reply_keyboard& placeholder(std::string text);
  operator tl::ReplyMarkup() const;

private:
  std::vector<std::vector<tl::KeyboardButton>> rows_;
  tl::replyKeyboardMarkup markup_;
};

/// Takes a reply keyboard away.
tl::ReplyMarkup remove_keyboard(bool selective = false);
/// Makes the client answer this message.
tl::ReplyMarkup force_reply(std::string placeholder = {}, bool selective = false);

} // namespace cafegram
