#pragma once

#include <cafegram/actors/update_parts.hpp>
#include <cafegram/tl/api.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <unordered_map>

namespace cafegram {

/// Users seen in updates, for the short forms, which name them without bringing them; and what
/// addresses channels.
class peer_memory {
public:
  void note(const peers_seen& peers) {
    if (seen_.users.size() + peers.users.size() > most_users) {
      seen_ = {};
    }
    for (const auto& [id, user] : peers.users) {
      const auto* one = tl::get_if<tl::user>(user);
      if (one != nullptr && one->min) {
        seen_.users.try_emplace(id, user); // it tells less than a whole one, and not for certain
      } else {
        seen_.users.insert_or_assign(id, user);
      }
    }
    if (hashes_.size() + peers.chats.size() > most_users) {
      hashes_.clear();
    }
    for (const auto& [id, chat] : peers.chats) {
      const auto* channel = tl::get_if<tl::channel>(chat);
      if (channel != nullptr && channel->access_hash && !channel->min) {
        note_address(id, *channel->access_hash);
      }
    }
  }

  void note_address(std::int64_t channel, std::int64_t hash) {
    hashes_.insert_or_assign(channel, hash);
  }

  /// What addresses a channel, where it is known.
  std::optional<std::int64_t> channel_hash(std::int64_t channel) const {
    const auto found = hashes_.find(channel);
    return found != hashes_.end() ? std::optional{found->second} : std::nullopt;
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
  std::unordered_map<std::int64_t, std::int64_t> hashes_; ///< of channels
};

} // namespace cafegram
