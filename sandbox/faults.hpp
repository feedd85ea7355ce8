#pragma once

#include <cafegram/base/error.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Faults on demand, as plain data: what is done, how often, and a decision that depends on nothing
/// but the plan and the place. See docs/sandbox.md, "Faults".
namespace cafegram::sandbox {

/// What the sandbox can do wrong. The names on the command line and in the log are those of
/// `to_string`: `half-open`.
enum class fault_kind : std::uint8_t {
  drop,           ///< a frame is left out
  delay,          ///< a frame, and all behind it, comes later
  duplicate,      ///< a frame comes twice
  reorder,        ///< a frame comes behind the next one
  corrupt,        ///< one bit of a frame is wrong
  truncate,       ///< the end of a frame is missing; its length says so
  cut,            ///< the socket is closed at some octet of a frame
  half_open,      ///< nothing is read and nothing sent any more, and no reset comes
  slow_read,      ///< what the client sends is read a few octets at a time
  slow_write,     ///< what the client gets is written a few octets at a time
  error_404,      ///< the transport's word -404 in the place of a frame
  error_429,      ///< -429
  error_444,      ///< -444
  wrong_salt,     ///< the salts given out so far hold no more
  wrong_time,     ///< the server's clock is wrong
  forget_session, ///< a session is gone, with the answers that it held
  flood_wait,     ///< a call does not run: `FLOOD_WAIT_X`
  error_500,      ///< a call does not run: 500 `RPC_CALL_FAIL`
  late_answer,    ///< a call runs, its answer is held back
  push_drop,      ///< updates are not told
  push_delay,     ///< updates are told later, those behind them before them
  push_repeat,    ///< updates are told twice
  push_reorder,   ///< updates are told behind the next ones
};
inline constexpr std::size_t fault_kinds = 23;

std::string_view to_string(fault_kind kind);
std::optional<fault_kind> fault_kind_of(std::string_view name);

/// What is counted, for each connection by itself and beginning with 1: frames that came (`in`),
/// frames that went (`out`), calls that came (`call`), its end (`end`, always 1), `Updates` that
/// were for its sessions (`push`).
enum class fault_way : std::uint8_t { in, out, call, end, push };
std::string_view to_string(fault_way way);

/// True where this can happen there.
bool happens_at(fault_kind kind, fault_way way);
/// The largest value where a plan says nothing else; 0: the kind has no bound.
std::uint32_t default_bound(fault_kind kind);

/// How often a kind happens, and how much of it.
struct fault_rate {
  std::uint32_t one_in = 0; ///< of the places where it can happen; 0: never
  /// What the value of one fault is drawn from, 1 to this; `default_bound` says the unit's usual.
  std::uint32_t bound = 0;
  friend bool operator==(const fault_rate&, const fault_rate&) = default;
};

/// A moment of one connection.
struct fault_place {
  std::uint64_t connection = 0; ///< in the order of acceptance, from 1
  fault_way way = fault_way::in;
  std::uint64_t number = 0; ///< see `fault_way`
  friend bool operator==(const fault_place&, const fault_place&) = default;
};

/// A fault that is to happen at one place; the rates have no say in it.
struct exact_fault {
  fault_kind kind = fault_kind::drop;
  fault_place at; ///< connection 0: on each
  std::uint32_t value = 0;
  friend bool operator==(const exact_fault&, const exact_fault&) = default;
};

/// Everything that a sandbox is to do wrong.
struct fault_plan {
  std::uint64_t seed = 1;
  std::array<fault_rate, fault_kinds> rates{};
  std::vector<exact_fault> exact = {};

  const fault_rate& rate(fault_kind kind) const { return rates[static_cast<std::size_t>(kind)]; }
  fault_rate& rate(fault_kind kind) { return rates[static_cast<std::size_t>(kind)]; }
  /// False: nothing goes wrong.
  bool any() const;

  /// Takes `KIND=N` or `KIND=N,BOUND`: one in N, values up to BOUND.
  /// Errors: `bad_argument` saying what is wrong with the text.
  result<void> add(std::string_view text);
  /// Takes `KIND=WAY/CONNECTION/NUMBER` or `KIND=WAY/CONNECTION/NUMBER,VALUE`: once, there.
  /// Errors: as `add`.
  result<void> add_exact(std::string_view text);

  friend bool operator==(const fault_plan&, const fault_plan&) = default;
};

/// A decision.
struct fault {
  fault_kind kind = fault_kind::drop;
  /// 1 to the kind's bound: milliseconds, seconds or, where there is no bound, a position that is
  /// taken modulo the size of what it is in.
  std::uint32_t value = 0;
  friend bool operator==(const fault&, const fault&) = default;
};

/// What goes wrong there, if anything: the same for the same arguments, whatever came before. Where
/// several kinds hit, the first of the enumeration.
std::optional<fault> decide(const fault_plan& plan, const fault_place& at);

/// How often each kind has happened, counted by all connections of a sandbox.
class fault_counts {
public:
  void add(fault_kind kind) {
    counts_[static_cast<std::size_t>(kind)].fetch_add(1, std::memory_order_relaxed);
  }
  std::uint64_t of(fault_kind kind) const {
    return counts_[static_cast<std::size_t>(kind)].load(std::memory_order_relaxed);
  }

private:
  std::array<std::atomic<std::uint64_t>, fault_kinds> counts_{};
};

} // namespace cafegram::sandbox
