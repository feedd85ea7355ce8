#pragma once

#include <cstddef>
#include <functional>
#include <iterator>
#include <list>
#include <unordered_map>
#include <utility>

namespace cafegram {

/// A map of a bounded number of entries: a new one takes the place of the one that was used least
/// recently.
template <class Key, class Value, class Hash = std::hash<Key>>
class lru_map {
public:
  using entry = std::pair<const Key, Value>;

  /// At least one.
  explicit lru_map(std::size_t limit)
    : limit_{limit > 0 ? limit : 1} {}

  /// Uses the entry; null where there is none. Valid until the next change.
  Value* find(const Key& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) {
      return nullptr;
    }
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->second;
  }

  /// Uses the entry, which it makes or replaces.
  Value& put(const Key& key, Value value) {
    if (auto* known = find(key)) {
      *known = std::move(value);
      return *known;
    }
    if (places_.size() == limit_) {
      places_.erase(entries_.back().first);
      entries_.pop_back();
    }
    entries_.emplace_front(key, std::move(value));
    places_.emplace(key, entries_.begin());
    return entries_.front().second;
  }

  void erase(const Key& key) {
    if (const auto found = places_.find(key); found != places_.end()) {
      entries_.erase(found->second);
      places_.erase(found);
    }
  }

  void clear() {
    places_.clear();
    entries_.clear();
  }

  std::size_t size() const { return places_.size(); }
  std::size_t limit() const { return limit_; }
  /// The one used last first.
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }

private:
  std::size_t limit_;
  std::list<entry> entries_;
  std::unordered_map<Key, typename std::list<entry>::iterator, Hash> places_;
};

} // namespace cafegram
