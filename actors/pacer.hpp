#pragma once

#include <cafegram/actors/call_scope.hpp>
#include <cafegram/actors/limit_options.hpp>
#include <cafegram/base/environment.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace cafegram {

/// Remembers what was sent, as far back as its rate looks.
class rate_window {
public:
  explicit rate_window(send_rate rate)
    : rate_{rate} {}

  /// The first moment from `now` on at which so many messages may go: more than the rate has at all
  /// go when nothing else counts.
  steady_time free_at(std::uint32_t messages, steady_time now) const;
  void sent(std::uint32_t messages, steady_time now);
  /// Nothing that was sent counts any more.
  bool idle(steady_time now) const;

private:
  send_rate rate_;
  std::deque<std::pair<steady_time, std::uint32_t>> sent_; ///< the newest of them, one rate's worth
  std::uint64_t count_ = 0;                                ///< of messages in it
};

enum class pacing_verdict : std::uint8_t {
  go,      ///< at once; it is counted
  queued,  ///< `due` gives it back
  refused, ///< too many wait
};

/// A send that the pacer lets go, or gives up.
struct paced_release {
  std::uint64_t id = 0;
  bool expired = false; ///< has waited too long
};

/// Gives sends their turn: in order within a chat, chats by who may next and has waited longest. A
/// state machine: times go in, sends come out.
class pacer {
public:
  explicit pacer(const pacing_options& options);

  pacing_verdict arrive(std::uint64_t id, const send_target& to, steady_time now);
  /// A send that waits is given up by its caller.
  void forget(std::uint64_t id);
  /// Those whose turn it is; they are counted.
  std::vector<paced_release> due(steady_time now);
  steady_time next_deadline(steady_time now) const;

  std::size_t waiting() const { return waiting_.size(); }
  std::size_t chats() const { return chats_.size(); }

private:
  struct waiting_send {
    std::uint64_t chat = 0;
    std::uint32_t messages = 1;
    steady_time expires_at;
  };
  struct chat_line {
    chat_line(const pacing_options& options, bool is_group)
      : own{options.chat}
      , group{is_group ? options.group : send_rate{}} {}
    rate_window own;
    rate_window group;
    std::deque<std::uint64_t> queue;
    std::tuple<steady_time, std::uint64_t> turn; ///< its place in `turns_`, while it has a queue
  };
  using chat_map = std::unordered_map<std::uint64_t, chat_line>;

  steady_time free_at(const chat_line& chat, std::uint32_t messages, steady_time now) const;
  void count(chat_line& chat, std::uint32_t messages, steady_time now);
  void take_turn(std::uint64_t name, chat_line& chat, steady_time now);
  void leave_turn(std::uint64_t name, const chat_line& chat);
  void take_out(std::uint64_t id, steady_time now);
  void expire(std::vector<paced_release>& out, steady_time now);
  void sweep(steady_time now);

  pacing_options options_;
  rate_window all_;
  chat_map chats_;
  std::unordered_map<std::uint64_t, waiting_send> waiting_;
  std::set<std::tuple<steady_time, std::uint64_t, std::uint64_t>> turns_; ///< when, since, chat
  std::set<std::pair<steady_time, std::uint64_t>> expiries_;
  std::uint64_t next_turn_ = 0;
  std::size_t sweep_at_ = 1024;
};

} // namespace cafegram
