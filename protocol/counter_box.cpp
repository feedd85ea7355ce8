#include <cafegram/protocol/counter_box.hpp>
#include <cafegram/protocol/protections.hpp>

#include <algorithm>

namespace cafegram::protocol {

namespace {

/// What an entry takes beside its updates.
constexpr std::size_t overhead = 128;

std::size_t octets_of(const std::vector<update_item>& updates) {
  std::size_t out = overhead;
  for (const auto& update : updates) {
    out += update.octets;
  }
  return out;
}

} // namespace

void counter_box::offer(offered_updates&& what, bool shut, steady_time now, box_steps& out) {
  const key place{std::int64_t{what.value} - what.count, what.value};
  if (!protections::box_order && value_) {
    take({value(), std::max(value(), what.value)},
         {.updates = std::move(what.updates), .date = what.date}, out);
    return;
  }
  if (what.count < 0 || place.first < 0 || is_double(place, what)) {
    return;
  }
  if (value_ && place.first < *value_) {
    hint(what.value, shut, now); // of what it is made, a part may be new
    return;
  }
  const bool strangers = std::ranges::any_of(what.updates, &update_item::strangers);
  const bool fits = value_ && place.first == *value_ && !shut;
  if (fits && !strangers) {
    take(place, {.updates = std::move(what.updates), .date = what.date}, out);
    apply_waiting(out);
    watch(true, now);
    return;
  }
  need_ = need_ || fits;
  keep(place, std::move(what), strangers);
  if (value_ && !shut) {
    watch(false, now);
  }
}

bool counter_box::is_double(const key& place, const offered_updates& what) const {
  const auto mark = what.updates.empty() ? 0 : what.updates.front().mark;
  if (what.count == 0 && place.first == value() && marks_.contains(mark)) {
    return true;
  }
  const auto [from, to] = waiting_.equal_range(place);
  return std::any_of(from, to, [&what, mark](const auto& one) {
    const auto& there = one.second.updates;
    return what.count > 0 || (there.empty() ? 0 : there.front().mark) == mark;
  });
}

void counter_box::keep(const key& place, offered_updates&& what, bool strangers) {
  const auto octets = octets_of(what.updates);
  if (waiting_.size() >= room_->most_in_box || room_->count >= room_->most ||
      room_->octets + octets > room_->most_octets) {
    need_ = true;
    refused_ = std::min(place.first, refused_.value_or(place.first));
    return;
  }
  ++room_->count;
  room_->octets += octets;
  waiting_.emplace(place, entry{.updates = std::move(what.updates),
                                .date = what.date,
                                .octets = octets,
                                .strangers = strangers});
}

void counter_box::hint(std::int32_t value, bool shut, steady_time now) {
  if (!value_ || value <= *value_) {
    return;
  }
  expected_ = std::max(expected_, value);
  if (!shut) {
    watch(false, now);
  }
}

void counter_box::open(std::int32_t value, steady_time now, box_steps& out) {
  move_to(value);
  apply_waiting(out);
  watch(true, now);
}

void counter_box::cover() {
  deadline_ = steady_time::max();
  expected_ = 0;
  // What finds no room from now on may lie beyond this difference; what found none, does not.
  need_ = false;
  for (auto& [place, one] : waiting_) {
    one.covered = true;
  }
}

void counter_box::resume(steady_time now, box_steps& out) {
  for (auto& [place, one] : waiting_) {
    one.covered = false;
    one.settled = false;
  }
  apply_waiting(out);
  watch(false, now);
}

void counter_box::restart(std::int32_t value, const std::vector<update_item>& brought, box_id self,
                          bool final, steady_time now, box_steps& out) {
  const auto before = value_;
  if (before != value) {
    move_to(value);
  }
  for (const auto& update : brought) {
    if (update.box == self && update.count == 0 && update.value == value) {
      marks_.insert(update.mark);
    }
  }
  for (auto& [place, one] : waiting_) {
    one.settled = final && one.covered;
  }
  apply_waiting(out);
  if (final) {
    std::int64_t last = -1;
    for (const auto& [place, one] : waiting_) {
      last = one.covered ? std::max(last, place.second) : last;
    }
    fruitless_ = last >= 0 && value_ == before ? fruitless_ + 1 : 0;
    if (fruitless_ >= most_fruitless) {
      skip_to(static_cast<std::int32_t>(last), now, out);
      return;
    }
  }
  watch(true, now);
}

void counter_box::skip_to(std::int32_t to, steady_time now, box_steps& out) {
  const auto lose = [this, &out](std::int32_t up_to) {
    if (up_to != value()) {
      out.push_back({.from = value(), .to = up_to, .lost = true, .updates = {}});
      move_to(up_to);
    }
  };
  while (!waiting_.empty() && waiting_.begin()->first.second <= to) {
    const auto first = extract(waiting_.begin());
    if (first.key().first >= value()) {
      lose(static_cast<std::int32_t>(first.key().first));
      take(first.key(), std::move(first.mapped()), out);
    }
  }
  lose(to);
  expected_ = 0;
  fruitless_ = 0;
  apply_waiting(out);
  watch(true, now);
}

void counter_box::clear() {
  while (!waiting_.empty()) {
    drop(waiting_.begin());
  }
}

void counter_box::drop_below(std::int32_t value) {
  while (!waiting_.empty() && waiting_.begin()->first.first < value) {
    drop(waiting_.begin());
  }
  if (refused_) {
    refused_ = std::max(*refused_, std::int64_t{value});
  }
}

void counter_box::move_to(std::int32_t value) {
  value_ = value;
  marks_.clear();
}

void counter_box::take(const key& place, entry&& what, box_steps& out) {
  const auto before = value();
  if (place.second != place.first) {
    move_to(static_cast<std::int32_t>(place.second));
    fruitless_ = 0;
  } else {
    marks_.insert(what.updates.empty() ? 0 : what.updates.front().mark);
  }
  out.push_back({.from = before,
                 .to = value(),
                 .lost = false,
                 .updates = std::move(what.updates),
                 .date = what.date});
}

void counter_box::drop(entries::iterator which) {
  extract(which);
}

counter_box::entries::node_type counter_box::extract(entries::iterator which) {
  --room_->count;
  room_->octets -= which->second.octets;
  return waiting_.extract(which);
}

/// Takes what has begun to fit; what the counter has passed is dropped.
void counter_box::apply_waiting(box_steps& out) {
  while (value_ && !waiting_.empty() && waiting_.begin()->first.first <= *value_) {
    const auto& [place, one] = *waiting_.begin();
    const bool fits = place.first == value();
    if (fits && one.strangers && !one.settled) {
      need_ = true;
      return;
    }
    auto first = extract(waiting_.begin());
    if (!fits) {
      expected_ = std::max(expected_, static_cast<std::int32_t>(first.key().second));
    }
    const auto& mark = first.mapped().updates.empty() ? 0 : first.mapped().updates.front().mark;
    const bool again = first.key().second == first.key().first && marks_.contains(mark);
    if (fits && !again) {
      take(first.key(), std::move(first.mapped()), out);
    }
  }
}

/// A gap gets its time, and a new one where something has moved.
void counter_box::watch(bool moved, steady_time now) {
  if (calm()) {
    deadline_ = steady_time::max();
  } else if (moved || deadline_ == steady_time::max()) {
    deadline_ =
        now + std::chrono::duration_cast<steady_time::duration>(patience * (1 << fruitless_));
  }
}

std::optional<std::int32_t> counter_box::lowest() const {
  auto out = refused_;
  if (!waiting_.empty()) {
    const auto first = waiting_.begin()->first.first;
    out = std::min(first, out.value_or(first));
  }
  return out ? std::optional{static_cast<std::int32_t>(*out)} : std::nullopt;
}

std::int32_t counter_box::highest() const {
  std::int64_t out = value();
  for (const auto& [place, one] : waiting_) {
    out = std::max(out, place.second);
  }
  return static_cast<std::int32_t>(out);
}

bool counter_box::take_need(steady_time now) {
  if (now >= deadline_) {
    deadline_ = steady_time::max();
    need_ = true;
  }
  return std::exchange(need_, false);
}

} // namespace cafegram::protocol
