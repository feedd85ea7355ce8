#pragma once

#include <cafegram/actors/dc_pool.hpp>
#include <cafegram/actors/interfaces.hpp>
#include <cafegram/actors/options.hpp>
#include <cafegram/actors/services.hpp>
#include <cafegram/actors/session_store.hpp>
#include <cafegram/actors/signing.hpp>
#include <cafegram/storage/session.hpp>

#include <memory>

namespace cafegram {

/// What `client::start` has checked and opened.
struct client_setup {
  client_options options;
  std::shared_ptr<const connection_profile> profile;
  address_book addresses;
  std::shared_ptr<storage::session_backend> backend;
  storage::session_state session;
  std::shared_ptr<const signer> signing;
  connection_factory connect = spawn_dc_connection;
  store_factory open_store = spawn_session_store;
};

/// Starts a client with its store, pool and hub.
client_actor spawn_client(caf::actor_system& system, const runtime::services& services,
                          client_setup setup);

} // namespace cafegram
