#pragma once

#include <chrono>
#include <cstddef>

namespace cafegram {

/// Bounds of a bot.
struct bot_options {
  /// Updates that wait in one chat. What comes over it is dropped, counted, and told to the chat's
  /// handlers, in its place in the order, as `updates_lost`.
  std::size_t queue_per_chat = 256;
  /// Updates in all chats, waiting or under way. Over it the account is not answered: it stops to
  /// hand updates out, and fetches them from Telegram when there is room again.
  std::size_t queue_total = 10'000;
  /// Conversations that exist at once. When so many are busy, other chats wait their turn.
  std::size_t conversations = 10'000;
  /// A conversation without updates and coroutines for so long goes to sleep: its actor ends, and
  /// with it what its behavior remembers; the next update makes a new one.
  std::chrono::seconds idle_after{600};
  /// Also handle what the account itself has written elsewhere.
  bool outgoing_messages = false;
};

} // namespace cafegram
