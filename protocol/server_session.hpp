#pragma once

#include <cafegram/base/environment.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/protocol/auth_key.hpp>
#include <cafegram/protocol/envelope.hpp>
#include <cafegram/protocol/message.hpp>
#include <cafegram/protocol/salts.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace cafegram::protocol {

/// How a server treats a session.
struct server_session_options {
  bool check_salt = true;
  bool check_time = true;
  bool announce = true; ///< `new_session_created` before anything else
  bool gzip = true;     ///< compress answers over 1 KiB that shrink
  std::size_t container_octets = 32U << 10;
  std::size_t max_unpacked = 64U << 20; ///< gzip, for all of one packet
  std::size_t max_unacked = 1024;       ///< answers and pushes kept for re-sending, by count
  std::size_t max_unacked_octets = 8U << 20;
  duration ack_delay = std::chrono::seconds{1}; ///< for requests that are not answered yet
};

/// A call of the API, to be answered by `answer` under its id. Never delivered twice.
struct call_arrived {
  msg_id id{};
  bytes body; ///< boxed function, unpacked; wrappers (`invokeWithLayer`, ...) still around it
};
/// `destroy_session` of some session of this key: answer with `session_destroyed`.
struct destroy_session_asked {
  msg_id id{};
  std::uint64_t session_id = 0;
};
/// `destroy_auth_key`: answer with `key_destroyed`.
struct destroy_key_asked {
  msg_id id{};
};
/// The client gave this call up; an answer to it is dropped from now on.
struct call_dropped {
  msg_id id{};
};
/// Close the connection unless something arrives within `delay` (0: never). From a ping.
struct disconnect_delay_set {
  duration delay{};
};

using server_event = std::variant<call_arrived, destroy_session_asked, destroy_key_asked,
                                  call_dropped, disconnect_delay_set>;

/// The server's half of one session (one session id under one key). Several may share a
/// connection: whoever owns them opens packets with `open(key, side::client, ...)` and hands each
/// to its session. Pure.
///
/// Use: after every call take `next_event` and `take_packet` until empty; `take_packet` again at
/// `next_deadline`.
class server_session {
public:
  /// `unique_id` names this life of the session: random, another after each restart.
  server_session(auth_key key, std::uint64_t session_id, std::int64_t unique_id,
                 std::shared_ptr<server_salts> salts, std::shared_ptr<random_source> random,
                 server_session_options options = {});
  server_session(server_session&&) noexcept;
  server_session& operator=(server_session&&) noexcept;
  ~server_session();

  /// Takes an opened packet of this session at server time `now`. Errors: `protocol_violation`
  /// (malformed beyond an answer: close the connection).
  result<void> receive(const opening& packet, wall_time now);
  /// The session goes on over a fresh connection: what is not acknowledged is sent again.
  void attached();

  /// `body`: the boxed result, or `rpc_error`. Dropped when the call is unknown or was given up.
  /// `packable` false: never compressed (file parts).
  void answer(msg_id call, bytes_view body, bool packable = true);
  void answer_error(msg_id call, std::int32_t code, std::string_view text);
  /// A message that answers nothing: `Updates`.
  void push(bytes body);
  void session_destroyed(std::uint64_t session_id, bool existed);
  void key_destroyed();

  /// When `take_packet` has something without further calls; `wall_time::max()` for never.
  wall_time next_deadline() const;

  /// Moves one packet to `out`; false when there is nothing to send.
  bool take_packet(bytes& out, wall_time now);
  std::optional<server_event> next_event();

  std::uint64_t session_id() const;
  /// Calls that wait for `answer`.
  std::size_t open_calls() const;
  /// Answers and pushes not acknowledged yet.
  std::size_t unacknowledged() const;

private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace cafegram::protocol
