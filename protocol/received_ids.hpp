#pragma once

#include <cafegram/protocol/message.hpp>

#include <vector>

namespace cafegram::protocol {

/// The ids of the last messages received in a session: what came before is known again.
class received_ids {
public:
  static constexpr std::size_t kept = 1000;

  enum class verdict : std::uint8_t {
    fresh,
    seen,
    old, ///< at or below the lowest that is kept, with all places taken
  };

  verdict check(msg_id id) const;
  /// Remembers a fresh id.
  void add(msg_id id);
  void clear() { ids_.clear(); }
  bool empty() const { return ids_.empty(); }
  msg_id highest() const { return ids_.empty() ? msg_id{} : ids_.back(); }

private:
  std::vector<msg_id> ids_; ///< sorted; trimmed when it has twice what is kept
};

} // namespace cafegram::protocol
