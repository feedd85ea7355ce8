#include <cafegram/tl/json.hpp>
#include <cafegram/tl/text.hpp>
#include <cafegram/tl/text_walk.hpp>

#include <fmt/format.h>

#include <cmath>

namespace cafegram::tl {

namespace {

constexpr std::array any_form{kind::object};

/// Well-formed UTF-8 (RFC 3629): nothing overlong, no surrogates, nothing over U+10FFFF.
bool is_utf8(bytes_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = text[i++];
    if (lead < 0x80) {
      continue;
    }
    const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4 || text.size() - i < static_cast<std::size_t>(more)) {
      return false;
    }
    const auto second = text[i];
    const std::uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const std::uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (second < low || second > high) {
      return false;
    }
    for (int k = 1; k < more; ++k) {
      if ((text[i + static_cast<std::size_t>(k)] & 0xc0) != 0x80) {
        return false;
      }
    }
    i += static_cast<std::size_t>(more);
  }
  return true;
}

/// Builds a JSON value.
class json_sink final : public detail::text_sink {
public:
  json take() { return std::move(root_); }

  void begin_object(std::string_view name) override { open(json{{"_", name}}); }
  void end_object() override { stack_.pop_back(); }
  void field(std::string_view name) override { name_ = name; }
  void begin_list() override { open(json::array()); }
  void end_list() override { stack_.pop_back(); }
  void number(std::int32_t value) override { add(value); }
  void wide_number(std::int64_t value) override { add(std::to_string(value)); }
  void real(double value) override {
    if (std::isfinite(value)) {
      add(value);
    } else {
      add(std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
    }
  }
  void boolean(bool value) override { add(value); }
  void text(bytes_view value) override {
    if (is_utf8(value)) {
      add(as_text(value));
    } else {
      add(json{{"$bytes", to_base64(value)}});
    }
  }
  void octets(bytes_view value) override { add(to_base64(value)); }
  void opaque(bytes_view value) override { add(json{{"$object", to_base64(value)}}); }

private:
  json& add(json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return root_;
    }
    auto& top = *stack_.back();
    if (top.is_array()) {
      return top.emplace_back(std::move(value));
    }
    return top[std::string{name_}] = std::move(value);
  }

  void open(json value) { stack_.push_back(&add(std::move(value))); }

  json root_;
  // Only the innermost value grows: pointers to the others stay good.
  std::vector<json*> stack_;
  std::string_view name_;
};

/// Writes indented text.
class dump_sink final : public detail::text_sink {
public:
  std::string take() { return std::move(out_); }

  void begin_object(std::string_view name) override {
    lead();
    out_ += name;
    open('{');
  }
  void end_object() override { close("}"); }
  void field(std::string_view name) override {
    line();
    out_ += fmt::format("{}: ", name);
    after_name_ = true;
  }
  void begin_list() override {
    lead();
    open('[');
  }
  void end_list() override { close("]"); }
  void number(std::int32_t value) override { put(std::to_string(value)); }
  void wide_number(std::int64_t value) override { put(std::to_string(value)); }
  void real(double value) override { put(fmt::format("{}", value)); }
  void boolean(bool value) override { put(value ? "true" : "false"); }
  void text(bytes_view value) override {
    put(is_utf8(value) ? json(as_text(value)).dump() : octets_text(value));
  }
  void octets(bytes_view value) override { put(octets_text(value)); }
  void opaque(bytes_view value) override {
    put(fmt::format("#{:08x} {}", reader{value}.u32(), octets_text(value.subspan(4))));
  }

private:
  static std::string octets_text(bytes_view value) {
    constexpr std::size_t shown = 64;
    if (value.size() <= shown) {
      return fmt::format("<{}>", to_hex(value));
    }
    return fmt::format("<{}... {} octets>", to_hex(value.first(shown)), value.size());
  }

  void line() {
    if (empty_) {
      out_ += opener_;
      empty_ = false;
    }
    out_ += '\n';
    out_.append(2 * depth_, ' ');
  }

  /// Before a value: behind its field's name, or on a line of its own in a list.
  void lead() {
    if (!after_name_ && depth_ > 0) {
      line();
    }
    after_name_ = false;
  }

  void put(std::string_view value) {
    lead();
    out_ += value;
  }

  /// The bracket is written with the first thing inside.
  void open(char bracket) {
    opener_ = bracket == '{' ? " {" : "[";
    empty_ = true;
    ++depth_;
  }

  void close(std::string_view bracket) {
    --depth_;
    if (empty_) {
      out_ += bracket == "]" ? "[]" : "";
      empty_ = false;
      return;
    }
    out_ += '\n';
    out_.append(2 * depth_, ' ');
    out_ += bracket;
  }

  std::string out_;
  std::string_view opener_;
  std::size_t depth_ = 0;
  bool empty_ = false;
  bool after_name_ = false;
};

template <class Sink>
auto render(bytes_view data, detail::form kinds, const table* schema) {
  Sink out;
  if (!detail::walk(data, kinds, schema, out)) {
    out = Sink{};
    if (data.size() < 4) {
      out.octets(data);
    } else {
      out.opaque(data);
    }
  }
  return out.take();
}

} // namespace

std::string detail::to_json(bytes_view data, form kinds, const table* schema) {
  return render<json_sink>(data, kinds, schema).dump();
}

std::string detail::dump(bytes_view data, form kinds, const table* schema) {
  return render<dump_sink>(data, kinds, schema);
}

std::string to_json(bytes_view object, const table& schema) {
  return detail::to_json(object, any_form, &schema);
}

std::string dump(bytes_view object, const table& schema) {
  return detail::dump(object, any_form, &schema);
}

result<bytes> from_json(std::string_view text, const table& schema) {
  return detail::from_json(text, any_form, &schema);
}

} // namespace cafegram::tl
