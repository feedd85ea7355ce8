#pragma once

#include <cafegram/tl/api/types.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace cafegram {

/// Users and chats that came with updates, by id.
struct peers_seen {
  std::map<std::int64_t, tl::User> users;
  std::map<std::int64_t, tl::Chat> chats;
};

/// One update, in its place in the order.
struct received_update {
  /// The same each time this update comes, whatever way it came. Unique per account. A message:
  /// `message/ACCOUNT/PEER/ID`; edited: `edit/...`; a query: `query/ACCOUNT/ID`.
  std::string identity;
  /// `tl::unknown` where this program's schema does not know a part of it.
  tl::Update update;
  std::shared_ptr<const peers_seen> peers; ///< never null
  std::int32_t date = 0;                   ///< server time, 0 where not told
  std::int64_t account = 0;                ///< who received it
};

} // namespace cafegram
