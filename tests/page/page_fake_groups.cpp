#include <algorithm>

#include "page_fake.hpp"

// The groups of a sandbox that only pretends.
namespace cafegram::test {

using namespace std::chrono_literals;
using namespace sandbox;

bool page_fake::is_known(std::int64_t peer) const {
  return std::ranges::find(state_.users, peer, &page_user::id) != state_.users.end() ||
         std::ranges::find(state_.groups, peer, &page_group::id) != state_.groups.end();
}

/// As Ada sees it.
page_message& page_fake::say(std::int64_t group, std::int64_t from, std::string text) {
  auto& out = add(ada, group, from == ada, std::move(text));
  out.from = from;
  now_ += 1min;
  return out;
}

void page_fake::furnish_groups() {
  page_group group;
  group.id = club;
  group.title = "Coffee club";
  group.about = "Beans, mills, and the people who love them.";
  group.creator = ada;
  group.members = {{ada, true, true}, {alice, false, true}, {bot, false, true}};
  group.size = 3;
  state_.groups.push_back(group);
  group.id = news;
  group.kind = page_group_kind::channel;
  group.title = "Roastery news";
  group.username = "roastery_news";
  group.creator = alice;
  group.members = {{ada, false, false}, {alice, true, true}};
  group.size = 2;
  state_.groups.push_back(group);
  now_ -= 5h;
  say(club, ada,
      "Ada Lovelace made the group \xE2\x80\x9C"
      "Coffee club\xE2\x80\x9D")
      .service = true;
  say(club, alice, "Who brings the beans on Friday?");
  say(club, alice, "I have the mill.");
  auto& offer = say(club, bot, "I can order some. Which ones?");
  offer.markup = page_markup{.type = "replyInlineMarkup",
                             .rows = {{{"keyboardButtonCallback", "Light roast", {}, {0x6c}},
                                       {"keyboardButtonCallback", "Dark roast", {}, {0x64}}}},
                             .single_use = false,
                             .placeholder = {}};
  say(club, ada, "Light, please.").reply_to = offer.id;
  say(news, news, "The new harvest from Yirgacheffe is here: blueberries, and a little jasmine.");
  now_ += 5h - 6min;
}

result<page_group> page_fake::create_group(const page_new_group& wanted) {
  const std::lock_guard lock{mutex_};
  page_group out;
  out.id = -5000 - static_cast<std::int64_t>(state_.groups.size());
  out.kind = wanted.kind;
  out.title = wanted.title;
  out.username = wanted.username;
  out.creator = wanted.as;
  out.members.push_back({wanted.as, true, true});
  for (const auto id : wanted.members) {
    out.members.push_back({id, false, wanted.kind != page_group_kind::channel});
  }
  out.size = static_cast<std::int32_t>(out.members.size());
  state_.groups.push_back(out);
  feed_->publish(page_events::group_changed{out});
  return out;
}

result<page_group> page_fake::change_member(const page_membership& change) {
  const std::lock_guard lock{mutex_};
  const auto at = std::ranges::find(state_.groups, change.chat, &page_group::id);
  if (at == state_.groups.end()) {
    return fail(errc::not_found, "there is no such group");
  }
  std::erase_if(at->members, [&](const page_member& one) { return one.user == change.user; });
  if (change.change != page_member_change::remove) {
    at->members.push_back({change.user, change.change == page_member_change::promote, true});
  }
  at->size = static_cast<std::int32_t>(at->members.size());
  feed_->publish(page_events::group_changed{*at});
  return *at;
}

result<page_user> page_fake::set_privacy(std::int64_t id, bool on) {
  const std::lock_guard lock{mutex_};
  const auto at = std::ranges::find(state_.users, id, &page_user::id);
  if (at == state_.users.end()) {
    return fail(errc::not_found, "there is no such bot");
  }
  at->privacy = on;
  return *at;
}

result<std::vector<page_load_chat>> page_fake::create_load(const page_load& wanted) {
  return std::vector<page_load_chat>(static_cast<std::size_t>(wanted.chats), {wanted.bot, ada});
}

} // namespace cafegram::test
