#pragma once

#include <cafegram/tl/coding.hpp>

/// Values as text: JSON both ways and a dump for people. Driven by the schema's descriptors, over
/// the octets of a value: no code is generated for it.
///
/// JSON: `{"_":"message","id":5,...}`; `long` as a decimal string (a number is taken too), `int` as
/// a number, `bytes`, `int128`, `int256` as base64, absent conditional fields absent,
/// `flags.N?true` only when set, `Bool` as true/false, vectors as arrays, `double` as a number (or
/// "NaN", "Infinity", "-Infinity"), a `string` that is not UTF-8 as `{"$bytes":base64}`, and what
/// the schema does not know as `{"$object":base64}`, id included.
namespace cafegram::tl {

namespace detail {

/// How a C++ type is written, outermost first: `{vector, boxed}`; `boxed` of any type.
template <class T>
struct form_of;
template <class T>
  requires definition_struct<T> || boxed_type<T>
struct form_of<T> {
  static constexpr std::array kinds{kind::boxed};
  static const table* schema() {
    if constexpr (definition_struct<T>) {
      return T::tl_info.schema;
    } else {
      return T::tl_type_info.schema;
    }
  }
};

template <kind K>
struct plain_form {
  static constexpr std::array kinds{K};
  static const table* schema() { return nullptr; }
};
template <>
struct form_of<std::int32_t> : plain_form<kind::int32> {};
template <>
struct form_of<std::int64_t> : plain_form<kind::int64> {};
template <>
struct form_of<double> : plain_form<kind::float64> {};
template <>
struct form_of<bool> : plain_form<kind::boolean> {};
template <>
struct form_of<std::string> : plain_form<kind::string> {};
template <>
struct form_of<bytes> : plain_form<kind::byte_string> {};

template <class T>
struct form_of<std::vector<T>> {
  static constexpr auto kinds = [] {
    std::array<kind, form_of<T>::kinds.size() + 1> out{kind::vector};
    for (std::size_t i = 1; i < out.size(); ++i) {
      out[i] = form_of<T>::kinds[i - 1];
    }
    return out;
  }();
  static const table* schema() { return form_of<T>::schema(); }
};

using form = std::span<const kind>;

std::string to_json(bytes_view data, form kinds, const table* schema);
std::string dump(bytes_view data, form kinds, const table* schema);
result<bytes> from_json(std::string_view text, form kinds, const table* schema);

} // namespace detail

/// A struct, a boxed value, or a vector of them or of plain values.
template <class T>
concept has_text = requires { detail::form_of<T>::kinds; };

/// One line of JSON. What is not complete (an empty boxed field, a query without a call) has no
/// octets that could be sent: it is shown for people, and `from_json` of it is an error.
template <has_text T>
std::string to_json(const T& value) {
  return detail::to_json(encode(value), detail::form_of<T>::kinds, detail::form_of<T>::schema());
}

/// Reads JSON as `T`. Errors: `errc::malformed` when it is no JSON, `errc::bad_argument` with the
/// path to what does not fit the schema.
template <has_text T>
result<T> from_json(std::string_view text) {
  auto data = detail::from_json(text, detail::form_of<T>::kinds, detail::form_of<T>::schema());
  if (!data) {
    return std::unexpected(std::move(data.error()));
  }
  return decode<T>(*data);
}

/// Some lines for a person: names, fields that are present, text in quotes, octets in hexadecimal
/// (long ones cut).
template <has_text T>
std::string dump(const T& value) {
  return detail::dump(encode(value), detail::form_of<T>::kinds, detail::form_of<T>::schema());
}

/// Any constructor or function of `schema` from its octets; `{"$object":...}` if it is none.
std::string to_json(bytes_view object, const table& schema);
std::string dump(bytes_view object, const table& schema);
/// Octets of any constructor or function, id first.
result<bytes> from_json(std::string_view text, const table& schema);

} // namespace cafegram::tl
