#pragma once

#include <cafegram/actors/messages.hpp>
#include <cafegram/actors/peers.hpp>
#include <cafegram/actors/updates.hpp>
#include <cafegram/storage/peers.hpp>

#include <optional>
#include <string>
#include <vector>

namespace cafegram {

/// Fills in by which of these messages the `min` users and chats of `into` are named.
void find_sources(peers_seen& into, const std::vector<tl::Update>& in);
void find_sources(peers_seen& into, const std::vector<tl::Message>& in);

/// Notes all of them.
void note_peers(storage::peer_cache& into, const peers_seen& seen, storage::batch& rows);

/// A name as stores have it, for `storage::find_named_peer`; empty for an id.
std::string key_of(const peer_name& name);
storage::peer_kind kind_of(const peer_name& id);

/// How a peer is addressed by `account`; none where it is by a message, in a chat that `chat` does
/// not say. Bots may leave out hashes that they do not know, and may not name anybody by a message.
std::optional<tl::InputPeer> address_for(const account& who, const storage::peer_address& peer,
                                         const storage::peer_address* chat);

} // namespace cafegram
