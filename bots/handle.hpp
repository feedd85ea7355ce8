#pragma once

#include <cafegram/actors/messages.hpp>
#include <cafegram/bots/callable.hpp>
#include <cafegram/bots/updates.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <set>
#include <tuple>
#include <type_traits>
#include <utility>

namespace cafegram {

namespace detail {

/// What a receiver has finished last. A hub that is started again hands out once more what the one
/// before had not heard of, and with a bot all that the bot has not finished.
class finished_before {
public:
  bool knows(const update_event& event) const { return known_.contains(name_of(event)); }
  void add(const update_event& event) {
    if (event.number == 0 || !known_.insert(name_of(event)).second) {
      return;
    }
    order_.push_back(name_of(event));
    if (order_.size() > most) {
      known_.erase(order_.front());
      order_.pop_front();
    }
  }

private:
  /// Clients of one program may give equal numbers.
  using name = std::pair<std::int64_t, std::uint64_t>;
  static name name_of(const update_event& event) { return {event.update->account, event.number}; }

  static constexpr std::size_t most = 4'096;
  std::set<name> known_;
  std::deque<name> order_;
};

template <class F>
bool handle_one(const any_update& update, F& handler) {
  static_assert(plain_callable<F>, "a handler is a lambda or function whose parameter's type is "
                                   "written out (no `auto`): it says which update it is for");
  if constexpr (plain_callable<F>) {
    static_assert(signature_t<F>::arity == 1, "a handler takes exactly one update");
    using argument = std::remove_cvref_t<argument_t<F, 0>>;
    constexpr bool takes_all = std::is_same_v<argument, any_update>;
    static_assert(takes_all || typed_update<argument>,
                  "the parameter of a handler is one of the typed updates, or any_update");
    if constexpr (takes_all) {
      handler(update);
      return true;
    } else if constexpr (typed_update<argument>) {
      const auto* typed = std::get_if<argument>(&update);
      if (typed != nullptr) {
        handler(*typed);
      }
      return typed != nullptr;
    }
  }
  return false;
}

} // namespace detail

/// Calls the first handler that takes an update of this kind, or any (`const any_update&`). False
/// where there is none.
template <class... Fs>
bool handle(const any_update& update, Fs&&... handlers) {
  return (detail::handle_one(update, handlers) || ...);
}

/// For the behavior of a CAF actor that has subscribed to an account (`client::subscribe`):
///
/// ```
/// return {on_update(self_account, [](const new_message& m) { ... },
///                   [](const user_status& s) { ... })};
/// ```
/// When the handler has returned the update is finished, as far as this receiver is concerned. One
/// that comes again after it was finished is passed over.
template <class... Fs>
auto on_update(account self, Fs... handlers) {
  return [self = std::move(self), before = detail::finished_before{},
          all = std::tuple<Fs...>{std::move(handlers)...}](const update_event& event) mutable {
    if (!event.update || before.knows(event)) {
      return;
    }
    const auto update = typed(event, self);
    std::apply([&update](auto&... each) { handle(update, each...); }, all);
    before.add(event);
  };
}

} // namespace cafegram
