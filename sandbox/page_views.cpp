#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/views.hpp>

#include <fmt/format.h>

/// What the page shows.
namespace cafegram::sandbox {

namespace {

constexpr std::size_t most_page_members = 200;

std::string full_name(const account& who) {
  return who.first_name + (who.last_name.empty() ? "" : " " + who.last_name);
}

} // namespace

page_user page_view(const account& who) {
  page_user out;
  out.id = who.id;
  out.name = full_name(who);
  out.privacy = who.bot && who.privacy;
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

page_group page_view(const room& where) {
  page_group out;
  out.id = where.id;
  out.kind = where.kind == room_kind::group        ? page_group_kind::group
             : where.kind == room_kind::supergroup ? page_group_kind::supergroup
                                                   : page_group_kind::channel;
  out.title = where.title;
  out.username = where.username;
  out.about = where.about;
  out.creator = where.creator;
  out.closed = where.closed();
  out.size = where.size();
  // Who leads comes first: of a channel that is all who may write.
  for (const bool leads : {true, false}) {
    for (const auto& [user, who] : where.members) {
      if (who.inside() && who.leads() == leads && out.members.size() < most_page_members) {
        out.members.push_back({user, leads, where.may_write(user)});
      }
    }
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

/// Whether anybody but its author has read a message.
bool is_read(const core& in, const message_record& message) {
  if (message.in_channel()) {
    const room_member* author = in.data.find_room(message.room)->find(message.from);
    return author != nullptr && author->read_outbox >= message.id;
  }
  const account& sender = *in.data.find(message.from);
  const auto talk = sender.dialogs.find(message.peer_of(sender.id));
  return talk != sender.dialogs.end() && talk->second.read_outbox >= message.id_for(sender.id);
}

std::string name_of(const core& in, account_id user) {
  const account* who = in.data.find(user);
  return who != nullptr ? full_name(*who) : "somebody";
}

std::string names_of(const core& in, const json& action) {
  std::string out;
  for (const json& user : items(action, "users")) {
    out += (out.empty() ? "" : ", ") + name_of(in, tl::int64_from_json(user).value_or(0));
  }
  return out;
}

/// What a service message tells a person.
std::string service_text(const core& in, const message_record& message) {
  const json& action = message.action;
  const auto what = kind(action);
  const std::string who = name_of(in, message.from);
  const std::string title{text(action, "title")};
  if (what == "messageActionChatCreate") {
    return fmt::format("{} made the group “{}”", who, title);
  }
  if (what == "messageActionChannelCreate") {
    return fmt::format("“{}” was made", title);
  }
  if (what == "messageActionChatEditTitle") {
    return fmt::format("The name is now “{}”", title);
  }
  if (what == "messageActionChatAddUser") {
    const std::string names = names_of(in, action);
    return names == who ? fmt::format("{} has joined", who)
                        : fmt::format("{} added {}", who, names);
  }
  if (what == "messageActionChatDeleteUser") {
    const account_id gone = number(action, "user_id");
    return gone == message.from ? fmt::format("{} has left", who)
                                : fmt::format("{} removed {}", who, name_of(in, gone));
  }
  if (what == "messageActionChatJoinedByLink") {
    return fmt::format("{} has joined by a link", who);
  }
  if (what == "messageActionChatJoinedByRequest") {
    return fmt::format("{} was let in", who);
  }
  if (what == "messageActionPinMessage") {
    return fmt::format("{} pinned a message", who);
  }
  if (what.starts_with("messageActionCha")) { // ...nnelMigrateFrom, ...tMigrateTo
    return "This group has become a supergroup";
  }
  return std::string{what};
}

} // namespace

page_message page_view(const core& in, const account& owner, const message_record& message) {
  page_message out;
  out.id = message.id_for(owner.id);
  const room* where = in.data.find_room(message.room);
  out.from = where != nullptr && where->kind == room_kind::broadcast ? where->id : message.from;
  out.out = message.from == owner.id;
  out.date = wall(message.date);
  if (message.edited != 0 && !message.edit_hidden) {
    out.edited = wall(message.edited);
  }
  if (const message_record* answered = in.data.message(message.reply_to)) {
    out.reply_to = answered->id_for(owner.id);
  }
  out.text = message.action.is_null() ? message.text : service_text(in, message);
  out.service = !message.action.is_null();
  for (const json& one : message.entities) {
    out.entities.push_back({std::string{kind(one)}, number32(one, "offset"),
                            number32(one, "length"), std::string{text(one, "url")},
                            std::string{text(one, "language")}, number(one, "user_id")});
  }
  if (!message.markup.is_null()) {
    out.markup = markup_view(message.markup);
  }
  out.delivery = is_read(in, message) ? page_delivery::read : page_delivery::sent;
  return out;
}

} // namespace cafegram::sandbox
