#pragma once

#include <cafegram/base/error.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace cafegram::tl {

/// A type as written in a schema: `int`, `Vector<InputPeer>`, `vector<%Message>`, `!X`, `#`.
struct type_expr {
  std::string name;            ///< `int`, `Vector`, `messages.Messages`, `X`, `#`; without `%`, `!`
  std::vector<type_expr> args; ///< the element type of a vector
  bool bare = false;           ///< written without a constructor id: `int`, `vector<...>`,
                               ///< `%Message`, or the name of a constructor (`future_salt`)
  bool query = false;          ///< `!X`: a whole function call of any kind

  bool is_vector() const { return name == "Vector" || name == "vector"; }
  bool is_flags_word() const { return name == "#"; }

  friend bool operator==(const type_expr&, const type_expr&) = default;
};

/// The canonical spelling: `Vector<int>`, `%Message`, `!X`.
std::string to_string(const type_expr& type);

/// Reads one type. Errors: `errc::malformed` with the offset.
result<type_expr> parse_type(std::string_view text);

/// One field of a constructor or one argument of a function.
struct parameter {
  std::string name;
  type_expr type;
  std::string flags_word; ///< parameter that holds the presence bit; empty when always present
  int bit = 0;            ///< in `flags_word`

  bool conditional() const { return !flags_word.empty(); }
  /// `flags.N?true`: present or not is all it says; takes no space.
  bool is_flag() const { return conditional() && type.name == "true"; }

  friend bool operator==(const parameter&, const parameter&) = default;
};

/// One constructor or function.
struct definition {
  std::string name;                         ///< with its namespace: `messages.sendMessage`
  std::uint32_t id = 0;                     ///< on the wire; the CRC-32 of the text with exceptions
  std::vector<std::string> type_parameters; ///< `X` of `{X:Type}`
  std::vector<parameter> params;
  type_expr result;
  bool function = false;

  friend bool operator==(const definition&, const definition&) = default;
};

/// One line of TL: `name#id {X:Type} field:type ... = Result;`
std::string to_string(const definition& def);

/// Position of the parameter called `name`, or -1.
int find_parameter(const definition& def, std::string_view name);

/// A whole schema, as parsed. The types that TL builds in (`int`, `string`, `Vector`, ...) are not
/// among the definitions; `Bool`, `True` and the like are.
class schema {
public:
  /// Reads TL text or Telegram's JSON form (`{"constructors":[...],"methods":[...]}`), told apart
  /// by the first character. An id that is not written is computed. Every type must be defined.
  /// Errors: `errc::malformed` with the line (text) in `number`, a name or id defined twice, an
  /// unknown type.
  static result<schema> parse(std::string_view text);

  /// Takes definitions that were made elsewhere. Errors as for `parse`.
  static result<schema> make(std::vector<definition> definitions, int layer);

  /// From the `// LAYER N` line or the JSON's `layer`; 0 if neither is there.
  int layer() const { return layer_; }

  /// In the order of the text.
  const std::vector<definition>& definitions() const { return definitions_; }

  /// A constructor or function by its id; null if there is none.
  const definition* find(std::uint32_t id) const;
  const definition* find_constructor(std::string_view name) const;
  const definition* find_function(std::string_view name) const;
  /// All constructors whose result is `type` (`Message`, `messages.Messages`), in order.
  std::vector<const definition*> constructors_of(std::string_view type) const;
  bool has_type(std::string_view type) const;

  /// The definition that a bare type stands for: the constructor of that name, or the only
  /// constructor of `%Type`. Null if it is neither.
  const definition* bare_definition(const type_expr& type) const;

private:
  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  template <class T>
  using by_text = std::unordered_map<std::string, T, text_hash, std::equal_to<>>;

  result<void> index();
  result<void> check_types() const;
  result<void> check_type(const definition& def, const type_expr& type) const;

  std::vector<definition> definitions_;
  int layer_ = 0;
  std::unordered_map<std::uint32_t, std::size_t> by_id_;
  by_text<std::size_t> constructors_;
  by_text<std::size_t> functions_;
  by_text<std::vector<std::size_t>> types_;
};

/// True for the types that TL itself builds in: `int`, `long`, `double`, `string`, `bytes`,
/// `int128`, `int256`, `#`, `true`, `Vector`, `vector`, `Object`.
bool is_builtin_type(std::string_view name);

/// All definitions in their order as TL text, functions behind `---functions---`, the layer in
/// front. Parsing the text gives the same definitions.
std::string to_text(const schema& value);

/// The same in Telegram's JSON form.
std::string to_telegram_json(const schema& value);

} // namespace cafegram::tl
