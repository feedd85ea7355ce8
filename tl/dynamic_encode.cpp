#include <cafegram/tl/dynamic.hpp>
#include <cafegram/tl/dynamic_plan.hpp>
#include <cafegram/tl/dynamic_text.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace cafegram::tl {

namespace {

constexpr std::size_t longest_string = 0xffffff;

class dynamic_encoder {
public:
  dynamic_encoder(const dynamic_plan& plan, const encode_options& how)
    : plan_{plan}
    , how_{how} {}

  bool value(const json& from, const value_plan& what);
  /// A boxed constructor or function, as its `_` says.
  bool any(const json& from, bool function_only = false);

  result<bytes> finish(bool good) {
    if (!good) {
      return fail(fault_, path_.empty() ? what_ : path_ + ": " + what_);
    }
    return out_.take();
  }

private:
  bool basic(const json& from, const value_plan& what);
  bool integers(const json& from, value_kind kind);
  bool content(const json& from, const value_plan& what);
  bool vector(const json& from, const value_plan& what);
  bool boxed(const json& from, const value_plan& what);
  bool bare(const json& from, const definition_plan& what);
  bool fields(const json& from, const definition_plan& what);
  struct flags_words {
    std::vector<std::size_t> offset; ///< where each was written, by the field's index
    std::vector<std::uint32_t> bits;
  };
  bool conditional(const json& from, const definition_plan& what, std::size_t index,
                   flags_words& flags);
  bool give_up(const definition_plan& what, std::size_t index, flags_words& flags);
  bool required(const json& from, const field_plan& what);
  bool no_strangers(const json& from, const definition_plan& what);
  bool zero(const value_plan& what);
  bool zero_fields(const definition_plan& what);

  bool refuse(std::string what, errc fault = errc::bad_argument);
  bool within_size();
  struct mark {
    std::size_t size;
    std::uint32_t depth;
  };
  mark here() const { return {out_.size(), depth_}; }
  void rewind(const mark& to);
  void trail(std::string step);

  const dynamic_plan& plan_;
  const encode_options& how_;
  writer out_;
  std::uint32_t depth_ = 0;
  errc fault_ = errc::none;
  std::string what_;
  std::string path_; ///< built from its end, while the calls return
};

/// The member, or null where it is absent or says that it is.
const json* member(const json& object, std::string_view name) {
  const auto at = object.find(name);
  return at != object.end() && !at->is_null() ? &*at : nullptr;
}

std::string_view constructor_name(const json& object) {
  const json* name = object.is_object() ? member(object, "_") : nullptr;
  const auto* text = name != nullptr ? name->get_ptr<const std::string*>() : nullptr;
  return text != nullptr ? std::string_view{*text} : std::string_view{};
}

/// A flag is set by `true`; `false` says that it is not there.
bool is_there(const field_plan& field, const json& object) {
  const json* value = member(object, field.param->name);
  return value != nullptr && (!field.param->is_flag() || *value != json(false));
}

bool dynamic_encoder::refuse(std::string what, errc fault) {
  fault_ = fault;
  what_ = std::move(what);
  return false;
}

void dynamic_encoder::trail(std::string step) {
  const bool joined = path_.empty() || path_.front() == '[';
  path_ = std::move(step) + (joined ? "" : ".") + path_;
}

/// Takes back what was written and what went wrong.
void dynamic_encoder::rewind(const mark& to) {
  bytes kept = out_.take();
  kept.resize(to.size);
  out_ = writer{std::move(kept)};
  depth_ = to.depth;
  path_.clear();
  what_.clear();
}

bool dynamic_encoder::within_size() {
  return out_.size() <= how_.size || refuse("longer than the bound allows", errc::limit);
}

bool dynamic_encoder::value(const json& from, const value_plan& what) {
  switch (what.kind) {
  case value_kind::boxed_vector:
  case value_kind::bare_vector:
    return vector(from, what);
  case value_kind::boxed:
    return boxed(from, what);
  case value_kind::bare:
    return bare(from, *what.definition);
  case value_kind::any:
    return any(from);
  case value_kind::query:
    return any(from, true);
  default:
    return basic(from, what) && within_size();
  }
}

bool dynamic_encoder::basic(const json& from, const value_plan& what) {
  switch (what.kind) {
  case value_kind::int32:
  case value_kind::int64:
  case value_kind::flags_word:
    return integers(from, what.kind);
  case value_kind::real: {
    const auto number = real_from_json(from);
    out_.f64(number.value_or(0));
    return number || refuse("expects a number");
  }
  case value_kind::boolean:
    out_.boolean(from == json(true));
    return from.is_boolean() || refuse("expects true or false");
  case value_kind::nothing:
    return from == json(true) || refuse("expects true");
  default:
    return content(from, what);
  }
}

bool dynamic_encoder::integers(const json& from, value_kind kind) {
  if (kind == value_kind::int64) {
    const auto number = int64_from_json(from);
    out_.i64(number.value_or(0));
    return number || refuse("expects a 64-bit number, as decimal digits in a string");
  }
  const auto number = int32_from_json(from);
  out_.i32(number.value_or(0));
  return number || refuse("expects a 32-bit number");
}

bool dynamic_encoder::content(const json& from, const value_plan& what) {
  if (what.kind == value_kind::string) {
    const auto text = text_from_json(from);
    if (!text) {
      return refuse("expects text");
    }
    if (text->size() > longest_string) {
      return refuse("longer than a string may be", errc::limit);
    }
    out_.string(*text);
    return true;
  }
  const auto octets = bytes_from_json(from);
  if (!octets) {
    return refuse("expects base64");
  }
  if (what.kind == value_kind::bytes) {
    if (octets->size() > longest_string) {
      return refuse("longer than a string may be", errc::limit);
    }
    out_.byte_string(*octets);
    return true;
  }
  const std::size_t size = what.kind == value_kind::octets16 ? 16 : 32;
  if (octets->size() != size) {
    return refuse("expects base64 of " + std::to_string(size) + " octets");
  }
  out_.raw(*octets);
  return true;
}

bool dynamic_encoder::vector(const json& from, const value_plan& what) {
  const auto* items = from.get_ptr<const json::array_t*>();
  if (items == nullptr) {
    return refuse("expects an array");
  }
  if (++depth_ > how_.depth) {
    return refuse("nested too deep", errc::limit);
  }
  out_.vector_header(what.kind == value_kind::boxed_vector, items->size());
  const std::size_t count_at = out_.size() - 4;
  std::uint32_t written = 0;
  for (std::size_t i = 0; i < items->size(); ++i) {
    const mark start = here();
    if (value((*items)[i], *what.element)) {
      ++written;
    } else if (how_.lenient && fault_ != errc::limit) {
      rewind(start);
    } else {
      trail('[' + std::to_string(i) + ']');
      return false;
    }
  }
  out_.patch_u32(count_at, written);
  --depth_;
  return true;
}

bool dynamic_encoder::boxed(const json& from, const value_plan& what) {
  const auto name = constructor_name(from);
  if (name.empty()) {
    return refuse("expects an object of type " + what.type + " with its constructor in \"_\"");
  }
  const definition_plan* found = plan_.find_constructor(name);
  if (found == nullptr) {
    return refuse("no constructor " + std::string{name} + " in this schema");
  }
  if (found->def->result.name != what.type) {
    return refuse(std::string{name} + " is not of type " + what.type);
  }
  out_.u32(found->def->id);
  return fields(from, *found);
}

bool dynamic_encoder::bare(const json& from, const definition_plan& what) {
  if (!from.is_object()) {
    return refuse("expects an object (" + what.def->name + ")");
  }
  const auto name = constructor_name(from);
  if (!name.empty() && name != what.def->name) {
    return refuse("expects " + what.def->name + ", not " + std::string{name});
  }
  return fields(from, what);
}

bool dynamic_encoder::any(const json& from, bool function_only) {
  if (!function_only && from.is_boolean()) {
    out_.boolean(from == json(true));
    return true;
  }
  if (!function_only && from.is_array()) {
    static const value_plan boxed_ones{.kind = value_kind::boxed_vector,
                                       .type = {},
                                       .definition = nullptr,
                                       .element = std::make_shared<const value_plan>()};
    return vector(from, boxed_ones);
  }
  const auto name = constructor_name(from);
  if (name.empty()) {
    return refuse("expects an object with its name in \"_\"");
  }
  const definition_plan* found = function_only ? nullptr : plan_.find_constructor(name);
  if (found == nullptr) {
    found = plan_.find_function(name);
  }
  if (found == nullptr) {
    const char* kind = function_only ? "no function " : "no constructor or function ";
    return refuse(kind + std::string{name} + " in this schema");
  }
  out_.u32(found->def->id);
  return fields(from, *found);
}

bool dynamic_encoder::no_strangers(const json& from, const definition_plan& what) {
  for (const auto& [name, value] : from.get_ref<const json::object_t&>()) {
    const int at = name == "_" ? -1 : find_parameter(*what.def, name);
    if (name != "_" && at < 0) {
      refuse("no such field");
      trail(name);
      return false;
    }
    const bool word =
        at >= 0 && what.fields[static_cast<std::size_t>(at)].value.kind == value_kind::flags_word;
    if (word) {
      refuse("is computed from the fields that are there; leave it out");
      trail(name);
      return false;
    }
  }
  return true;
}

bool dynamic_encoder::fields(const json& from, const definition_plan& what) {
  if (++depth_ > how_.depth) {
    return refuse("nested too deep", errc::limit);
  }
  bool good = how_.lenient || no_strangers(from, what);
  flags_words flags{std::vector<std::size_t>(what.fields.size()),
                    std::vector<std::uint32_t>(what.fields.size())};
  for (const field_plan& field : what.fields) {
    if (field.word >= 0 && is_there(field, from)) {
      flags.bits[static_cast<std::size_t>(field.word)] |= field.mask;
    }
  }
  for (std::size_t i = 0; i < what.fields.size() && good; ++i) {
    const field_plan& field = what.fields[i];
    if (field.value.kind == value_kind::flags_word) {
      flags.offset[i] = out_.size();
      out_.u32(flags.bits[i]);
    } else if (!field.param->conditional()) {
      good = required(from, field);
    } else if (field.word >= 0 &&
               (flags.bits[static_cast<std::size_t>(field.word)] & field.mask) != 0) {
      good = conditional(from, what, i, flags);
    }
    if (!good) {
      trail(field.param->name);
    }
  }
  --depth_;
  return good;
}

bool dynamic_encoder::conditional(const json& from, const definition_plan& what, std::size_t index,
                                  flags_words& flags) {
  const field_plan& field = what.fields[index];
  const json* there = member(from, field.param->name);
  if (field.value.kind == value_kind::nothing) {
    // The bit may be set by another field that shares it.
    return there == nullptr || there->is_boolean() || how_.lenient || refuse("expects true");
  }
  if (there == nullptr) {
    return how_.lenient ? zero(field.value)
                        : refuse("is missing: another field with the same flag is there");
  }
  const mark start = here();
  if (value(*there, field.value)) {
    return true;
  }
  if (!how_.lenient || fault_ == errc::limit) {
    return false;
  }
  rewind(start);
  return give_up(what, index, flags);
}

/// Leaves a conditional field out after all; one whose flag is already spent on another is zero.
bool dynamic_encoder::give_up(const definition_plan& what, std::size_t index, flags_words& flags) {
  const field_plan& field = what.fields[index];
  const auto shares = [&field](const field_plan& other) {
    return other.word == field.word && other.mask == field.mask &&
           other.value.kind != value_kind::nothing;
  };
  if (std::any_of(what.fields.begin(), what.fields.begin() + static_cast<std::ptrdiff_t>(index),
                  shares)) {
    return zero(field.value);
  }
  const auto word = static_cast<std::size_t>(field.word);
  flags.bits[word] &= ~field.mask;
  out_.patch_u32(flags.offset[word], flags.bits[word]);
  return true;
}

bool dynamic_encoder::required(const json& from, const field_plan& what) {
  const json* there = member(from, what.param->name);
  const mark start = here();
  if (there != nullptr && value(*there, what.value)) {
    return true;
  }
  if (!how_.lenient || fault_ == errc::limit) {
    return there != nullptr ? false : refuse("is missing");
  }
  rewind(start);
  return zero(what.value);
}

bool dynamic_encoder::zero(const value_plan& what) {
  switch (what.kind) {
  case value_kind::int64:
  case value_kind::real:
    out_.i64(0);
    return true;
  case value_kind::octets16:
    out_.i128({});
    return true;
  case value_kind::octets32:
    out_.i256({});
    return true;
  case value_kind::boolean:
    out_.boolean(false);
    return true;
  case value_kind::nothing:
    return true;
  case value_kind::boxed_vector:
  case value_kind::bare_vector:
    out_.vector_header(what.kind == value_kind::boxed_vector, 0);
    return true;
  case value_kind::bare:
    return zero_fields(*what.definition);
  case value_kind::any:
  case value_kind::query:
    return refuse("is missing, and has no zero");
  case value_kind::boxed: {
    const definition_plan* least = plan_.simplest(what.type);
    if (least == nullptr) {
      return refuse("is missing, and " + what.type + " has no zero");
    }
    out_.u32(least->def->id);
    return zero_fields(*least);
  }
  default: // a number of 32 bits or an empty string: four zero octets each
    out_.u32(0);
    return true;
  }
}

bool dynamic_encoder::zero_fields(const definition_plan& what) {
  if (++depth_ > how_.depth) {
    return refuse("nested too deep", errc::limit);
  }
  bool good = within_size();
  for (const field_plan& field : what.fields) {
    good = good && (field.param->conditional() || zero(field.value));
  }
  --depth_;
  return good;
}

} // namespace

result<bytes> dynamic_codec::encode(const json& value, const encode_options& how) const {
  dynamic_encoder encoder{*plan_, how};
  return encoder.finish(encoder.any(value));
}

result<bytes> dynamic_codec::encode_as(const json& value, std::string_view type,
                                       const encode_options& how) const {
  auto expression = parse_type(type);
  if (!expression) {
    return std::unexpected(expression.error());
  }
  const auto plan = plan_->type(*expression);
  if (!plan) {
    return std::unexpected(plan.error());
  }
  dynamic_encoder encoder{*plan_, how};
  return encoder.finish(encoder.value(value, *plan));
}

} // namespace cafegram::tl
