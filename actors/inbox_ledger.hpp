#pragma once

#include <cafegram/actors/updates.hpp>
#include <cafegram/storage/inbox.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace cafegram {

/// How much may be accepted and not finished.
struct inbox_bounds {
  std::size_t rows = 20'000;
  std::size_t octets = std::size_t{64} << 20;
  std::size_t rows_per_channel = 2'000;
  /// Of those that wait for somebody in a conversation, so many are not counted as rows: what lets
  /// them end may be among what comes next.
  std::size_t waiting = 100'000;
  /// Of what no difference brings again. Over it the oldest that nobody has yet goes; where
  /// receivers have all, the one that comes.
  std::size_t passing = 8'192;
  std::size_t passing_unheard = 128; ///< the same while there is no receiver
};

/// An update that is accepted and not finished.
struct inbox_entry {
  std::shared_ptr<const received_update> update;
  std::int64_t channel = 0; ///< whose counter it came by; 0: another one
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

/// The updates between their boxes and their end, by rising numbers: which may be handed out, to
/// whom they were, and whether there is room for more. A plain value; part of the hub.
class inbox_ledger {
public:
  explicit inbox_ledger(const inbox_bounds& bounds = {})
    : bounds_{bounds} {}

  /// `number` is above all before.
  void add(std::uint64_t number, inbox_entry entry);
  /// All up to `number` may be handed out: whatever happens to the process, they come again.
  void written(std::uint64_t number) { written_ = number > written_ ? number : written_; }
  /// Null for one that is finished, or not known.
  inbox_entry* find(std::uint64_t number);
  void erase(std::uint64_t number);
  void clear();
  /// The update waits for somebody, or is worked on again.
  void set_waiting(std::uint64_t number, bool waits);
  /// It takes so much more than before.
  void grow(std::uint64_t number, std::size_t octets);
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

  /// Beyond the bounds, until half of it is free.
  bool full() const { return full_; }
  /// Channels that are full now, or are no more, since the last call.
  std::vector<std::pair<std::int64_t, bool>> take_channel_news();
  std::vector<std::int64_t> full_channels() const;

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

  void count(const inbox_entry& entry);
  void uncount(const inbox_entry& entry);
  void drop_passing();
  void handed(std::uint64_t number, const inbox_entry& entry);

  inbox_bounds bounds_;
  std::map<std::uint64_t, inbox_entry> entries_;
  std::uint64_t written_ = 0;
  std::uint64_t given_ = 0; ///< all up to here are given, or finished
  std::uint64_t shown_ = 0; ///< all up to here are shown, but for `again_`
  std::set<std::uint64_t> again_;
  std::set<std::uint64_t> passing_; ///< that nobody has
  std::size_t passing_handed_ = 0;  ///< that somebody has
  std::unordered_map<std::int64_t, channel_count> channels_;
  std::map<std::int64_t, bool> channel_news_;
  std::size_t rows_ = 0; ///< those kept
  std::size_t octets_ = 0;
  std::uint64_t dropped_ = 0;
  std::size_t waiting_ = 0;
  bool heard_ = true;
  bool full_ = false;
};

} // namespace cafegram
