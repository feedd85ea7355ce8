#include <cafegram/protocol/account_updates.hpp>

#include <algorithm>

// The boxes of channels: what comes, and their differences.
namespace cafegram::protocol {

namespace {

constexpr int most_unreadable_of_channel = 3;
constexpr std::int32_t least_limit = 10;
/// A channel's counter begins with this.
constexpr std::int32_t first_pts = 1;

} // namespace

// -- what comes ---------------------------------------------------------------------------------

void account_updates::offer_to_channel(update_item&& item, steady_time now) {
  const auto box = item.box;
  auto* of = find_or_make(box.channel);
  if (of == nullptr) {
    if (item.body != nullptr) {
      out_.told.emplace_back(updates_lost{box, item.value - item.count, item.value, loss::no_room});
    }
    return;
  }
  touch(*of);
  if (is_full(*of) && of->box.known()) {
    owe(*of);
    return;
  }
  if (of->now == phase::opening && item.value - item.count < of->floor) {
    return; // was handed out before it was closed
  }
  offered_updates what{.value = item.value, .count = item.count, .updates = {}};
  what.updates.push_back(std::move(item));
  box_steps steps;
  of->box.offer(std::move(what), of->now != phase::resting, now, steps);
  tell(box, std::move(steps), loss::never_came);
  if (of->box.take_need(now)) {
    owe(*of);
  }
  if (of->now == phase::opening) {
    try_open(*of, now);
  }
}

/// A channel is said to be further, or somewhere.
void account_updates::notice(std::int64_t channel, std::int32_t pts, bool owed, steady_time now) {
  auto* of = find_or_make(channel);
  if (of == nullptr) {
    if (owed) {
      out_.told.emplace_back(updates_lost{channel_box(channel), pts, {}, loss::no_room});
    }
    return;
  }
  touch(*of);
  if (!of->box.known() && pts > 0) {
    of->fallback = std::max(pts, of->floor);
  }
  if (owed) {
    owe(*of);
  }
  if (of->now == phase::opening) {
    try_open(*of, now);
  }
}

/// Where nobody knows the place, it is before the first that comes; what overtook it gets the time
/// of a gap.
void account_updates::try_open(channel_state& of, steady_time now) {
  const auto lowest = of.box.lowest();
  if (!lowest && of.fallback == 0) {
    if (!of.followed) {
      erase(of);
    }
    return;
  }
  const auto at = of.fallback == 0 ? *lowest : std::min(lowest.value_or(of.fallback), of.fallback);
  if (of.fallback != 0 || at <= std::max(first_pts, of.floor) || of.owed) {
    open(of, at, now);
  } else if (!of.open_at) {
    of.open_at = now + std::chrono::duration_cast<steady_time::duration>(counter_box::patience);
  }
}

void account_updates::open(channel_state& which, std::int32_t pts, steady_time now) {
  which.now = phase::resting;
  which.open_at.reset();
  box_steps steps;
  which.box.open(pts, now, steps);
  tell(channel_box(which.id), std::move(steps), loss::never_came);
  if (which.box.take_need(now)) {
    owe(which);
  }
}

update_outcome account_updates::loaded(std::int64_t channel,
                                       const std::optional<channel_place>& stored,
                                       steady_time now) {
  auto* of = find(channel);
  if (of != nullptr && of->now == phase::loading) {
    touch(*of);
    of->saved = stored.value_or(channel_place{});
    if (stored && stored->pts > 0 && !stored->closed) {
      of->owed = of->owed || stored->unsure;
      open(*of, stored->pts, now);
    } else {
      of->now = phase::opening;
      of->floor = of->saved.pts;
      of->box.drop_below(of->floor);
      of->fallback = of->fallback > 0 ? std::max(of->fallback, of->floor) : 0;
      try_open(*of, now);
    }
  }
  return finish(now);
}

update_outcome account_updates::learn(std::int64_t channel, std::int32_t pts, steady_time now) {
  if (pts > 0) {
    notice(channel, pts, false, now);
  }
  return finish(now);
}

update_outcome account_updates::follow(std::int64_t channel, bool on, std::int32_t pts,
                                       steady_time now) {
  if (on && followed_ < bounds_.most_followed) {
    if (auto* of = find_or_make(channel); of != nullptr && !of->followed) {
      of->followed = true;
      ++followed_;
      notice(channel, std::max(0, pts), true, now);
    }
  } else if (auto* of = on ? nullptr : find(channel); of != nullptr && of->followed) {
    of->followed = false;
    of->poll_at.reset();
    --followed_;
    touch(*of);
  }
  return finish(now);
}

// -- the difference -----------------------------------------------------------------------------

void account_updates::owe(channel_state& which) {
  (which.now == phase::asked ? which.again : which.owed) = true;
}

void account_updates::ask_channels() {
  while (asked_ < bounds_.most_asked && !queue_.empty()) {
    auto* which = find(queue_.front());
    queue_.pop_front();
    if (which == nullptr || !which->queued) {
      continue;
    }
    which->queued = false;
    if (which->now != phase::resting || !which->owed || is_full(*which)) {
      continue;
    }
    which->now = phase::asked;
    which->owed = false;
    which->again = false;
    which->box.cover();
    ++asked_;
    const auto limit = which->enlarged ? bounds_.most_limit : bounds_.first_limit;
    out_.ask_channels.push_back({which->id, std::max(first_pts, which->box.value()),
                                 std::max(least_limit, limit >> (2 * which->unreadable))});
    set_timer(*which);
  }
}

update_outcome account_updates::difference_of(std::int64_t channel, channel_difference&& answer,
                                              steady_time now) {
  auto* of = find(channel);
  if (of != nullptr && of->now == phase::asked) {
    touch(*of);
    of->now = phase::resting;
    --asked_;
    std::vector<update_item> elsewhere;
    if (is_full(*of)) {
      of->owed = true;
    } else {
      elsewhere = take_difference(*of, std::move(answer), now);
    }
    // Only now: what it says of other channels may cost this one its place in memory.
    std::vector<update_item> rest;
    for (auto& item : elsewhere) {
      route(std::move(item), rest, now);
    }
    tell_items({}, 0, 0, std::move(rest));
  }
  return finish(now);
}

/// Returns what is not of this channel.
std::vector<update_item>
account_updates::take_difference(channel_state& of, channel_difference&& answer, steady_time now) {
  const auto self = channel_box(of.id);
  const auto before = of.box.value();
  const auto to = answer.pts > 0 ? answer.pts : before;
  std::vector<update_item> elsewhere;
  box_steps steps;
  if (answer.what == channel_difference::form::too_long) {
    of.owed = of.again;
    if (!of.enlarged && bounds_.first_limit < bounds_.most_limit) {
      of.enlarged = true;
      of.owed = true;
      return elsewhere;
    }
    if (answer.pts <= 0) {
      retry_later(of, {}, now); // it does not say where to go on
      return elsewhere;
    }
    of.box.skip_to(to, now, steps);
    tell(self, std::move(steps), loss::too_long);
  } else if (!answer.final && to == before) {
    retry_later(of, {}, now); // it leads nowhere
    return elsewhere;
  } else {
    of.owed = of.again || !answer.final;
    std::vector<update_item> here;
    for (auto& item : answer.items) {
      const bool about_itself = item.box == self || item.box.kind == box_kind::none;
      if (about_itself && item.role == update_role::ordinary) {
        here.push_back(std::move(item));
      } else if (item.role != update_role::channel_too_long || item.box != self) {
        elsewhere.push_back(std::move(item));
      }
    }
    const auto brought = without_steps(here);
    take_aged(self, before, to, here, answer.server_time);
    of.box.restart(to, brought, self, answer.final, now, steps);
    tell(self, std::move(steps), loss::never_came);
  }
  of.failures = 0;
  of.unreadable = 0;
  of.addressless = 0;
  of.enlarged = of.enlarged && !answer.final;
  if (of.box.take_need(now)) {
    owe(of);
  }
  if (of.followed && answer.final) {
    of.poll_at = now + std::chrono::seconds{answer.timeout > 0 ? answer.timeout : 1};
  }
  return elsewhere;
}

update_outcome account_updates::difference_of_failed(std::int64_t channel, difference_failure why,
                                                     duration wait, steady_time now) {
  auto* of = find(channel);
  if (of == nullptr || of->now != phase::asked) {
    return finish(now);
  }
  touch(*of);
  of->now = phase::resting;
  --asked_;
  switch (why) {
  case difference_failure::later:
    retry_later(*of, wait, now);
    break;
  case difference_failure::unreadable:
    if (++of->unreadable < most_unreadable_of_channel) {
      retry_later(*of, wait, now);
    } else {
      close(*of, loss::never_came, now);
    }
    break;
  case difference_failure::no_address:
    // The account's difference may bring it.
    if (of->addressless++ == 0) {
      of->owed = true;
      of->awaiting = true;
      resume(*of, now);
      if (std::ranges::find(awaiting_, channel) == awaiting_.end()) {
        awaiting_.push_back(channel);
      }
      owe();
    } else {
      close(*of, loss::forbidden, now);
    }
    break;
  case difference_failure::forbidden:
    close(*of, loss::forbidden, now);
    break;
  case difference_failure::place_unknown:
    close(*of, loss::place_lost, now);
    break;
  }
  return finish(now);
}

/// Nothing is under way: what fits need not wait.
void account_updates::resume(channel_state& which, steady_time now) {
  box_steps steps;
  which.box.resume(now, steps);
  tell(channel_box(which.id), std::move(steps), loss::never_came);
  if (which.box.take_need(now)) {
    owe(which);
  }
}

/// It may have, at least: what fits goes.
void account_updates::has_room(channel_state& which, steady_time now) {
  touch(which);
  if (which.now == phase::resting && !is_full(which)) {
    resume(which, now);
  } else if (which.now == phase::opening) {
    try_open(which, now);
  }
}

void account_updates::retry_later(channel_state& which, duration wait, steady_time now) {
  which.owed = true;
  ++which.failures;
  if (!is_full(which)) {
    resume(which, now);
  }
  which.retry_at = now + std::chrono::duration_cast<steady_time::duration>(
                             std::max(wait, delay(which.failures, which.id)));
}

/// What came is handed out; what did not come does not come any more. Heard of again, the channel
/// begins there.
void account_updates::close(channel_state& which, loss why, steady_time now) {
  const auto self = channel_box(which.id);
  box_steps steps;
  which.box.skip_to(which.box.highest(), now, steps);
  tell(self, std::move(steps), why);
  out_.told.emplace_back(updates_lost{self, which.box.value(), {}, why});
  out_.save_channels.push_back(
      {.channel = which.id, .pts = which.box.value(), .unsure = false, .closed = true});
  erase(which);
}

// -- time -----------------------------------------------------------------------------

void account_updates::ring(channel_state& which, steady_time now) {
  touch(which);
  if (which.open_at && *which.open_at <= now) {
    open(which, which.box.lowest().value_or(first_pts), now);
  }
  if (which.now == phase::resting && which.box.take_need(now)) {
    owe(which);
  }
  if (which.retry_at && *which.retry_at <= now) {
    which.retry_at.reset();
  }
  if (which.poll_at && *which.poll_at <= now) {
    which.poll_at.reset();
    owe(which);
  }
}

void account_updates::touch(channel_state& which) {
  touched_.push_back(which.id);
}

} // namespace cafegram::protocol
