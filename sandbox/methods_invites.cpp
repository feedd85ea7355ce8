#include <cafegram/sandbox/core.hpp>
#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/room_steps.hpp>
#include <cafegram/sandbox/views.hpp>

#include <algorithm>
#include <array>

/// Links by which people come in, and those who ask to be let in. Spec: "Invite links".
namespace cafegram::sandbox {

namespace {

constexpr std::size_t most_links = 1000;

std::string new_hash(const step& at) {
  std::array<std::uint8_t, 12> octets{};
  at.in.random->fill(octets);
  std::string out = to_base64(octets); // 16 letters
  std::ranges::replace(out, '+', '-');
  std::ranges::replace(out, '/', '_');
  return out;
}

answer export_invite(step& at, const json& request) {
  const auto where = at.chat_of(request);
  if (!where || where->in == nullptr) {
    return where ? refuse("PEER_ID_INVALID") : std::unexpected(where.error());
  }
  room& in = *where->in;
  const room_member* mine = in.find(at.me->id);
  if (mine == nullptr || !mine->leads() || !in.may(at.me->id, "invite_users")) {
    return refuse("CHAT_ADMIN_REQUIRED");
  }
  if (in.links.size() >= most_links) {
    return refuse("EXPORTED_INVITES_TOO_MUCH");
  }
  if (flag(request, "legacy_revoke_permanent")) {
    for (invite_link& link : in.links) {
      link.revoked = link.revoked || link.admin == at.me->id;
    }
  }
  in.links.push_back({new_hash(at), at.me->id, at.unix_time(), flag(request, "request_needed")});
  at.in.data.save(in);
  return invite_view(in.links.back());
}

/// The room and the link of a hash that is good.
struct way_in {
  room* where = nullptr;
  invite_link* link = nullptr;
};

or_refusal<way_in> way_of(step& at, const json& request) {
  const auto hash = text(request, "hash");
  if (hash.empty()) {
    return refuse("INVITE_HASH_EMPTY");
  }
  room* found = at.in.data.find_link(hash);
  if (found == nullptr) {
    return refuse("INVITE_HASH_INVALID");
  }
  const auto link = std::ranges::find(found->links, hash, &invite_link::hash);
  const room_member* mine = found->find(at.me->id);
  const bool banned = mine != nullptr && mine->role == member_role::banned;
  if (found->closed() || link->revoked || banned) {
    return refuse("INVITE_HASH_EXPIRED");
  }
  return way_in{found, &*link};
}

answer check_invite(step& at, const json& request) {
  const auto way = way_of(at, request);
  if (!way) {
    return std::unexpected(way.error());
  }
  const room& in = *way->where;
  if (in.has(at.me->id)) {
    json out = make("chatInviteAlready");
    out["chat"] = room_view(at.in, at.me->id, in);
    return out;
  }
  json out = make("chatInvite");
  if (in.is_channel()) {
    out["channel"] = true;
    out[in.kind == room_kind::broadcast ? "broadcast" : "megagroup"] = true;
  }
  if (!in.username.empty()) {
    out["public"] = true;
  }
  if (way->link->request_needed) {
    out["request_needed"] = true;
  }
  out["title"] = in.title;
  if (!in.about.empty()) {
    out["about"] = in.about;
  }
  out["photo"] = make("photoEmpty");
  out["photo"]["id"] = 0;
  out["participants_count"] = in.size();
  out["color"] = 0;
  return out;
}

/// Admins are told of somebody who wants to come in: bots by their qts.
void tell_of_request(step& at, const room& where, const invite_link& link) {
  for (const auto& [user, member] : where.members) {
    if (!member.leads() || !where.may(user, "invite_users")) {
      continue;
    }
    account& admin = *at.in.data.find(user);
    json update = make(admin.bot ? "updateBotChatInviteRequester" : "updatePendingJoinRequests");
    update["peer"] = peer_view(where.id);
    if (admin.bot) {
      update["date"] = at.unix_time();
      update["user_id"] = at.me->id;
      update["about"] = at.me->about;
      update["invite"] = invite_view(link);
      at.note(admin, std::move(update), {where.id, at.me->id});
      continue;
    }
    update["requests_pending"] = where.asks.size();
    update["recent_requesters"] = json::array({at.me->id});
    at.push(admin, std::move(update), {where.id, at.me->id});
  }
}

answer import_invite(step& at, const json& request) {
  const auto way = way_of(at, request);
  if (!way) {
    return std::unexpected(way.error());
  }
  room& in = *way->where;
  if (in.has(at.me->id)) {
    return refuse("USER_ALREADY_PARTICIPANT");
  }
  if (!in.is_channel() && static_cast<std::size_t>(in.size()) >= most_in_group) {
    return refuse("USERS_TOO_MUCH");
  }
  if (way->link->request_needed) {
    in.asks[at.me->id] = at.unix_time();
    at.in.data.save(in);
    tell_of_request(at, in, *way->link);
    return refuse("INVITE_REQUEST_SENT");
  }
  ++way->link->usage;
  json action = make("messageActionChatJoinedByLink");
  action["inviter_id"] = way->link->admin;
  enter(at, in, *at.me, std::move(action), way->link);
  json out = make("messages.chatInviteJoinResultOk");
  out["updates"] = at.own_updates();
  return out;
}

answer hide_request(step& at, const json& request) {
  const auto where = at.chat_of(request);
  const json* input = member(request, "user_id");
  const auto who = at.peer(input != nullptr ? *input : json{{"_", "inputUserEmpty"}});
  if (!where || where->in == nullptr) {
    return where ? refuse("PEER_ID_INVALID") : std::unexpected(where.error());
  }
  if (!who) {
    return std::unexpected(who.error());
  }
  room& in = *where->in;
  const room_member* mine = in.find(at.me->id);
  if (mine == nullptr || !mine->leads() || !in.may(at.me->id, "invite_users")) {
    return refuse("CHAT_ADMIN_REQUIRED");
  }
  if (in.has((*who)->id)) {
    return refuse("USER_ALREADY_PARTICIPANT");
  }
  if (in.asks.erase((*who)->id) == 0) {
    return refuse("HIDE_REQUESTER_MISSING");
  }
  if (flag(request, "approved")) {
    enter(at, in, **who, make("messageActionChatJoinedByRequest"));
  } else {
    at.in.data.save(in);
  }
  return at.own_updates();
}

} // namespace

std::span<const method> invite_methods() {
  static constexpr method table[] = {
      {"messages.exportChatInvite", audience::logged_in, export_invite},
      {"messages.checkChatInvite", audience::person, check_invite},
      {"messages.importChatInvite", audience::person, import_invite},
      {"messages.hideChatJoinRequest", audience::logged_in, hide_request},
  };
  return table;
}

} // namespace cafegram::sandbox
