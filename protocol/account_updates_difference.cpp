#include <cafegram/protocol/account_updates.hpp>

#include <algorithm>

// The account's place and its difference. Spec: "Recovering gaps".
namespace cafegram::protocol {

namespace {

/// So many answers in a row may be unreadable before the place is given up.
constexpr int most_unreadable = 3;

/// Where the account, which was at `before`, stands with this answer.
account_place place_behind(const account_difference& answer, const account_place& before) {
  auto to = before;
  switch (answer.what) {
  case account_difference::form::empty:
    to.seq = std::max(before.seq, answer.place.seq);
    break;
  case account_difference::form::too_long:
    to.pts = answer.place.pts;
    break;
  case account_difference::form::slice:
    to = answer.place;
    to.seq = std::max(before.seq, answer.place.seq);
    break;
  case account_difference::form::whole:
    to = answer.place;
    break;
  }
  // What came by then has come, however far back a part of the difference may begin.
  to.date = std::max(before.date, answer.place.date);
  return to;
}

} // namespace

void account_updates::ask_account(steady_time now) {
  const bool no_room = account_.started && (account_.full || all_full_);
  if (account_.now != phase::resting || account_.retry_at || no_room) {
    return;
  }
  if (account_.want_place) {
    account_.want_place = false;
    account_.now = phase::asked_place;
    out_.ask_place = true;
  } else if (account_.started && account_.owed) {
    account_.now = phase::asked;
    account_.asked = stands();
  } else if (account_.started && account_.want_names) {
    account_.want_names = false;
    account_.now = phase::asked_names;
    account_.asked = stands();
    account_.asked.date = std::min(account_.date, account_.named_until);
  } else {
    return;
  }
  if (account_.now != phase::asked_place) {
    account_.asked.named_until = 0;
    account_.last_sign = now;
    out_.ask = account_.asked;
  }
  if (account_.now == phase::asked_names) {
    return; // it says nothing about what waits
  }
  account_.owed = false;
  account_.again = false;
  for (auto* box : {&account_.common, &account_.secondary, &account_.sequence}) {
    box->cover();
  }
}

// -- the place ----------------------------------------------------------------------------------

update_outcome account_updates::place(const account_place& there, steady_time now) {
  if (account_.now == phase::asked_place) {
    account_.now = phase::resting;
    account_.owed = account_.again || !awaiting_.empty();
    account_.failures = 0;
    if (account_.started) {
      skip_to(there, loss::place_lost, now);
      account_.want_names = true;
    } else {
      begin_at(there, now);
    }
  }
  return finish(now);
}

update_outcome account_updates::place_failed(duration wait, steady_time now) {
  if (account_.now == phase::asked_place) {
    account_.now = phase::resting;
    account_.owed = account_.again;
    account_.want_place = true;
    fail(difference_failure::later, wait, now);
  }
  return finish(now);
}

void account_updates::skip_to(const account_place& to, loss why, steady_time now) {
  const auto skip = [this, why, now](box_id id, counter_box& box, std::int32_t value) {
    box_steps steps;
    box.skip_to(value, now, steps);
    tell(id, std::move(steps), why);
  };
  account_.date = to.date;
  skip(common_box, account_.common, to.pts);
  skip(secondary_box, account_.secondary, to.qts);
  skip(sequence_box, account_.sequence, to.seq);
  settle_needs(now);
}

// -- the difference -----------------------------------------------------------------------------

update_outcome account_updates::difference(account_difference&& answer, steady_time now) {
  const auto asked = account_.now;
  if (asked != phase::asked && asked != phase::asked_names) {
    return finish(now);
  }
  account_.now = phase::resting;
  account_.last_sign = now;
  if (account_.full || all_full_) {
    // It brings the same, and more, when there is room.
    (asked == phase::asked ? account_.owed : account_.want_names) = true;
  } else if (asked == phase::asked) {
    take_difference(std::move(answer), now);
  } else {
    take_names(std::move(answer), now);
  }
  return finish(now);
}

void account_updates::take_difference(account_difference&& answer, steady_time now) {
  const auto before = stands();
  const auto to = place_behind(answer, before);
  const bool final = answer.what == account_difference::form::empty ||
                     answer.what == account_difference::form::whole;
  if (!final && to == before) {
    fail(difference_failure::later, {}, now); // it leads nowhere
    return;
  }
  account_.owed = account_.again || !final;
  account_.failures = 0;
  account_.unreadable = 0;
  if (answer.what == account_difference::form::too_long) {
    skip_to(to, loss::too_long, now);
    return;
  }
  std::vector<update_item> elsewhere;
  std::vector<update_item> of_box[3];
  for (auto& item : answer.items) {
    const bool here = item.role == update_role::ordinary && item.box.kind != box_kind::channel;
    auto& list = !here                                  ? elsewhere
                 : item.box.kind == box_kind::common    ? of_box[0]
                 : item.box.kind == box_kind::secondary ? of_box[1]
                                                        : of_box[2];
    list.push_back(std::move(item));
  }
  const auto brought = without_steps(of_box[0]);
  take_aged(common_box, before.pts, to.pts, of_box[0], answer.server_time);
  take_aged(secondary_box, before.qts, to.qts, of_box[1], answer.server_time);
  take_aged(sequence_box, before.seq, to.seq, of_box[2], answer.server_time);
  account_.date = to.date;
  restart(to, brought, final, now);
  std::vector<update_item> rest;
  for (auto& item : elsewhere) {
    route(std::move(item), rest, now);
  }
  tell_items({}, 0, 0, std::move(rest));
  if (final) {
    if (account_.asked.date <= account_.named_until) {
      account_.named_until = std::max(account_.named_until, answer.place.date);
    } else {
      account_.want_names = true;
    }
    for (const auto id : std::exchange(awaiting_, {})) {
      if (auto* which = find(id)) {
        which->awaiting = false;
        touch(*which);
      }
    }
  }
}

/// A difference from an earlier date: of channels it says what the one before did not. Updates of
/// `seq` in it may have been handed out, which nothing shows, so of all else only that it is there
/// counts: the next one brings it.
void account_updates::take_names(account_difference&& answer, steady_time now) {
  account_.failures = 0;
  std::vector<update_item> rest;
  for (auto& item : answer.items) {
    if (item.box.kind == box_kind::channel) {
      route(std::move(item), rest, now);
    }
  }
  const auto to = place_behind(answer, account_.asked);
  const auto at = stands();
  if (to.pts > at.pts || to.qts > at.qts || to.seq > at.seq) {
    owe();
  }
  if (answer.what == account_difference::form::empty ||
      answer.what == account_difference::form::whole) {
    account_.named_until = std::max(account_.named_until, answer.place.date);
  } else {
    names_are_missing(); // only the last part need name them, and what leads there is not taken
  }
}

void account_updates::names_failed(difference_failure why, duration wait, steady_time now) {
  if (why == difference_failure::place_unknown || why == difference_failure::unreadable) {
    names_are_missing();
  } else {
    account_.want_names = true;
    retry_later(wait, now);
  }
}

/// Nobody says which have moved: each is asked about. That this is owed stands at each place from
/// now on, so the account's own need not say so any more.
void account_updates::names_are_missing() {
  account_.named_until = std::max(account_.named_until, account_.date);
  doubt_channels();
}

void account_updates::doubt_channels() {
  out_.doubt_all = true;
  unsure_left_ = true;
  for (auto& [id, which] : channels_) {
    which.saved.unsure = which.saved.pts > 0 && !which.saved.closed;
    doubt(which);
  }
}

void account_updates::doubt(channel_state& which) {
  (which.now == phase::resting ? which.owed : which.again) = true;
  touch(which);
}

void account_updates::restart(const account_place& to, const std::vector<update_item>& brought,
                              bool final, steady_time now) {
  const auto one = [&](box_id id, counter_box& box, std::int32_t value) {
    box_steps steps;
    box.restart(value, brought, id, final, now, steps);
    tell(id, std::move(steps), loss::never_came);
  };
  one(common_box, account_.common, to.pts);
  one(secondary_box, account_.secondary, to.qts);
  one(sequence_box, account_.sequence, to.seq);
  settle_needs(now);
}

update_outcome account_updates::difference_failed(difference_failure why, duration wait,
                                                  steady_time now) {
  const auto asked = account_.now;
  if (asked == phase::asked || asked == phase::asked_names) {
    account_.now = phase::resting;
    asked == phase::asked ? fail(why, wait, now) : names_failed(why, wait, now);
  }
  return finish(now);
}

/// Nothing is under way: what fits need not wait.
void account_updates::resume(steady_time now) {
  const auto one = [&](box_id id, counter_box& box) {
    box_steps steps;
    box.resume(now, steps);
    tell(id, std::move(steps), loss::never_came);
  };
  one(common_box, account_.common);
  one(secondary_box, account_.secondary);
  one(sequence_box, account_.sequence);
  settle_needs(now);
}

void account_updates::fail(difference_failure why, duration wait, steady_time now) {
  account_.owed = true;
  if (!account_.full && !all_full_) {
    resume(now);
  }
  if (why == difference_failure::unreadable && ++account_.unreadable >= most_unreadable) {
    why = difference_failure::place_unknown;
  }
  if (why == difference_failure::place_unknown) {
    account_.want_place = true;
    account_.unreadable = 0;
    return;
  }
  retry_later(wait, now);
}

void account_updates::retry_later(duration wait, steady_time now) {
  ++account_.failures;
  account_.retry_at = now + std::chrono::duration_cast<steady_time::duration>(
                                std::max(wait, delay(account_.failures, 0)));
}

// -- room ---------------------------------------------------------------------------------------

update_outcome account_updates::full(box_id box, bool is_full, steady_time now) {
  switch (box.kind) {
  case box_kind::none:
    all_full_ = is_full;
    for (const auto id : std::vector<std::int64_t>{busy_.begin(), busy_.end()}) {
      has_room(channels_.at(id), now);
    }
    break;
  case box_kind::channel:
    if (is_full) {
      full_.insert(box.channel);
    } else {
      full_.erase(box.channel);
    }
    if (auto* which = find(box.channel)) {
      has_room(*which, now);
    }
    break;
  case box_kind::common:
  case box_kind::secondary:
  case box_kind::sequence:
    account_.full = is_full;
    break;
  }
  if (box.kind != box_kind::channel && !account_.full && !all_full_ && !shut()) {
    resume(now);
  }
  return finish(now);
}

} // namespace cafegram::protocol
