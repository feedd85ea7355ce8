#pragma once

#include <cafegram/base/environment.hpp>
#include <cafegram/crypto/rsa.hpp>
#include <cafegram/protocol/framing.hpp>
#include <cafegram/protocol/key_exchange.hpp>
#include <cafegram/protocol/proxy.hpp>
#include <cafegram/sandbox/wire.hpp>

#include <caf/io/scribe.hpp>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace cafegram::sandbox {

/// A port that is entered like an MTProxy.
struct mtproxy_port {
  protocol::mtproxy_secret secret;
};

/// What all connections of a sandbox share.
struct connection_parts {
  router_actor router;
  std::shared_ptr<const layer_set> layers;
  std::shared_ptr<const crypto::rsa_private_key> rsa;
  std::shared_ptr<const clock_source> clock;
  std::shared_ptr<random_source> random;
  std::int32_t dc = 0;
  bool test = false;
  std::shared_ptr<const mtproxy_port> mtproxy = {}; ///< null: a plain port
  caf::actor gatekeeper = {};                       ///< answers `hello_seen` by whether it is new
};

/// Starts the actor of one accepted socket, and its transport. It ends with the socket, after it
/// has left its sessions with the router.
connection_actor spawn_connection(caf::actor_system& system, const connection_parts& parts,
                                  std::uint64_t number, std::string remote,
                                  caf::io::scribe_ptr socket);

} // namespace cafegram::sandbox
