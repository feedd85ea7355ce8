#include <cafegram/base/bytes.hpp>
#include <cafegram/bots/keyboard.hpp>

#include <utility>

namespace cafegram {

namespace {

// Rows of `Row`, a struct with buttons, boxed as `Boxed`.
template <class Row, class Boxed, class Button>
std::vector<Boxed> boxed_rows(const std::vector<std::vector<Button>>& rows) {
  std::vector<Boxed> out;
  out.reserve(rows.size());
  for (const auto& row : rows) {
    Row boxed;
    boxed.buttons = row;
    out.emplace_back(std::move(boxed));
  }
  return out;
}

tl::KeyboardInlineButton inline_button(std::string text, tl::InlineButtonType type) {
  tl::keyboardInlineButton button;
  button.text = std::move(text);
  button.type = std::move(type);
  return button;
}

tl::KeyboardButton reply_button(std::string text, tl::ButtonType type) {
  tl::keyboardButton button;
  button.text = std::move(text);
  button.type = std::move(type);
  return button;
}

} // namespace

tl::KeyboardInlineButton callback_button(std::string text, std::string_view data) {
  tl::inlineButtonTypeCallback type;
  type.data = to_bytes(as_bytes(data));
  return inline_button(std::move(text), std::move(type));
}

tl::KeyboardInlineButton url_button(std::string text, std::string url) {
  tl::inlineButtonTypeUrl type;
  type.url = std::move(url);
  return inline_button(std::move(text), std::move(type));
}

tl::KeyboardButton text_button(std::string text) {
  return reply_button(std::move(text), tl::buttonTypeDefault{});
}

tl::KeyboardButton contact_button(std::string text) {
  return reply_button(std::move(text), tl::buttonTypeRequestPhone{});
}

tl::KeyboardButton location_button(std::string text) {
  return reply_button(std::move(text), tl::buttonTypeRequestGeoLocation{});
}

inline_keyboard& inline_keyboard::add(std::vector<tl::KeyboardInlineButton> row) {
  rows_.push_back(std::move(row));
  return *this;
}

inline_keyboard::operator tl::ReplyMarkup() const {
  tl::replyInlineMarkup markup;
  markup.rows = boxed_rows<tl::keyboardInlineButtonRow, tl::KeyboardInlineButtonRow>(rows_);
  return markup;
}

reply_keyboard& reply_keyboard::add(std::vector<tl::KeyboardButton> row) {
  rows_.push_back(std::move(row));
  return *this;
}

reply_keyboard& reply_keyboard::resize() {
  markup_.resize = true;
  return *this;
}

reply_keyboard& reply_keyboard::one_time() {
  markup_.single_use = true;
  return *this;
}

reply_keyboard& reply_keyboard::selective() {
  markup_.selective = true;
  return *this;
}

reply_keyboard& reply_keyboard::persistent() {
  markup_.persistent = true;
  return *this;
}

reply_keyboard& reply_keyboard::placeholder(std::string text) {
  markup_.placeholder = std::move(text);
  return *this;
}

reply_keyboard::operator tl::ReplyMarkup() const {
  auto markup = markup_;
  markup.rows = boxed_rows<tl::keyboardButtonRow, tl::KeyboardButtonRow>(rows_);
  return markup;
}

tl::ReplyMarkup remove_keyboard(bool selective) {
  tl::replyKeyboardHide markup;
  markup.selective = selective;
  return markup;
}

tl::ReplyMarkup force_reply(std::string placeholder, bool selective) {
  tl::replyKeyboardForceReply markup;
  markup.selective = selective;
  if (!placeholder.empty()) {
    markup.placeholder = std::move(placeholder);
  }
  return markup;
}

} // namespace cafegram
