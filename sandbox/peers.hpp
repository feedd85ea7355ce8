#pragma once

#include <cstdint>

namespace cafegram::sandbox {

/// A user, a basic group or a channel as one number, as in the Bot API: a user's id as it is, a
/// group's below zero, a channel's (or supergroup's) below -10^12.
using peer_id = std::int64_t;

inline constexpr peer_id channel_mark = -1'000'000'000'000;

constexpr bool is_user(peer_id peer) {
  return peer > 0;
}
constexpr bool is_channel(peer_id peer) {
  return peer < channel_mark;
}
constexpr bool is_group(peer_id peer) {
  return peer < 0 && !is_channel(peer);
}

/// True for what can be the id of a group or channel as the API has it: marked as one it is one.
constexpr bool is_bare_id(std::int64_t id) {
  return id > 0 && id < -channel_mark;
}
constexpr peer_id marked_group(std::int64_t id) {
  return -id;
}
constexpr peer_id marked_channel(std::int64_t id) {
  return channel_mark - id;
}
/// The id as the API has it.
constexpr std::int64_t bare_id(peer_id peer) {
  return is_user(peer) ? peer : is_channel(peer) ? channel_mark - peer : -peer;
}

} // namespace cafegram::sandbox
