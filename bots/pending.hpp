#pragma once

#include <cafegram/base/error.hpp>
#include <cafegram/bots/task.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace cafegram {

namespace detail {

/// The conversation that resumes the frames of `root`.
conversation* home_of(const root_task* root);
/// Goes on with a suspended coroutine, if its frame is still there and `point` is at home here.
void resume(const std::shared_ptr<resume_point>& point);

/// What is the same for all results.
struct pending_base {
  conversation* home = nullptr;
  bool settled = false;
  std::function<void(const pending_base&)> on_settled;

  /// Calls who waits. The value must be there.
  void settle_now();
};

template <class T>
struct pending_state : pending_base {
  std::optional<result<T>> value;

  void settle(result<T> outcome) {
    if (!settled) {
      value.emplace(std::move(outcome));
      settle_now();
    }
  }
};

/// Stands in the frame of the coroutine that waits.
class pending_awaiter {
public:
  pending_awaiter(std::shared_ptr<pending_base> state, root_task* root);
  pending_awaiter(const pending_awaiter&) = delete;
  pending_awaiter& operator=(const pending_awaiter&) = delete;
  ~pending_awaiter();
  bool await_ready() const noexcept;
  void await_suspend(std::coroutine_handle<> frame);

protected:
  const pending_base& awaited() const { return *state_; }
  static error not_at_home();

private:
  std::shared_ptr<pending_base> state_;
  root_task* root_;
  conversation* home_;
  std::shared_ptr<resume_point> point_;
};

} // namespace detail

/// The outcome of a request that is under way. May be ignored: a failure nobody looks at is logged.
/// Otherwise either `then`, or `co_await` in a task, which gives `result<T>`.
template <class T>
class pending {
public:
  using state = detail::pending_state<T>;

  explicit pending(std::shared_ptr<state> s)
    : state_{std::move(s)} {}

  /// Calls one of both, in the conversation's context; neither if the conversation ends before.
  template <class Good, class Bad>
  void then(Good good, Bad bad) const {
    auto handler = [good = std::move(good),
                    bad = std::move(bad)](const detail::pending_base& settled) mutable {
      const auto& outcome = *static_cast<const state&>(settled).value;
      if (!outcome) {
        bad(outcome.error());
      } else if constexpr (std::is_void_v<T>) {
        good();
      } else {
        good(*outcome);
      }
    };
    if (state_->settled) {
      handler(*state_);
    } else {
      state_->on_settled = std::move(handler);
    }
  }

  class awaiter : public detail::pending_awaiter {
  public:
    using pending_awaiter::pending_awaiter;
    result<T> await_resume();
  };

  awaiter awaiter_in(detail::frame& in) const { return awaiter{state_, in.root}; }

private:
  std::shared_ptr<state> state_;
};

template <class T>
result<T> pending<T>::awaiter::await_resume() {
  const auto& outcome = static_cast<const state&>(this->awaited()).value;
  if (!outcome) {
    return std::unexpected(not_at_home());
  }
  return *outcome;
}

// What nearly every bot waits for is made in pending.cpp.
struct sent_message;
extern template class pending<void>;
extern template class pending<sent_message>;

} // namespace cafegram
