#include <cafegram/protocol/server_clock.hpp>

#include <algorithm>
#include <limits>

namespace cafegram::protocol {
namespace {

constexpr std::uint64_t nanos = 1'000'000'000;

} // namespace

duration time_of(msg_id id) {
  const auto raw = static_cast<std::uint64_t>(number(id));
  const auto fraction = ((raw & 0xffffffffU) * nanos) >> 32;
  return duration{static_cast<std::int64_t>((raw >> 32 & 0x7fffffffU) * nanos + fraction)};
}

duration server_clock::correct(msg_id fresh, steady_time now) {
  const auto by = time_of(fresh) - unix_time(now);
  server_ += std::chrono::duration_cast<wall_time::duration>(by);
  synchronised_ = true;
  return by;
}

void server_clock::raise(msg_id seen, steady_time now) {
  const auto ahead = time_of(seen) - unix_time(now);
  if (ahead > duration::zero()) {
    server_ += std::chrono::duration_cast<wall_time::duration>(ahead);
  }
}

msg_id msg_id_source::next(duration unix_time, unsigned low_bits) {
  // One second below the end: ids that rise from there have room.
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max() - 1;
  const auto count = static_cast<std::uint64_t>(std::max<std::int64_t>(unix_time.count(), 0));
  const auto seconds = std::min(static_cast<std::int64_t>(count / nanos), most);
  const auto fraction = static_cast<std::int64_t>(((count % nanos) << 32) / nanos);
  auto id = (seconds << 32 | fraction) & ~std::int64_t{3};
  if ((id & 0xffffffff) == 0) {
    id += 4; // empty lower bits are refused
  }
  id = std::max(id, (last_ & ~std::int64_t{3}) + 4);
  last_ = id | low_bits;
  return msg_id{last_};
}

} // namespace cafegram::protocol
