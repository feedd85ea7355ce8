#pragma once

#include <cafegram/storage/backend.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cafegram::storage {

/// In the place of an update: some are lost.
struct lost_note {
  std::int64_t channel = 0; ///< 0: the account's
  std::string box;          ///< which counter
  std::int32_t from = 0;
  std::optional<std::int32_t> to;
  std::string why;

  friend bool operator==(const lost_note&, const lost_note&) = default;
};

/// An update that has been accepted and is not finished. Rows rise in the order of acceptance.
struct inbox_row {
  std::uint64_t number = 0;     ///< its key; never used twice
  std::string identity;         ///< the same each time the update comes
  std::int64_t account = 0;     ///< who received it
  std::string chat;             ///< of which conversation: one after the other within one
  bytes update;                 ///< TL
  std::vector<bytes> users;     ///< TL, that came along
  std::vector<bytes> chats;     ///< TL, that came along
  std::int32_t layer = 0;       ///< of the TL above
  std::int32_t date = 0;        ///< server time
  std::int64_t received_at = 0; ///< seconds since 1970
  std::uint32_t failures = 0;
  std::string last_failure;
  std::optional<lost_note> lost; ///< then there is no update

  friend bool operator==(const inbox_row&, const inbox_row&) = default;
};

/// An update that failed too often.
struct dead_letter {
  inbox_row update;
  std::int64_t died_at = 0; ///< seconds since 1970

  friend bool operator==(const dead_letter&, const dead_letter&) = default;
};

/// The `place`-th send that was made while the update of inbox row `number` was handled.
struct send_record {
  std::uint64_t number = 0;
  std::uint32_t place = 0;
  /// SHA-256 of the request without its random_id; all 0 where the random_id says as much.
  std::array<std::uint8_t, 32> request{};
  std::int64_t random_id = 0;
  bool settled = false;
  bytes answer; ///< TL; empty where the server knew the send and told no more
  std::optional<std::int64_t> sent_id;
  std::int32_t date = 0; ///< server time; 0: not told
  bool was_duplicate = false;

  friend bool operator==(const send_record&, const send_record&) = default;
};

void put(batch& to, const inbox_row& what);
void put(batch& to, const dead_letter& what);
void put(batch& to, const send_record& what);

void erase_inbox(batch& from, std::uint64_t number);
void erase_dead_letter(batch& from, std::uint64_t number);
void erase_send(batch& from, std::uint64_t number, std::uint32_t place);

template <class T>
struct record_page {
  std::vector<T> records;
  bool more = false; ///< behind the last one
};

/// Those whose number is above `after`, rising. A page ends before a row that is damaged; one that
/// would begin with it is an error: who wants the rest goes on behind it. Errors: `storage`;
/// `malformed` for a damaged row, with its number as `error::number`.
result<record_page<inbox_row>> read_inbox(backend& from, std::uint64_t after,
                                          const page_limits& limits = {});
/// As above.
result<record_page<dead_letter>> read_dead_letters(backend& from, std::uint64_t after,
                                                   const page_limits& limits = {});
/// How much of the store a dead letter takes.
struct dead_size {
  std::uint64_t number = 0;
  std::size_t octets = 0; ///< 0 for one that is damaged
};
/// All of them, by rising numbers. Errors: `storage`.
result<std::vector<dead_size>> read_dead_sizes(backend& from);
/// What such a reading behind `after` has failed of: one row, behind which there may be whole ones.
bool is_damaged_behind(std::uint64_t after, const error& why);

/// Updates that are not finished, with what was sent for them.
struct inbox_content {
  std::vector<inbox_row> rows;
  std::vector<send_record> sends; ///< by rising number and place
  std::vector<error> damaged;     ///< rows that are passed over, each named
  std::uint64_t last = 0;         ///< the last row that was looked at
  bool more = false;              ///< behind that one
  bool stored = false;            ///< there is a store, which can be asked again
  /// At the beginning, for whoever keeps them within a bound.
  std::optional<std::vector<dead_size>> dead = {};
};

/// As `read_inbox`, with the sends of those rows; damaged ones are passed over. Errors: `storage`.
result<inbox_content> read_unfinished(backend& from, std::uint64_t after,
                                      const page_limits& limits = {});

/// The same of these numbers, which rise; those that have no row are left out. One that is damaged
/// takes no other one along.
result<inbox_content> read_unfinished(backend& from, const std::vector<std::uint64_t>& numbers);

/// Those of one update, by rising place. Errors: `storage`; `malformed` for a damaged row of this
/// update, with its number.
result<std::vector<send_record>> read_sends(backend& from, std::uint64_t number);
/// All of one update, also those that are damaged, as far as their places are known. Errors: as
/// above; what was found before is in the batch.
result<void> erase_sends(batch& from, backend& in, std::uint64_t number);

} // namespace cafegram::storage
