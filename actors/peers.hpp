#pragma once

#include <cafegram/base/shared_bytes.hpp>
#include <cafegram/tl/api/types.hpp>

#include <caf/allowed_unsafe_message_type.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

// Users, groups and channels: how they are named, and what actors tell each other of them. These
// messages never leave the process, as those of messages.hpp.

namespace cafegram {

namespace storage {
class session_backend;
struct peer_address;
struct peer_record;
} // namespace storage

struct peers_seen; // <cafegram/actors/updates.hpp>

/// Names a user, a group or a channel.
class peer_name {
public:
  enum class form : std::uint8_t { user, group, channel, username, phone };

  peer_name() = default; ///< nobody's
  static peer_name user(std::int64_t id) { return {form::user, id, {}}; }
  static peer_name group(std::int64_t id) { return {form::group, id, {}}; }
  static peer_name channel(std::int64_t id) { return {form::channel, id, {}}; }
  /// One number for all kinds, as in the Bot API: a user's id as it is, a group's below zero, a
  /// channel's or supergroup's below -10^12.
  static peer_name marked(std::int64_t id);
  /// "@" before it or not, in any case.
  static peer_name username(std::string name) { return {form::username, 0, std::move(name)}; }
  /// Its digits count.
  static peer_name phone(std::string number) { return {form::phone, 0, std::move(number)}; }

  form what() const { return what_; }
  bool by_id() const { return what_ <= form::channel; }
  std::int64_t id() const { return id_; }           ///< as in TL; 0 for names
  const std::string& text() const { return text_; } ///< of a name; else empty

private:
  peer_name(form what, std::int64_t id, std::string text)
    : what_{what}
    , id_{id}
    , text_{std::move(text)} {}

  form what_ = form::user;
  std::int64_t id_ = 0;
  std::string text_;
};

/// For people: `user 7`, `@name`; a phone's digits are nobody's business.
std::string to_string(const peer_name& name);

constexpr std::chrono::milliseconds peer_patience{10'000};

/// Asks a client how a peer is addressed.
struct peer_request {
  peer_name what;
  std::chrono::milliseconds timeout = peer_patience;
};

/// Good for any call of this account.
struct resolved_peer {
  tl::InputPeer peer;
};

/// Asks a session's store for a peer that the account has seen.
struct peer_lookup {
  peer_name what;
};

struct peer_found {
  std::shared_ptr<const storage::peer_address> peer; ///< null: it was never seen
};

/// The same, of the store's thread.
struct peer_read {
  std::shared_ptr<storage::session_backend> from;
  peer_name what;
};

struct stored_peer {
  std::shared_ptr<const storage::peer_record> peer; ///< null: it is not there
};

/// Users and chats that have come, with updates or in the result of a call.
struct peers_came {
  std::int64_t account = 0; ///< to whom; of another account than the session's they are dropped
  std::vector<std::shared_ptr<const peers_seen>> seen = {};
  shared_bytes result = {}; ///< encoded, boxed; null: none
};

} // namespace cafegram

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::peer_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::resolved_peer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::peer_lookup)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::peer_found)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::peer_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::stored_peer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::peers_came)
