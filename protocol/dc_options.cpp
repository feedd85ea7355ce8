#include <cafegram/protocol/dc_options.hpp>

#include <array>

namespace cafegram::protocol {
namespace {

dc_address at(std::int32_t dc, std::string_view host, bool ipv6) {
  dc_address out;
  out.dc = dc_id{dc};
  out.host = host;
  out.ipv6 = ipv6;
  out.is_static = true;
  return out;
}

} // namespace

std::span<const dc_address> builtin_addresses(bool test) {
  static const std::array production{
      at(1, "149.154.175.50", false),  at(1, "2001:b28:f23d:f001::a", true),
      at(2, "149.154.167.51", false),  at(2, "2001:67c:4e8:f002::a", true),
      at(3, "149.154.175.100", false), at(3, "2001:b28:f23d:f003::a", true),
      at(4, "149.154.167.91", false),  at(4, "2001:67c:4e8:f004::a", true),
      at(5, "149.154.171.5", false),   at(5, "2001:b28:f23f:f005::a", true),
  };
  static const std::array testing{
      at(1, "149.154.175.10", false),  at(1, "2001:b28:f23d:f001::e", true),
      at(2, "149.154.167.40", false),  at(2, "2001:67c:4e8:f002::e", true),
      at(3, "149.154.175.117", false), at(3, "2001:b28:f23d:f003::e", true),
  };
  return test ? std::span<const dc_address>{testing} : std::span<const dc_address>{production};
}

std::int16_t wire_dc(dc_id dc, bool test, bool media) {
  const auto shifted = number(dc) + (test ? 10000 : 0);
  return static_cast<std::int16_t>(media ? -shifted : shifted);
}

} // namespace cafegram::protocol
