#include <cafegram/sandbox/core.hpp>
#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/room_steps.hpp>
#include <cafegram/sandbox/text.hpp>
#include <cafegram/sandbox/views.hpp>

#include <algorithm>

/// Who is in a channel or supergroup, and what they may do there. Spec: "channels.editAdmin",
/// "channels.getParticipants".
namespace cafegram::sandbox {

namespace {

constexpr std::int32_t longest_member_page = 200;

or_refusal<room*> channel_of(step& at, const json& request) {
  const json* input = member(request, "channel");
  return at.channel(input != nullptr ? *input : json::object());
}

answer invite(step& at, const json& request) {
  const auto where = channel_of(at, request);
  if (!where) {
    return std::unexpected(where.error());
  }
  std::vector<account*> users;
  for (const json& one : items(request, "users")) {
    const auto who = at.peer(one);
    if (!who) {
      return std::unexpected(who.error());
    }
    if (std::ranges::find(users, *who) == users.end()) {
      users.push_back(*who);
    }
  }
  // One who is there already is passed over, unless it is the only one.
  if (users.size() > 1) {
    std::erase_if(users, [&](const account* who) { return (*where)->has(who->id); });
  }
  // All are looked at before the first one comes in.
  for (const account* who : users) {
    if (auto good = check_addition(*at.me, **where, *who); !good) {
      return std::unexpected(good.error());
    }
  }
  for (account* who : users) {
    if (auto good = add_member(at, *at.me, **where, *who); !good) {
      return std::unexpected(good.error());
    }
  }
  json out = make("messages.invitedUsers");
  out["updates"] = at.own_updates();
  out["missing_invitees"] = json::array();
  return out;
}

answer edit_admin(step& at, const json& request) {
  const auto where = channel_of(at, request);
  const json* input = member(request, "user_id");
  const auto who = at.peer(input != nullptr ? *input : json{{"_", "inputUserEmpty"}});
  if (!where || !who) {
    return std::unexpected(where ? who.error() : where.error());
  }
  const json* rights = member(request, "admin_rights");
  const auto good =
      set_admin(at, *at.me, **where, **who, rights != nullptr ? *rights : json::object(),
                std::string{text(request, "rank").substr(0, 16)});
  return good ? answer{at.own_updates()} : std::unexpected(good.error());
}

/// The participant of a request: an `InputPeer`, in old layers an `InputUser`.
or_refusal<account*> participant_of(step& at, const json& request) {
  const json* input = member(request, "participant");
  if (input == nullptr) {
    input = member(request, "user_id");
  }
  const auto who = at.peer(input != nullptr ? *input : json::object());
  return who ? who : refuse("PARTICIPANT_ID_INVALID");
}

answer edit_banned(step& at, const json& request) {
  const auto where = channel_of(at, request);
  const auto who = participant_of(at, request);
  if (!where || !who) {
    return std::unexpected(where ? who.error() : where.error());
  }
  const json* rights = member(request, "banned_rights");
  const auto good =
      set_banned(at, *at.me, **where, **who, rights != nullptr ? *rights : json::object());
  return good ? answer{at.own_updates()} : std::unexpected(good.error());
}

/// Members of a broadcast channel are for its admins to see, and everywhere who was restricted or
/// removed.
or_refusal<void> check_sight(const step& at, const room& where, const json& filter = {}) {
  const room_member* mine = where.find(at.me->id);
  const auto what = kind(filter);
  const bool for_admins = where.kind == room_kind::broadcast ||
                          what == "channelParticipantsKicked" ||
                          what == "channelParticipantsBanned";
  if (for_admins && (mine == nullptr || !mine->leads())) {
    return refuse("CHAT_ADMIN_REQUIRED");
  }
  return {};
}

answer get_participant(step& at, const json& request) {
  const auto where = channel_of(at, request);
  const auto who = participant_of(at, request);
  if (!where || !who) {
    return std::unexpected(where ? who.error() : where.error());
  }
  if (*who != at.me) {
    if (auto good = check_sight(at, **where); !good) {
      return std::unexpected(good.error());
    }
  }
  const room_member* found = (*where)->find((*who)->id);
  json view = found != nullptr ? channel_participant_view(*found, at.me->id) : json{};
  if (view.is_null()) {
    return refuse("USER_NOT_PARTICIPANT");
  }
  json out = make("channels.channelParticipant");
  out["participant"] = std::move(view);
  describe(at.in, at.me->id, {(*who)->id, (*where)->id, found->inviter, found->actor}, out);
  return out;
}

bool fits(const account& who, const room_member& member, const json& filter) {
  const auto what = kind(filter);
  const bool restricted = member.role == member_role::member && member.rights.is_object();
  if (what == "channelParticipantsKicked") {
    return member.role == member_role::banned;
  }
  if (what == "channelParticipantsBanned") {
    return restricted;
  }
  if (!member.inside() || what == "channelParticipantsContacts") {
    return false; // nobody has saved anybody
  }
  if (what == "channelParticipantsAdmins") {
    return member.leads();
  }
  if (what == "channelParticipantsBots") {
    return who.bot;
  }
  const auto query = text(filter, "q");
  return query.empty() || who.first_name.starts_with(query) || who.last_name.starts_with(query) ||
         same_name(who.username, query);
}

answer get_participants(step& at, const json& request) {
  const auto where = channel_of(at, request);
  if (!where) {
    return std::unexpected(where.error());
  }
  const json* given = member(request, "filter");
  const json filter = given != nullptr ? *given : json::object();
  if (auto good = check_sight(at, **where, filter); !good) {
    return std::unexpected(good.error());
  }
  std::vector<const room_member*> found;
  for (const auto& [user, member] : (*where)->members) {
    if (fits(*at.in.data.find(user), member, filter)) {
      found.push_back(&member);
    }
  }
  const auto limit =
      static_cast<std::size_t>(std::clamp(number32(request, "limit"), 0, longest_member_page));
  const auto offset = static_cast<std::size_t>(std::max(number32(request, "offset"), 0));
  json out = make("channels.channelParticipants");
  out["count"] = found.size();
  out["participants"] = json::array();
  std::vector<peer_id> about{(*where)->id};
  for (std::size_t i = offset; i < found.size() && out["participants"].size() < limit; ++i) {
    out["participants"].push_back(channel_participant_view(*found[i], at.me->id));
    about.push_back(found[i]->user);
  }
  describe(at.in, at.me->id, std::move(about), out);
  return out;
}

} // namespace

std::span<const method> member_methods() {
  static constexpr method table[] = {
      {"channels.inviteToChannel", audience::person, invite},
      {"channels.editAdmin", audience::logged_in, edit_admin},
      {"channels.editBanned", audience::logged_in, edit_banned},
      {"channels.getParticipant", audience::logged_in, get_participant},
      {"channels.getParticipants", audience::logged_in, get_participants},
  };
  return table;
}

} // namespace cafegram::sandbox
