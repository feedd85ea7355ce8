#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/tl/api/types.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace cafegram {

/// A message, by the chat that it is in.
struct message_place {
  tl::Peer chat;
  std::int32_t id = 0;
};

/// Users and chats that came with updates, by id.
struct peers_seen {
  std::map<std::int64_t, tl::User> users;
  /// Basic groups and channels have numbers of their own: where both have the same, the channel,
  /// which is addressed by more than that.
  std::map<std::int64_t, tl::Chat> chats;
  std::set<std::int64_t> groups = {}; ///< those that a channel has the number of
  /// Of those that are `min`: a message that names them. Spec: "Min constructors".
  std::map<std::int64_t, message_place> users_in = {};
  std::map<std::int64_t, message_place> chats_in = {};
};

/// A send that was made while an update was handled, and is answered.
struct made_send {
  std::int64_t random_id = 0;
  std::int32_t sent_id = 0; ///< the message's; 0: not told
  std::int32_t date = 0;    ///< the server's time; 0: not told
  bool was_duplicate = false;
};

/// What nobody brings back.
struct lost_updates {
  std::int64_t channel = 0; ///< whose; 0: of private chats, groups and the account itself
  /// By the counter of that channel, or of the account, which `box` names: what is beyond `from`,
  /// up to `to`, or without that until it is heard of again.
  std::string box;
  std::int32_t from = 0;
  std::optional<std::int32_t> to;
  std::string why; ///< one of `too long`, `forbidden`, `too old`, ...; see protocol/updates.hpp
};

/// One update, in its place in the order, or the note that some are lost.
struct received_update {
  /// The same each time this update comes, whatever way it came. Unique per account. A message:
  /// `message/ACCOUNT/PEER/ID`; edited: `edit/...`; a query: `query/ACCOUNT/ID`.
  std::string identity;
  /// `tl::unknown` where this program's schema does not know a part of it.
  tl::Update update;
  std::shared_ptr<const peers_seen> peers; ///< never null
  std::int32_t date = 0;                   ///< server time, 0 where not told
  std::int64_t account = 0;                ///< who received it
  std::optional<lost_updates> lost = {};   ///< then `update` is empty
};

} // namespace cafegram
