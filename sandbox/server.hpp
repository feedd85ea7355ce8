#pragma once

#include <cafegram/actors/system.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/protocol/proxy.hpp>
#include <cafegram/sandbox/page_feed.hpp>
#include <cafegram/sandbox/page_model.hpp>
#include <cafegram/sandbox/world.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace cafegram::sandbox {

/// A port that takes MTProxy clients which know its secret: padded ones alone where the secret says
/// so, fake TLS to its domain where it has one.
struct mtproxy_listener {
  std::string host = "127.0.0.1"; ///< an address of this machine
  std::uint16_t port = 0;         ///< 0: any free one
  protocol::mtproxy_secret secret = {};
};

/// How a sandbox runs.
struct server_options {
  std::string host = "127.0.0.1"; ///< an address of this machine
  std::uint16_t port = 0;         ///< 0: any free one
  std::int32_t dc_id = 2;
  /// Further ports that are entered like MTProxies and lead to this data centre.
  std::vector<mtproxy_listener> mtproxies = {};
  bool test_mode = false; ///< as a test data centre: clients add 10000 to its id
  /// Where keys, accounts and messages are kept over a restart; empty: nowhere.
  std::filesystem::path data = {};
  /// Where the public half of the RSA key is written (PKCS#1, PEM); empty: nowhere.
  std::filesystem::path key_out = {};
  /// Schemas of other layers; see `layer_set::load`. Empty: only the built-in one.
  std::filesystem::path schemas = {};
  bool alice = true;                              ///< she answers each message
  std::filesystem::path message_log = {};         ///< see `world_options`
  std::shared_ptr<const clock_source> clock = {}; ///< default: the runtime's
  std::shared_ptr<random_source> random = {};     ///< default: the runtime's
};

/// A Telegram of one's own: one data centre that accepts real clients of MTProto. Any number of
/// them may run in one process. See docs/sandbox.md.
class server {
public:
  /// Opens the store, listens, and serves until `stop`. `on` must outlive the server.
  /// Errors: `network` for an address that cannot be had, `storage`, `malformed` (a schema).
  static result<std::unique_ptr<server>> start(runtime& on, const server_options& options);

  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// Closes all connections and ends the actors; waits for them, at most 5 s. Twice is as once.
  void stop();

  std::uint16_t port() const;
  /// The ports of `server_options::mtproxies`.
  const std::vector<std::uint16_t>& mtproxy_ports() const;
  /// What clients must trust: PKCS#1, PEM.
  const std::string& public_key_pem() const;

  /// The sandbox as its page sees it, for `http_server`. Not for scheduler or I/O threads.
  page_model& page();
  std::shared_ptr<page_feed> feed() const;

private:
  struct state;
  explicit server(std::unique_ptr<state> s);
  std::unique_ptr<state> state_;
};

} // namespace cafegram::sandbox
