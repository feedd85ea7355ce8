#include <cafegram/tl/generator/model.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace cafegram::tl::generator {

namespace {

/// Text that opens and closes namespaces only where they change.
class spaced_text {
public:
  void in(const std::string& name_space) {
    if (name_space == current_) {
      return;
    }
    close();
    out_ += fmt::format("\nnamespace {} {{\n", name_space);
    current_ = name_space;
  }
  void line(std::string_view text) {
    out_ += text;
    out_ += '\n';
  }
  std::string take() {
    close();
    return std::move(out_);
  }

private:
  void close() {
    if (!current_.empty()) {
      out_ += fmt::format("}} // namespace {}\n", current_);
      current_.clear();
    }
  }

  std::string out_;
  std::string current_;
};

constexpr std::string_view head = "// Made from the schema by cafegram_tlgen.\n#pragma once\n\n";

std::vector<const definition*> sorted_by_space(const model& m,
                                               std::vector<const definition*> defs) {
  // The definitions lie in one array: their addresses keep the schema's order.
  std::ranges::sort(
      defs, {}, [&m](const definition* def) { return std::pair{m.name_space_of(def->name), def}; });
  return defs;
}

// `std::optional` and `std::vector` of so many types cost more than all the rest of the headers:
// they depend on the parameter, and are made for those structs alone that somebody uses.
std::string field_line(const model& m, const definition& def, const parameter& param) {
  auto type = m.cpp_type(def, param.type);
  if (param.conditional() && !param.is_flag()) {
    type = fmt::format("Later::template as<std::optional<{}>>", type);
  } else if (type.starts_with("std::vector<")) {
    type = fmt::format("Later::template as<{}>", type);
  }
  return fmt::format("  {} {}{{}};", type, field_name(param.name));
}

void emit_struct(const model& m, const definition& def, spaced_text& out) {
  out.in(m.name_space_of(def.name));
  out.line("/// " + to_string(def));
  out.line(fmt::format("extern const ::cafegram::tl::detail::info {};",
                       info_name(m.local_name(def.name))));
  out.line(fmt::format("template <class Later>\nstruct {}_fields {{", m.local_name(def.name)));
  for (const auto& param : def.params) {
    if (!param.type.is_flags_word()) {
      out.line(field_line(m, def, param));
    }
  }
  out.line(fmt::format("  static constexpr std::uint32_t tl_id = 0x{:08x};", def.id));
  out.line(fmt::format("  static constexpr const ::cafegram::tl::detail::info& tl_info = {};",
                       info_name(m.local_name(def.name))));
  if (def.function) {
    out.line(fmt::format("  using result_type = {};", m.cpp_type(def, def.result)));
  } else if (!is_builtin_type(def.result.name)) {
    out.line(fmt::format("  using tl_type = {};", m.qualified(def.result.name)));
  }
  out.line("};");
}

void emit_class(const model& m, std::string_view type,
                const std::vector<const definition*>& alternatives, spaced_text& out) {
  std::string names;
  for (const auto* def : alternatives) {
    names += names.empty() ? "" : ", ";
    names += m.qualified(def->name);
  }
  out.in(m.name_space_of(type));
  const auto name = m.local_name(type);
  out.line(fmt::format("class {} : public ::cafegram::tl::boxed {{", name));
  out.line("public:");
  out.line(fmt::format("  {}() = default;", name));
  out.line(fmt::format("  template <::cafegram::tl::detail::constructs<{}> T>", name));
  out.line(fmt::format("  {}(T value)", name));
  out.line("    : boxed{::cafegram::tl::detail::access::make(std::move(value))} {}");
  out.line(fmt::format("  {}(::cafegram::tl::unknown value)", name));
  out.line("    : boxed{::cafegram::tl::detail::make_unknown(std::move(value))} {}");
  out.line(fmt::format("  using tl_alternatives = ::cafegram::tl::detail::list<{}>;", names));
  out.line("  static const ::cafegram::tl::detail::type_info tl_type_info;");
  out.line("};");
}

std::string forward_header(const model& m) {
  spaced_text out;
  out.in("cafegram::tl::detail");
  out.line("struct later;");
  out.in(m.to().name_space);
  if (m.source().layer() > 0) {
    out.line("/// The layer of the schema that these types come from.");
    out.line(fmt::format("inline constexpr int layer = {};", m.source().layer()));
  }
  for (const auto* def : sorted_by_space(m, m.structs())) {
    out.in(m.name_space_of(def->name));
    out.line(fmt::format("template <class Later>\nstruct {0}_fields;\n"
                         "using {0} = {0}_fields<::cafegram::tl::detail::later>;",
                         m.local_name(def->name)));
  }
  for (const auto& [type, alternatives] : m.types()) {
    out.in(m.name_space_of(type));
    out.line(fmt::format("class {};", m.local_name(type)));
  }
  return std::string{head} + out.take();
}

std::string types_header(const model& m) {
  spaced_text out;
  out.in(m.to().name_space);
  out.line("/// The schema as data.");
  out.line("extern const ::cafegram::tl::table schema_table;");
  out.line(
      "/// Name of a constructor or function of this schema; empty if it has none of that id.");
  out.line("std::string_view name_for_id(std::uint32_t id);");
  for (const auto& [type, alternatives] : m.types()) {
    emit_class(m, type, alternatives, out);
  }
  for (const auto* def : m.held()) {
    emit_struct(m, *def, out);
  }
  return fmt::format("{}#include <cafegram/tl/{}/fwd.hpp>\n#include <cafegram/tl/value.hpp>\n{}",
                     head, m.to().stem, out.take());
}

std::string part_header(const model& m, int part) {
  spaced_text out;
  for (const auto* def : sorted_by_space(m, m.structs())) {
    if (m.part_of(*def) == part && !m.is_held(*def)) {
      emit_struct(m, *def, out);
    }
  }
  return fmt::format("{}#include <cafegram/tl/{}/types.hpp>\n{}", head, m.to().stem, out.take());
}

} // namespace

void emit_headers(const model& m, files& out) {
  const auto folder = "cafegram/tl/" + m.to().stem;
  out[folder + "/fwd.hpp"] = forward_header(m);
  out[folder + "/types.hpp"] = types_header(m);
  auto umbrella = std::string{head} + "#include <cafegram/tl/coding.hpp>\n"
                                      "#include <cafegram/tl/match.hpp>\n"
                                      "#include <cafegram/tl/text.hpp>\n\n";
  for (int part = 0; part < m.to().parts; ++part) {
    const auto name = fmt::format("/part_{:02}.hpp", part);
    out[folder + name] = part_header(m, part);
    umbrella += fmt::format("#include <{}{}>\n", folder, name);
  }
  out[folder + ".hpp"] = umbrella;
}

} // namespace cafegram::tl::generator
