#pragma once

#include <cafegram/protocol/auth_key.hpp>
#include <cafegram/protocol/salts.hpp>
#include <cafegram/protocol/server_session.hpp>
#include <cafegram/sandbox/call.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>

namespace cafegram::sandbox {

/// A key as the connections share it. All but the layer never changes.
struct known_key {
  protocol::auth_key key;
  std::uint64_t first_salt = 0;
  std::int64_t created = 0; ///< Unix time
  std::int64_t expires = 0; ///< Unix time, of a temporary key; 0: never
  std::int32_t dc = 0;      ///< that it was made in; 0: kept before this was
  /// The last one told by `invokeWithLayer` in any session; 0 before.
  std::atomic<std::int32_t> layer{0};

  bool expired(wall_time now) const {
    return expires != 0 && now.time_since_epoch() >= std::chrono::seconds{expires};
  }
};

/// The answer to a call, in the newest layer's names.
struct letter_answer {
  std::uint64_t call = 0;
  answer value;
};
/// `Updates`, in the newest layer's names.
struct letter_updates {
  json updates;
};
/// What a session is to be told.
using session_letter = std::variant<letter_answer, letter_updates>;

/// A session with the calls that wait for answers. Held by one connection at a time, or by the
/// router while its client is away.
struct live_session {
  /// What is needed to answer a call in its own layer.
  struct waiting_call {
    protocol::msg_id id{};
    opened_call call; ///< without its request
  };

  std::shared_ptr<known_key> key;
  std::shared_ptr<protocol::server_salts> salts;
  protocol::server_session wire;
  std::map<std::uint64_t, waiting_call> calls;

  live_session(std::shared_ptr<known_key> of, std::uint64_t id, wall_time now,
               std::chrono::seconds salt_lifetime, const std::shared_ptr<random_source>& random);

  /// Puts an answer or updates into the session's queue, in its key's layer.
  void take(const session_letter& letter, const layer_set& layers);
};

} // namespace cafegram::sandbox
