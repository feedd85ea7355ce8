#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/rooms.hpp>

#include <algorithm>
#include <array>

namespace cafegram::sandbox {

namespace {

/// What every member of a group may do unless the group or its admins say otherwise.
constexpr std::array<std::string_view, 3> open_to_all{"change_info", "invite_users",
                                                      "pin_messages"};

bool is_restricted(const room_member& who, std::string_view what) {
  return who.role == member_role::member && who.rights.is_object() && flag(who.rights, what);
}

} // namespace

const room_member* room::find(account_id user) const {
  const auto at = members.find(user);
  return at != members.end() ? &at->second : nullptr;
}

room_member* room::find(account_id user) {
  const auto at = members.find(user);
  return at != members.end() ? &at->second : nullptr;
}

bool room::has(account_id user) const {
  const room_member* who = find(user);
  return who != nullptr && who->inside();
}

std::int32_t room::size() const {
  return static_cast<std::int32_t>(
      std::ranges::count_if(members, [](const auto& entry) { return entry.second.inside(); }));
}

bool room::may(account_id user, std::string_view right) const {
  const room_member* who = find(user);
  if (who == nullptr || !who->inside() || closed()) {
    return false;
  }
  switch (who->role) {
  case member_role::creator:
    return true;
  case member_role::admin:
    if (who->rights.is_object() ? flag(who->rights, right) : right != "add_admins") {
      return true;
    }
    break;
  default:
    break;
  }
  return kind != room_kind::broadcast &&
         std::ranges::find(open_to_all, right) != open_to_all.end() && !flag(banned, right) &&
         !is_restricted(*who, right);
}

bool room::may_write(account_id user) const {
  const room_member* who = find(user);
  if (who == nullptr || !who->inside() || closed()) {
    return false;
  }
  if (kind == room_kind::broadcast) {
    return may(user, "post_messages");
  }
  return who->leads() || (!flag(banned, "send_messages") && !is_restricted(*who, "send_messages"));
}

bool room::answers_to(account_id user, account_id actor) const {
  const room_member* who = find(user);
  return who == nullptr || !who->leads() ||
         (who->role == member_role::admin && (who->actor == actor || actor == creator));
}

bool room::may_change_own(account_id user) const {
  return has(user) && (kind != room_kind::broadcast || may(user, "post_messages"));
}

} // namespace cafegram::sandbox
