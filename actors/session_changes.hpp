#pragma once

#include <cafegram/storage/session.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

namespace cafegram {

/// What of a session has changed and is not written yet: of each row the last change. What comes
/// while one write is under way goes with the next one. A plain value; part of the session's store.
class session_changes {
public:
  /// Makes the change in `session`, and notes the rows.
  void add(storage::update_progress what, storage::session_state& session);
  /// Notes rows alone.
  void add(storage::batch&& what);
  /// Something else of the session than its counters is another.
  void note_login() { fresh_.login = true; }
  /// The account is another one: of the one before only its dead letters are still written.
  void forget_account();

  /// All of it, for one write, which is under way until its outcome is told.
  std::shared_ptr<const storage::session_batch> take(const storage::session_state& session);
  void written();
  /// It is all to be written again, but for what has changed since.
  void failed();

  /// What becomes of a row that is no counter; null where nothing of it is unwritten.
  const storage::change* latest(storage::table in, const std::string& key) const;
  /// The same where the row will be there; null where it goes, too.
  const storage::change* find(storage::table in, const std::string& key) const;
  /// How many have changed since what is under way.
  std::size_t rows() const { return rows_.size(); }

private:
  void put_counters(const storage::session_state& of, storage::batch& to) const;

  struct part {
    bool login = false;
    bool forget = false; ///< all counters, before the rest
    bool counters = false;
    std::set<std::int64_t> channels = {};
  };

  part fresh_;
  std::map<std::pair<storage::table, std::string>, storage::change> rows_;
  part under_way_;
  std::shared_ptr<const storage::batch> rows_under_way_;
  bool forgotten_ = false; ///< the account of what is under way
};

} // namespace cafegram
