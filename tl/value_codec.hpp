#pragma once

#include <cafegram/tl/value.hpp>

/// Reading and writing of each kind of field: one overload per type, so that generated code is a
/// list of calls. Everything here is bounded by the reader's limits.
namespace cafegram::tl::detail {

inline void get(reader& in, std::int32_t& v) {
  v = in.i32();
}
inline void get(reader& in, std::int64_t& v) {
  v = in.i64();
}
inline void get(reader& in, double& v) {
  v = in.f64();
}
inline void get(reader& in, bool& v) {
  v = in.boolean();
}
inline void get(reader& in, std::string& v) {
  v = in.string();
}
inline void get(reader& in, bytes& v) {
  v = in.byte_string();
}
inline void get(reader& in, int128& v) {
  v = in.i128();
}
inline void get(reader& in, int256& v) {
  v = in.i256();
}

inline void put(writer& out, std::int32_t v) {
  out.i32(v);
}
inline void put(writer& out, std::int64_t v) {
  out.i64(v);
}
inline void put(writer& out, double v) {
  out.f64(v);
}
inline void put(writer& out, bool v) {
  out.boolean(v);
}
inline void put(writer& out, const std::string& v) {
  out.string(v);
}
inline void put(writer& out, const bytes& v) {
  out.byte_string(v);
}
inline void put(writer& out, const int128& v) {
  out.i128(v);
}
inline void put(writer& out, const int256& v) {
  out.i256(v);
}

/// Of definitions without fields.
inline void read_nothing(reader&, void*) {}
inline void write_nothing(writer&, const void*) {}

/// A boxed value of `type`; null after a failure.
node* read_node(reader& in, const type_info& type);
void write_node(writer& out, const node* n, const type_info& type);

void get(reader& in, any_object& v);
void get(reader& in, query& v);
void put(writer& out, const any_object& v);
void put(writer& out, const query& v);
/// The same where a field before it holds the length in octets.
void get_sized(reader& in, any_object& v, std::int32_t size);

template <boxed_type B>
void get(reader& in, B& v) {
  access::adopt(v, read_node(in, B::tl_type_info));
}

template <boxed_type B>
void put(writer& out, const B& v) {
  write_node(out, access::get(v), B::tl_type_info);
}

/// A bare struct: its fields without an id.
template <definition_struct T>
void get(reader& in, T& v) {
  T::tl_info.read(in, &v);
}

template <definition_struct T>
void put(writer& out, const T& v) {
  T::tl_info.write(out, &v);
}

/// The least octets that an element takes on the wire.
template <class T>
inline constexpr std::size_t least_size = 4;
template <>
inline constexpr std::size_t least_size<std::int64_t> = 8;
template <>
inline constexpr std::size_t least_size<double> = 8;
template <>
inline constexpr std::size_t least_size<int128> = 16;
template <>
inline constexpr std::size_t least_size<int256> = 32;

template <class T>
void get(reader& in, std::vector<T>& v);
template <class T>
void put(writer& out, const std::vector<T>& v);

template <class T>
void get_elements(reader& in, std::vector<T>& v, bool with_id) {
  const auto count = in.vector_count(with_id, least_size<T>, sizeof(T));
  v.reserve(count);
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    get(in, v.emplace_back());
  }
}

template <class T>
void put_elements(writer& out, const std::vector<T>& v, bool with_id) {
  out.vector_header(with_id, v.size());
  for (const auto& element : v) {
    put(out, element);
  }
}

template <class T>
void get(reader& in, std::vector<T>& v) {
  get_elements(in, v, true);
}

template <class T>
void put(writer& out, const std::vector<T>& v) {
  put_elements(out, v, true);
}

/// `std::vector<bool>` has no elements to refer to.
inline void get(reader& in, std::vector<bool>& v) {
  const auto count = in.vector_count(true, 4, 1);
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    v.push_back(in.boolean());
  }
}

inline void put(writer& out, const std::vector<bool>& v) {
  out.vector_header(true, v.size());
  for (const bool element : v) {
    out.boolean(element);
  }
}

/// `flags.N?T`: read when bit `N` is set.
template <class T>
void get(reader& in, std::optional<T>& v, std::uint32_t flags, int bit) {
  if ((flags >> bit & 1) != 0) {
    get(in, v.emplace());
  }
}

/// Written when its bit is set; the bit may be shared with another field that is present, then an
/// absent one is written as an empty value.
template <class T>
void put(writer& out, const std::optional<T>& v, std::uint32_t flags, int bit) {
  if ((flags >> bit & 1) != 0) {
    if (v) {
      put(out, *v);
    } else {
      put(out, T{});
    }
  }
}

} // namespace cafegram::tl::detail
