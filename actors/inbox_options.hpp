#pragma once

#include <cstddef>
#include <cstdint>

// How much of an account's updates a client keeps until they are finished, and what it shows of
// that. docs/bots.md says what becomes of the rest.

namespace cafegram {

/// How much may be accepted and not finished. What is beyond stays with Telegram.
struct inbox_bounds {
  std::size_t rows = 20'000; ///< in memory
  std::size_t octets = std::size_t{64} << 20;
  std::size_t rows_per_channel = 2'000;
  /// Private chats and groups have one counter, so none can be left with Telegram alone: what is
  /// beyond this in one of them is in the store alone, until its chat has room. Where a session's
  /// store keeps no rows there is no such bound. The rest of an album passes it.
  std::size_t rows_per_chat = 500;
  std::size_t octets_per_chat = std::size_t{8} << 20;
  std::size_t stored_rows = 100'000; ///< in the store alone
  std::size_t stored_octets = std::size_t{128} << 20;
  /// Of those that wait for somebody in a conversation, so many are not counted as rows: what lets
  /// them end may be among what comes next.
  std::size_t waiting = 100'000;
  /// Of what no difference brings again. Over it the oldest that nobody has yet goes; where
  /// receivers have all, the one that comes.
  std::size_t passing = 8'192;
  std::size_t passing_unheard = 128; ///< the same while there is no receiver
  /// Of the dead letters. Beyond it those that came first go, told in the log; one stays, however
  /// large it is.
  std::size_t dead_rows = 10'000;
  std::size_t dead_octets = std::size_t{64} << 20;
};

/// What is accepted and not finished, and what was dropped.
struct inbox_picture {
  std::size_t rows = 0; ///< that count against the bound
  std::size_t octets = 0;
  std::size_t stored_rows = 0; ///< in the store alone
  std::size_t stored_octets = 0;
  std::size_t waiting = 0; ///< for somebody, in a conversation: beside `rows`
  std::size_t passing = 0; ///< of what no difference brings again
  /// Of those so many were dropped since the client began, for nobody took them in time.
  std::uint64_t dropped = 0;
  std::size_t dead = 0; ///< letters
  std::size_t dead_octets = 0;
  /// Of those so many were dropped since the client began, for there were more than the bound.
  std::uint64_t dead_dropped = 0;
  bool full = false; ///< what comes is left with Telegram, until there is room
};

} // namespace cafegram
