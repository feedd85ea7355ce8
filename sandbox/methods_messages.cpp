#include <cafegram/sandbox/core.hpp>
#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/views.hpp>

/// Writing in private chats. Spec: "messages.sendMessage" and its neighbours.
namespace cafegram::sandbox {

namespace {

or_refusal<account*> peer_of(step& at, const json& request) {
  const json* input = member(request, "peer");
  return at.peer(input != nullptr ? *input : json::object());
}

/// The message that is answered: `reply_to` of new layers, `reply_to_msg_id` of old ones.
std::int32_t reply_to(const json& request) {
  const json* reply = member(request, "reply_to");
  return number32(reply != nullptr ? *reply : request, "reply_to_msg_id");
}

/// What the caller gets of an event of its own box, which `announce` has given to the others.
json own_updates(step& at, json updates, account_id peer) {
  return updates_view(at.in, at.me->id, std::move(updates), {at.me->id, peer}, at.unix_time());
}

answer send(step& at, const json& request) {
  const auto to = peer_of(at, request);
  if (!to) {
    return std::unexpected(to.error());
  }
  if (number32(request, "schedule_date") != 0) {
    return refuse("SANDBOX_SCHEDULE_MISSING");
  }
  draft what;
  what.text = text(request, "message");
  what.entities = items(request, "entities");
  if (const json* markup = member(request, "reply_markup")) {
    what.markup = *markup;
  }
  what.random_id = number(request, "random_id");
  what.reply_to = reply_to(request);
  what.silent = flag(request, "silent");
  if (what.random_id == 0) {
    return refuse("RANDOM_ID_EMPTY");
  }
  const auto sent = send_message(at, *at.me, **to, std::move(what));
  if (!sent) {
    return std::unexpected(sent.error());
  }
  const message_record& message = **sent;
  json id = make("updateMessageID");
  id["id"] = message.sender_id;
  id["random_id"] = message.random_id;
  json fresh = make("updateNewMessage");
  fresh["message"] = message_view(at.in, at.me->id, message);
  // The script's answer may have moved the box on already.
  for (auto event = at.me->events.rbegin(); event != at.me->events.rend(); ++event) {
    if (event->kind == event_kind::message && event->ids.front() == message.sender_id) {
      fresh["pts"] = event->pts;
      break;
    }
  }
  fresh["pts_count"] = 1;
  return own_updates(at, json::array({std::move(id), std::move(fresh)}), message.to);
}

answer edit(step& at, const json& request) {
  const auto peer = peer_of(at, request);
  if (!peer) {
    return std::unexpected(peer.error());
  }
  const std::int32_t id = number32(request, "id");
  const message_record* found = at.in.data.in_box(*at.me, id);
  if (found == nullptr || found->peer_of(at.me->id) != (*peer)->id) {
    return refuse("MESSAGE_ID_INVALID");
  }
  const auto edited = edit_message(at, *at.me, id, request);
  if (!edited) {
    return std::unexpected(edited.error());
  }
  return own_updates(at, json::array({update_view(at.in, *at.me, at.me->events.back())}),
                     (*peer)->id);
}

json affected(const account& owner, std::int32_t count) {
  json out = make("messages.affectedMessages");
  out["pts"] = owner.pts;
  out["pts_count"] = count;
  return out;
}

answer remove(step& at, const json& request) {
  std::vector<std::int32_t> ids;
  for (const json& one : items(request, "id")) {
    ids.push_back(tl::int32_from_json(one).value_or(0));
  }
  // A bot always deletes for both.
  const bool revoke = flag(request, "revoke") || at.me->bot;
  return affected(*at.me, delete_messages(at, *at.me, ids, revoke));
}

answer read(step& at, const json& request) {
  const auto peer = peer_of(at, request);
  if (!peer) {
    return std::unexpected(peer.error());
  }
  const std::int32_t before = at.me->pts;
  read_history(at, *at.me, **peer, number32(request, "max_id"));
  return affected(*at.me, at.me->pts - before);
}

answer set_typing(step& at, const json& request) {
  const auto peer = peer_of(at, request);
  if (!peer) {
    return std::unexpected(peer.error());
  }
  const json* action = member(request, "action");
  if ((*peer)->bot || *peer == at.me) {
    return true; // bots are not told
  }
  if (at.me->bot && !(*peer)->scripted && !at.me->dialogs.contains((*peer)->id)) {
    return refuse("PEER_ID_INVALID");
  }
  json update = make("updateUserTyping");
  update["user_id"] = at.me->id;
  update["action"] = action != nullptr ? *action : make("sendMessageTypingAction");
  const bool on = kind(update["action"]) != "sendMessageCancelAction";
  at.push(**peer, std::move(update), {at.me->id});
  at.out.events.emplace_back(page_events::typing{(*peer)->id, at.me->id, on});
  return true;
}

} // namespace

std::span<const method> message_methods() {
  static constexpr method table[] = {
      {"messages.sendMessage", audience::logged_in, send},
      {"messages.editMessage", audience::logged_in, edit},
      {"messages.deleteMessages", audience::logged_in, remove},
      {"messages.readHistory", audience::person, read},
      {"messages.setTyping", audience::logged_in, set_typing},
  };
  return table;
}

} // namespace cafegram::sandbox
