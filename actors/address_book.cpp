#include <cafegram/actors/address_book.hpp>

#include <algorithm>

namespace cafegram {

namespace {

/// Of an address with a secret only the plain kind is spoken here: 16 octets.
constexpr std::size_t plain_secret = 16;
constexpr std::size_t max_addresses = 256;

} // namespace

endpoint endpoint_of(const protocol::dc_address& address) {
  return {address.host, address.port};
}

address_book address_book::pinned(const dc_override& given, transport_choice transport) {
  protocol::dc_address only;
  only.dc = protocol::dc_id{given.id};
  only.host = given.address.host;
  only.port = given.address.port;
  address_book out{{std::move(only)}, transport, false};
  out.pinned_ = given.id;
  return out;
}

void address_book::learn(std::vector<protocol::dc_address> told) {
  if (told.empty()) {
    return;
  }
  told.resize(std::min(told.size(), max_addresses));
  told_ = std::move(told);
}

bool address_book::usable(const protocol::dc_address& address) const {
  const bool secret = !address.secret.empty();
  if ((address.tcpo_only || secret) && !transport_.obfuscated) {
    return false;
  }
  return !address.host.empty() && address.port != 0 &&
         (!secret || address.secret.size() == plain_secret);
}

bool address_book::knows(std::int32_t dc) const {
  const auto here = [dc](const protocol::dc_address& one) { return number(one.dc) == dc; };
  return std::ranges::any_of(told_, here) || std::ranges::any_of(fixed_, here);
}

dc_route address_book::route(std::int32_t dc, connection_purpose purpose) const {
  const bool files =
      purpose == connection_purpose::upload || purpose == connection_purpose::download;
  dc_route out;
  const auto add = [&](const std::vector<protocol::dc_address>& from, bool media) {
    for (const bool v6 : {ipv6_first_, !ipv6_first_}) {
      for (const auto& one : from) {
        const bool fits = number(one.dc) == dc && one.ipv6 == v6 && one.media_only == media &&
                          one.cdn == (purpose == connection_purpose::cdn) && usable(one);
        const bool known =
            std::ranges::any_of(out.addresses, [&one](const protocol::dc_address& have) {
              return endpoint_of(have) == endpoint_of(one);
            });
        if (fits && !known) {
          out.addresses.push_back(one);
        }
      }
    }
  };
  if (files) {
    add(told_, true);
    out.media = !out.addresses.empty();
    if (out.media) {
      return out;
    }
  }
  if (dc != pinned_) {
    add(told_, false);
  }
  add(fixed_, false);
  return out;
}

} // namespace cafegram
