#pragma once

#include <cafegram/actors/inbox_options.hpp>
#include <cafegram/actors/limit_options.hpp>
#include <cafegram/base/environment.hpp>
#include <cafegram/protocol/proxy.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cafegram {

namespace storage {
class session_backend;
}
class retry_policy;   // <cafegram/actors/policies.hpp>
class restart_policy; // the same

/// Where a server listens. `host` is a name or an address of either family.
struct endpoint {
  std::string host = {};
  std::uint16_t port = 443;

  friend bool operator==(const endpoint&, const endpoint&) = default;
};

/// Reads `HOST:PORT`, `[V6]:PORT` or `HOST` (then port 443). Errors: `bad_argument`.
std::optional<endpoint> parse_endpoint(std::string_view text);
std::string to_string(const endpoint& where);

/// How frames are cut on the wire. Spec: "MTProto transports".
enum class transport_kind : std::uint8_t { abridged, intermediate, padded, full };

/// Reads `abridged`, `intermediate`, `padded`, `full`, each also as `obfuscated-...` (not `full`).
struct transport_choice {
  transport_kind kind = transport_kind::intermediate;
  bool obfuscated = true;

  static std::optional<transport_choice> parse(std::string_view text);
  friend bool operator==(const transport_choice&, const transport_choice&) = default;
};
std::string to_string(transport_choice choice);

/// What a connection is for. Each kind of work has connections of its own, so that a long download
/// holds nothing else up.
enum class connection_purpose : std::uint8_t {
  main,     ///< calls and updates: exactly one at home, as Telegram demands of a login
  upload,   ///< parts of files, on media addresses where the server has told some
  download, ///< the same
  cdn,      ///< parts of files from a CDN's data centre, which gets no login: `upload.getCdnFile`
};
std::string_view to_string(connection_purpose purpose);

/// How many connections a client opens beside its main one, and for how long.
struct pool_options {
  std::size_t upload_connections = 4;   ///< at most, per data centre
  std::size_t download_connections = 4; ///< the same
  std::size_t cdn_connections = 2;      ///< the same
  /// Every connection but home's main one is closed after so long without a call.
  std::chrono::milliseconds idle_after{60'000};
};

/// One data centre given by hand, in the place of Telegram's built-in addresses.
struct dc_override {
  std::int32_t id = 2;
  endpoint address = {};
};

/// Which family of addresses is tried first, and whether the other one is tried at all.
enum class ip_choice : std::uint8_t { ipv4_first, ipv6_first, ipv4_only, ipv6_only };

/// A proxy that all connections go through; `proxy_server::parse` reads links and URLs.
using proxy_server = protocol::proxy_server;
using proxy_kind = protocol::proxy_kind;

/// What the account looks like in Telegram's list of devices.
struct device_info {
  std::string device_model = "cafegram";
  std::string system_version = "Linux";
  std::string app_version = "0.1.0";
  std::string system_lang_code = "en";
  std::string lang_pack = {};
  std::string lang_code = "en";
};

/// Waiting and giving up. All times are wall durations, none is infinite unless said.
struct timing_options {
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds request_timeout{60'000};
  std::chrono::milliseconds handshake_timeout{30'000};
  std::chrono::milliseconds reconnect_min{500};
  std::chrono::milliseconds reconnect_max{5'000};
  /// A `FLOOD_WAIT` up to this long is waited out; over it the caller gets the error.
  std::chrono::milliseconds flood_wait_threshold{60'000};
};

/// One step on the way to a working connection, for people: "connected", "203.0.113.1:443".
using progress_function = std::function<void(std::string_view step, std::string_view detail)>;

constexpr std::size_t peers_in_memory_by_default = 10'000;

/// All that `client::start` needs to know.
struct client_options {
  std::int32_t api_id = 0;
  std::string api_hash = {};
  /// When set, the client logs in with it by itself as soon as it is connected and not logged in.
  std::string bot_token = {};

  std::optional<dc_override> dc = {};         ///< default: Telegram's own addresses
  bool test_dcs = false;                      ///< Telegram's test data centres
  std::vector<std::string> rsa_keys_pem = {}; ///< when not empty, these and no others are trusted
  transport_choice transport = {};
  ip_choice ip = ip_choice::ipv4_first; ///< of data centres and of the proxy
  /// An MTProxy decides on the transport too: obfuscated, and padded if its secret says so.
  std::optional<proxy_server> proxy = {};
  pool_options pool = {};

  /// Encrypt with keys that live for a day and are never stored, bound to the stored one: who gets
  /// hold of the session later cannot read what was recorded. Spec: "Perfect Forward Secrecy".
  bool forward_secrecy = true;
  std::chrono::seconds temporary_key_lifetime{86'400};

  /// A place as in storage/open.hpp, empty for memory. Ignored when `session` is set.
  std::string session_path = {};
  std::shared_ptr<storage::session_backend> session = {};

  /// So many users and chats are known without a look into the store, which has all of them.
  std::size_t peers_in_memory = peers_in_memory_by_default;

  device_info device = {};
  timing_options timing = {};
  bool catch_up = true; ///< fetch what came while the client was away
  /// What came while it was away and is older is not handed out, but told as lost; 0: no bound. A
  /// first start has no past: it begins with what comes after the login.
  std::chrono::seconds max_update_age{0};
  inbox_bounds inbox = {}; ///< of what is not finished

  flood_options flood = {};
  pacing_options pacing = {};                   ///< default: off
  breaker_options breaker = {};                 ///< default: off
  std::shared_ptr<retry_policy> retry = {};     ///< null: `backoff_retry`
  std::shared_ptr<restart_policy> restart = {}; ///< null: `backoff_restart` with `timing`

  /// Called from scheduler threads; must not block.
  progress_function on_progress = {};
};

/// Names calls of one client so that they can be given up: `client::new_tag`, `client::cancel`. 0
/// is none.
using call_tag = std::uint64_t;

/// How one call is made.
struct invoke_options {
  /// Default: `timing_options::request_timeout`; `milliseconds::max()` is none. Time spent waiting
  /// out a flood limit is extra.
  std::optional<std::chrono::milliseconds> timeout = {};
  /// Default: `timing_options::flood_wait_threshold`. 0: the caller gets each flood wait.
  std::optional<std::chrono::milliseconds> flood_wait_threshold = {};
  /// May the call be made again where its outcome is unknown? Default: what is known of the method
  /// (reads and everything with a `random_id` may).
  std::optional<bool> may_repeat = {};
  /// Another data centre than the home one; where logged in, the login is carried there first.
  std::optional<std::int32_t> dc = {};
  connection_purpose purpose = connection_purpose::main;
  call_tag tag = 0;
  /// The server is to run it behind the calls with this tag that are under way over the same
  /// connection (`invokeAfterMsg`): an order for calls that do not wait for each other. 0: none.
  call_tag after = 0;
};

/// `options` for a call to another data centre.
inline invoke_options invoke_on_dc(std::int32_t dc, invoke_options options = {}) {
  options.dc = dc;
  return options;
}

} // namespace cafegram
