#pragma once

#include <cafegram/actors/address_book.hpp>
#include <cafegram/actors/interfaces.hpp>
#include <cafegram/actors/services.hpp>
#include <cafegram/crypto/rsa.hpp>

#include <memory>
#include <optional>
#include <vector>

namespace cafegram {

/// What every connection of a client has in common.
struct connection_profile {
  bool test = false;
  transport_choice transport; ///< as an MTProxy wants it, where there is one
  ip_choice ip = ip_choice::ipv4_first;
  std::shared_ptr<const proxy_server> proxy; ///< null: none
  timing_options timing;
  pool_options pool;
  breaker_options breaker;
  std::shared_ptr<restart_policy> restart; ///< null: the default
  bool forward_secrecy = true;
  std::chrono::seconds temporary_key_lifetime{86'400};
  std::vector<crypto::rsa_public_key> rsa_keys;
  /// What goes before a connection's first calls: `invokeWithLayer(initConnection(` encoded.
  bytes first_call_prefix;
  /// The same toward a CDN.
  bytes cdn_call_prefix;
  progress_function on_progress;
};

/// What makes one connection.
struct connection_setup {
  std::shared_ptr<const connection_profile> profile;
  std::int32_t dc = 0;
  dc_route route;
  key_order keys;
  /// It is here to have its permanent key destroyed, and for nothing else.
  bool destroy_key = false;
};

/// Starts a connection. It ends only when told; its owner monitors it.
dc_connection_actor spawn_dc_connection(caf::actor_system& system,
                                        const runtime::services& services, connection_setup setup,
                                        connection_owner_actor owner);

} // namespace cafegram
