#include <cafegram/protocol/update_box.hpp>

namespace cafegram::protocol {

update_box::update_box(std::optional<std::int32_t> value)
  : state_{value ? state::ready : state::behind}
  , value_{value} {}

box_verdict update_box::offer(update_token update, std::int32_t value, std::int32_t count,
                              steady_time now) {
  box_verdict out;
  if (count < 0 || value < 0) {
    out.drop.push_back(update);
    return out;
  }
  const auto base = std::int64_t{value} - count;
  if (state_ == state::ready && base == *value_) {
    out.apply.push_back(update);
    value_ = value;
    apply_waiting(out, now);
    return out;
  }
  if (value_ && base < *value_) {
    out.drop.push_back(update);
    return out;
  }
  if (waiting_.size() >= max_waiting) {
    lost_ = true;
    out.drop.push_back(update);
    if (state_ == state::ready) {
      fall_behind();
    }
    return out;
  }
  waiting_.emplace(base, waiting_update{update, value});
  if (state_ == state::ready && !gap_since_) {
    gap_since_ = now;
  }
  return out;
}

void update_box::fall_behind() {
  if (state_ == state::ready) {
    state_ = state::behind;
    gap_since_.reset();
  } else {
    lost_ = true;
  }
}

void update_box::begin_difference() {
  state_ = state::difference;
  gap_since_.reset();
  // What is dropped from now on may lie beyond this difference; what was, does not.
  lost_ = false;
}

box_verdict update_box::restart(std::int32_t value, steady_time now) {
  box_verdict out;
  value_ = value;
  state_ = state::ready;
  apply_waiting(out, now);
  if (lost_) {
    lost_ = false;
    fall_behind();
  }
  return out;
}

/// Takes what has begun to fit, and what the counter has passed.
void update_box::apply_waiting(box_verdict& out, steady_time now) {
  while (!waiting_.empty() && waiting_.begin()->first <= *value_) {
    const auto first = waiting_.extract(waiting_.begin());
    if (first.key() == *value_) {
      out.apply.push_back(first.mapped().update);
      value_ = static_cast<std::int32_t>(first.mapped().value);
    } else {
      out.drop.push_back(first.mapped().update);
    }
  }
  if (waiting_.empty()) {
    gap_since_.reset();
  } else if (!gap_since_ || !out.apply.empty()) {
    gap_since_ = now;
  }
}

void update_box::poll(steady_time now) {
  if (now >= next_deadline()) {
    fall_behind();
  }
}

steady_time update_box::next_deadline() const {
  return gap_since_ ? *gap_since_ + std::chrono::duration_cast<steady_time::duration>(patience)
                    : steady_time::max();
}

} // namespace cafegram::protocol
