#pragma once

#include <cafegram/base/environment.hpp>
#include <cafegram/base/error.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

// What a program may decide instead of cafegram: whether a refused call is made again, and when
// something that failed is started again.
//
// A policy is called by the actors of the clients that were given it, on scheduler threads: by one
// client's retries one at a time, by connections several at a time. So a `restart_policy`, and any
// policy that several clients share, must bear calls from several threads. It must not block, nor
// call the client. What it throws is logged, and the default decides. `random` is the runtime's.

namespace cafegram {

/// A call that the server has refused and that could be made again.
struct refused_call {
  std::string_view method; ///< such as `messages.sendMessage`
  const error& why;        ///< `why.rpc` is set
  int attempts = 1;        ///< so far
  /// What is left of its deadline; `milliseconds::max()` where it has none.
  std::chrono::milliseconds left{};
};

/// Decides which refused calls are made again. It is not asked about what has its own rule (flood
/// waits, migrations, a lost login, a client that stops), nor about an error of the server's
/// (`rpc_class::internal`, `timeout`) to a call that may not run twice.
class retry_policy {
public:
  virtual ~retry_policy() = default;
  /// How long to wait before the call is made again, or nothing: the caller gets the error. At
  /// least 100 ms are waited; a wait that outlasts the deadline is not begun.
  virtual std::optional<std::chrono::milliseconds> retry(const refused_call& call,
                                                         random_source& random) = 0;
};

/// The default: the server's errors, a few times, with pauses that double and 20 % of jitter.
class backoff_retry final : public retry_policy {
public:
  explicit backoff_retry(int retries = 3,
                         std::chrono::milliseconds least = std::chrono::milliseconds{500},
                         std::chrono::milliseconds most = std::chrono::milliseconds{8'000});
  std::optional<std::chrono::milliseconds> retry(const refused_call& call,
                                                 random_source& random) override;

private:
  int retries_;
  std::chrono::milliseconds least_;
  std::chrono::milliseconds most_;
};

/// A connection that was lost, or could not be made.
struct lost_line {
  std::int32_t dc = 0;
  const error& why;
  std::size_t failures = 1; ///< in a row, since the server was last heard
};

/// An actor of the client's that has died; docs/supervision.md says what follows.
struct dead_part {
  std::string_view name;  ///< `dc_pool`, `update_hub`, `dc_connection`
  std::size_t deaths = 1; ///< of this client's parts, within a minute; of a connection, in a row
};

/// Decides when something that failed is started again, or that it is not.
class restart_policy {
public:
  virtual ~restart_policy() = default;
  /// How long to wait before the next attempt, at least 10 ms. Nothing: no more are made; calls
  /// that need the line get `connection_lost`, until a new call or `network_available` begins
  /// afresh. Not asked after a -429: that wait is Telegram's.
  virtual std::optional<std::chrono::milliseconds> reconnect(const lost_line& line,
                                                             random_source& random) = 0;
  /// How long to wait before it is started again. Nothing: the client ends with `connection_lost`
  /// (a connection's calls get `connection_lost`, as above).
  virtual std::optional<std::chrono::milliseconds> restart(const dead_part& part,
                                                           random_source& random) = 0;
};

/// The default: connections after pauses that double from `least` to `most` with 20 % of jitter,
/// parts of a client at once, but no more than five deaths within a minute.
class backoff_restart final : public restart_policy {
public:
  explicit backoff_restart(std::chrono::milliseconds least = std::chrono::milliseconds{500},
                           std::chrono::milliseconds most = std::chrono::milliseconds{5'000});
  std::optional<std::chrono::milliseconds> reconnect(const lost_line& line,
                                                     random_source& random) override;
  std::optional<std::chrono::milliseconds> restart(const dead_part& part,
                                                   random_source& random) override;

private:
  std::chrono::milliseconds least_;
  std::chrono::milliseconds most_;
};

} // namespace cafegram
