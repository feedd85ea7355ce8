#include <cafegram/tl/generator/model.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace cafegram::tl::generator {

namespace {

constexpr auto keywords = std::to_array<std::string_view>({
    "alignas",   "alignof",   "and",       "asm",      "auto",     "bitand",   "bitor",   "bool",
    "break",     "case",      "catch",     "char",     "class",    "compl",    "concept", "const",
    "consteval", "constexpr", "constinit", "continue", "decltype", "default",  "delete",  "do",
    "double",    "else",      "enum",      "explicit", "export",   "extern",   "false",   "float",
    "for",       "friend",    "goto",      "if",       "inline",   "int",      "long",    "mutable",
    "namespace", "new",       "noexcept",  "not",      "nullptr",  "operator", "or",      "private",
    "protected", "public",    "register",  "requires", "return",   "short",    "signed",  "sizeof",
    "static",    "struct",    "switch",    "template", "this",     "throw",    "true",    "try",
    "typedef",   "typeid",    "typename",  "union",    "unsigned", "using",    "virtual", "void",
    "volatile",  "while",     "xor",
});

std::string identifier(std::string_view name) {
  std::string out{name};
  if (std::ranges::find(keywords, name) != keywords.end()) {
    out += '_';
  }
  return out;
}

std::string_view last_component(std::string_view name) {
  return name.substr(name.rfind('.') + 1);
}

std::string_view first_components(std::string_view name) {
  const auto dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : name.substr(0, dot);
}

/// FNV-1a: the same on every machine, for ever.
std::uint32_t stable_hash(std::string_view text) {
  std::uint32_t out = 2166136261;
  for (const char c : text) {
    out = (out ^ static_cast<std::uint8_t>(c)) * 16777619;
  }
  return out;
}

bool is_bool(const type_expr& type) {
  return type.name == "Bool";
}

std::string_view builtin_cpp_type(std::string_view name) {
  static const std::map<std::string_view, std::string_view> names{
      {"int", "std::int32_t"},
      {"long", "std::int64_t"},
      {"double", "double"},
      {"string", "std::string"},
      {"bytes", "::cafegram::bytes"},
      {"int128", "::cafegram::tl::int128"},
      {"int256", "::cafegram::tl::int256"},
      {"Bool", "bool"},
      {"true", "bool"},
      {"Object", "::cafegram::tl::any_object"},
  };
  const auto found = names.find(name);
  return found == names.end() ? std::string_view{} : found->second;
}

} // namespace

std::string info_name(std::string_view local_name) {
  return fmt::format("tl_info_of_{}", local_name);
}

std::string field_name(std::string_view name) {
  return identifier(name);
}

bool is_sized_object(const definition& def, std::size_t param) {
  return param > 0 && def.params[param].type.name == "Object" &&
         def.params[param - 1].name == "bytes" && def.params[param - 1].type.name == "int";
}

result<model> model::make(const schema& from, target to) {
  model out;
  out.schema_ = &from;
  out.target_ = std::move(to);
  for (const auto& def : from.definitions()) {
    if (const auto space = first_components(def.name); !space.empty()) {
      out.name_spaces_.emplace(space);
    }
    if (!def.function && is_bool(def.result)) {
      continue;
    }
    if (auto fits = out.check(def); !fits) {
      return std::unexpected(std::move(fits.error()));
    }
    out.structs_.push_back(&def);
    if (!def.function && !is_builtin_type(def.result.name)) {
      out.types_[def.result.name].push_back(&def);
    }
  }
  for (auto& [name, alternatives] : out.types_) {
    std::ranges::sort(alternatives, {}, &definition::id);
  }
  for (const auto* def : out.structs_) {
    for (const auto& param : def->params) {
      const auto& type = param.type.is_vector() ? param.type.args.front() : param.type;
      if (const auto* bare = type.bare ? from.bare_definition(type) : nullptr;
          bare != nullptr && !is_builtin_type(type.name)) {
        out.hold(*bare);
      }
    }
  }
  return out;
}

/// A held struct's own bare members come before it.
void model::hold(const definition& def) {
  if (!held_names_.insert(def.name).second) {
    return;
  }
  for (const auto& param : def.params) {
    const auto& type = param.type.is_vector() ? param.type.args.front() : param.type;
    if (type.bare && !is_builtin_type(type.name)) {
      hold(*schema_->bare_definition(type));
    }
  }
  held_.push_back(&def);
}

result<void> model::check(const definition& def) const {
  const auto unsupported = [&def](std::string_view what) {
    return fail(errc::bad_argument, fmt::format("generator: {}: {}", def.name, what));
  };
  for (std::size_t i = 0; i < def.params.size(); ++i) {
    const auto& param = def.params[i];
    const auto& type = param.type;
    const bool last = i + 1 == def.params.size();
    if (type.name == "true" && !param.is_flag()) {
      return unsupported("a bare 'true' without a condition");
    }
    if (type.name == "Object" && !last && !is_sized_object(def, i)) {
      return unsupported("an 'Object' that is neither last nor behind its length");
    }
    if (type.is_vector() && type.args.front().name == "vector") {
      return unsupported("a bare vector in a vector");
    }
    if (param.name.starts_with("tl_") || param.name == "result_type") {
      return unsupported("a field with a name that the library uses");
    }
  }
  return {};
}

int model::part_of_type(std::string_view type) const {
  return static_cast<int>(stable_hash(type) % static_cast<std::uint32_t>(target_.parts));
}

int model::part_of(const definition& def) const {
  return part_of_type(def.function ? def.name : def.result.name);
}

std::string model::local_name(std::string_view name) const {
  auto out = identifier(last_component(name));
  if (name_spaces_.contains(name)) {
    out += '_';
  }
  return out;
}

std::string model::name_space_of(std::string_view name) const {
  const auto space = first_components(name);
  return space.empty() ? target_.name_space : fmt::format("{}::{}", target_.name_space, space);
}

std::string model::qualified(std::string_view name) const {
  return fmt::format("::{}::{}", name_space_of(name), local_name(name));
}

std::string model::cpp_type(const definition& def, const type_expr& type) const {
  if (type.query) {
    return "::cafegram::tl::query";
  }
  if (std::ranges::find(def.type_parameters, type.name) != def.type_parameters.end()) {
    return "::cafegram::tl::any_object";
  }
  if (type.is_vector()) {
    return fmt::format("std::vector<{}>", cpp_type(def, type.args.front()));
  }
  if (const auto builtin = builtin_cpp_type(type.name); !builtin.empty()) {
    return std::string{builtin};
  }
  if (type.bare) {
    return qualified(schema_->bare_definition(type)->name);
  }
  return qualified(type.name);
}

} // namespace cafegram::tl::generator
