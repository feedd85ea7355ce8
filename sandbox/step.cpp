#include <cafegram/sandbox/core.hpp>
#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/views.hpp>

namespace cafegram::sandbox {

namespace {

/// True where a message of the caller's box shows that user.
bool seen_in(step& at, std::int32_t message, account_id user) {
  const message_record* found = at.in.data.in_box(*at.me, message);
  return found != nullptr && (found->from == user || found->to == user);
}

/// Bots may leave the hash out for those who have written to them.
bool hash_fits(const step& at, account_id user, std::int64_t hash) {
  return hash == at.in.data.access_hash(at.me->id, user) ||
         (hash == 0 && at.me->bot && at.me->dialogs.contains(user));
}

page_event page_event_of(const core& in, const account& owner, const box_event& event) {
  const auto at = owner.box.find(event.ids.front());
  switch (event.kind) {
  case event_kind::message:
  case event_kind::edited: {
    page_message message = page_view(in, owner, *in.data.message(at->second));
    if (event.kind == event_kind::message) {
      return page_events::message_new{owner.id, event.peer, std::move(message)};
    }
    return page_events::message_edited{owner.id, event.peer, std::move(message)};
  }
  case event_kind::deleted:
    return page_events::messages_deleted{owner.id, event.peer, event.ids};
  default:
    return page_events::messages_read{owner.id, event.peer, event.ids.front()};
  }
}

} // namespace

or_refusal<account*> step::peer(const json& input) {
  const auto what = kind(input);
  const bool is_user = what.starts_with("inputUser");
  if (what == "inputPeerSelf" || what == "inputUserSelf") {
    return me;
  }
  const account_id user = number(input, "user_id");
  account* found = in.data.find(user);
  const bool from_message = what == "inputUserFromMessage" || what == "inputPeerUserFromMessage";
  const bool known = from_message ? seen_in(*this, number32(input, "msg_id"), user)
                                  : (what == "inputUser" || what == "inputPeerUser") &&
                                        hash_fits(*this, user, number(input, "access_hash"));
  if (found == nullptr || !known) {
    return refuse(is_user ? "USER_ID_INVALID" : "PEER_ID_INVALID");
  }
  return found;
}

json step::note(account& owner, event_kind what, account_id peer_id,
                std::vector<std::int32_t> ids) {
  return announce(owner, in.data.note(owner, what, peer_id, std::move(ids)));
}

json step::announce(account& owner, const box_event& event) {
  json update = update_view(in, owner, event);
  push(owner, update, {owner.id, event.peer});
  // The other side of a read tells the page; here it would be told twice.
  if (event.kind != event_kind::read_inbox) {
    out.events.push_back(page_event_of(in, owner, event));
  }
  return update;
}

void step::push(const account& to, json update, std::vector<account_id> about) {
  auto keys = in.data.keys_of(to.id);
  if (!in.options.data_centres.empty()) {
    // A login that was carried to another data centre gets no updates there.
    std::erase_if(keys, [&, home = home_of(in.options, to)](std::uint64_t id) {
      const key_record* one = in.data.find_key(id);
      return one == nullptr || dc_number(one->dc) != home;
    });
  }
  if (keys.empty()) {
    return;
  }
  sandbox::push one{to.id, keys, 0, 0, {}};
  if (me == &to) {
    one.except_key = who.key;
    one.except_session = who.session;
  }
  one.updates =
      updates_view(in, to.id, json::array({std::move(update)}), std::move(about), unix_time());
  out.pushes.push_back(std::move(one));
}

} // namespace cafegram::sandbox
