#pragma once

#include <cafegram/base/bytes.hpp>

#include <chrono>
#include <cstdint>
#include <memory>

namespace cafegram {

using steady_time = std::chrono::steady_clock::time_point;
using wall_time = std::chrono::system_clock::time_point;
using duration = std::chrono::nanoseconds;

/// Where time comes from. Pure code takes a `steady_time` or `wall_time` as an argument instead.
class clock_source {
public:
  virtual ~clock_source() = default;
  virtual steady_time steady_now() const = 0;
  virtual wall_time wall_now() const = 0;
};

/// Where random octets come from.
class random_source {
public:
  virtual ~random_source() = default;
  /// Fills all of `out`; never fails (a system without randomness ends the process).
  virtual void fill(mutable_bytes_view out) = 0;

  template <class T>
    requires std::is_integral_v<T>
  T integer() {
    T out{};
    fill({reinterpret_cast<std::uint8_t*>(&out), sizeof(T)});
    return out;
  }
};

/// The machine's clocks.
std::shared_ptr<const clock_source> system_clock_source();

/// A clock that stands still until `advance` is called. Starts at a fixed time, for repeatable
/// tests.
class manual_clock final : public clock_source {
public:
  explicit manual_clock(wall_time start = wall_time{std::chrono::seconds{1'750'000'000}})
    : wall_{start} {}
  steady_time steady_now() const override { return steady_; }
  wall_time wall_now() const override { return wall_; }
  void advance(duration by) {
    steady_ += std::chrono::duration_cast<steady_time::duration>(by);
    wall_ += std::chrono::duration_cast<wall_time::duration>(by);
  }

private:
  steady_time steady_{std::chrono::hours{1}};
  wall_time wall_;
};

/// Repeatable octets from a seed (xoshiro256**). For tests and simulations only, never for keys.
class seeded_random final : public random_source {
public:
  explicit seeded_random(std::uint64_t seed);
  void fill(mutable_bytes_view out) override;
  std::uint64_t next();

private:
  std::uint64_t state_[4];
};

} // namespace cafegram
