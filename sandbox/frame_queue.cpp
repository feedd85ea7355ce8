#include <cafegram/sandbox/frame_queue.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace cafegram::sandbox {

namespace {

constexpr std::size_t word = 4;

/// At least two words stay: one alone would be one of the transport's own.
void truncate(bytes& payload, std::uint32_t value) {
  const auto words = payload.size() / word;
  if (words > 2) {
    payload.resize(word * (2 + value % (words - 2)));
  }
}

void corrupt(bytes& payload, std::uint32_t value) {
  if (!payload.empty()) {
    const auto bit = value % (8 * payload.size());
    payload[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
  }
}

} // namespace

std::optional<fault> frame_queue::put(const fault_plan& plan, bytes payload, bool quick_ack,
                                      wall_time now) {
  ++place_.number;
  queued_frame frame{std::move(payload), quick_ack, {}, place_.number};
  octets_ += frame.payload.size();
  const auto what = decide(plan, place_);
  if (!what) {
    push(std::move(frame));
    return std::nullopt;
  }
  return spoil(*what, frame, now);
}

/// What of it has happened already.
std::optional<fault> frame_queue::spoil(const fault& what, queued_frame& frame, wall_time now) {
  const auto later = now + std::chrono::milliseconds{what.value};
  switch (what.kind) {
  case fault_kind::drop:
    octets_ -= frame.payload.size();
    return what;
  case fault_kind::delay:
    paused_until_ = std::max(paused_until_, later);
    break;
  case fault_kind::duplicate:
    octets_ += frame.payload.size();
    push(frame);
    break;
  case fault_kind::reorder:
    hold_back(std::move(frame), later);
    return what;
  case fault_kind::corrupt:
    corrupt(frame.payload, what.value);
    break;
  case fault_kind::truncate:
    octets_ -= frame.payload.size();
    truncate(frame.payload, what.value);
    octets_ += frame.payload.size();
    break;
  default:
    frame.what = what;
    push(std::move(frame));
    return std::nullopt;
  }
  push(std::move(frame));
  return what;
}

void frame_queue::push(queued_frame frame) {
  frames_.push_back(std::move(frame));
  if (auto behind = std::exchange(late_, std::nullopt)) {
    frames_.push_back(*std::move(behind));
  }
}

void frame_queue::hold_back(queued_frame frame, wall_time until) {
  if (auto before = std::exchange(late_, std::nullopt)) {
    frames_.push_back(*std::move(before));
  }
  late_ = std::move(frame);
  late_until_ = until;
}

std::optional<queued_frame> frame_queue::take(wall_time now) {
  if (paused(now)) {
    return std::nullopt;
  }
  if (frames_.empty() && late_ && late_until_ <= now) {
    frames_.push_back(*std::exchange(late_, std::nullopt));
  }
  if (frames_.empty()) {
    return std::nullopt;
  }
  auto out = std::move(frames_.front());
  frames_.pop_front();
  octets_ -= out.payload.size();
  return out;
}

wall_time frame_queue::next_deadline() const {
  if (!frames_.empty()) {
    return paused_until_;
  }
  return late_ ? std::max(late_until_, paused_until_) : wall_time::max();
}

} // namespace cafegram::sandbox
