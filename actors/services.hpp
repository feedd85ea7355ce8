#pragma once

#include <cafegram/actors/interfaces.hpp>
#include <cafegram/actors/system.hpp>
#include <cafegram/base/environment.hpp>
#include <cafegram/crypto/dh.hpp>

#include <memory>

namespace cafegram {

/// What the clients of one runtime share. Cheap to copy into actors.
struct runtime::services {
  connector_actor connector;
  std::shared_ptr<const clock_source> clock;
  std::shared_ptr<random_source> random;
  std::shared_ptr<crypto::prime_cache> primes;
  handshake_gate_actor handshakes = {};
  session_writer_actor writer = {};
};

} // namespace cafegram
