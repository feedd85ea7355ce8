#include <cafegram/sandbox/core.hpp>
#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/short_forms.hpp>
#include <cafegram/sandbox/views.hpp>

#include <set>

/// Writing. Spec: "messages.sendMessage" and its neighbours.
namespace cafegram::sandbox {

namespace {

/// The message that is answered: `reply_to` of new layers, `reply_to_msg_id` of old ones.
std::int32_t reply_to(const json& request) {
  const json* reply = member(request, "reply_to");
  return number32(reply != nullptr ? *reply : request, "reply_to_msg_id");
}

json message_id_view(const message_record& message, account_id owner) {
  json out = make("updateMessageID");
  out["id"] = message.id_for(owner);
  out["random_id"] = message.random_id;
  return out;
}

/// The entities of a request as the reader gets them. Who is mentioned by name is described to all
/// who read it: so the sender has to know whom it names, and what names anybody else is dropped.
json known_entities(step& at, const json& request) {
  json out = json::array();
  for (json one : items(request, "entities")) {
    if (kind(one) == "messageEntityMentionName") {
      continue; // what readers get; clients have the input form
    }
    if (kind(one) == "inputMessageEntityMentionName") {
      const json* input = member(one, "user_id");
      const auto who = at.peer(input != nullptr ? *input : json::object());
      if (!who) {
        continue;
      }
      one["_"] = "messageEntityMentionName";
      one["user_id"] = (*who)->id;
    }
    out.push_back(std::move(one));
  }
  return out;
}

answer send(step& at, const json& request) {
  const auto to = at.chat_of(request);
  if (!to) {
    return std::unexpected(to.error());
  }
  if (number32(request, "schedule_date") != 0) {
    return refuse("SANDBOX_SCHEDULE_MISSING");
  }
  draft what;
  what.text = text(request, "message");
  what.entities = known_entities(at, request);
  if (const json* markup = member(request, "reply_markup")) {
    what.markup = *markup;
  }
  what.random_id = number(request, "random_id");
  what.reply_to = reply_to(request);
  what.silent = flag(request, "silent");
  if (what.random_id == 0) {
    return refuse("RANDOM_ID_EMPTY");
  }
  const auto sent = send_message(at, *at.me, *to, std::move(what));
  if (!sent) {
    return std::unexpected(sent.error());
  }
  if (json brief = short_sent_form(at.in, *at.me, **sent); !brief.is_null()) {
    return brief;
  }
  return at.own_updates(json::array({message_id_view(**sent, at.me->id)}));
}

/// What is forwarded keeps its text and its first author.
draft forwarded(const step& at, const message_record& from, std::int64_t random_id) {
  draft out;
  out.text = from.text;
  out.entities = from.entities;
  out.random_id = random_id;
  out.forward = from.forward;
  if (out.forward.from == 0) {
    const room* where = at.in.data.find_room(from.room);
    const bool post = where != nullptr && where->kind == room_kind::broadcast;
    out.forward = {post ? where->id : from.from, from.date, post ? from.id : 0};
  }
  return out;
}

/// All of them before the first one is sent: a call that is refused has sent none.
or_refusal<void> check_random_ids(const account& from, const json::array_t& ids) {
  std::set<std::int64_t> seen;
  for (const json& one : ids) {
    const auto id = tl::int64_from_json(one).value_or(0);
    if (id == 0) {
      return refuse("RANDOM_ID_EMPTY");
    }
    if (from.random_ids.contains(id) || !seen.insert(id).second) {
      return refuse("RANDOM_ID_DUPLICATE", 500);
    }
  }
  return {};
}

answer forward(step& at, const json& request) {
  const auto source = at.chat_of(request, "from_peer");
  const auto to = at.chat_of(request, "to_peer");
  if (!source || !to) {
    return std::unexpected(source ? to.error() : source.error());
  }
  const auto& ids = items(request, "id");
  const auto& random_ids = items(request, "random_id");
  if (ids.empty() || ids.size() != random_ids.size() || ids.size() > most_at_once) {
    return refuse(ids.empty() ? "MESSAGE_IDS_EMPTY" : "RANDOM_ID_INVALID");
  }
  if (auto good = check_random_ids(*at.me, random_ids); !good) {
    return std::unexpected(good.error());
  }
  std::vector<draft> all;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const message_record* found =
        at.in.data.find_message(*at.me, source->id(), tl::int32_from_json(ids[i]).value_or(0));
    if (found == nullptr || !found->action.is_null()) {
      return refuse("MESSAGE_ID_INVALID");
    }
    all.push_back(forwarded(at, *found, tl::int64_from_json(random_ids[i]).value_or(0)));
  }
  json named = json::array();
  for (draft& one : all) {
    const auto sent = send_message(at, *at.me, *to, std::move(one));
    if (!sent) {
      return std::unexpected(sent.error());
    }
    named.push_back(message_id_view(**sent, at.me->id));
  }
  return at.own_updates(std::move(named));
}

answer edit(step& at, const json& request) {
  const auto where = at.chat_of(request);
  if (!where) {
    return std::unexpected(where.error());
  }
  json wanted = request;
  wanted["entities"] = known_entities(at, request);
  const auto edited = edit_message(at, *at.me, *where, number32(request, "id"), wanted);
  if (!edited) {
    return std::unexpected(edited.error());
  }
  return at.own_updates();
}

json affected(std::int32_t pts, std::int32_t count) {
  json out = make("messages.affectedMessages");
  out["pts"] = pts;
  out["pts_count"] = count;
  return out;
}

std::vector<std::int32_t> ids_of(const json& request) {
  std::vector<std::int32_t> out;
  for (const json& one : first_items(request, "id", most_at_once)) {
    out.push_back(tl::int32_from_json(one).value_or(0));
  }
  return out;
}

answer remove(step& at, const json& request) {
  // A bot always deletes for all.
  const bool revoke = flag(request, "revoke") || at.me->bot;
  const auto count = delete_messages(at, *at.me, ids_of(request), revoke);
  return count ? answer{affected(at.me->pts, *count)} : std::unexpected(count.error());
}

answer remove_posts(step& at, const json& request) {
  const json* input = member(request, "channel");
  const auto where = at.channel(input != nullptr ? *input : json::object());
  if (!where) {
    return std::unexpected(where.error());
  }
  // For a bot the step covers what it did not see before.
  const std::int32_t before = model::pts_for(**where, at.me->id);
  if (const auto count = delete_posts(at, *at.me, **where, ids_of(request)); !count) {
    return std::unexpected(count.error());
  }
  const std::int32_t pts = model::pts_for(**where, at.me->id);
  return affected(pts, pts - before);
}

answer read(step& at, const json& request) {
  const auto where = at.chat_of(request);
  if (!where) {
    return std::unexpected(where.error());
  }
  const std::int32_t before = at.me->pts;
  read_history(at, *at.me, *where, number32(request, "max_id"));
  return affected(at.me->pts, at.me->pts - before);
}

answer read_posts(step& at, const json& request) {
  const json* input = member(request, "channel");
  const auto where = at.channel(input != nullptr ? *input : json::object());
  if (!where) {
    return std::unexpected(where.error());
  }
  read_history(at, *at.me, {nullptr, *where}, number32(request, "max_id"));
  return true;
}

json typing_update(const step& at, const place& where, json action) {
  if (where.user != nullptr) {
    json out = make("updateUserTyping");
    out["user_id"] = at.me->id;
    out["action"] = std::move(action);
    return out;
  }
  json out = make(where.is_channel() ? "updateChannelUserTyping" : "updateChatUserTyping");
  out[where.is_channel() ? "channel_id" : "chat_id"] = bare_id(where.in->id);
  out["from_id"] = peer_view(at.me->id);
  out["action"] = std::move(action);
  return out;
}

answer set_typing(step& at, const json& request) {
  const auto where = at.chat_of(request);
  if (!where) {
    return std::unexpected(where.error());
  }
  account* other = where->user;
  if (other != nullptr && (other->bot || other == at.me)) {
    return true; // bots are not told
  }
  if (other != nullptr && at.me->bot && !other->scripted && !at.me->dialogs.contains(other->id)) {
    return refuse("PEER_ID_INVALID");
  }
  if (where->in != nullptr && !where->in->may_write(at.me->id)) {
    return refuse("CHAT_WRITE_FORBIDDEN", 403);
  }
  const json* given = member(request, "action");
  json action = given != nullptr ? *given : make("sendMessageTypingAction");
  const bool on = kind(action) != "sendMessageCancelAction";
  const json update = typing_update(at, *where, std::move(action));
  const auto tell = [&](account& to, peer_id peer) {
    at.push(to, update, {at.me->id, peer});
    at.out.events.emplace_back(page_events::typing{to.id, peer, on});
  };
  if (other != nullptr) {
    tell(*other, at.me->id);
    return true;
  }
  for (const auto& [user, member] : where->in->members) {
    account& one = *at.in.data.find(user);
    if (member.inside() && !one.bot && &one != at.me && where->in->kind != room_kind::broadcast) {
      tell(one, where->in->id);
    }
  }
  return true;
}

} // namespace

std::span<const method> message_methods() {
  static constexpr method table[] = {
      {"messages.sendMessage", audience::logged_in, send},
      {"messages.forwardMessages", audience::logged_in, forward},
      {"messages.editMessage", audience::logged_in, edit},
      {"messages.deleteMessages", audience::logged_in, remove},
      {"channels.deleteMessages", audience::logged_in, remove_posts},
      {"messages.readHistory", audience::person, read},
      {"channels.readHistory", audience::person, read_posts},
      {"messages.setTyping", audience::logged_in, set_typing},
  };
  return table;
}

} // namespace cafegram::sandbox
