#include <cafegram/tl/json.hpp>
#include <cafegram/tl/schema_check.hpp>
#include <cafegram/tl/schema_text.hpp>

#include <fmt/format.h>

#include <charconv>
#include <utility>

namespace cafegram::tl {

namespace {

std::unexpected<cafegram::error> bad_json(std::string_view problem) {
  return fail(errc::malformed, fmt::format("schema: {}", problem));
}

/// The string member `key`, or empty.
std::string_view text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string()
             ? std::string_view{found->get_ref<const std::string&>()}
             : std::string_view{};
}

/// An id is a signed decimal number, mostly as a string. 0 where there is none.
result<std::uint32_t> id_of(const json& object) {
  const auto found = object.find("id");
  if (found == object.end()) {
    return 0;
  }
  std::int64_t value = 0;
  if (found->is_number_integer()) {
    value = found->get<std::int64_t>();
  } else if (found->is_string()) {
    const auto& text = found->get_ref<const std::string&>();
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc{} || end != text.data() + text.size()) {
      return bad_json(fmt::format("not an id: '{}'", text));
    }
  }
  if (value < INT32_MIN || value > UINT32_MAX) {
    return bad_json(fmt::format("not an id: {}", value));
  }
  return static_cast<std::uint32_t>(value);
}

void find_type_parameters(definition& def) {
  for (const auto& param : def.params) {
    if (param.type.query) {
      def.type_parameters.push_back(param.type.name);
    }
  }
}

result<std::optional<definition>> read_definition(const json& object, bool function) {
  if (!object.is_object()) {
    return bad_json("a definition is not an object");
  }
  definition def;
  def.function = function;
  def.name = text_of(object, function ? "method" : "predicate");
  if (detail::is_builtin_definition(def.name)) {
    return std::nullopt;
  }
  const auto id = id_of(object);
  const auto type = parse_type(text_of(object, "type"));
  if (!detail::is_name(def.name) || !id || !type) {
    return bad_json(fmt::format("'{}' has no proper name, id or type", def.name));
  }
  def.result = *type;
  if (const auto params = object.find("params"); params != object.end() && params->is_array()) {
    for (const auto& item : *params) {
      auto param = item.is_object()
                       ? detail::parse_parameter(text_of(item, "name"), text_of(item, "type"))
                       : bad_json("a parameter is not an object");
      if (!param) {
        return bad_json(fmt::format("{}: {}", def.name, param.error().what));
      }
      def.params.push_back(*std::move(param));
    }
  }
  find_type_parameters(def);
  def.id = *id != 0 ? *id : compute_id(def);
  return def;
}

json to_json_definition(const definition& def) {
  json out;
  out["id"] = std::to_string(static_cast<std::int32_t>(def.id));
  out[def.function ? "method" : "predicate"] = def.name;
  auto params = json::array();
  for (const auto& param : def.params) {
    auto type = to_string(param.type);
    if (param.conditional()) {
      type = fmt::format("{}.{}?{}", param.flags_word, param.bit, type);
    }
    params.push_back({{"name", param.name}, {"type", std::move(type)}});
  }
  out["params"] = std::move(params);
  out["type"] = to_string(def.result);
  return out;
}

} // namespace

result<schema> detail::parse_telegram_json(std::string_view text) {
  const auto root = json::parse(text, nullptr, false);
  if (!root.is_object()) {
    return bad_json("the JSON does not parse");
  }
  std::vector<definition> definitions;
  for (const bool function : {false, true}) {
    const auto list = root.find(function ? "methods" : "constructors");
    if (list == root.end() || !list->is_array()) {
      return bad_json("no lists 'constructors' and 'methods'");
    }
    for (const auto& item : *list) {
      auto def = read_definition(item, function);
      if (!def) {
        return std::unexpected(std::move(def.error()));
      }
      if (*def) {
        definitions.push_back(**std::move(def));
      }
    }
  }
  const auto layer = root.find("layer");
  const bool known = layer != root.end() && layer->is_number_integer();
  const auto number = known ? layer->get<std::int64_t>() : 0;
  return schema::make(std::move(definitions),
                      std::in_range<int>(number) ? static_cast<int>(number) : 0);
}

std::string to_telegram_json(const schema& value) {
  json out;
  out["layer"] = value.layer();
  auto constructors = json::array();
  auto methods = json::array();
  for (const auto& def : value.definitions()) {
    (def.function ? methods : constructors).push_back(to_json_definition(def));
  }
  out["constructors"] = std::move(constructors);
  out["methods"] = std::move(methods);
  return out.dump(1);
}

} // namespace cafegram::tl
