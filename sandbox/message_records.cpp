#include <cafegram/sandbox/model_records.hpp>
#include <cafegram/sandbox/read_json.hpp>

/// Messages and rooms as the store keeps them.
namespace cafegram::sandbox::records {

namespace {

std::string text_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::int64_t as_number(const json& value) {
  return tl::int64_from_json(value).value_or(0);
}

json or_null(const json& from, std::string_view name) {
  const json* found = member(from, name);
  return found != nullptr ? *found : json{};
}

/// `[owner, id, pts]`, and a fourth element where it is gone.
json copies_of(const message_record& value) {
  json out = json::array();
  for (const message_copy& one : value.copies) {
    json copy = json::array({one.owner, one.id, one.pts});
    if (one.gone) {
      copy.push_back(true);
    }
    out.push_back(std::move(copy));
  }
  return out;
}

message_copy read_copy(const json& from) {
  message_copy out;
  if (from.is_array() && from.size() >= 3) {
    out.owner = as_number(from[0]);
    out.id = tl::int32_from_json(from[1]).value_or(0);
    out.pts = tl::int32_from_json(from[2]).value_or(0);
    out.gone = from.size() > 3;
  }
  return out;
}

/// A private message had one id for each side before there were groups.
std::vector<message_copy> copies_of_before(const json& from, const message_record& of) {
  std::vector<message_copy> out;
  out.push_back({of.from, number32(from, "sender_id"), 0, flag(from, "gone_for_sender")});
  if (of.to != of.from) {
    out.push_back({of.to, number32(from, "receiver_id"), 0, flag(from, "gone_for_receiver")});
  }
  return out;
}

void write_place(json& out, const message_record& value) {
  if (value.in_channel()) {
    out["id"] = value.id;
    out["pts"] = value.pts;
    if (value.gone) {
      out["gone"] = true;
    }
  } else {
    out["copies"] = copies_of(value);
  }
  if (value.room != 0) {
    out["room"] = value.room;
  } else {
    out["to"] = value.to;
  }
  if (!value.unseen_by.empty()) {
    out["unseen_by"] = value.unseen_by;
  }
}

json write_link(const invite_link& value) {
  return {{"hash", value.hash},       {"admin", value.admin},
          {"date", value.date},       {"request_needed", value.request_needed},
          {"revoked", value.revoked}, {"usage", value.usage}};
}

invite_link read_link(const json& from) {
  return {std::string{text(from, "hash")}, number(from, "admin"), number(from, "date"),
          flag(from, "request_needed"),    flag(from, "revoked"), number32(from, "usage")};
}

} // namespace

std::string write(const message_record& value) {
  json out = {{"number", value.number},
              {"from", value.from},
              {"date", value.date},
              {"text", value.text},
              {"random_id", value.random_id}};
  const auto add = [&out](const char* name, const json& member, bool there) {
    if (there) {
      out[name] = member;
    }
  };
  write_place(out, value);
  add("edited", value.edited, value.edited != 0);
  add("edit_hidden", true, value.edit_hidden);
  add("silent", true, value.silent);
  add("pinned", true, value.pinned);
  add("entities", value.entities, !value.entities.empty());
  add("markup", value.markup, !value.markup.is_null());
  add("action", value.action, !value.action.is_null());
  add("reply_to", value.reply_to, value.reply_to != 0);
  if (value.forward.from != 0) {
    out["forward"] = {
        {"from", value.forward.from}, {"date", value.forward.date}, {"post", value.forward.post}};
  }
  return text_of(out);
}

message_record read_message(const json& from) {
  message_record out;
  out.number = number(from, "number");
  out.from = number(from, "from");
  out.to = number(from, "to");
  out.room = number(from, "room");
  out.date = number(from, "date");
  out.edited = number(from, "edited");
  out.edit_hidden = flag(from, "edit_hidden");
  out.silent = flag(from, "silent");
  out.pinned = flag(from, "pinned");
  out.text = text(from, "text");
  out.entities = items(from, "entities");
  out.markup = or_null(from, "markup");
  out.action = or_null(from, "action");
  out.random_id = number(from, "random_id");
  out.reply_to = number(from, "reply_to");
  if (const json* forward = member(from, "forward")) {
    out.forward = {number(*forward, "from"), number(*forward, "date"), number32(*forward, "post")};
  }
  for (const json& one : items(from, "copies")) {
    out.copies.push_back(read_copy(one));
  }
  if (member(from, "sender_id") != nullptr) {
    out.copies = copies_of_before(from, out);
  }
  for (const json& bot : items(from, "unseen_by")) {
    out.unseen_by.push_back(as_number(bot));
  }
  out.id = number32(from, "id");
  out.pts = number32(from, "pts");
  out.gone = flag(from, "gone");
  return out;
}

std::string write(const room& value) {
  json out = {{"id", value.id},
              {"kind", static_cast<int>(value.kind)},
              {"title", value.title},
              {"username", value.username},
              {"about", value.about},
              {"creator", value.creator},
              {"created", value.created},
              {"version", value.version},
              {"banned", value.banned},
              {"pts", value.pts},
              {"links", json::array()},
              {"asks", json::array()},
              {"last_message", value.last_message}};
  for (const invite_link& link : value.links) {
    out["links"].push_back(write_link(link));
  }
  for (const auto& [user, date] : value.asks) {
    out["asks"].push_back(json::array({user, date}));
  }
  if (value.deleted) {
    out["deleted"] = true;
  }
  if (value.migrated_to != 0) {
    out["migrated_to"] = value.migrated_to;
  }
  if (value.migrated_from != 0) {
    out["migrated_from"] = value.migrated_from;
  }
  return text_of(out);
}

room read_room(const json& from) {
  room out;
  out.id = number(from, "id");
  out.kind = static_cast<room_kind>(number32(from, "kind"));
  out.title = text(from, "title");
  out.username = text(from, "username");
  out.about = text(from, "about");
  out.creator = number(from, "creator");
  out.created = number(from, "created");
  out.version = number32(from, "version");
  out.deleted = flag(from, "deleted");
  out.migrated_to = number(from, "migrated_to");
  out.migrated_from = number(from, "migrated_from");
  const json* banned = member(from, "banned");
  out.banned = banned != nullptr ? *banned : json::object();
  for (const json& link : items(from, "links")) {
    out.links.push_back(read_link(link));
  }
  for (const json& ask : items(from, "asks")) {
    if (ask.is_array() && ask.size() == 2) {
      out.asks[as_number(ask[0])] = as_number(ask[1]);
    }
  }
  out.pts = number32(from, "pts");
  out.last_message = number32(from, "last_message");
  return out;
}

std::string write(const room_member& value) {
  json out = {{"user", value.user},
              {"role", static_cast<int>(value.role)},
              {"inviter", value.inviter},
              {"actor", value.actor},
              {"date", value.date},
              {"since", value.since},
              {"read_inbox", value.read_inbox},
              {"read_outbox", value.read_outbox}};
  if (!value.rights.is_null()) {
    out["rights"] = value.rights;
  }
  if (!value.rank.empty()) {
    out["rank"] = value.rank;
  }
  return text_of(out);
}

room_member read_member(const json& from) {
  room_member out;
  out.user = number(from, "user");
  out.role = static_cast<member_role>(number32(from, "role"));
  out.inviter = number(from, "inviter");
  out.actor = number(from, "actor");
  out.date = number(from, "date");
  out.rights = or_null(from, "rights");
  out.rank = text(from, "rank");
  out.since = number32(from, "since");
  out.read_inbox = number32(from, "read_inbox");
  out.read_outbox = number32(from, "read_outbox");
  return out;
}

std::string write(const secondary_event& value) {
  return text_of(
      {{"qts", value.qts}, {"date", value.date}, {"update", value.update}, {"about", value.about}});
}

secondary_event read_secondary(const json& from) {
  secondary_event out;
  out.qts = number32(from, "qts");
  out.date = number(from, "date");
  out.update = or_null(from, "update");
  for (const json& one : items(from, "about")) {
    out.about.push_back(as_number(one));
  }
  return out;
}

} // namespace cafegram::sandbox::records
