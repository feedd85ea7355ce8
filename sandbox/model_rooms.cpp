#include <cafegram/sandbox/model.hpp>
#include <cafegram/sandbox/model_records.hpp>

#include <algorithm>
#include <utility>

/// Rooms, and the messages in them.
namespace cafegram::sandbox {

room* model::find_room(peer_id id) {
  const auto at = rooms_.find(id);
  return at != rooms_.end() ? &at->second : nullptr;
}

const room* model::find_room(peer_id id) const {
  const auto at = rooms_.find(id);
  return at != rooms_.end() ? &at->second : nullptr;
}

void model::index(const room& in) {
  auto& last = in.is_channel() ? last_channel_ : last_group_;
  last = std::max(last, bare_id(in.id));
  if (!in.username.empty()) {
    usernames_[lower_case(in.username)] = in.id;
  }
  for (const invite_link& link : in.links) {
    links_[link.hash] = in.id;
  }
}

room& model::add(room fresh) {
  room& out = rooms_[fresh.id] = std::move(fresh);
  save(out);
  return out;
}

void model::save(room& changed) {
  name(changed.id, changed.username);
  index(changed);
  keep(changed);
}

void model::keep(const room& changed) {
  store_->put(records::rooms, records::key_of(changed.id), records::write(changed));
}

void model::save(room& in, const room_member& changed) {
  if (account* user = find(changed.user); user != nullptr && in.is_channel()) {
    if (changed.inside()) {
      user->channels.insert(in.id);
    } else {
      user->channels.erase(in.id);
    }
  }
  store_->put(records::members, records::key_of(in.id, changed.user), records::write(changed));
}

room* model::find_link(std::string_view hash) {
  const auto at = links_.find(std::string{hash});
  return at != links_.end() ? find_room(at->second) : nullptr;
}

message_record* model::in_channel(const room& in, std::int32_t id) {
  const auto at = in.history.find(id);
  return at != in.history.end() ? message(at->second) : nullptr;
}

bool model::is_hidden(const room& in, const message_record& message, const account& from) {
  if (!from.bot) {
    return false;
  }
  const room_member* member = in.find(from.id);
  if (member == nullptr || !member->inside()) {
    return true;
  }
  const auto& unseen = message.unseen_by;
  return message.from != from.id &&
         (message.pts <= member->since || std::ranges::find(unseen, from.id) != unseen.end());
}

message_record* model::find_message(const account& owner, peer_id peer, std::int32_t id) {
  if (is_channel(peer)) {
    const room* in = find_room(peer);
    message_record* found = in != nullptr ? in_channel(*in, id) : nullptr;
    return found == nullptr || is_hidden(*in, *found, owner) ? nullptr : found;
  }
  message_record* found = in_box(owner, id);
  return found != nullptr && found->peer_of(owner.id) == peer ? found : nullptr;
}

void model::deliver_to_group(message_record& kept) {
  const room& in = *find_room(kept.room);
  const auto add = [&](account_id user) {
    const bool hidden = std::ranges::find(kept.unseen_by, user) != kept.unseen_by.end();
    if (!hidden && kept.copy_of(user) == nullptr) {
      kept.copies.push_back({user, ++find(user)->last_message});
    }
  };
  add(kept.from);
  for (const auto& [user, who] : in.members) {
    if (who.inside()) {
      add(user);
    }
  }
  for (message_copy& copy : kept.copies) {
    put_copy(kept, copy);
  }
}

void model::deliver_to_channel(message_record& kept) {
  room& in = *find_room(kept.room);
  kept.id = ++in.last_message;
  in.history.emplace(kept.id, kept.number);
  in.numbers.push_back(kept.number);
  kept.pts = in.pts + 1; // of the step that is noted: who sees it is seen by this
  note(in, event_kind::message, {kept.id}, kept.date);
}

void model::remove(room& from, const std::vector<std::int32_t>& ids, std::int64_t date) {
  for (const std::int32_t id : ids) {
    message_record& gone = *in_channel(from, id);
    gone.gone = true;
    gone.pinned = false;
    save(gone);
  }
  note(from, event_kind::deleted, ids, date);
  for (const std::int32_t id : ids) {
    from.history.erase(id);
  }
}

const box_event& model::note(room& in, event_kind what, std::vector<std::int32_t> ids,
                             std::int64_t date) {
  const auto count = static_cast<std::int32_t>(ids.size());
  in.pts += count;
  box_event& kept = in.events.emplace_back(in.pts, count, what, in.id, std::move(ids), date);
  for (auto& [user, who] : in.members) {
    if (who.inside() && !seen_ids(kept, in, user).empty()) {
      who.seen_pts = in.pts;
    }
  }
  store_->put(records::room_events, records::key_of(in.id, kept.pts), records::write(kept));
  keep(in);
  return kept;
}

std::vector<std::int32_t> model::seen_ids(const box_event& event, const room& in,
                                          account_id viewer) const {
  const account* who = find(viewer);
  if (who == nullptr || !who->bot) {
    return event.ids;
  }
  std::vector<std::int32_t> out;
  for (const std::int32_t id : event.ids) {
    if (!is_hidden(in, *message(in.numbers.at(static_cast<std::size_t>(id) - 1)), *who)) {
      out.push_back(id);
    }
  }
  return out;
}

std::int32_t model::step_for(const box_event& event, const room& in, account_id viewer) const {
  const account* who = find(viewer);
  const room_member* member = in.find(viewer);
  if (who == nullptr || !who->bot || member == nullptr) {
    return event.count;
  }
  std::int32_t before = member->since;
  auto at = std::ranges::lower_bound(in.events, event.pts, {}, &box_event::pts);
  while (at != in.events.begin()) {
    --at;
    if (at->pts <= member->since) {
      break;
    }
    if (!seen_ids(*at, in, viewer).empty()) {
      before = at->pts;
      break;
    }
  }
  return event.pts - before;
}

std::int32_t model::pts_for(const room& in, account_id viewer) {
  const room_member* member = in.find(viewer);
  return member != nullptr && member->inside() ? member->seen_pts : in.pts;
}

} // namespace cafegram::sandbox
