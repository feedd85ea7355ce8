#include <cafegram/sandbox/names.hpp>
#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/text.hpp>
#include <cafegram/sandbox/views.hpp>
#include <cafegram/sandbox/world_state.hpp>

#include <fmt/format.h>

#include <algorithm>

/// What the page sees and does.
namespace cafegram::sandbox {

namespace {

constexpr std::size_t most_codes = 20;

std::unexpected<error> no_such_user(account_id id) {
  return fail(errc::not_found, fmt::format("there is no user {}", id));
}

std::unexpected<error> no_such_group(peer_id id) {
  return fail(errc::not_found, fmt::format("there is no group {}", id));
}

json to_json(const page_entity& entity) {
  json out = make(entity.type);
  out["offset"] = entity.offset;
  out["length"] = entity.length;
  if (!entity.url.empty()) {
    out["url"] = entity.url;
  }
  if (entity.type == "messageEntityPre") {
    out["language"] = entity.language;
  }
  if (entity.user_id != 0) {
    out["user_id"] = entity.user_id;
  }
  return out;
}

json to_json(const std::vector<page_entity>& entities) {
  json out = json::array();
  for (const page_entity& one : entities) {
    out.push_back(to_json(one));
  }
  return out;
}

struct speaker_and_place {
  account* actor = nullptr;
  place where = {};
};

/// Who acts, and in which chat.
result<speaker_and_place> actors(core& in, account_id as, peer_id with) {
  auto who = acting_person(in, as);
  if (!who) {
    return std::unexpected(who.error());
  }
  speaker_and_place out{*who, {in.data.find(with), in.data.find_room(with)}};
  if (out.where.user == nullptr && out.where.in == nullptr) {
    return is_user(with) ? no_such_user(with) : no_such_group(with);
  }
  return out;
}

page_key page_view(const key_record& key) {
  page_key out;
  out.id = fmt::format("{:016x}", key.id);
  out.created = wall_time{std::chrono::seconds{key.created}};
  out.layer = key.layer;
  out.user_id = key.user;
  return out;
}

page_chat chat_view(core& in, const account& owner, peer_id peer) {
  const dialog talk = dialog_of(in, owner, peer);
  page_chat out{owner.id, peer, talk.unread, std::nullopt};
  if (const auto* message = in.data.find_message(owner, peer, talk.top)) {
    out.last = page_view(in, owner, *message);
  }
  return out;
}

} // namespace

error to_error(const rpc_refusal& refusal) {
  return error::from_rpc(refusal.code, refusal.text);
}

result<account*> acting_person(core& in, account_id id) {
  account* found = in.data.find(id);
  if (found == nullptr) {
    return no_such_user(id);
  }
  if (found->bot) {
    return fail(errc::bad_argument, "a bot speaks for itself");
  }
  return found;
}

std::optional<page_user> world::user(account_id id) const {
  const account* found = impl_->data.find(id);
  return found != nullptr ? std::optional{page_view(*found)} : std::nullopt;
}

void world::describe(page_state& out, wall_time now) const {
  for (const auto& [id, owner] : impl_->data.accounts()) {
    out.users.push_back(page_view(owner));
    for (const auto& [peer, talk] : owner.dialogs) {
      out.chats.push_back(chat_view(*impl_, owner, peer));
    }
    for (const peer_id peer : owner.channels) {
      out.chats.push_back(chat_view(*impl_, owner, peer));
    }
  }
  for (const auto& [id, where] : impl_->data.rooms()) {
    out.groups.push_back(page_view(where));
  }
  for (const auto& [id, key] : impl_->data.keys()) {
    out.keys.push_back(page_view(key));
  }
  for (const auto& [id, key] : impl_->temporary.all()) {
    const key_record* owner = permanent(id);
    page_key shown = page_view(owner != nullptr ? *owner : key_record{});
    shown.id = fmt::format("{:016x}", id);
    shown.created = wall_time{std::chrono::seconds{key.created}};
    shown.temporary = true;
    out.keys.push_back(std::move(shown));
  }
  for (const auto& [name, count] : impl_->counts) {
    (is_simulated(name) ? out.methods : out.missing).push_back({name, count.calls, count.errors});
  }
  for (const auto& [hash, code] : impl_->data.codes()) {
    const wall_time sent{std::chrono::seconds{code.sent}};
    if (wall_time{std::chrono::seconds{code.until}} > now) {
      out.codes.push_back({code.phone, code.code, sent});
    }
  }
  std::ranges::sort(out.codes, {}, &page_code::at);
  if (out.codes.size() > most_codes) {
    out.codes.erase(out.codes.begin(), out.codes.end() - most_codes);
  }
}

result<std::vector<page_message>> world::messages(account_id owner_id, peer_id peer,
                                                  std::int32_t before, std::int32_t limit) const {
  const account* owner = std::as_const(impl_->data).find(owner_id);
  if (owner == nullptr) {
    return no_such_user(owner_id);
  }
  std::vector<page_message> out;
  const room* where = is_channel(peer) ? impl_->data.find_room(peer) : nullptr;
  const auto chat = owner->chats.find(peer);
  const bool nothing = is_channel(peer) ? where == nullptr || !may_look(*where, owner_id)
                                        : chat == owner->chats.end();
  if (nothing) {
    return out;
  }
  const auto& messages = where != nullptr ? where->history : chat->second;
  auto at = before > 0 ? messages.lower_bound(before) : messages.end();
  while (at != messages.begin() && out.size() < static_cast<std::size_t>(std::max(limit, 0))) {
    --at;
    out.push_back(page_view(*impl_, *owner, *impl_->data.message(at->second)));
  }
  std::ranges::reverse(out);
  return out;
}

paged<page_message> world::send(const page_text& text, wall_time now) {
  const auto who = actors(*impl_, text.as, text.to);
  if (!who) {
    return {std::unexpected(who.error()), {}};
  }
  outcome out;
  step at{*impl_, {}, nullptr, now, out};
  draft what;
  what.text = text.text;
  what.entities = to_json(text.entities);
  what.reply_to = text.reply_to;
  auto sent = send_message(at, *who->actor, who->where, std::move(what));
  if (!sent) {
    return {std::unexpected(to_error(sent.error())), {}};
  }
  page_message seen = page_view(*impl_, *who->actor, **sent);
  return impl_->keep(std::move(seen), std::move(out));
}

paged<page_message> world::edit(std::int32_t message, const page_text& text, wall_time now) {
  const auto who = actors(*impl_, text.as, text.to);
  if (!who) {
    return {std::unexpected(who.error()), {}};
  }
  outcome out;
  step at{*impl_, {}, nullptr, now, out};
  json request = json::object();
  request["message"] = text.text;
  request["entities"] = to_json(text.entities);
  auto edited = edit_message(at, *who->actor, who->where, message, request);
  if (!edited) {
    return {std::unexpected(to_error(edited.error())), {}};
  }
  page_message seen = page_view(*impl_, *who->actor, **edited);
  return impl_->keep(std::move(seen), std::move(out));
}

paged<void> world::remove(account_id as, peer_id chat, std::int32_t message, wall_time now) {
  const auto who = actors(*impl_, as, chat);
  if (!who) {
    return {std::unexpected(who.error()), {}};
  }
  outcome out;
  step at{*impl_, {}, nullptr, now, out};
  const auto count = who->where.is_channel()
                         ? delete_posts(at, *who->actor, *who->where.in, {message})
                         : delete_messages(at, *who->actor, {message}, true);
  if (!count) {
    return {std::unexpected(to_error(count.error())), {}};
  }
  if (*count == 0) {
    return {fail(errc::not_found, fmt::format("there is no message {}", message)), {}};
  }
  return impl_->keep(std::move(out));
}

paged<void> world::mark_read(account_id as, peer_id chat, std::int32_t up_to, wall_time now) {
  const auto who = actors(*impl_, as, chat);
  if (!who) {
    return {std::unexpected(who.error()), {}};
  }
  outcome out;
  step at{*impl_, {}, nullptr, now, out};
  read_history(at, *who->actor, who->where, up_to);
  return impl_->keep(std::move(out));
}

paged<std::uint64_t> world::click(const page_click& click, wall_time now) {
  const auto who = actors(*impl_, click.as, click.chat);
  if (!who) {
    return {std::unexpected(who.error()), {}};
  }
  outcome out;
  step at{*impl_, {}, nullptr, now, out};
  const auto query =
      click_button(at, *who->actor, who->where, click.message, to_base64(click.data));
  if (!query) {
    return {std::unexpected(to_error(query.error())), {}};
  }
  return {static_cast<std::uint64_t>(*query), std::move(out)};
}

paged<page_user> world::create_person(const std::string& name, const std::string& username,
                                      wall_time) {
  if (is_blank(name) || name.size() > 255) {
    return {fail(errc::bad_argument, "a name has 1 to 255 characters"), {}};
  }
  if (!username.empty() && !is_username(username)) {
    return {fail(errc::bad_argument,
                 "a username has 3 to 32 letters, digits and underscores, a letter first"),
            {}};
  }
  if (!username.empty() && impl_->data.find_name(username) != 0) {
    return {fail(errc::bad_argument, "the username @" + username + " is taken"), {}};
  }
  account fresh;
  fresh.id = impl_->data.next_person_id();
  fresh.first_name = name;
  fresh.username = username;
  const account& kept = impl_->data.add(std::move(fresh));
  outcome out;
  out.events.emplace_back(page_events::user_changed{page_view(kept)});
  page_user seen = page_view(kept);
  return impl_->keep(std::move(seen), std::move(out));
}

} // namespace cafegram::sandbox
