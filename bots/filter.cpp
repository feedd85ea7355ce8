#include <cafegram/bots/filter.hpp>

#include <algorithm>
#include <utility>

namespace cafegram {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_but_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool word_character(char c) {
  return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || c == '_';
}

bool blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::string_view take_word(std::string_view& rest) {
  const auto end = std::ranges::find_if_not(rest, word_character);
  const auto length = static_cast<std::size_t>(end - rest.begin());
  const auto word = rest.substr(0, length);
  rest.remove_prefix(length);
  return word;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && blank(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && blank(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

// The command of a new message if it concerns this bot.
std::optional<command_line> own_command(const any_update& update) {
  const auto* message = std::get_if<new_message>(&update);
  if (message == nullptr) {
    return std::nullopt;
  }
  auto line = parse_command(message->text());
  if (line && !line->addressee.empty() &&
      !same_but_case(line->addressee, message->account_username())) {
    return std::nullopt;
  }
  return line;
}

} // namespace

filter detail::kind_at(std::size_t index) {
  return filter{[index](const any_update& update) { return update.index() == index; }};
}

filter operator&(filter a, filter b) {
  return filter{[a = std::move(a), b = std::move(b)](const any_update& u) { return a(u) && b(u); }};
}

filter operator|(filter a, filter b) {
  return filter{[a = std::move(a), b = std::move(b)](const any_update& u) { return a(u) || b(u); }};
}

filter operator!(filter a) {
  return filter{[a = std::move(a)](const any_update& u) { return !a(u); }};
}

std::optional<command_line> parse_command(std::string_view text) {
  if (!text.starts_with('/')) {
    return std::nullopt;
  }
  text.remove_prefix(1);
  command_line line;
  line.name = take_word(text);
  if (line.name.empty() || line.name.size() > 32) {
    return std::nullopt;
  }
  if (text.starts_with('@')) {
    text.remove_prefix(1);
    line.addressee = take_word(text);
    if (line.addressee.empty()) {
      return std::nullopt;
    }
  }
  if (!text.empty() && !blank(text.front())) {
    return std::nullopt;
  }
  line.arguments = trimmed(text);
  return line;
}

filter command(std::string name) {
  return filter{[name = std::move(name)](const any_update& update) {
    const auto line = own_command(update);
    return line && same_but_case(line->name, name);
  }};
}

filter any_command() {
  return filter{[](const any_update& update) { return own_command(update).has_value(); }};
}

filter text(std::string exact) {
  return when([exact = std::move(exact)](const new_message& m) { return m.text() == exact; });
}

filter has_text() {
  return when([](const new_message& m) { return !m.text().empty(); });
}

filter callback(std::string data) {
  return when([data = std::move(data)](const callback_query& q) { return q.data_text() == data; });
}

filter callback_prefix(std::string prefix) {
  return when([prefix = std::move(prefix)](const callback_query& q) {
    return q.data_text().starts_with(prefix);
  });
}

filter private_chat() {
  return filter{[](const any_update& u) { return common(u).chat().kind == chat_kind::user; }};
}

filter group_chat() {
  return filter{[](const any_update& u) { return common(u).chat().kind != chat_kind::user; }};
}

filter from_user(std::int64_t id) {
  return filter{[id](const any_update& update) { return user_of(update) == id; }};
}

} // namespace cafegram
