#pragma once

#include <cafegram/base/environment.hpp>
#include <cafegram/protocol/auth_key.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace cafegram::protocol {

/// A server salt and when it holds, in server time (Unix seconds). Spec: "future_salt".
struct future_salt {
  std::int32_t valid_since = 0;
  std::int32_t valid_until = 0;
  std::uint64_t salt = 0;

  friend bool operator==(const future_salt&, const future_salt&) = default;
};

/// The salts that a client knows of a server. At most 64.
class salt_list {
public:
  salt_list() = default;
  /// A salt of which only the value is known.
  explicit salt_list(std::uint64_t first)
    : current_{first} {}
  salt_list(std::uint64_t first, std::vector<future_salt> later);

  /// The salt to send with at server time `unix_time`.
  std::uint64_t at(duration unix_time);
  /// The server said: this one, now. That is above what it announced: where the two do not fit (its
  /// clock is not ours), the announced salts go.
  void replace(std::uint64_t salt);
  /// Takes an answer to `get_future_salts`.
  void learn(std::vector<future_salt> salts);
  /// True when less than an hour is covered: time to ask for more.
  bool runs_out(duration unix_time) const;

  std::uint64_t last_used() const { return current_; }
  const std::vector<future_salt>& later() const { return later_; }

private:
  std::uint64_t current_ = 0;
  bool told_ = false;              ///< `current_`, by the server, after `later_` was
  std::vector<future_salt> later_; ///< by valid_since
};

/// The salts that a server gives out, computed from the key so that nothing needs storing: one for
/// each half of a lifetime, so that the next one is there before the last one ends. An hour is
/// Telegram's rhythm.
class server_salts {
public:
  /// `lifetime` of each salt: whole seconds, at least two.
  explicit server_salts(auth_key key, std::chrono::seconds lifetime = std::chrono::hours{1});

  std::uint64_t at(duration unix_time) const;
  bool good(std::uint64_t salt, duration unix_time) const;
  /// `count` salts from now on (at least two, at most 64).
  std::vector<future_salt> coming(duration unix_time, std::int32_t count) const;
  /// Takes a further salt for a lifetime: the one that the key exchange ended with.
  void accept(std::uint64_t salt, duration unix_time);
  /// Refuses everything given out so far, as a server does that rotates early.
  void rotate();

private:
  future_salt of_period(std::int64_t period) const;

  auth_key key_;
  std::int64_t period_seconds_;
  std::uint64_t generation_ = 0;
  std::optional<future_salt> extra_;
};

} // namespace cafegram::protocol
