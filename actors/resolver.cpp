#include <cafegram/actors/connector.hpp>
#include <cafegram/actors/errors.hpp>

#include <caf/all.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <netdb.h>

namespace cafegram {

namespace {

constexpr std::size_t max_addresses = 16;

std::string text_of(const sockaddr* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* octets =
      address->sa_family == AF_INET6
          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr)
          : static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(address)->sin_addr);
  return ::inet_ntop(address->sa_family, octets, text.data(), text.size()) != nullptr
             ? std::string{text.data()}
             : std::string{};
}

caf::result<resolved> look_up(const resolve_request& request) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int code = ::getaddrinfo(request.host.c_str(), nullptr, &hints, &list); code != 0) {
    return to_caf(error::make(
        errc::network, "cannot look up " + request.host + ": " + ::gai_strerror(code), code));
  }
  resolved out;
  for (const auto* entry = list; entry != nullptr && out.addresses.size() < max_addresses;
       entry = entry->ai_next) {
    auto text = text_of(entry->ai_addr);
    if (!text.empty() && std::ranges::find(out.addresses, text) == out.addresses.end()) {
      out.addresses.push_back(std::move(text));
    }
  }
  ::freeaddrinfo(list);
  if (out.addresses.empty()) {
    return to_caf(error::make(errc::network, request.host + " has no address"));
  }
  return out;
}

} // namespace

resolver_actor spawn_resolver(caf::actor_system& system) {
  return system.spawn<caf::detached>([]() -> resolver_actor::behavior_type {
    return {
        [](const resolve_request& request) { return look_up(request); },
    };
  });
}

} // namespace cafegram
