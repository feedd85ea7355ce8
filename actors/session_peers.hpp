#pragma once

#include <cafegram/actors/peers.hpp>
#include <cafegram/actors/session_changes.hpp>
#include <cafegram/storage/peers.hpp>

#include <cstddef>
#include <optional>

namespace cafegram {

/// The peers of one session: those used last, and what is not written yet, in front of what the
/// store has. A plain value; part of the session's store.
class session_peers {
public:
  /// While nothing can be written no more is taken than this many rows. What comes then is noted
  /// when it comes again.
  static constexpr std::size_t most_unwritten = 65'536;

  explicit session_peers(std::size_t in_memory = storage::peer_cache::default_limit)
    : known_{in_memory} {}

  /// Notes those that are new. True if there was one.
  bool note(const peers_came& what, session_changes& unwritten);
  /// Another account: nothing of before is known any more.
  void forget();

  /// What needs no look into the store.
  std::optional<storage::peer_address> find(const peer_name& what,
                                            const session_changes& unwritten);
  /// The same with what the store has told; none for one that was never seen.
  std::optional<storage::peer_address> found(const peer_name& what,
                                             const storage::peer_record* stored,
                                             const session_changes& unwritten);

private:
  storage::peer_cache known_;
  bool full_ = false; ///< told so already
};

} // namespace cafegram
