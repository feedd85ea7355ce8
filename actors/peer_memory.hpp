#pragma once

#include <cafegram/actors/update_parts.hpp>

#include <algorithm>
#include <memory>

namespace cafegram {

/// Users seen in updates, for the short forms, which name them without bringing them.
class peer_memory {
public:
  void note(const peers_seen& peers) {
    if (seen_.users.size() + peers.users.size() > most_users) {
      seen_ = {};
    }
    for (const auto& [id, user] : peers.users) {
      seen_.users.insert_or_assign(id, user);
    }
  }

  /// Those of the batch that are known.
  std::shared_ptr<const peers_seen> known(const update_batch& batch) const {
    auto out = std::make_shared<peers_seen>();
    for (const auto id : users_in(batch)) {
      if (const auto found = seen_.users.find(id); found != seen_.users.end()) {
        out->users.insert(*found);
      }
    }
    return out;
  }

  /// True if all that the batch names are known; `self` needs no introduction.
  bool knows(const update_batch& batch, std::int64_t self) const {
    return std::ranges::all_of(users_in(batch), [this, self](std::int64_t id) {
      return id == self || seen_.users.contains(id);
    });
  }

private:
  static constexpr std::size_t most_users = 10'000;
  peers_seen seen_;
};

} // namespace cafegram
