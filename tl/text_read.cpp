#include <cafegram/tl/json.hpp>
#include <cafegram/tl/text.hpp>

#include <fmt/format.h>

#include <charconv>
#include <limits>

namespace cafegram::tl {

namespace {

constexpr int max_depth = 128;
constexpr std::size_t max_words = 8;

/// Writes JSON as octets, by the schema. The first thing that does not fit is kept with its path.
class json_encoder {
public:
  explicit json_encoder(const table* schema)
    : schema_{schema} {}

  result<bytes> whole(const json& value, std::span<const kind> form) {
    encode_form(value, form);
    if (!problem_.empty()) {
      return fail(errc::bad_argument, std::move(problem_));
    }
    if (!out_.complete()) {
      return fail(errc::bad_argument, fmt::format("cannot be encoded: {}", out_.missing()));
    }
    return out_.take();
  }

private:
  /// Adds a step to the path for as long as it lives.
  class step {
  public:
    step(json_encoder& encoder, std::string_view text)
      : path_{encoder.path_}
      , size_{path_.size()} {
      path_ += text;
    }
    ~step() { path_.resize(size_); }
    step(const step&) = delete;
    step& operator=(const step&) = delete;

  private:
    std::string& path_;
    std::size_t size_;
  };

  void bad(std::string_view what) {
    if (problem_.empty()) {
      problem_ = path_.empty() ? std::string{what} : fmt::format("{}: {}", path_, what);
    }
  }
  bool good() const { return problem_.empty(); }

  void encode_form(const json& value, std::span<const kind> form) {
    if (form.front() == kind::boxed) {
      return encode_object(value, -1, true);
    }
    if (form.front() != kind::vector) {
      return encode_kind(value, form.front(), 0);
    }
    if (!value.is_array()) {
      return bad("an array is needed");
    }
    out_.vector_header(true, value.size());
    for (std::size_t i = 0; i < value.size() && good(); ++i) {
      const step here{*this, fmt::format("[{}]", i)};
      encode_form(value[i], form.subspan(1));
    }
  }

  void encode_kind(const json& value, kind what, std::uint16_t argument) {
    switch (what) {
    case kind::int32:
    case kind::flags_word:
      return encode_int(value);
    case kind::int64:
      return encode_long(value);
    case kind::float64:
      return encode_double(value);
    case kind::string:
      return encode_string(value);
    case kind::byte_string:
      return encode_octets(value, 0);
    case kind::bits128:
      return encode_octets(value, 16);
    case kind::bits256:
      return encode_octets(value, 32);
    case kind::boolean:
      return value.is_boolean() ? out_.boolean(value.get<bool>()) : bad("true or false is needed");
    case kind::flag:
      return;
    case kind::vector:
    case kind::bare_vector:
      return encode_vector(value, argument, what == kind::vector);
    case kind::bare:
      return value.is_object() ? encode_fields(value, schema_->definitions[argument])
                               : bad("an object is needed");
    case kind::boxed:
      return encode_object(value, argument, false);
    case kind::object:
    case kind::query:
      return encode_object(value, -1, true);
    }
  }

  void encode_int(const json& value) {
    if (!value.is_number_integer()) {
      return bad("a whole number is needed");
    }
    const auto number = value.get<std::int64_t>();
    const bool wide = value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX;
    if (wide || number < INT32_MIN || number > INT32_MAX) {
      return bad("the number does not fit 32 bits");
    }
    out_.i32(static_cast<std::int32_t>(number));
  }

  void encode_long(const json& value) {
    std::int64_t number = 0;
    if (value.is_string()) {
      const auto& text = value.get_ref<const std::string&>();
      const auto* last = text.data() + text.size();
      const auto [end, problem] = std::from_chars(text.data(), last, number);
      if (problem != std::errc{} || end != last) {
        return bad("not a decimal number of 64 bits");
      }
    } else if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) {
      return bad("the number does not fit 64 bits");
    } else if (value.is_number_integer()) {
      number = value.get<std::int64_t>();
    } else {
      return bad("a number or decimal string is needed");
    }
    out_.i64(number);
  }

  void encode_double(const json& value) {
    constexpr auto infinity = std::numeric_limits<double>::infinity();
    if (value.is_number()) {
      return out_.f64(value.get<double>());
    }
    const auto text = value.is_string() ? value.get<std::string>() : std::string{};
    if (text == "NaN") {
      return out_.f64(std::numeric_limits<double>::quiet_NaN());
    }
    if (text == "Infinity" || text == "-Infinity") {
      return out_.f64(text.front() == '-' ? -infinity : infinity);
    }
    bad("a number is needed");
  }

  void encode_string(const json& value) {
    if (value.is_string()) {
      return out_.string(value.get_ref<const std::string&>());
    }
    if (value.is_object() && value.size() == 1 && value.contains("$bytes")) {
      return encode_octets(value["$bytes"], 0);
    }
    bad("a string is needed");
  }

  /// `size` 0: a string of octets; else exactly so many, without a length.
  void encode_octets(const json& value, std::size_t size) {
    const auto data = value.is_string() ? from_base64(value.get_ref<const std::string&>())
                                        : std::unexpected(text_error{});
    if (!data) {
      return bad("a string in base64 is needed");
    }
    if (size == 0) {
      return out_.byte_string(*data);
    }
    if (data->size() != size) {
      return bad(fmt::format("{} octets are needed", size));
    }
    out_.raw(*data);
  }

  void encode_vector(const json& value, std::uint16_t element, bool with_id) {
    if (!value.is_array()) {
      return bad("an array is needed");
    }
    const auto [what, argument] = schema_->shapes[element];
    out_.vector_header(with_id, value.size());
    for (std::size_t i = 0; i < value.size() && good(); ++i) {
      const step here{*this, fmt::format("[{}]", i)};
      encode_kind(value[i], what, argument);
    }
  }

  void encode_objects(const json& value, bool functions) {
    if (depth_ >= max_depth) {
      return bad("nested too deep");
    }
    ++depth_;
    out_.vector_header(true, value.size());
    for (std::size_t i = 0; i < value.size() && good(); ++i) {
      const step here{*this, fmt::format("[{}]", i)};
      encode_object(value[i], -1, functions);
    }
    --depth_;
  }

  /// `type`: index of the boxed type that is needed, or -1 for any.
  void encode_object(const json& value, int type, bool functions) {
    if (value.is_array() && type < 0) {
      return encode_objects(value, functions);
    }
    if (value.is_object() && value.size() == 1 && value.contains("$object")) {
      return encode_opaque(value["$object"]);
    }
    const auto name = value.is_object() ? value.find("_") : value.end();
    if (!value.is_object() || name == value.end() || !name->is_string()) {
      return bad("an object with its name in \"_\" is needed");
    }
    const auto& text = name->get_ref<const std::string&>();
    const auto* def = schema_ != nullptr ? schema_->find(text, false) : nullptr;
    if (def == nullptr && functions && schema_ != nullptr) {
      def = schema_->find(text, true);
    }
    if (def == nullptr) {
      return bad(fmt::format("the schema has no '{}'", text));
    }
    const auto [what, result] = schema_->shapes[def->result];
    if (type >= 0 && (what != kind::boxed || result != type)) {
      return bad(fmt::format("'{}' is no {}", text, schema_->types[type]));
    }
    out_.u32(def->id);
    encode_fields(value, *def);
  }

  void encode_opaque(const json& value) {
    const auto data = value.is_string() ? from_base64(value.get_ref<const std::string&>())
                                        : std::unexpected(text_error{});
    if (!data || data->size() < 4 || data->size() % 4 != 0) {
      return bad("whole words in base64 are needed");
    }
    out_.raw(*data);
  }

  static bool is_present(const json& value, const field_descriptor& field) {
    const auto member = value.find(field.name);
    return member != value.end() && !member->is_null();
  }

  /// Bits of the words, from the members that are there.
  std::array<std::uint32_t, max_words> words_of(const json& value,
                                                std::span<const field_descriptor> fields) {
    std::array<std::uint32_t, max_words> out{};
    for (const auto& field : fields) {
      if (field.word < 0 || !is_present(value, field)) {
        continue;
      }
      const bool flag = schema_->shapes[field.shape].what == kind::flag;
      const auto& member = value[field.name];
      if (flag && !member.is_boolean()) {
        const step here{*this, fmt::format(".{}", field.name)};
        bad("true or false is needed");
      }
      if (!flag || member == true) {
        out[field.word] |= 1u << field.bit;
      }
    }
    return out;
  }

  void check_members(const json& value, std::span<const field_descriptor> fields) {
    for (const auto& [key, member] : value.items()) {
      bool known = key == "_";
      for (const auto& field : fields) {
        known =
            known || (key == field.name && schema_->shapes[field.shape].what != kind::flags_word);
      }
      if (!known) {
        return bad(fmt::format("there is no field '{}'", key));
      }
    }
  }

  void encode_fields(const json& value, const definition_descriptor& def) {
    const step here{*this, fmt::format("{}{}", path_.empty() ? "" : "/", def.name)};
    if (depth_ >= max_depth) {
      return bad("nested too deep");
    }
    ++depth_;
    const auto fields = schema_->fields_of(def);
    check_members(value, fields);
    const auto words = words_of(value, fields);
    std::size_t word = 0;
    std::size_t sized = 0;
    for (const auto& field : fields) {
      if (!good()) {
        break;
      }
      const auto [what, argument] = schema_->shapes[field.shape];
      if (what == kind::flags_word && word < max_words) {
        out_.u32(words[word++]);
        continue;
      }
      if (field.word >= 0 && (words[field.word] >> field.bit & 1) == 0) {
        continue;
      }
      const step inside{*this, fmt::format(".{}", field.name)};
      if (what == kind::int32 && field.name == std::string_view{"bytes"}) {
        sized = out_.size();
      }
      if (what != kind::flag && !is_present(value, field)) {
        bad("is missing");
        break;
      }
      if (what != kind::flag) {
        encode_kind(value[field.name], what, argument);
      }
      if (what == kind::object && sized != 0) {
        out_.patch_u32(sized, static_cast<std::uint32_t>(out_.size() - sized - 4));
      }
    }
    --depth_;
  }

  const table* schema_;
  writer out_;
  std::string path_;
  std::string problem_;
  int depth_ = 0;
};

} // namespace

result<bytes> detail::from_json(std::string_view text, form kinds, const table* schema) {
  const auto value = json::parse(text, nullptr, false);
  if (value.is_discarded()) {
    return fail(errc::malformed, "the JSON does not parse");
  }
  return json_encoder{schema}.whole(value, kinds);
}

} // namespace cafegram::tl
