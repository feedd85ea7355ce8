#include <cafegram/tl/schema.hpp>
#include <cafegram/tl/schema_check.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace cafegram::tl {

namespace {

constexpr std::array builtin_types{
    std::string_view{"int"},    std::string_view{"long"},   std::string_view{"double"},
    std::string_view{"string"}, std::string_view{"bytes"},  std::string_view{"int128"},
    std::string_view{"int256"}, std::string_view{"#"},      std::string_view{"true"},
    std::string_view{"Vector"}, std::string_view{"vector"}, std::string_view{"Object"},
    std::string_view{"Bool"},
};

std::unexpected<cafegram::error> bad(const definition& def, std::string_view problem) {
  return fail(errc::malformed, fmt::format("schema: {}: {}", def.name, problem));
}

result<void> check_flags(const definition& def) {
  for (std::size_t i = 0; i < def.params.size(); ++i) {
    const auto& param = def.params[i];
    if (param.type.query && i + 1 != def.params.size()) {
      return bad(def, fmt::format("the query '{}' must come last", param.name));
    }
    if (!param.conditional()) {
      continue;
    }
    const auto word = find_parameter(def, param.flags_word);
    if (word < 0 || word >= static_cast<int>(i) || !def.params[word].type.is_flags_word()) {
      return bad(def, fmt::format("no word '{}:#' before '{}'", param.flags_word, param.name));
    }
    if (param.bit < 0 || param.bit > 31) {
      return bad(def, fmt::format("'{}' has bit {}", param.name, param.bit));
    }
  }
  return {};
}

} // namespace

bool is_builtin_type(std::string_view name) {
  return std::ranges::find(builtin_types, name) != builtin_types.end();
}

std::string to_string(const type_expr& type) {
  std::string out;
  if (type.query) {
    out += '!';
  }
  // A bare constructor's name begins with a small letter; only a type's needs the mark.
  const auto dot = type.name.rfind('.');
  const auto first = type.name[dot == std::string::npos ? 0 : dot + 1];
  if (type.bare && first >= 'A' && first <= 'Z') {
    out += '%';
  }
  out += type.name;
  if (!type.args.empty()) {
    out += '<' + to_string(type.args.front()) + '>';
  }
  return out;
}

std::string to_string(const definition& def) {
  auto out = fmt::format("{}#{:08x}", def.name, def.id);
  for (const auto& variable : def.type_parameters) {
    out += fmt::format(" {{{}:Type}}", variable);
  }
  for (const auto& param : def.params) {
    out += fmt::format(" {}:", param.name);
    if (param.conditional()) {
      out += fmt::format("{}.{}?", param.flags_word, param.bit);
    }
    out += to_string(param.type);
  }
  return out + " = " + to_string(def.result) + ";";
}

int find_parameter(const definition& def, std::string_view name) {
  const auto found = std::ranges::find(def.params, name, &parameter::name);
  return found == def.params.end() ? -1 : static_cast<int>(found - def.params.begin());
}

result<schema> schema::make(std::vector<definition> definitions, int layer) {
  schema out;
  out.definitions_ = std::move(definitions);
  out.layer_ = std::max(layer, 0);
  if (auto done = out.index(); !done) {
    return std::unexpected(std::move(done.error()));
  }
  if (auto done = out.check_types(); !done) {
    return std::unexpected(std::move(done.error()));
  }
  return out;
}

result<void> schema::index() {
  for (std::size_t i = 0; i < definitions_.size(); ++i) {
    const auto& def = definitions_[i];
    if (const auto [other, fresh] = by_id_.try_emplace(def.id, i); !fresh) {
      return bad(def,
                 fmt::format("has the id {:08x} of {}", def.id, definitions_[other->second].name));
    }
    auto& names = def.function ? functions_ : constructors_;
    if (!names.try_emplace(def.name, i).second) {
      return bad(def, "is defined twice");
    }
    if (!def.function) {
      types_[def.result.name].push_back(i);
    }
  }
  return {};
}

result<void> schema::check_types() const {
  for (const auto& def : definitions_) {
    if (auto fits = check_flags(def); !fits) {
      return fits;
    }
    if (auto fits = check_type(def, def.result); !fits) {
      return fits;
    }
    for (const auto& param : def.params) {
      if (auto fits = check_type(def, param.type); !fits) {
        return fits;
      }
    }
  }
  return {};
}

result<void> schema::check_type(const definition& def, const type_expr& type) const {
  if (type.is_vector()) {
    if (type.args.size() != 1) {
      return bad(def, "a vector has one element type");
    }
    return check_type(def, type.args.front());
  }
  if (!type.args.empty()) {
    return bad(def, fmt::format("the type '{}' takes no arguments", type.name));
  }
  if (std::ranges::find(def.type_parameters, type.name) != def.type_parameters.end()) {
    return {};
  }
  if (is_builtin_type(type.name)) {
    return {};
  }
  const bool known = type.bare ? bare_definition(type) != nullptr : has_type(type.name);
  if (!known) {
    return bad(def, fmt::format("the type '{}' is not defined", to_string(type)));
  }
  return {};
}

const definition* schema::find(std::uint32_t id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &definitions_[found->second];
}

const definition* schema::find_constructor(std::string_view name) const {
  const auto found = constructors_.find(name);
  return found == constructors_.end() ? nullptr : &definitions_[found->second];
}

const definition* schema::find_function(std::string_view name) const {
  const auto found = functions_.find(name);
  return found == functions_.end() ? nullptr : &definitions_[found->second];
}

std::vector<const definition*> schema::constructors_of(std::string_view type) const {
  std::vector<const definition*> out;
  if (const auto found = types_.find(type); found != types_.end()) {
    for (const auto i : found->second) {
      out.push_back(&definitions_[i]);
    }
  }
  return out;
}

bool schema::has_type(std::string_view type) const {
  return types_.contains(type);
}

const definition* schema::bare_definition(const type_expr& type) const {
  if (const auto* def = find_constructor(type.name)) {
    return def;
  }
  const auto found = types_.find(type.name);
  const bool single = found != types_.end() && found->second.size() == 1;
  return single ? &definitions_[found->second.front()] : nullptr;
}

std::string to_text(const schema& value) {
  std::string out = value.layer() > 0 ? fmt::format("// LAYER {}\n\n", value.layer()) : "";
  for (const bool function : {false, true}) {
    if (function) {
      out += "\n---functions---\n\n";
    }
    for (const auto& def : value.definitions()) {
      if (def.function == function) {
        out += to_string(def) + '\n';
      }
    }
  }
  return out;
}

} // namespace cafegram::tl
