#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fixture.hpp"

// Typed updates, made of Telegram's own values.
namespace cafegram::test {

using message_ids = std::vector<std::int32_t>;

inline const person ann;

inline tl::Peer user_peer(std::int64_t id) {
  tl::peerUser peer;
  peer.user_id = id;
  return peer;
}

inline tl::Peer channel_peer(std::int64_t id) {
  tl::peerChannel peer;
  peer.channel_id = id;
  return peer;
}

inline tl::Message message_in_chat(tl::Peer peer, std::int32_t id, std::string text) {
  tl::message message;
  message.id = id;
  message.peer_id = std::move(peer);
  message.message = std::move(text);
  return message;
}

inline const chat_ref with_ann{chat_kind::user, 777, 0};
inline const chat_ref channel_33{chat_kind::channel, 33, 0};
inline const chat_ref group_44{chat_kind::group, 44, 0};

/// The update as `U`; the test fails where it is of another kind, or of another conversation.
template <class U, class Raw>
U made(const Raw& raw, const chat_ref& chat = with_ann) {
  const auto update = update_factory::make(ann.base("x", raw));
  const auto* typed = std::get_if<U>(&update);
  EXPECT_NE(typed, nullptr) << "kind " << update.index();
  EXPECT_EQ(common(update).chat(), chat);
  return std::get<U>(update);
}

inline message_ids copy(std::span<const std::int32_t> from) {
  return {from.begin(), from.end()};
}

} // namespace cafegram::test
