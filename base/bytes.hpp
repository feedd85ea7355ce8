#pragma once

#include <cstdint>
#include <expected>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cafegram {

/// Raw octets. `uint8_t`, not `std::byte`: CAF serializes the former a thousand times faster.
using bytes = std::vector<std::uint8_t>;
using bytes_view = std::span<const std::uint8_t>;
using mutable_bytes_view = std::span<std::uint8_t>;

/// Views the characters of `text` as octets; valid as long as `text` is.
inline bytes_view as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// Views octets as characters, without any check of their encoding.
inline std::string_view as_text(bytes_view data) {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

inline bytes to_bytes(bytes_view data) {
  return {data.begin(), data.end()};
}

inline void append(bytes& out, bytes_view data) {
  out.insert(out.end(), data.begin(), data.end());
}

/// Lower-case hexadecimal digits, two per octet.
std::string to_hex(bytes_view data);

/// What was wrong with a text that should have been octets.
struct text_error {
  std::size_t offset = 0;   ///< of the first character that does not fit
  std::string_view problem; ///< static text
};

/// Reads hexadecimal digits of either case. Errors: an odd count, any other character.
std::expected<bytes, text_error> from_hex(std::string_view text);

/// Standard alphabet with padding (RFC 4648 section 4).
std::string to_base64(bytes_view data);

/// URL-safe alphabet without padding (RFC 4648 section 5).
std::string to_base64url(bytes_view data);

/// Reads either alphabet, with or without padding. Errors: any other character, an impossible
/// length, non-zero bits behind the end.
std::expected<bytes, text_error> from_base64(std::string_view text);

} // namespace cafegram
