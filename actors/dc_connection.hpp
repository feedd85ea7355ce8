#pragma once

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
  transport_choice transport;
  timing_options timing;
  std::vector<crypto::rsa_public_key> rsa_keys;
  /// What goes before a connection's first calls: `invokeWithLayer(initConnection(` encoded.
  bytes first_call_prefix;
  progress_function on_progress;
};

/// What makes one connection.
struct connection_setup {
  std::shared_ptr<const connection_profile> profile;
  std::int32_t dc = 0;
  std::vector<endpoint> addresses;
  std::optional<dc_key> key; ///< none: one is made
  /// The login hangs on the key: it is kept whatever the server says.
  bool keep_key = false;
};

/// Starts a connection. It ends only when told; its owner monitors it.
dc_connection_actor spawn_dc_connection(caf::actor_system& system,
                                        const runtime::services& services, connection_setup setup,
                                        connection_owner_actor owner);

} // namespace cafegram
