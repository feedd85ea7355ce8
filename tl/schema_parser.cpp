#include <cafegram/tl/schema_check.hpp>
#include <cafegram/tl/schema_text.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace cafegram::tl {

namespace {

constexpr std::string_view blanks = " \t\r\n";

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_word(char c) {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '_';
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// Takes the next word, cut at blanks.
std::string_view take_word(std::string_view& text) {
  text = trim(text);
  const auto end = std::min(text.find_first_of(blanks), text.size());
  const auto out = text.substr(0, end);
  text.remove_prefix(end);
  return out;
}

template <class T>
bool read_number(std::string_view text, T& out, int base = 10) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return problem == std::errc{} && end == text.data() + text.size();
}

/// A cursor over the text of one type.
struct type_parser {
  std::string_view text;
  std::size_t at = 0;
  int depth = 0;

  bool take(char c) {
    if (at < text.size() && text[at] == c) {
      ++at;
      return true;
    }
    return false;
  }

  std::unexpected<cafegram::error> bad() const {
    return fail(errc::malformed, fmt::format("not a type: '{}'", text),
                static_cast<std::int64_t>(at));
  }

  result<type_expr> parse() {
    type_expr out;
    out.query = take('!');
    out.bare = take('%');
    const auto start = at;
    if (!take('#')) {
      while (at < text.size() && (is_word(text[at]) || text[at] == '.')) {
        ++at;
      }
    }
    out.name = text.substr(start, at - start);
    if (out.name != "#" && !detail::is_name(out.name)) {
      return bad();
    }
    const auto last = out.name[out.name.rfind('.') + 1];
    out.bare = out.bare || last < 'A' || last > 'Z';
    if (take('<')) {
      if (++depth > 16) {
        return bad();
      }
      auto element = parse();
      if (!element || !take('>')) {
        return element ? bad() : std::unexpected(std::move(element.error()));
      }
      out.args.push_back(*std::move(element));
    }
    return out;
  }
};

result<void> read_head(std::string_view head, definition& def) {
  const auto hash = head.find('#');
  def.name = head.substr(0, hash);
  if (!detail::is_name(def.name)) {
    return fail(errc::malformed, fmt::format("not a name: '{}'", def.name));
  }
  if (hash != std::string_view::npos && !read_number(head.substr(hash + 1), def.id, 16)) {
    return fail(errc::malformed, fmt::format("not an id: '{}'", head));
  }
  return {};
}

result<void> read_parameters(std::string_view text, definition& def) {
  for (auto word = take_word(text); !word.empty(); word = take_word(text)) {
    const auto colon = word.find(':');
    if (colon == std::string_view::npos) {
      return fail(errc::malformed, fmt::format("not a parameter: '{}'", word));
    }
    if (word.front() == '{') {
      if (!word.ends_with(":Type}")) {
        return fail(errc::malformed, fmt::format("not a type parameter: '{}'", word));
      }
      def.type_parameters.emplace_back(word.substr(1, colon - 1));
      continue;
    }
    auto param = detail::parse_parameter(word.substr(0, colon), word.substr(colon + 1));
    if (!param) {
      return std::unexpected(std::move(param.error()));
    }
    def.params.push_back(*std::move(param));
  }
  return {};
}

/// Cuts a schema's text into statements.
class text_parser {
public:
  explicit text_parser(std::string_view text)
    : text_{text} {}

  result<schema> parse() {
    while (!text_.empty()) {
      ++line_;
      const auto end = std::min(text_.find('\n'), text_.size());
      auto line = text_.substr(0, end);
      text_.remove_prefix(std::min(end + 1, text_.size()));
      if (auto done = read_line(line); !done) {
        return std::unexpected(located(std::move(done.error())));
      }
    }
    if (!trim(pending_).empty()) {
      return std::unexpected(located(cafegram::error::make(errc::malformed, "no ';' at the end")));
    }
    return schema::make(std::move(definitions_), layer_);
  }

private:
  cafegram::error located(cafegram::error e) const {
    e.what = fmt::format("schema line {}: {}", line_, e.what);
    e.number = line_;
    return e;
  }

  void read_comment(std::string_view comment) {
    auto rest = comment;
    if (take_word(rest) == "LAYER") {
      read_number(trim(rest), layer_);
    }
  }

  result<void> read_line(std::string_view line) {
    if (const auto comment = line.find("//"); comment != std::string_view::npos) {
      read_comment(line.substr(comment + 2));
      line = line.substr(0, comment);
    }
    if (const auto mark = trim(line); mark == "---functions---" || mark == "---types---") {
      function_ = mark == "---functions---";
      return {};
    }
    for (auto end = line.find(';'); end != std::string_view::npos; end = line.find(';')) {
      pending_ += line.substr(0, end);
      line.remove_prefix(end + 1);
      if (auto done = read_statement(); !done) {
        return done;
      }
    }
    pending_ += line;
    pending_ += ' ';
    return {};
  }

  result<void> read_statement() {
    auto def = detail::parse_statement(std::exchange(pending_, {}), function_);
    if (!def) {
      return std::unexpected(std::move(def.error()));
    }
    if (*def) {
      if ((*def)->id == 0) {
        (*def)->id = compute_id(**def);
      }
      definitions_.push_back(**std::move(def));
    }
    return {};
  }

  std::string_view text_;
  std::string pending_;
  std::vector<definition> definitions_;
  int line_ = 0;
  int layer_ = 0;
  bool function_ = false;
};

} // namespace

bool detail::is_name(std::string_view text) {
  const auto dot = text.find('.');
  if (dot != std::string_view::npos) {
    return is_name(text.substr(0, dot)) && text.find('.', dot + 1) == std::string_view::npos &&
           is_name(text.substr(dot + 1));
  }
  return !text.empty() && is_letter(text.front()) && std::ranges::all_of(text, is_word);
}

bool detail::is_builtin_definition(std::string_view name) {
  constexpr std::array names{
      std::string_view{"int"},    std::string_view{"long"},   std::string_view{"double"},
      std::string_view{"string"}, std::string_view{"bytes"},  std::string_view{"int128"},
      std::string_view{"int256"}, std::string_view{"vector"}, std::string_view{"int53"},
  };
  return std::ranges::find(names, name) != names.end();
}

result<parameter> detail::parse_parameter(std::string_view name, std::string_view type) {
  parameter out;
  out.name = name;
  if (!is_name(name) || name.find('.') != std::string_view::npos) {
    return fail(errc::malformed, fmt::format("not a field's name: '{}'", name));
  }
  if (const auto question = type.find('?'); question != std::string_view::npos) {
    const auto condition = type.substr(0, question);
    const auto dot = condition.find('.');
    if (dot == std::string_view::npos || !read_number(condition.substr(dot + 1), out.bit)) {
      return fail(errc::malformed, fmt::format("not a condition: '{}'", condition));
    }
    out.flags_word = condition.substr(0, dot);
    type.remove_prefix(question + 1);
  }
  auto parsed = parse_type(type);
  if (!parsed) {
    return std::unexpected(std::move(parsed.error()));
  }
  out.type = *std::move(parsed);
  return out;
}

result<std::optional<definition>> detail::parse_statement(std::string_view text, bool function) {
  const auto equals = text.rfind('=');
  if (equals == std::string_view::npos) {
    return fail(errc::malformed, fmt::format("no '=' in '{}'", trim(text)));
  }
  auto left = text.substr(0, equals);
  definition def;
  def.function = function;
  if (auto done = read_head(take_word(left), def); !done) {
    return std::unexpected(std::move(done.error()));
  }
  if (is_builtin_definition(def.name)) {
    return std::nullopt;
  }
  if (auto done = read_parameters(left, def); !done) {
    return std::unexpected(std::move(done.error()));
  }
  auto type = parse_type(trim(text.substr(equals + 1)));
  if (!type) {
    return std::unexpected(std::move(type.error()));
  }
  def.result = *std::move(type);
  return def;
}

result<type_expr> parse_type(std::string_view text) {
  type_parser parser{text};
  auto out = parser.parse();
  if (out && parser.at != text.size()) {
    return parser.bad();
  }
  return out;
}

result<schema> schema::parse(std::string_view text) {
  const auto first = text.find_first_not_of(blanks);
  if (first != std::string_view::npos && text[first] == '{') {
    return detail::parse_telegram_json(text);
  }
  return text_parser{text}.parse();
}

} // namespace cafegram::tl
