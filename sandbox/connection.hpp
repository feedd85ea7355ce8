#pragma once

#include <cafegram/base/environment.hpp>
#include <cafegram/crypto/rsa.hpp>
#include <cafegram/protocol/framing.hpp>
#include <cafegram/protocol/key_exchange.hpp>
#include <cafegram/protocol/proxy.hpp>
#include <cafegram/sandbox/event_writer.hpp>
#include <cafegram/sandbox/stranger_limits.hpp>
#include <cafegram/sandbox/wire.hpp>

#include <caf/io/scribe.hpp>

#include <atomic>
#include <chrono>
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

/// The RSA key of each data centre.
using rsa_keys =
    std::shared_ptr<const std::map<std::int32_t, std::shared_ptr<const crypto::rsa_private_key>>>;

/// What all connections of a sandbox share.
struct connection_parts {
  router_actor router;
  std::shared_ptr<const layer_set> layers;
  rsa_keys keys; ///< of the data centres that are here
  std::shared_ptr<const clock_source> clock;
  std::shared_ptr<random_source> random;
  std::int32_t dc = 0; ///< of `keys`; a client of an MTProxy port chooses another one
  bool test = false;
  std::shared_ptr<const mtproxy_port> mtproxy = {}; ///< null: a plain port
  stranger_limits strangers = {};
  caf::actor gatekeeper = {}; ///< the listener: takes `stranger_gone`, answers `hello_seen`
  /// The number of the connection that was accepted last, at any port.
  std::shared_ptr<std::atomic<std::uint64_t>> accepted =
      std::make_shared<std::atomic<std::uint64_t>>(0);
  std::chrono::seconds salt_lifetime = std::chrono::hours{1};
  std::shared_ptr<const fault_plan> faults = {}; ///< null: nothing goes wrong
  std::shared_ptr<fault_counts> counts = std::make_shared<fault_counts>();
  event_sink events = {}; ///< null: no log is kept
};

/// Starts the actor of one accepted socket, and its transport. It ends with the socket, after it
/// has left its sessions with the router.
connection_actor spawn_connection(caf::actor_system& system, const connection_parts& parts,
                                  std::uint64_t number, std::string remote,
                                  caf::io::scribe_ptr socket);

} // namespace cafegram::sandbox
