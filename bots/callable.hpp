#pragma once

#include <cafegram/bots/updates.hpp>

#include <tuple>
#include <type_traits>

namespace cafegram::detail {

/// Result and parameters of a function or of an object with exactly one `operator()`.
template <class R, class... Args>
struct signature {
  using result = R;
  using arguments = std::tuple<Args...>;
  static constexpr std::size_t arity = sizeof...(Args);
};

template <class F>
struct signature_of {};
template <class R, class... Args>
struct signature_of<R(Args...)> {
  using type = signature<R, Args...>;
};
template <class R, class... Args>
struct signature_of<R (*)(Args...)> : signature_of<R(Args...)> {};
template <class R, class... Args>
struct signature_of<R (*)(Args...) noexcept> : signature_of<R(Args...)> {};
template <class C, class R, class... Args>
struct signature_of<R (C::*)(Args...)> : signature_of<R(Args...)> {};
template <class C, class R, class... Args>
struct signature_of<R (C::*)(Args...) const> : signature_of<R(Args...)> {};
template <class C, class R, class... Args>
struct signature_of<R (C::*)(Args...) noexcept> : signature_of<R(Args...)> {};
template <class C, class R, class... Args>
struct signature_of<R (C::*)(Args...) const noexcept> : signature_of<R(Args...)> {};
template <class F>
  requires requires { &F::operator(); }
struct signature_of<F> : signature_of<decltype(&F::operator())> {};

template <class F>
using signature_t = typename signature_of<std::decay_t<F>>::type;

/// False for generic lambdas and overloaded objects: they do not say what they take.
template <class F>
concept plain_callable = requires { typename signature_of<std::decay_t<F>>::type; };

template <class F, std::size_t I>
using argument_t = std::tuple_element_t<I, typename signature_t<F>::arguments>;
template <class F>
using result_t = typename signature_t<F>::result;

template <class U, class... Us>
consteval std::size_t index_among(const std::variant<Us...>* /*of*/) {
  std::size_t index = 0;
  static_cast<void>(((std::is_same_v<U, Us> || (++index, false)) || ...));
  return index;
}

/// `any_update::index` of one that holds a `U`.
template <typed_update U>
inline constexpr std::size_t kind_index =
    index_among<U>(static_cast<const update_variant*>(nullptr));

} // namespace cafegram::detail
