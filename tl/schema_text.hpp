#pragma once

#include <cafegram/tl/schema.hpp>

#include <optional>

namespace cafegram::tl::detail {

/// One statement without its `;`. Nothing for the definitions of TL's own types (`int ? = Int`,
/// `vector {t:Type} # [ t ] = Vector t`). A missing id stays 0.
result<std::optional<definition>> parse_statement(std::string_view text, bool function);

/// `int`, `flags.3?Vector<int>`, `!X`: the part of a field behind its colon.
result<parameter> parse_parameter(std::string_view name, std::string_view type);

/// The definitions of which TL's own types are made; schemas list them, nobody needs them.
bool is_builtin_definition(std::string_view name);

/// True for `name` and `namespace.name` in letters, digits and `_`, as they may stand in a schema.
bool is_name(std::string_view text);

result<schema> parse_telegram_json(std::string_view text);

} // namespace cafegram::tl::detail
