#pragma once

#include <cafegram/base/environment.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <string>

#include "../support.hpp"

namespace cafegram::test {

using json = nlohmann::json;

/// Vectors that make_vectors.py wrote, with another implementation than ours.
inline const json& own_vectors() {
  static const json all = json::parse(read_text(source_folder() / "tests/crypto/vectors.json"));
  return all;
}

/// A file of the shared folder's vectors; the test must have said CAFEGRAM_NEEDS_SHARED().
inline json shared_vectors(const std::string& name) {
  return json::parse(read_text(shared_folder() / "vectors" / name));
}

/// A template, for a literal would convert to `json` as well as to text.
template <std::same_as<json> Value>
bytes hex(const Value& text) {
  return hex(std::string_view{text.template get_ref<const std::string&>()});
}

template <std::size_t N>
std::array<std::uint8_t, N> hex_array(const json& text) {
  const bytes data = hex(text);
  std::array<std::uint8_t, N> out{};
  EXPECT_EQ(data.size(), N);
  std::copy_n(data.begin(), std::min(N, data.size()), out.begin());
  return out;
}

/// Gives out recorded octets in their order, then repeats the last octet for ever and says so.
class recorded_random final : public random_source {
public:
  explicit recorded_random(bytes data)
    : data_{std::move(data)} {}
  void fill(mutable_bytes_view out) override {
    for (std::uint8_t& octet : out) {
      if (used_ < data_.size()) {
        octet = data_[used_++];
      } else {
        octet = data_.empty() ? std::uint8_t{0} : data_.back();
        exhausted_ = true;
      }
    }
  }
  std::size_t used() const { return used_; }
  bool exhausted() const { return exhausted_; }

private:
  bytes data_;
  std::size_t used_ = 0;
  bool exhausted_ = false;
};

} // namespace cafegram::test
