#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/base/environment.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <string>

namespace cafegram::crypto {

/// Overwrites `data` in a way that the compiler cannot leave out.
void wipe(mutable_bytes_view data);
void wipe(std::string& text);

/// Octets that are wiped when they are freed. Cannot be copied by accident, and has no way to be
/// printed, logged or serialized: who needs the octets says `view()`.
class secret {
public:
  secret() = default;
  explicit secret(std::size_t size);
  explicit secret(bytes_view data);
  secret(secret&& other) noexcept;
  secret& operator=(secret&& other) noexcept;
  secret(const secret&) = delete;
  secret& operator=(const secret&) = delete;
  ~secret();

  secret clone() const { return secret{view()}; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  bytes_view view() const { return {data_.get(), size_}; }
  mutable_bytes_view view() { return {data_.get(), size_}; }

private:
  std::unique_ptr<std::uint8_t[]> data_;
  std::size_t size_ = 0;
};

/// The same for a fixed number of octets, without an allocation.
template <std::size_t N>
class fixed_secret {
public:
  fixed_secret() = default;
  explicit fixed_secret(std::span<const std::uint8_t, N> data) {
    std::copy(data.begin(), data.end(), data_.begin());
  }
  fixed_secret(fixed_secret&& other) noexcept
    : data_{other.data_} {
    wipe(other.data_);
  }
  fixed_secret& operator=(fixed_secret&& other) noexcept {
    if (this != &other) {
      data_ = other.data_;
      wipe(other.data_);
    }
    return *this;
  }
  fixed_secret(const fixed_secret&) = delete;
  fixed_secret& operator=(const fixed_secret&) = delete;
  ~fixed_secret() { wipe(data_); }

  std::span<const std::uint8_t, N> view() const { return data_; }
  std::span<std::uint8_t, N> view() { return data_; }

private:
  std::array<std::uint8_t, N> data_{};
};

/// The system's generator for keys (RAND_bytes). Thread-safe.
std::shared_ptr<random_source> system_random();

} // namespace cafegram::crypto
