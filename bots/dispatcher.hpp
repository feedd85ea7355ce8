#pragma once

#include <cafegram/actors/signing.hpp>
#include <cafegram/bots/interfaces.hpp>
#include <cafegram/bots/options.hpp>
#include <cafegram/bots/router.hpp>

#include <caf/response_promise.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace cafegram {

struct dispatcher_setup {
  caller_actor client;
  std::shared_ptr<const signer> signing;
  account self;
  std::shared_ptr<const router> routes;
  bot_options options;
};

struct dispatcher_state {
  using pointer = dispatcher_actor::stateful_pointer<dispatcher_state>;
  using admission = caf::response_promise;

  static inline const char* name = "dispatcher";

  explicit dispatcher_state(pointer self)
    : self_{self} {}
  dispatcher_state(const dispatcher_state&) = delete;
  dispatcher_state& operator=(const dispatcher_state&) = delete;
  ~dispatcher_state();
  void start(dispatcher_setup setup);

  caf::result<void> receive(const update_event& event);
  void receive(const update_events& batch);
  void know(const account& self);
  caf::result<void> take(std::shared_ptr<const update_data> update);
  void on_finished(const finished& message);
  void on_suspended(const suspended& message);
  void on_sends_made(sends_made& message);
  caf::result<stored_value> value_of(const value_request& what);
  void on_values_stored(values_stored& message);
  void on_wake_at(const wake_at& message);
  void on_down(const caf::down_msg& message);
  void on_tick(std::uint64_t generation);
  void tell_ends();
  caf::result<void> stop(std::chrono::milliseconds timeout);
  dispatcher_status status() const;

private:
  struct queued_update {
    std::shared_ptr<const update_data> data;
    std::uint64_t row = 0; ///< its number in the inbox; 0: it came another way
    bool kept = false;     ///< there, until it is answered
    std::uint32_t failures = 0;
    std::uint32_t unsent = 0;  ///< so often a send of it did not come to an end
    std::uint32_t unowned = 0; ///< so often its conversation ended over no update at all
    std::vector<made_send> sends = {};
    /// It is an album, and this the rows of its messages behind the first.
    std::vector<std::uint64_t> more_rows = {};
    steady_time gathers_until = steady_time::min(); ///< an album that takes more messages
    std::optional<std::int64_t> gathering = {};     ///< the same's number, until it is delivered

    template <class F>
    void each_row(F f) const {
      f(row);
      std::ranges::for_each(more_rows, f);
    }
  };

  struct delivered_update {
    std::uint64_t number = 0; ///< of the delivery
    queued_update what;
  };

  struct chat_state {
    chat_ref chat;
    conversation_actor actor;
    std::deque<queued_update> waiting;
    std::vector<delivered_update> in_flight; ///< by rising numbers; few
    /// By row: there was no room for their coroutines, and one has to end before.
    std::map<std::uint64_t, queued_update> parked;
    steady_time blocked_until = steady_time::min(); ///< one has failed, and is tried again then
    std::uint64_t current = 0;                      ///< delivered last
    bool busy = false;         ///< the update delivered last is neither finished nor suspended
    bool starving = false;     ///< stands in `starving_`
    bool behind_store = false; ///< stands in `behind_store_`
    steady_time wake = steady_time::max();
    steady_time last_used;
    std::list<chat_key>::iterator used; ///< in `used_`, while it has an actor
    void queue(queued_update&& update);
    /// Null: not under way.
    queued_update* delivered(std::uint64_t number);
    /// The same, taken out.
    std::optional<queued_update> land(std::uint64_t number);
    bool empty() const { return waiting.empty() && parked.empty(); }
    bool idle() const { return !busy && empty() && in_flight.empty(); }
  };

  /// How rows ended that were answered last: a hub that is new hands them out again, when the one
  /// before had not heard of it. Those whose end is longest ago are forgotten.
  class ended_rows {
  public:
    struct end {
      std::unique_ptr<const error> given_up; ///< null: it is finished
      /// Ended with it, and not known to be written: a hub that is new is told again.
      std::shared_ptr<const updates_finished> values = {};
    };

    void add(std::uint64_t row, end how);
    void set_values(std::uint64_t row, std::shared_ptr<const updates_finished> values);
    /// Null: not known.
    const end* find(std::uint64_t row) const;
    /// What is not known to be written, in the order of the ends.
    std::vector<std::shared_ptr<const updates_finished>> unwritten_values() const;

  private:
    std::unordered_map<std::uint64_t, end> known_;
    std::deque<std::uint64_t> order_;
  };

  bool wanted(const std::shared_ptr<const update_data>& update) const;
  void admit(queued_update update);
  bool gather(chat_key key, chat_state& chat, queued_update& update);
  void note_loss(chat_state& chat, const update_data& dropped);
  void pump(chat_key key, chat_state& chat);
  void accept_row(const update_event& event, admission promise);
  void answer_row(std::uint64_t row, admission& promise, const error* given_up);
  void end_row(std::uint64_t row, const std::optional<error>& given_up, bool told = false);
  void end_rows(const queued_update& of, const std::optional<error>& given_up);
  void hear_from_hub();
  void end_with_values(chat_state& chat, const finished& message, queued_update& update);
  std::int64_t account_or_own(std::int64_t account) const;
  void tell_values(const std::shared_ptr<const updates_finished>& what);
  void values_not_told(const updates_finished& what, bool next_follows, const error& why);
  bool store_has_room() const;
  bool waits_for_store(chat_key key, chat_state& chat);
  void tell_waits(std::uint64_t row, bool waits);
  template <class T>
  void tell_hub(T what);
  bool count_failure(queued_update& what, const std::string& why);
  void not_done(chat_key key, chat_state& chat, handling how, queued_update&& update);
  void try_again(chat_key key, chat_state& chat, std::vector<queued_update> what);
  void block(chat_key key, chat_state& chat, steady_time::duration pause);
  void park(chat_key key, chat_state& chat, queued_update&& update);
  void unpark_one(chat_state& chat);
  void retry_due(steady_time time);
  std::vector<queued_update> left_by(chat_state& chat, const caf::error& reason);
  bool wake_up(chat_key key, chat_state& chat);
  void put_to_sleep(chat_key key);
  void forget_if_empty(chat_key key);
  void set_wake(chat_key key, chat_state& chat, steady_time when);
  void release_held();
  void feed_starving();
  void go_on_behind_store();
  void arm();
  void wake_due(steady_time time);
  void sleep_idle(steady_time time);
  void finish_stop_if_done();
  std::size_t load() const { return queued_ + in_flight_; }
  steady_time now() const { return self_->clock().now(); }

  pointer self_;
  dispatcher_setup setup_;
  std::unordered_map<chat_key, chat_state> chats_;
  std::unordered_map<caf::actor_id, chat_key> by_actor_;
  std::list<chat_key> used_; // last used first; those with an actor
  std::set<std::pair<steady_time, chat_key>> wakes_;
  std::set<std::pair<steady_time, chat_key>> retries_;
  std::deque<chat_key> starving_;     // for a conversation
  std::deque<chat_key> behind_store_; // for values to be written; they may have a conversation
  std::deque<admission> held_;
  std::deque<std::pair<update_event, admission>> early_; // the bot does not know itself yet
  /// Of the inbox, not answered yet. One that came in a batch has a promise that promises nothing.
  std::unordered_map<std::uint64_t, admission> rows_;
  std::vector<updates_finished> ends_;             // of those, not told yet
  std::unordered_set<std::uint64_t> waiting_rows_; // of those: a coroutine waits over them
  ended_rows ended_;
  caf::actor_addr hub_;           // who handed out the last one
  std::size_t value_octets_ = 0;  ///< told to it, and not known to be written
  std::size_t untold_octets_ = 0; ///< kept for the one that comes next
  std::uint64_t last_number_ = 0;
  std::size_t queued_ = 0;
  std::size_t in_flight_ = 0;
  dispatcher_status counts_;
  std::uint64_t tick_generation_ = 0;
  steady_time next_tick_ = steady_time::max();
  std::optional<admission> stopping_;
  steady_time stop_deadline_ = steady_time::max();
};

/// One per bot.
dispatcher_actor::behavior_type dispatcher(dispatcher_state::pointer self, dispatcher_setup setup);

} // namespace cafegram
