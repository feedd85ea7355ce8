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

template <class T>
struct pending_state {
  conversation* home = nullptr;
  std::optional<result<T>> value;
  std::function<void(const result<T>&)> on_settled;

  void settle(result<T> outcome) {
    if (value) {
      return;
    }
    value.emplace(std::move(outcome));
    if (auto handler = std::exchange(on_settled, nullptr)) {
      handler(*value);
    }
  }
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
                    bad = std::move(bad)](const result<T>& outcome) mutable {
      if (!outcome) {
        bad(outcome.error());
      } else if constexpr (std::is_void_v<T>) {
        good();
      } else {
        good(*outcome);
      }
    };
    if (state_->value) {
      handler(*state_->value);
    } else {
      state_->on_settled = std::move(handler);
    }
  }

  class awaiter {
  public:
    awaiter(std::shared_ptr<state> s, detail::root_task* root)
      : state_{std::move(s)}
      , root_{root}
      , home_{detail::home_of(root)} {}
    awaiter(const awaiter&) = delete;
    awaiter& operator=(const awaiter&) = delete;
    ~awaiter() {
      if (point_) {
        point_->frame = nullptr;
      }
    }
    bool await_ready() const noexcept { return state_->value || state_->home != home_; }
    void await_suspend(std::coroutine_handle<> frame) {
      point_ = std::make_shared<detail::resume_point>();
      point_->frame = frame;
      point_->root = root_;
      state_->on_settled = [point = point_](const result<T>&) { detail::resume(point); };
    }
    result<T> await_resume() {
      if (!state_->value) {
        return fail(errc::bad_argument, "a request of another conversation cannot be awaited here");
      }
      return *state_->value;
    }

  private:
    std::shared_ptr<state> state_;
    detail::root_task* root_;
    conversation* home_;
    std::shared_ptr<detail::resume_point> point_;
  };

  awaiter awaiter_in(detail::frame& in) const { return awaiter{state_, in.root}; }

private:
  std::shared_ptr<state> state_;
};

} // namespace cafegram
