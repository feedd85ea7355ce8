#pragma once

#include <cafegram/bots/self.hpp>

#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cafegram {

namespace detail {

/// The way from an update back to its conversation; cut when that ends.
struct home_link {
  conversation* home = nullptr;
};

/// What a handler, or a coroutine with all that it has consumed, has stored: told with their end.
struct value_stage {
  std::map<std::string, chat_value> set; ///< by key
  std::set<std::string> unread;          ///< keys that could not be loaded, and may be later

  /// Ends that were not told yet when something was loaded from them.
  std::set<std::shared_ptr<const value_stage>> sources;
  bool undone = false; ///< it was not stored, and what was loaded from it is wrong

  bool empty() const { return set.empty() && unread.empty() && sources.empty(); }
  /// What is here was made without what it should have been made from.
  bool unfounded() const;
};

struct root_task;

/// One update on its way through one conversation.
struct delivery {
  delivery(std::shared_ptr<home_link> l, std::uint64_t n, std::shared_ptr<const signer> s,
           std::string identity)
    : link{std::move(l)}
    , number{n}
    , signing{std::move(s)}
    , sends{signing, std::move(identity)} {}

  std::shared_ptr<home_link> link;
  std::uint64_t number;
  std::shared_ptr<const signer> signing;
  send_scope sends;            ///< numbers equal sends
  std::size_t outstanding = 0; ///< calls under way
  std::size_t holders = 0;     ///< coroutines that have consumed it and not ended
  handling how = handling::done;
  bool open = true; ///< not reported as finished yet
  std::vector<effect> effects;
  std::int64_t account = 0;            ///< that it has come to; 0: not known
  bool kept = false;                   ///< it comes again if it does not come to its end
  std::vector<made_send> before;       ///< made when it was here the last time
  std::vector<made_send> made;         ///< and not told to the owner yet
  std::set<std::int64_t> unsent;       ///< without an outcome that lasts
  std::shared_ptr<value_stage> values; ///< null: nothing; one for all that end as one
  std::weak_ptr<root_task> consumer;   ///< gone when that coroutine has ended
  bool joint = false;                  ///< it ends as part of a `joint_end`

  /// One has consumed it, and goes on.
  bool in_coroutine() const { return !consumer.expired(); }
  /// Where it stores: with the coroutine, as long as that goes on.
  std::shared_ptr<value_stage>& stage();
  /// The same, made where there is none.
  value_stage& made_stage();

  const made_send* find_made(std::int64_t random_id) const;
};

/// Updates whose end writes values: they end in one change, or all come again. None: a coroutine
/// has stored them behind a checkpoint.
struct joint_end {
  std::vector<std::shared_ptr<delivery>> of;
  std::shared_ptr<value_stage> values;
  std::int64_t account = 0;
};

/// A coroutine that a handler has started, with all that it waits for below it.
struct root_task : std::enable_shared_from_this<root_task> {
  conversation* home = nullptr;
  std::optional<behavior> part_of; ///< owns the lambda that the frame belongs to, and outlives it
  task<> frame;
  std::vector<std::shared_ptr<delivery>> held;
  std::shared_ptr<delivery> first;     ///< that it was started for
  std::shared_ptr<value_stage> values; ///< stored since the last checkpoint; null: nothing
  std::size_t route = 0;
  bool cancelled = false;
};

/// The conversation of an update, where it may be used. Errors: `cancelled`, `bad_argument`.
result<conversation*> find_home(const std::shared_ptr<delivery>& origin);

using value_done = std::function<void(result<std::optional<std::string>>)>;
/// `done` comes once, in the conversation's context, or never if that ends; at once, too. Null
/// where nothing can be loaded.
conversation* load_value(const std::shared_ptr<delivery>& origin, std::string key, value_done done);

/// A load that the owner has not answered yet.
struct load_under_way {
  steady_time deadline;
  std::shared_ptr<delivery> origin;
  std::string key;
  value_done done;
};
result<void> store_value(const std::shared_ptr<delivery>& origin, chat_value what);

using call_done = std::function<void(const result<bytes>&)>;
/// Makes a call for an update. `done` comes once, in the conversation's context, or never if that
/// ends; where no call can be made it comes at once and null is returned.
conversation* start_call(const std::shared_ptr<delivery>& origin, bytes function,
                         invoke_options options, call_done done);

/// The verbs need to look nothing up, and nothing to the same chat waits for such a look-up.
bool is_addressed(const std::shared_ptr<delivery>& origin, const chat_ref& to);

using address_user = std::function<result<bytes>(const tl::InputPeer&)>;

/// A call that waits until it is known how its chat is addressed.
struct addressed_call {
  std::shared_ptr<delivery> origin;
  chat_ref to;
  address_user make;
  call_done done;
};

} // namespace detail

/// The state of one conversation: its behaviors, coroutines and the updates under way.
/// Everything here runs in its actor's context.
class conversation {
public:
  static constexpr std::size_t max_coroutines = 16;
  static constexpr std::size_t max_held = 64;
  static constexpr std::size_t max_unaddressed = 1024;
  static constexpr std::size_t max_loads = 1024;
  static constexpr duration max_wait = std::chrono::hours{24};

  conversation(conversation_self& self, conversation_setup setup);
  ~conversation();
  conversation(const conversation&) = delete;
  conversation& operator=(const conversation&) = delete;

  /// The conversation that this thread runs, or null.
  static conversation* running();
  class running_guard;

  void on_deliver(const deliver& message);
  void on_wake();
  /// Destroys the frames, then what they belong to; links are cut.
  void end();

  /// Ends the actor over what a handler has thrown; the error names the update in hand.
  caf::error fail(std::string_view why);

  void become(behavior next);
  const chat_ref& chat() const { return setup_.chat; }

  void call(const std::shared_ptr<detail::delivery>& origin, bytes function, invoke_options options,
            detail::call_done done);
  void call_to(detail::addressed_call what);
  void load(const std::shared_ptr<detail::delivery>& origin, std::string key,
            detail::value_done done);
  result<void> store(detail::delivery& origin, chat_value what);
  bool is_addressed(const chat_ref& to) const;
  void resume(const std::shared_ptr<detail::resume_point>& point);
  std::uint64_t wait(detail::wait_base& awaiter, std::coroutine_handle<> frame, duration timeout);
  void forget(std::uint64_t wait_id);
  void release(detail::root_task& root);

private:
  struct waiter {
    std::uint64_t id = 0;
    steady_time deadline;
    detail::wait_base* awaiter = nullptr;
    std::coroutine_handle<> frame;
  };

  template <class F>
  void guarded(std::uint64_t number, F run);
  bool offer_to_waiters(const any_update& update);
  void route(const any_update& update);
  void run_behavior(std::size_t index, const any_update& update);
  void start(task<> frame, const any_update& update, std::size_t route);
  void go_on(detail::root_task* root, std::coroutine_handle<> frame);
  void find_address(chat_key chat);
  void address_came(chat_key chat, const result<tl::InputPeer>& address);
  void make_addressed(detail::addressed_call&& what, const tl::InputPeer& address);
  void join(std::vector<std::shared_ptr<detail::delivery>> of,
            std::shared_ptr<detail::value_stage> stage, std::int64_t account);
  void loaded(std::uint64_t id, const result<std::optional<std::string>>& outcome);
  void fail_late_loads(steady_time time);
  const chat_value* staged(detail::delivery& origin, const std::string& key);
  void settle();
  void sweep_roots();
  void report_finished();
  void report_joint_ends();
  void report_joint_end(detail::joint_end& one);
  void report_sends_of(detail::delivery& one);
  void report_sends();
  void report_wake();
  steady_time now() const;

  conversation_self& self_;
  conversation_setup setup_;
  std::shared_ptr<detail::home_link> link_;
  std::vector<std::shared_ptr<detail::delivery>> open_; ///< by rising numbers; few
  std::deque<detail::joint_end> joint_; ///< in the order of their ends, and told in it
  std::uint64_t current_ = 0;
  bool told_suspended_ = false;
  std::size_t outstanding_ = 0;
  std::map<chat_key, std::vector<detail::addressed_call>> addressing_;
  std::size_t unaddressed_ = 0;                    ///< all of those
  std::vector<std::optional<behavior>> behaviors_; // by route
  std::optional<std::size_t> active_route_;
  std::vector<std::shared_ptr<detail::root_task>> roots_; ///< nobody else keeps one
  std::vector<waiter> waiters_;
  std::uint64_t last_wait_ = 0;
  std::map<std::uint64_t, detail::load_under_way> loads_; ///< the first is due first
  std::uint64_t last_load_ = 0;
  steady_time told_wake_ = steady_time::max();
  bool failed_ = false;
  std::uint64_t in_hand_ = 0; ///< the delivery that user code runs for; 0: none
};

// Handlers belong to the user: whatever they throw ends this conversation and no other, and is a
// failure of the update that they ran for.
template <class F>
void conversation::guarded(std::uint64_t number, F run) {
  const auto before = std::exchange(in_hand_, number);
  try {
    run();
    in_hand_ = before;
  } catch (const std::exception& e) {
    fail(e.what());
  } catch (...) {
    fail("something that is no std::exception");
  }
}

/// Marks the thread as running a conversation.
class conversation::running_guard {
public:
  explicit running_guard(conversation* now);
  ~running_guard();
  running_guard(const running_guard&) = delete;
  running_guard& operator=(const running_guard&) = delete;

private:
  conversation* before_;
};

} // namespace cafegram
