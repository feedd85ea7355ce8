#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/base/environment.hpp>
#include <cafegram/protocol/auth_key.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <source_location>
#include <utility>

/// What the fuzzers share. Each is one file with `LLVMFuzzerTestOneInput`, whose first line names
/// the files that it is for. The same program with `replay.cpp` runs its corpus as a test.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace cafegram::fuzz {

using namespace std::chrono_literals;

/// The time at which everything begins.
inline constexpr wall_time start{1'750'000'000s};
inline constexpr steady_time steady_start{1h};

/// Ends the process, as a finding, unless `condition` holds.
inline void holds(bool condition, const char* what,
                  std::source_location at = std::source_location::current()) {
  if (!condition) {
    std::fprintf(stderr, "%s:%u: does not hold: %s\n", at.file_name(),
                 static_cast<unsigned>(at.line()), what);
    std::abort();
  }
}

/// Whether a result is this value.
template <class Result, class Value>
bool is(const Result& got, const Value& wanted) {
  return got.has_value() && *got == wanted;
}

/// An input, taken apart from its front. At its end there are zeros and empty pieces, so that every
/// input means something.
class input {
public:
  input(const std::uint8_t* data, std::size_t size)
    : left_{data, size} {}
  explicit input(bytes_view data)
    : left_{data} {}

  bool empty() const { return left_.empty(); }

  template <class T>
  T number() {
    T out{};
    const auto some = take(sizeof(T));
    std::memcpy(&out, some.data(), some.size());
    return out;
  }
  std::uint8_t octet() { return number<std::uint8_t>(); }
  bool flag() { return (octet() & 1) != 0; }

  bytes_view take(std::size_t count) {
    const auto out = left_.first(std::min(count, left_.size()));
    left_ = left_.subspan(out.size());
    return out;
  }
  /// `length:u16 octets`: as many of them as there are.
  bytes_view piece() { return take(number<std::uint16_t>()); }
  bytes_view rest() { return take(left_.size()); }

private:
  bytes_view left_;
};

/// The counterpart of `input`, for who makes a corpus.
class output {
public:
  template <class T>
  output& number(T value) {
    append(out_, std::bit_cast<std::array<std::uint8_t, sizeof(T)>>(value));
    return *this;
  }
  output& octet(unsigned value) { return number(static_cast<std::uint8_t>(value)); }
  output& piece(bytes_view data) {
    const auto some = data.first(std::min<std::size_t>(data.size(), 0xffff));
    number(static_cast<std::uint16_t>(some.size()));
    append(out_, some);
    return *this;
  }
  output& raw(bytes_view data) {
    append(out_, data);
    return *this;
  }
  std::size_t size() const { return out_.size(); }
  bytes take() { return std::exchange(out_, {}); }

private:
  bytes out_;
};

inline std::shared_ptr<seeded_random> repeatable(std::uint64_t seed = 5) {
  return std::make_shared<seeded_random>(seed);
}

/// A key that is known beforehand.
inline protocol::auth_key some_key(std::uint64_t seed = 7) {
  seeded_random random{seed};
  bytes octets(protocol::auth_key::octets);
  random.fill(octets);
  return protocol::auth_key::from(octets).value();
}

} // namespace cafegram::fuzz
