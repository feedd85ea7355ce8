#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/room_steps.hpp>
#include <cafegram/sandbox/views.hpp>

#include <optional>

/// What a member is, and who is told when it becomes something else.
namespace cafegram::sandbox {

namespace {

/// `updateChatParticipant` or `updateChannelParticipant`, which move a bot's qts.
json participant_update(const step& at, const room& where, const account& actor,
                        const std::optional<room_member>& before, const room_member& after,
                        const invite_link* by, account_id viewer) {
  const auto view = [&](const room_member& who) {
    if (where.is_channel()) {
      return channel_participant_view(who, viewer);
    }
    return who.inside() ? participant_view(who) : json{};
  };
  json out = make(where.is_channel() ? "updateChannelParticipant" : "updateChatParticipant");
  out[where.is_channel() ? "channel_id" : "chat_id"] = bare_id(where.id);
  out["date"] = at.unix_time();
  out["actor_id"] = actor.id;
  out["user_id"] = after.user;
  if (json was = before ? view(*before) : json{}; !was.is_null()) {
    out["prev_participant"] = std::move(was);
  }
  if (json is = view(after); !is.is_null()) {
    out["new_participant"] = std::move(is);
  }
  if (by != nullptr) {
    out["invite"] = invite_view(*by);
  }
  return out;
}

/// A bot hears of itself, and of others where it is an admin.
void tell_bots(step& at, const room& where, const account& actor,
               const std::optional<room_member>& before, const room_member& after,
               const invite_link* by) {
  for (const auto& [user, member] : where.members) {
    account& bot = *at.in.data.find(user);
    if (bot.bot && (user == after.user || member.leads())) {
      at.note(bot, participant_update(at, where, actor, before, after, by, user),
              {where.id, actor.id, after.user});
    }
  }
}

/// The rights that are true, in the words of the schema; null: there is none.
json true_rights(const json& given) {
  json out;
  for (const auto& [name, value] : given.items()) {
    if (value == true) {
      if (out.is_null()) {
        out = make("chatAdminRights");
      }
      out[name] = true;
    }
  }
  return out;
}

bool gives_more_than_has(const room& where, account_id actor, const json& rights) {
  for (const auto& [name, value] : rights.items()) {
    if (value == true && name != "other" && !where.may(actor, name)) {
      return true;
    }
  }
  return false;
}

} // namespace

void change_member(step& at, room& where, const account& actor, room_member after,
                   const invite_link* by) {
  const room_member* found = where.find(after.user);
  const auto before = found != nullptr ? std::optional{*found} : std::nullopt;
  if (after.inside() && (!before || !before->inside())) {
    after.date = at.unix_time();
    after.since = where.pts;
    after.seen_pts = where.pts;
    after.read_inbox = where.last_message;
    after.read_outbox = 0;
  }
  room_member& kept = where.members[after.user] = std::move(after);
  where.asks.erase(kept.user);
  where.version += where.is_channel() ? 0 : 1;
  at.in.data.save(where, kept);
  at.in.data.save(where);
  tell_bots(at, where, actor, before, kept, by);
  tell_page(at, where);
}

or_refusal<void> set_admin(step& at, account& actor, room& where, account& who, const json& rights,
                           std::string rank) {
  if (!where.may(actor.id, "add_admins")) {
    return refuse("CHAT_ADMIN_REQUIRED");
  }
  const room_member* before = where.find(who.id);
  if (before != nullptr && before->role == member_role::creator) {
    return refuse("USER_CREATOR");
  }
  if (!where.answers_to(who.id, actor.id)) {
    return refuse("CHAT_ADMIN_REQUIRED");
  }
  if (before != nullptr && before->role == member_role::banned) {
    return refuse("USER_KICKED");
  }
  if (gives_more_than_has(where, actor.id, rights)) {
    return refuse("RIGHT_FORBIDDEN", 403);
  }
  json given = true_rights(rights);
  const bool leads = !given.is_null();
  const bool fresh = before == nullptr || !before->inside();
  if (!leads && fresh) {
    return refuse("USER_NOT_PARTICIPANT");
  }
  room_member after = before != nullptr ? *before : room_member{};
  after.user = who.id;
  // A bot is in a channel as an admin or not at all.
  const bool leaves = !leads && who.bot && where.kind == room_kind::broadcast;
  after.role = leads ? member_role::admin : leaves ? member_role::left : member_role::member;
  after.inviter = fresh ? actor.id : after.inviter;
  after.actor = actor.id;
  after.rights = std::move(given);
  after.rank = std::move(rank);
  change_member(at, where, actor, std::move(after));
  tell_channel(at, who, where);
  return {};
}

or_refusal<void> set_group_admin(step& at, account& actor, room& where, account& who, bool leads) {
  // A creator who has left has no say either.
  if (where.creator != actor.id || !where.has(actor.id)) {
    return refuse("CHAT_ADMIN_REQUIRED");
  }
  if (!where.has(who.id)) {
    return refuse("USER_NOT_PARTICIPANT");
  }
  if (who.id == where.creator) {
    return refuse("USER_ID_INVALID");
  }
  room_member after = *where.find(who.id);
  after.role = leads ? member_role::admin : member_role::member;
  after.actor = actor.id;
  change_member(at, where, actor, std::move(after));
  json update = make("updateChatParticipantAdmin");
  update["chat_id"] = bare_id(where.id);
  update["user_id"] = who.id;
  update["is_admin"] = leads;
  update["version"] = where.version;
  for (const auto& [user, member] : where.members) {
    if (member.inside()) {
      at.push(*at.in.data.find(user), update, {where.id, who.id});
    }
  }
  return {};
}

} // namespace cafegram::sandbox
