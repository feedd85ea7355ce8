#pragma once

#include <cafegram/actors/update_parts.hpp>
#include <cafegram/protocol/updates.hpp>

namespace cafegram {

/// An update with what came with it, as it passes through the boxes.
struct handed_update final : protocol::update_body {
  tl::Update update;
  std::shared_ptr<const peers_seen> peers;
  std::int32_t date = 0;
  bool own = false; ///< of an own call's result: the caller has it already
};

/// What came with the updates of one object.
struct came_with {
  std::shared_ptr<const peers_seen> peers;
  std::int32_t date = 0;
  bool own = false;
  bool strangers = false;
};

/// Where an update counts, by the table of the protocol.
protocol::update_item item_of(const tl::Update& update, const came_with& with);

/// `with.peers` where the object names users without bringing them: those that are known.
protocol::update_container container_of(const update_batch& batch, const came_with& with);

/// Moves a box and hands out nothing.
protocol::update_item step_of(const update_place& place);

/// A difference, with its users and chats in `with`. None where a part is of a newer schema.
std::optional<protocol::account_difference> difference_of(const tl::updates::Difference& answer,
                                                          peers_seen& peers);
std::optional<protocol::channel_difference>
difference_of(const tl::updates::ChannelDifference& answer, std::int64_t channel,
              peers_seen& peers);

} // namespace cafegram
