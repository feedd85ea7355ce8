#pragma once

#include <cafegram/tl/value.hpp>

namespace cafegram::tl {

namespace detail {

/// The type that a function object takes: `T` for `[](const T&)`, `catch_all` for a generic one.
struct catch_all {};

template <class F>
struct parameter_of_member {
  using type = catch_all;
};
template <class F, class R, class A>
struct parameter_of_member<R (F::*)(A) const> {
  using type = std::remove_cvref_t<A>;
};
template <class F, class R, class A>
struct parameter_of_member<R (F::*)(A)> {
  using type = std::remove_cvref_t<A>;
};

template <class F>
struct parameter_of {
  using type = catch_all;
};
template <class F>
  requires requires { &F::operator(); }
struct parameter_of<F> : parameter_of_member<decltype(&F::operator())> {};

template <class F>
using parameter_of_t = parameter_of<std::remove_cvref_t<F>>::type;

template <class B, class F>
inline constexpr bool takes_all =
    std::same_as<parameter_of_t<F>, catch_all> || std::same_as<parameter_of_t<F>, B>;

template <class T, class... Fs>
inline constexpr bool handled = (std::same_as<T, parameter_of_t<Fs>> || ...);

template <class B, class Alternatives, class... Fs>
inline constexpr bool exhaustive = false;
template <class B, class... Ts, class... Fs>
inline constexpr bool exhaustive<B, list<Ts...>, Fs...> =
    (takes_all<B, Fs> || ...) || (handled<unknown, Fs...> && (handled<Ts, Fs...> && ...));

/// Ends the process: an empty value was matched without a function for the rest.
[[noreturn]] void matched_nothing(const char* type);

template <class R, class B, class F, class... Fs>
R dispatch(const B& value, F&& first, Fs&&... rest) {
  if constexpr (takes_all<B, F>) {
    return static_cast<R>(first(value));
  } else {
    if (const auto* found = get_if<parameter_of_t<F>>(value)) {
      return static_cast<R>(first(*found));
    }
    if constexpr (sizeof...(Fs) > 0) {
      return dispatch<R>(value, std::forward<Fs>(rest)...);
    } else {
      matched_nothing(B::tl_type_info.name);
    }
  }
}

template <class B, class F>
using argument_of_match = std::conditional_t<takes_all<B, F>, const B&, const parameter_of_t<F>&>;

template <class B, class F>
using result_of_match = std::invoke_result_t<F, argument_of_match<B, F>>;

} // namespace detail

/// Calls the first function that takes what `value` holds and gives back its result (the type is
/// that of the first function). Each takes one constructor by reference, `const tl::unknown&`, or
/// anything (`[](const auto&)`), which then gets the boxed value itself. What is not handled does
/// not compile: name every constructor and `tl::unknown`, or end with a function for the rest.
/// `value` must not be empty.
///
///     tl::match(message, [](const tl::message& m) { return m.message; },
///               [](const auto&) { return std::string{}; });
template <boxed_type B, class F, class... Fs>
auto match(const B& value, F&& first, Fs&&... rest) -> detail::result_of_match<B, F> {
  static_assert(detail::exhaustive<B, typename B::tl_alternatives, F, Fs...>,
                "handle every constructor and tl::unknown, or end with [](const auto&)");
  return detail::dispatch<detail::result_of_match<B, F>>(value, std::forward<F>(first),
                                                         std::forward<Fs>(rest)...);
}

} // namespace cafegram::tl
