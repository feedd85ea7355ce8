#pragma once

#include <cafegram/actors/updates.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/base/shared_bytes.hpp>

#include <optional>
#include <vector>

namespace cafegram {

/// Which counter orders an update. Spec: "Working with Updates".
enum class update_order : std::uint8_t { none, common, secondary, channel };

/// Where an update stands in its order: after it the counter is `value`.
struct update_place {
  update_order order = update_order::none;
  std::int32_t value = 0;
  std::int32_t count = 0;
};

/// By the fields `pts` and `pts_count`, or `qts`. Those of a channel count apart.
update_place place_of(const tl::Update& update);

/// Asks for an answer by its `query_id`: it comes once, outside every order, in no difference.
bool is_query(const tl::Update& update);

/// See `received_update::identity`. Of an update that nothing counts `when` tells one from others
/// of the same content.
std::string identity_of(std::int64_t account, const tl::Update& update, std::uint64_t when = 0);

/// What one `Updates` object holds, in one form. Short forms become `updateNewMessage`.
struct update_batch {
  std::vector<tl::Update> updates;
  std::shared_ptr<peers_seen> peers = std::make_shared<peers_seen>();
  std::int32_t date = 0;
  std::int32_t seq_start = 0; ///< 0: stands outside the order of containers
  std::int32_t seq = 0;
  bool too_long = false;           ///< the server says: fetch the difference
  bool short_form = false;         ///< users are not with it
  std::optional<update_place> own; ///< of `updateShortSentMessage`: moves the counter only
};

/// Errors: `malformed`. An object that holds something unknown comes as one opaque update.
result<update_batch> read_updates(bytes_view object, std::int64_t account);

/// The users that a short form names without bringing them.
std::vector<std::int64_t> users_in(const update_batch& batch);

/// The counter moved by the result of an own call that is no `Updates`: `messages.affected*`.
std::optional<update_place> place_of_result(bytes_view object);

/// What the hub is to be told of an own call's result: its `Updates`, be they all of it or a part,
/// or what moved a counter without being one: as it is, and for a channel's an `Updates` that moves
/// it. Null where the result moves none of this account's counters, or it cannot be said which.
shared_bytes moved_by(bytes_view function, const shared_bytes& result);

/// True if the object's constructor is one of `Updates`.
bool is_updates(bytes_view object);

void note_users(peers_seen& into, const std::vector<tl::User>& users);
void note_chats(peers_seen& into, const std::vector<tl::Chat>& chats);

} // namespace cafegram
