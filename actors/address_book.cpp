#include <cafegram/actors/address_book.hpp>

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

namespace cafegram {

namespace {

constexpr std::size_t most_addresses = 256;

bool is_for_files(connection_purpose purpose) {
  return purpose == connection_purpose::upload || purpose == connection_purpose::download;
}

} // namespace

endpoint endpoint_of(const protocol::dc_address& address) {
  return {address.host, address.port};
}

std::optional<protocol::mtproxy_secret> secret_of(const protocol::dc_address& address) {
  auto out = protocol::mtproxy_secret::from(address.secret);
  return out ? std::optional{*std::move(out)} : std::nullopt;
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
  told.resize(std::min(told.size(), most_addresses));
  told_ = std::move(told);
}

bool address_book::usable(const protocol::dc_address& address) const {
  const bool secret = !address.secret.empty();
  if ((address.tcpo_only || secret) && !transport_.obfuscated) {
    return false;
  }
  return !address.host.empty() && address.port != 0 && (!secret || secret_of(address).has_value());
}

bool address_book::fits(const protocol::dc_address& address, std::int32_t dc,
                        connection_purpose purpose) const {
  return number(address.dc) == dc && address.cdn == (purpose == connection_purpose::cdn) &&
         usable(address);
}

bool address_book::knows(std::int32_t dc, connection_purpose purpose) const {
  const auto fixed = [this, dc, purpose](const protocol::dc_address& one) {
    return !one.media_only && fits(one, dc, purpose);
  };
  const auto told = [this, dc, purpose](const protocol::dc_address& one) {
    return (one.media_only ? is_for_files(purpose) : dc != pinned_) && fits(one, dc, purpose);
  };
  return std::ranges::any_of(fixed_, fixed) || std::ranges::any_of(told_, told);
}

bool address_book::serves(std::int32_t dc, connection_purpose purpose) const {
  return knows(dc, purpose == connection_purpose::cdn ? purpose : connection_purpose::main);
}

dc_route address_book::route(std::int32_t dc, connection_purpose purpose) const {
  dc_route out;
  const auto add = [&](const std::vector<protocol::dc_address>& from, bool media) {
    for (const bool v6 : {ipv6_first_, !ipv6_first_}) {
      for (const auto& one : from) {
        const bool wanted = one.ipv6 == v6 && one.media_only == media && fits(one, dc, purpose);
        const bool known =
            std::ranges::any_of(out.addresses, [&one](const protocol::dc_address& have) {
              return endpoint_of(have) == endpoint_of(one);
            });
        if (wanted && !known) {
          out.addresses.push_back(one);
        }
      }
    }
  };
  if (is_for_files(purpose)) {
    add(told_, true);
    out.media = !out.addresses.empty();
  }
  if (!out.media) {
    if (dc != pinned_) {
      add(told_, false);
    }
    add(fixed_, false);
  }
  if (by_proxy_) {
    // std::stable_partition of g++ 12's library uses what C++17 deprecated.
    auto all = std::exchange(out.addresses, {});
    std::ranges::copy_if(all, std::back_inserter(out.addresses), &protocol::dc_address::is_static);
    std::ranges::copy_if(all, std::back_inserter(out.addresses),
                         std::not_fn(&protocol::dc_address::is_static));
  }
  return out;
}

} // namespace cafegram
