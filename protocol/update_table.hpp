#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/protocol/updates.hpp>

#include <span>
#include <string_view>

/// Which updates count where, by the schema in tl/schema/api.tl; a test holds the two together.
namespace cafegram::protocol {

/// Where an update of a channel says which one.
enum class channel_in : std::uint8_t { none, field, message };

/// A constructor of `Update` that means more to the boxes than any other.
struct update_row {
  std::uint32_t id = 0;
  std::string_view name;
  box_kind box = box_kind::none; ///< secondary: by `qts`; common and channel: by `pts`
  update_role role = update_role::ordinary;
  channel_in where = channel_in::none;
};

/// All of them, by rising ids. Those without a counter of their own, which a difference brings, are
/// not among them.
std::span<const update_row> update_rows();
/// Null for what goes by its container's number.
const update_row* find_update(std::uint32_t id);

/// A function whose result moves a counter without being an `Updates`: one of
/// `messages.Affected*`.
struct affected_row {
  std::uint32_t id = 0;
  std::string_view name;
  /// Where its first `InputPeer` or `InputChannel` begins, in octets; 0: it has none.
  std::uint32_t peer_at = 0;
  /// That peer counts only where this bit of the first flags word is set; -1: always.
  int bit = -1;
};

std::span<const affected_row> affected_rows();

/// The box that the result of this call moves. None for functions that are not among
/// `affected_rows`, and where a channel is named in a way that cannot be read.
std::optional<box_id> box_of_affected(bytes_view function);

/// What an error of Telegram's says about a difference.
difference_failure failure_of(const rpc_failure& why);

} // namespace cafegram::protocol
