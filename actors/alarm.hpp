#pragma once

#include <cafegram/base/environment.hpp>

#include <caf/atom.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace cafegram {

/// The one tick that an actor has under way. CAF cannot take a delayed message back: an earlier
/// one makes those before it stale, by its number.
class alarm {
public:
  /// Sends `tick_atom` with a number to `self` at `when`, unless one comes sooner anyway.
  template <class Self>
  void set(Self* self, steady_time when, steady_time now) {
    if (when >= at_) {
      return;
    }
    at_ = when;
    self->delayed_send(self, std::max(when - now, steady_time::duration::zero()), caf::tick_atom_v,
                       ++number_);
  }

  /// True for the tick that was set last; then the alarm is unset.
  bool rings(std::uint64_t number) {
    if (number != number_) {
      return false;
    }
    at_ = steady_time::max();
    return true;
  }

private:
  steady_time at_ = steady_time::max();
  std::uint64_t number_ = 0;
};

} // namespace cafegram
