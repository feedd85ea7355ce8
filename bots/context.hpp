#pragma once

#include <cafegram/actors/options.hpp>
#include <cafegram/bots/outgoing.hpp>
#include <cafegram/bots/pending.hpp>
#include <cafegram/bots/task.hpp>
#include <cafegram/bots/updates.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cafegram {

namespace detail {

/// A coroutine that waits for an update of its conversation, or for time alone.
struct update_wait {
  std::function<bool(const any_update&)> matches; ///< null: time alone
  duration timeout{};
};

/// Stands in the frame of the coroutine; its end ends the wait.
class wait_base {
public:
  wait_base(update_wait wait, root_task* root)
    : wait_{std::move(wait)}
    , root_{root} {}
  wait_base(const wait_base&) = delete;
  wait_base& operator=(const wait_base&) = delete;
  ~wait_base();
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> frame);

protected:
  std::optional<any_update>& arrived();

private:
  update_wait wait_;
  root_task* root_;
  std::uint64_t id_ = 0;
  std::optional<any_update> arrived_;
  friend class cafegram::conversation;
};

} // namespace detail

/// Waits for one update of kind `U`; none when the time is over.
template <class U>
class [[nodiscard]] update_awaitable {
public:
  explicit update_awaitable(detail::update_wait wait)
    : wait_{std::move(wait)} {}

  class awaiter : public detail::wait_base {
  public:
    using wait_base::wait_base;
    std::optional<U> await_resume() {
      if (!arrived()) {
        return std::nullopt;
      }
      return std::get<U>(*std::move(arrived()));
    }
  };
  awaiter awaiter_in(detail::frame& in) && { return awaiter{std::move(wait_), in.root}; }

private:
  detail::update_wait wait_;
};

/// Waits for time to pass.
class [[nodiscard]] sleep_awaitable {
public:
  explicit sleep_awaitable(duration time)
    : time_{time} {}

  class awaiter : public detail::wait_base {
  public:
    using wait_base::wait_base;
    void await_resume() const noexcept {}
  };
  awaiter awaiter_in(detail::frame& in) && { return awaiter{{nullptr, time_}, in.root}; }

private:
  duration time_;
};

/// Gives back what the coroutine has taken so far; see `context::checkpoint`.
class [[nodiscard]] checkpoint_awaitable {
public:
  class awaiter {
  public:
    explicit awaiter(detail::root_task* root)
      : root_{root} {}
    bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    void await_resume();

  private:
    detail::root_task* root_;
  };
  awaiter awaiter_in(detail::frame& in) && { return awaiter{in.root}; }
};

/// Bounds of `context::store`: of a key and a value in octets, and of one update in keys.
inline constexpr std::size_t value_key_most = 128;
inline constexpr std::size_t value_most = std::size_t{64} << 10;
inline constexpr std::size_t values_most = 64;

/// What a handler works with: the update that it was given and the way to answer. A value; copies
/// mean the same. It can be used in its conversation only: elsewhere, and after the conversation
/// has ended, requests fail with `bad_argument` or `cancelled`.
///
/// Sends carry a `random_id` made from the update's identity and their content, so that a handler
/// that runs again over the same update sends nothing twice.
class context {
public:
  explicit context(any_update update)
    : update_{std::move(update)} {}

  const any_update& update() const { return update_; }
  /// The update as `U`, or null if it is of another kind.
  template <class U>
  const U* get() const {
    return std::get_if<U>(&update_);
  }
  const chat_ref& chat() const { return common(update_).chat(); }
  /// The text of a message, an album or a draft, the button's data, or the inline query; else
  /// empty.
  std::string_view text() const;
  /// What follows the command: `1 2` of `/add@some_bot 1 2`.
  std::string_view args() const;
  /// The user that wrote, pressed, asked, ...; see `user_of`.
  std::int64_t user_id() const;

  /// Sends to the conversation's chat, but not to that of a business account (`bad_argument`);
  /// answers the message itself with `outgoing::reply_to`.
  pending<sent_message> reply(const outgoing& message) const;
  pending<sent_message> send(const chat_ref& to, const outgoing& message) const;
  /// To be set by hand in what `invoke` sends: the same each time that this update is handled,
  /// another one for another `name`. 0 for an update that came to no conversation, else never.
  std::int64_t random_id(std::string_view name) const;
  /// Not in the chat of a business account, as `remove`: the bot has others under those numbers.
  pending<void> edit(const message_ref& message, const outgoing& replacement) const;
  /// Edits the message of a pressed button, sent through inline mode or not.
  pending<void> edit(const callback_query& query, const outgoing& replacement) const;
  /// Deletes messages of one chat, for both sides.
  pending<void> remove(const chat_ref& chat, std::vector<std::int32_t> ids) const;
  pending<void> remove(const message_ref& message) const {
    return remove(message.chat, {message.id});
  }
  pending<void> answer(const callback_query& query, callback_answer with = {}) const;
  pending<void> answer(const callback_query& query, std::string toast) const;
  pending<void> answer(const inline_query& query, std::vector<tl::InputBotInlineResult> results,
                       std::int32_t cache_time = 300) const;
  /// Shows "typing" or another action for some seconds.
  pending<void> action(tl::SendMessageAction what = tl::sendMessageTypingAction{}) const;

  /// Any function of the API. Defined in invoke.hpp, which `bot.hpp` includes. What it sends under
  /// a `random_id` of 0, or an empty list of them, is given such as `send` makes. A second run then
  /// gets the error `RANDOM_ID_DUPLICATE`, which says that it is sent; nobody tries that again.
  template <class Function>
  pending<typename Function::result_type> invoke(const Function& function,
                                                 invoke_options options = {}) const;
  /// The same with bytes both ways.
  pending<bytes> invoke_bytes(bytes function, invoke_options options = {}) const;

  /// Sends the question and waits for the next message of the same one (`cause_of`) in this chat,
  /// which then goes to nobody else. None: no answer in time, or the question could not be sent.
  task<std::optional<new_message>> ask(outgoing question, duration timeout) const;
  /// The next message of the same one in this chat; of anybody, where nobody has caused the update.
  update_awaitable<new_message> wait_for_message(duration timeout) const;
  /// The next press of a button under that message, by anybody. It still wants an `answer`.
  update_awaitable<callback_query> wait_for_click(const message_ref& message,
                                                  duration timeout) const;
  update_awaitable<callback_query> wait_for_click(const sent_message& message,
                                                  duration timeout) const {
    return wait_for_click(message.ref(), timeout);
  }
  sleep_awaitable sleep(duration time) const { return sleep_awaitable{time}; }
  /// Says that what the coroutine has consumed is dealt with, and what it has stored is to be
  /// written with that. Without it that is so when the coroutine ends; it may hold 64 updates, the
  /// 65th cancels it.
  checkpoint_awaitable checkpoint() const { return {}; }

  /// A value of this chat, as the updates before have left it, and this one since; none: nothing is
  /// stored. After an error that may pass (`storage`, `cancelled`, `deadline`: no answer within 30
  /// s, `limit`: 1,024 loads of this chat are under way) an update that the inbox keeps is handled
  /// again later, whatever its handler does. `bad_argument`: the key, or a session that keeps no
  /// values.
  pending<std::optional<std::string>> load(std::string_view key) const;
  /// Stores a value of this chat when the update is finished, in one change with its end: if it is
  /// handled again, nothing was stored. In a coroutine with all that it has consumed, at its end or
  /// at `checkpoint`. The outcome says that it is noted. `bad_argument`: beyond a bound, or the
  /// update is finished.
  pending<void> store(std::string_view key, std::string value) const;
  /// The same, so that there is none.
  pending<void> erase(std::string_view key) const;

private:
  any_update update_;
};

} // namespace cafegram
