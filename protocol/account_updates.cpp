#include <cafegram/protocol/account_updates.hpp>

#include <algorithm>
#include <limits>

// What comes, and the account's own boxes.
namespace cafegram::protocol {

account_updates::account_updates(const update_bounds& bounds)
  : bounds_{bounds}
  , room_{bounds.room}
  , account_{room_} {}

// -- beginning ----------------------------------------------------------------------------------

update_outcome account_updates::start(const updates_start& how,
                                      std::vector<update_container>&& early, steady_time now) {
  how_ = how;
  if (how_.stored && how_.stored->pts <= 0) {
    how_.stored.reset();
  }
  account_.last_sign = now;
  const bool goes_on = how_.stored && how_.what == updates_start::from::stored;
  out_.forget_all = !goes_on;
  for (auto& one : early) {
    take(std::move(one), now);
  }
  if (how_.stored && how_.what != updates_start::from::now) {
    if (goes_on) {
      account_.saved = *how_.stored;
    }
    begin_at(*how_.stored, now);
    account_.owed = true;
    unsure_left_ = goes_on;
  } else {
    account_.want_place = true;
  }
  return finish(now);
}

/// What waits from before the place has been seen by nobody, and comes in no difference.
void account_updates::begin_at(const account_place& there, steady_time now) {
  account_.started = true;
  account_.date = there.date;
  // Where it goes on, the first difference names the channels that have moved in that second.
  const bool goes_on = how_.what == updates_start::from::stored && how_.stored;
  const bool next = !goes_on && there.date < std::numeric_limits<std::int32_t>::max();
  const bool were_named = !goes_on || there.named_until <= 0 || there.named_until >= there.date;
  account_.named_until = were_named ? there.date + (next ? 1 : 0) : there.named_until;
  const auto begin = [&](box_id id, counter_box& box, std::int32_t stored, std::int32_t place) {
    box_steps steps;
    if (box.crowded()) {
      const bool anew = how_.what == updates_start::from::login;
      out_.told.emplace_back(updates_lost{id, anew ? 0 : stored, place, loss::no_room});
    }
    if (how_.what == updates_start::from::stored && how_.stored) {
      box.open(place, now, steps);
    } else {
      const bool known = how_.stored && how_.what == updates_start::from::now;
      if (known) {
        box.open(stored, now, steps);
      }
      // The answer may be older than what has come meanwhile.
      if (place > box.value() || box.value() == stored) {
        box.skip_to(place, now, steps);
      }
      if (!known) {
        std::erase_if(steps, &box_step::lost);
      }
    }
    tell(id, std::move(steps), loss::not_wanted);
  };
  const auto stored = how_.stored.value_or(account_place{});
  begin(common_box, account_.common, stored.pts, there.pts);
  begin(secondary_box, account_.secondary, stored.qts, there.qts);
  begin(sequence_box, account_.sequence, stored.seq, there.seq);
  if (!goes_on && account_.heard_early) {
    doubt_channels(); // they were heard of before there was a date from which on they are named
  }
  settle_needs(now);
}

// -- what comes ---------------------------------------------------------------------------------

update_outcome account_updates::receive(update_container&& what, steady_time now) {
  take(std::move(what), now);
  return finish(now);
}

void account_updates::take(update_container&& what, steady_time now) {
  if (!what.own) {
    account_.last_sign = now;
  }
  if (what.too_long) {
    owe();
  }
  std::vector<update_item> rest;
  for (auto& item : what.items) {
    route(std::move(item), rest, now);
  }
  if (what.seq_start > 0 && what.seq >= what.seq_start) {
    offer(sequence_box, account_.sequence,
          {.value = what.seq,
           .count = what.seq - what.seq_start + 1,
           .updates = std::move(rest),
           .date = what.date},
          now);
  } else {
    tell_items({}, 0, 0, std::move(rest));
  }
}

/// To its box; what has none goes by the container's number, in `rest`.
void account_updates::route(update_item&& item, std::vector<update_item>& rest, steady_time now) {
  switch (item.role) {
  case update_role::state_lost:
    account_.want_place = account_.want_place || account_.started;
    return;
  case update_role::channel_too_long:
    notice(item.box.channel, item.value, hearing::named, now);
    return;
  case update_role::transient: {
    std::vector<update_item> one;
    one.push_back(std::move(item));
    tell_items({}, 0, 0, std::move(one));
    return;
  }
  case update_role::channel_hint:
    if (auto* of = find(item.box.channel)) {
      of->box.hint(item.value, of->now != phase::resting, now);
      touch(*of);
    }
    item.box = {};
    rest.push_back(std::move(item));
    return;
  case update_role::ordinary:
    break;
  }
  if (item.count < 0 || std::int64_t{item.value} < item.count) {
    return;
  }
  const auto box = item.value == 0 ? box_kind::none : item.box.kind;
  if (box == box_kind::channel) {
    offer_to_channel(std::move(item), now);
  } else if (box == box_kind::common || box == box_kind::secondary) {
    offered_updates what{.value = item.value, .count = item.count, .updates = {}};
    const bool is_common = box == box_kind::common;
    what.updates.push_back(std::move(item));
    offer(is_common ? common_box : secondary_box, is_common ? account_.common : account_.secondary,
          std::move(what), now);
  } else {
    item.box = {};
    item.strangers = false; // no difference is owed for it
    rest.push_back(std::move(item));
  }
}

void account_updates::offer(box_id id, counter_box& box, offered_updates&& what, steady_time now) {
  if ((account_.full || all_full_) && box.known()) {
    owe(); // the server keeps it
    return;
  }
  box_steps steps;
  box.offer(std::move(what), shut(), now, steps);
  tell(id, std::move(steps), loss::never_came);
  settle_needs(now);
}

update_outcome account_updates::suspect(steady_time now) {
  owe();
  return finish(now);
}

void account_updates::owe() {
  (rests() ? account_.owed : account_.again) = true;
}

void account_updates::settle_needs(steady_time now) {
  for (auto* box : {&account_.common, &account_.secondary, &account_.sequence}) {
    if (box->take_need(now)) {
      owe();
    }
  }
}

// -- every call ---------------------------------------------------------------------------------

void account_updates::tell_items(box_id box, std::int32_t from, std::int32_t to,
                                 std::vector<update_item>&& items) {
  std::erase_if(items, [](const update_item& item) { return item.body == nullptr; });
  auto* last = out_.told.empty() ? nullptr : std::get_if<accepted_updates>(&out_.told.back());
  if (last != nullptr && last->box == box && last->to == from) {
    last->to = to;
    std::ranges::move(items, std::back_inserter(last->updates));
  } else if (!items.empty()) {
    out_.told.emplace_back(accepted_updates{box, from, to, std::move(items)});
  }
}

/// Those that hold at a value and do not move it.
std::vector<update_item> account_updates::without_steps(const std::vector<update_item>& items) {
  std::vector<update_item> out;
  std::ranges::copy_if(items, std::back_inserter(out),
                       [](const update_item& item) { return item.count == 0 && item.value > 0; });
  return out;
}

void account_updates::tell(box_id box, box_steps&& steps, loss why) {
  for (auto& step : steps) {
    if (step.lost) {
      out_.told.emplace_back(updates_lost{box, step.from, step.to, why});
      continue;
    }
    account_.date = std::max(account_.date, step.date);
    tell_items(box, step.from, step.to, std::move(step.updates));
  }
}

/// What is too old to be wanted is told as lost, the rest handed out.
void account_updates::take_aged(box_id box, std::int32_t from, std::int32_t to,
                                std::vector<update_item>& items, std::int32_t server_time) {
  if (bounds_.max_age.count() > 0 && server_time > 0) {
    const auto oldest = server_time - bounds_.max_age.count();
    const auto gone = std::erase_if(items, [oldest](const update_item& item) {
      return item.date > 0 && item.date < oldest && item.body != nullptr;
    });
    if (gone > 0) {
      out_.told.emplace_back(updates_lost{box, from, to, loss::too_old});
    }
  }
  tell_items(box, from, to, std::move(items));
}

/// Doubled each time up to a minute, and up to a quarter longer so that not all ask at once.
duration account_updates::delay(int failures, std::int64_t which) const {
  constexpr duration first = std::chrono::milliseconds{500};
  constexpr duration longest = std::chrono::minutes{1};
  const auto base = std::min(first * (1 << std::clamp(failures - 1, 0, 7)), longest);
  auto mixed = (bounds_.salt + static_cast<std::uint64_t>(which)) * 0x9e3779b97f4a7c15U +
               static_cast<std::uint64_t>(failures);
  mixed = (mixed ^ (mixed >> 31U)) * 0xbf58476d1ce4e5b9U;
  return base + base / 4 * static_cast<std::int64_t>(mixed >> 56U) / 256;
}

update_outcome account_updates::finish(steady_time now) {
  const auto touched = std::exchange(touched_, {});
  for (const auto id : touched) {
    if (auto* which = find(id)) {
      settle(*which);
    }
  }
  ask_account(now);
  ask_channels();
  ask_unsure();
  const auto place = stands();
  if (account_.started && place != account_.saved) {
    account_.saved = place;
    out_.save = place;
  }
  return std::exchange(out_, {});
}

account_place account_updates::stands() const {
  const auto named = account_.named_until < account_.date ? account_.named_until : 0;
  return {account_.common.value(), account_.secondary.value(), account_.date,
          account_.sequence.value(), named};
}

// -- time ---------------------------------------------------------------------------------------

update_outcome account_updates::poll(steady_time now) {
  while (!timers_.empty() && timers_.begin()->first <= now) {
    auto* which = find(timers_.begin()->second);
    timers_.erase(timers_.begin());
    which->timer = steady_time::max();
    ring(*which, now);
  }
  settle_needs(now);
  if (account_.retry_at && *account_.retry_at <= now) {
    account_.retry_at.reset();
  }
  if (account_.started && account_.now == phase::resting &&
      now - account_.last_sign >= bounds_.silence) {
    account_.last_sign = now;
    owe();
  }
  return finish(now);
}

steady_time account_updates::next_deadline() const {
  auto out = timers_.empty() ? steady_time::max() : timers_.begin()->first;
  if (account_.now != phase::resting) {
    return out;
  }
  if (account_.started) {
    for (const auto* box : {&account_.common, &account_.secondary, &account_.sequence}) {
      out = std::min(out, box->deadline());
    }
    out = std::min(out, account_.last_sign +
                            std::chrono::duration_cast<steady_time::duration>(bounds_.silence));
  }
  return std::min(out, account_.retry_at.value_or(steady_time::max()));
}

} // namespace cafegram::protocol
