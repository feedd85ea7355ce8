#include <cafegram/sandbox/core.hpp>
#include <cafegram/sandbox/names.hpp>
#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/room_steps.hpp>
#include <cafegram/sandbox/views.hpp>

/// Channels and supergroups. Spec: "channels.createChannel" and its neighbours.
namespace cafegram::sandbox {

namespace {

or_refusal<room*> channel_of(step& at, const json& request) {
  const json* input = member(request, "channel");
  return at.channel(input != nullptr ? *input : json::object());
}

/// What the caller gets of something that it has done, or the refusal.
answer done(step& at, const or_refusal<void>& good) {
  return good ? answer{at.own_updates()} : std::unexpected(good.error());
}

answer create_channel(step& at, const json& request) {
  const bool group = flag(request, "megagroup");
  const auto made = make_channel(at, *at.me, std::string{text(request, "title")},
                                 std::string{text(request, "about").substr(0, 255)},
                                 group ? room_kind::supergroup : room_kind::broadcast);
  return made ? answer{at.own_updates()} : std::unexpected(made.error());
}

answer delete_whole_channel(step& at, const json& request) {
  const auto where = channel_of(at, request);
  return where ? done(at, delete_channel(at, *at.me, **where)) : std::unexpected(where.error());
}

answer edit_title(step& at, const json& request) {
  const auto where = channel_of(at, request);
  return where ? done(at, set_title(at, *at.me, **where, std::string{text(request, "title")}))
               : std::unexpected(where.error());
}

answer join_channel(step& at, const json& request) {
  const json* input = member(request, "channel");
  const auto where = at.any_channel(input != nullptr ? *input : json::object());
  if (!where) {
    return std::unexpected(where.error());
  }
  room& in = **where;
  if (in.has(at.me->id)) {
    return refuse("USER_ALREADY_PARTICIPANT");
  }
  if (!may_look(in, at.me->id)) {
    return refuse("CHANNEL_PRIVATE");
  }
  json action = make("messageActionChatAddUser");
  action["users"] = json::array({at.me->id});
  enter(at, in, *at.me, std::move(action));
  json out = make("messages.chatInviteJoinResultOk");
  out["updates"] = at.own_updates();
  return out;
}

answer leave_channel(step& at, const json& request) {
  const json* input = member(request, "channel");
  const auto where = at.any_channel(input != nullptr ? *input : json::object());
  if (!where) {
    return std::unexpected(where.error());
  }
  return (*where)->closed() ? refuse("CHANNEL_PRIVATE")
                            : done(at, remove_member(at, *at.me, **where, *at.me));
}

answer get_channels(step& at, const json& request) {
  json out = make("messages.chats");
  out["chats"] = json::array();
  for (const json& one : items(request, "id")) {
    const auto found = at.any_channel(one);
    if (!found) {
      return std::unexpected(found.error());
    }
    out["chats"].push_back(room_view(at.in, at.me->id, **found));
  }
  return out;
}

answer get_full_channel(step& at, const json& request) {
  const auto where = channel_of(at, request);
  if (!where) {
    return std::unexpected(where.error());
  }
  json out = make("messages.chatFull");
  out["full_chat"] = full_room_view(at.in, *at.me, **where);
  std::vector<peer_id> about{(*where)->id, at.me->id};
  for (const auto& [user, member] : (*where)->members) {
    const account* who = at.in.data.find(user);
    if (member.inside() && who->bot && (*where)->kind == room_kind::supergroup) {
      about.push_back(user);
    }
  }
  if ((*where)->migrated_from != 0) {
    about.push_back((*where)->migrated_from);
  }
  describe(at.in, at.me->id, std::move(about), out);
  return out;
}

/// Whether that name is good and free for a channel.
or_refusal<bool> is_free(const step& at, const room& for_whom, std::string_view name) {
  if (!is_username(name)) {
    return refuse("USERNAME_INVALID");
  }
  const peer_id holder = at.in.data.find_name(name);
  return holder == 0 || holder == for_whom.id;
}

answer check_channel_username(step& at, const json& request) {
  const json* input = member(request, "channel");
  const auto name = text(request, "username");
  // Also asked for a channel that is not made yet.
  if (input == nullptr || kind(*input) == "inputChannelEmpty") {
    const auto free = is_free(at, {}, name);
    return free ? answer{*free} : std::unexpected(free.error());
  }
  const auto where = channel_of(at, request);
  if (!where) {
    return std::unexpected(where.error());
  }
  const auto free = is_free(at, **where, name);
  return free ? answer{*free} : std::unexpected(free.error());
}

answer update_channel_username(step& at, const json& request) {
  const auto where = channel_of(at, request);
  if (!where) {
    return std::unexpected(where.error());
  }
  room& in = **where;
  const auto name = text(request, "username");
  if (in.creator != at.me->id) {
    return refuse("CHAT_ADMIN_REQUIRED");
  }
  if (name == in.username) {
    return refuse("USERNAME_NOT_MODIFIED");
  }
  const auto free = name.empty() ? or_refusal<bool>{true} : is_free(at, in, name);
  if (!free) {
    return std::unexpected(free.error());
  }
  if (!*free) {
    return refuse("USERNAME_OCCUPIED");
  }
  in.username = name;
  at.in.data.save(in);
  tell_channel(at, in);
  tell_page(at, in);
  return true;
}

} // namespace

std::span<const method> channel_methods() {
  static constexpr method table[] = {
      {"channels.createChannel", audience::person, create_channel},
      {"channels.deleteChannel", audience::person, delete_whole_channel},
      {"channels.editTitle", audience::logged_in, edit_title},
      {"channels.joinChannel", audience::person, join_channel},
      {"channels.leaveChannel", audience::logged_in, leave_channel},
      {"channels.getChannels", audience::logged_in, get_channels},
      {"channels.getFullChannel", audience::logged_in, get_full_channel},
      {"channels.checkUsername", audience::person, check_channel_username},
      {"channels.updateUsername", audience::person, update_channel_username},
  };
  return table;
}

} // namespace cafegram::sandbox
