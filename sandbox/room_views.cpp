#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/views.hpp>

#include <algorithm>
#include <array>
#include <limits>

/// Rooms and who is in them, as each account sees them.
namespace cafegram::sandbox {

namespace {

constexpr std::string_view link_head = "https://t.me/+";
constexpr std::int32_t for_ever = std::numeric_limits<std::int32_t>::max();

/// All rights: what a creator has.
constexpr std::array<const char*, 8> all_rights{"change_info",     "post_messages", "edit_messages",
                                                "delete_messages", "ban_users",     "invite_users",
                                                "pin_messages",    "add_admins"};

json admin_rights_view(const room_member& who) {
  if (who.rights.is_object()) {
    return who.rights;
  }
  json out = make("chatAdminRights");
  for (const char* right : all_rights) {
    // An admin of a basic group may do all but make others admins.
    if (who.role == member_role::creator || std::string_view{right} != "add_admins") {
      out[right] = true;
    }
  }
  return out;
}

json forbidden_view(const core& in, account_id viewer, const room& where) {
  if (!where.is_channel()) {
    json out = make("chatForbidden");
    out["id"] = bare_id(where.id);
    out["title"] = where.title;
    return out;
  }
  json out = make("channelForbidden");
  out[where.kind == room_kind::broadcast ? "broadcast" : "megagroup"] = true;
  out["id"] = bare_id(where.id);
  out["access_hash"] = in.data.access_hash(viewer, where.id);
  out["title"] = where.title;
  return out;
}

json group_view(const core& in, account_id viewer, const room& where) {
  const room_member* mine = where.find(viewer);
  json out = make("chat");
  if (viewer == where.creator) {
    out["creator"] = true;
  }
  if (mine != nullptr && mine->role == member_role::left) {
    out["left"] = true;
  }
  out["id"] = bare_id(where.id);
  out["title"] = where.title;
  out["photo"] = make("chatPhotoEmpty");
  out["participants_count"] = where.size();
  out["date"] = where.created;
  out["version"] = where.version;
  if (where.migrated_to != 0) {
    out["deactivated"] = true;
    out["migrated_to"] = make("inputChannel");
    out["migrated_to"]["channel_id"] = bare_id(where.migrated_to);
    out["migrated_to"]["access_hash"] = in.data.access_hash(viewer, where.migrated_to);
  }
  if (mine != nullptr && mine->leads()) {
    out["admin_rights"] = admin_rights_view(*mine);
  }
  out["default_banned_rights"] = banned_rights_view(where.banned);
  return out;
}

json channel_view(const core& in, account_id viewer, const room& where, bool min) {
  const room_member* mine = where.find(viewer);
  json out = make("channel");
  out[where.kind == room_kind::broadcast ? "broadcast" : "megagroup"] = true;
  if (min) {
    out["min"] = true;
  }
  out["id"] = bare_id(where.id);
  out["access_hash"] = in.data.access_hash(viewer, where.id, min);
  out["title"] = where.title;
  if (!where.username.empty()) {
    out["username"] = where.username;
  }
  out["photo"] = make("chatPhotoEmpty");
  out["date"] = mine != nullptr && mine->inside() ? mine->date : where.created;
  if (min) {
    return out;
  }
  if (viewer == where.creator) {
    out["creator"] = true;
  }
  if (mine == nullptr || !mine->inside()) {
    out["left"] = true;
  } else if (mine->leads()) {
    out["admin_rights"] = admin_rights_view(*mine);
  } else if (mine->rights.is_object()) {
    out["banned_rights"] = mine->rights;
  }
  out["participants_count"] = where.size();
  out["default_banned_rights"] = banned_rights_view(where.banned);
  return out;
}

json common_full(const room& where, std::int32_t pinned) {
  json out = make(where.is_channel() ? "channelFull" : "chatFull");
  out["id"] = bare_id(where.id);
  out["about"] = where.about;
  out["notify_settings"] = make("peerNotifySettings");
  if (pinned != 0) {
    out["pinned_msg_id"] = pinned;
  }
  return out;
}

/// The id of the newest message that is pinned, as `viewer` sees it.
std::int32_t pinned_in(const core& in, const account& viewer, const room& where) {
  std::int32_t out = 0;
  const auto look = [&](const auto& history) {
    for (const auto& [id, number] : history) {
      out = in.data.message(number)->pinned ? id : out;
    }
  };
  if (where.is_channel()) {
    look(where.history);
  } else if (const auto chat = viewer.chats.find(where.id); chat != viewer.chats.end()) {
    look(chat->second);
  }
  return out;
}

void add_counts(const room& where, json& out) {
  const auto count = [&where](auto fits) {
    return std::ranges::count_if(where.members,
                                 [&fits](const auto& entry) { return fits(entry.second); });
  };
  out["admins_count"] = count([](const room_member& who) { return who.leads(); });
  out["kicked_count"] =
      count([](const room_member& who) { return who.role == member_role::banned; });
  out["banned_count"] = count([](const room_member& who) {
    return who.role == member_role::member && who.rights.is_object();
  });
}

/// What only channels and supergroups say of themselves.
void add_channel_full(core& in, const account& viewer, const room& where, json& out) {
  const room_member* mine = where.find(viewer.id);
  const bool leads = mine != nullptr && mine->leads();
  if (leads || where.kind == room_kind::supergroup) {
    out["can_view_participants"] = true;
  }
  if (viewer.id == where.creator) {
    out["can_set_username"] = true;
    out["can_delete_channel"] = true;
  }
  out["participants_count"] = where.size();
  if (leads) {
    add_counts(where, out);
  }
  const dialog talk = dialog_of(in, viewer, where.id);
  out["read_inbox_max_id"] = talk.read_inbox;
  out["read_outbox_max_id"] = talk.read_outbox;
  out["unread_count"] = talk.unread;
  out["chat_photo"] = make("photoEmpty");
  out["chat_photo"]["id"] = 0;
  if (where.migrated_from != 0) {
    out["migrated_from_chat_id"] = bare_id(where.migrated_from);
    out["migrated_from_max_id"] = 0;
  }
  out["pts"] = model::pts_for(where, viewer.id);
}

} // namespace

bool may_look(const room& where, account_id viewer) {
  const room_member* mine = where.find(viewer);
  if (where.deleted || (mine != nullptr && mine->role == member_role::banned)) {
    return false;
  }
  return (mine != nullptr && mine->inside()) || !where.username.empty();
}

json room_view(const core& in, account_id viewer, const room& where, glance how) {
  const room_member* mine = where.find(viewer);
  if (!where.is_channel()) {
    const bool out_of_sight = mine == nullptr || mine->role == member_role::banned || where.deleted;
    return out_of_sight ? forbidden_view(in, viewer, where) : group_view(in, viewer, where);
  }
  const bool stranger = mine == nullptr;
  if (stranger && !where.deleted && (how == glance::yes || where.username.empty())) {
    return channel_view(in, viewer, where, true);
  }
  return may_look(where, viewer) ? channel_view(in, viewer, where, false)
                                 : forbidden_view(in, viewer, where);
}

json banned_rights_view(const json& banned) {
  json out = make("chatBannedRights");
  for (const auto& [name, value] : banned.items()) {
    out[name] = value;
  }
  out["until_date"] = for_ever;
  return out;
}

json participant_view(const room_member& who) {
  const bool creator = who.role == member_role::creator;
  json out = make(creator                          ? "chatParticipantCreator"
                  : who.role == member_role::admin ? "chatParticipantAdmin"
                                                   : "chatParticipant");
  out["user_id"] = who.user;
  if (!creator) {
    out["inviter_id"] = who.inviter;
    out["date"] = who.date;
  }
  return out;
}

json participants_view(const room& where, account_id viewer) {
  if (!where.has(viewer)) {
    json out = make("chatParticipantsForbidden");
    out["chat_id"] = bare_id(where.id);
    return out;
  }
  json out = make("chatParticipants");
  out["chat_id"] = bare_id(where.id);
  out["participants"] = json::array();
  for (const auto& [user, who] : where.members) {
    if (who.inside()) {
      out["participants"].push_back(participant_view(who));
    }
  }
  out["version"] = where.version;
  return out;
}

json channel_participant_view(const room_member& who, account_id viewer) {
  json out;
  switch (who.role) {
  case member_role::creator:
    out = make("channelParticipantCreator");
    out["user_id"] = who.user;
    out["admin_rights"] = admin_rights_view(who);
    break;
  case member_role::admin:
    out = make("channelParticipantAdmin");
    if (who.user == viewer) {
      out["self"] = true;
      out["inviter_id"] = who.inviter;
    }
    if (who.actor == viewer) {
      out["can_edit"] = true;
    }
    out["user_id"] = who.user;
    out["promoted_by"] = who.actor;
    out["date"] = who.date;
    out["admin_rights"] = admin_rights_view(who);
    break;
  case member_role::member:
    if (who.rights.is_object()) {
      out = make("channelParticipantBanned");
      break;
    }
    out = make(who.user == viewer ? "channelParticipantSelf" : "channelParticipant");
    out["user_id"] = who.user;
    out["date"] = who.date;
    if (who.user == viewer) {
      out["inviter_id"] = who.inviter;
    }
    return out;
  case member_role::banned:
    out = make("channelParticipantBanned");
    out["left"] = true;
    break;
  case member_role::left:
    return {};
  }
  if (kind(out) == "channelParticipantBanned") {
    out["peer"] = peer_view(who.user);
    out["kicked_by"] = who.actor;
    out["date"] = who.date;
    out["banned_rights"] = who.rights;
  }
  if (!who.rank.empty()) {
    out["rank"] = who.rank;
  }
  return out;
}

json invite_view(const invite_link& link) {
  json out = make("chatInviteExported");
  if (link.revoked) {
    out["revoked"] = true;
  }
  if (link.request_needed) {
    out["request_needed"] = true;
  } else {
    out["permanent"] = true;
  }
  out["link"] = std::string{link_head} + link.hash;
  out["admin_id"] = link.admin;
  out["date"] = link.date;
  if (link.usage != 0) {
    out["usage"] = link.usage;
  }
  return out;
}

json full_room_view(core& in, const account& viewer, const room& where) {
  json out = common_full(where, pinned_in(in, viewer, where));
  json bots = json::array();
  for (const auto& [user, who] : where.members) {
    const account* one = who.inside() ? in.data.find(user) : nullptr;
    if (one != nullptr && one->bot) {
      bots.push_back(bot_info_view(*one));
    }
  }
  if (!where.is_channel()) {
    out["participants"] = participants_view(where, viewer.id);
    out["bot_info"] = std::move(bots);
    return out;
  }
  out["bot_info"] = where.kind == room_kind::supergroup ? std::move(bots) : json::array();
  add_channel_full(in, viewer, where, out);
  return out;
}

dialog dialog_of(core& in, const account& owner, peer_id peer) {
  if (!is_channel(peer)) {
    const auto at = owner.dialogs.find(peer);
    return at != owner.dialogs.end() ? at->second : dialog{};
  }
  const room* where = in.data.find_room(peer);
  dialog out;
  if (where == nullptr) {
    return out;
  }
  const room_member* mine = where->find(owner.id);
  if (mine != nullptr) {
    out.read_inbox = mine->read_inbox;
    out.read_outbox = mine->read_outbox;
  }
  out.top = where->history.empty() ? 0 : where->history.rbegin()->first;
  for (auto at = where->history.upper_bound(out.read_inbox); at != where->history.end(); ++at) {
    out.unread += in.data.message(at->second)->from != owner.id ? 1 : 0;
  }
  return out;
}

} // namespace cafegram::sandbox
