#pragma once

#include <cafegram/actors/inbox_options.hpp>
#include <cafegram/actors/updates.hpp>
#include <cafegram/storage/inbox.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace cafegram {

/// An update that is accepted and not finished.
struct inbox_entry {
  std::shared_ptr<const received_update> update;
  std::int64_t channel = 0; ///< whose counter it came by; 0: another one
  std::string chat = {}; ///< its conversation, where that is no channel's; empty: it is not bounded
  std::int64_t album = 0; ///< of which it is a message; 0: of none
  std::size_t octets = 0;
  std::int64_t received_at = 0; ///< seconds since 1970
  bool kept = true;             ///< it has a row in the store; else no difference brings it again
  std::uint32_t failures = 0;
  std::string last_failure = {};
  std::vector<storage::send_record> sends = {}; ///< made while it was handled before
  bool waits = false; ///< for somebody, in a conversation: it does not count against the bounds

  bool given = false;      ///< to the receiver that finishes it
  bool shown = false;      ///< to the others
  std::size_t holders = 0; ///< of those who have not answered
  bool answered = false;   ///< by one of them
};

/// Updates of one chat that are in the store alone, by rising numbers.
struct stored_part {
  std::string chat;
  std::vector<std::uint64_t> numbers;
  std::size_t octets = 0;
};

/// The updates between their boxes and their end, by rising numbers: which may be handed out, to
/// whom they were, and whether there is room for more. A plain value; part of the hub.
class inbox_ledger {
public:
  explicit inbox_ledger(const inbox_bounds& bounds = {})
    : bounds_{bounds} {}

  /// `number` is above all before. What is beyond its chat's bound is forgotten but for its number.
  void add(std::uint64_t number, inbox_entry entry);
  /// All up to `number` may be handed out: whatever happens to the process, they come again.
  void written(std::uint64_t number);
  /// Null for one that is finished, or not known.
  inbox_entry* find(std::uint64_t number);
  /// It is not finished: here, or in the store alone.
  bool knows(std::uint64_t number) const;
  void erase(std::uint64_t number);
  void clear();
  /// The update waits for somebody, or is worked on again.
  void set_waiting(std::uint64_t number, bool waits);
  /// It takes so much more than before.
  void grow(std::uint64_t number, std::size_t octets);
  /// What the store has can be read from it again.
  void set_stored(bool stored) { stored_ = stored; }
  /// Nobody is there to whom another order counts than that within each chat.
  void set_by_chat(bool by_chat) { by_chat_ = by_chat; }
  /// Somebody is there to be handed updates, or nobody.
  void set_heard(bool heard) { heard_ = heard; }
  /// The last note of a loss of that box, which nobody has been handed, and behind which there are
  /// only others and what is not kept; 0: none.
  std::uint64_t last_note(std::int64_t channel, const std::string& box) const;

  /// The next one for the receiver that finishes updates; 0: none. It counts as given.
  std::uint64_t give();
  /// That one is gone: what it had and is kept is to be given again; the rest comes once.
  void take_back();
  /// Those kept that were shown, and that nobody has any more.
  std::vector<std::uint64_t> left_over() const;
  /// The next one for the others; 0: none. It counts as shown.
  std::uint64_t show();
  /// Who had it is gone without an answer: it is to be shown again.
  void show_again(std::uint64_t number);

  /// Of a chat that has room what is to be read from the store; none: there is nothing. The same
  /// chat comes again after `take_stored` or `not_read`.
  std::optional<stored_part> next_stored();
  /// They were read: `entries` are those that are there, and to be handed out.
  void take_stored(const stored_part& part, std::map<std::uint64_t, inbox_entry> entries);
  void not_read(const stored_part& part);

  /// The dead letters that the store has, instead of those known before.
  void set_dead(const std::vector<storage::dead_size>& stored);
  /// One more.
  void add_dead(std::uint64_t number, std::size_t octets);
  /// The first of those that are beyond the bound: it goes. 0: there is none.
  std::uint64_t drop_dead();

  /// Beyond one of the bounds, until half of that is free.
  bool full() const {
    return rows_full_ || octets_full_ || stored_rows_full_ || stored_octets_full_;
  }
  /// Channels that are full now, or are no more, since the last call.
  std::vector<std::pair<std::int64_t, bool>> take_channel_news();
  std::vector<std::int64_t> full_channels() const;

  /// For people.
  inbox_picture picture() const;
  std::size_t size() const { return entries_.size(); }
  /// Of those how many may not be handed out yet.
  std::size_t unwritten() const;
  std::size_t octets() const { return octets_; }
  std::uint64_t dropped() const { return dropped_; }

private:
  struct channel_count {
    std::size_t rows = 0;
    bool full = false;
  };
  struct chat_count {
    std::size_t rows = 0;
    std::size_t octets = 0;
    std::int64_t last_album = 0; ///< of its last one
  };
  struct stored_row {
    std::uint64_t number = 0;
    std::size_t octets = 0;
    std::int64_t album = 0;
  };
  /// What a chat has in the store alone.
  struct stored_chat {
    std::deque<stored_row> rows; ///< by rising numbers
    bool reading = false;
  };

  void insert(std::uint64_t number, inbox_entry entry);
  void count(const inbox_entry& entry);
  void uncount(const inbox_entry& entry);
  void count_for_chat(const inbox_entry& entry);
  void uncount_for_chat(const inbox_entry& entry);
  const chat_count& count_of(const std::string& chat) const;
  bool belongs_in_store(const inbox_entry& entry) const;
  void leave_in_store(std::uint64_t number, const inbox_entry& entry);
  std::optional<stored_part> part_of(const std::string& chat, const stored_chat& stored) const;
  stored_chat* end_reading(const stored_part& part);
  /// What is on its way from the store counts too.
  bool is_crowded() const {
    return rows_ + reading_rows_ > bounds_.rows || octets_ + reading_octets_ > bounds_.octets;
  }
  void look_at_bounds();
  void drop_passing();
  void handed(std::uint64_t number, const inbox_entry& entry);

  inbox_bounds bounds_;
  std::map<std::uint64_t, inbox_entry> entries_;
  std::uint64_t written_ = 0;
  std::uint64_t given_ = 0; ///< all up to here are given, or finished
  std::uint64_t shown_ = 0; ///< all up to here are shown, but for `again_`
  std::set<std::uint64_t> again_;
  std::set<std::uint64_t> late_;    ///< up to `given_`, that came from the store behind others
  std::set<std::uint64_t> passing_; ///< that nobody has
  std::size_t passing_handed_ = 0;  ///< that somebody has
  std::unordered_map<std::int64_t, channel_count> channels_;
  std::map<std::int64_t, bool> channel_news_;
  std::unordered_map<std::string, chat_count> chats_;
  std::unordered_map<std::string, stored_chat> in_store_;
  std::set<std::string> with_room_; ///< of those perhaps
  std::deque<std::uint64_t> unwritten_in_store_;
  std::size_t stored_rows_ = 0;
  std::size_t stored_octets_ = 0;
  std::uint64_t last_stored_ = 0; ///< the last one that was left there
  std::size_t reading_rows_ = 0;  ///< of those: they are asked for
  std::size_t reading_octets_ = 0;
  bool stored_ = false;
  bool by_chat_ = true;
  std::size_t rows_ = 0; ///< those kept
  std::size_t octets_ = 0;
  std::uint64_t dropped_ = 0;
  std::size_t waiting_ = 0;
  bool heard_ = true;
  std::map<std::uint64_t, std::size_t> dead_; ///< octets, by number
  std::size_t dead_octets_ = 0;
  std::uint64_t dead_dropped_ = 0;
  // Each by itself: what one chat has hung up with keeps none of the others full.
  bool rows_full_ = false;
  bool octets_full_ = false;
  bool stored_rows_full_ = false;
  bool stored_octets_full_ = false;
};

} // namespace cafegram
