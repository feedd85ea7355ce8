#pragma once

#include <cafegram/tl/codec.hpp>
#include <cafegram/tl/table.hpp>

#include <atomic>
#include <concepts>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <vector>

namespace cafegram::tl {

/// A value of which this schema knows no constructor, or which holds one somewhere inside: TL has
/// no lengths, so the enclosing value is opaque from its own beginning to the end of the message.
struct unknown {
  std::uint32_t id = 0; ///< of the opaque value itself, which may well be a known one
  bytes body{};         ///< all behind the id
};

namespace detail {

/// What the runtime knows of one constructor or function.
struct info {
  std::uint32_t id;
  std::uint32_t size; ///< octets of memory of a boxed value
  const table* schema;
  void (*read)(reader&, void*);
  void (*write)(writer&, const void*);
  node* (*make)();
  void (*destroy)(const node*);
};

/// The head of a boxed value; the plain struct follows.
struct node {
  mutable std::atomic<std::uint32_t> references{1};
  std::uint32_t id;
  const info* about;

  explicit node(const info& i)
    : id{i.id}
    , about{&i} {}
};

template <class T>
struct box : node {
  T value;

  box()
    : node{T::tl_info}
    , value{} {}
  explicit box(T&& v)
    : node{T::tl_info}
    , value{std::move(v)} {}
};

inline constexpr std::size_t head_size = sizeof(node);

inline const void* content(const node& n) {
  return reinterpret_cast<const std::byte*>(&n) + head_size;
}

inline void* content(node& n) {
  return reinterpret_cast<std::byte*>(&n) + head_size;
}

template <class T>
node* make_box() {
  static_assert(alignof(T) <= alignof(node), "the value must follow the head at once");
  return new box<T>;
}

template <class T>
void destroy_box(const node* n) {
  delete static_cast<const box<T>*>(n);
}

struct alternative {
  std::uint32_t id;
  const info* about;
};

/// What the runtime knows of one boxed type.
struct type_info {
  const char* name;
  const table* schema;
  const alternative* alternatives; ///< by id
  std::size_t count;
};

template <class... Ts>
struct list {};

/// What the generated structs are templates over, so that each is made when it is first used: of
/// thousands a program uses some.
struct later {
  template <class T>
  using as = T;
};

extern const info unknown_info;
node* make_unknown(unknown&& value);

struct access;

} // namespace detail

/// Base of all boxed types: one pointer to an immutable, shared, counted value. Copying it copies
/// the pointer; copies may live in different threads.
class boxed {
public:
  boxed() = default;
  boxed(const boxed& other) noexcept
    : node_{other.node_} {
    if (node_ != nullptr) {
      node_->references.fetch_add(1, std::memory_order_relaxed);
    }
  }
  boxed(boxed&& other) noexcept
    : node_{std::exchange(other.node_, nullptr)} {}
  boxed& operator=(const boxed& other) noexcept {
    boxed{other}.swap(*this);
    return *this;
  }
  boxed& operator=(boxed&& other) noexcept {
    boxed{std::move(other)}.swap(*this);
    return *this;
  }
  ~boxed() {
    if (node_ != nullptr) {
      release();
    }
  }

  /// False when default-constructed or moved from; such a value cannot be encoded.
  explicit operator bool() const { return node_ != nullptr; }

  /// The id on the wire; 0 when empty. Of a value that is `unknown`: the id that it came with.
  std::uint32_t constructor_id() const { return node_ != nullptr ? node_->id : 0; }

  /// The constructor's name; empty when it is `unknown`, or there is no value.
  std::string_view name() const;

protected:
  explicit boxed(const detail::node* adopted)
    : node_{adopted} {}

private:
  friend struct detail::access;

  void swap(boxed& other) noexcept { std::swap(node_, other.node_); }
  void release() const noexcept;

  const detail::node* node_ = nullptr;
};

/// A constructor or function as a plain struct.
template <class T>
concept definition_struct =
    requires { requires std::same_as<decltype(T::tl_info), const detail::info&>; };

template <class T>
concept constructor_struct = definition_struct<T> && requires { typename T::tl_type; };

template <class T>
concept function_struct = definition_struct<T> && requires { typename T::result_type; };

template <class T>
concept boxed_type = std::derived_from<T, boxed> && !std::same_as<T, boxed>;

template <definition_struct T>
inline constexpr std::uint32_t constructor_id_v = T::tl_id;

namespace detail {

struct access {
  static const node* get(const boxed& value) { return value.node_; }
  static void adopt(boxed& value, const node* n) { boxed{n}.swap(value); }
  template <class T>
  static const node* make(T&& value) {
    return new box<T>{std::move(value)}; // NOLINT(bugprone-move-forwarding-reference): rvalues only
  }
};

/// The boxed class `B` can be made of `T`.
template <class T, class B>
concept constructs = requires { requires std::same_as<typename T::tl_type, B>; };

} // namespace detail

/// The value if it was made by constructor `T`, else null. Valid as long as some copy of `value`.
template <class T>
const T* get_if(const boxed& value) {
  const auto* n = detail::access::get(value);
  const bool same = n != nullptr && n->about == &T::tl_info;
  return same ? static_cast<const T*>(detail::content(*n)) : nullptr;
}

/// The opaque octets, or null when the value's constructor is known.
template <>
inline const unknown* get_if<unknown>(const boxed& value) {
  const auto* n = detail::access::get(value);
  const bool same = n != nullptr && n->about == &detail::unknown_info;
  return same ? static_cast<const unknown*>(detail::content(*n)) : nullptr;
}

/// True if the value was made by constructor `T`.
template <class T>
bool holds(const boxed& value) {
  return get_if<T>(value) != nullptr;
}

/// Any boxed value, vector or function as it came: its octets, id first. Result of the generic
/// functions, content of `rpc_result`.
class any_object {
public:
  any_object() = default;
  explicit any_object(bytes encoded)
    : data_{std::move(encoded)} {}

  /// The first word; 0 when there is none.
  std::uint32_t constructor_id() const { return reader{data_}.peek_u32(); }
  bytes_view view() const { return data_; }
  bytes take() && { return std::move(data_); }
  bool empty() const { return data_.empty(); }

  friend bool operator==(const any_object&, const any_object&) = default;

private:
  bytes data_;
};

/// A function call of any kind, already encoded: what the generic functions wrap.
class query {
public:
  query() = default;
  explicit query(bytes encoded)
    : data_{std::move(encoded)} {}
  template <function_struct F>
  query(const F& function) {
    writer out;
    out.u32(F::tl_id);
    F::tl_info.write(out, &function);
    missing_ = out.missing();
    data_ = out.take();
  }

  std::uint32_t constructor_id() const { return reader{data_}.peek_u32(); }
  bytes_view view() const { return data_; }
  /// Static text when the function was incomplete, as `writer::missing`.
  std::string_view missing() const { return data_.empty() ? "query" : missing_; }

  friend bool operator==(const query& a, const query& b) { return a.data_ == b.data_; }

private:
  bytes data_;
  std::string_view missing_;
};

} // namespace cafegram::tl
