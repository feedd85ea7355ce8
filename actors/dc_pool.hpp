#pragma once

#include <cafegram/actors/address_book.hpp>
#include <cafegram/actors/dc_connection.hpp>
#include <cafegram/actors/interfaces.hpp>
#include <cafegram/actors/services.hpp>

#include <functional>
#include <map>
#include <memory>
#include <set>

namespace cafegram {

/// Starts a connection for a pool, which owns it.
using connection_factory = std::function<dc_connection_actor(
    caf::actor_system&, const runtime::services&, connection_setup, connection_owner_actor)>;

/// What a pool begins with.
struct pool_setup {
  std::shared_ptr<const connection_profile> profile;
  address_book addresses;
  std::int32_t home_dc = 2;
  std::map<std::int32_t, dc_key> keys;
  std::set<std::int32_t> authorised; ///< data centres beside home that know the login
  bool logged_in = false;
  connection_factory connect = spawn_dc_connection;
};

/// At most this many calls are held; the next one is refused with `limit`.
constexpr std::size_t max_held_calls = 65'536;

/// Starts a pool. New keys go to `store`; the main connection's phase goes to `owner`.
dc_pool_actor spawn_dc_pool(caf::actor_system& system, const runtime::services& services,
                            pool_setup setup, session_store_actor store, pool_owner_actor owner,
                            update_sink_actor updates);

} // namespace cafegram
