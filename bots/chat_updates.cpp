#include <cafegram/bots/chat_updates.hpp>

namespace cafegram {

std::optional<std::chrono::sys_seconds> user_status::online_until() const {
  const auto* status = tl::get_if<tl::userStatusOnline>(raw().status);
  if (status == nullptr) {
    return std::nullopt;
  }
  return detail::at_unix_time(status->expires);
}

std::optional<std::chrono::sys_seconds> user_status::last_seen() const {
  const auto* status = tl::get_if<tl::userStatusOffline>(raw().status);
  if (status == nullptr) {
    return std::nullopt;
  }
  return detail::at_unix_time(status->was_online);
}

chat_ref user_typing::sender() const {
  return read([this](const auto& u) {
    if constexpr (requires { u.from_id; }) {
      return complete(u.from_id);
    } else {
      return complete_user(u.user_id);
    }
  });
}

const tl::SendMessageAction& user_typing::action() const {
  return *read([](const auto& u) { return &u.action; });
}

std::optional<std::int32_t> user_typing::top_message_id() const {
  return read([](const auto& u) -> std::optional<std::int32_t> {
    if constexpr (requires { u.top_msg_id; }) {
      return u.top_msg_id;
    } else {
      return std::nullopt;
    }
  });
}

namespace {

using member_status = chat_member_updated::status;

member_status status_of(const tl::ChatParticipant& who) {
  if (tl::holds<tl::chatParticipantCreator>(who)) {
    return member_status::creator;
  }
  return tl::holds<tl::chatParticipantAdmin>(who) ? member_status::administrator
                                                  : member_status::member;
}

member_status status_of(const tl::channelParticipantBanned& who) {
  const auto* rights = tl::get_if<tl::chatBannedRights>(who.banned_rights);
  if (rights != nullptr && rights->view_messages) {
    return member_status::banned;
  }
  return who.left ? member_status::left : member_status::restricted;
}

member_status status_of(const tl::ChannelParticipant& who) {
  if (tl::holds<tl::channelParticipantCreator>(who)) {
    return member_status::creator;
  }
  if (tl::holds<tl::channelParticipantAdmin>(who)) {
    return member_status::administrator;
  }
  if (const auto* banned = tl::get_if<tl::channelParticipantBanned>(who)) {
    return status_of(*banned);
  }
  return tl::holds<tl::channelParticipantLeft>(who) ? member_status::left : member_status::member;
}

template <class Participant>
member_status status_of(const std::optional<Participant>& who) {
  return who ? status_of(*who) : member_status::left;
}

} // namespace

std::int64_t chat_member_updated::user_id() const {
  return read([](const auto& u) { return u.user_id; });
}

std::int64_t chat_member_updated::actor_id() const {
  return read([](const auto& u) { return u.actor_id; });
}

chat_member_updated::status chat_member_updated::before() const {
  return read([](const auto& u) { return status_of(u.prev_participant); });
}

chat_member_updated::status chat_member_updated::now() const {
  return read([](const auto& u) { return status_of(u.new_participant); });
}

std::chrono::sys_seconds chat_member_updated::date() const {
  return read([](const auto& u) { return detail::at_unix_time(u.date); });
}

const tl::ExportedChatInvite* chat_member_updated::invite() const {
  return read([](const auto& u) { return u.invite ? &*u.invite : nullptr; });
}

message_ref message_reactions::message() const {
  return {chat(), read([](const auto& u) { return u.msg_id; })};
}

std::span<const tl::ReactionCount> message_reactions::counts() const {
  using counted = std::span<const tl::ReactionCount>;
  if (const auto* u = tl::get_if<tl::updateBotMessageReactions>(raw_update())) {
    return u->reactions;
  }
  const auto* u = tl::get_if<tl::updateMessageReactions>(raw_update());
  const auto* all = tl::get_if<tl::messageReactions>(u->reactions);
  return all != nullptr ? counted{all->results} : counted{};
}

std::optional<message_ref> poll_updated::message() const {
  if (!raw().peer || !raw().msg_id) {
    return std::nullopt;
  }
  return message_ref{chat(), *raw().msg_id};
}

std::optional<std::int64_t> chat_boost::user_id() const {
  const auto* there = boost();
  return there != nullptr ? there->user_id : std::nullopt;
}

std::string_view business_connection::connection_id() const {
  const auto* there = connection();
  return there != nullptr ? std::string_view{there->connection_id} : std::string_view{};
}

std::int32_t story_updated::story_id() const {
  if (const auto* gone = tl::get_if<tl::storyItemDeleted>(raw().story)) {
    return gone->id;
  }
  if (const auto* skipped = tl::get_if<tl::storyItemSkipped>(raw().story)) {
    return skipped->id;
  }
  return story() != nullptr ? story()->id : 0;
}

std::int32_t story_reaction::story_id() const {
  return read([](const auto& u) { return u.story_id; });
}

const tl::Reaction& story_reaction::reaction() const {
  return *read([](const auto& u) { return &u.reaction; });
}

} // namespace cafegram
