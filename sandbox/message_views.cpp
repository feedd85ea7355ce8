#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/text.hpp>
#include <cafegram/sandbox/views.hpp>

#include <algorithm>

/// Messages and their updates, as each account sees them.
namespace cafegram::sandbox {

namespace {

json forward_view(const forward_origin& from) {
  json out = make("messageFwdHeader");
  out["from_id"] = peer_view(from.from);
  out["date"] = from.date;
  if (from.post != 0) {
    out["channel_post"] = from.post;
  }
  return out;
}

bool is_post(const core& in, const message_record& message) {
  const room* where = message.in_channel() ? in.data.find_room(message.room) : nullptr;
  return where != nullptr && where->kind == room_kind::broadcast;
}

/// Who wrote it, when, to whom, and what it answers: of messages of all kinds.
json frame_view(const core& in, account_id owner, const message_record& message,
                std::string_view constructor) {
  json out = make(constructor);
  const account* viewer = in.data.find(owner);
  if (message.from == owner && message.to != owner) {
    out["out"] = true;
  } else if (message.room != 0 && viewer != nullptr && mentions(in, message, *viewer)) {
    out["mentioned"] = true;
  }
  if (message.silent) {
    out["silent"] = true;
  }
  out["id"] = message.id_for(owner);
  if (is_post(in, message)) {
    out["post"] = true;
  } else {
    out["from_id"] = peer_view(message.from);
  }
  out["peer_id"] = peer_view(message.peer_of(owner));
  const message_record* answered = in.data.message(message.reply_to);
  if (const auto id = answered != nullptr ? answered->id_for(owner) : 0; id != 0) {
    out["reply_to"] = make("messageReplyHeader");
    out["reply_to"]["reply_to_msg_id"] = id;
  }
  out["date"] = message.date;
  return out;
}

json changed_view(const core& in, account_id viewer, const message_record& message,
                  const char* constructor) {
  json out = make(constructor);
  out["message"] = message_view(in, viewer, message);
  return out;
}

json pinned_view(const box_event& event, const std::vector<std::int32_t>& ids) {
  json out = make(is_channel(event.peer) ? "updatePinnedChannelMessages" : "updatePinnedMessages");
  if (event.kind == event_kind::pinned) {
    out["pinned"] = true;
  }
  if (is_channel(event.peer)) {
    out["channel_id"] = bare_id(event.peer);
  } else {
    out["peer"] = peer_view(event.peer);
  }
  out["messages"] = ids;
  return out;
}

json read_view(const account& owner, const box_event& event) {
  const bool inbox = event.kind == event_kind::read_inbox;
  json out = make(inbox ? "updateReadHistoryInbox" : "updateReadHistoryOutbox");
  out["peer"] = peer_view(event.peer);
  out["max_id"] = event.ids.front();
  if (inbox) {
    out["still_unread_count"] = owner.dialogs.at(event.peer).unread;
  }
  return out;
}

/// What an event of a channel is to somebody who sees these ids of it.
json channel_change(const core& in, const room& where, account_id viewer, const box_event& event,
                    const std::vector<std::int32_t>& ids) {
  switch (event.kind) {
  case event_kind::message:
  case event_kind::edited: {
    const auto found = where.history.find(ids.front());
    const bool fresh = event.kind == event_kind::message;
    return found == where.history.end()
               ? json{}
               : changed_view(in, viewer, *in.data.message(found->second),
                              fresh ? "updateNewChannelMessage" : "updateEditChannelMessage");
  }
  case event_kind::deleted: {
    json out = make("updateDeleteChannelMessages");
    out["channel_id"] = bare_id(where.id);
    out["messages"] = ids;
    return out;
  }
  default:
    return pinned_view(event, ids);
  }
}

} // namespace

json message_view(const core& in, account_id owner, const message_record& message) {
  if (!message.action.is_null()) {
    json out = frame_view(in, owner, message, "messageService");
    out["action"] = message.action;
    return out;
  }
  json out = frame_view(in, owner, message, "message");
  if (message.edit_hidden) {
    out["edit_hide"] = true;
  }
  if (message.pinned) {
    out["pinned"] = true;
  }
  if (message.forward.from != 0) {
    out["fwd_from"] = forward_view(message.forward);
  }
  out["message"] = message.text;
  if (!message.markup.is_null()) {
    out["reply_markup"] = message.markup;
  }
  if (!message.entities.empty()) {
    out["entities"] = message.entities;
  }
  if (is_post(in, message)) {
    out["views"] = 1;
    out["forwards"] = 0;
  }
  if (message.edited != 0) {
    out["edit_date"] = message.edited;
  }
  return out;
}

void add_names(const message_record& message, account_id owner, std::vector<peer_id>& out) {
  out.push_back(message.from);
  out.push_back(message.peer_of(owner));
  if (message.forward.from != 0) {
    out.push_back(message.forward.from);
  }
  for (const json& one : message.entities) {
    if (kind(one) == "messageEntityMentionName") {
      out.push_back(number(one, "user_id"));
    }
  }
  if (message.action.is_null()) {
    return;
  }
  for (const json& user : items(message.action, "users")) {
    out.push_back(tl::int64_from_json(user).value_or(0));
  }
  for (const char* name : {"user_id", "inviter_id"}) {
    if (const account_id user = number(message.action, name); user != 0) {
      out.push_back(user);
    }
  }
  if (const auto channel = number(message.action, "channel_id"); channel != 0) {
    out.push_back(marked_channel(channel));
  }
  if (const auto group = number(message.action, "chat_id"); group != 0) {
    out.push_back(marked_group(group));
  }
}

bool names_strangers(const core& in, const account& viewer, const json& message) {
  return std::ranges::any_of(items(message, "entities"), [&](const json& one) {
    const account* who =
        kind(one) == "messageEntityMentionName" ? in.data.find(number(one, "user_id")) : nullptr;
    return who != nullptr && !knows_well(in, viewer, *who);
  });
}

bool mentions(const core& in, const message_record& message, const account& who) {
  const message_record* answered = in.data.message(message.reply_to);
  if (answered != nullptr && answered->from == who.id) {
    return true;
  }
  return says_name(message.text, who.username) ||
         std::ranges::any_of(message.entities, [&who](const json& one) {
           return kind(one) == "messageEntityMentionName" && number(one, "user_id") == who.id;
         });
}

json update_view(const core& in, const account& owner, const box_event& event) {
  json out;
  switch (event.kind) {
  case event_kind::message:
  case event_kind::edited: {
    const auto found = owner.box.find(event.ids.front());
    if (found == owner.box.end()) {
      return {};
    }
    const bool fresh = event.kind == event_kind::message;
    out = changed_view(in, owner.id, *in.data.message(found->second),
                       fresh ? "updateNewMessage" : "updateEditMessage");
    break;
  }
  case event_kind::deleted:
    out = make("updateDeleteMessages");
    out["messages"] = event.ids;
    break;
  case event_kind::pinned:
  case event_kind::unpinned:
    out = pinned_view(event, event.ids);
    break;
  default:
    out = read_view(owner, event);
  }
  out["pts"] = event.pts;
  out["pts_count"] = event.count;
  return out;
}

json update_view(const core& in, const room& where, const account& viewer, const box_event& event) {
  const auto ids = in.data.seen_ids(event, where, viewer.id);
  json out = ids.empty() ? json{} : channel_change(in, where, viewer.id, event, ids);
  if (!out.is_null()) {
    out["pts"] = event.pts;
    out["pts_count"] = in.data.step_for(event, where, viewer.id);
  }
  return out;
}

} // namespace cafegram::sandbox
