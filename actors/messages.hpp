#pragma once

#include <cafegram/actors/options.hpp>
#include <cafegram/actors/receiver_messages.hpp>
#include <cafegram/base/bytes.hpp>
#include <cafegram/base/environment.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/base/shared_bytes.hpp>
#include <cafegram/protocol/dc_options.hpp>

#include <caf/actor.hpp>
#include <caf/io/scribe.hpp>
#include <caf/type_id.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// All messages between the actors of one process. They hold pointers into it and never leave it:
// each is declared local-only below. What crosses machines is declared elsewhere, as bytes.

namespace cafegram::crypto {
class secret;
}
namespace cafegram::protocol {
class auth_key;
}
namespace cafegram::storage {
struct inbox_content;
class session_backend;
struct session_batch;
struct session_state;
struct string_options;
struct update_progress;
} // namespace cafegram::storage

namespace cafegram {

class signer; // <cafegram/actors/signing.hpp>

// -- sockets ------------------------------------------------------------------------------------

/// Look up the addresses of a name.
struct resolve_request {
  std::string host;
};

/// Addresses in the order in which to try them (RFC 6724 as the system has it).
struct resolved {
  std::vector<std::string> addresses;
};

/// An address that takes fake TLS alone.
struct disguised_address {
  endpoint where;
  protocol::mtproxy_secret secret;
};

/// Open a connection to the first candidate that answers, started 250 ms apart.
struct connect_request {
  std::vector<endpoint> candidates;
  std::chrono::milliseconds timeout{};
  ip_choice ip = ip_choice::ipv4_first;
  /// Null: none. An MTProxy takes the place of the candidates.
  std::shared_ptr<const proxy_server> proxy = {};
  duration clock_offset{}; ///< server time minus the machine's, as far as it is known
  std::vector<disguised_address> disguised = {}; ///< those of the candidates that are
  std::chrono::milliseconds patience{60'000};    ///< for its turn, before `timeout` begins
};

/// An open, non-blocking socket. Whoever drops the last pointer closes it.
struct connected {
  caf::io::scribe_ptr socket;
  endpoint peer;
};

/// All that one read brought.
struct bytes_received {
  shared_bytes data;
};

/// One write; any number of frames.
struct bytes_to_send {
  shared_bytes data;
};

/// So many octets have been decoded: the transport may read on.
struct bytes_consumed {
  std::size_t count = 0;
};

/// So many octets have left for the kernel since the last report.
struct bytes_drained {
  std::size_t count = 0;
};

// -- calls --------------------------------------------------------------------------------------

/// Names a call between pool and connection; never used twice in a process.
using call_id = std::uint64_t;

/// A call for a data centre: the encoded function, boxed, without any wrapper.
struct invoke_request {
  shared_bytes function;
  invoke_options options;
};

/// The encoded result, boxed. Errors come as `caf::error`; see `to_error` in errors.hpp.
struct invoke_answer {
  shared_bytes result;
};

/// A call on its way to a connection.
struct submit_call {
  call_id id = 0;
  shared_bytes function;
  bool may_repeat = false;
  bool without_updates = false; ///< wrapped in `invokeWithoutUpdates`
  bool gzip = true;             ///< compressed where it shrinks; parts of files never
  steady_time deadline;
  std::vector<call_id> after = {}; ///< to be run behind these, where they are under way
};

/// The caller wants no answer any more.
struct drop_call {
  call_id id = 0;
};

/// Gives up all calls with this tag, wherever they are; each is answered with `cancelled`.
struct cancel_calls {
  call_tag tag = 0;
};

/// Exactly one for each `submit_call`, unless the connection dies first.
struct call_settled {
  call_id id = 0;
  shared_bytes result; ///< null: see `failure`
  error failure;
};

/// Several, that came together.
struct calls_settled {
  std::vector<call_settled> calls;
};

// -- connections --------------------------------------------------------------------------------

/// The permanent key of one data centre, as it is kept.
struct dc_key {
  std::int32_t dc = 0;
  std::shared_ptr<const protocol::auth_key> key;
  std::int64_t salt = 0;
  std::int64_t created_at = 0; ///< server time, seconds since 1970
};

/// A key that lives for a day, bound to a permanent one. Never stored.
struct temporary_key {
  std::int32_t dc = 0;
  bool media = false; ///< made with the data centre's media addresses
  std::shared_ptr<const protocol::auth_key> key;
  std::int64_t salt = 0;
  std::int32_t expires_at = 0; ///< server time, seconds since 1970
  steady_time good_until;      ///< the same by our own clock
  duration server_offset{};    ///< server time minus the machine's
};

/// What a connection is told of keys, by its pool. Only one connection of a data centre makes keys.
struct key_order {
  std::optional<dc_key> permanent;
  std::optional<temporary_key> temporary;
  bool make = false;       ///< makes what is missing; else waits until it is told again
  bool renew = false;      ///< makes another temporary key beside `temporary`
  std::uint64_t after = 0; ///< so many of the connection's words about keys the pool has heard
};

/// The salt to begin with next time.
struct key_salt {
  std::int32_t dc = 0;
  std::uint64_t key_id = 0;
  std::int64_t salt = 0;
};

/// What a connection hears about a key from the server; the pool decides what follows.
struct key_news {
  enum class kind : std::uint8_t {
    unknown,   ///< -404: the server does not know it
    not_bound, ///< `auth.bindTempAuthKey` was refused; `key_id` is the temporary key's
    destroyed, ///< as was asked for
    /// AUTH_KEY_DUPLICATED to a call: the login was used in two places at once, and is over.
    duplicated,
  };
  std::int32_t dc = 0;
  std::uint64_t key_id = 0;
  kind what = kind::unknown;
  std::int64_t server_time = 0; ///< seconds since 1970
  std::uint64_t permanent = 0;  ///< of `not_bound`: the key that it was to be bound to
  error why;
};

enum class connection_phase : std::uint8_t {
  waiting,    ///< until the back-off has passed
  connecting, ///< socket
  exchanging, ///< authorization key
  ready,      ///< calls flow
};
std::string_view to_string(connection_phase phase);

/// What a connection tells its pool whenever it changes.
struct connection_report {
  std::int32_t dc = 0;
  connection_phase phase = connection_phase::waiting;
  std::string detail;
  bool key_unknown = false; ///< the server does not know the key of the login, which is kept
  bool failed = false;      ///< the line was lost or could not be made
};

/// All addresses that the server has told, in the place of those that it told before.
struct addresses_learned {
  std::vector<protocol::dc_address> addresses;
};

/// A login hangs on the keys from now on, or none does any more.
struct login_noted {
  bool logged_in = false;
};

/// The login has ended by our own wish: its keys are to be destroyed.
struct destroy_keys {};

/// The server has refused the key that the login hangs on: nothing brings it back.
struct login_lost {
  error why;
};

/// What became of a move of home.
struct home_move {
  bool moved = false;
  bool kept_back = false; ///< the old home does not let the login go: it will not tomorrow either
  error why = {};         ///< home stays where it is
};

/// The right to make keys. It ends with its last copy.
struct handshake_turn {
  std::shared_ptr<const void> token;
};

/// The outside says that the network is back: do not wait out the back-off.
struct network_available {};

/// Octets of an `Updates` object from the main connection.
struct raw_updates {
  shared_bytes object;
};

/// Something may have been missed: the server has opened a new session, or the line was cut.
struct updates_suspect {
  std::string reason;
};

/// The encoded result of a call that this client made, which may move the counters.
struct own_result {
  shared_bytes object;
  std::int64_t account = 0; ///< that has made it
};

// -- session ------------------------------------------------------------------------------------

/// What a session is loaded as.
struct session_snapshot {
  std::shared_ptr<const storage::session_state> state;
};

/// A change of the session, made in the newest state by its store.
struct session_change {
  std::function<void(storage::session_state&)> apply; ///< null: nothing but `progress`
  /// Written at once, or within a second. What meets a write that is under way goes together with
  /// the next one.
  bool at_once = false;
  /// How far the account has come in its updates. Of another account than the session's: dropped.
  /// Whose only owner is this message, it is emptied: it may hold many rows.
  std::shared_ptr<storage::update_progress> progress = {};
};

/// The login of the session has ended. Of one that the server ended a copy is put aside first: keys
/// and login are not lost for a word that may have been said in error. Once for each login.
struct session_ended {
  bool keep_copy = true;
  wall_time at; ///< stands in the copy's name
};

/// A state that another one may replace only when a copy, with `name` in its name, is kept.
struct session_copy {
  std::shared_ptr<const storage::session_state> state;
  std::string name;
};

/// What is to be written where a session is kept.
struct session_write {
  std::shared_ptr<storage::session_backend> to;
  std::shared_ptr<const storage::session_batch> batch = {}; ///< null: it is only let go
  std::shared_ptr<const session_copy> aside = {};           ///< put aside before; null: nothing
};

/// Asks for updates that are accepted and not finished: for those of `numbers`, or where there are
/// none for a page of those whose number is above `after`.
struct inbox_request {
  std::uint64_t after = 0;
  std::vector<std::uint64_t> numbers = {};
};

/// The same, of the store's thread.
struct inbox_read {
  std::shared_ptr<storage::session_backend> from;
  std::uint64_t after = 0;
  std::vector<std::uint64_t> numbers = {};
};

struct inbox_page {
  std::shared_ptr<const storage::inbox_content> content;
};

/// Asks for a row of the user's own, written or not.
struct value_lookup {
  std::string key;
};

/// The same, of the store's thread.
struct value_read {
  std::shared_ptr<storage::session_backend> from;
  std::string key;
};

/// Asks for the session as a string, with all that it has come to.
struct session_export {
  std::shared_ptr<const storage::string_options> how;
};

/// The same, of the store's thread.
struct export_read {
  std::shared_ptr<storage::session_backend> from;
  std::shared_ptr<const storage::string_options> how;
};

/// A secret: whoever has it has the account.
struct exported_session {
  std::shared_ptr<const crypto::secret> text;
};

// -- client -------------------------------------------------------------------------------------

/// The logged-in account.
struct account {
  std::int64_t id = 0;
  bool bot = false;
  std::string first_name;
  std::string username;
};

/// Where a hub begins.
enum class updates_from : std::uint8_t {
  now,    ///< a state that it asks for
  stored, ///< the stored state, fetching what came since
  login,  ///< the stored state, which was asked for at this login: what came before it over this
          ///< connection has been seen by nobody
};

/// What a hub needs to begin.
struct hub_start {
  account who;
  updates_from from = updates_from::now;
  std::chrono::seconds max_age{
      0}; ///< what a difference brings and is older is told as lost; 0: none
};

/// So many channels are followed at once, as Telegram asks for.
constexpr std::size_t most_followed_channels = 10;

/// See `client::follow_channel`.
struct channel_follow {
  std::int64_t channel = 0;
  bool on = true;
};

enum class login_state : std::uint8_t { unknown, logged_out, logged_in };

/// A picture of the client for people and tests.
struct client_status {
  connection_phase connection = connection_phase::waiting;
  login_state login = login_state::unknown;
  account self;
  std::int32_t home_dc = 0;
  std::size_t pending_calls = 0;
  std::size_t connections = 0; ///< of all data centres and purposes
  std::uint64_t reconnects = 0;
  /// The server says that it does not know the key of this login. The key is kept, for the fault
  /// may pass; calls end with `errc::key_unknown`. When it lasts, the login is gone: log in anew.
  bool key_unknown = false;
  std::string last_error;
  std::shared_ptr<const signer> signing;
  limits_picture limits;
  inbox_picture inbox;
};

/// Log in as a bot, unless the session already is that bot.
struct bot_login {
  std::string token;
};

/// Stop: no new calls, what runs may end within `timeout`, then everything is saved and closed.
struct stop_request {
  std::chrono::milliseconds timeout{5'000};
};

/// Calls `done` on a scheduler thread with the answer, exactly once. `done` must not block.
struct callback_call {
  invoke_request request;
  std::shared_ptr<const std::function<void(result<bytes>)>> done;
};

} // namespace cafegram

CAF_BEGIN_TYPE_ID_BLOCK(cafegram, caf::first_custom_type_id)

CAF_ADD_ATOM(cafegram, cafegram, poll_atom, "poll")
CAF_ADD_ATOM(cafegram, cafegram, status_atom, "status")
CAF_ADD_ATOM(cafegram, cafegram, load_atom, "load")
CAF_ADD_ATOM(cafegram, cafegram, turn_atom, "turn")
CAF_ADD_ATOM(cafegram, cafegram, shutdown_atom, "shutdown")

CAF_END_TYPE_ID_BLOCK(cafegram)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::resolve_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::resolved)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::connect_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::connected)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::bytes_received)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::bytes_to_send)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::bytes_consumed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::bytes_drained)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::invoke_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::invoke_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::submit_call)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::drop_call)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::cancel_calls)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::call_settled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::calls_settled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::handshake_turn)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::dc_key)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::temporary_key)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::key_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::key_salt)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::key_news)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::destroy_keys)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::login_lost)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::home_move)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::connection_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::addresses_learned)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::login_noted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::network_available)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::raw_updates)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::updates_suspect)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::own_result)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::hub_start)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::channel_follow)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::session_snapshot)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::session_change)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::session_write)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::session_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::inbox_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::inbox_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::inbox_page)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::inbox_picture)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::value_lookup)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::value_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::session_export)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::export_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::exported_session)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::account)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::client_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::bot_login)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::stop_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::update_event)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::update_events)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::update_claim)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::update_failed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::update_sent)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::update_waits)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::updates_finished)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::value_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::stored_value)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::callback_call)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::error)
