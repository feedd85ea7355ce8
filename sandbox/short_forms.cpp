#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/short_forms.hpp>
#include <cafegram/sandbox/views.hpp>

#include <algorithm>
#include <array>

namespace cafegram::sandbox {

namespace {

/// Passing things: nobody misses one of them.
constexpr std::array<std::string_view, 4> passing{
    "updateUserStatus", "updateUserTyping", "updateChatUserTyping", "updateChannelUserTyping"};

/// What the two short messages have in common with the long one.
constexpr std::array<std::string_view, 8> shared_members{
    "out", "mentioned", "silent", "id", "date", "message", "fwd_from", "entities"};

bool is_passing(const json& update) {
  return std::ranges::find(passing, kind(update)) != passing.end();
}

/// Changes of chats and of who is in them: ordered by nothing else.
bool moves_seq(const json& update) {
  const auto what = kind(update);
  return what == "updateChannel" || what == "updateChat" || what == "updateChatParticipants" ||
         what == "updateChatParticipantAdd" || what == "updateChatParticipantDelete" ||
         what == "updateChatParticipantAdmin" || what == "updateChatDefaultBannedRights";
}

/// Who asks to come in is told of once, and whoever answers needs the whole of it.
bool names_requesters(const json& update) {
  const auto what = kind(update);
  return what == "updateBotChatInviteRequester" || what == "updatePendingJoinRequests";
}

/// Whether the account has been told who that is: with the first message of a chat it is.
bool was_described(const core& in, const account& to, const account& user, bool private_chat) {
  const auto chat = to.chats.find(user.id);
  return private_chat ? chat != to.chats.end() && chat->second.size() > 1
                      : knows_well(in, to, user);
}

json short_message(const core& in, const account& to, const json& update) {
  const json& message = update["message"];
  if (kind(message) != "message" || member(message, "reply_markup") != nullptr ||
      member(message, "fwd_from") != nullptr) {
    return {};
  }
  const auto& where = message["peer_id"];
  const bool private_chat = kind(where) == "peerUser";
  const account_id other =
      private_chat ? number(where, "user_id") : number(message["from_id"], "user_id");
  const account* user = in.data.find(other);
  if (user == nullptr || !was_described(in, to, *user, private_chat) ||
      names_strangers(in, to, message)) {
    return {};
  }
  json out = make(private_chat ? "updateShortMessage" : "updateShortChatMessage");
  for (const auto name : shared_members) {
    if (const json* value = member(message, name)) {
      out[std::string{name}] = *value;
    }
  }
  if (const json* reply = member(message, "reply_to")) {
    out["reply_to"] = *reply;
  }
  if (private_chat) {
    out["user_id"] = other;
  } else {
    out["from_id"] = other;
    out["chat_id"] = number(where, "chat_id");
  }
  out["pts"] = update["pts"];
  out["pts_count"] = update["pts_count"];
  return out;
}

} // namespace

json short_form(const core& in, const account& to, const json& updates, std::int64_t now) {
  if (!in.options.short_forms || to.bot || updates.size() != 1) {
    return {};
  }
  const json& only = updates.front();
  if (is_passing(only)) {
    json out = make("updateShort");
    out["update"] = only;
    out["date"] = now;
    return out;
  }
  return kind(only) == "updateNewMessage" ? short_message(in, to, only) : json{};
}

json pushed_form(core& in, account& to, json updates, std::vector<peer_id> about, std::int64_t now,
                 bool ordered) {
  if (json brief = short_form(in, to, updates, now); !brief.is_null()) {
    return brief;
  }
  const bool moves = ordered && std::ranges::any_of(updates, moves_seq);
  const auto how = std::ranges::any_of(updates, names_requesters) ? glance::no : glance::yes;
  json out = updates_view(in, to.id, std::move(updates), std::move(about), now, how);
  if (moves) {
    out["seq"] = in.data.next_seq(to);
  }
  return out;
}

json short_sent_form(const core& in, const account& from, const message_record& message) {
  if (!in.options.short_forms || message.in_channel() || !message.markup.is_null() ||
      message.to == from.id) {
    return {};
  }
  const message_copy* mine = message.copy_of(from.id);
  json out = make("updateShortSentMessage");
  out["out"] = true;
  out["id"] = mine->id;
  out["pts"] = mine->pts;
  out["pts_count"] = 1;
  out["date"] = message.date;
  if (!message.entities.empty()) {
    out["entities"] = message.entities;
  }
  return out;
}

} // namespace cafegram::sandbox
