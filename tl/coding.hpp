#pragma once

#include <cafegram/tl/value_codec.hpp>

namespace cafegram::tl {

namespace detail {

result<bytes> finish(writer& out, std::string_view name);

/// Takes the whole input as `unknown` when `in` failed at a constructor that nobody knows.
node* contain(reader& in, bytes_view whole);

template <class T>
void put_whole(writer& out, const T& value) {
  if constexpr (definition_struct<T>) {
    out.u32(T::tl_id);
  }
  put(out, value);
}

template <class T>
void get_whole(reader& in, T& out) {
  if constexpr (definition_struct<T>) {
    if (!in.expect(T::tl_id)) {
      return;
    }
    in.within(T::tl_id);
  }
  get(in, out);
}

} // namespace detail

/// Appends a constructor or function with its id, a boxed value, or a vector, number or string.
template <class T>
void encode(writer& out, const T& value) {
  detail::put_whole(out, value);
}

/// The octets of a value, id first. A boxed field that was left empty is written as the id of
/// `null`, which no server takes: use `encode_checked` where the value comes from elsewhere.
template <class T>
bytes encode(const T& value) {
  writer out;
  detail::put_whole(out, value);
  return out.take();
}

/// As `encode`. Errors: `errc::bad_argument` when a boxed field was left empty or a string is too
/// long.
template <class T>
result<bytes> encode_checked(const T& value) {
  writer out;
  detail::put_whole(out, value);
  return detail::finish(out, {});
}

/// Reads one value from the front of `in`, which may go on behind it. Check `in.ok()`.
template <class T>
T decode_prefix(reader& in) {
  T out{};
  detail::get_whole(in, out);
  return out;
}

/// Reads one value that takes all of `data`: a struct with its id, a boxed type, a vector, `bool`.
/// A boxed type with an unknown constructor, its own or one inside, is no error: it comes as
/// `tl::unknown` with all octets. Errors: `errc::malformed` or `errc::limit`, `number` the offset.
template <class T>
result<T> decode(bytes_view data, limits bounds = {}) {
  reader in{data, bounds};
  T out{};
  detail::get_whole(in, out);
  in.finish();
  if constexpr (boxed_type<T>) {
    if (!in.ok()) {
      detail::access::adopt(out, detail::contain(in, data));
      if (out) {
        return out;
      }
    }
  }
  if (!in.ok()) {
    return std::unexpected(to_error(in.failure()));
  }
  return out;
}

/// True when both have the same octets.
template <class T>
bool equal(const T& a, const T& b) {
  return encode(a) == encode(b);
}

} // namespace cafegram::tl
