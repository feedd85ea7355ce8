#include <cafegram/actors/inbox_ledger.hpp>

#include <algorithm>

// Updates that are in the store alone, for their chat has enough of them in memory.
namespace cafegram {

namespace {

/// One part is so much of what all of them may take.
constexpr std::size_t parts_of_octets = 64;
/// A part of a chat that has nothing, where there is no room: it goes on, slowly.
constexpr std::size_t smallest_part = 16;

} // namespace

void inbox_ledger::count_for_chat(const std::string& chat, bool more) {
  if (chat.empty()) {
    return;
  }
  if (more) {
    ++chats_[chat];
    return;
  }
  const auto at = chats_.find(chat);
  if (--at->second == 0) {
    chats_.erase(at);
  }
  if (in_store_.contains(chat)) {
    with_room_.insert(chat);
  }
}

/// What comes later in a chat does not overtake what is there already.
bool inbox_ledger::belongs_in_store(const inbox_entry& entry) const {
  if (!stored_ || !entry.kept || entry.channel != 0 || entry.chat.empty()) {
    return false;
  }
  if (in_store_.contains(entry.chat)) {
    return true;
  }
  const auto rows = chats_.find(entry.chat);
  return by_chat_ && rows != chats_.end() && rows->second >= bounds_.rows_per_chat;
}

void inbox_ledger::leave_in_store(std::uint64_t number, const inbox_entry& entry) {
  in_store_[entry.chat].rows.push_back({number, entry.octets});
  if (number > written_) {
    unwritten_in_store_.push_back(number);
  }
  ++stored_rows_;
  stored_octets_ += entry.octets;
  look_at_bounds();
}

/// As much as makes it full again.
std::optional<stored_part> inbox_ledger::part_of(const std::string& chat,
                                                 const stored_chat& stored) const {
  const auto found = chats_.find(chat);
  const auto rows = found != chats_.end() ? found->second : 0;
  if (is_crowded() && rows > 0) {
    return std::nullopt;
  }
  const auto room = std::max<std::size_t>(bounds_.rows_per_chat, 1) - rows;
  const auto most = is_crowded() ? std::min(room, smallest_part) : room;
  stored_part out{chat, {}};
  std::size_t octets = 0;
  for (const auto& row : stored.rows) {
    if (row.number > written_ || out.numbers.size() >= most ||
        octets > bounds_.octets / parts_of_octets) {
      break;
    }
    octets += row.octets;
    out.numbers.push_back(row.number);
  }
  return out.numbers.empty() ? std::nullopt : std::optional{std::move(out)};
}

std::optional<stored_part> inbox_ledger::next_stored() {
  for (auto at = with_room_.begin(); at != with_room_.end();) {
    const auto rows = chats_.find(*at);
    if (rows != chats_.end() && rows->second > bounds_.rows_per_chat / 2) {
      at = with_room_.erase(at); // until it has less again
      continue;
    }
    auto& stored = in_store_.at(*at);
    if (auto part = stored.reading ? std::nullopt : part_of(*at, stored)) {
      stored.reading = true;
      return part;
    }
    ++at;
  }
  return std::nullopt;
}

/// Whatever has become of the others of `part`: nobody can bring them any more.
void inbox_ledger::take_stored(const stored_part& part,
                               std::map<std::uint64_t, inbox_entry> entries) {
  const auto found = in_store_.find(part.chat);
  if (found == in_store_.end()) {
    return;
  }
  auto& [rows, reading] = found->second;
  reading = false;
  for (const auto number : part.numbers) {
    if (rows.empty() || rows.front().number != number) {
      return; // they were of another account
    }
    --stored_rows_;
    stored_octets_ -= rows.front().octets;
    rows.pop_front();
    if (auto entry = entries.extract(number)) {
      insert(number, std::move(entry.mapped()));
      if (number <= given_) {
        late_.insert(number);
      }
      if (number <= shown_) {
        again_.insert(number);
      }
    }
  }
  look_at_bounds();
  if (rows.empty()) {
    with_room_.erase(part.chat);
    in_store_.erase(found);
  }
}

void inbox_ledger::not_read(const stored_part& part) {
  if (const auto found = in_store_.find(part.chat); found != in_store_.end()) {
    found->second.reading = false;
  }
}

} // namespace cafegram
