#pragma once

#include <cafegram/bots/callable.hpp>
#include <cafegram/bots/task.hpp>
#include <cafegram/bots/updates.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

namespace cafegram {

namespace detail {

/// Runs one handler: an empty task for one that has returned, or the coroutine to be run.
using behavior_handler = std::function<task<>(const any_update&)>;

template <class F>
consteval void check_behavior_handler() {
  static_assert(plain_callable<F>,
                "a handler of a behavior is a lambda or function with one parameter whose type is "
                "written out (no `auto`): it says which update the handler is for");
  if constexpr (plain_callable<F>) {
    static_assert(signature_t<F>::arity == 1,
                  "a handler of a behavior takes exactly one parameter: a typed update");
    if constexpr (signature_t<F>::arity == 1) {
      using argument = argument_t<F, 0>;
      constexpr bool typed = typed_update<argument>;
      static_assert(typed, "the parameter of a behavior's handler is one of the typed updates: "
                           "new_message, edited_message, callback_query, ..., other_update; all of "
                           "them stand in <cafegram/bots/updates.hpp>");
      static_assert(!typed || !std::is_lvalue_reference_v<argument> ||
                        std::is_const_v<std::remove_reference_t<argument>>,
                    "updates never change: take them as `const T&` or by value");
      constexpr bool coroutine = std::is_same_v<result_t<F>, task<>>;
      static_assert(coroutine || std::is_void_v<result_t<F>>,
                    "a handler of a behavior returns nothing, or task<> if it is a coroutine");
      static_assert(
          !coroutine || !std::is_reference_v<argument>,
          "a coroutine takes its update by value: a reference would not live long enough");
    }
  }
}

template <class... Us>
inline constexpr bool all_different = true;
template <class First, class... Rest>
inline constexpr bool all_different<First, Rest...> =
    !(std::is_same_v<First, Rest> || ...) && all_different<Rest...>;

template <class F>
concept behavior_handler_like =
    plain_callable<F> && signature_t<F>::arity == 1 && typed_update<argument_t<F, 0>>;

} // namespace detail

/// What a bot does with each kind of update: one handler per kind, chosen by its parameter.
///
/// ```
/// return {
///   [self](const new_message& m) { self->reply(m, m.text()); },
///   [self](const callback_query& q) { self->answer(q, "Done"); },
/// };
/// ```
/// A handler returns nothing, or is a coroutine (`-> task<>`) that takes its update by value. A
/// kind without a handler is passed over. Each conversation has its own behavior: what its lambdas
/// capture needs no lock.
class behavior {
public:
  template <class... Fs>
    requires(sizeof...(Fs) > 0 && !(std::is_same_v<std::decay_t<Fs>, behavior> || ...))
  behavior(Fs... handlers)
    : behavior{} {
    (detail::check_behavior_handler<Fs>(), ...);
    if constexpr ((detail::behavior_handler_like<Fs> && ...)) {
      static_assert(
          detail::all_different<std::remove_cvref_t<detail::argument_t<Fs, 0>>...>,
          "two handlers of this behavior are for the same kind of update: one would never run");
      (add(std::move(handlers)), ...);
    }
  }

  /// Runs the handler for this kind, if there is one.
  task<> run(const any_update& update) const;
  bool handles(const any_update& update) const;

private:
  struct table;

  behavior();
  void add_for(std::size_t kind, detail::behavior_handler handler);

  template <class F>
  void add(F handler) {
    using update_type = std::remove_cvref_t<detail::argument_t<F, 0>>;
    add_for(detail::kind_index<update_type>,
            [f = std::move(handler)](const any_update& update) mutable -> task<> {
              const auto& typed = *std::get_if<update_type>(&update);
              if constexpr (std::is_void_v<detail::result_t<F>>) {
                f(typed);
                return {};
              } else {
                return f(typed);
              }
            });
  }

  // Shared so that a handler may replace the behavior that it is part of.
  std::shared_ptr<table> table_;
};

} // namespace cafegram
