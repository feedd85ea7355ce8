#include <cafegram/sandbox/temporary_keys.hpp>

#include <algorithm>

namespace cafegram::sandbox {

std::optional<std::uint64_t> temporary_keys::add(std::uint64_t id, std::int64_t now,
                                                 std::int64_t expires) {
  forget(id);
  std::optional<std::uint64_t> out;
  if (keys_.size() >= most_keys) {
    out = by_expiry_.begin()->second;
    forget(*out);
  }
  keys_[id] = {now, expires, 0};
  by_expiry_.emplace(expires, id);
  return out;
}

const temporary_keys::entry* temporary_keys::find(std::uint64_t id) const {
  const auto found = keys_.find(id);
  return found != keys_.end() ? &found->second : nullptr;
}

void temporary_keys::bind(std::uint64_t id, std::uint64_t permanent, std::int64_t expires) {
  entry& key = keys_.at(id);
  by_permanent_.erase({key.permanent, id});
  by_permanent_.emplace(permanent, id);
  key.permanent = permanent;
  by_expiry_.erase({key.expires, id});
  key.expires = std::min(key.expires, expires);
  by_expiry_.emplace(key.expires, id);
}

void temporary_keys::forget(std::uint64_t id) {
  const auto found = keys_.find(id);
  if (found == keys_.end()) {
    return;
  }
  by_permanent_.erase({found->second.permanent, id});
  by_expiry_.erase({found->second.expires, id});
  keys_.erase(found);
}

std::vector<std::uint64_t> temporary_keys::expire(std::int64_t now) {
  std::vector<std::uint64_t> out;
  while (!by_expiry_.empty() && by_expiry_.begin()->first <= now) {
    out.push_back(by_expiry_.begin()->second);
    forget(out.back());
  }
  return out;
}

std::vector<std::uint64_t> temporary_keys::bound_to(std::uint64_t permanent) const {
  std::vector<std::uint64_t> out;
  for (auto at = by_permanent_.lower_bound({permanent, 0});
       at != by_permanent_.end() && at->first == permanent; ++at) {
    out.push_back(at->second);
  }
  return out;
}

std::optional<std::int64_t> temporary_keys::next_expiry() const {
  return by_expiry_.empty() ? std::nullopt : std::optional{by_expiry_.begin()->first};
}

} // namespace cafegram::sandbox
