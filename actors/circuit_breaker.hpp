#pragma once

#include <cafegram/actors/limit_options.hpp>
#include <cafegram/base/environment.hpp>

#include <cstdint>
#include <deque>
#include <optional>

namespace cafegram {

/// Whether calls to one data centre are worth beginning. A state machine: what happens to its
/// connections and calls goes in, with its time.
class circuit_breaker {
public:
  explicit circuit_breaker(const breaker_options& options = {});

  /// May a call begin? Nothing: yes, and `began` has to follow. Else how long until one may.
  std::optional<std::chrono::milliseconds> refuses(steady_time now);
  /// The call that may tell whether the data centre is back, if one is needed.
  void began(std::uint64_t call);

  /// A connection was lost or could not be made.
  void failed(steady_time now);
  /// A connection stands: worth a call.
  void reachable(steady_time now);
  /// The server has answered a call.
  void answered();
  /// A call has ended without an answer of the server's.
  void ended(std::uint64_t call, steady_time now);

  circuit_phase phase() const { return phase_; }
  std::uint64_t refused() const { return refused_; }
  /// Whether it has ever opened.
  bool ever_opened() const { return ever_opened_; }

private:
  void open(steady_time now);

  breaker_options options_;
  circuit_phase phase_ = circuit_phase::closed;
  std::deque<steady_time> failures_; ///< in a row, as many as it takes
  steady_time until_;                ///< while open: when a call may probe
  std::uint64_t probe_ = 0;          ///< 0: may begin
  std::uint64_t refused_ = 0;
  bool ever_opened_ = false;
};

} // namespace cafegram
