#include <cafegram/actors/inbox_ledger.hpp>

#include <algorithm>
#include <iterator>
#include <ranges>

namespace cafegram {

void inbox_ledger::add(std::uint64_t number, inbox_entry entry) {
  if (belongs_in_store(entry)) {
    leave_in_store(number, entry);
    return;
  }
  if (!entry.kept) {
    passing_.insert(number);
  }
  insert(number, std::move(entry));
  drop_passing();
}

void inbox_ledger::insert(std::uint64_t number, inbox_entry entry) {
  count(entry);
  if (const auto chat = chats_.find(entry.chat); chat != chats_.end()) {
    chat->second.last_album = entry.album;
  }
  entries_.emplace_hint(entries_.end(), number, std::move(entry));
}

void inbox_ledger::written(std::uint64_t number) {
  written_ = std::max(written_, number);
  while (!unwritten_in_store_.empty() && unwritten_in_store_.front() <= written_) {
    unwritten_in_store_.pop_front();
  }
}

void inbox_ledger::count(const inbox_entry& entry) {
  if (!entry.kept || entry.waits) {
    return;
  }
  ++rows_;
  octets_ += entry.octets;
  look_at_bounds();
  if (entry.channel == 0) {
    count_for_chat(entry);
    return;
  }
  auto& channel = channels_[entry.channel];
  if (++channel.rows > bounds_.rows_per_channel && !channel.full) {
    channel.full = true;
    channel_news_[entry.channel] = true;
  }
}

void inbox_ledger::uncount(const inbox_entry& entry) {
  if (!entry.kept || entry.waits) {
    return;
  }
  --rows_;
  octets_ -= entry.octets;
  look_at_bounds();
  if (entry.channel == 0) {
    uncount_for_chat(entry);
    return;
  }
  const auto channel = channels_.find(entry.channel);
  auto& [rows, full] = channel->second;
  --rows;
  if (full && rows <= bounds_.rows_per_channel / 2) {
    full = false;
    channel_news_[entry.channel] = false;
  }
  if (rows == 0) {
    channels_.erase(channel);
  }
}

void inbox_ledger::look_at_bounds() {
  const auto look = [](bool& full, std::size_t has, std::size_t bound) {
    full = has > (full ? bound / 2 : bound);
  };
  look(rows_full_, rows_, bounds_.rows);
  look(octets_full_, octets_, bounds_.octets);
  look(stored_rows_full_, stored_rows_, bounds_.stored_rows);
  look(stored_octets_full_, stored_octets_, bounds_.stored_octets);
}

/// Those that somebody has are no more in reach.
void inbox_ledger::drop_passing() {
  const auto most = heard_ ? bounds_.passing : bounds_.passing_unheard;
  while (!passing_.empty() && passing_.size() + passing_handed_ > most) {
    ++dropped_;
    erase(*passing_.begin());
  }
}

/// To one of them.
void inbox_ledger::handed(std::uint64_t number, const inbox_entry& entry) {
  if (!entry.kept && passing_.erase(number) > 0) {
    ++passing_handed_;
  }
}

void inbox_ledger::set_waiting(std::uint64_t number, bool waits) {
  auto* entry = find(number);
  if (entry == nullptr || !entry->kept || entry->waits == waits ||
      (waits && waiting_ >= bounds_.waiting)) {
    return;
  }
  if (waits) {
    uncount(*entry);
    entry->waits = true;
    ++waiting_;
  } else {
    --waiting_;
    entry->waits = false;
    count(*entry);
  }
}

void inbox_ledger::grow(std::uint64_t number, std::size_t octets) {
  if (auto* entry = find(number); entry != nullptr && entry->kept) {
    uncount(*entry);
    entry->octets += octets;
    count(*entry);
  }
}

std::uint64_t inbox_ledger::last_note(std::int64_t channel, const std::string& box) const {
  for (const auto& [number, entry] : std::views::reverse(entries_)) {
    if (!entry.kept) {
      continue;
    }
    const auto* note = entry.update && entry.update->lost ? &*entry.update->lost : nullptr;
    if (note == nullptr || entry.given || entry.shown || number < last_stored_) {
      return 0;
    }
    if (note->channel == channel && note->box == box) {
      return number;
    }
  }
  return 0;
}

inbox_entry* inbox_ledger::find(std::uint64_t number) {
  const auto found = entries_.find(number);
  return found == entries_.end() ? nullptr : &found->second;
}

void inbox_ledger::erase(std::uint64_t number) {
  const auto found = entries_.find(number);
  if (found == entries_.end()) {
    return;
  }
  uncount(found->second);
  waiting_ -= found->second.waits ? 1 : 0;
  again_.erase(number);
  late_.erase(number);
  if (!found->second.kept && passing_.erase(number) == 0) {
    --passing_handed_;
  }
  entries_.erase(found);
}

/// Numbers go on rising: what is said of those that are gone finds nothing.
void inbox_ledger::clear() {
  while (!entries_.empty()) {
    erase(entries_.begin()->first);
  }
  in_store_.clear();
  with_room_.clear();
  unwritten_in_store_.clear();
  stored_rows_ = 0;
  stored_octets_ = 0;
  last_stored_ = 0;
  reading_rows_ = 0;
  reading_octets_ = 0;
  look_at_bounds();
}

inbox_picture inbox_ledger::picture() const {
  return {.rows = rows_,
          .octets = octets_,
          .stored_rows = stored_rows_,
          .stored_octets = stored_octets_,
          .waiting = waiting_,
          .passing = passing_.size() + passing_handed_,
          .dropped = dropped_,
          .dead = dead_.size(),
          .dead_octets = dead_octets_,
          .dead_dropped = dead_dropped_,
          .full = full()};
}

void inbox_ledger::set_dead(const std::vector<storage::dead_size>& stored) {
  dead_.clear();
  dead_octets_ = 0;
  for (const auto& one : stored) {
    add_dead(one.number, one.octets);
  }
}

void inbox_ledger::add_dead(std::uint64_t number, std::size_t octets) {
  if (dead_.emplace(number, octets).second) {
    dead_octets_ += octets;
  }
}

std::uint64_t inbox_ledger::drop_dead() {
  if (dead_.size() <= 1 ||
      (dead_.size() <= bounds_.dead_rows && dead_octets_ <= bounds_.dead_octets)) {
    return 0;
  }
  const auto [number, octets] = *dead_.begin();
  dead_.erase(dead_.begin());
  dead_octets_ -= octets;
  ++dead_dropped_;
  return number;
}

std::size_t inbox_ledger::unwritten() const {
  return static_cast<std::size_t>(std::distance(entries_.upper_bound(written_), entries_.end())) +
         unwritten_in_store_.size();
}

std::uint64_t inbox_ledger::give() {
  if (!late_.empty()) {
    const auto number = *late_.begin();
    late_.erase(late_.begin());
    entries_.at(number).given = true;
    return number;
  }
  auto next = entries_.upper_bound(given_);
  while (next != entries_.end() && next->second.given) {
    ++next;
  }
  if (next == entries_.end() || next->first > written_) {
    return 0;
  }
  given_ = next->first;
  next->second.given = true;
  handed(given_, next->second);
  return given_;
}

void inbox_ledger::take_back() {
  given_ = 0;
  late_.clear();
  std::vector<std::uint64_t> once;
  for (auto& [number, entry] : entries_) {
    if (entry.given && !entry.kept) {
      once.push_back(number);
    }
    entry.given = false;
    set_waiting(number, false);
  }
  for (const auto number : once) {
    erase(number);
  }
}

std::vector<std::uint64_t> inbox_ledger::left_over() const {
  std::vector<std::uint64_t> out;
  for (const auto& [number, entry] : entries_) {
    if (entry.kept && entry.shown && entry.holders == 0) {
      out.push_back(number);
    }
  }
  return out;
}

std::uint64_t inbox_ledger::show() {
  std::uint64_t number = 0;
  if (!again_.empty()) {
    number = *again_.begin();
    again_.erase(again_.begin());
  } else if (const auto next = entries_.upper_bound(shown_);
             next != entries_.end() && next->first <= written_) {
    number = next->first;
    shown_ = number;
  }
  if (number != 0) {
    auto& entry = entries_.at(number);
    entry.shown = true;
    handed(number, entry);
  }
  return number;
}

void inbox_ledger::show_again(std::uint64_t number) {
  if (auto* entry = find(number)) {
    entry->shown = false;
    again_.insert(number);
  }
}

std::vector<std::pair<std::int64_t, bool>> inbox_ledger::take_channel_news() {
  const auto news = std::exchange(channel_news_, {});
  return {news.begin(), news.end()};
}

std::vector<std::int64_t> inbox_ledger::full_channels() const {
  std::vector<std::int64_t> out;
  for (const auto& [channel, count] : channels_) {
    if (count.full) {
      out.push_back(channel);
    }
  }
  return out;
}

} // namespace cafegram
