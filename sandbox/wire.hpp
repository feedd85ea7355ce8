#pragma once

#include <cafegram/actors/interfaces.hpp>
#include <cafegram/protocol/fake_tls.hpp>
#include <cafegram/sandbox/faults.hpp>
#include <cafegram/sandbox/live_session.hpp>
#include <cafegram/sandbox/page_model.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

// The sandbox's actors and their messages. All messages stay in this process.
//
//   listener ---- a socket ----> connection ====> transport   (broker, I/O thread)
//   (broker)                        |  ^
//            key_query, api_call    v  | session_mail
//                                 router                       (owns the world and all sessions
//                                   ^                            that no connection holds)
//                                   | router_task
//                                 page, server                 (other threads)
namespace cafegram::sandbox {

struct router_state;

/// Is there a key with this id in this data centre? Answered by `key_answer`.
struct key_query {
  std::uint64_t id = 0;
  std::int32_t dc = 0;
};
/// A key exchange has come to its end: keep it. Answered by `key_answer`, empty if it cannot be.
struct key_made {
  protocol::auth_key key;
  std::uint64_t salt = 0;
  std::int32_t dc = 0;
  std::optional<std::int32_t> expires_in; ///< of a temporary key, in seconds
};
struct key_answer {
  std::shared_ptr<known_key> key; ///< null: unknown
};

/// Names one session of one key.
struct session_name {
  std::uint64_t key = 0;
  std::uint64_t session = 0;
  friend auto operator<=>(const session_name&, const session_name&) = default;
};

/// The connection `number` wants to hold a session; whoever holds it has to give it up.
struct session_query {
  session_name name;
  std::uint64_t connection = 0;
};
/// The session with all that waits in it; null where it is new.
struct session_answer {
  std::shared_ptr<live_session> session;
};
/// Give up the session (answered by `session_answer`).
struct session_release {
  session_name name;
};
/// The connection ends; the session stays for the client to come back to.
struct session_parked {
  session_name name;
  std::shared_ptr<live_session> session; ///< null: forgotten; the next one begins in its place
};
/// A client ends a session of its key. Answered by whether there was one.
struct session_end {
  session_name name;
};
/// A client ends its key (a permanent one: with its temporary ones), or its time has come. Answered
/// by whether that was done.
struct key_end {
  std::uint64_t key = 0;
};

/// A hello of fake TLS, proven. Answered by the listener: true where it has not come before.
struct hello_seen {
  protocol::hello_random random{};
};

/// The connection is no stranger's any more: it has shown a key, or ended. For the listener.
struct stranger_gone {
  std::uint64_t connection = 0;
};

/// What goes wrong from now on; null: nothing.
struct faults_told {
  std::shared_ptr<const fault_plan> plan;
};

/// What the log of a run says of a call's request.
struct call_print {
  std::uint64_t digest = 0; ///< 0 where no log is kept
  std::int64_t random_id = 0;
};

/// A call for the world; its answer comes as `session_mail`.
struct api_call {
  session_name name;
  std::uint64_t connection = 0;
  std::uint64_t call = 0;
  std::int64_t msg_id = 0;
  std::int32_t dc = 0;
  std::vector<std::int64_t> after; ///< `invokeAfterMsg(s)`
  std::shared_ptr<const json> request;
  std::string method;
  bool without_updates = false;
  call_print print = {};
};
/// A call that was refused before the world saw it.
struct call_refused {
  session_name name;
  std::uint64_t connection = 0;
  std::int64_t msg_id = 0;
  std::string error;
  std::string method = "?";
  call_print print = {};
};
/// A key speaks another layer from now on.
struct layer_told {
  std::uint64_t key = 0;
  std::int32_t layer = 0;
};

/// For a session, wherever it is; comes back to the router from a connection that has it no more.
struct session_mail {
  session_name name;
  std::shared_ptr<const session_letter> letter;
};

/// What people may see of a connection. `open` false: the last word.
struct connection_note {
  page_connection about;
  bool open = true;
};

/// Something to do with the world, in the router's own time; made by the page and the server.
struct router_task {
  std::shared_ptr<std::function<void(router_state&)>> run;
};

using connection_actor = byte_sink_actor::extend<
    // An answer or updates for a session that it holds.
    caf::reacts_to<session_mail>,
    // Gives a session up.
    caf::replies_to<session_release>::with<session_answer>,
    // Its key is gone.
    caf::reacts_to<key_end>,
    // What goes wrong on it from now on.
    caf::reacts_to<faults_told>,
    // Ends, leaving its sessions with the router.
    caf::reacts_to<caf::close_atom>,
    // INTERNAL: packs what its mail has brought.
    caf::reacts_to<caf::flush_atom>,
    // INTERNAL: acknowledgements and idle time.
    caf::reacts_to<caf::tick_atom, std::uint64_t>>;

using router_actor = caf::typed_actor<
    // A connection has come; it is monitored from now on.
    caf::reacts_to<caf::put_atom, std::uint64_t, connection_actor>,
    caf::replies_to<key_query>::with<key_answer>, caf::replies_to<key_made>::with<key_answer>,
    // Moves the session from where it is.
    caf::replies_to<session_query>::with<session_answer>, caf::reacts_to<session_parked>,
    caf::replies_to<session_end>::with<bool>, caf::replies_to<key_end>::with<bool>,
    // Runs a function of the API.
    caf::reacts_to<api_call>, caf::reacts_to<call_refused>, caf::reacts_to<layer_told>,
    // Undeliverable: looked for again.
    caf::reacts_to<session_mail>, caf::reacts_to<connection_note>, caf::reacts_to<router_task>,
    // INTERNAL: calls that wait, sessions that nobody came back for.
    caf::reacts_to<caf::tick_atom>>;

} // namespace cafegram::sandbox

// Local-only: they hold pointers into this process.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::sandbox::key_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::sandbox::key_made)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::sandbox::key_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::sandbox::session_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::sandbox::session_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::sandbox::session_release)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::sandbox::session_parked)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::sandbox::session_end)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::sandbox::key_end)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::sandbox::hello_seen)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::sandbox::faults_told)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::sandbox::stranger_gone)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::sandbox::api_call)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::sandbox::call_refused)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::sandbox::layer_told)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::sandbox::session_mail)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::sandbox::connection_note)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::sandbox::router_task)
