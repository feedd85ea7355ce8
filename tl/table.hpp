#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace cafegram::tl {

class reader;

namespace detail {
struct node;
struct info;
} // namespace detail

/// What a field's octets are.
enum class kind : std::uint8_t {
  int32,
  int64,
  float64,
  string,
  byte_string,
  bits128,
  bits256,
  boolean,     ///< boxed `Bool`
  flag,        ///< `flags.N?true`
  flags_word,  ///< `#`
  boxed,       ///< `argument`: index into `table::types`
  bare,        ///< `argument`: index into `table::definitions`
  vector,      ///< `argument`: index into `table::shapes`, the element
  bare_vector, ///< the same without an id in front
  object,      ///< any boxed value, up to the end or to the length in the `bytes` field before
  query,       ///< a whole function call, up to the end
};

/// A type, flattened into one array per schema.
struct shape {
  kind what;
  std::uint16_t argument;
};

struct field_descriptor {
  const char* name;
  std::uint16_t shape; ///< index into `table::shapes`
  std::int8_t word;    ///< which flags word of the definition holds the presence bit; -1: none
  std::int8_t bit;
};

struct definition_descriptor {
  std::uint32_t id;
  const char* name;
  std::uint16_t first_field; ///< index into `table::fields`
  std::uint16_t field_count;
  std::uint16_t result; ///< index into `table::shapes`
  bool function;
};

/// A schema as data: what dump, JSON and the name table work from. One constant per schema.
struct table {
  std::span<const definition_descriptor> definitions; ///< by id
  std::span<const std::uint16_t> by_name;             ///< indices into `definitions`, by name
  std::span<const field_descriptor> fields;
  std::span<const shape> shapes;
  std::span<const char* const> types; ///< names of boxed types
  int layer;

  const definition_descriptor* find(std::uint32_t id) const;
  const definition_descriptor* find(std::string_view name, bool function) const;
  std::span<const field_descriptor> fields_of(const definition_descriptor& def) const {
    return fields.subspan(def.first_field, def.field_count);
  }
};

} // namespace cafegram::tl
