#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace cafegram {

/// Bounds of a bot.
struct bot_options {
  /// So many updates wait in one chat before those that the inbox does not keep (queries, and what
  /// a program makes; who types and who is here at a quarter of it) are dropped, counted, and told
  /// to the chat's handlers, in their place in the order, as `updates_lost`.
  std::size_t queue_per_chat = 256;
  /// So often an update may fail (its handler throws, its conversation dies, it is refused) until
  /// it goes to the dead letters. It is tried again at once, then after 1 s, then every 5 s; its
  /// chat waits.
  std::uint32_t max_failures = 3;
  /// Updates without a place in the inbox in all chats, waiting or under way. Over it who hands
  /// them over is not answered.
  std::size_t queue_total = 10'000;
  /// Conversations that exist at once. When so many are busy, other chats wait their turn.
  std::size_t conversations = 10'000;
  /// A conversation without updates and coroutines for so long goes to sleep: its actor ends, and
  /// with it what its behavior remembers; the next update makes a new one.
  std::chrono::seconds idle_after{600};
  /// Above 0: the messages of an album are handed over as one `new_album`. It waits so long for its
  /// messages (half a second is plenty; at most five), and what comes later in its chat waits
  /// behind it. 0: each message by itself, as `new_message`.
  std::chrono::milliseconds albums_within{0};
  /// Also handle what the account itself has written elsewhere, or for a business account.
  bool outgoing_messages = false;
};

} // namespace cafegram
