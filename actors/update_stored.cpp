#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/inbox_rows.hpp>
#include <cafegram/actors/update_hub_state.hpp>
#include <cafegram/base/log.hpp>

#include <caf/all.hpp>

// Out of the store again: what an earlier process has left, and what a chat had no room for. And
// the dead letters, which stay there.
namespace cafegram {

namespace {

constexpr std::chrono::seconds after_failed_read{5};

} // namespace

/// As the receivers order them: all that may be in one order there is in one chat here. Not where
/// that is a channel: what its counter holds back is in memory, so what else is said of it is too.
std::string update_hub_state::conversation_of(const storage::inbox_row& row,
                                              std::int64_t channel) const {
  if (channel != 0 || row.chat.starts_with('c')) {
    return {};
  }
  return row.chat.empty() ? to_string(chat_name{chat_kind::user, who.id}) : row.chat;
}

std::map<std::uint64_t, inbox_entry>
update_hub_state::entries_of(const storage::inbox_content& content) {
  for (const auto& one : content.damaged) {
    log::error("update_hub", "passed over, until it is dropped: {}", one.what);
  }
  std::map<std::uint64_t, inbox_entry> out;
  auto send = content.sends.begin();
  for (const auto& row : content.rows) {
    std::vector<storage::send_record> sends;
    for (; send != content.sends.end() && send->number == row.number; ++send) {
      sends.push_back(*send);
    }
    if (auto entry = entry_of(row, std::move(sends))) {
      out.emplace(row.number, *std::move(entry));
    }
  }
  return out;
}

/// None for what is nobody's, and is dropped, or cannot be read, and is a dead letter.
std::optional<inbox_entry> update_hub_state::entry_of(const storage::inbox_row& row,
                                                      std::vector<storage::send_record> sends) {
  if (row.account != who.id) {
    storage::batch rows;
    erase_inbox(rows, row.number);
    add_rows(std::move(rows));
    return std::nullopt;
  }
  auto update = update_of(row);
  if (!update) {
    storage::dead_letter dead{row, seconds_now()};
    dead.update.last_failure = "it cannot be read: " + to_string(update.error());
    bury(dead, sends);
    return std::nullopt;
  }
  const auto channel = row.lost ? row.lost->channel : item_of((*update)->update, {}).box.channel;
  const auto album = album_in((*update)->update);
  return inbox_entry{.update = *std::move(update),
                     .channel = channel,
                     .chat = conversation_of(row, channel),
                     .album = album,
                     .octets = octets_of(row) + sends.size() * octets_of_send,
                     .received_at = row.received_at,
                     .failures = row.failures,
                     .last_failure = row.last_failure,
                     .sends = std::move(sends)};
}

void update_hub_state::bury(const storage::dead_letter& what,
                            const std::vector<storage::send_record>& sends) {
  storage::batch rows;
  put(rows, what);
  ledger.add_dead(what.update.number, octets_of(what.update));
  erase_inbox(rows, what.update.number);
  for (const auto& send : sends) {
    erase_send(rows, send.number, send.place);
  }
  add_rows(std::move(rows));
  drop_dead_letters();
}

/// Nobody may ever look at them, and an update that always fails comes again and again.
void update_hub_state::drop_dead_letters() {
  storage::batch rows;
  for (auto number = ledger.drop_dead(); number != 0; number = ledger.drop_dead()) {
    log::error("update_hub", "dead letter {} is dropped: there are more than are kept", number);
    erase_dead_letter(rows, number);
  }
  if (!rows.empty()) {
    add_rows(std::move(rows));
  }
}

/// As soon as their chats have room.
void update_hub_state::read_stored() {
  while (!read_at) {
    const auto part = ledger.next_stored();
    if (!part) {
      return;
    }
    self->request(store, look_up_patience, inbox_request{0, part->numbers})
        .then([this, part = *part](const inbox_page& page) { take_part(part, *page.content); },
              [this, part = *part](const caf::error& why) { part_not_read(part, why); });
  }
}

void update_hub_state::take_part(const stored_part& part, const storage::inbox_content& content) {
  ledger.take_stored(part, entries_of(content));
  write();
  look_for_room();
  check();
}

/// The updates are where they are: their chats wait for them.
void update_hub_state::part_not_read(const stored_part& part, const caf::error& why) {
  log::error("update_hub", "updates that are stored cannot be read: {}", to_string(to_error(why)));
  ledger.not_read(part);
  read_at = now() + after_failed_read;
  check();
}

} // namespace cafegram
