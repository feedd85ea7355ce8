#include <cafegram/sandbox/names.hpp>
#include <cafegram/sandbox/room_steps.hpp>
#include <cafegram/sandbox/views.hpp>
#include <cafegram/sandbox/world_state.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>

/// Groups as the page, and tests, make them.
namespace cafegram::sandbox {

namespace {

constexpr std::int32_t most_load_chats = 100'000;
constexpr std::int32_t most_load_people = 10'000;

/// What a bot may do in a channel that it was put into.
json posting_rights() {
  return {{"_", "chatAdminRights"},
          {"post_messages", true},
          {"edit_messages", true},
          {"delete_messages", true}};
}

or_refusal<void> put_in(step& at, account& actor, room& where, account& who) {
  return where.kind == room_kind::broadcast && who.bot
             ? set_admin(at, actor, where, who, posting_rights(), {})
             : add_member(at, actor, where, who);
}

or_refusal<room*> make_room(step& at, account& actor, const page_new_group& wanted,
                            const std::vector<account*>& with) {
  if (wanted.kind == page_group_kind::group) {
    return make_group(at, actor, wanted.title, with);
  }
  const auto kind =
      wanted.kind == page_group_kind::channel ? room_kind::broadcast : room_kind::supergroup;
  const auto made = make_channel(at, actor, wanted.title, {}, kind);
  for (account* who : with) {
    const auto good = made && who != &actor ? put_in(at, actor, **made, *who) : or_refusal<void>{};
    if (!good) {
      return std::unexpected(good.error());
    }
  }
  return made;
}

result<std::vector<account*>> find_all(core& in, const std::vector<std::int64_t>& ids) {
  std::vector<account*> out;
  for (const std::int64_t id : ids) {
    account* found = in.data.find(id);
    if (found == nullptr) {
      return fail(errc::not_found, fmt::format("there is no user {}", id));
    }
    if (std::ranges::find(out, found) == out.end()) {
      out.push_back(found);
    }
  }
  return out;
}

/// Whether a new group can have this name.
result<void> check_name(const core& in, const page_new_group& wanted) {
  if (wanted.username.empty()) {
    return {};
  }
  if (wanted.kind == page_group_kind::group) {
    return fail(errc::bad_argument, "a basic group has no username; make it a supergroup");
  }
  if (!is_username(wanted.username)) {
    return fail(errc::bad_argument,
                "a username has 3 to 32 letters, digits and underscores, a letter first");
  }
  if (in.data.find_name(wanted.username) != 0) {
    return fail(errc::bad_argument, "the username @" + wanted.username + " is taken");
  }
  return {};
}

or_refusal<void> change(step& at, account& actor, room& where, account& who,
                        page_member_change what) {
  switch (what) {
  case page_member_change::add:
    if (&actor == &who && where.is_channel() && !where.has(who.id)) {
      if (!may_look(where, who.id)) {
        return refuse("CHANNEL_PRIVATE");
      }
      enter(at, where, who, {{"_", "messageActionChatAddUser"}, {"users", json::array({who.id})}});
      return {};
    }
    return put_in(at, actor, where, who);
  case page_member_change::remove:
    return remove_member(at, actor, where, who);
  default:
    break;
  }
  const bool up = what == page_member_change::promote;
  if (where.is_channel()) {
    json rights = up ? posting_rights() : json::object();
    if (up && where.kind == room_kind::supergroup) {
      rights = {{"_", "chatAdminRights"}, {"delete_messages", true}, {"invite_users", true}};
    }
    return set_admin(at, actor, where, who, rights, {});
  }
  return set_group_admin(at, actor, where, who, up);
}

account& new_person(core& in, std::string name) {
  account fresh;
  fresh.id = in.data.next_person_id();
  fresh.first_name = std::move(name);
  return in.data.add(std::move(fresh));
}

} // namespace

paged<page_group> world::create_group(const page_new_group& wanted, wall_time now) {
  const auto who = acting_person(*impl_, wanted.as);
  const auto with = find_all(*impl_, wanted.members);
  const auto name = check_name(*impl_, wanted);
  if (!who || !with || !name) {
    return {std::unexpected(!who ? who.error() : !with ? with.error() : name.error()), {}};
  }
  outcome out;
  step at{*impl_, {}, nullptr, now, out};
  const auto made = make_room(at, **who, wanted, *with);
  if (!made) {
    return {std::unexpected(to_error(made.error())), {}};
  }
  room& where = **made;
  if (!wanted.username.empty()) {
    where.username = wanted.username;
    impl_->data.save(where);
    tell_channel(at, where);
    tell_page(at, where);
  }
  page_group seen = page_view(where);
  return impl_->keep(std::move(seen), std::move(out));
}

paged<page_group> world::change_member(const page_membership& wanted, wall_time now) {
  const auto who = acting_person(*impl_, wanted.as);
  const auto user = find_all(*impl_, {wanted.user});
  room* where = impl_->data.find_room(wanted.chat);
  if (!who || !user) {
    return {std::unexpected(!who ? who.error() : user.error()), {}};
  }
  if (where == nullptr || where->closed()) {
    return {fail(errc::not_found, fmt::format("there is no group {}", wanted.chat)), {}};
  }
  outcome out;
  step at{*impl_, {}, nullptr, now, out};
  const auto good = change(at, **who, *where, *user->front(), wanted.change);
  if (!good) {
    return {std::unexpected(to_error(good.error())), {}};
  }
  page_group seen = page_view(*where);
  return impl_->keep(std::move(seen), std::move(out));
}

paged<page_user> world::set_privacy(account_id id, bool on, wall_time) {
  account* bot = impl_->data.find(id);
  if (bot == nullptr || !bot->bot) {
    return {fail(errc::not_found, fmt::format("there is no bot {}", id)), {}};
  }
  bot->privacy = on;
  ++bot->info_version;
  impl_->data.save(*bot);
  outcome out;
  out.events.emplace_back(page_events::user_changed{page_view(*bot)});
  page_user seen = page_view(*bot);
  return impl_->keep(std::move(seen), std::move(out));
}

paged<std::vector<page_load_chat>> world::create_load(const page_load& wanted, wall_time now) {
  account* bot = impl_->data.find(wanted.bot);
  if (bot == nullptr || !bot->bot) {
    return {fail(errc::not_found, fmt::format("there is no bot {}", wanted.bot)), {}};
  }
  if (wanted.chats < 1 || wanted.chats > most_load_chats || wanted.people < 1 ||
      wanted.people > most_load_people) {
    return {fail(errc::bad_argument, "a load has 1 to 100,000 chats and 1 to 10,000 people"), {}};
  }
  outcome out;
  step at{*impl_, {}, nullptr, now, out};
  bot->privacy = false; // it is to hear everything
  impl_->data.save(*bot);
  std::vector<account*> people;
  people.reserve(static_cast<std::size_t>(std::max(wanted.people, 0)));
  for (std::int32_t i = 0; i < wanted.people; ++i) {
    people.push_back(&new_person(*impl_, fmt::format("Load {}", i + 1)));
  }
  constexpr std::array kinds{page_group_kind::group, page_group_kind::supergroup,
                             page_group_kind::channel};
  std::vector<page_load_chat> made;
  for (std::int32_t i = 0; i < wanted.chats; ++i) {
    account& writer = *people[static_cast<std::size_t>(i) % people.size()];
    if (i % 4 == 0) { // a person of its own: a private chat is one with somebody
      made.push_back({bot->id, new_person(*impl_, fmt::format("Load chat {}", i + 1)).id});
      continue;
    }
    page_new_group one;
    one.kind = kinds[static_cast<std::size_t>(i % 4 - 1)];
    one.title = fmt::format("Load {}", i + 1);
    const auto room = make_room(at, writer, one, {bot});
    if (!room) {
      return {std::unexpected(to_error(room.error())), {}};
    }
    made.push_back({(*room)->id, writer.id});
  }
  // So many of them at once are told by one word.
  out.events.clear();
  out.events.emplace_back(page_events::reload{});
  return impl_->keep(std::move(made), std::move(out));
}

} // namespace cafegram::sandbox
