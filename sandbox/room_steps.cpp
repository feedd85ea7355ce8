#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/room_steps.hpp>
#include <cafegram/sandbox/text.hpp>
#include <cafegram/sandbox/views.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace cafegram::sandbox {

namespace {

constexpr std::size_t longest_title = 255;

json action_of(std::string_view constructor) {
  return make(constructor);
}

json add_action(account_id who) {
  json out = action_of("messageActionChatAddUser");
  out["users"] = json::array({who});
  return out;
}

json remove_action(account_id who) {
  json out = action_of("messageActionChatDeleteUser");
  out["user_id"] = who;
  return out;
}

/// To all people and bots of a basic group.
void tell_group(step& at, const room& where, const json& update) {
  for (const auto& [user, member] : where.members) {
    if (member.inside()) {
      at.push(*at.in.data.find(user), update, {where.id, user});
    }
  }
}

json participants_update(const room& where, account_id viewer) {
  json out = make("updateChatParticipants");
  out["participants"] = participants_view(where, viewer);
  return out;
}

json added_update(const room& where, const room_member& who) {
  json out = make("updateChatParticipantAdd");
  out["chat_id"] = bare_id(where.id);
  out["user_id"] = who.user;
  out["inviter_id"] = who.inviter;
  out["date"] = who.date;
  out["version"] = where.version;
  return out;
}

std::vector<peer_id> all_names(const room& where) {
  std::vector<peer_id> out{where.id};
  for (const auto& [user, member] : where.members) {
    if (member.inside()) {
      out.push_back(user);
    }
  }
  return out;
}

/// Somebody is in a room from now on; those who were there hear of it.
void come_in(step& at, room& where, const account& actor, account& who, const invite_link* by) {
  room_member fresh;
  fresh.user = who.id;
  fresh.role = who.id == where.creator ? member_role::creator : member_role::member;
  if (const room_member* before = where.find(who.id);
      before != nullptr && before->role == member_role::left) {
    fresh.rights = before->rights; // what was forbidden stays so
  }
  fresh.inviter = actor.id == who.id && by != nullptr ? by->admin : actor.id;
  change_member(at, where, actor, std::move(fresh), by);
  if (where.is_channel()) {
    tell_channel(at, who, where);
    return;
  }
  const json update = added_update(where, *where.find(who.id));
  for (const auto& [user, member] : where.members) {
    account& one = *at.in.data.find(user);
    if (user == who.id) {
      at.push(one, participants_update(where, user), all_names(where));
    } else if (member.inside()) {
      at.push(one, update, {where.id, who.id, actor.id});
    }
  }
}

void go_out_of_group(step& at, room& where, account& actor, account& who, member_role becomes) {
  send_service(at, actor, {nullptr, &where}, remove_action(who.id));
  room_member after = *where.find(who.id);
  after.role = becomes;
  after.actor = actor.id;
  after.rights = {};
  change_member(at, where, actor, std::move(after));
  json update = make("updateChatParticipantDelete");
  update["chat_id"] = bare_id(where.id);
  update["user_id"] = who.id;
  update["version"] = where.version;
  tell_group(at, where, update);
  at.push(who, update, {where.id, who.id});
}

void go_out_of_channel(step& at, room& where, account& actor, account& who, member_role becomes,
                       json rights) {
  const bool was_inside = where.has(who.id);
  const room_member* before = where.find(who.id);
  room_member after = before != nullptr ? *before : room_member{};
  after.user = who.id;
  after.role = becomes;
  after.actor = actor.id;
  after.rights = std::move(rights);
  change_member(at, where, actor, std::move(after));
  if (was_inside && where.kind == room_kind::supergroup) {
    send_service(at, actor, {nullptr, &where}, remove_action(who.id));
  }
  if (was_inside) {
    tell_channel(at, who, where);
  }
}

} // namespace

or_refusal<void> check_title(std::string_view title) {
  return is_blank(title) || title.size() > longest_title ? refuse("CHAT_TITLE_EMPTY")
                                                         : or_refusal<void>{};
}

void tell_channel(step& at, account& to, const room& where) {
  json update = make("updateChannel");
  update["channel_id"] = bare_id(where.id);
  at.push(to, std::move(update), {where.id});
}

void tell_channel(step& at, const room& where) {
  for (const auto& [user, member] : where.members) {
    if (member.inside()) {
      tell_channel(at, *at.in.data.find(user), where);
    }
  }
}

void tell_page(step& at, const room& where) {
  at.out.events.emplace_back(page_events::group_changed{page_view(where)});
}

or_refusal<room*> make_group(step& at, account& creator, std::string title,
                             const std::vector<account*>& with) {
  if (auto good = check_title(title); !good) {
    return std::unexpected(good.error());
  }
  if (with.size() >= most_in_group) {
    return refuse("USERS_TOO_MUCH");
  }
  room fresh;
  fresh.id = at.in.data.next_group_id();
  fresh.title = std::move(title);
  fresh.creator = creator.id;
  fresh.created = at.unix_time();
  room& kept = at.in.data.add(std::move(fresh));
  room_member first;
  first.user = creator.id;
  first.role = member_role::creator;
  change_member(at, kept, creator, std::move(first));
  json action = action_of("messageActionChatCreate");
  action["title"] = kept.title;
  action["users"] = json::array({creator.id});
  for (const account* who : with) {
    if (kept.find(who->id) != nullptr) {
      continue;
    }
    room_member one;
    one.user = who->id;
    one.role = member_role::member;
    one.inviter = creator.id;
    change_member(at, kept, creator, std::move(one));
    action["users"].push_back(who->id);
  }
  kept.version = 1;
  at.in.data.save(kept);
  for (const auto& [user, member] : kept.members) {
    at.push(*at.in.data.find(user), participants_update(kept, user), all_names(kept));
  }
  send_service(at, creator, {nullptr, &kept}, std::move(action));
  return &kept;
}

or_refusal<room*> make_channel(step& at, account& creator, std::string title, std::string about,
                               room_kind kind) {
  if (auto good = check_title(title); !good) {
    return std::unexpected(good.error());
  }
  room fresh;
  fresh.id = at.in.data.next_channel_id();
  fresh.kind = kind;
  fresh.title = std::move(title);
  fresh.about = std::move(about);
  fresh.creator = creator.id;
  fresh.created = at.unix_time();
  if (kind == room_kind::supergroup) {
    fresh.banned = {{"change_info", true}, {"pin_messages", true}};
  }
  room& kept = at.in.data.add(std::move(fresh));
  room_member first;
  first.user = creator.id;
  first.role = member_role::creator;
  change_member(at, kept, creator, std::move(first));
  tell_channel(at, creator, kept);
  json action = action_of("messageActionChannelCreate");
  action["title"] = kept.title;
  const message_record& said = send_service(at, creator, {nullptr, &kept}, std::move(action));
  kept.find(creator.id)->read_inbox = said.id;
  at.in.data.save(kept, *kept.find(creator.id));
  return &kept;
}

room& migrate(step& at, account& actor, room& group) {
  room fresh;
  fresh.id = at.in.data.next_channel_id();
  fresh.kind = room_kind::supergroup;
  fresh.title = group.title;
  fresh.about = group.about;
  fresh.creator = group.creator;
  fresh.created = at.unix_time();
  fresh.banned = group.banned;
  fresh.migrated_from = group.id;
  room& kept = at.in.data.add(std::move(fresh));
  for (const auto& [user, member] : group.members) {
    if (member.inside()) {
      change_member(at, kept, actor, member);
    }
  }
  json action = action_of("messageActionChatMigrateTo");
  action["channel_id"] = bare_id(kept.id);
  group.migrated_to = kept.id;
  at.in.data.save(group);
  send_service(at, actor, {nullptr, &group}, std::move(action));
  tell_page(at, group);
  tell_channel(at, kept);
  action = action_of("messageActionChannelMigrateFrom");
  action["title"] = kept.title;
  action["chat_id"] = bare_id(group.id);
  send_service(at, actor, {nullptr, &kept}, std::move(action));
  return kept;
}

or_refusal<void> check_addition(const account& actor, const room& where, const account& who) {
  if (!where.has(actor.id)) {
    return refuse(where.is_channel() ? "CHANNEL_PRIVATE" : "CHAT_ID_INVALID");
  }
  if (!where.may(actor.id, "invite_users")) {
    return refuse("CHAT_ADMIN_REQUIRED");
  }
  if (where.has(who.id)) {
    return refuse("USER_ALREADY_PARTICIPANT");
  }
  if (where.kind == room_kind::broadcast && who.bot) {
    return refuse("USER_BOT");
  }
  const room_member* before = where.find(who.id);
  const bool banned =
      where.is_channel() && before != nullptr && before->role == member_role::banned;
  if (banned && !where.may(actor.id, "ban_users")) {
    return refuse("USER_KICKED");
  }
  if (!where.is_channel() && static_cast<std::size_t>(where.size()) >= most_in_group) {
    return refuse("USERS_TOO_MUCH");
  }
  return {};
}

or_refusal<void> add_member(step& at, account& actor, room& where, account& who) {
  if (auto good = check_addition(actor, where, who); !good) {
    return good;
  }
  come_in(at, where, actor, who, nullptr);
  if (where.kind != room_kind::broadcast) {
    send_service(at, actor, {nullptr, &where}, add_action(who.id));
  }
  return {};
}

void enter(step& at, room& where, account& who, json action, const invite_link* by) {
  come_in(at, where, who, who, by);
  if (where.kind != room_kind::broadcast) {
    send_service(at, who, {nullptr, &where}, std::move(action));
  }
}

or_refusal<void> remove_member(step& at, account& actor, room& where, account& who) {
  const room_member* member = where.find(who.id);
  if (member == nullptr || !member->inside()) {
    return refuse("USER_NOT_PARTICIPANT");
  }
  const bool own = actor.id == who.id;
  if (own && where.is_channel() && member->role == member_role::creator) {
    return refuse("USER_CREATOR");
  }
  const bool invited = member->inviter == actor.id && member->role == member_role::member;
  const bool allowed = own || (invited && where.has(actor.id)) || where.may(actor.id, "ban_users");
  if (!allowed || (!own && member->role == member_role::creator)) {
    return refuse("CHAT_ADMIN_REQUIRED");
  }
  const auto becomes = own ? member_role::left : member_role::banned;
  if (where.is_channel()) {
    const json kept = member->role == member_role::member ? member->rights : json{};
    go_out_of_channel(at, where, actor, who, becomes,
                      own ? kept : banned_rights_view({{"view_messages", true}}));
  } else {
    go_out_of_group(at, where, actor, who, becomes);
  }
  return {};
}

or_refusal<void> set_title(step& at, account& actor, room& where, std::string title) {
  if (!where.may(actor.id, "change_info")) {
    return refuse("CHAT_ADMIN_REQUIRED");
  }
  if (auto good = check_title(title); !good) {
    return good;
  }
  if (where.title == title) {
    return refuse("CHAT_NOT_MODIFIED");
  }
  where.title = std::move(title);
  where.version += where.is_channel() ? 0 : 1;
  at.in.data.save(where);
  json action = action_of("messageActionChatEditTitle");
  action["title"] = where.title;
  send_service(at, actor, {nullptr, &where}, std::move(action));
  tell_page(at, where);
  return {};
}

or_refusal<void> set_banned(step& at, account& actor, room& where, account& who,
                            const json& rights) {
  if (!where.may(actor.id, "ban_users")) {
    return refuse("CHAT_ADMIN_REQUIRED");
  }
  const room_member* before = where.find(who.id);
  const bool bans = flag(rights, "view_messages");
  if (before == nullptr && !bans) {
    return refuse("PARTICIPANT_ID_INVALID");
  }
  if (!where.answers_to(who.id, actor.id)) {
    return refuse("USER_ADMIN_INVALID");
  }
  if (bans) {
    go_out_of_channel(at, where, actor, who, member_role::banned, rights);
    return {};
  }
  room_member after = *before;
  const bool restricts = std::ranges::any_of(
      rights.items(), [](const auto& one) { return one.value() == json(true); });
  after.rights = restricts ? rights : json{};
  after.actor = actor.id;
  if (after.role == member_role::banned) {
    after.role = member_role::left;
  } else if (after.role == member_role::admin) {
    after.role = member_role::member;
  }
  change_member(at, where, actor, std::move(after));
  if (where.has(who.id)) {
    tell_channel(at, who, where);
  }
  return {};
}

or_refusal<void> delete_channel(step& at, account& actor, room& where) {
  if (where.creator != actor.id) {
    return refuse("CHAT_ADMIN_REQUIRED");
  }
  where.deleted = true;
  where.username.clear();
  at.in.data.save(where);
  tell_channel(at, where);
  tell_page(at, where);
  return {};
}

} // namespace cafegram::sandbox
