#include <cafegram/tl/generator/model.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace cafegram::tl::generator {

namespace {

std::string word_name(std::string_view flags_word) {
  return fmt::format("in_{}", flags_word);
}

std::string read_line(const definition& def, std::size_t i) {
  const auto& param = def.params[i];
  const auto field = "v." + field_name(param.name);
  const bool bare_vector = param.type.name == "vector";
  if (param.type.is_flags_word()) {
    const bool used = std::ranges::any_of(
        def.params, [&param](const parameter& other) { return other.flags_word == param.name; });
    return used ? fmt::format("const auto {} = in.u32();", word_name(param.name)) : "in.u32();";
  }
  if (param.is_flag()) {
    return fmt::format("{} = ({} >> {} & 1) != 0;", field, word_name(param.flags_word), param.bit);
  }
  if (param.conditional()) {
    const auto word = word_name(param.flags_word);
    return bare_vector ? fmt::format("if (({} >> {} & 1) != 0) get_elements(in, {}.emplace(), "
                                     "false);",
                                     word, param.bit, field)
                       : fmt::format("get(in, {}, {}, {});", field, word, param.bit);
  }
  if (is_sized_object(def, i)) {
    return fmt::format("get_sized(in, {}, v.{});", field, field_name(def.params[i - 1].name));
  }
  return bare_vector ? fmt::format("get_elements(in, {}, false);", field)
                     : fmt::format("get(in, {});", field);
}

std::string word_value(const definition& def, std::string_view word) {
  std::string out;
  for (const auto& param : def.params) {
    if (param.flags_word == word) {
      out += fmt::format("{}std::uint32_t{{v.{}{}}} << {}", out.empty() ? "" : " | ",
                         field_name(param.name), param.is_flag() ? "" : ".has_value()", param.bit);
    }
  }
  return out.empty() ? "0" : out;
}

std::string write_line(const definition& def, std::size_t i) {
  const auto& param = def.params[i];
  const auto field = "v." + field_name(param.name);
  const bool bare_vector = param.type.name == "vector";
  if (param.type.is_flags_word()) {
    return fmt::format("out.u32({});", word_name(param.name));
  }
  if (param.is_flag()) {
    return {};
  }
  if (param.conditional()) {
    return bare_vector ? fmt::format("if ({0}) put_elements(out, *{0}, false);", field)
                       : fmt::format("put(out, {}, {}, {});", field, word_name(param.flags_word),
                                     param.bit);
  }
  if (i + 1 < def.params.size() && is_sized_object(def, i + 1)) {
    return fmt::format("put(out, static_cast<std::int32_t>(v.{}.view().size()));",
                       field_name(def.params[i + 1].name));
  }
  return bare_vector ? fmt::format("put_elements(out, {}, false);", field)
                     : fmt::format("put(out, {});", field);
}

std::string function_name(std::string_view verb, const definition& def) {
  auto name = def.name;
  std::ranges::replace(name, '.', '_');
  return fmt::format("{}_{}_{}", verb, def.function ? "f" : "c", name);
}

void emit_codec(const model& m, const definition& def, std::string& out) {
  const auto type = m.qualified(def.name);
  out += fmt::format("\nvoid {}(reader& in, void* to) {{\n  auto& v = *static_cast<{}*>(to);\n",
                     function_name("read", def), type);
  for (std::size_t i = 0; i < def.params.size(); ++i) {
    out += "  " + read_line(def, i) + '\n';
  }
  out += fmt::format("}}\n\nvoid {}(writer& out, const void* from) {{\n"
                     "  const auto& v = *static_cast<const {}*>(from);\n",
                     function_name("write", def), type);
  for (const auto& param : def.params) {
    if (param.type.is_flags_word()) {
      out += fmt::format("  const std::uint32_t {} = {};\n", word_name(param.name),
                         word_value(def, param.name));
    }
  }
  for (std::size_t i = 0; i < def.params.size(); ++i) {
    if (const auto line = write_line(def, i); !line.empty()) {
      out += "  " + line + '\n';
    }
  }
  out += "}\n";
}

std::string info_line(const model& m, const definition& def) {
  const auto type = m.qualified(def.name);
  const auto read = def.params.empty() ? "read_nothing" : function_name("read", def);
  const auto write = def.params.empty() ? "write_nothing" : function_name("write", def);
  return fmt::format("const info {5}::{6}{{0x{1:08x}, sizeof(box<{0}>), &::{2}::schema_table, "
                     "{3}, {4}, make_box<{0}>, destroy_box<{0}>}};\n",
                     type, def.id, m.to().name_space, read, write, m.name_space_of(def.name),
                     info_name(m.local_name(def.name)));
}

std::string type_info_lines(const model& m, std::string_view type,
                            const std::vector<const definition*>& alternatives) {
  std::string list;
  for (const auto* def : alternatives) {
    list += fmt::format("{}{{0x{:08x}, &{}::tl_info}}", list.empty() ? "" : ", ", def->id,
                        m.qualified(def->name));
  }
  auto array = std::string{type};
  std::ranges::replace(array, '.', '_');
  return fmt::format("static constexpr alternative alternatives_of_{0}[] = {{{1}}};\n"
                     "const type_info {2}::tl_type_info{{\"{3}\", &::{4}::schema_table, "
                     "alternatives_of_{0}, {5}}};\n",
                     array, list, m.qualified(type).substr(2), type, m.to().name_space,
                     alternatives.size());
}

std::string unit(const model& m, int part) {
  std::string codecs;
  std::string infos;
  for (const auto* def : m.structs()) {
    if (m.part_of(*def) == part) {
      if (!def->params.empty()) {
        emit_codec(m, *def, codecs);
      }
      infos += info_line(m, *def);
    }
  }
  for (const auto& [type, alternatives] : m.types()) {
    if (m.part_of_type(type) == part) {
      infos += type_info_lines(m, type, alternatives);
    }
  }
  return fmt::format("// Made from the schema by cafegram_tlgen.\n"
                     "#include <cafegram/tl/{}/part_{:02}.hpp>\n"
                     "#include <cafegram/tl/value_codec.hpp>\n\n"
                     "namespace cafegram::tl::detail {{\n\nnamespace {{\n{}\n}} // namespace\n\n"
                     "}} // namespace cafegram::tl::detail\n\n"
                     "using namespace cafegram::tl::detail;\n\n{}",
                     m.to().stem, part, codecs, infos);
}

} // namespace

void emit_units(const model& m, files& out) {
  for (int part = 0; part < m.to().parts; ++part) {
    out[fmt::format("{}_part_{:02}.cpp", m.to().stem, part)] = unit(m, part);
  }
}

} // namespace cafegram::tl::generator
