#pragma once

#include <cafegram/base/environment.hpp>

#include <caf/atom.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

namespace cafegram {

/// The ticks that an actor has under way. CAF cannot take a delayed message back, so a tick that is
/// under way anyway and comes soon enough is waited for: it rings early, and whoever it wakes looks
/// at the clock and sets the alarm again. A deadline that moves on with each message, or a short
/// wait before a long one, thus leaves no further message in the clock of CAF.
class alarm {
public:
  /// Sees to it that `tick_atom` with a number comes to `self` at `when` or before;
  /// `steady_time::max()` is never.
  template <class Self>
  void set(Self* self, steady_time when, steady_time now) {
    if (when == steady_time::max() || (!under_way_.empty() && under_way_.back().at <= when)) {
      return;
    }
    under_way_.push_back({when, ++number_});
    self->delayed_send(self, std::max(when - now, steady_time::duration::zero()), caf::tick_atom_v,
                       number_);
  }

  /// True for a tick that this alarm has sent. It may be earlier than what was set last.
  bool rings(std::uint64_t number) {
    return std::erase_if(under_way_, [number](const tick& t) { return t.number == number; }) != 0;
  }

private:
  struct tick {
    steady_time at;
    std::uint64_t number;
  };

  /// The soonest is the last one: only what is sooner than all is added.
  std::vector<tick> under_way_;
  std::uint64_t number_ = 0;
};

} // namespace cafegram
