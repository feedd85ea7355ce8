#include <cafegram/sandbox/core.hpp>
#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/views.hpp>

#include <algorithm>

/// Whom a caller means by an `InputPeer`, `InputUser` or `InputChannel`.
namespace cafegram::sandbox {

namespace {

bool is_from_message(std::string_view input) {
  return input.ends_with("FromMessage");
}

/// True where a message that the caller can see names that user or channel. Spec: "Min
/// constructors".
or_refusal<bool> seen_in_message(step& at, const json& input, peer_id who) {
  if (at.me->bot) {
    return refuse("FROM_MESSAGE_BOT_DISABLED");
  }
  const auto where = at.chat_of(input);
  if (!where) {
    return std::unexpected(where.error());
  }
  const message_record* found =
      at.in.data.find_message(*at.me, where->id(), number32(input, "msg_id"));
  std::vector<peer_id> names;
  if (found != nullptr) {
    add_names(*found, at.me->id, names);
  }
  return std::ranges::find(names, who) != names.end();
}

/// Where the one is, and the other is or has been, or asks the one to be let in.
bool share_a_room(const core& in, const account& one, account_id other) {
  const auto has = [&](peer_id id) {
    const room* both = is_user(id) ? nullptr : in.data.find_room(id);
    const room_member* mine = both != nullptr ? both->find(one.id) : nullptr;
    return mine != nullptr && mine->inside() &&
           (both->find(other) != nullptr || (mine->leads() && both->asks.contains(other)));
  };
  return std::ranges::any_of(one.channels, has) ||
         std::ranges::any_of(one.dialogs, [&](const auto& entry) { return has(entry.first); });
}

/// Bots may leave the hash out for those who have written to them or are where they are.
bool user_hash_fits(const step& at, account_id user, std::int64_t hash) {
  return hash == at.in.data.access_hash(at.me->id, user) ||
         (hash == 0 && at.me->bot &&
          (at.me->dialogs.contains(user) || share_a_room(at.in, *at.me, user)));
}

bool channel_hash_fits(const step& at, const room& in, std::int64_t hash) {
  return hash == at.in.data.access_hash(at.me->id, in.id) ||
         (hash == 0 && at.me->bot && in.find(at.me->id) != nullptr);
}

} // namespace

or_refusal<account*> step::peer(const json& input) {
  const auto what = kind(input);
  const bool is_input_user = what.starts_with("inputUser");
  const auto unknown = [is_input_user] {
    return refuse(is_input_user ? "USER_ID_INVALID" : "PEER_ID_INVALID");
  };
  if (what == "inputPeerSelf" || what == "inputUserSelf") {
    return me;
  }
  const account_id user = number(input, "user_id");
  account* found = in.data.find(user);
  if (what == "inputUserFromMessage" || what == "inputPeerUserFromMessage") {
    const auto seen = seen_in_message(*this, input, user);
    if (!seen) {
      return std::unexpected(seen.error());
    }
    return *seen && found != nullptr ? or_refusal<account*>{found} : unknown();
  }
  const bool known = (what == "inputUser" || what == "inputPeerUser") && found != nullptr &&
                     user_hash_fits(*this, user, number(input, "access_hash"));
  return known ? or_refusal<account*>{found} : unknown();
}

or_refusal<room*> step::any_channel(const json& input) {
  const auto what = kind(input);
  const std::int64_t id = number(input, "channel_id");
  room* found = is_bare_id(id) ? in.data.find_room(marked_channel(id)) : nullptr;
  if (is_from_message(what)) {
    const auto seen = seen_in_message(*this, input, found != nullptr ? found->id : 0);
    if (!seen) {
      return std::unexpected(seen.error());
    }
    return *seen && found != nullptr ? or_refusal<room*>{found} : refuse("CHANNEL_INVALID");
  }
  const bool known = (what == "inputChannel" || what == "inputPeerChannel") && found != nullptr &&
                     channel_hash_fits(*this, *found, number(input, "access_hash"));
  return known ? or_refusal<room*>{found} : refuse("CHANNEL_INVALID");
}

or_refusal<room*> step::channel(const json& input) {
  auto found = any_channel(input);
  if (found && !may_look(**found, me->id)) {
    return refuse("CHANNEL_PRIVATE");
  }
  return found;
}

or_refusal<room*> step::group(std::int64_t id) {
  room* found = is_bare_id(id) ? in.data.find_room(marked_group(id)) : nullptr;
  if (found == nullptr || found->find(me->id) == nullptr) {
    return refuse("CHAT_ID_INVALID");
  }
  return found;
}

or_refusal<place> step::chat(const json& input) {
  const auto what = kind(input);
  if (what == "inputPeerChat") {
    const auto found = group(number(input, "chat_id"));
    return found ? or_refusal<place>{place{nullptr, *found}} : refuse("PEER_ID_INVALID");
  }
  if (what.starts_with("inputPeerChannel")) {
    const auto found = channel(input);
    return found ? or_refusal<place>{place{nullptr, *found}} : std::unexpected(found.error());
  }
  const auto found = peer(input);
  return found ? or_refusal<place>{place{*found, nullptr}} : std::unexpected(found.error());
}

or_refusal<place> step::chat_of(const json& request, std::string_view name) {
  const json* input = member(request, name);
  return chat(input != nullptr ? *input : json::object());
}

} // namespace cafegram::sandbox
