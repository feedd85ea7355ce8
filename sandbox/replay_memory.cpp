#include <cafegram/sandbox/replay_memory.hpp>

namespace cafegram::sandbox {

bool replay_memory::is_fresh(const protocol::hello_random& random, wall_time now) {
  constexpr auto kept = protocol::hello_may_be_older + protocol::hello_may_be_newer;
  while (!order_.empty() && now - order_.front().first > kept) {
    seen_.erase(order_.front().second);
    order_.pop_front();
  }
  if (seen_.size() >= most_ || !seen_.insert(random).second) {
    return false;
  }
  order_.emplace_back(now, random);
  return true;
}

} // namespace cafegram::sandbox
