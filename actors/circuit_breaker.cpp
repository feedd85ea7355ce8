#include <cafegram/actors/circuit_breaker.hpp>
#include <cafegram/actors/time_budget.hpp>

#include <algorithm>

namespace cafegram {

circuit_breaker::circuit_breaker(const breaker_options& options)
  : options_{options} {}

std::optional<std::chrono::milliseconds> circuit_breaker::refuses(steady_time now) {
  if (phase_ == circuit_phase::closed || (phase_ == circuit_phase::open && now >= until_)) {
    return std::nullopt;
  }
  ++refused_;
  return phase_ == circuit_phase::probing
             ? options_.pause
             : std::chrono::ceil<std::chrono::milliseconds>(until_ - now);
}

void circuit_breaker::began(std::uint64_t call) {
  if (phase_ == circuit_phase::open) {
    phase_ = circuit_phase::probing;
    probe_ = call;
  }
}

void circuit_breaker::failed(steady_time now) {
  if (options_.failures == 0 || phase_ == circuit_phase::open) {
    return;
  }
  if (phase_ == circuit_phase::probing) {
    open(now);
    return;
  }
  failures_.push_back(now);
  while (later(failures_.front(), options_.within) < now) {
    failures_.pop_front();
  }
  if (failures_.size() >= options_.failures) {
    open(now);
  }
}

void circuit_breaker::open(steady_time now) {
  phase_ = circuit_phase::open;
  ever_opened_ = true;
  failures_.clear();
  until_ = later(now, options_.pause);
}

void circuit_breaker::reachable(steady_time now) {
  until_ = std::min(until_, now);
}

void circuit_breaker::answered() {
  phase_ = circuit_phase::closed;
  failures_.clear();
}

void circuit_breaker::ended(std::uint64_t call, steady_time now) {
  if (phase_ == circuit_phase::probing && probe_ == call) {
    open(now);
  }
}

} // namespace cafegram
