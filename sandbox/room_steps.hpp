#pragma once

#include <cafegram/sandbox/core.hpp>

#include <string>
#include <string_view>
#include <vector>

/// What people do to rooms; for the methods and for the page. Refusals are Telegram's.
namespace cafegram::sandbox {

constexpr std::size_t most_in_group = 200;

/// `CHAT_TITLE_EMPTY`.
or_refusal<void> check_title(std::string_view title);

/// A basic group with these in it. Refusals: `CHAT_TITLE_EMPTY`, `USERS_TOO_MUCH`.
or_refusal<room*> make_group(step& at, account& creator, std::string title,
                             const std::vector<account*>& with);
/// A supergroup or channel. Refusal: `CHAT_TITLE_EMPTY`.
or_refusal<room*> make_channel(step& at, account& creator, std::string title, std::string about,
                               room_kind kind);
/// Makes a supergroup of a basic group.
room& migrate(step& at, account& actor, room& group);

/// Whether somebody may be added; a bot comes into a broadcast channel as an admin or not at all.
/// Refusals: `CHAT_ADMIN_REQUIRED`, `USER_ALREADY_PARTICIPANT`, `USER_KICKED`, `USER_BOT`,
/// `USERS_TOO_MUCH`, `CHANNEL_PRIVATE`, `CHAT_ID_INVALID`.
or_refusal<void> check_addition(const account& actor, const room& where, const account& who);
/// Adds somebody. Refusals: as `check_addition`.
or_refusal<void> add_member(step& at, account& actor, room& where, account& who);
/// Comes in: by a link, or because the room has a name. `action` is what the room says of it.
void enter(step& at, room& where, account& who, json action, const invite_link* by = nullptr);
/// Leaves, or is removed. Refusals: `CHAT_ADMIN_REQUIRED`, `USER_NOT_PARTICIPANT`, `USER_CREATOR`.
or_refusal<void> remove_member(step& at, account& actor, room& where, account& who);
/// Refusals: `CHAT_ADMIN_REQUIRED`, `CHAT_TITLE_EMPTY`, `CHAT_NOT_MODIFIED`.
or_refusal<void> set_title(step& at, account& actor, room& where, std::string title);
/// Rights of an admin, those of `chatAdminRights` that are true; none: a plain member.
/// Refusals: `CHAT_ADMIN_REQUIRED`, `USER_CREATOR`, `RIGHT_FORBIDDEN`, `USER_KICKED`.
or_refusal<void> set_admin(step& at, account& actor, room& where, account& who, const json& rights,
                           std::string rank);
/// The same in a basic group, where an admin may do all but make others admins.
/// Refusals: `CHAT_ADMIN_REQUIRED`, `USER_NOT_PARTICIPANT`, `USER_ID_INVALID`.
or_refusal<void> set_group_admin(step& at, account& actor, room& where, account& who, bool leads);
/// `chatBannedRights`: all forbidden, some of it, or nothing any more.
/// Refusals: `CHAT_ADMIN_REQUIRED`, `USER_ADMIN_INVALID`, `PARTICIPANT_ID_INVALID`.
or_refusal<void> set_banned(step& at, account& actor, room& where, account& who,
                            const json& rights);
/// Ends a channel for all. Refusal: `CHAT_ADMIN_REQUIRED`.
or_refusal<void> delete_channel(step& at, account& actor, room& where);

/// Keeps what a member is from now on, and tells the bots whom it concerns and the page.
void change_member(step& at, room& where, const account& actor, room_member after,
                   const invite_link* by = nullptr);
/// `updateChannel` to somebody.
void tell_channel(step& at, account& to, const room& where);
/// The same to all who are inside.
void tell_channel(step& at, const room& where);
/// The page's word of a room that is new, or another one.
void tell_page(step& at, const room& where);

} // namespace cafegram::sandbox
