#include "updates_judge.hpp"

#include <algorithm>

namespace cafegram::protocol::test {

namespace {

std::string range(std::int32_t from, std::int32_t to) {
  std::string out{" "};
  out.append(std::to_string(from)).append("..").append(std::to_string(to));
  return out;
}

bool of_account(box_id box) {
  return box.kind != box_kind::channel && box.kind != box_kind::none;
}

} // namespace

std::string to_string(box_id box) {
  switch (box.kind) {
  case box_kind::none:
    return "none";
  case box_kind::common:
    return "common";
  case box_kind::secondary:
    return "secondary";
  case box_kind::sequence:
    return "sequence";
  case box_kind::channel:
    return "channel " + std::to_string(box.channel);
  }
  return "?";
}

void updates_judge::fail(const std::string& what) {
  if (wrong_.empty()) {
    wrong_ = what;
  }
}

void updates_judge::begins(bool fresh, const std::map<std::int64_t, channel_place>& channels) {
  fresh_ = fresh;
  early_.clear();
  lowest_.clear();
  if (!fresh) {
    for (const auto& [id, place] : channels) {
      if (place.closed || place.since > 0) {
        continue;
      }
      position_.try_emplace(channel_box(id), place.pts);
    }
    return;
  }
  heard_.clear();
  began_.reset();
  of_before_ = seen_;
  // A channel may be looked through from further back: what was told may not be told again.
  std::erase_if(floor_, [](const auto& one) { return !of_account(one.first); });
  for (const auto& [box, value] : position_) {
    if (of_account(box)) {
      floor_[box] = std::max(floor_[box], value);
    }
  }
  position_.clear();
}

void updates_judge::set_full(box_id box, bool is) {
  if (box.kind == box_kind::none) {
    all_full_ = is;
  } else if (is) {
    full_.insert(of_account(box) ? common_box : box);
  } else {
    full_.erase(of_account(box) ? common_box : box);
  }
}

bool updates_judge::is_full(box_id box) const {
  return all_full_ || full_.contains(of_account(box) ? common_box : box);
}

// -- one transaction ----------------------------------------------------------------------------

void updates_judge::take(const update_outcome& outcome, const std::optional<account_place>& stored,
                         const std::map<std::int64_t, channel_place>& channels) {
  aged_.clear();
  lost_.clear();
  for (const auto& one : outcome.told) {
    const auto* lost = std::get_if<updates_lost>(&one);
    if (lost != nullptr) {
      (lost->why == loss::too_old ? aged_ : lost_).insert(lost->box);
    }
  }
  for (const auto& one : outcome.told) {
    if (const auto* lost = std::get_if<updates_lost>(&one)) {
      check(*lost, lost->why == loss::too_old);
    } else {
      check(std::get<accepted_updates>(one));
    }
  }
  if (stored && !(fresh_ && outcome.ask_place)) {
    if (outcome.save) {
      check_early(*stored);
    }
    if (outcome.save || !fresh_) {
      check_saved(common_box, stored->pts);
      check_saved(secondary_box, stored->qts);
      check_saved(sequence_box, stored->seq);
      fresh_ = false;
    }
  }
  for (const auto& [id, place] : channels) {
    if (!place.closed) {
      check_saved(channel_box(id), place.pts);
    }
  }
}

void updates_judge::check_saved(box_id box, std::int32_t value) {
  const auto at = position_.find(box);
  if (at == position_.end() || (fresh_ && of_account(box))) {
    if (value < floor_[box]) {
      fail(to_string(box) + " begins before what it has told," + range(value, floor_[box]));
    }
    // Where a channel begins may go back until something of it is told.
    if (of_account(box)) {
      position_[box] = value;
    }
    return;
  }
  if (value < at->second) {
    fail(to_string(box) + ": the store is behind what was told," + range(value, at->second));
  } else if (!nothing_between(box, at->second, value)) {
    fail(to_string(box) + ": the store is ahead of what was told," + range(at->second, value));
  }
  at->second = value;
}

/// Own ones are known from their results, and those too old are told as lost beside the rest.
bool updates_judge::may_miss(const model_event& event) const {
  return event.own || (aged_.contains(event.box) && event.date < oldest_);
}

bool updates_judge::nothing_between(box_id box, std::int32_t from, std::int32_t to) const {
  return std::ranges::all_of(server_->between(box, from, to),
                             [this](const auto* event) { return may_miss(*event); });
}

void updates_judge::check_early(const account_place& place) {
  for (const auto& event : early_) {
    const auto end = event.box == common_box      ? place.pts
                     : event.box == secondary_box ? place.qts
                                                  : place.seq;
    if (!crowded_ && !event.own && event.value <= end && event.value > floor_[event.box] &&
        !seen_.contains(event.id)) {
      fail("what came before the place was known is not told: " + to_string(event.box) + " " +
           std::to_string(event.value));
    }
  }
  early_.clear();
}

void updates_judge::check(const updates_lost& told, bool is_aged) {
  // A channel that is said to have moved: nobody knows how much came before what is looked through.
  const bool unknown = told.why == loss::too_long && told.to && told.from <= 1 &&
                       !of_account(told.box) && !position_.contains(told.box);
  if (!unknown && !allowed_.contains({told.box, told.why}) && !everywhere_.contains(told.why)) {
    fail(to_string(told.box) + ": lost without need," + range(told.from, told.to.value_or(-1)) +
         " reason " + std::to_string(static_cast<int>(told.why)));
  }
  lowest_.erase(told.box);
  if (told.why == loss::no_room) {
    // Of a box that is not in memory, or of the account before it has a place: nothing moves.
    crowded_ = true;
    no_room_[told.box] = std::max(no_room_[told.box], told.to.value_or(server_->end(told.box)));
    return;
  }
  if (is_aged) {
    return; // among those that come with it
  }
  const auto at = position_.find(told.box);
  if (at != position_.end() && told.from != at->second &&
      !nothing_between(told.box, at->second, told.from)) {
    fail(to_string(told.box) + ": lost from elsewhere," + range(at->second, told.from));
  }
  if (told.to) {
    position_[told.box] = *told.to;
    // Told from there on, not before: a counter that was set back begins anew.
    floor_[told.box] = std::min(floor_[told.box], *told.to);
  } else {
    closed_.insert(told.box);
    floor_[told.box] = told.from;
    heard_.erase(told.box);
    position_.erase(told.box);
  }
}

void updates_judge::check(const accepted_updates& told) {
  if (told.updates.empty()) {
    fail("nothing is told of " + to_string(told.box));
    return;
  }
  if (told.box.kind == box_kind::none) {
    check_loose(told);
    return;
  }
  const auto at = position_.find(told.box);
  const bool is_new = at == position_.end() && !of_account(told.box);
  if (at != position_.end() && !(fresh_ && of_account(told.box))) {
    if (told.from < at->second || !nothing_between(told.box, at->second, told.from)) {
      fail(to_string(told.box) + " goes on elsewhere," + range(at->second, told.from));
    }
  } else if (told.from < floor_[told.box] && !(fresh_ && of_account(told.box))) {
    fail(to_string(told.box) + " begins before what it has told," +
         range(told.from, floor_[told.box]));
  }
  if (const auto lowest = lowest_.find(told.box); lowest != lowest_.end()) {
    if (!nothing_between(told.box, lowest->second, told.from) && !no_room_.contains(told.box)) {
      fail(to_string(told.box) + " begins too late," + range(lowest->second, told.from));
    }
    lowest_.erase(lowest);
  }
  check_bodies(told, is_new);
  // What moves no counter does not say where a channel begins.
  if (!is_new || told.from != told.to) {
    position_[told.box] = told.to;
  }
}

void updates_judge::check_loose(const accepted_updates& told) {
  for (const auto& item : told.updates) {
    const auto& event = static_cast<const model_body&>(*item.body).event;
    if (event.value != 0) {
      fail("handed out in no order: " + to_string(event.box));
    }
    if (--came_[event.id] < 0) {
      fail("something in no order is handed out more often than it came");
    }
  }
}

/// Exactly those of the log that lie between, in order, each once; own ones may be missing, and so
/// may those that hold at a value, and what was before a channel was heard of.
void updates_judge::check_bodies(const accepted_updates& told, bool is_new) {
  const auto wanted = server_->between(told.box, told.from, told.to);
  auto next = wanted.begin();
  const auto may_be_missing = [this, &told, is_new](const model_event& event) {
    return may_miss(event) || (fresh_ && of_account(told.box)) ||
           (is_new && event.date <= history_);
  };
  for (const auto& item : told.updates) {
    const auto& event = static_cast<const model_body&>(*item.body).event;
    const bool unknown = event.strange && static_cast<const model_body&>(*item.body).pushed;
    if (unknown && !lost_.contains(told.box) && !fresh_ && !skips_) {
      fail(to_string(told.box) + ": a stranger is told of, " + std::to_string(event.value));
    }
    const bool first = seen_.insert(event.id).second;
    // Who begins anew cannot tell what was before it in the very second in which it begins.
    const bool same_second = !first && !of_account(told.box) && began_ && event.date >= *began_ &&
                             of_before_.erase(event.id) > 0;
    const bool may_repeat = event.count == 0 && (still_twice_ || closed_.contains(told.box));
    if (!first && !same_second && !may_repeat) {
      fail(to_string(told.box) + ": handed out twice, " + std::to_string(event.value));
    }
    if (event.count == 0) {
      while (next != wanted.end() && (*next)->value <= event.value && may_be_missing(**next)) {
        ++next;
      }
      if (event.value < told.from || event.value > told.to ||
          (next != wanted.end() && (*next)->value <= event.value)) {
        fail(to_string(told.box) + ": out of its place, " + std::to_string(event.value));
      }
      continue;
    }
    while (next != wanted.end() && *next != nullptr && (*next)->id != event.id &&
           may_be_missing(**next)) {
      ++next;
    }
    if (next == wanted.end() || (*next)->id != event.id) {
      fail(to_string(told.box) + ": out of order or from elsewhere, " +
           std::to_string(event.value) + " within" + range(told.from, told.to));
      return;
    }
    ++next;
  }
  if (!std::all_of(next, wanted.end(), [&](const auto* event) { return may_be_missing(*event); })) {
    fail(to_string(told.box) + ": not told, within" + range(told.from, told.to));
  }
}

void updates_judge::came_first(const model_event& event) {
  const auto base = event.value - event.count;
  if (base >= floor_[event.box]) {
    lowest_[event.box] = std::min(base, lowest_.try_emplace(event.box, base).first->second);
  }
}

void updates_judge::all_heard_of_is_told() {
  for (const auto& [box, at] : position_) {
    if (!nothing_between(box, std::max(at, no_room_[box]), heard_[box])) {
      fail(to_string(box) + ": was heard of and not told," + range(at, heard_[box]));
    }
  }
}

void updates_judge::all_is_told() {
  for (const auto& [box, at] : position_) {
    const auto told = std::max(at, no_room_[box]);
    if (at > server_->end(box) || !nothing_between(box, told, server_->end(box))) {
      fail(to_string(box) + " was not told to its end," + range(at, server_->end(box)));
    }
  }
}

} // namespace cafegram::protocol::test
