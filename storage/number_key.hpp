#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cafegram::storage {

/// Appends `number` so that keys rise as numbers do: 8 octets, the highest first.
inline void append_number(std::string& key, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    key.push_back(static_cast<char>(number >> shift & 0xff));
  }
}

inline std::string number_key(std::uint64_t number) {
  std::string out;
  append_number(out, number);
  return out;
}

/// The number in the first 8 octets of `key`, or what there is of it.
inline std::uint64_t number_of(std::string_view key) {
  std::uint64_t out = 0;
  for (const char c : key.substr(0, 8)) {
    out = out << 8 | static_cast<std::uint8_t>(c);
  }
  return out;
}

} // namespace cafegram::storage
