#pragma once

#include <cafegram/sandbox/connection.hpp>
#include <cafegram/sandbox/server.hpp>
#include <cafegram/sandbox/world.hpp>

#include <caf/actor.hpp>
#include <caf/io/doorman.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

/// What a server is put together from. Internal to sandbox/.
namespace cafegram::sandbox {

/// An open port. Each is listened at by an actor of its own.
struct door {
  caf::io::doorman_ptr handle;
  std::int32_t dc = 0;
  std::shared_ptr<const mtproxy_port> mtproxy = {}; ///< null: a plain port
};

/// Errors: `bad_argument` for data centres that are there twice or not at all.
result<void> check_centres(const server_options& options);

/// All ports: that of `dc_id`, those of the further data centres, those of the proxies.
/// Errors: `network`.
result<std::vector<door>> open_doors(caf::actor_system& system, const server_options& options);

/// The RSA key of each data centre; the public halves are written where `key_out` wants them.
/// Errors: `storage`.
result<rsa_keys> load_keys(const server_options& options);

/// `ports` of all data centres. Errors: `storage`.
result<std::unique_ptr<world>> open_world(const server_options& options,
                                          const std::map<std::int32_t, std::uint16_t>& ports,
                                          std::shared_ptr<random_source> random, wall_time now);

/// The writer of the log of the run, with its first lines; null where none is wanted.
/// Errors: `storage`.
result<event_sink> open_log(caf::actor_system& system, const server_options& options,
                            std::shared_ptr<const clock_source> clock);

/// The actors without which a server is none.
struct server_actors {
  router_actor router;
  std::vector<caf::actor> listeners;
  event_writer_actor events = {}; ///< null: no log is kept
};

/// Ends with the first of `parts` that ends, and says so: whoever holds a server hears when it
/// serves nobody any more, or when its log misses what happens. `on_failure` may be empty.
caf::actor watch(caf::actor_system& system, const server_actors& parts,
                 std::function<void()> on_failure);

} // namespace cafegram::sandbox
