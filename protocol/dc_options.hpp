#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cafegram::protocol {

/// A data centre of Telegram: 1 to 5, or what a server of one's own calls itself.
enum class dc_id : std::int32_t {};

constexpr std::int32_t number(dc_id id) {
  return static_cast<std::int32_t>(id);
}

/// How a data centre can be reached: one `dcOption`.
struct dc_address {
  dc_id dc{};
  std::string host; ///< an IPv4 or IPv6 address
  std::uint16_t port = 443;
  bool ipv6 = false;
  bool media_only = false;
  bool tcpo_only = false; ///< obfuscated only
  bool cdn = false;
  bool is_static = false;
  bool this_port_only = false;
  std::vector<std::uint8_t> secret; ///< of obfuscation, empty for none

  friend bool operator==(const dc_address&, const dc_address&) = default;
};

/// The permanent addresses, IPv4 before IPv6 for each data centre.
std::span<const dc_address> builtin_addresses(bool test);

/// What stands for a data centre in the key exchange and in an obfuscated header: +10000 on test,
/// negative for media.
std::int16_t wire_dc(dc_id dc, bool test, bool media);

} // namespace cafegram::protocol
