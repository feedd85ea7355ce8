#pragma once

#include <cafegram/protocol/counter_box.hpp>

#include <deque>
#include <list>
#include <unordered_map>
#include <unordered_set>

namespace cafegram::protocol {

/// Bounds and times of `account_updates`.
struct update_bounds {
  std::size_t most_channels = 10'000; ///< in memory; the others' places are in the store
  std::size_t most_followed = 10;     ///< as Telegram asks for
  std::size_t most_asked = 10;        ///< differences of channels under way at once
  waiting_room room{};
  /// What a channel's difference is asked for, and what once more before a loss is believed.
  /// Persons are supposed to pass 10 to 100, the most is 100,000.
  std::int32_t first_limit = 100;
  std::int32_t most_limit = 1000;
  duration silence = std::chrono::minutes{15};
  /// Updates that a difference brings and that are older are told as lost; 0: none is too old.
  std::chrono::seconds max_age{0};
  std::uint64_t salt = 0; ///< moves the times of repeated questions
};

/// Where an account begins.
struct updates_start {
  enum class from : std::uint8_t {
    stored, ///< the stored place, fetching what came since; without one as `now`
    now,    ///< a place that is asked for; what came since the stored one is told as not wanted
    login,  ///< `stored` was asked for at this login: what comes from before it, nobody has seen
  };

  from what = from::stored;
  std::optional<account_place> stored;
};

/// All of an account's updates: each handed out once, in the order of its box, or told as lost.
/// Pure: says what to ask and what to keep, and takes the answers. Spec: "Working with Updates".
///
/// The boxes of the account (common, secondary, sequence) have one difference, each channel has
/// its own; while one is under way what belongs to it waits, and nothing else does.
///
/// `start` comes first. What an `update_outcome` asks for is answered once, by the function named
/// there; answers that nobody asked for are ignored. The times given never go back.
class account_updates {
public:
  explicit account_updates(const update_bounds& bounds = {});

  /// `early` came before it was known where the account begins.
  update_outcome start(const updates_start& how, std::vector<update_container>&& early,
                       steady_time now);
  /// What the server pushes, and the results of own calls.
  update_outcome receive(update_container&& what, steady_time now);
  /// Something may have been missed: a new session, or what came could not be read.
  update_outcome suspect(steady_time now);

  update_outcome place(const account_place& there, steady_time now);
  update_outcome place_failed(duration wait, steady_time now);
  update_outcome difference(account_difference&& answer, steady_time now);
  /// `wait`: not to be asked before.
  update_outcome difference_failed(difference_failure why, duration wait, steady_time now);
  update_outcome difference_of(std::int64_t channel, channel_difference&& answer, steady_time now);
  update_outcome difference_of_failed(std::int64_t channel, difference_failure why, duration wait,
                                      steady_time now);
  /// The stored place of a channel, if there is one.
  update_outcome loaded(std::int64_t channel, const std::optional<channel_place>& stored,
                        steady_time now);
  update_outcome loaded_unsure(const std::vector<channel_place>& stored, steady_time now);

  /// The owner has no room for more of a box (`box_kind::none`: of all): it is left where it is,
  /// and fetched when there is room. The three of the account are full together.
  update_outcome full(box_id box, bool is_full, steady_time now);
  /// Where a channel is, from a dialog or its full description: a beginning where none is known.
  update_outcome learn(std::int64_t channel, std::int32_t pts, steady_time now);
  /// Fetches a channel's difference again and again, as while somebody looks at it; from its place,
  /// so one that is known neither here nor in the store has to be learned.
  /// Spec: "Subscribing to updates of channels/supergroups".
  update_outcome follow(std::int64_t channel, bool on, steady_time now);

  update_outcome poll(steady_time now);
  /// When to call `poll`; `steady_time::max()` for never.
  steady_time next_deadline() const;

  /// False until it is known where the account begins.
  bool knows_place() const { return account_.started; }
  /// Where the account stands: behind all that was handed out, before all that was not.
  account_place stands() const;
  /// None where the channel is not in memory or not known.
  std::optional<channel_place> stands(std::int64_t channel) const;
  std::size_t channels() const { return channels_.size(); }
  std::size_t waiting() const { return room_.count; }
  std::size_t waiting_octets() const { return room_.octets; }
  /// Questions about channels that have no answer yet.
  std::size_t asked() const { return asked_; }

private:
  enum class phase : std::uint8_t {
    resting,
    asked,       ///< a difference is under way
    asked_place, ///< of the account: its place is
    asked_names, ///< of the account: which channels have moved is; its own boxes go on meanwhile
    loading,     ///< of a channel: the store is asked
    opening,     ///< of a channel: nobody knows its place; the first ones are collected
  };

  /// The three boxes of the account.
  struct account_boxes {
    explicit account_boxes(waiting_room& room)
      : common{room}
      , secondary{room}
      , sequence{room} {}

    counter_box common;
    counter_box secondary;
    counter_box sequence;
    std::int32_t date = 0;
    phase now = phase::resting;
    bool started = false;
    bool heard_early = false; ///< of channels, before that
    bool owed = false;        ///< a difference is
    bool again = false;       ///< the one under way may miss something
    bool want_place = false;  ///< no difference helps
    bool want_names = false;  ///< the last difference began behind `named_until`
    bool full = false;
    int failures = 0;
    int unreadable = 0;
    std::optional<steady_time> retry_at;
    steady_time last_sign{};
    account_place asked;
    account_place saved;
    /// Channels that moved by then were named by a difference. What has come by then in those that
    /// nobody has heard of is not wanted, or they would have been among them.
    std::int32_t named_until = 0;
  };

  struct channel_state {
    channel_state(std::int64_t which, waiting_room& room)
      : id{which}
      , box{room} {}

    std::int64_t id;
    counter_box box;
    phase now = phase::loading;
    bool owed = false;
    bool again = false;
    bool followed = false;
    bool queued = false;
    bool enlarged = false; ///< asked for the most before a loss is believed
    bool awaiting = false; ///< the account's difference, for its address
    bool idle = false;     ///< which list it stands in
    int failures = 0;
    int unreadable = 0;
    int addressless = 0;
    std::int32_t fallback = 0;    ///< a place to begin with where the store has none
    std::int32_t floor = 0;       ///< what is below was before it was closed
    std::int32_t since = 0;       ///< as in `channel_place`
    bool named = false;           ///< it has moved since then, the server says
    std::int32_t looked_from = 0; ///< where it was opened to be looked through
    bool left_out = false;        ///< something that came had no room while it was looked through
    std::optional<steady_time> retry_at;
    std::optional<steady_time> poll_at;
    std::optional<steady_time> open_at;
    steady_time timer = steady_time::max(); ///< as it stands in `timers_`
    channel_place saved;
    std::list<std::int64_t>::iterator used;
  };

  // -- every call
  update_outcome finish(steady_time now);
  void tell(box_id box, box_steps&& steps, loss why);
  static std::vector<update_item> without_steps(const std::vector<update_item>& items);
  void tell_items(box_id box, std::int32_t from, std::int32_t to, std::vector<update_item>&& items);
  void take_aged(box_id box, std::int32_t from, std::int32_t to, std::vector<update_item>& items,
                 std::int32_t server_time);
  duration delay(int failures, std::int64_t which) const;

  // -- the account
  void take(update_container&& what, steady_time now);
  void route(update_item&& item, std::vector<update_item>& rest, steady_time now);
  void offer(box_id id, counter_box& box, offered_updates&& what, steady_time now);
  bool rests() const {
    return account_.now == phase::resting || account_.now == phase::asked_names;
  }
  bool shut() const { return !account_.started || !rests(); }
  void owe();
  void begin_at(const account_place& there, steady_time now);
  void take_difference(account_difference&& answer, steady_time now);
  void take_names(account_difference&& answer, steady_time now);
  void names_failed(difference_failure why, duration wait, steady_time now);
  void names_are_missing();
  void doubt_channels();
  void doubt(channel_state& which);
  void retry_later(duration wait, steady_time now);
  void restart(const account_place& to, const std::vector<update_item>& brought, bool final,
               steady_time now);
  void skip_to(const account_place& to, loss why, steady_time now);
  void resume(steady_time now);
  void fail(difference_failure why, duration wait, steady_time now);
  void settle_needs(steady_time now);
  void ask_account(steady_time now);

  // -- channels
  channel_state* find(std::int64_t channel);
  channel_state* find_or_make(std::int64_t channel);
  channel_state& make(std::int64_t channel);
  bool make_room(bool of_unsure);
  void evict(channel_state& which);
  void erase(channel_state& which);
  void offer_to_channel(update_item&& item, steady_time now);
  enum class hearing : std::uint8_t {
    named,    ///< it has moved; its place is where it is by now
    learned,  ///< its place is where it begins
    followed, ///< as learned, and its difference is wanted
  };
  void notice(std::int64_t channel, std::int32_t pts, hearing how, steady_time now);
  std::int32_t looked_through_from(std::int32_t pts) const;
  void hand_out(channel_state& which, box_steps&& steps);
  void look_through(channel_state& of, std::int32_t from, steady_time now);
  void try_open(channel_state& of, steady_time now);
  void open(channel_state& which, std::int32_t pts, steady_time now);
  void owe(channel_state& which);
  void has_room(channel_state& which, steady_time now);
  bool is_full(const channel_state& which) const { return all_full_ || full_.contains(which.id); }
  std::vector<update_item> take_difference(channel_state& of, channel_difference&& answer,
                                           steady_time now);
  bool take_too_long(channel_state& of, std::int32_t pts, steady_time now);
  void leave_history(channel_state& of, std::vector<update_item>& items);
  void begin_as_it_came(channel_state& which, steady_time now);
  void close(channel_state& which, loss why, steady_time now);
  void resume(channel_state& which, steady_time now);
  void retry_later(channel_state& which, duration wait, steady_time now);
  void ring(channel_state& which, steady_time now);
  void touch(channel_state& which);
  void settle(channel_state& which);
  void save(channel_state& which);
  void set_timer(channel_state& of);
  void ask_channels();
  void ask_unsure();

  update_bounds bounds_;
  waiting_room room_;
  account_boxes account_;
  updates_start how_;
  bool all_full_ = false;
  std::unordered_set<std::int64_t> full_; ///< channels; as many as the owner names

  std::unordered_map<std::int64_t, channel_state> channels_;
  std::list<std::int64_t> idle_; ///< last used first; these may be forgotten
  std::list<std::int64_t> busy_;
  std::set<std::pair<steady_time, std::int64_t>> timers_;
  std::deque<std::int64_t> queue_; ///< whose difference is to be asked for
  std::size_t asked_ = 0;
  std::size_t followed_ = 0;
  std::vector<std::int64_t> awaiting_;

  bool unsure_left_ = false; ///< the store has unsure places: a pass over them is needed
  bool unsure_passing_ = false;
  bool unsure_asked_ = false;
  std::int64_t unsure_beyond_ = 0; ///< the last one seen in this pass

  update_outcome out_;
  std::vector<std::int64_t> touched_;
};

} // namespace cafegram::protocol
