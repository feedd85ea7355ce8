#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/tl/codec.hpp>
#include <cafegram/tl/json.hpp>
#include <cafegram/tl/schema.hpp>

#include <memory>
#include <string_view>

namespace cafegram::tl {

class dynamic_plan;

/// How JSON is taken by an encoder.
struct encode_options {
  /// For saying a value of a newer layer in an older one, by name. Members that the constructor
  /// lacks are dropped, members of the wrong kind count as absent, elements of a vector that the
  /// layer cannot say are left out; a required field that is missing gets its zero: 0, the empty
  /// string or vector, false, and for a boxed type the constructor that needs least (one whose name
  /// ends in `Empty` or `Unknown` goes before all others).
  /// Without it every one of these is an error.
  bool lenient = false;
  std::uint32_t depth = 128; ///< objects within objects
  /// Octets of the result: JSON with few characters can ask for many defaults.
  std::size_t size = std::size_t{64} << 20;
};

/// Reads and writes the bytes of any schema, with JSON as values. Independent of generated code.
///
/// `{"_":"message","id":5,...}`: `long` as a decimal string (a number is taken too), `int` and `#`
/// as numbers, `bytes`, `int128` and `int256` as base64, conditional fields absent when they are
/// not there, `flags.N?true` only present when set, `Bool` as true/false, vectors as arrays,
/// `double` as a number (or "NaN", "Infinity", "-Infinity"), a `string` that is not UTF-8 as
/// `{"$bytes":base64}`. Flags words are computed and not shown. A `!X` field is the nested
/// function.
///
/// Immutable after construction: one codec may serve many threads.
class dynamic_codec {
public:
  explicit dynamic_codec(std::shared_ptr<const schema> of);
  ~dynamic_codec();
  dynamic_codec(dynamic_codec&&) noexcept;
  dynamic_codec& operator=(dynamic_codec&&) noexcept;

  const schema& definitions() const;

  /// Decodes one boxed constructor, function, `Vector` (its elements boxed) or `Bool`; all of the
  /// input must be used.
  /// Errors: `malformed` or `limit`, with the offset in `number` and the path in the text.
  result<json> decode(bytes_view whole, const limits& bounds = {}) const;

  /// The same from the front of `data`; `used` is the number of octets taken.
  result<json> decode_prefix(bytes_view data, std::size_t& used, const limits& bounds = {}) const;

  /// Decodes a value of a type such as `Vector<User>`, `Bool`, `int` or `messages.Messages`.
  result<json> decode_as(std::string_view type, bytes_view whole, const limits& bounds = {}) const;

  /// Encodes an object, boxed: a constructor or a function, by its `_`. What `decode` also gives is
  /// taken: an array as a `Vector` of such, a boolean as a `Bool`.
  /// Errors: `bad_argument` with the path (`message.entities[2].offset: ...`), `limit`.
  result<bytes> encode(const json& value, const encode_options& how = {}) const;

  /// Encodes a value of a type such as `Vector<User>`. `X` and `Object` take what `encode`
  /// takes.
  result<bytes> encode_as(const json& value, std::string_view type,
                          const encode_options& how = {}) const;

private:
  std::unique_ptr<const dynamic_plan> plan_;
};

} // namespace cafegram::tl
