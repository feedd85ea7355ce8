#pragma once

#include <cafegram/protocol/session.hpp>

#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

namespace cafegram::protocol {

/// A request of the client and what became of it so far.
struct request {
  enum class phase : std::uint8_t {
    waiting, ///< to be sent, for the first time or again
    sent,
    asked, ///< sent over an earlier connection, or doubted: its state is being asked
  };

  request_id id{};
  shared_bytes body;
  request_options options;
  std::uint64_t order = 0;
  phase now = phase::waiting;

  // The last time it was sent:
  msg_id name{};
  msg_id outer{}; ///< the container's id, or its own
  std::int32_t seqno = 0;
  std::uint64_t connection = 0;
  std::vector<msg_id> after; ///< the ids that its `invokeAfterMsg` or `invokeAfterMsgs` names
  bool introduced = false;   ///< carried the connection's prefix
  bool acknowledged = false; ///< the server said that it has it

  std::vector<msg_id> names; ///< all that it was sent under in this session
  /// Sent over an earlier connection, and the server says that it has it: when its answer is asked
  /// for next, and how often it was. Over the same connection the answer comes, or none does.
  std::optional<steady_time> answer_by;
  int answer_asked = 0;
  int refusals = 0;
  bool even_seqno = false; ///< the server wants it so
  bool singly = false;     ///< not in a container
};

/// Requests under way, found by whatever names them. References stay good until `take`.
class request_table {
public:
  request* find(request_id id);
  /// By any id that it was sent under.
  request* find(msg_id name);
  bool contains(request_id id) const { return by_id_.contains(id); }
  std::size_t size() const { return by_id_.size(); }

  void add(request_id id, shared_bytes body, const request_options& options);
  /// Removes it: it is settled.
  request take(request_id id);

  /// Goes out again in its old place in the order.
  void wait(request& which);
  void sent(request& which, msg_id name);
  /// A new session: what went out before has no name any more.
  void forget_names();

  request* first_waiting();
  bool any_waiting() const { return !waiting_.empty(); }
  /// All that are in a phase, in the order of their submission.
  std::vector<request*> all(request::phase in);

  std::optional<steady_time> next_deadline() const;
  std::optional<request_id> past_deadline(steady_time now) const;

private:
  std::unordered_map<request_id, request> by_id_;
  std::unordered_map<msg_id, request_id> by_name_;
  std::map<std::uint64_t, request_id> waiting_; ///< by order
  std::set<std::pair<steady_time, request_id>> deadlines_;
  std::uint64_t submitted_ = 0;
};

} // namespace cafegram::protocol
