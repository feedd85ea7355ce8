#include <cafegram/actors/inbox_ledger.hpp>

#include <algorithm>

// Updates that are in the store alone, for their chat has enough of them in memory.
namespace cafegram {

namespace {

/// One part is so much of what all of them may take.
constexpr std::size_t parts_of_octets = 64;
/// The writer's thread reads one row after the other, and commits wait behind it.
constexpr std::size_t largest_part = 64;
/// A part of a chat that has nothing, where there is no room: it goes on, slowly.
constexpr std::size_t smallest_part = 16;
/// An album has ten messages at most; for it a bound may be passed.
constexpr std::size_t rest_of_album = 9;

} // namespace

const inbox_ledger::chat_count& inbox_ledger::count_of(const std::string& chat) const {
  static constexpr chat_count none;
  const auto found = chats_.find(chat);
  return found != chats_.end() ? found->second : none;
}

void inbox_ledger::count_for_chat(const inbox_entry& entry) {
  if (!entry.chat.empty()) {
    auto& count = chats_[entry.chat];
    ++count.rows;
    count.octets += entry.octets;
  }
}

void inbox_ledger::uncount_for_chat(const inbox_entry& entry) {
  if (entry.chat.empty()) {
    return;
  }
  const auto at = chats_.find(entry.chat);
  at->second.octets -= entry.octets;
  if (--at->second.rows == 0) {
    chats_.erase(at);
  }
  if (in_store_.contains(entry.chat)) {
    with_room_.insert(entry.chat);
  }
}

/// What comes later in a chat does not overtake what is there already, and an album stays whole: it
/// may be handled as one, and is to be the same one when it comes again.
bool inbox_ledger::belongs_in_store(const inbox_entry& entry) const {
  if (!stored_ || !entry.kept || entry.channel != 0 || entry.chat.empty()) {
    return false;
  }
  if (in_store_.contains(entry.chat)) {
    return true;
  }
  if (!by_chat_) {
    return false;
  }
  const auto& has = count_of(entry.chat);
  const bool within_album = entry.album != 0 && entry.album == has.last_album;
  return has.rows >= bounds_.rows_per_chat + (within_album ? rest_of_album : 0) ||
         (has.octets >= bounds_.octets_per_chat && !within_album);
}

void inbox_ledger::leave_in_store(std::uint64_t number, const inbox_entry& entry) {
  in_store_[entry.chat].rows.push_back({number, entry.octets, entry.album});
  if (number > written_) {
    unwritten_in_store_.push_back(number);
  }
  last_stored_ = number;
  ++stored_rows_;
  stored_octets_ += entry.octets;
  look_at_bounds();
}

/// As much as there is room for, and no part of an album without the rest.
std::optional<stored_part> inbox_ledger::part_of(const std::string& chat,
                                                 const stored_chat& stored) const {
  const auto& has = count_of(chat);
  if (is_crowded() && has.rows > 0) {
    return std::nullopt;
  }
  const auto room = std::max<std::size_t>(bounds_.rows_per_chat, 1) - has.rows;
  const auto most = std::min(room, is_crowded() ? smallest_part : largest_part);
  const auto most_octets = std::min(bounds_.octets / parts_of_octets, bounds_.octets_per_chat);
  stored_part out{.chat = chat, .numbers = {}};
  stored_part before_album = out;
  std::int64_t album = 0;
  for (const auto& row : stored.rows) {
    const bool within_album =
        row.album != 0 && row.album == album && out.numbers.size() < most + rest_of_album;
    if (row.number > written_ && within_album) {
      out = std::move(before_album);
    }
    if (row.number > written_ ||
        (!within_album && (out.numbers.size() >= most || out.octets > most_octets))) {
      break;
    }
    if (!within_album && row.album != 0) {
      before_album = out;
    }
    album = row.album;
    out.octets += row.octets;
    out.numbers.push_back(row.number);
  }
  return out.numbers.empty() ? std::nullopt : std::optional{std::move(out)};
}

std::optional<stored_part> inbox_ledger::next_stored() {
  for (auto at = with_room_.begin(); at != with_room_.end();) {
    const auto& has = count_of(*at);
    if (has.rows > bounds_.rows_per_chat / 2 || has.octets > bounds_.octets_per_chat / 2) {
      at = with_room_.erase(at); // until it has less again
      continue;
    }
    auto& stored = in_store_.at(*at);
    if (auto part = stored.reading ? std::nullopt : part_of(*at, stored)) {
      stored.reading = true;
      reading_rows_ += part->numbers.size();
      reading_octets_ += part->octets;
      return part;
    }
    ++at;
  }
  return std::nullopt;
}

/// Null for what is not asked for: it was of another account.
inbox_ledger::stored_chat* inbox_ledger::end_reading(const stored_part& part) {
  const auto found = in_store_.find(part.chat);
  if (found == in_store_.end() || !found->second.reading ||
      found->second.rows.front().number != part.numbers.front()) {
    return nullptr;
  }
  found->second.reading = false;
  reading_rows_ -= part.numbers.size();
  reading_octets_ -= part.octets;
  return &found->second;
}

/// Whatever has become of the others of `part`: nobody can bring them any more.
void inbox_ledger::take_stored(const stored_part& part,
                               std::map<std::uint64_t, inbox_entry> entries) {
  auto* stored = end_reading(part);
  if (stored == nullptr) {
    return;
  }
  for (const auto number : part.numbers) {
    --stored_rows_;
    stored_octets_ -= stored->rows.front().octets;
    stored->rows.pop_front();
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
  if (stored->rows.empty()) {
    with_room_.erase(part.chat);
    in_store_.erase(part.chat);
  }
}

bool inbox_ledger::knows(std::uint64_t number) const {
  return entries_.contains(number) || std::ranges::any_of(in_store_, [number](const auto& chat) {
           return std::ranges::binary_search(chat.second.rows, number, {}, &stored_row::number);
         });
}

void inbox_ledger::not_read(const stored_part& part) {
  end_reading(part);
}

} // namespace cafegram
