#pragma once

#include <cafegram/bots/context.hpp>

#include <functional>
#include <memory>
#include <utility>

namespace cafegram {

namespace detail {

/// Makes a call for an update; see conversation.hpp.
conversation* start_call(const std::shared_ptr<delivery>& origin, bytes function,
                         invoke_options options, std::function<void(const result<bytes>&)> done);
/// The same for what a handler invokes: a send without a `random_id` is given one.
conversation* start_invoke(const std::shared_ptr<delivery>& origin, bytes function,
                           invoke_options options, std::function<void(const result<bytes>&)> done);
using call_starter = decltype(start_call);
using address_user = std::function<result<bytes>(const tl::InputPeer&)>;
/// The same for a call to a chat, which `make` encodes when it is known how that is addressed.
conversation* start_call_to(const std::shared_ptr<delivery>& origin, const chat_ref& to,
                            address_user make, std::function<void(const result<bytes>&)> done);
/// For outcomes that nobody looks at.
void log_unseen(std::string_view method, const error& e);

template <class Function>
std::string_view method_name() {
  const auto* definition = Function::tl_info.schema->find(Function::tl_id);
  return definition != nullptr ? definition->name : std::string_view{"a call"};
}

/// Settles with what `convert` makes of the answer, a `result<T>`.
template <class T, class Convert>
auto settle_with(std::shared_ptr<pending_state<T>> state, std::string_view method,
                 Convert convert) {
  return [state = std::move(state), method,
          convert = std::move(convert)](const result<bytes>& outcome) {
    auto value = convert(outcome);
    if (!value && !state->on_settled) {
      log_unseen(method, value.error());
    }
    state->settle(std::move(value));
  };
}

/// A call whose answer `convert` makes a `result<T>` of.
template <class T, class Convert>
pending<T> call_for(const update_base& update, std::string_view method,
                    const result<bytes>& function, invoke_options options, Convert convert,
                    call_starter* start = start_call) {
  auto state = std::make_shared<pending_state<T>>();
  auto done = settle_with(state, method, std::move(convert));
  if (!function) {
    done(function);
  } else {
    state->home = start(update.origin(), *function, std::move(options), std::move(done));
  }
  return pending<T>{std::move(state)};
}

} // namespace detail

template <class Function>
pending<typename Function::result_type> context::invoke(const Function& function,
                                                        invoke_options options) const {
  using value = typename Function::result_type;
  return detail::call_for<value>(
      common(update_), detail::method_name<Function>(), tl::encode_checked(function),
      std::move(options),
      [](const result<bytes>& answer) -> result<value> {
        if (!answer) {
          return std::unexpected(answer.error());
        }
        return tl::decode<value>(*answer);
      },
      detail::start_invoke);
}

} // namespace cafegram
