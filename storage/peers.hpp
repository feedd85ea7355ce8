#pragma once

#include <cafegram/base/lru_map.hpp>
#include <cafegram/storage/backend.hpp>
#include <cafegram/storage/peer_record.hpp>

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace cafegram::storage {

/// A peer and its names, as rows. Names that it had before keep their rows: a look-up by name
/// compares.
void put(batch& to, const peer_record& peer);

std::string peer_key(peer_kind kind, std::int64_t id);
/// `username` in lower case, "@" before it or not.
std::string username_key(std::string_view username);
/// The digits of `phone`.
std::string phone_key(std::string_view phone);

/// All peers that an account has ever seen: those used last in memory, the others in the store.
/// Look-ups may read the store, and block as it does. Several threads may call.
class peer_cache {
public:
  static constexpr std::size_t default_limit = 10'000;

  explicit peer_cache(std::shared_ptr<backend> in, std::size_t limit = default_limit);

  /// Takes in what a server has told of `peer` and puts what is new into `to`, which the caller
  /// applies. What a min constructor brings never takes the place of a whole peer.
  /// Errors: `storage`; then nothing was put.
  result<void> note(const peer_record& peer, batch& to);

  /// None for one that was never seen. Errors: `storage`.
  result<std::optional<peer_record>> find(peer_kind kind, std::int64_t id);
  result<std::optional<peer_record>> find_username(std::string_view username);
  result<std::optional<peer_record>> find_phone(std::string_view phone);

  /// Up to `count` of those in memory, the one used last first.
  std::vector<peer_record> recent(std::size_t count) const;
  /// Another account: nothing of before is known any more. The store is the caller's to clear.
  void clear();

private:
  result<std::optional<peer_record>> find_key(const std::string& key);
  result<std::optional<peer_record>> find_named(const std::string& name);

  mutable std::mutex mutex_;
  std::shared_ptr<backend> in_;
  lru_map<std::string, peer_record> known_;
};

} // namespace cafegram::storage
