#pragma once

#include <cafegram/sandbox/core.hpp>

/// How the state looks from outside: as TL objects of the newest layer, and as the page shows it.
namespace cafegram::sandbox {

/// Whether users and channels that a message names are described in passing: then those whom the
/// viewer does not know otherwise come as `min`. Spec: "Min constructors".
enum class glance : bool { no, yes };

json peer_view(peer_id id);
json user_view(const core& in, account_id viewer, const account& who, glance how = glance::no);
/// Sets `users` and `chats` of an object.
void describe(const core& in, account_id viewer, std::vector<peer_id> about, json& out,
              glance how = glance::no);
/// True where the viewer has talked with the user, or is in a basic group with it.
bool knows_well(const core& in, const account& viewer, const account& who);

// -- messages: message_views.cpp
json message_view(const core& in, account_id owner, const message_record& message);
/// Adds all whom a message names.
void add_names(const message_record& message, account_id owner, std::vector<peer_id>& out);
/// True where a message as the viewer gets it mentions somebody whom it does not know.
bool names_strangers(const core& in, const account& viewer, const json& message);
/// True where the message names the user, or answers a message of it.
bool mentions(const core& in, const message_record& message, const account& who);
/// `updateNewMessage` and the like; null where the message is gone since.
json update_view(const core& in, const account& owner, const box_event& event);
/// The same of a channel; null also where the account does not get to see it.
json update_view(const core& in, const room& where, const account& viewer, const box_event& event);

/// `updates` around some updates.
json updates_view(const core& in, account_id viewer, json updates, std::vector<peer_id> about,
                  std::int64_t date, glance how = glance::no);
json status_view(const account& who, std::int64_t now);
json state_view(const account& owner, std::int64_t now);
/// What a conversation is for its owner, a channel's too.
dialog dialog_of(core& in, const account& owner, peer_id peer);
json dialog_view(core& in, const account& owner, peer_id peer);
json bot_info_view(const account& bot);

// -- rooms: room_views.cpp
/// True where the account may read what is in a room.
bool may_look(const room& where, account_id viewer);
/// `chat`, `channel`, or one of the forbidden ones.
json room_view(const core& in, account_id viewer, const room& where, glance how = glance::no);
json participants_view(const room& where, account_id viewer);
json participant_view(const room_member& who);
/// `ChannelParticipant` of a member; null where there is nothing to be said.
json channel_participant_view(const room_member& who, account_id viewer);
json invite_view(const invite_link& link);
/// `chatBannedRights` of the names of what is not allowed.
json banned_rights_view(const json& banned);
json full_room_view(core& in, const account& viewer, const room& where);

// -- the page: page_views.cpp
page_user page_view(const account& who);
page_group page_view(const room& where);
page_message page_view(const core& in, const account& owner, const message_record& message);

} // namespace cafegram::sandbox
