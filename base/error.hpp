#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace cafegram {

/// What kind of thing went wrong. The numbers are stable: they travel as `caf::error` codes.
enum class errc : std::uint8_t {
  none = 0,
  rpc = 1,                ///< Telegram answered with `rpc_error`; see `error::rpc`
  deadline = 2,           ///< the request's time ran out
  cancelled = 3,          ///< the caller, or a stop of the client, gave the request up
  unknown_outcome = 4,    ///< the request may or may not have run; repeating it may run it twice
  connection_lost = 5,    ///< no connection, and no more attempts will be made
  protocol_violation = 6, ///< the other side broke MTProto
  bad_argument = 7,       ///< the caller's value cannot be used
  storage = 8,            ///< a session, inbox or key file could not be read or written
  need_more = 9,          ///< the bytes are a proper prefix of something well-formed
  malformed = 10,         ///< bytes or text that do not parse
  limit = 11,             ///< a bound was exceeded
  network = 12,           ///< a socket or name lookup failed; trying again may help
  transport_error = 13,   ///< a transport error word such as -404; see `error::number`
  not_found = 14,         ///< the thing named does not exist
  logged_out = 15,        ///< the login is gone: log in again
  circuit_open = 16,      ///< a data centre keeps failing: not tried for `number` milliseconds
  proxy = 17,             ///< a proxy refused, or broke its protocol; see `error::number`
  key_unknown = 18,       ///< no answer in time: the server does not know the key of the login
  session_in_use = 19,    ///< another process has the session; `number` is its process id
};

std::string_view to_string(errc code);

/// What an `rpc_error`'s code means. Unknown codes count as `internal`.
enum class rpc_class : std::int16_t {
  see_other = 303,        ///< another data centre
  bad_request = 400,      ///< the call is wrong
  unauthorized = 401,     ///< no login
  payment_required = 402, ///< in Stars
  forbidden = 403,        ///< the account may not
  not_found = 404,        ///< there is no such method
  not_acceptable = 406,   ///< as 400; the user is told by an update
  flood = 420,            ///< too many calls
  internal = 500,         ///< trouble at the server
  timeout = 503,          ///< the server took too long (-503)
};

struct rpc_failure;

/// The name of one of Telegram's errors; rpc_errors.hpp has all of them: `rpc::FLOOD_WAIT`.
struct rpc_name {
  std::string_view name;       ///< without its number: `FLOOD_WAIT`
  std::string_view documented; ///< `X` for a number, `*` for some text: `FLOOD_WAIT_X`

  bool matches(const rpc_failure& which) const;
};

/// Telegram's `rpc_error`, split: `FLOOD_WAIT_30` has name `FLOOD_WAIT` and value 30.
struct rpc_failure {
  std::int32_t code = 0;
  std::string name;
  std::optional<std::int64_t> value; ///< only a whole `_<digits>` token counts
  std::string text;                  ///< as it came

  /// Splits the text of an `rpc_error`. Spec: "Error handling".
  static rpc_failure parse(std::int32_t code, std::string_view text);

  rpc_class kind() const;

  friend bool operator==(const rpc_failure&, const rpc_failure&) = default;
};

/// An error as a value: what happened, where, and what can be done.
struct error {
  errc code = errc::none;
  std::string what;               ///< one sentence for a person, never with a secret in it
  std::optional<rpc_failure> rpc; ///< present when `code` is `errc::rpc`
  std::int64_t number = 0;        ///< errno, transport word or offset, as `code` says

  static error make(errc code, std::string what, std::int64_t number = 0);
  static error from_rpc(std::int32_t code, std::string_view text, std::string_view method = {});

  /// True for an `rpc_error` with this name, such as `FLOOD_WAIT`.
  bool is_rpc(std::string_view name) const { return rpc && rpc->name == name; }
  /// The same with a name that the compiler knows: `is_rpc(rpc::FLOOD_WAIT)`.
  bool is_rpc(const rpc_name& which) const { return rpc && which.matches(*rpc); }

  friend bool operator==(const error&, const error&) = default;
};

/// One line for logs and people: `rpc: 400 PEER_ID_INVALID (messages.sendMessage)`.
std::string to_string(const error& e);

template <class T>
using result = std::expected<T, error>;

inline std::unexpected<error> fail(errc code, std::string what, std::int64_t number = 0) {
  return std::unexpected(error::make(code, std::move(what), number));
}

} // namespace cafegram
