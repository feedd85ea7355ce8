#include <cafegram/actors/inbox_ledger.hpp>

#include <algorithm>
#include <iterator>

namespace cafegram {

void inbox_ledger::add(std::uint64_t number, inbox_entry entry) {
  if (!entry.kept) {
    passing_.insert(number);
  }
  count(entry);
  entries_.emplace_hint(entries_.end(), number, std::move(entry));
  drop_passing();
}

void inbox_ledger::count(const inbox_entry& entry) {
  if (!entry.kept) {
    return;
  }
  ++rows_;
  octets_ += entry.octets;
  full_ = full_ || rows_ > bounds_.rows || octets_ > bounds_.octets;
  if (entry.channel != 0) {
    auto& channel = channels_[entry.channel];
    if (++channel.rows > bounds_.rows_per_channel && !channel.full) {
      channel.full = true;
      channel_news_[entry.channel] = true;
    }
  }
}

void inbox_ledger::uncount(const inbox_entry& entry) {
  if (!entry.kept) {
    return;
  }
  --rows_;
  octets_ -= entry.octets;
  full_ = full_ && (rows_ > bounds_.rows / 2 || octets_ > bounds_.octets / 2);
  const auto channel = channels_.find(entry.channel);
  if (channel == channels_.end()) {
    return;
  }
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

/// One that somebody has is no more in reach: then it is the new one that goes.
void inbox_ledger::drop_passing() {
  if (passing_.size() <= bounds_.passing) {
    return;
  }
  const auto with_nobody = [this](std::uint64_t number) {
    const auto& one = entries_.at(number);
    return !one.given && one.holders == 0;
  };
  const auto oldest = std::ranges::find_if(passing_, with_nobody);
  ++dropped_;
  erase(oldest != passing_.end() ? *oldest : *passing_.rbegin());
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
  again_.erase(number);
  passing_.erase(number);
  entries_.erase(found);
}

/// Numbers go on rising: what is said of those that are gone finds nothing.
void inbox_ledger::clear() {
  while (!entries_.empty()) {
    erase(entries_.begin()->first);
  }
}

std::size_t inbox_ledger::unwritten() const {
  return static_cast<std::size_t>(std::distance(entries_.upper_bound(written_), entries_.end()));
}

std::uint64_t inbox_ledger::give() {
  auto next = entries_.upper_bound(given_);
  while (next != entries_.end() && next->second.given) {
    ++next;
  }
  if (next == entries_.end() || next->first > written_) {
    return 0;
  }
  given_ = next->first;
  next->second.given = true;
  return given_;
}

void inbox_ledger::take_back() {
  given_ = 0;
  for (auto& [number, entry] : entries_) {
    entry.given = false;
  }
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
    entries_.at(number).shown = true;
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
