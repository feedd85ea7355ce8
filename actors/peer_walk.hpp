#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/storage/peers.hpp>

#include <cstdint>
#include <map>
#include <optional>

// Users and chats in TL octets, found by the schema's descriptors: no object is made of them.
namespace cafegram {

/// True if a boxed result of a call may hold users or chats: a look at its first words.
bool brings_peers(bytes_view result);

/// Notes all that a boxed result of a call holds, at any depth. What is not of this schema is
/// passed over.
void note_peers(storage::peer_cache& into, bytes_view result, storage::batch& rows);

/// Notes the supergroup that a basic group has become, if nothing is known of it: its names are not
/// told.
void note_migration(storage::peer_cache& into, std::int64_t channel, std::int64_t access_hash,
                    storage::batch& rows);

/// The messages in which peers are named.
struct peer_sources {
  /// Those that are looked for, by id; the latest message of each.
  std::map<std::int64_t, std::optional<storage::message_source>> users;
  std::map<std::int64_t, std::optional<storage::message_source>> channels;

  bool empty() const { return users.empty() && channels.empty(); }
};

/// Fills in what the messages within a boxed value tell.
void find_sources(bytes_view value, peer_sources& into);

} // namespace cafegram
