#pragma once

#include <cafegram/base/environment.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/base/shared_bytes.hpp>
#include <cafegram/protocol/auth_key.hpp>
#include <cafegram/protocol/message.hpp>
#include <cafegram/protocol/salts.hpp>
#include <cafegram/protocol/server_clock.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

namespace cafegram::protocol {

/// The longest request: what a container can hold, less what accompanies it.
constexpr std::size_t max_request_octets = 1'000'000;

/// So many others one request can wait for.
constexpr std::size_t max_requests_before = 64;

/// What holds for one request.
struct request_options {
  /// Running it twice does no harm: it reads, or carries a `random_id`.
  bool may_repeat = false;
  /// Compressed when longer than 1 KiB and shorter then. Not for file parts.
  bool gzip = true;
  bool quick_ack = false;
  /// When the caller is told `deadline`; none waits for ever.
  std::optional<steady_time> deadline{};
  /// Run after these requests, where they are still under way (`invokeAfterMsg`,
  /// `invokeAfterMsgs`).
  std::vector<request_id> after{};
};

/// The timers and bounds of a session.
struct session_options {
  duration ping_interval = std::chrono::seconds{60};
  duration disconnect_delay = std::chrono::seconds{75}; ///< told to the server with each ping
  duration dead_after = std::chrono::seconds{15};       ///< of silence after a ping
  duration ack_delay = std::chrono::seconds{5};
  std::size_t ack_count = 16;               ///< waiting acknowledgements that are sent at once
  std::size_t max_requests = 4096;          ///< under way and waiting together
  std::size_t container_octets = 32U << 10; ///< about what a packet is filled to
  std::size_t max_unpacked = 64U << 20;     ///< gzip, for all of one packet
  int max_resends = 5;                      ///< of one request because of notifications
};

/// A request was answered. `body` is the boxed result, unpacked.
struct request_answered {
  request_id id{};
  shared_bytes body;
};
/// A request ended without a result. Errors: `rpc`, `deadline`, `cancelled`, `unknown_outcome`,
/// `protocol_violation` (refused again and again).
struct request_failed {
  request_id id{};
  error why;
};
/// The server has the packet that carried this request.
struct request_received {
  request_id id{};
};
/// A message that answers nothing: `Updates`, as a rule. `body` is boxed, unpacked.
struct update_arrived {
  shared_bytes body;
  msg_id id{};
};
/// The server made a new session: updates may be missing. Once per `unique_id`.
struct server_session_created {
  msg_id first{};
  std::int64_t unique_id = 0;
};
/// We changed our session id (`bad_msg_notification`); the server will announce its own.
struct session_replaced {
  std::uint64_t session_id = 0;
};
/// Worth storing: the salt to begin with next time.
struct salt_changed {
  std::uint64_t salt = 0;
};
/// The server told its time: by how much `clock()` moved. Worth storing.
struct clock_corrected {
  duration by{};
};
/// The answer to `destroy_key`.
struct key_destroyed {
  enum class outcome : std::uint8_t { ok, none, fail } what = outcome::ok;
};
/// The temporary key is bound: requests flow; see `bind_to`.
struct key_bound {};
/// It was not, and nothing flows: the owner decides about the keys. Errors: `rpc`
/// (`ENCRYPTED_MESSAGE_INVALID`: the permanent key is not known), `protocol_violation`.
struct key_not_bound {
  error why;
};
/// Close this connection and open another; no request is lost. Nothing else is taken from it.
struct must_reconnect {
  error why;
};

using session_event =
    std::variant<request_answered, request_failed, request_received, update_arrived,
                 server_session_created, session_replaced, salt_changed, clock_corrected,
                 key_destroyed, key_bound, key_not_bound, must_reconnect>;

/// One packet to send, and whether to ask the transport for a quick acknowledgement.
struct outgoing_packet {
  bytes octets;
  bool quick_ack = false;
};

/// A request that `release` gave back. `body` may have become `gzip_packed`.
struct released_request {
  request_id id{};
  shared_bytes body;
  request_options options;
  bool may_have_run = false;
};

/// What happened, as numbers.
struct session_counters {
  std::uint64_t packets_in = 0;
  std::uint64_t messages_in = 0;
  std::uint64_t ignored = 0;    ///< malformed, unknown or of no use, dropped singly
  std::uint64_t duplicates = 0; ///< seen before: acknowledged again, not processed
  std::uint64_t unknown_results = 0;
  std::uint64_t resends = 0;
  std::string_view last_dropped; ///< why the last of these was: a fixed text, for logs

  /// Messages that were not processed, while the connection stays.
  std::uint64_t dropped() const { return ignored + duplicates + unknown_results; }
};

/// The client's half of an MTProto session under one authorization key, over any number of
/// connections that follow each other. Pure: octets and times in, packets and events out.
/// Every submitted request ends in exactly one `request_answered` or `request_failed`, or is
/// handed back by `release`. Spec: protocol sections "Encrypted Message", "Service Messages".
///
/// Use: `connected`, then after every call take `next_event` and `take_packets` until empty, and
/// call `poll` at `next_deadline`.
class client_session {
public:
  client_session(auth_key key, salt_list salts, server_clock clock,
                 std::shared_ptr<random_source> random, session_options options = {});
  client_session(client_session&&) noexcept;
  client_session& operator=(client_session&&) noexcept;
  ~client_session();

  /// Takes a request: `body` is the boxed function, a multiple of 4 octets.
  /// Errors: `limit` when too many are under way or the body is over `max_request_octets`;
  /// `bad_argument` for an id in use, a body that is not whole words, or too many others that it
  /// is to wait for.
  result<void> submit(request_id id, shared_bytes body, const request_options& options);
  /// Gives a request up: its `request_failed` says `cancelled`; the server is told to drop the
  /// answer. Nothing happens for an unknown id.
  void cancel(request_id id);
  /// What goes in front of each request of a connection until the server has answered one of them:
  /// the octets of `invokeWithLayer(initConnection(` up to the query. Again when the server says
  /// CONNECTION_NOT_INITED or CONNECTION_LAYER_INVALID.
  void introduce_with(bytes prefix);
  /// The session's key is a temporary one, until `expires_at` (server time, Unix seconds). Unless
  /// it `is_bound` to the permanent key by an earlier session, that comes first: until `key_bound`
  /// no request is sent. Bound again when the server says AUTH_KEY_PERM_EMPTY.
  /// Spec: "Perfect Forward Secrecy".
  void bind_to(auth_key permanent, std::int32_t expires_at, bool is_bound = false);
  /// Asks the server to forget the authorization key; see `key_destroyed`.
  void destroy_key();

  /// A fresh connection is ready for packets. What the last one left open is asked after. `padded`:
  /// it is of the padded transport, whose packets may carry up to 15 octets behind them.
  void connected(steady_time now, bool padded = false);
  /// The connection is gone. Requests stay.
  void disconnected();
  /// The socket brought something, be it half a frame: the other side lives.
  void heard();
  /// The socket took some of what had waited for it: a ping that waits behind is late, not lost.
  void drained();

  /// Takes packets that arrived together, decrypting them in place. Errors in them become events.
  void receive(std::span<const mutable_bytes_view> packets, steady_time now);
  void receive(mutable_bytes_view packet, steady_time now) { receive({&packet, 1}, now); }
  void quick_acked(std::uint32_t token);

  /// Runs the timers.
  void poll(steady_time now);
  /// When `poll` has something to do at the latest; `steady_time::max()` for never.
  steady_time next_deadline() const;

  /// Moves up to `max` packets to `out`, encrypted together; true while there is more.
  bool take_packets(std::vector<outgoing_packet>& out, steady_time now, std::size_t max = 8);
  std::optional<session_event> next_event();

  /// Gives back everything not settled, for use under another key or session.
  std::vector<released_request> release();

  std::uint64_t session_id() const;
  const auth_key& key() const;
  const server_clock& clock() const;
  const salt_list& salts() const;
  std::size_t under_way() const;
  const session_counters& counters() const;

private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace cafegram::protocol
