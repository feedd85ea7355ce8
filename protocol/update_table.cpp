#include <cafegram/protocol/update_table.hpp>
#include <cafegram/tl/codec.hpp>

#include <algorithm>
#include <array>

namespace cafegram::protocol {

namespace {

constexpr update_row in_common(std::uint32_t id, std::string_view name) {
  return {id, name, box_kind::common, update_role::ordinary, channel_in::none};
}

constexpr update_row in_secondary(std::uint32_t id, std::string_view name) {
  return {id, name, box_kind::secondary, update_role::ordinary, channel_in::none};
}

constexpr update_row in_channel(std::uint32_t id, std::string_view name, channel_in where) {
  return {id, name, box_kind::channel, update_role::ordinary, where};
}

constexpr update_row passing(std::uint32_t id, std::string_view name) {
  return {id, name, box_kind::none, update_role::transient, channel_in::none};
}

constexpr std::array updates{
    in_secondary(0x07df587c, "updateBotEditBusinessMessage"),
    in_secondary(0x09cb7759, "updateBotMessageReactions"),
    update_row{0x108d941f, "updateChannelTooLong", box_kind::channel, update_role::channel_too_long,
               channel_in::field},
    in_secondary(0x12bcbd9a, "updateNewEncryptedMessage"),
    passing(0x12f12a07, "updateBotInlineSend"),
    passing(0x1592b79d, "updateWebViewResultSent"),
    passing(0x1710f156, "updateEncryptedChatTyping"),
    in_common(0x19360dc0, "updateFolderPeers"),
    in_channel(0x1b3f4df7, "updateEditChannelMessage", channel_in::message),
    passing(0x1ea2fda7, "updateBusinessBotCallbackQuery"),
    in_common(0x1f2b0afd, "updateNewMessage"),
    passing(0x2661bf09, "updatePhoneCallSignalingData"),
    in_secondary(0x283bd312, "updateBotPurchasedPaidMedia"),
    passing(0x2a17bf5c, "updateUserTyping"),
    in_channel(0x2f2ba99f, "updateChannelWebPage", channel_in::field),
    in_common(0x2f2f21bf, "updateReadHistoryOutbox"),
    update_row{0x3354678f, "updatePtsChanged", box_kind::none, update_role::state_lost,
               channel_in::none},
    in_secondary(0x4880ed9a, "updateManagedBot"),
    passing(0x496f379c, "updateBotInlineQuery"),
    passing(0x504aa18f, "updateSentPhoneCode"),
    passing(0x564fe691, "updateLoginToken"),
    in_channel(0x5bb98608, "updatePinnedChannelMessages", channel_in::field),
    in_channel(0x62ba04d9, "updateNewChannelMessage", channel_in::message),
    passing(0x691e9052, "updateInlineBotCallbackQuery"),
    in_secondary(0x6c0d8e23, "updateBotStarsSubscription"),
    in_secondary(0x7699f014, "updateMessagePollVote"),
    passing(0x7c1079d6, "updateEphemeralBotCallbackQuery"),
    in_secondary(0x7cb34d79, "updateBotChatInviteRequester"),
    in_common(0x7f891213, "updateWebPage"),
    passing(0x8317c0c3, "updateBotWebhookJSON"),
    passing(0x83487af0, "updateChatUserTyping"),
    in_secondary(0x8ae5c97a, "updateBotBusinessConnect"),
    passing(0x8c88c923, "updateChannelUserTyping"),
    passing(0x8caa9a96, "updateBotPrecheckoutQuery"),
    in_secondary(0x904dd49c, "updateBotChatBoost"),
    update_row{0x922e6e10, "updateReadChannelInbox", box_kind::channel, update_role::channel_hint,
               channel_in::field},
    in_secondary(0x985d3abb, "updateChannelParticipant"),
    passing(0x9b9240a6, "updateBotWebhookJSONQuery"),
    in_secondary(0x9ddb347c, "updateBotNewBusinessMessage"),
    in_common(0x9e84bc99, "updateReadHistoryInbox"),
    in_secondary(0xa02a982e, "updateBotDeleteBusinessMessage"),
    in_common(0xa20db0e5, "updateDeleteMessages"),
    in_secondary(0xac21d3ce, "updateBotMessageReaction"),
    passing(0xb5aefd7d, "updateBotShippingQuery"),
    passing(0xb9cfc48d, "updateBotCallbackQuery"),
    passing(0xbdac7e70, "updateJoinChatWebViewDecision"),
    in_channel(0xc32d5b12, "updateDeleteChannelMessages", channel_in::field),
    in_secondary(0xc4870a49, "updateBotStopped"),
    in_secondary(0xcdd4093d, "updateBotGuestChatQuery"),
    in_secondary(0xd087663a, "updateChatParticipant"),
    in_common(0xe40370a3, "updateEditMessage"),
    passing(0xe5bdf8de, "updateUserStatus"),
    in_common(0xed85eab5, "updatePinnedMessages"),
    in_common(0xf8227181, "updateReadMessagesContents"),
};

constexpr std::array affected{
    affected_row{0x062dd747, "messages.unpinAllMessages", 8, -1},
    affected_row{0x0e306d3a, "messages.readHistory", 4, -1},
    affected_row{0x1720b4d8, "messages.readPollVotes", 8, -1},
    affected_row{0x367544db, "channels.deleteParticipantHistory", 4, -1},
    affected_row{0x36a73f77, "messages.readMessageContents", 0, -1},
    affected_row{0x36e5bf4d, "messages.readMentions", 8, -1},
    affected_row{0x4dc5085f, "messages.deleteSavedHistory", 8, 0},
    affected_row{0x84c1fd4e, "channels.deleteMessages", 4, -1},
    affected_row{0x9ec44f93, "messages.readReactions", 8, -1},
    affected_row{0xb08f922a, "messages.deleteHistory", 8, -1},
    affected_row{0xd2816f10, "messages.deleteTopicHistory", 4, -1},
    affected_row{0xe58e95d2, "messages.deleteMessages", 0, -1},
    affected_row{0xf9cbe409, "messages.deletePhoneCallHistory", 0, -1},
};

static_assert(std::ranges::is_sorted(updates, {}, &update_row::id));
static_assert(std::ranges::is_sorted(affected, {}, &affected_row::id));

template <class Rows>
auto find_row(const Rows& rows, std::uint32_t id) -> decltype(rows.data()) {
  const auto found = std::ranges::lower_bound(rows, id, {}, &Rows::value_type::id);
  return found != rows.end() && found->id == id ? &*found : nullptr;
}

// Constructors of `InputPeer` and `InputChannel` that name a channel.
constexpr std::uint32_t input_peer_channel = 0x27bcbbfc;
constexpr std::uint32_t input_channel = 0xf35aec28;
constexpr std::uint32_t input_peer_channel_from_message = 0xbd2a0840;
constexpr std::uint32_t input_channel_from_message = 0x5b934f9d;
// Those of `InputPeer` that may stand within: with a number and an access hash, a number, nothing.
constexpr std::uint32_t input_peer_user = 0xdde8a54c;
constexpr std::uint32_t input_peer_chat = 0x35a95cb9;
constexpr std::uint32_t input_peer_self = 0x7da07ec9;

/// Goes past the peer that has seen a message; false for one that is not read here.
bool skip_peer(tl::reader& in) {
  switch (in.u32()) {
  case input_peer_channel:
  case input_peer_user:
    in.raw(16);
    return in.ok();
  case input_peer_chat:
    in.raw(8);
    return in.ok();
  case input_peer_self:
    return true;
  default:
    return false;
  }
}

/// The box of messages with a peer; none where it cannot be read.
std::optional<box_id> box_of_peer(tl::reader& in) {
  switch (in.u32()) {
  case input_peer_channel_from_message:
  case input_channel_from_message:
    if (!skip_peer(in)) {
      return {};
    }
    in.u32(); // msg_id
    [[fallthrough]];
  case input_peer_channel:
  case input_channel: {
    const auto channel = in.i64();
    return in.ok() ? std::optional{channel_box(channel)} : std::nullopt;
  }
  default:
    return in.ok() ? std::optional{common_box} : std::nullopt;
  }
}

} // namespace

std::span<const update_row> update_rows() {
  return updates;
}

const update_row* find_update(std::uint32_t id) {
  return find_row(updates, id);
}

std::span<const affected_row> affected_rows() {
  return affected;
}

std::optional<box_id> box_of_affected(bytes_view function) {
  tl::reader in{function};
  const auto* row = find_row(affected, in.u32());
  if (row == nullptr) {
    return {};
  }
  if (row->peer_at == 0) {
    return common_box;
  }
  std::uint32_t flags = 0;
  for (auto at = row->peer_at; at > 4; at -= 4) {
    flags = in.u32();
  }
  if (row->bit >= 0 && (flags >> static_cast<unsigned>(row->bit) & 1U) == 0) {
    return common_box;
  }
  return box_of_peer(in);
}

difference_failure failure_of(const rpc_failure& why) {
  constexpr std::string_view forbidden[] = {
      "CHANNEL_INVALID",         "CHANNEL_PRIVATE",
      "CHANNEL_PUBLIC_GROUP_NA", "CHANNEL_MONOFORUM_UNSUPPORTED",
      "CHAT_FORBIDDEN",          "USER_BANNED_IN_CHANNEL"};
  // How the channel was named, not the channel.
  constexpr std::string_view unaddressed[] = {"FROM_MESSAGE_BOT_DISABLED", "MSG_ID_INVALID",
                                              "PEER_ID_INVALID"};
  // PERSISTENT_TIMESTAMP_OUTDATED is none of these: the server is behind itself, for a while.
  constexpr std::string_view unknown[] = {"PERSISTENT_TIMESTAMP_EMPTY",
                                          "PERSISTENT_TIMESTAMP_INVALID"};
  const auto among = [&why](const auto& names) {
    return std::ranges::find(names, std::string_view{why.name}) != std::end(names);
  };
  return among(forbidden)     ? difference_failure::forbidden
         : among(unaddressed) ? difference_failure::no_address
         : among(unknown)     ? difference_failure::place_unknown
                              : difference_failure::later;
}

} // namespace cafegram::protocol
