#pragma once

#include <cafegram/base/environment.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace cafegram::protocol {

/// Names an update that was offered to a box; chosen by who offers it.
enum class update_token : std::uint64_t {};

/// What became of updates offered to a box.
struct box_verdict {
  std::vector<update_token> apply; ///< in this order
  std::vector<update_token> drop;  ///< already applied, or refused
};

/// Orders updates by a counter that rises by known steps: the common `pts`, a channel's `pts`,
/// `qts`, or `seq`. Spec: "Working with Updates". Pure; one per counter.
///
/// An update that does not fit yet waits for what is missing; when that has not come within
/// `patience` the box is *behind*: everything waits until the difference has been fetched.
class update_box {
public:
  static constexpr duration patience = std::chrono::milliseconds{500};
  static constexpr std::size_t max_waiting = 1024;

  /// A box that knows its value, or is behind from the start.
  explicit update_box(std::optional<std::int32_t> value = {});

  /// Offers an update after which the counter is `value`, `count` steps in one (0: moves nothing,
  /// but holds only at exactly `value`). For `seq` the count is `seq - seq_start + 1`.
  box_verdict offer(update_token update, std::int32_t value, std::int32_t count, steady_time now);
  /// The owner cannot take more now, or learned of a loss: the difference is needed.
  void fall_behind();
  /// The difference is being fetched.
  void begin_difference();
  /// The difference ended at `value`: what waits beyond it may apply now. When too much had come to
  /// wait, some of it was dropped, and the box is behind again.
  box_verdict restart(std::int32_t value, steady_time now);

  void poll(steady_time now);
  /// When a gap becomes a need for the difference; `steady_time::max()` if there is none.
  steady_time next_deadline() const;

  /// The difference is needed (and not yet begun).
  bool behind() const { return state_ == state::behind; }
  bool in_difference() const { return state_ == state::difference; }
  std::optional<std::int32_t> value() const { return value_; }
  std::size_t waiting() const { return waiting_.size(); }

private:
  enum class state : std::uint8_t { ready, behind, difference };
  struct waiting_update {
    update_token update;
    std::int64_t value;
  };

  void apply_waiting(box_verdict& out, steady_time now);

  state state_;
  std::optional<std::int32_t> value_;
  std::multimap<std::int64_t, waiting_update> waiting_; ///< by the value before it
  std::optional<steady_time> gap_since_;
  bool lost_ = false; ///< more came to wait than fits
};

} // namespace cafegram::protocol
