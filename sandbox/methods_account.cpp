#include <cafegram/sandbox/core.hpp>
#include <cafegram/sandbox/names.hpp>
#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/views.hpp>

/// People and bots: who they are, and who is who.
namespace cafegram::sandbox {

namespace {

answer get_users(step& at, const json& request) {
  json out = json::array();
  for (const json& one : items(request, "id")) {
    // Who cannot be told from the input is left out.
    if (const auto who = at.peer(one)) {
      out.push_back(user_view(at.in, at.me->id, **who));
    }
  }
  return out;
}

answer get_full_user(step& at, const json& request) {
  const json* input = member(request, "id");
  const auto who = at.peer(input != nullptr ? *input : json::object());
  if (!who) {
    return std::unexpected(who.error());
  }
  json full = make("userFull");
  full["id"] = (*who)->id;
  if (!(*who)->about.empty()) {
    full["about"] = (*who)->about;
  }
  full["settings"] = make("peerSettings");
  full["notify_settings"] = make("peerNotifySettings");
  full["common_chats_count"] = 0;
  if ((*who)->bot) {
    full["bot_info"] = bot_info_view(**who);
  }
  if (at.me->blocked.contains((*who)->id)) {
    full["blocked"] = true;
  }
  json out = make("users.userFull");
  out["full_user"] = std::move(full);
  describe(at.in, at.me->id, {(*who)->id}, out);
  return out;
}

json resolved(const step& at, peer_id who) {
  json out = make("contacts.resolvedPeer");
  out["peer"] = peer_view(who);
  describe(at.in, at.me->id, {who}, out);
  return out;
}

answer resolve_username(step& at, const json& request) {
  const auto name = text(request, "username");
  if (!is_username(name)) {
    return refuse("USERNAME_INVALID");
  }
  const peer_id found = at.in.data.find_name(name);
  if (found == 0) {
    return refuse("USERNAME_NOT_OCCUPIED");
  }
  return resolved(at, found);
}

answer resolve_phone(step& at, const json& request) {
  const account* found = at.in.data.find_phone(text(request, "phone"));
  if (found == nullptr) {
    return refuse("PHONE_NOT_OCCUPIED");
  }
  return resolved(at, found->id);
}

/// Nobody has saved anybody; who is known is in the dialogs.
answer get_contacts(step&, const json&) {
  json out = make("contacts.contacts");
  out["contacts"] = json::array();
  out["saved_count"] = 0;
  out["users"] = json::array();
  return out;
}

/// A bot hears that somebody does not want to hear of it any more, or does again.
void tell_stopped(step& at, account& bot, bool stopped) {
  json update = make("updateBotStopped");
  update["user_id"] = at.me->id;
  update["date"] = at.unix_time();
  update["stopped"] = stopped;
  at.note(bot, std::move(update), {at.me->id});
}

answer set_blocked(step& at, const json& request, bool blocked) {
  const json* input = member(request, "id");
  const auto who = at.peer(input != nullptr ? *input : json::object());
  if (!who) {
    return std::unexpected(who.error());
  }
  if (*who == at.me) {
    return refuse("CONTACT_ID_INVALID");
  }
  const bool changes =
      blocked ? at.me->blocked.insert((*who)->id).second : at.me->blocked.erase((*who)->id) != 0;
  if (!changes) {
    return true;
  }
  at.in.data.save(*at.me);
  if ((*who)->bot) {
    tell_stopped(at, **who, blocked);
  }
  json update = make("updatePeerBlocked");
  if (blocked) {
    update["blocked"] = true;
  }
  update["peer_id"] = peer_view((*who)->id);
  at.push(*at.me, std::move(update), {(*who)->id});
  return true;
}

answer block(step& at, const json& request) {
  return set_blocked(at, request, true);
}

answer unblock(step& at, const json& request) {
  return set_blocked(at, request, false);
}

answer update_status(step& at, const json& request) {
  at.me->online = !flag(request, "offline");
  at.me->seen = at.unix_time();
  at.in.data.save(*at.me);
  for (const auto& [peer, talk] : at.me->dialogs) {
    account* other = at.in.data.find(peer);
    if (other == nullptr || other->bot || other == at.me) {
      continue;
    }
    json update = make("updateUserStatus");
    update["user_id"] = at.me->id;
    update["status"] = status_view(*at.me, at.unix_time());
    at.push(*other, std::move(update), {at.me->id});
  }
  return true;
}

answer changed(step& at) {
  at.in.data.save(*at.me);
  at.out.events.emplace_back(page_events::user_changed{page_view(*at.me)});
  return user_view(at.in, at.me->id, *at.me);
}

answer update_profile(step& at, const json& request) {
  if (member(request, "first_name") != nullptr) {
    const auto name = text(request, "first_name");
    if (name.empty() || name.size() > 255) {
      return refuse("FIRSTNAME_INVALID");
    }
    at.me->first_name = name;
  }
  if (member(request, "last_name") != nullptr) {
    at.me->last_name = text(request, "last_name").substr(0, 255);
  }
  if (member(request, "about") != nullptr) {
    const auto about = text(request, "about");
    if (about.size() > 280) {
      return refuse("ABOUT_TOO_LONG");
    }
    at.me->about = about;
  }
  return changed(at);
}

answer check_username(step& at, const json& request) {
  const auto name = text(request, "username");
  if (!is_username(name)) {
    return refuse("USERNAME_INVALID");
  }
  return at.in.data.find_name(name) == 0;
}

answer update_username(step& at, const json& request) {
  const auto name = text(request, "username");
  if (!name.empty() && !is_username(name)) {
    return refuse("USERNAME_INVALID");
  }
  if (name == at.me->username) {
    return refuse("USERNAME_NOT_MODIFIED");
  }
  const peer_id holder = at.in.data.find_name(name);
  if (holder != 0 && holder != at.me->id) {
    return refuse("USERNAME_OCCUPIED");
  }
  at.me->username = name;
  return changed(at);
}

} // namespace

bool is_username(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto fits = [&letter](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_'; };
  if (name.size() < 3 || name.size() > 32 || !letter(name.front())) {
    return false;
  }
  for (const char c : name) {
    if (!fits(c)) {
      return false;
    }
  }
  return true;
}

std::span<const method> account_methods() {
  static constexpr method table[] = {
      {"users.getUsers", audience::logged_in, get_users},
      {"users.getFullUser", audience::logged_in, get_full_user},
      {"contacts.resolveUsername", audience::logged_in, resolve_username},
      {"contacts.resolvePhone", audience::person, resolve_phone},
      {"contacts.getContacts", audience::person, get_contacts},
      {"contacts.block", audience::person, block},
      {"contacts.unblock", audience::person, unblock},
      {"account.updateStatus", audience::person, update_status},
      {"account.updateProfile", audience::person, update_profile},
      {"account.checkUsername", audience::person, check_username},
      {"account.updateUsername", audience::person, update_username},
  };
  return table;
}

} // namespace cafegram::sandbox
