#pragma once

#include <cafegram/actors/updates.hpp>
#include <cafegram/base/environment.hpp>
#include <cafegram/storage/inbox.hpp>

namespace cafegram {

/// An update as it lies in the inbox, with the users and chats that it names, of those that came
/// with it.
storage::inbox_row row_of(const received_update& update, std::uint64_t number,
                          wall_time received_at);

/// The way back. Errors: as of the codec; `malformed` for one that only the schema knows in which
/// it was written.
result<std::shared_ptr<const received_update>> update_of(const storage::inbox_row& row);

/// About what the row takes, in the store and in memory.
std::size_t octets_of(const storage::inbox_row& row);
/// The same of one send that was made for it.
constexpr std::size_t octets_of_send = 128;

} // namespace cafegram
