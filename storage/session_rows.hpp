#pragma once

#include <cafegram/storage/backend.hpp>
#include <cafegram/storage/session.hpp>

#include <memory>

namespace cafegram::storage {

// How a session lies in the rows of a store: keys, addresses and login are one row; the common
// counters are one; each channel's counter is one; peers are rows too (peers.hpp). So a batch of
// updates writes what it moved and no more.

/// Keys, addresses, home and login; makes the batch durable: a lost key is a lost login.
void put_login(batch& to, const session_state& session);
void put(batch& to, const update_state& counters);
void put_channel(batch& to, std::int64_t channel, const channel_counter& counter);
void erase_common(batch& from);
void erase_channel(batch& from, std::int64_t channel);

/// All of it.
void put(batch& to, const session_state& session);

/// What belongs to the account that was logged in: its counters, peers, inbox and sends.
void forget_account(batch& in);

/// None where there is no session yet. Reads no peers. Errors: `storage`, naming the row.
result<std::optional<session_state>> read_session(backend& from);

/// A copy that `session_backend::put_aside` has kept; none for a name that is none. Errors:
/// `storage`.
result<std::optional<session_state>> read_aside(backend& from, std::string_view name);

/// A session of its own in `in`.
std::unique_ptr<session_backend> keep_session(std::shared_ptr<backend> in);

} // namespace cafegram::storage
