#pragma once

#include <set>
#include <string>
#include <tuple>

#include "updates_server.hpp"

namespace cafegram::protocol::test {

/// Reads all that a client does to its updates and says what is wrong with it; knows the server's
/// log and nothing of the client.
class updates_judge {
public:
  explicit updates_judge(const updates_server& server)
    : server_{&server} {}

  /// What was committed in one transaction, and the store after it.
  void take(const update_outcome& outcome, const std::optional<account_place>& stored,
            const std::map<std::int64_t, channel_place>& channels);

  /// Something in no order has come.
  void came(int id) { ++came_[id]; }
  /// What came before the account had a place: it is told when it has one.
  void came_early(const model_event& event) { early_.push_back(event); }
  /// The client begins, with these places in its store; `fresh`: where it does is its own choice.
  void begins(bool fresh, const std::map<std::int64_t, channel_place>& channels);
  void set_full(box_id box, bool is);
  bool is_full(box_id box) const;
  void allow(box_id box, loss why) { allowed_.emplace(box, why); }
  bool allows(box_id box, loss why) const { return allowed_.contains({box, why}); }
  void allow_everywhere(loss why) { everywhere_.insert(why); }
  /// A channel that was forgotten does not know again what held at its value.
  void allow_still_twice() { still_twice_ = true; }
  /// What comes next ends where no difference follows: strangers stay unknown.
  void set_skips(bool is) { skips_ = is; }
  void set_oldest(std::int32_t date) { oldest_ = date; }
  /// What has come by then in channels that the client has never heard of is their history.
  void set_history(std::int32_t date) {
    history_ = date;
    began_ = began_.value_or(date);
  }
  std::int32_t history() const { return history_; }
  /// History, and when the client last began anew.
  using beginning = std::pair<std::int32_t, std::optional<std::int32_t>>;
  beginning began() const { return {history_, began_}; }
  /// It began anew, and died before it had written that.
  void began(const beginning& before) { std::tie(history_, began_) = before; }

  /// The client has heard that a box stands there: it has to tell it without being told again.
  void heard_of(box_id box, std::int32_t value) { heard_[box] = std::max(heard_[box], value); }
  /// It may not learn more of it by itself.
  void unheard_of(box_id box) { heard_.erase(box); }
  void all_heard_of_is_told();
  /// It has come of a channel that nobody knows a place of: the channel begins before it.
  void came_first(const model_event& event);
  /// At the end, when nothing is under way.
  void all_is_told();

  /// Empty while all is well.
  const std::string& wrong() const { return wrong_; }
  void fail(const std::string& what);

private:
  void check(const accepted_updates& told);
  void check(const updates_lost& told, bool is_aged);
  void check_loose(const accepted_updates& told);
  void check_bodies(const accepted_updates& told, bool is_new);
  void check_early(const account_place& place);
  void check_saved(box_id box, std::int32_t value);
  bool may_miss(const model_event& event) const;
  bool nothing_between(box_id box, std::int32_t from, std::int32_t to) const;

  const updates_server* server_;
  std::map<box_id, std::int32_t> position_; ///< up to here all is told; none: the client chooses
  std::map<box_id, std::int32_t> floor_;    ///< where a box was closed
  std::map<box_id, std::int32_t> no_room_;  ///< up to here it is told that some may be lost
  std::map<box_id, std::int32_t> heard_;
  std::map<box_id, std::int32_t> lowest_; ///< of new channels
  std::set<box_id> lost_;                 ///< in this outcome
  std::set<box_id> closed_;               ///< at some time
  std::set<int> seen_;
  std::map<int, int> came_;
  std::vector<model_event> early_;
  std::set<box_id> full_;
  bool all_full_ = false;
  bool fresh_ = true;
  std::set<std::pair<box_id, loss>> allowed_;
  std::set<loss> everywhere_;
  std::int32_t oldest_ = 0;
  std::int32_t history_ = 0;
  std::optional<std::int32_t> began_; ///< when the client last began anew
  std::set<int> of_before_;           ///< what was told until then
  std::set<box_id> aged_;             ///< of which some were too old, in this outcome
  bool skips_ = false;
  bool crowded_ = false;
  bool still_twice_ = false;
  std::string wrong_;
};

std::string to_string(box_id box);

} // namespace cafegram::protocol::test
