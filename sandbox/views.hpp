#pragma once

#include <cafegram/sandbox/core.hpp>

/// How the state looks from outside: as TL objects of the newest layer, and as the page shows it.
namespace cafegram::sandbox {

json peer_view(account_id id);
json user_view(const core& in, account_id viewer, const account& who);
json users_view(const core& in, account_id viewer, std::vector<account_id> ids);
json message_view(const core& in, account_id owner, const message_record& message);
/// `updateNewMessage` and the like; null where the message is gone since.
json update_view(const core& in, const account& owner, const box_event& event);
/// `updates` around some updates.
json updates_view(const core& in, account_id viewer, json updates, std::vector<account_id> about,
                  std::int64_t date);
json status_view(const account& who, std::int64_t now);
json state_view(const account& owner, std::int64_t now);
json dialog_view(const core& in, const account& owner, account_id peer);
json bot_info_view(const account& bot);

page_user page_view(const account& who);
page_message page_view(const core& in, const account& owner, const message_record& message);

} // namespace cafegram::sandbox
