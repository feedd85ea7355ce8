#include <cafegram/sandbox/core.hpp>
#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/room_steps.hpp>
#include <cafegram/sandbox/views.hpp>

/// Basic groups. Spec: "messages.createChat" and its neighbours.
namespace cafegram::sandbox {

namespace {

json invited(json updates) {
  json out = make("messages.invitedUsers");
  out["updates"] = std::move(updates);
  out["missing_invitees"] = json::array();
  return out;
}

or_refusal<account*> user_of(step& at, const json& request) {
  const json* input = member(request, "user_id");
  return at.peer(input != nullptr ? *input : json{{"_", "inputUserEmpty"}});
}

or_refusal<room*> group_of(step& at, const json& request) {
  auto found = at.group(number(request, "chat_id"));
  if (found && (*found)->closed()) {
    return refuse("CHAT_ID_INVALID");
  }
  return found;
}

answer create_chat(step& at, const json& request) {
  std::vector<account*> users;
  for (const json& one : items(request, "users")) {
    const auto who = at.peer(one);
    if (!who) {
      return std::unexpected(who.error());
    }
    users.push_back(*who);
  }
  const auto made = make_group(at, *at.me, std::string{text(request, "title")}, users);
  return made ? answer{invited(at.own_updates())} : std::unexpected(made.error());
}

answer add_chat_user(step& at, const json& request) {
  const auto where = group_of(at, request);
  const auto who = user_of(at, request);
  if (!where || !who) {
    return std::unexpected(where ? who.error() : where.error());
  }
  if (auto good = add_member(at, *at.me, **where, **who); !good) {
    return std::unexpected(good.error());
  }
  return invited(at.own_updates());
}

answer delete_chat_user(step& at, const json& request) {
  const auto where = group_of(at, request);
  const auto who = user_of(at, request);
  if (!where || !who) {
    return std::unexpected(where ? who.error() : where.error());
  }
  if (auto good = remove_member(at, *at.me, **where, **who); !good) {
    return std::unexpected(good.error());
  }
  return at.own_updates();
}

answer edit_chat_title(step& at, const json& request) {
  const auto where = group_of(at, request);
  if (!where) {
    return std::unexpected(where.error());
  }
  if (auto good = set_title(at, *at.me, **where, std::string{text(request, "title")}); !good) {
    return std::unexpected(good.error());
  }
  return at.own_updates();
}

answer edit_chat_admin(step& at, const json& request) {
  const auto where = group_of(at, request);
  const auto who = user_of(at, request);
  if (!where || !who) {
    return std::unexpected(where ? who.error() : where.error());
  }
  const auto good = set_group_admin(at, *at.me, **where, **who, flag(request, "is_admin"));
  return good ? answer{true} : std::unexpected(good.error());
}

/// Of basic groups and supergroups: what members may not do from now on.
answer edit_default_banned_rights(step& at, const json& request) {
  const auto where = at.chat_of(request);
  if (!where || where->in == nullptr || where->in->kind == room_kind::broadcast) {
    return where ? refuse("PEER_ID_INVALID") : std::unexpected(where.error());
  }
  room& in = *where->in;
  if (!in.may(at.me->id, "ban_users")) {
    return refuse("CHAT_ADMIN_REQUIRED");
  }
  const json* given = member(request, "banned_rights");
  const json rights = given != nullptr ? *given : json::object();
  json banned = json::object();
  for (const auto& [name, value] : rights.items()) {
    if (value == true) {
      banned[name] = true;
    }
  }
  if (banned == in.banned) {
    return refuse("CHAT_NOT_MODIFIED");
  }
  in.banned = std::move(banned);
  in.version += in.is_channel() ? 0 : 1;
  at.in.data.save(in);
  json update = make("updateChatDefaultBannedRights");
  update["peer"] = peer_view(in.id);
  update["default_banned_rights"] = banned_rights_view(in.banned);
  update["version"] = in.version;
  for (const auto& [user, member] : in.members) {
    if (member.inside()) {
      at.push(*at.in.data.find(user), update, {in.id});
    }
  }
  tell_page(at, in);
  return at.own_updates();
}

answer edit_about(step& at, const json& request) {
  const auto where = at.chat_of(request);
  if (!where || where->in == nullptr) {
    return where ? refuse("PEER_ID_INVALID") : std::unexpected(where.error());
  }
  room& in = *where->in;
  if (!in.may(at.me->id, "change_info")) {
    return refuse("CHAT_ADMIN_REQUIRED");
  }
  const auto about = text(request, "about");
  if (about.size() > 255) {
    return refuse("CHAT_ABOUT_TOO_LONG");
  }
  if (about == in.about) {
    return refuse("CHAT_ABOUT_NOT_MODIFIED");
  }
  in.about = about;
  at.in.data.save(in);
  tell_page(at, in);
  return true;
}

answer get_chats(step& at, const json& request) {
  json out = make("messages.chats");
  out["chats"] = json::array();
  for (const json& id : items(request, "id")) {
    const auto found = at.group(tl::int64_from_json(id).value_or(0));
    if (!found) {
      return std::unexpected(found.error());
    }
    out["chats"].push_back(room_view(at.in, at.me->id, **found));
  }
  return out;
}

answer get_full_chat(step& at, const json& request) {
  const auto found = at.group(number(request, "chat_id"));
  if (!found) {
    return std::unexpected(found.error());
  }
  json out = make("messages.chatFull");
  out["full_chat"] = full_room_view(at.in, *at.me, **found);
  std::vector<peer_id> about{(*found)->id, at.me->id};
  for (const auto& [user, member] : (*found)->members) {
    if (member.inside() && (*found)->has(at.me->id)) {
      about.push_back(user);
    }
  }
  describe(at.in, at.me->id, std::move(about), out);
  return out;
}

answer migrate_chat(step& at, const json& request) {
  const auto where = group_of(at, request);
  if (!where) {
    return std::unexpected(where.error());
  }
  if ((*where)->creator != at.me->id || !(*where)->has(at.me->id)) {
    return refuse("CHAT_ADMIN_REQUIRED");
  }
  migrate(at, *at.me, **where);
  return at.own_updates();
}

} // namespace

std::span<const method> group_methods() {
  static constexpr method table[] = {
      {"messages.createChat", audience::person, create_chat},
      {"messages.addChatUser", audience::person, add_chat_user},
      {"messages.deleteChatUser", audience::logged_in, delete_chat_user},
      {"messages.editChatTitle", audience::logged_in, edit_chat_title},
      {"messages.editChatAbout", audience::logged_in, edit_about},
      {"messages.editChatAdmin", audience::person, edit_chat_admin},
      {"messages.editChatDefaultBannedRights", audience::logged_in, edit_default_banned_rights},
      {"messages.getChats", audience::logged_in, get_chats},
      {"messages.getFullChat", audience::logged_in, get_full_chat},
      {"messages.migrateChat", audience::person, migrate_chat},
  };
  return table;
}

} // namespace cafegram::sandbox
