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

json peer_view(peer_id id) {
  json out = make(is_user(id) ? "peerUser" : is_channel(id) ? "peerChannel" : "peerChat");
  out[is_user(id) ? "user_id" : is_channel(id) ? "channel_id" : "chat_id"] = bare_id(id);
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

bool knows_well(const core& in, const account& viewer, const account& who) {
  if (viewer.id == who.id || viewer.dialogs.contains(who.id)) {
    return true;
  }
  // Groups come first: their marked ids are below zero.
  for (const auto& [peer, talk] : viewer.dialogs) {
    if (is_user(peer)) {
      return false;
    }
    if (const room* both = in.data.find_room(peer); both != nullptr && both->has(who.id)) {
      return true;
    }
  }
  return false;
}

json user_view(const core& in, account_id viewer, const account& who, glance how) {
  const account* looks = in.data.find(viewer);
  const bool min = how == glance::yes && looks != nullptr && !knows_well(in, *looks, who);
  json out = make("user");
  if (who.id == viewer) {
    out["self"] = true;
  }
  if (min) {
    out["min"] = true;
  }
  if (who.bot) {
    out["bot"] = true;
    out["bot_info_version"] = who.info_version;
    if (!who.privacy) {
      out["bot_chat_history"] = true;
    }
  }
  out["id"] = who.id;
  out["access_hash"] = in.data.access_hash(viewer, who.id, min);
  out["first_name"] = who.first_name;
  add_text(out, "last_name", who.last_name);
  add_text(out, "username", who.username);
  if (who.id == viewer) {
    add_text(out, "phone", who.phone);
  }
  if (!who.bot && !min) {
    out["status"] = status_view(who, who.seen);
  }
  return out;
}

void describe(const core& in, account_id viewer, std::vector<peer_id> about, json& out,
              glance how) {
  std::ranges::sort(about);
  about.erase(std::ranges::unique(about).begin(), about.end());
  out["users"] = json::array();
  out["chats"] = json::array();
  for (const peer_id id : about) {
    if (const account* who = in.data.find(id)) {
      out["users"].push_back(user_view(in, viewer, *who, how));
    } else if (const room* where = in.data.find_room(id)) {
      out["chats"].push_back(room_view(in, viewer, *where, how));
    }
  }
}

json updates_view(const core& in, account_id viewer, json updates, std::vector<peer_id> about,
                  std::int64_t date, glance how) {
  json out = make("updates");
  out["updates"] = std::move(updates);
  describe(in, viewer, std::move(about), out, how);
  out["date"] = date;
  out["seq"] = 0; // in no order of its own: pts alone counts
  return out;
}

json state_view(const account& owner, std::int64_t now) {
  json out = make("updates.state");
  out["pts"] = owner.pts;
  out["qts"] = owner.qts;
  out["date"] = now;
  out["seq"] = owner.seq;
  std::int32_t unread = 0;
  for (const auto& [peer, talk] : owner.dialogs) {
    unread += talk.unread;
  }
  out["unread_count"] = unread;
  return out;
}

json dialog_view(core& in, const account& owner, peer_id peer) {
  const dialog talk = dialog_of(in, owner, peer);
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
  if (is_channel(peer)) {
    out["pts"] = model::pts_for(*in.data.find_room(peer), owner.id);
  }
  return out;
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

} // namespace cafegram::sandbox
