#pragma once

// Internal to storage/: a peer within a message of Protocol Buffers. Not installed.

#include <cafegram/storage/peer_record.hpp>
#include <cafegram/storage/session.pb.h>

namespace cafegram::storage {

void fill_peer(const peer_record& from, v1::Peer& out);
/// Errors: `storage`, naming the field.
result<peer_record> take_peer(const v1::Peer& from);

} // namespace cafegram::storage
