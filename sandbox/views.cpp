#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/views.hpp>

#include <algorithm>

namespace cafegram::sandbox {

namespace {

/// Sets a conditional member that is there when its value is not empty.
void add_text(json& out, const char* name, const std::string& value) {
  if (!value.empty()) {
    out[name] = value;
  }
}

} // namespace

json peer_view(account_id id) {
  json out = make("peerUser");
  out["user_id"] = id;
  return out;
}

json status_view(const account& who, std::int64_t now) {
  if (who.seen == 0) {
    return make("userStatusRecently");
  }
  json out = make(who.online ? "userStatusOnline" : "userStatusOffline");
  out[who.online ? "expires" : "was_online"] = who.online ? now + 300 : who.seen;
  return out;
}

json user_view(const core& in, account_id viewer, const account& who) {
  json out = make("user");
  if (who.id == viewer) {
    out["self"] = true;
  }
  if (who.bot) {
    out["bot"] = true;
    out["bot_nochats"] = true;
    out["bot_info_version"] = who.info_version;
  }
  out["id"] = who.id;
  out["access_hash"] = in.data.access_hash(viewer, who.id);
  out["first_name"] = who.first_name;
  add_text(out, "last_name", who.last_name);
  add_text(out, "username", who.username);
  if (who.id == viewer) {
    add_text(out, "phone", who.phone);
  }
  if (!who.bot) {
    out["status"] = status_view(who, who.seen);
  }
  return out;
}

json users_view(const core& in, account_id viewer, std::vector<account_id> ids) {
  std::ranges::sort(ids);
  ids.erase(std::ranges::unique(ids).begin(), ids.end());
  json out = json::array();
  for (const account_id id : ids) {
    if (const account* who = in.data.find(id)) {
      out.push_back(user_view(in, viewer, *who));
    }
  }
  return out;
}

json message_view(const core& in, account_id owner, const message_record& message) {
  json out = make("message");
  if (message.from == owner && message.to != owner) {
    out["out"] = true;
  }
  if (message.silent) {
    out["silent"] = true;
  }
  if (message.edit_hidden) {
    out["edit_hide"] = true;
  }
  out["id"] = message.id_for(owner);
  out["from_id"] = peer_view(message.from);
  out["peer_id"] = peer_view(message.peer_of(owner));
  if (const message_record* answered = in.data.message(message.reply_to)) {
    out["reply_to"] = make("messageReplyHeader");
    out["reply_to"]["reply_to_msg_id"] = answered->id_for(owner);
  }
  out["date"] = message.date;
  out["message"] = message.text;
  if (!message.markup.is_null()) {
    out["reply_markup"] = message.markup;
  }
  if (!message.entities.empty()) {
    out["entities"] = message.entities;
  }
  if (message.edited != 0) {
    out["edit_date"] = message.edited;
  }
  return out;
}

json update_view(const core& in, const account& owner, const box_event& event) {
  json out;
  if (event.kind == event_kind::message || event.kind == event_kind::edited) {
    const auto at = owner.box.find(event.ids.front());
    if (at == owner.box.end()) {
      return {};
    }
    out = make(event.kind == event_kind::message ? "updateNewMessage" : "updateEditMessage");
    out["message"] = message_view(in, owner.id, *in.data.message(at->second));
  } else if (event.kind == event_kind::deleted) {
    out = make("updateDeleteMessages");
    out["messages"] = event.ids;
  } else {
    const bool inbox = event.kind == event_kind::read_inbox;
    out = make(inbox ? "updateReadHistoryInbox" : "updateReadHistoryOutbox");
    out["peer"] = peer_view(event.peer);
    out["max_id"] = event.ids.front();
    if (inbox) {
      out["still_unread_count"] = owner.dialogs.at(event.peer).unread;
    }
  }
  out["pts"] = event.pts;
  out["pts_count"] = event.count;
  return out;
}

json updates_view(const core& in, account_id viewer, json updates, std::vector<account_id> about,
                  std::int64_t date) {
  json out = make("updates");
  out["updates"] = std::move(updates);
  out["users"] = users_view(in, viewer, std::move(about));
  out["chats"] = json::array();
  out["date"] = date;
  out["seq"] = 0; // in no order of its own: pts alone counts
  return out;
}

json state_view(const account& owner, std::int64_t now) {
  json out = make("updates.state");
  out["pts"] = owner.pts;
  out["qts"] = 0;
  out["date"] = now;
  out["seq"] = 1;
  std::int32_t unread = 0;
  for (const auto& [peer, talk] : owner.dialogs) {
    unread += talk.unread;
  }
  out["unread_count"] = unread;
  return out;
}

json dialog_view(const core& in, const account& owner, account_id peer) {
  static const dialog nothing;
  const auto at = owner.dialogs.find(peer);
  const dialog& talk = at != owner.dialogs.end() ? at->second : nothing;
  json out = make("dialog");
  out["peer"] = peer_view(peer);
  out["top_message"] = talk.top;
  out["read_inbox_max_id"] = talk.read_inbox;
  out["read_outbox_max_id"] = talk.read_outbox;
  out["unread_count"] = talk.unread;
  out["unread_mentions_count"] = 0;
  out["unread_reactions_count"] = 0;
  out["unread_poll_votes_count"] = 0;
  out["notify_settings"] = make("peerNotifySettings");
  return in.data.find(peer) != nullptr ? out : json{};
}

json bot_info_view(const account& bot) {
  json out = make("botInfo");
  out["user_id"] = bot.id;
  out["description"] = bot.about;
  out["commands"] = bot.commands;
  out["menu_button"] =
      make(bot.commands.empty() ? "botMenuButtonDefault" : "botMenuButtonCommands");
  return out;
}

page_user page_view(const account& who) {
  page_user out;
  out.id = who.id;
  out.name = who.first_name + (who.last_name.empty() ? "" : " " + who.last_name);
  out.username = who.username;
  out.phone = who.phone;
  out.about = who.about;
  out.bot = who.bot;
  out.scripted = who.scripted;
  for (const json& one : who.commands) {
    out.commands.push_back(
        {std::string{text(one, "command")}, std::string{text(one, "description")}});
  }
  return out;
}

namespace {

page_markup markup_view(const json& markup) {
  page_markup out;
  out.type = kind(markup);
  out.single_use = flag(markup, "single_use");
  out.placeholder = text(markup, "placeholder");
  for (const json& row : items(markup, "rows")) {
    auto& buttons = out.rows.emplace_back();
    for (const json& one : items(row, "buttons")) {
      buttons.push_back({std::string{kind(one)}, std::string{text(one, "text")},
                         std::string{text(one, "url")},
                         from_base64(text(one, "data")).value_or(bytes{})});
    }
  }
  return out;
}

wall_time wall(std::int64_t unix_time) {
  return wall_time{std::chrono::seconds{unix_time}};
}

} // namespace

page_message page_view(const core& in, const account& owner, const message_record& message) {
  page_message out;
  out.id = message.id_for(owner.id);
  out.from = message.from;
  out.out = message.from == owner.id;
  out.date = wall(message.date);
  if (message.edited != 0 && !message.edit_hidden) {
    out.edited = wall(message.edited);
  }
  if (const message_record* answered = in.data.message(message.reply_to)) {
    out.reply_to = answered->id_for(owner.id);
  }
  out.text = message.text;
  for (const json& one : message.entities) {
    out.entities.push_back({std::string{kind(one)}, number32(one, "offset"),
                            number32(one, "length"), std::string{text(one, "url")},
                            std::string{text(one, "language")}, number(one, "user_id")});
  }
  if (!message.markup.is_null()) {
    out.markup = markup_view(message.markup);
  }
  const account* sender = in.data.find(message.from);
  const auto talk = sender->dialogs.find(message.to);
  const bool read = talk != sender->dialogs.end() && talk->second.read_outbox >= message.sender_id;
  out.delivery = read ? page_delivery::read : page_delivery::sent;
  return out;
}

} // namespace cafegram::sandbox
