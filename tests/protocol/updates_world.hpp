#pragma once

#include <cafegram/protocol/account_updates.hpp>

#include <deque>
#include <memory>
#include <ostream>

#include "updates_judge.hpp"

namespace cafegram::protocol::test {

/// What happens next. Any numbers mean something, so that any sequence may be shortened anywhere.
enum class deed : std::uint8_t {
  post_common,
  post_secondary,
  post_sequence,
  post_channel,
  post_loose,
  post_still, ///< an update with a count of 0
  post_own,
  deliver,
  drop,
  repeat,
  answer, ///< a question, as things are now; it arrives later
  arrive, ///< an answer
  fail,   ///< a question
  load,   ///< the store answers what is not looked up at once
  pass,   ///< time
  suspect,
  push_too_long,
  push_channel_too_long,
  push_hint,
  push_state_lost,
  full,
  not_full,
  restart,      ///< from the store
  restart_anew, ///< catching up is not wanted
  restart_login,
  crash,  ///< the next transaction fails, and the process with it
  forget, ///< the server: what was before
  forbid,
  permit,
  learn,
  follow,
  count_
};

struct happening {
  deed what = deed::pass;
  std::uint32_t a = 0;
  std::uint32_t b = 0;
};

struct scenario {
  std::uint64_t seed = 0;
  int channels = 2;
  update_bounds bounds;
  bool strict_limit = false; ///< a channel's gap of more than the limit is too long
  bool mixed = false;        ///< the account's difference brings channels' updates
  bool names_last = false;   ///< only its last part names channels
  bool loads_apart = false;  ///< the store answers later; the owner does not die before it has
  bool dies_at_last = false; ///< nothing follows what was lost last: only a start can find it
  /// A client that is wrong, for the tests of this: after a suspicion, and later a learning, it
  /// keeps the account's common updates to itself.
  bool planted = false;
  std::vector<happening> happenings;
};

/// A server, an adversarial line, a store and the client, moved by happenings.
class updates_world {
public:
  explicit updates_world(const scenario& how);

  /// Empty, or what was wrong.
  std::string run();
  /// Tells what the client does, too.
  void trace(std::ostream& to) { trace_ = &to; }

private:
  struct answer_under_way {
    std::int64_t channel = 0; ///< 0: the account's
    std::int32_t since = 0;   ///< of the account's question: channels that moved from then on
    std::optional<account_place> place;
    std::optional<account_difference> account;
    std::optional<channel_difference> of_channel;
    difference_failure failure = difference_failure::later; ///< where none of these is there
  };
  struct question {
    std::int64_t channel = 0; ///< 0: the account's
    bool place = false;
    account_place account;
    channel_question of_channel;
  };
  struct packet {
    update_container container;
    std::vector<model_event> events;
  };

  void happen(const happening& what);
  bool happen_on_line(const happening& what);
  bool happen_at_server(const happening& what);
  void happen_to_client(const happening& what);
  void settle();
  bool settle_once();

  void post(box_id box, std::uint32_t a, std::uint32_t b);
  void post_sequence(std::uint32_t a, std::uint32_t b);
  void post_own(std::uint32_t a, std::uint32_t b);
  void push(std::vector<model_event> events, std::int32_t seq_start, std::int32_t seq);
  void push_role(box_id box, std::int32_t value, update_role role);
  void deliver(packet what);
  void answer(std::size_t which, std::size_t most);
  void arrive(std::size_t which);
  void fail(std::size_t which, std::uint32_t how);
  void load(std::size_t which);
  void load_channel(std::int64_t id);
  void pass(duration how_long);
  void set_full(std::uint32_t a, bool is);
  void restart(updates_start::from how, std::uint32_t a);

  void commit(update_outcome&& outcome);
  void keep(const update_outcome& outcome);
  void save(const update_outcome& outcome);
  static update_outcome as_planted(update_outcome outcome);
  void tell(const update_outcome& outcome) const;
  void check_questions(const update_outcome& outcome);
  void note_heard(const packet& what);
  void note_suspect();
  bool knows(box_id box) const;
  std::vector<model_event> due_at_once(const packet& what) const;
  static bool tells(const update_outcome& outcome, int id);
  void check_bounds();
  box_id channel(std::uint32_t a) const;
  bool asked_about(std::int64_t channel) const;

  scenario how_;
  std::ostream* trace_ = nullptr;
  updates_server server_;
  updates_judge judge_;
  std::unique_ptr<account_updates> client_;
  steady_time now_{std::chrono::hours{1}};
  bool crash_ = false;
  bool crashed_ = false;
  int fault_ = 0;        ///< of the planted one: 1 half, 2 all of what it takes has happened
  bool loading_ = false; ///< what belongs into a transaction that has begun

  std::optional<account_place> stored_;
  std::map<std::int64_t, channel_place> stored_channels_;
  std::deque<packet> line_;
  std::vector<question> questions_;
  std::vector<answer_under_way> answers_;
  std::vector<std::int64_t> loads_;
  std::optional<unsure_page> load_unsure_;
};

/// What a seed stands for.
scenario make_scenario(std::uint64_t seed);
/// A shorter one that is wrong as well.
scenario reduce(const scenario& wrong);
std::string to_string(const happening& what);
std::string to_string(const scenario& what);

} // namespace cafegram::protocol::test
