#pragma once

#include <cafegram/actors/call_scope.hpp>
#include <cafegram/base/environment.hpp>
#include <cafegram/base/error.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace cafegram {

/// No flood wait is longer than an `int` of seconds; nor is a threshold that the gate is given.
constexpr std::chrono::seconds longest_flood_wait{2'147'483'647};

/// A call before the gate.
struct gate_ticket {
  std::uint64_t id = 0; ///< smaller ones go first; not 0
  call_scope scope;
  std::chrono::milliseconds threshold{}; ///< the longest wait that it bears
  steady_time until;                     ///< it is not held beyond this
};

enum class gate_verdict : std::uint8_t {
  pass,    ///< goes on
  held,    ///< `due` gives it back
  refused, ///< bears no such wait, or too many are held
};

/// A call that the gate lets go: onwards, or with an error to its caller.
struct gate_release {
  std::uint64_t id = 0;
  std::optional<error> refused;
};

/// Holds calls back that a flood limit concerns, and nothing else. A state machine: times go in,
/// calls come out.
///
/// While a scope is closed its calls wait. When the time is over they go one after the other, in
/// the order in which they were made, each when the one before has its answer or after a second:
/// all at once would run into the limit again. When the last has gone the scope is forgotten.
class flood_gate {
public:
  /// Holds at most so many calls, and knows at most so many scopes.
  explicit flood_gate(std::size_t most_held);

  /// Whether anything is known of the method: else no scope need be worked out.
  bool concerns(std::uint32_t method) const;

  /// The server wants such a wait for this scope, and calls the limit `name`. Those that are held
  /// and do not bear it are refused by the next `due`. False: too much is known already.
  bool close(const call_scope& scope, std::string_view name, std::chrono::milliseconds wait,
             steady_time now);
  /// A call is about to go, or to go again.
  gate_verdict arrive(const gate_ticket& call, steady_time now);
  /// What a call is told that `arrive` has refused: the limit with what is left of its wait.
  error refusal(const call_scope& scope, steady_time now) const;
  /// Whether a call waits for this scope.
  bool has_waiting(const call_scope& scope) const;

  /// A call that went through has another outcome than a flood limit.
  void settled(std::uint64_t id, const call_scope& scope, steady_time now);
  /// A call is held no more: its caller has given it up.
  void forget(std::uint64_t id);

  /// Those whose time has come.
  std::vector<gate_release> due(steady_time now);
  steady_time next_deadline() const;
  /// When the scope of a held call opens.
  steady_time opens_at(std::uint64_t id) const;

  std::size_t held() const { return held_.size(); }
  std::size_t scopes() const { return scopes_.size(); }

private:
  struct closed_scope {
    steady_time opens_at;
    steady_time wakes_at;    ///< when `due` looks at it
    std::uint64_t first = 0; ///< went last, not answered yet; 0: none
    std::set<std::uint64_t> waiting;
    std::string name;
  };

  using scope_map = std::map<call_scope, closed_scope>;

  static bool bears(const gate_ticket& call, const closed_scope& scope, steady_time now);
  void hold(const gate_ticket& call, closed_scope& in);
  void wake(const call_scope& scope, closed_scope& what, steady_time at);
  void take_out(std::uint64_t id);
  void forget_scope(scope_map::iterator which);
  void give_up(std::vector<gate_release>& out, steady_time now);
  void let_go(std::vector<gate_release>& out, call_scope scope, steady_time now);

  std::size_t most_held_;
  scope_map scopes_;
  std::unordered_map<std::uint64_t, gate_ticket> held_;
  std::set<std::pair<steady_time, call_scope>> wakes_;
  std::set<std::pair<steady_time, std::uint64_t>> ends_; ///< of patience, of held calls
};

} // namespace cafegram
