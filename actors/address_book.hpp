#pragma once

#include <cafegram/actors/options.hpp>
#include <cafegram/protocol/dc_options.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace cafegram {

/// Where to connect, best first.
struct dc_route {
  std::vector<protocol::dc_address> addresses;
  bool media = false; ///< they are for files alone: the data centre is named negative
};

/// Where data centres are reached: what is built in or given by hand, and what the server tells.
/// A value. Spec: "help.getConfig", "dcOption".
class address_book {
public:
  address_book() = default;
  /// `fixed` stay whatever the server tells, behind what it tells.
  /// `by_proxy`: the proxy connects to them; those marked `static` are meant for that and come
  /// first.
  address_book(std::vector<protocol::dc_address> fixed, transport_choice transport, bool ipv6_first,
               bool by_proxy = false)
    : fixed_{std::move(fixed)}
    , transport_{transport}
    , ipv6_first_{ipv6_first}
    , by_proxy_{by_proxy} {}
  /// One address given by hand: for that data centre it is the only one but for media.
  static address_book pinned(const dc_override& given, transport_choice transport);

  /// Takes what the server tells in the place of what it told before; nothing of it is lost when
  /// the list is empty.
  void learn(std::vector<protocol::dc_address> told);

  /// True where `route` is not empty.
  bool knows(std::int32_t dc, connection_purpose purpose = connection_purpose::main) const;
  /// True where calls of this purpose can go there: all but those for a CDN need a key that is made
  /// over a plain address.
  bool serves(std::int32_t dc, connection_purpose purpose) const;
  dc_route route(std::int32_t dc, connection_purpose purpose) const;
  const std::vector<protocol::dc_address>& told() const { return told_; }

private:
  bool usable(const protocol::dc_address& address) const;
  bool fits(const protocol::dc_address& address, std::int32_t dc, connection_purpose purpose) const;

  std::vector<protocol::dc_address> fixed_;
  std::vector<protocol::dc_address> told_;
  std::int32_t pinned_ = 0;
  transport_choice transport_;
  bool ipv6_first_ = false;
  bool by_proxy_ = false;
};

/// The same as one endpoint.
endpoint endpoint_of(const protocol::dc_address& address);

/// How such an address wants to be spoken to: none where it has no secret, or one that is of no
/// known kind.
std::optional<protocol::mtproxy_secret> secret_of(const protocol::dc_address& address);

} // namespace cafegram
