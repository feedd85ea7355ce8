#pragma once

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace cafegram {

class conversation;
template <class T = void>
class task;

namespace detail {

struct root_task;

/// What every frame of a tree of coroutines knows.
struct frame {
  root_task* root = nullptr; ///< set when it starts; whose conversation resumes it
  std::coroutine_handle<> awaiting;
  std::exception_ptr failure;
};

/// A suspended coroutine as its conversation sees it. The frame empties it when it is destroyed, so
/// that an answer that comes later finds nobody: the check of the generation.
struct resume_point {
  std::coroutine_handle<> frame;
  root_task* root = nullptr; ///< meaningful as long as `frame` is
};

template <class F>
concept closure = requires { &F::operator(); };

// `std::coroutine_traits` shows a lambda's own object, and that of a member function, as a
// reference in the first place. A lambda is owned by its router or behavior until its last frame is
// gone; nobody owns the object of a member function.
template <class First, class... Rest>
inline constexpr bool parameters_by_value =
    !(std::is_reference_v<Rest> || ...) &&
    (!std::is_reference_v<First> || closure<std::remove_cvref_t<First>>);
template <class... Args>
inline constexpr bool owns_parameters = true;
template <class First, class... Rest>
inline constexpr bool owns_parameters<First, Rest...> = parameters_by_value<First, Rest...>;

struct final_awaiter {
  final_awaiter() noexcept = default;
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> done) const noexcept {
    const auto next = done.promise().awaiting;
    return next ? next : std::noop_coroutine();
  }
  void await_resume() const noexcept {}
};

/// Things of this library that a task may wait for: they make an awaiter out of a frame.
template <class A>
concept task_awaitable = requires(A&& a, frame& in) { std::forward<A>(a).awaiter_in(in); };

struct promise_base : frame {
  std::suspend_always initial_suspend() const noexcept { return {}; }
  final_awaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { failure = std::current_exception(); }

  template <class A>
  auto await_transform(A&& awaited) {
    static_assert(task_awaitable<A>,
                  "a cafegram::task waits for cafegram's own things only (another task, ctx.ask, "
                  "ctx.reply, ctx.sleep, ctx.invoke ...): anything else could resume the coroutine "
                  "on a thread that is not its conversation's");
    return std::forward<A>(awaited).awaiter_in(*this);
  }
};

template <class T>
struct promise : promise_base {
  std::optional<T> value;

  task<T> get_return_object() noexcept;
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
};

template <>
struct promise<void> : promise_base {
  task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
};

} // namespace detail

/// A coroutine of a bot. It starts when a conversation runs it or another task waits for it, and
/// belongs to whoever holds the value: destroying it destroys the frame. A coroutine that returns a
/// task takes its parameters by value; it is resumed in its conversation's own context only.
template <class T>
class [[nodiscard]] task {
public:
  using promise_type = detail::promise<T>;
  using handle = std::coroutine_handle<promise_type>;

  task() = default;
  explicit task(handle h)
    : handle_{h} {}
  task(task&& other) noexcept
    : handle_{std::exchange(other.handle_, {})} {}
  task& operator=(task&& other) noexcept {
    if (this != &other) {
      reset();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~task() { reset(); }

  explicit operator bool() const { return static_cast<bool>(handle_); }
  bool done() const { return handle_ && handle_.done(); }
  handle get() const { return handle_; }
  void reset() {
    if (handle_) {
      std::exchange(handle_, {}).destroy();
    }
  }

  // An awaiter with a constructor: g++ 12 miscompiles aggregates in `co_await T{...}`.
  class awaiter {
  public:
    awaiter(task awaited, detail::root_task* root)
      : awaited_{std::move(awaited)} {
      awaited_.handle_.promise().root = root;
    }
    awaiter(const awaiter&) = delete;
    awaiter& operator=(const awaiter&) = delete;
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> parent) noexcept {
      awaited_.handle_.promise().awaiting = parent;
      return awaited_.handle_;
    }
    T await_resume() {
      auto& promise = awaited_.handle_.promise();
      if (promise.failure) {
        std::rethrow_exception(promise.failure);
      }
      if constexpr (!std::is_void_v<T>) {
        return std::move(*promise.value);
      }
    }

  private:
    task awaited_;
  };

  awaiter awaiter_in(detail::frame& in) && { return awaiter{std::move(*this), in.root}; }

private:
  handle handle_;
};

namespace detail {

template <class T>
task<T> promise<T>::get_return_object() noexcept {
  return task<T>{std::coroutine_handle<promise>::from_promise(*this)};
}

inline task<void> promise<void>::get_return_object() noexcept {
  return task<void>{std::coroutine_handle<promise>::from_promise(*this)};
}

} // namespace detail

} // namespace cafegram

/// Where the parameters of every coroutine that returns a task are looked at.
template <class T, class... Args>
struct std::coroutine_traits<cafegram::task<T>, Args...> {
  static_assert(
      cafegram::detail::owns_parameters<Args...>,
      "a coroutine that returns cafegram::task takes its parameters by value and is a "
      "free function or a lambda: what a reference (or `this`) points to may be gone when "
      "the coroutine goes on");
  using promise_type = typename cafegram::task<T>::promise_type;
};
