#pragma once

#include <cafegram/bots/behavior.hpp>
#include <cafegram/bots/callable.hpp>
#include <cafegram/bots/context.hpp>
#include <cafegram/bots/filter.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace cafegram {

class conversation_self;
/// The actor of one conversation, as its own behavior sees it: like CAF's `self` pointers.
using bot_actor = conversation_self*;

namespace detail {

template <class F>
inline constexpr bool makes_behavior = false;
template <plain_callable F>
  requires(signature_t<F>::arity == 1)
inline constexpr bool makes_behavior<F> =
    std::is_same_v<std::remove_cv_t<argument_t<F, 0>>, bot_actor> &&
    std::is_same_v<result_t<F>, behavior>;

template <class A>
inline constexpr bool is_context = std::is_same_v<std::remove_cvref_t<A>, context>;

// (context), (update) or (context, update)
template <class F>
inline constexpr bool takes_update = false;
template <plain_callable F>
  requires(signature_t<F>::arity == 1)
inline constexpr bool takes_update<F> =
    is_context<argument_t<F, 0>> || typed_update<argument_t<F, 0>>;
template <plain_callable F>
  requires(signature_t<F>::arity == 2)
inline constexpr bool takes_update<F> =
    is_context<argument_t<F, 0>> && typed_update<argument_t<F, 1>>;

template <class Arguments>
inline constexpr bool all_values = false;
template <class... Args>
inline constexpr bool all_values<std::tuple<Args...>> = !(std::is_reference_v<Args> || ...);

template <class F>
consteval void check_route_handler() {
  static_assert(plain_callable<F>,
                "a handler of a router is a function or lambda whose parameters' types are written "
                "out (no `auto`, no overloads)");
  if constexpr (plain_callable<F> && !makes_behavior<F>) {
    static_assert(takes_update<F>,
                  "a handler of a router takes (context), (context, U), (U), or is a behavior "
                  "factory `behavior(bot_actor)`; U is one of the typed updates");
    constexpr bool coroutine = std::is_same_v<result_t<F>, task<>>;
    static_assert(coroutine || std::is_void_v<result_t<F>>,
                  "a handler of a router returns nothing, task<> (a coroutine) or behavior");
    static_assert(!coroutine || all_values<typename signature_t<F>::arguments>,
                  "a coroutine takes its parameters by value: a reference would not live long "
                  "enough");
  }
}

template <class F>
consteval bool is_const_callable() {
  if constexpr (makes_behavior<F>) {
    return std::is_invocable_v<const F&, bot_actor>;
  } else if constexpr (!takes_update<F>) {
    return true; // said already
  } else if constexpr (signature_t<F>::arity == 1) {
    return std::is_invocable_v<const F&, argument_t<F, 0>>;
  } else {
    return std::is_invocable_v<const F&, argument_t<F, 0>, argument_t<F, 1>>;
  }
}

using behavior_factory = std::function<behavior(bot_actor)>;
using context_handler = std::function<task<>(const context&)>;

/// One line of a router.
struct route {
  std::optional<filter> when; ///< none: always
  /// One of both.
  behavior_factory factory;
  context_handler handler;
};

} // namespace detail

/// Which handler gets an update: the first whose filter says yes. Set up once, then shared by all
/// conversations, which run in parallel: handlers may not change themselves (no `mutable`), and
/// state of a chat belongs into a behavior.
class router {
public:
  router();
  router(const router&);
  router(router&&) noexcept;
  router& operator=(const router&);
  router& operator=(router&&) noexcept;
  ~router();

  /// `handler` is
  /// - a behavior factory, `behavior(bot_actor)`: an actor with its own state per conversation,
  /// - a function or lambda `void(context)`, `void(context, const U&)` or `void(const U&)`,
  /// - a coroutine, `task<>(context)`, `task<>(context, U)` or `task<>(U)`.
  /// Where it takes an update `U`, it is for updates of that kind only.
  template <class F>
  router& on(filter when, F handler) {
    return add(&when, std::move(handler));
  }

  /// For all that no earlier line has taken.
  template <class F>
  router& otherwise(F handler) {
    return add(nullptr, std::move(handler));
  }

  const std::vector<detail::route>& routes() const { return routes_; }

private:
  // What is the same for all handlers is made in router.cpp. `when` null: always.
  template <class F>
  router& add(filter* when, F handler);
  void add_factory(filter* when, detail::behavior_factory factory);
  void add_handler(filter* when, std::optional<std::size_t> kind, detail::context_handler handler);

  std::vector<detail::route> routes_;
};

namespace detail {

template <class F>
task<> call_handler(const F& handler, const context& ctx) {
  const auto call = [&](auto&&... args) -> task<> {
    if constexpr (std::is_void_v<result_t<F>>) {
      handler(args...);
      return {};
    } else {
      return handler(args...);
    }
  };
  if constexpr (signature_t<F>::arity == 2) {
    return call(ctx, *ctx.get<std::remove_cvref_t<argument_t<F, 1>>>());
  } else if constexpr (is_context<argument_t<F, 0>>) {
    return call(ctx);
  } else {
    return call(*ctx.get<std::remove_cvref_t<argument_t<F, 0>>>());
  }
}

// A handler that takes an update is for that kind alone.
template <class F>
consteval std::optional<std::size_t> only_kind() {
  using last = std::remove_cvref_t<argument_t<F, signature_t<F>::arity - 1>>;
  if constexpr (typed_update<last>) {
    return kind_index<last>;
  } else {
    return std::nullopt;
  }
}

} // namespace detail

template <class F>
router& router::add(filter* when, F handler) {
  detail::check_route_handler<F>();
  static_assert(detail::is_const_callable<F>(),
                "a handler of a router may not change itself (`mutable`): all conversations share "
                "it, in parallel; keep a chat's state in a behavior");
  if constexpr (detail::makes_behavior<F>) {
    add_factory(when, std::move(handler));
  } else if constexpr (detail::takes_update<F>) {
    add_handler(when, detail::only_kind<F>(),
                [f = std::move(handler)](const context& ctx) -> task<> {
                  return detail::call_handler(f, ctx);
                });
  }
  return *this;
}

} // namespace cafegram
