#pragma once

#include <cafegram/storage/backend.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cafegram::storage {

enum class peer_kind : std::uint8_t { user = 1, group = 2, channel = 3 };

/// A message in which a peer was seen. Spec: "Min constructors".
struct message_source {
  peer_kind chat_kind = peer_kind::user;
  std::int64_t chat = 0;
  std::int32_t message = 0;

  friend bool operator==(const message_source&, const message_source&) = default;
};

struct peer_record {
  peer_kind kind = peer_kind::user;
  std::int64_t id = 0;
  std::int64_t access_hash = 0;
  std::vector<std::string> usernames; ///< the main one first
  std::string phone;                  ///< digits
  /// Set for what a min constructor brought: the peer is named by this message, not by its hash.
  std::optional<message_source> seen_in = {};

  friend bool operator==(const peer_record&, const peer_record&) = default;
};

/// The Protocol Buffers form.
blob encode_peer(const peer_record& peer);

/// Errors: `storage`, naming the field.
result<peer_record> decode_peer(bytes_view data);

} // namespace cafegram::storage
