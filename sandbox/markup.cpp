#include <cafegram/sandbox/core.hpp>
#include <cafegram/sandbox/layer_forms.hpp>
#include <cafegram/sandbox/read_json.hpp>

namespace cafegram::sandbox {

namespace {

constexpr std::size_t most_buttons = 100;
constexpr std::size_t longest_data = 64;

/// Some buttons are named otherwise when they are read than when they are sent.
void turn_round(json& button) {
  const auto what = kind(button);
  if (what == "inputKeyboardButtonUserProfile") {
    const json* user = member(button, "user_id");
    button["user_id"] = user != nullptr ? number(*user, "user_id") : 0;
  } else if (what == "inputKeyboardButtonUrlAuth") {
    button["button_id"] = 0;
    button.erase("bot");
    button.erase("request_write_access");
  }
  if (what.starts_with("inputKeyboardButton")) {
    std::string plain{what.substr(5)};
    plain.front() = 'k';
    button["_"] = std::move(plain);
  }
}

or_refusal<json> check_button(json button, bool in_line) {
  turn_round(button);
  const auto what = kind(button);
  if (text(button, "text").empty()) {
    return refuse("BUTTON_TEXT_INVALID");
  }
  if (what == "keyboardButtonCallback") {
    const auto data = from_base64(text(button, "data"));
    if (!data || data->empty() || data->size() > longest_data) {
      return refuse("BUTTON_DATA_INVALID");
    }
  }
  if (what == "keyboardButtonUrl") {
    const auto url = text(button, "url");
    if (url.find("://") == std::string_view::npos && url.find('.') == std::string_view::npos) {
      return refuse("BUTTON_URL_INVALID");
    }
  }
  const bool plain = what == "keyboardButton" || what == "keyboardButtonSimpleWebView" ||
                     what.starts_with("keyboardButtonRequest");
  if (in_line == plain) {
    return refuse("BUTTON_TYPE_INVALID");
  }
  return button;
}

} // namespace

or_refusal<json> check_markup(const json& given) {
  if (given.is_null()) {
    return json{};
  }
  const auto what = kind(given);
  const bool in_line = what == "replyInlineMarkup";
  if (!in_line && what != "replyKeyboardMarkup") {
    return given; // a keyboard taken away, or an answer asked for
  }
  json out = flat_markup(given);
  std::size_t count = 0;
  json rows = json::array();
  for (const json& row : items(out, "rows")) {
    json buttons = json::array();
    for (const json& one : items(row, "buttons")) {
      auto checked = check_button(one, in_line);
      if (!checked) {
        return checked;
      }
      buttons.push_back(*std::move(checked));
      ++count;
    }
    if (!buttons.empty()) {
      json kept = make("keyboardButtonRow");
      kept["buttons"] = std::move(buttons);
      rows.push_back(std::move(kept));
    }
  }
  if (count > most_buttons) {
    return refuse("REPLY_MARKUP_TOO_LONG");
  }
  if (count == 0) {
    return in_line ? or_refusal<json>{json{}} : refuse("REPLY_MARKUP_INVALID");
  }
  out["rows"] = std::move(rows);
  return out;
}

bool has_callback_data(const json& markup, std::string_view data) {
  for (const json& row : items(markup, "rows")) {
    for (const json& one : items(row, "buttons")) {
      if (kind(one) == "keyboardButtonCallback" && text(one, "data") == data) {
        return true;
      }
    }
  }
  return false;
}

} // namespace cafegram::sandbox
