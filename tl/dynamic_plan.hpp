#pragma once

#include <cafegram/tl/schema.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace cafegram::tl {

enum class value_kind : std::uint8_t {
  int32,
  int64,
  real,
  string,
  bytes,
  octets16,
  octets32,
  flags_word,
  boolean,
  nothing,      ///< `true`: takes no space
  boxed_vector, ///< `Vector<T>`
  bare_vector,  ///< `vector<T>`
  boxed,        ///< id and fields of one of a type's constructors
  bare,         ///< the fields of one constructor
  any,          ///< whatever its id says: `X`, `Object`
  query,        ///< `!X`: a function whatever its id says
};

struct definition_plan;

/// What stands at one place of the wire.
struct value_plan {
  value_kind kind = value_kind::any;
  std::string type;                            ///< of `boxed`
  const definition_plan* definition = nullptr; ///< of `bare`
  std::shared_ptr<const value_plan> element;   ///< of the vectors
};

struct field_plan {
  const parameter* param = nullptr;
  value_plan value;
  int word = -1; ///< index of the field that holds the presence bit; -1: always there
  std::uint32_t mask = 0;
};

struct definition_plan {
  const definition* def = nullptr;
  std::vector<field_plan> fields;
};

/// A schema made ready for reading and writing: names resolved once.
class dynamic_plan {
public:
  explicit dynamic_plan(std::shared_ptr<const schema> of);

  const schema& source() const { return *schema_; }
  const definition_plan* find(std::uint32_t id) const;
  const definition_plan* find_constructor(std::string_view name) const;
  const definition_plan* find_function(std::string_view name) const;

  /// Errors: `bad_argument` for a type that the schema does not know.
  result<value_plan> type(const type_expr& expression) const;

  /// The constructor of `type` that needs least, for values that an older layer asks for and a
  /// newer one does not have. Null where each of them contains itself.
  const definition_plan* simplest(std::string_view type) const;

  /// Octets that a value takes at least.
  std::size_t least_size(const value_plan& value) const;

private:
  value_plan make(const type_expr& expression) const;
  void compile(const definition& def);
  void find_simplest();
  std::uint64_t cost(const definition_plan& of) const;
  std::uint64_t cost(const value_plan& of) const;

  std::shared_ptr<const schema> schema_;
  std::vector<definition_plan> plans_;
  std::unordered_map<const definition*, std::size_t> index_;
  std::vector<std::uint64_t> costs_; ///< of each plan's value with nothing optional in it
  std::unordered_map<std::string_view, const definition_plan*> simplest_;
};

} // namespace cafegram::tl
