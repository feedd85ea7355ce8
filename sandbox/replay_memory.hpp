#pragma once

#include <cafegram/base/environment.hpp>
#include <cafegram/protocol/fake_tls.hpp>

#include <deque>
#include <set>
#include <utility>

namespace cafegram::sandbox {

/// Remembers the hellos of fake TLS for as long as their clocks would be believed: one that comes
/// again was recorded by somebody who does not know the secret.
class replay_memory {
public:
  explicit replay_memory(std::size_t most = 65'536)
    : most_{most} {}

  /// True once for each. When there is no room nothing is fresh: forgetting would let a recording
  /// in.
  bool is_fresh(const protocol::hello_random& random, wall_time now);

private:
  std::size_t most_;
  std::set<protocol::hello_random> seen_;
  std::deque<std::pair<wall_time, protocol::hello_random>> order_;
};

} // namespace cafegram::sandbox
