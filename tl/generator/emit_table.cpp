#include <cafegram/tl/generator/model.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace cafegram::tl::generator {

namespace {

/// Builds the arrays of `tl::table` as text.
class table_text {
public:
  explicit table_text(const model& m)
    : model_{m} {
    for (const auto& def : m.source().definitions()) {
      definitions_.push_back(&def);
    }
    std::ranges::sort(definitions_, {}, &definition::id);
    for (const auto& def : m.source().definitions()) {
      if (!def.function && !is_builtin_type(def.result.name)) {
        types_.push_back(def.result.name);
      }
    }
    std::ranges::sort(types_);
    types_.erase(std::ranges::unique(types_).begin(), types_.end());
  }

  std::string make() {
    std::string definitions;
    std::string fields;
    for (const auto* def : definitions_) {
      definitions += definition_line(*def);
      for (const auto& param : def->params) {
        fields += field_line(*def, param);
        ++field_count_;
      }
    }
    std::string shapes;
    for (const auto& text : shapes_) {
      shapes += text + ",\n";
    }
    return fmt::format(
        "// Made from the schema by cafegram_tlgen.\n"
        "#include <cafegram/tl/table.hpp>\n\nnamespace {0} {{\n\n"
        "extern const ::cafegram::tl::table schema_table;\n"
        "std::string_view name_for_id(std::uint32_t id);\n\nnamespace {{\n\n"
        "using ::cafegram::tl::kind;\n\n"
        "constexpr ::cafegram::tl::shape shapes[] = {{\n{1}}};\n\n"
        "constexpr ::cafegram::tl::field_descriptor fields[] = {{\n{2}}};\n\n"
        "constexpr ::cafegram::tl::definition_descriptor definitions[] = {{\n{3}}};\n\n"
        "constexpr std::uint16_t by_name[] = {{\n{4}}};\n\n"
        "constexpr const char* types[] = {{\n{5}}};\n\n}} // namespace\n\n"
        "constinit const ::cafegram::tl::table schema_table{{definitions, by_name, fields, shapes, "
        "types, {6}}};\n\n"
        "std::string_view name_for_id(std::uint32_t id) {{\n"
        "  const auto* def = schema_table.find(id);\n"
        "  return def != nullptr ? def->name : std::string_view{{}};\n}}\n\n}} // namespace {0}\n",
        model_.to().name_space, shapes, fields, definitions, name_lines(), type_lines(),
        model_.source().layer());
  }

private:
  std::string definition_line(const definition& def) {
    return fmt::format("{{0x{:08x}, \"{}\", {}, {}, {}, {}}},\n", def.id, def.name, field_count_,
                       def.params.size(), shape_of(def, def.result), def.function);
  }

  std::string field_line(const definition& def, const parameter& param) {
    int word = -1;
    if (param.conditional()) {
      // The number of the word among the words, not among the fields.
      for (const auto& other : def.params) {
        word += other.type.is_flags_word() ? 1 : 0;
        if (other.name == param.flags_word) {
          break;
        }
      }
    }
    const auto shape = param.is_flag() ? add_shape("flag", 0) : shape_of(def, param.type);
    return fmt::format("{{\"{}\", {}, {}, {}}},\n", param.name, shape, word, param.bit);
  }

  std::size_t add_shape(std::string_view what, std::size_t argument) {
    auto text = fmt::format("{{kind::{}, {}}}", what, argument);
    const auto at = std::ranges::find(shapes_, text);
    const auto index = static_cast<std::size_t>(at - shapes_.begin());
    if (at == shapes_.end()) {
      shapes_.push_back(std::move(text));
    }
    return index;
  }

  std::size_t shape_of(const definition& def, const type_expr& type) {
    static const std::map<std::string_view, std::string_view> builtin{
        {"int", "int32"},      {"long", "int64"},        {"double", "float64"},
        {"string", "string"},  {"bytes", "byte_string"}, {"int128", "bits128"},
        {"int256", "bits256"}, {"Bool", "boolean"},      {"#", "flags_word"},
        {"Object", "object"},
    };
    if (type.query) {
      return add_shape("query", 0);
    }
    if (std::ranges::find(def.type_parameters, type.name) != def.type_parameters.end()) {
      return add_shape("object", 0);
    }
    if (type.is_vector()) {
      const auto element = shape_of(def, type.args.front());
      return add_shape(type.name == "vector" ? "bare_vector" : "vector", element);
    }
    if (const auto found = builtin.find(type.name); found != builtin.end()) {
      return add_shape(found->second, 0);
    }
    if (type.bare) {
      const auto* bare = model_.source().bare_definition(type);
      return add_shape("bare", static_cast<std::size_t>(std::ranges::find(definitions_, bare) -
                                                        definitions_.begin()));
    }
    return add_shape("boxed", static_cast<std::size_t>(std::ranges::lower_bound(types_, type.name) -
                                                       types_.begin()));
  }

  std::string name_lines() const {
    std::vector<std::size_t> order(definitions_.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      order[i] = i;
    }
    std::ranges::sort(order, {}, [this](std::size_t i) { return definitions_[i]->name; });
    std::string out;
    for (const auto i : order) {
      out += fmt::format("{},\n", i);
    }
    return out;
  }

  std::string type_lines() const {
    std::string out;
    for (const auto& type : types_) {
      out += fmt::format("\"{}\",\n", type);
    }
    return out;
  }

  const model& model_;
  std::vector<const definition*> definitions_;
  std::vector<std::string> types_;
  std::vector<std::string> shapes_;
  std::size_t field_count_ = 0;
};

} // namespace

void emit_table(const model& m, files& out) {
  out[m.to().stem + "_table.cpp"] = table_text{m}.make();
}

void emit_registry(const model& m, files& out) {
  std::string list;
  for (const auto* def : m.structs()) {
    list += fmt::format("    &{}::tl_info,\n", m.qualified(def->name));
  }
  const auto& stem = m.to().stem;
  out[stem + "_registry.cpp"] =
      fmt::format("// Made from the schema by cafegram_tlgen.\n"
                  "#include <cafegram/tl/{0}.hpp>\n\nnamespace cafegram::tl::detail {{\n\n"
                  "std::span<const info* const> all_{0}();\n\n"
                  "std::span<const info* const> all_{0}() {{\n"
                  "  static constexpr const info* list[] = {{\n{1}  }};\n  return list;\n}}\n\n"
                  "}} // namespace cafegram::tl::detail\n",
                  stem, list);
}

} // namespace cafegram::tl::generator
