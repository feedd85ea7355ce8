#include <cafegram/sandbox/core.hpp>
#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/short_forms.hpp>
#include <cafegram/sandbox/views.hpp>

/// Telling of what has happened.
namespace cafegram::sandbox {

namespace {

page_event page_event_of(const core& in, const account& owner, const box_event& event) {
  const auto at = owner.box.find(event.ids.front());
  switch (event.kind) {
  case event_kind::message:
  case event_kind::edited:
  case event_kind::pinned:
  case event_kind::unpinned: {
    page_message message = page_view(in, owner, *in.data.message(at->second));
    if (event.kind == event_kind::message) {
      return page_events::message_new{owner.id, event.peer, std::move(message)};
    }
    return page_events::message_edited{owner.id, event.peer, std::move(message)};
  }
  case event_kind::deleted:
    return page_events::messages_deleted{owner.id, event.peer, event.ids};
  default:
    return page_events::messages_read{owner.id, event.peer, event.ids.front()};
  }
}

/// What a member of a channel sees at the page.
page_event page_event_of(const core& in, const room& where, const account& owner,
                         const box_event& event) {
  if (event.kind == event_kind::deleted) {
    return page_events::messages_deleted{owner.id, where.id, event.ids};
  }
  const auto number = where.numbers.at(static_cast<std::size_t>(event.ids.front()) - 1);
  page_message message = page_view(in, owner, *in.data.message(number));
  if (event.kind == event_kind::message) {
    return page_events::message_new{owner.id, where.id, std::move(message)};
  }
  return page_events::message_edited{owner.id, where.id, std::move(message)};
}

} // namespace

void step::note(account& owner, event_kind what, peer_id where, std::vector<std::int32_t> ids) {
  announce(owner, in.data.note(owner, what, where, std::move(ids)));
}

void step::announce(account& owner, const box_event& event) {
  std::vector<peer_id> about{owner.id, event.peer};
  for (const std::int32_t id : event.ids) {
    if (const message_record* message = in.data.in_box(owner, id)) {
      add_names(*message, owner.id, about);
    }
  }
  push(owner, update_view(in, owner, event), std::move(about));
  // The other side of a read tells the page; here it would be told twice.
  if (event.kind != event_kind::read_inbox) {
    out.events.push_back(page_event_of(in, owner, event));
  }
}

void step::note(room& where, event_kind what, std::vector<std::int32_t> ids) {
  announce(where, in.data.note(where, what, std::move(ids), unix_time()));
}

void step::announce(room& where, const box_event& event) {
  for (const auto& [user, member] : where.members) {
    if (!member.inside()) {
      continue;
    }
    account& owner = *in.data.find(user);
    json update = update_view(in, where, owner, event);
    if (update.is_null()) {
      continue;
    }
    std::vector<peer_id> about{where.id};
    for (const std::int32_t id : event.ids) {
      if (const message_record* message = in.data.in_channel(where, id)) {
        add_names(*message, user, about);
      }
    }
    push(owner, std::move(update), std::move(about));
    out.events.push_back(page_event_of(in, where, owner, event));
  }
}

void step::note(account& bot, json update, std::vector<peer_id> about) {
  const auto& kept = in.data.note(bot, std::move(update), std::move(about), unix_time());
  push(bot, kept.update, kept.about);
}

void step::push(account& to, json update, std::vector<peer_id> about) {
  push_all(to, json::array({std::move(update)}), std::move(about));
}

void step::push_all(account& to, json updates, std::vector<peer_id> about) {
  if (me == &to) {
    own.insert(own.end(), updates.begin(), updates.end());
    own_about.insert(own_about.end(), about.begin(), about.end());
  }
  auto keys = in.data.keys_of(to.id);
  if (!in.options.data_centres.empty()) {
    // A login that was carried to another data centre gets no updates there.
    std::erase_if(keys, [&, home = home_of(in.options, to)](std::uint64_t id) {
      const key_record* one = in.data.find_key(id);
      return one == nullptr || dc_number(one->dc) != home;
    });
  }
  if (keys.empty()) {
    return;
  }
  sandbox::push one{to.id, std::move(keys), 0, 0, {}};
  if (me == &to) {
    one.except_key = who.key;
    one.except_session = who.session;
  }
  one.updates = pushed_form(in, to, std::move(updates), std::move(about), unix_time(), me != &to);
  out.pushes.push_back(std::move(one));
}

json step::own_updates(json first) {
  first.insert(first.end(), own.begin(), own.end());
  own_about.push_back(me->id);
  return updates_view(in, me->id, std::move(first), own_about, unix_time());
}

} // namespace cafegram::sandbox
