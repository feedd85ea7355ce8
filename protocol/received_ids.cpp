#include <cafegram/protocol/received_ids.hpp>

#include <algorithm>

namespace cafegram::protocol {

received_ids::verdict received_ids::check(msg_id id) const {
  if (ids_.size() >= kept && id <= ids_[ids_.size() - kept]) {
    // Below the lowest nothing is known; what is known of it may be more than has to be.
    return std::ranges::binary_search(ids_, id) ? verdict::seen : verdict::old;
  }
  return std::ranges::binary_search(ids_, id) ? verdict::seen : verdict::fresh;
}

void received_ids::add(msg_id id) {
  if (ids_.empty() || id > ids_.back()) {
    ids_.push_back(id); // nearly always
  } else {
    ids_.insert(std::ranges::upper_bound(ids_, id), id);
  }
  if (ids_.size() >= 2 * kept) {
    ids_.erase(ids_.begin(), ids_.end() - kept);
  }
}

} // namespace cafegram::protocol
