#pragma once

#include <cafegram/actors/system.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/protocol/proxy.hpp>
#include <cafegram/sandbox/faults.hpp>
#include <cafegram/sandbox/page_feed.hpp>
#include <cafegram/sandbox/page_model.hpp>
#include <cafegram/sandbox/stranger_limits.hpp>
#include <cafegram/sandbox/world.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
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

/// A further data centre of a sandbox: a port and an RSA key of its own.
struct data_centre {
  std::int32_t id = 0;
  std::string host = "127.0.0.1"; ///< an address of this machine
  std::uint16_t port = 0;         ///< 0: any free one
};

/// How a sandbox runs.
struct server_options {
  std::string host = "127.0.0.1"; ///< an address of this machine
  std::uint16_t port = 0;         ///< 0: any free one
  std::int32_t dc_id = 2;
  std::vector<data_centre> more_dcs = {};
  /// Where accounts are at home, and what else is where; see `world_options`.
  std::map<std::string, std::int32_t> homes = {};
  std::int32_t file_dc = 0;  ///< 0: `dc_id`
  std::int32_t stats_dc = 0; ///< 0: `dc_id`
  /// Further ports that are entered like MTProxies and lead to all data centres that are here.
  std::vector<mtproxy_listener> mtproxies = {};
  bool test_mode = false; ///< as a test data centre: clients add 10000 to its id
  /// Where keys, accounts and messages are kept over a restart; empty: nowhere.
  std::filesystem::path data = {};
  /// Where the public half of the RSA key is written (PKCS#1, PEM); empty: nowhere.
  /// That of a further data centre N has `.dcN` behind its name.
  std::filesystem::path key_out = {};
  /// Schemas of other layers; see `layer_set::load`. Empty: only the built-in one.
  std::filesystem::path schemas = {};
  bool alice = true;       ///< she answers each message
  bool short_forms = true; ///< see `world_options`, as the two below
  std::int32_t difference_slice = 100;
  std::int32_t difference_total = 0;
  std::filesystem::path message_log = {}; ///< see `world_options`
  /// How long a salt is good for; at half of it the next one begins. Whole seconds, at least two.
  std::chrono::seconds salt_lifetime = std::chrono::hours{1};
  fault_plan faults = {};                         ///< what goes wrong; see docs/sandbox.md
  std::filesystem::path event_log = {};           ///< the log of the run; empty: none is kept
  stranger_limits strangers = {};                 ///< of each port
  std::shared_ptr<const clock_source> clock = {}; ///< default: the runtime's
  std::shared_ptr<random_source> random = {};     ///< default: the runtime's
  /// Called once, on a thread of the runtime, when a part of the server has ended that nobody has
  /// stopped: from then on it serves nobody. Must not block.
  std::function<void()> on_failure = {};
};

/// A Telegram of one's own: one data centre or several that accept real clients of MTProto. Any
/// number of sandboxes may run in one process. See docs/sandbox.md.
class server {
public:
  /// Opens the store, listens, and serves until `stop`. `on` must outlive the server.
  /// Errors: `network` for an address that cannot be had, `storage`, `malformed` (a schema),
  /// `bad_argument` for data centres that are there twice or not at all.
  static result<std::unique_ptr<server>> start(runtime& on, const server_options& options);

  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// Closes all connections and ends the actors; waits for them, at most 5 s. Twice is as once.
  void stop();

  std::uint16_t port() const; ///< of `dc_id`
  /// 0 for a data centre that is not here.
  std::uint16_t port(std::int32_t dc) const;
  /// The ports of `server_options::mtproxies`.
  const std::vector<std::uint16_t>& mtproxy_ports() const;
  /// What clients of `dc_id` must trust: PKCS#1, PEM.
  const std::string& public_key_pem() const;
  /// The same of each data centre, in the order of their numbers.
  std::vector<std::string> public_keys_pem() const;

  /// Moves an account: what its login calls anywhere else is answered with `USER_MIGRATE_dc`.
  /// Errors: `bad_argument` for a data centre that is not here.
  result<void> move_home(std::int64_t account, std::int32_t dc);

  /// Other faults from now on, on the connections that are there and on those to come. A
  /// connection whose faults begin later counts its frames and calls from then. Any thread.
  void set_faults(fault_plan plan);
  /// How many have happened.
  const fault_counts& faults() const;
  /// Until all that happened before is in the log of the run. Not for scheduler or I/O threads.
  void flush_log();

  /// The sandbox as its page sees it, for `http_server`. Not for scheduler or I/O threads.
  page_model& page();
  std::shared_ptr<page_feed> feed() const;

private:
  struct state;
  explicit server(std::unique_ptr<state> s);
  std::unique_ptr<state> state_;
};

} // namespace cafegram::sandbox
