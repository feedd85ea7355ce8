#pragma once

#include <cafegram/base/environment.hpp>
#include <cafegram/protocol/updates.hpp>

#include <map>
#include <set>
#include <utility>

namespace cafegram::protocol {

/// Room for updates that wait; the boxes of an account share it.
struct waiting_room {
  std::size_t most_in_box = 1024;
  std::size_t most = 16'384;
  std::size_t most_octets = std::size_t{16} << 20;
  std::size_t count = 0;
  std::size_t octets = 0;
};

/// What a box lets go: updates (none where only the counter moved), or the news that some will not
/// come.
struct box_step {
  std::int32_t from = 0;
  std::int32_t to = 0;
  bool lost = false;
  std::vector<update_item> updates;
  std::int32_t date = 0; ///< of their container
};

using box_steps = std::vector<box_step>;

/// Updates offered to a box as one: after them the counter is `value`, `count` steps further.
struct offered_updates {
  std::int32_t value = 0;
  std::int32_t count = 0;
  std::vector<update_item> updates;
  std::int32_t date = 0;
};

/// Orders updates by one counter that rises by known steps. Pure; knows nothing of differences but
/// that they begin (`cover`) and where they end (`restart`).
///
/// An update that does not fit yet waits for what is missing. When that has not come within
/// `patience`, or there is no room, or what comes next names strangers, the box *needs* a
/// difference.
class counter_box {
public:
  static constexpr duration patience = std::chrono::milliseconds{500};
  /// So many differences may leave a gap as it is before it is given up.
  static constexpr int most_fruitless = 5;

  explicit counter_box(waiting_room& room)
    : room_{&room} {}
  ~counter_box() { clear(); }
  counter_box(const counter_box&) = delete;
  counter_box& operator=(const counter_box&) = delete;

  /// Offers updates. While the box is `shut` or does not know its value, all that is not old waits.
  void offer(offered_updates&& what, bool shut, steady_time now, box_steps& out);
  /// Something says that the counter stands at `value` or further.
  void hint(std::int32_t value, bool shut, steady_time now);
  /// The box's value is known from now on; it shows nothing that was before.
  void open(std::int32_t value, steady_time now, box_steps& out);
  /// A difference begins: it covers what waits now.
  void cover();
  /// There will be no answer to that: what fits goes.
  void resume(steady_time now, box_steps& out);
  /// The difference has come to `value`; `brought` are its updates.
  void restart(std::int32_t value, const std::vector<update_item>& brought, box_id self, bool final,
               steady_time now, box_steps& out);
  /// Nothing will fill the gaps up to `to`: what waits there goes, the rest is lost. A `to` below
  /// the value sets the counter back.
  void skip_to(std::int32_t to, steady_time now, box_steps& out);
  void clear();
  /// What waits and begins below this is not wanted.
  void drop_below(std::int32_t value);

  bool known() const { return value_.has_value(); }
  /// 0 where it is not known.
  std::int32_t value() const { return value_.value_or(0); }
  /// The counter before the first that waits or has found no room; of a box whose value is not
  /// known.
  std::optional<std::int32_t> lowest() const;
  /// The counter after the last that waits, or the value.
  std::int32_t highest() const;
  std::size_t waiting() const { return waiting_.size(); }
  /// Nothing waits and nothing is known to be missing.
  bool calm() const { return waiting_.empty() && expected_ <= value(); }

  /// When a gap becomes a need; `steady_time::max()` if there is none.
  steady_time deadline() const { return deadline_; }
  /// True once for each need.
  bool take_need(steady_time now);
  /// Some have found no room.
  bool crowded() const { return refused_.has_value(); }

private:
  struct entry {
    std::vector<update_item> updates;
    std::int32_t date = 0;
    std::size_t octets = 0;
    bool strangers = false;
    bool covered = false; ///< a difference was asked for after it had come
    bool settled = false; ///< and has ended: it brings no more about them
  };
  using key = std::pair<std::int64_t, std::int64_t>; ///< the counter before and after
  using entries = std::multimap<key, entry>;

  bool is_double(const key& place, const offered_updates& what) const;
  void keep(const key& place, offered_updates&& what, bool strangers);
  void move_to(std::int32_t value);
  void take(const key& place, entry&& what, box_steps& out);
  void drop(entries::iterator which);
  entries::node_type extract(entries::iterator which);
  void apply_waiting(box_steps& out);
  void watch(bool moved, steady_time now);

  waiting_room* room_;
  std::optional<std::int32_t> value_;
  /// By the value before; those that move nothing stand before the one that does.
  entries waiting_;
  std::set<std::uint64_t> marks_; ///< of what was taken at this value and moved nothing
  std::int32_t expected_ = 0;     ///< some hint said so
  steady_time deadline_ = steady_time::max();
  bool need_ = false;
  std::optional<std::int64_t> refused_; ///< the counter before the lowest that found no room
  int fruitless_ = 0;
};

} // namespace cafegram::protocol
