#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

// How a client keeps within Telegram's limits, and what it shows of that.
// docs/limits-and-retries.md says how the parts work together.

namespace cafegram {

/// Waiting out `FLOOD_WAIT_X`, `FLOOD_PREMIUM_WAIT_X` and `SLOWMODE_WAIT_X`. How long a wait may be
/// is said by `timing_options::flood_wait_threshold`, and for one call by
/// `invoke_options::flood_wait_threshold`.
struct flood_options {
  int most_waits = 5; ///< of one call; then its caller gets the error
  /// Together, for one call; never less than its threshold.
  std::chrono::milliseconds longest{300'000};
  /// Calls held at a time. What comes above that gets the server's error.
  std::size_t most_held = 16'384;
};

/// At most `messages` in any stretch of time as long as `within`.
struct send_rate {
  std::uint32_t messages = 0; ///< 0: without limit
  std::chrono::milliseconds within{1'000};
};

/// Keeps sends below the limits that Telegram documents for bots, so that it need not refuse any.
/// Concerns calls that put messages into a chat; an album counts as its items. Per chat they leave
/// in the order in which they were made, chats take turns. Time spent here is no part of a call's
/// deadline.
struct pacing_options {
  bool enabled = false;
  send_rate all = {30, std::chrono::milliseconds{1'000}};
  send_rate chat = {1, std::chrono::milliseconds{1'000}};
  send_rate group = {20, std::chrono::milliseconds{60'000}}; ///< in addition to `chat`
  std::size_t most_waiting = 10'000; ///< sends; one more is refused with `limit`
  std::size_t most_waiting_per_chat = 1'000;
  /// A send that has not had its turn by then gets `limit`.
  std::chrono::milliseconds longest_wait{300'000};
};

/// When connections to a data centre fail again and again, new calls to it are refused at once with
/// `circuit_open` instead of waiting for their deadline. After `pause` one call is let through, and
/// its answer ends that.
struct breaker_options {
  std::size_t failures = 0;                  ///< in a row, without an answer between; 0: off
  std::chrono::milliseconds within{300'000}; ///< no further apart than this, first to last
  std::chrono::milliseconds pause{10'000};
};

enum class circuit_phase : std::uint8_t {
  closed,  ///< calls flow
  open,    ///< calls are refused
  probing, ///< one call is under way to find out
};
std::string_view to_string(circuit_phase phase);

/// What the breaker of one data centre does.
struct circuit_picture {
  std::int32_t dc = 0;
  circuit_phase phase = circuit_phase::closed;
  std::uint64_t refused = 0; ///< calls, so far
};

/// What limits do to a client's calls. Counts that are "so far" begin with the client.
struct limits_picture {
  std::size_t held_by_flood = 0;   ///< calls that wait out a flood limit
  std::size_t held_by_pacing = 0;  ///< sends that wait for their turn
  std::size_t held_for_retry = 0;  ///< calls between two attempts
  std::uint64_t flood_waits = 0;   ///< that the server has told and that were waited out, so far
  std::uint64_t flood_refused = 0; ///< that callers were given as errors, so far
  std::uint64_t retries = 0;       ///< so far
  std::vector<circuit_picture> circuits = {}; ///< of data centres whose breaker has ever opened
};

} // namespace cafegram
