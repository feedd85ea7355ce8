#include <cafegram/protocol/account_updates.hpp>

#include <algorithm>

// The boxes of channels: what comes, and their differences.
namespace cafegram::protocol {

namespace {

constexpr int most_unreadable_of_channel = 3;
constexpr std::int32_t least_limit = 10;
/// A channel's counter begins with this.
constexpr std::int32_t first_pts = 1;
/// So far back a channel is looked through that nobody has heard of. The question has room for as
/// much again, that comes meanwhile.
constexpr std::int32_t longest_look = 50;

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
  if (item.date > 0) {
    of->since = std::min(of->since, item.date); // it is no history, nor is what came behind it
  }
  if (is_full(*of) && of->box.known()) {
    of->left_out = of->left_out || of->since > 0;
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
  hand_out(*of, std::move(steps));
  if (of->box.take_need(now)) {
    owe(*of);
  }
  if (of->now == phase::opening) {
    try_open(*of, now);
  }
}

/// A channel is said to be further, or somewhere.
void account_updates::notice(std::int64_t channel, std::int32_t pts, hearing how, steady_time now) {
  auto* of = find_or_make(channel);
  if (of == nullptr) {
    if (how != hearing::learned) {
      out_.told.emplace_back(updates_lost{channel_box(channel), pts, {}, loss::no_room});
    }
    return;
  }
  touch(*of);
  if (!of->box.known()) {
    of->named = of->named || how == hearing::named;
    if (pts > 0) {
      of->fallback = std::max(pts, of->floor);
      of->since = how == hearing::named ? of->since : 0;
    }
  }
  if (how != hearing::learned) {
    owe(*of);
  }
  if (of->now == phase::opening) {
    try_open(*of, now);
  }
}

/// From where it is looked for what was lost before `pts`.
std::int32_t account_updates::looked_through_from(std::int32_t pts) const {
  return std::max(first_pts, pts - std::clamp(bounds_.first_limit / 2, 1, longest_look));
}

/// Once something is told the box stands there, whatever becomes of the look behind it.
void account_updates::hand_out(channel_state& which, box_steps&& steps) {
  if (!steps.empty()) {
    which.looked_from = 0;
  }
  tell(channel_box(which.id), std::move(steps), loss::never_came);
}

void account_updates::look_through(channel_state& of, std::int32_t from, steady_time now) {
  of.owed = true;
  of.looked_from = from;
  open(of, from, now);
}

/// Where nobody knows the place, it is before the first that comes, or where it is said to be; and
/// the one before that may have got lost on the way, so it is asked for. Of a channel that was
/// closed it is not: there what overtook the first gets the time of a gap.
void account_updates::try_open(channel_state& of, steady_time now) {
  const auto lowest = of.box.lowest();
  const bool looks_back = of.since > 0 && of.floor == 0;
  if (!lowest && of.fallback == 0 && !(looks_back && of.named)) {
    if (!of.followed) {
      erase(of);
    }
    return;
  }
  const auto said = of.fallback != 0 ? of.fallback : lowest.value_or(first_pts);
  const auto at = std::min(said, lowest.value_or(said));
  if (looks_back && (of.named || at > first_pts)) {
    look_through(of, looked_through_from(at), now);
    return;
  }
  if (at < said || (of.since > 0 && of.since < account_.named_until)) {
    of.again = true; // it came late: what moved the channel behind it is named no more
  }
  of.since = 0;
  if (of.fallback != 0 || at <= std::max(first_pts, of.floor) || of.owed) {
    open(of, at, now);
  } else if (!of.open_at) {
    of.open_at = now + std::chrono::duration_cast<steady_time::duration>(counter_box::patience);
  }
}

void account_updates::open(channel_state& which, std::int32_t pts, steady_time now) {
  which.now = phase::resting;
  which.open_at.reset();
  which.owed = std::exchange(which.again, false) || which.owed;
  box_steps steps;
  which.box.open(pts, now, steps);
  hand_out(which, std::move(steps));
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
      of->since = stored->unsure ? stored->since : 0;
      of->named = of->since > 0; // something had come already, that is forgotten
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
    notice(channel, pts, hearing::learned, now);
  }
  return finish(now);
}

update_outcome account_updates::follow(std::int64_t channel, bool on, steady_time now) {
  if (on && followed_ < bounds_.most_followed) {
    if (auto* of = find_or_make(channel); of != nullptr && !of->followed) {
      of->followed = true;
      ++followed_;
      notice(channel, 0, hearing::followed, now);
    }
  } else if (auto* of = on ? nullptr : find(channel); of != nullptr && of->followed) {
    of->followed = false;
    of->poll_at.reset();
    --followed_;
    touch(*of);
    if (of->now == phase::opening) {
      try_open(*of, now); // else it would wait here for a place that nobody looks for
    }
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
    const auto first =
        which->since > 0 ? std::min(bounds_.first_limit, 2 * longest_look) : bounds_.first_limit;
    const auto limit = which->enlarged ? bounds_.most_limit : first;
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
    if (!take_too_long(of, answer.pts, now)) {
      return elsewhere;
    }
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
    leave_history(of, here);
    take_aged(self, before, to, here, answer.server_time);
    of.box.restart(to, brought, self, answer.final, now, steps);
    tell(self, std::move(steps), loss::never_came);
  }
  of.failures = 0;
  of.unreadable = 0;
  of.addressless = 0;
  of.enlarged = of.enlarged && !answer.final;
  of.since = answer.final ? 0 : of.since;
  of.left_out = of.left_out && !answer.final;
  if (of.box.take_need(now)) {
    owe(of);
  }
  if (of.followed && answer.final) {
    of.poll_at = now + std::chrono::seconds{answer.timeout > 0 ? answer.timeout : 1};
  }
  return elsewhere;
}

/// False where it is asked again first: for more, or from where one hears of it.
bool account_updates::take_too_long(channel_state& of, std::int32_t pts, steady_time now) {
  of.owed = of.again;
  if (of.since > 0 && of.box.value() <= first_pts && pts > first_pts) {
    const auto nearer = looked_through_from(std::min(pts, of.box.lowest().value_or(pts)));
    if (nearer > first_pts) {
      look_through(of, nearer, now);
      return false;
    }
  }
  if (!of.enlarged && bounds_.first_limit < bounds_.most_limit) {
    of.enlarged = true;
    of.owed = true;
    return false;
  }
  if (pts <= 0) {
    retry_later(of, {}, now); // it does not say where to go on
    return false;
  }
  box_steps steps;
  of.box.skip_to(pts, now, steps);
  tell(channel_box(of.id), std::move(steps), loss::too_long);
  of.since = 0;
  of.named = false;
  return true;
}

/// Of a channel that was heard of for the first time. Where all is new, there may be more before.
void account_updates::leave_history(channel_state& of, std::vector<update_item>& items) {
  if (of.since <= 0) {
    return;
  }
  const auto gone = std::erase_if(items, [since = of.since](const update_item& item) {
    return item.date > 0 && item.date < since;
  });
  const auto from = std::exchange(of.looked_from, 0);
  const bool may_miss = gone == 0 && !items.empty() && from > first_pts && of.box.value() == from;
  if (std::exchange(of.named, false) && may_miss) {
    out_.told.emplace_back(updates_lost{channel_box(of.id), first_pts, from, loss::too_long});
  }
}

/// It cannot be looked through; what came is there all the same.
void account_updates::begin_as_it_came(channel_state& which, steady_time now) {
  which.since = 0;
  which.named = false;
  which.owed = which.again || std::exchange(which.left_out, false) || which.box.crowded();
  open(which, which.box.lowest().value_or(first_pts), now);
  resume(which, now);
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
  const bool begins = of->since > 0 && of->box.value() == of->looked_from && of->box.waiting() > 0;
  if (begins && why != difference_failure::later) {
    begin_as_it_came(*of, now);
    return finish(now);
  }
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
  hand_out(which, std::move(steps));
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
