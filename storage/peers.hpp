#pragma once

#include <cafegram/base/lru_map.hpp>
#include <cafegram/storage/backend.hpp>
#include <cafegram/storage/peer_record.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cafegram::storage {

// All peers that an account has ever seen. Each is one row; what a min constructor brought is
// another one beside it, so that neither has to be read before the other is written. Usernames and
// phones are rows that name a peer. Names that it had before keep theirs: a look-up compares.

/// A peer and its names, as rows.
void put(batch& to, const peer_record& peer);

/// Of a whole peer's row.
std::string peer_key(peer_kind kind, std::int64_t id);
/// Of the row of what a min constructor brought.
std::string min_peer_key(peer_kind kind, std::int64_t id);
/// The same, for the key of a whole peer's row.
std::string min_key_of(std::string whole);
/// `username` in lower case, "@" before it or not.
std::string username_key(std::string_view username);
/// The digits of `phone`.
std::string phone_key(std::string_view phone);

/// True if `name`, the key of a username or phone, is one of the peer's.
bool has_name(const peer_record& peer, std::string_view name);

/// The peer, whole where it was ever seen so. None for one that was never seen. Errors: `storage`.
result<std::optional<peer_record>> find_peer(backend& in, peer_kind kind, std::int64_t id);
/// By the key of a username or phone. Errors: `storage`.
result<std::optional<peer_record>> find_named_peer(backend& in, std::string_view name);

/// What a server tells of a peer, read where it stands.
struct peer_news {
  peer_kind kind = peer_kind::user;
  std::int64_t id = 0;
  std::int64_t access_hash = 0;
  std::span<const std::string_view> usernames = {}; ///< the main one first
  std::string_view phone = {};
  std::optional<message_source> seen_in = {}; ///< as `peer_record::seen_in`
};

/// What addresses a peer.
struct peer_address {
  peer_kind kind = peer_kind::user;
  std::int64_t id = 0;
  std::int64_t access_hash = 0;
  std::optional<message_source> seen_in = {}; ///< as `peer_record::seen_in`

  friend bool operator==(const peer_address&, const peer_address&) = default;
};

peer_address address_of(const peer_record& peer);

/// The peers used last: knows which of those that come are in the store already, as they are, and
/// what addresses them. A plain value; it holds no names, only what tells them from others.
class peer_cache {
public:
  static constexpr std::size_t default_limit = 10'000;
  /// What a min constructor brings again is written again where it comes in another chat, or with
  /// a message so far behind the one that is kept: that one may be deleted some day.
  static constexpr std::int32_t new_source_after = 100;

  explicit peer_cache(std::size_t limit = default_limit);

  /// Takes in what a server has told of `peer`, and puts it into `to` if it is new. Of one that is
  /// not in memory nobody knows: it is put. What a min constructor brings never takes the place of
  /// a whole peer. Reads no store.
  void note(const peer_news& peer, batch& to);
  /// Takes in a peer as the store has it, where it is not in memory: it will not be put as it is.
  void learn(const peer_record& stored);

  /// A whole peer. None: the store has to be asked, which may know a whole one or a min one.
  std::optional<peer_address> find(peer_kind kind, std::int64_t id);

  std::size_t size() const { return known_.size(); }
  /// Another account: nothing of before is known any more. The store is the caller's to clear.
  void clear() { known_.clear(); }

private:
  struct key {
    peer_kind kind;
    std::int64_t id;
    friend bool operator==(const key&, const key&) = default;
  };
  struct key_hash {
    std::size_t operator()(const key& of) const {
      return std::hash<std::int64_t>{}(of.id) * 4 + static_cast<std::size_t>(of.kind);
    }
  };
  struct entry {
    std::int64_t access_hash = 0;
    std::uint64_t names = 0; ///< a hash of them
    std::optional<message_source> seen_in = {};
  };

  static entry entry_of(const peer_news& peer);
  static bool tells_nothing_new(const entry& known, const entry& news);

  lru_map<key, entry, key_hash> known_;
};

} // namespace cafegram::storage
