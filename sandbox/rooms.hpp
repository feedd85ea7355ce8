#pragma once

#include <cafegram/sandbox/peers.hpp>
#include <cafegram/tl/json.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace cafegram::sandbox {

using tl::json;
using account_id = std::int64_t;

enum class event_kind : std::uint8_t {
  message,
  edited,
  deleted,
  read_inbox,
  read_outbox,
  pinned,
  unpinned,
};

/// One step of a message box, an account's or a channel's: moves `pts` by `count`.
struct box_event {
  std::int32_t pts = 0; ///< after it
  std::int32_t count = 0;
  event_kind kind = event_kind::message;
  peer_id peer = 0;
  std::vector<std::int32_t> ids; ///< of the messages; for the reads the highest one
  std::int64_t date = 0;         ///< Unix time; of a channel's
};

enum class room_kind : std::uint8_t { group, supergroup, broadcast };

enum class member_role : std::uint8_t { creator, admin, member, left, banned };

/// Somebody who is, or was, in a room.
struct room_member {
  account_id user = 0;
  member_role role = member_role::left;
  account_id inviter = 0; ///< 0: came without being asked
  account_id actor = 0;   ///< who has promoted, restricted or banned
  std::int64_t date = 0;
  /// `chatAdminRights` or `chatBannedRights`; null: none in particular. Of who has left: what it
  /// may not do when it comes again.
  json rights;
  std::string rank;
  std::int32_t since = 0; ///< the channel's pts when this one came
  std::int32_t read_inbox = 0;
  std::int32_t read_outbox = 0;
  /// The last step of the channel's pts that this one sees; not kept, counted at the start.
  std::int32_t seen_pts = 0;

  bool inside() const { return role < member_role::left; }
  bool leads() const { return role <= member_role::admin; }
};

struct invite_link {
  std::string hash;
  account_id admin = 0;
  std::int64_t date = 0;
  bool request_needed = false;
  bool revoked = false;
  std::int32_t usage = 0;
};

/// A basic group, a supergroup or a channel. Messages of a basic group are in the boxes of its
/// members; the others have a box of their own. Spec: "Channels, supergroups, gigagroups and basic
/// groups".
struct room {
  peer_id id = 0;
  room_kind kind = room_kind::group;
  std::string title;
  std::string username;
  std::string about;
  account_id creator = 0;
  std::int64_t created = 0;
  std::int32_t version = 1; ///< of a basic group: grows with its members
  bool deleted = false;
  peer_id migrated_to = 0;
  peer_id migrated_from = 0;
  json banned = json::object();            ///< names of what members may not do, each true
  std::vector<invite_link> links;          ///< oldest first
  std::map<account_id, std::int64_t> asks; ///< who asks to be let in, and since when
  std::int32_t pts = 1;
  std::int32_t last_message = 0;

  std::map<account_id, room_member> members;
  std::map<std::int32_t, std::int64_t> history; ///< message id -> number; of a channel
  std::vector<std::int64_t> numbers;            ///< the same of all that were ever here, by id - 1
  std::vector<box_event> events;                ///< pts ascending; of a channel

  bool is_channel() const { return kind != room_kind::group; }
  /// Nothing can be done here any more.
  bool closed() const { return deleted || migrated_to != 0; }
  /// Null: never been there.
  const room_member* find(account_id user) const;
  room_member* find(account_id user);
  bool has(account_id user) const;
  std::int32_t size() const; ///< of those who are inside

  /// True where an admin with that right of `chatAdminRights`, or where every member has it.
  bool may(account_id user, std::string_view right) const;
  bool may_write(account_id user) const;
  /// Whether an admin's rights are `actor`'s to change: who has made it one may, and the creator.
  /// A creator answers to nobody; who is no admin to all who may do such a thing at all.
  bool answers_to(account_id user, account_id actor) const;
  /// True where that one may still change what it has written here.
  bool may_change_own(account_id user) const;
};

} // namespace cafegram::sandbox
