#include <cafegram/sandbox/layer_forms.hpp>
#include <cafegram/sandbox/read_json.hpp>

#include <string>
#include <utility>

namespace cafegram::sandbox {

namespace {

constexpr int deepest = 32; ///< what the world itself makes is a handful of levels deep

/// The rest of `name` behind `prefix`, which it must begin with.
std::string_view behind(std::string_view name, std::string_view prefix) {
  return name.starts_with(prefix) ? name.substr(prefix.size()) : std::string_view{};
}

/// `inlineButtonTypeUrl` -> `keyboardButtonUrl`, `inputButtonTypeRequestPeer` ->
/// `inputKeyboardButtonRequestPeer`, `buttonTypeDefault` -> `keyboardButton`.
std::string flat_name(std::string_view type) {
  const bool input = type.starts_with("input");
  const auto at = type.find("uttonType");
  const auto suffix = at != std::string_view::npos ? type.substr(at + 9) : std::string_view{};
  return (input ? "inputKeyboardButton" : "keyboardButton") +
         std::string{suffix == "Default" ? "" : suffix};
}

/// The other way round.
std::string nested_name(std::string_view flat, bool in_line) {
  const auto input = behind(flat, "inputKeyboardButton");
  const auto plain = behind(flat, "keyboardButton");
  if (!input.empty()) {
    return (in_line ? "inputInlineButtonType" : "inputButtonType") + std::string{input};
  }
  return (in_line ? "inlineButtonType" : "buttonType") +
         std::string{plain.empty() ? "Default" : plain};
}

json flat_button(json button) {
  const json* type = member(button, "type");
  if (type == nullptr || !type->is_object()) {
    return button;
  }
  json out = make(flat_name(kind(*type)));
  for (const char* kept : {"style", "text"}) {
    if (const json* value = member(button, kept)) {
      out[kept] = *value;
    }
  }
  for (const auto& [name, value] : type->get_ref<const json::object_t&>()) {
    if (name != "_") {
      out[name] = value;
    }
  }
  return out;
}

json nested_button(const json& button, bool in_line) {
  json out = make(in_line ? "keyboardInlineButton" : "keyboardButton");
  json type = make(nested_name(kind(button), in_line));
  for (const auto& [name, value] : button.get_ref<const json::object_t&>()) {
    if (name == "style" || name == "text") {
      out[name] = value;
    } else if (name != "_") {
      type[name] = value;
    }
  }
  out["type"] = std::move(type);
  return out;
}

bool is_keyboard(const json& value) {
  const auto what = kind(value);
  return what == "replyInlineMarkup" || what == "replyKeyboardMarkup";
}

void nest_markup(json& markup) {
  const bool in_line = kind(markup) == "replyInlineMarkup";
  for (json& row : markup["rows"]) {
    row["_"] = in_line ? "keyboardInlineButtonRow" : "keyboardButtonRow";
    for (json& button : row["buttons"]) {
      button = nested_button(button, in_line);
    }
  }
}

void nest_all_markup(json& value, int depth) {
  if (value.is_object() && is_keyboard(value)) {
    nest_markup(value);
  } else if (value.is_structured() && depth < deepest) {
    for (json& part : value) {
      nest_all_markup(part, depth + 1);
    }
  }
}

/// Limits that only older layers have in `config`.
void add_old_limits(json& config) {
  config["saved_gifs_limit"] = 200;
  config["stickers_faved_limit"] = 5;
  config["pinned_dialogs_count_max"] = 5;
  config["pinned_infolder_count_max"] = 100;
}

} // namespace

json flat_markup(json markup) {
  if (!is_keyboard(markup) || member(markup, "rows") == nullptr) {
    return markup;
  }
  for (json& row : markup["rows"]) {
    if (member(row, "buttons") == nullptr) {
      continue;
    }
    row["_"] = "keyboardButtonRow";
    for (json& button : row["buttons"]) {
      button = flat_button(std::move(button));
    }
  }
  return markup;
}

json in_layer(json value, const tl::dynamic_codec& codec, std::string_view result_type) {
  const tl::schema& schema = codec.definitions();
  const auto what = kind(value);
  if (result_type == "UserFull" && what == "users.userFull") {
    json out = value["full_user"];
    out["user"] = items(value, "users").front();
    return out;
  }
  // Older layers answer with the updates alone.
  if (result_type == "Updates" &&
      (what == "messages.invitedUsers" || what == "messages.chatInviteJoinResultOk")) {
    return in_layer(value["updates"], codec, result_type);
  }
  if (result_type == "JSONValue" && what == "help.appConfig") {
    return value["config"];
  }
  if (result_type == "Bool" && value.is_object()) {
    return true;
  }
  const auto* config = what == "config" ? schema.find_constructor("config") : nullptr;
  if (config != nullptr && find_parameter(*config, "saved_gifs_limit") >= 0) {
    add_old_limits(value);
  }
  if (schema.find_constructor("keyboardInlineButton") != nullptr) {
    nest_all_markup(value, 0);
  }
  return value;
}

} // namespace cafegram::sandbox
