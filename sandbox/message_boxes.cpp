#include <cafegram/sandbox/core.hpp>
#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/views.hpp>

#include <algorithm>

/// Deleting messages, and marking them as read.
namespace cafegram::sandbox {

namespace {

using ids_by_chat = std::map<std::pair<account_id, peer_id>, std::vector<std::int32_t>>;

/// Whether a message of a basic group may be deleted for all.
bool may_revoke(const step& at, const account& from, const message_record& message) {
  if (message.room == 0) {
    return true;
  }
  const room_member* member = at.in.data.find_room(message.room)->find(from.id);
  return member != nullptr && member->inside() && (member->leads() || message.from == from.id);
}

/// False for who has left, or was removed from, the basic group that a chat is.
bool hears_of(const step& at, const account& owner, peer_id peer) {
  return is_user(peer) || at.in.data.find_room(peer)->has(owner.id);
}

void add_once(std::vector<std::int32_t>& to, std::int32_t id) {
  if (std::ranges::find(to, id) == to.end()) {
    to.push_back(id);
  }
}

/// Read up to `newest`: the newest of their own for those who wrote it, by author.
std::map<account_id, std::int32_t> authors_of(const step& at, const account& reader, peer_id peer,
                                              std::int32_t before, std::int32_t newest) {
  std::map<account_id, std::int32_t> out;
  const auto& chat = reader.chats.at(peer);
  for (auto one = chat.upper_bound(before); one != chat.end() && one->first <= newest; ++one) {
    const message_record* message = at.in.data.message(one->second);
    const message_copy* theirs = message->copy_of(message->from);
    if (message->from != reader.id && theirs != nullptr && !theirs->gone) {
      out[message->from] = std::max(out[message->from], theirs->id);
    }
  }
  return out;
}

void tell_author(step& at, account& author, peer_id peer, const account& reader, std::int32_t id) {
  if (!hears_of(at, author, peer)) {
    return;
  }
  dialog& talk = at.in.data.dialog_of(author, peer);
  if (id <= talk.read_outbox) {
    return;
  }
  talk.read_outbox = id;
  at.in.data.save_dialog(author, peer);
  if (author.bot) { // bots are not told; the page is
    at.out.events.emplace_back(
        page_events::messages_read{author.id, is_user(peer) ? reader.id : peer, id});
  } else {
    at.note(author, event_kind::read_outbox, peer, {id});
  }
}

/// The newest message up to `up_to` (0: of all); 0: there is none.
template <class Chat>
std::int32_t newest_to(const Chat& chat, std::int32_t up_to) {
  auto last = up_to > 0 ? chat.upper_bound(up_to) : chat.end();
  return last == chat.begin() ? 0 : (--last)->first;
}

std::int32_t read_box(step& at, account& reader, peer_id peer, std::int32_t up_to) {
  dialog& talk = at.in.data.dialog_of(reader, peer);
  const std::int32_t newest = newest_to(reader.chats[peer], up_to > 0 ? up_to : talk.top);
  const std::int32_t before = talk.unread;
  if (newest <= talk.read_inbox) {
    return 0;
  }
  const auto authors = authors_of(at, reader, peer, talk.read_inbox, newest);
  talk.read_inbox = newest;
  at.in.data.recount(reader, peer);
  at.in.data.save_dialog(reader, peer);
  at.note(reader, event_kind::read_inbox, peer, {newest});
  if (!hears_of(at, reader, peer)) {
    return before - talk.unread; // of what it reads now nobody hears
  }
  for (const auto& [user, id] : authors) {
    tell_author(at, *at.in.data.find(user), is_user(peer) ? reader.id : peer, reader, id);
  }
  return before - talk.unread;
}

void tell_author(step& at, room& where, account_id user, std::int32_t id) {
  room_member* author = where.find(user);
  if (author == nullptr || !author->inside() || id <= author->read_outbox) {
    return;
  }
  author->read_outbox = id;
  at.in.data.save(where, *author);
  at.out.events.emplace_back(page_events::messages_read{user, where.id, id});
  account& owner = *at.in.data.find(user);
  if (!owner.bot && where.kind == room_kind::supergroup) {
    json update = make("updateReadChannelOutbox");
    update["channel_id"] = bare_id(where.id);
    update["max_id"] = id;
    at.push(owner, std::move(update), {where.id});
  }
}

std::int32_t read_channel(step& at, account& reader, room& where, std::int32_t up_to) {
  room_member* member = where.find(reader.id);
  const std::int32_t newest = newest_to(where.history, up_to);
  if (member == nullptr || !member->inside() || newest <= member->read_inbox) {
    return 0;
  }
  std::map<account_id, std::int32_t> authors;
  for (auto one = where.history.upper_bound(member->read_inbox);
       one != where.history.end() && one->first <= newest; ++one) {
    const account_id from = at.in.data.message(one->second)->from;
    if (from != reader.id) {
      authors[from] = one->first;
    }
  }
  const std::int32_t before = dialog_of(at.in, reader, where.id).unread;
  member->read_inbox = newest;
  at.in.data.save(where, *member);
  const std::int32_t left = dialog_of(at.in, reader, where.id).unread;
  json update = make("updateReadChannelInbox");
  update["channel_id"] = bare_id(where.id);
  update["max_id"] = newest;
  update["still_unread_count"] = left;
  update["pts"] = model::pts_for(where, reader.id);
  at.push(reader, std::move(update), {where.id});
  for (const auto& [user, id] : authors) {
    tell_author(at, where, user, id);
  }
  return before - left;
}

} // namespace

or_refusal<std::int32_t> delete_messages(step& at, account& from,
                                         const std::vector<std::int32_t>& ids, bool revoke) {
  std::vector<std::int32_t> mine;
  for (const std::int32_t id : ids) {
    const message_record* found = at.in.data.in_box(from, id);
    if (found != nullptr && from.bot && !may_revoke(at, from, *found)) {
      return refuse("MESSAGE_DELETE_FORBIDDEN", 403);
    }
    if (found != nullptr) {
      add_once(mine, id);
    }
  }
  ids_by_chat own; // of whom, and in which chat
  ids_by_chat others;
  for (const std::int32_t id : mine) {
    const message_record& found = *at.in.data.in_box(from, id);
    own[{from.id, found.peer_of(from.id)}].push_back(id);
    if (!revoke || !may_revoke(at, from, found)) {
      continue;
    }
    for (const message_copy& copy : found.copies) {
      const bool hears = hears_of(at, *at.in.data.find(copy.owner), found.peer_of(copy.owner));
      if (copy.owner != from.id && !copy.gone && hears) {
        others[{copy.owner, found.peer_of(copy.owner)}].push_back(copy.id);
      }
    }
  }
  for (const auto* part : {&own, &others}) {
    for (const auto& [where, list] : *part) {
      account& owner = *at.in.data.find(where.first);
      at.in.data.remove(owner, where.second, list);
      at.announce(owner, owner.events.back());
    }
  }
  return static_cast<std::int32_t>(mine.size());
}

or_refusal<std::int32_t> delete_posts(step& at, account& from, room& where,
                                      const std::vector<std::int32_t>& ids) {
  std::vector<std::int32_t> there;
  const bool all = where.may(from.id, "delete_messages");
  const bool own = where.may_change_own(from.id);
  for (const std::int32_t id : ids) {
    const message_record* found = at.in.data.find_message(from, where.id, id);
    if (found == nullptr) {
      continue;
    }
    if (!all && (found->from != from.id || !own)) {
      return refuse("MESSAGE_DELETE_FORBIDDEN", 403);
    }
    add_once(there, id);
  }
  if (!there.empty()) {
    at.in.data.remove(where, there, at.unix_time());
    at.announce(where, where.events.back());
  }
  return static_cast<std::int32_t>(there.size());
}

std::int32_t read_history(step& at, account& reader, const place& where, std::int32_t up_to) {
  return where.is_channel() ? read_channel(at, reader, *where.in, up_to)
                            : read_box(at, reader, where.id(), up_to);
}

} // namespace cafegram::sandbox
