#include <cafegram/tl/dynamic.hpp>
#include <cafegram/tl/dynamic_plan.hpp>
#include <cafegram/tl/dynamic_text.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace cafegram::tl {

namespace {

/// What an element of an array, and a member of an object, take in memory, about.
constexpr std::uint64_t element_cost = sizeof(json) + 16;
constexpr std::uint64_t member_cost = sizeof(json) + 48;

class dynamic_decoder {
public:
  dynamic_decoder(const dynamic_plan& plan, bytes_view data, const limits& bounds)
    : plan_{plan}
    , in_{data, bounds} {}

  json value(const value_plan& what);
  /// A boxed value of any type, function or not.
  json any(bool function_only = false);

  reader& input() { return in_; }

  /// The failure with the path on which it was met.
  cafegram::error failure() const {
    cafegram::error out = to_error(in_.failure());
    if (!path_.empty()) {
      out.what += " in " + path_;
    }
    return out;
  }

private:
  json basic(const value_plan& what);
  json boxed(std::string_view type);
  json object(const definition_plan& what);
  json fields(const definition_plan& what);
  void field(const field_plan& what, std::span<const std::uint32_t> words, json& out);
  json vector(const value_plan& element, bool boxed);
  json fixed(bytes_view content);
  json text(bool binary);
  void trail(std::string step);

  const dynamic_plan& plan_;
  reader in_;
  std::string path_; ///< built from its end, while the calls return
};

void dynamic_decoder::trail(std::string step) {
  const bool joined = path_.empty() || path_.front() == '[';
  path_ = std::move(step) + (joined ? "" : ".") + path_;
}

json dynamic_decoder::value(const value_plan& what) {
  switch (what.kind) {
  case value_kind::boxed_vector:
  case value_kind::bare_vector:
    return vector(*what.element, what.kind == value_kind::boxed_vector);
  case value_kind::boxed:
    return boxed(what.type);
  case value_kind::bare:
    // A level as well: constructors may hold each other bare.
    return object(*what.definition);
  case value_kind::any:
    return any();
  case value_kind::query:
    return any(true);
  default:
    return basic(what);
  }
}

json dynamic_decoder::basic(const value_plan& what) {
  switch (what.kind) {
  case value_kind::int32:
    return in_.i32();
  case value_kind::int64:
    return std::to_string(in_.i64());
  case value_kind::real:
    return real_to_json(in_.f64());
  case value_kind::string:
    return text(false);
  case value_kind::bytes:
    return text(true);
  case value_kind::octets16:
    return fixed(in_.raw(16));
  case value_kind::octets32:
    return fixed(in_.raw(32));
  case value_kind::flags_word:
    return in_.u32();
  case value_kind::boolean:
    return in_.boolean();
  default:
    return true;
  }
}

json dynamic_decoder::text(bool binary) {
  const bytes_view content = in_.view();
  if (!in_.charge(0, std::uint64_t{content.size()} * 2)) {
    return {};
  }
  return binary ? json(to_base64(content)) : text_to_json(content);
}

json dynamic_decoder::fixed(bytes_view content) {
  return to_base64(content);
}

json dynamic_decoder::vector(const value_plan& element, bool boxed) {
  json out = json::array();
  if (!in_.enter()) {
    in_.leave();
    return out;
  }
  const std::uint32_t count = in_.vector_count(boxed, plan_.least_size(element), element_cost);
  auto& items = out.get_ref<json::array_t&>();
  items.reserve(count);
  for (std::uint32_t i = 0; i < count && in_.ok(); ++i) {
    items.push_back(value(element));
    if (!in_.ok()) {
      trail('[' + std::to_string(i) + ']');
    }
  }
  in_.leave();
  return out;
}

json dynamic_decoder::boxed(std::string_view type) {
  const std::size_t at = in_.offset();
  const std::uint32_t id = in_.u32();
  const definition_plan* found = plan_.find(id);
  if (!in_.ok()) {
    return {};
  }
  if (found == nullptr || found->def->function || found->def->result.name != type) {
    in_.fail(found == nullptr ? decode_fault::unknown_constructor : decode_fault::wrong_constructor,
             at, id);
    return {};
  }
  return object(*found);
}

json dynamic_decoder::object(const definition_plan& what) {
  json out = in_.enter() ? fields(what) : json{};
  in_.leave();
  return out;
}

json dynamic_decoder::any(bool function_only) {
  const std::size_t at = in_.offset();
  const std::uint32_t id = in_.peek_u32();
  const definition_plan* found = plan_.find(id);
  const bool fits = found != nullptr && (!function_only || found->def->function);
  const bool basic = !function_only && (id == bool_true_id || id == bool_false_id);
  if (!function_only && id == vector_id) {
    return vector(value_plan{}, true);
  }
  if (basic) {
    return in_.boolean();
  }
  if (!fits && in_.remaining() >= sizeof(id)) {
    in_.fail(found == nullptr ? decode_fault::unknown_constructor : decode_fault::wrong_constructor,
             at, id);
    return {};
  }
  in_.u32();
  return in_.ok() ? object(*found) : json{};
}

json dynamic_decoder::fields(const definition_plan& what) {
  json out = json::object();
  const auto before = in_.within(what.def->id);
  if (!in_.charge(1, member_cost * (what.fields.size() + 1))) {
    return out;
  }
  auto& members = out.get_ref<json::object_t&>();
  members.reserve(what.fields.size() + 1);
  members.emplace_back("_", what.def->name);
  // Few constructors have more than two flags words; the words stand at their fields' positions.
  std::vector<std::uint32_t> words(what.fields.size());
  for (std::size_t i = 0; i < what.fields.size() && in_.ok(); ++i) {
    if (what.fields[i].value.kind == value_kind::flags_word) {
      words[i] = in_.u32();
    } else {
      field(what.fields[i], words, out);
    }
    if (!in_.ok()) {
      trail(what.def->name + "." + what.fields[i].param->name);
    }
  }
  in_.within(before);
  return out;
}

void dynamic_decoder::field(const field_plan& what, std::span<const std::uint32_t> words,
                            json& out) {
  if (what.param->conditional()) {
    const bool present = what.word >= 0 && (words[static_cast<std::size_t>(what.word)] & what.mask);
    if (!present) {
      return;
    }
  }
  out.get_ref<json::object_t&>().emplace_back(what.param->name, value(what.value));
}

} // namespace

dynamic_codec::dynamic_codec(std::shared_ptr<const schema> of)
  : plan_{std::make_unique<const dynamic_plan>(std::move(of))} {}
dynamic_codec::~dynamic_codec() = default;
dynamic_codec::dynamic_codec(dynamic_codec&&) noexcept = default;
dynamic_codec& dynamic_codec::operator=(dynamic_codec&&) noexcept = default;

const schema& dynamic_codec::definitions() const {
  return plan_->source();
}

result<json> dynamic_codec::decode_prefix(bytes_view data, std::size_t& used,
                                          const limits& bounds) const {
  dynamic_decoder decoder{*plan_, data, bounds};
  json out = decoder.any();
  used = decoder.input().offset();
  if (!decoder.input().ok()) {
    return std::unexpected(decoder.failure());
  }
  return out;
}

result<json> dynamic_codec::decode(bytes_view whole, const limits& bounds) const {
  dynamic_decoder decoder{*plan_, whole, bounds};
  json out = decoder.any();
  decoder.input().finish();
  if (!decoder.input().ok()) {
    return std::unexpected(decoder.failure());
  }
  return out;
}

result<json> dynamic_codec::decode_as(std::string_view type, bytes_view whole,
                                      const limits& bounds) const {
  auto expression = parse_type(type);
  if (!expression) {
    return std::unexpected(expression.error());
  }
  const auto plan = plan_->type(*expression);
  if (!plan) {
    return std::unexpected(plan.error());
  }
  dynamic_decoder decoder{*plan_, whole, bounds};
  json out = decoder.value(*plan);
  decoder.input().finish();
  if (!decoder.input().ok()) {
    return std::unexpected(decoder.failure());
  }
  return out;
}

} // namespace cafegram::tl
