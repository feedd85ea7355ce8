#pragma once

#include <cafegram/actors/messages.hpp>
#include <cafegram/actors/peers.hpp>

#include <caf/io/typed_broker.hpp>
#include <caf/typed_actor.hpp>

// The wiring diagram. An arrow is "sends to"; a thicker one is "owns, monitors, restarts".
//
//            bot, program                     (invoke, subscribe)
//                 |  ^ update_event
//                 v  |
//            +----------+ ====> session_store ----> session_writer ====> 4 of them, detached
//            |  client  | ====> update_hub ----> subscribers
//            +----------+             ^
//                 ||                  | raw_updates, updates_suspect
//                 vv                  |
//            +----------+ ====> dc_connection ====> transport   (broker, I/O thread)
//            | dc_pool  |             |  bytes_to_send ->  <- bytes_received
//            +----------+             v
//                                 connector ====> resolver      (detached; one each per runtime)
//                                 handshake_gate                (one per runtime)
//
// Who asks for an answer gets exactly one: a result or a `caf::error` that `to_error` turns back
// into a `cafegram::error`. Every actor here is monitored by its owner; docs/supervision.md says
// what happens on each death.

namespace cafegram {

/// Looks up names, on a thread of its own: the system's resolver blocks.
using resolver_actor = caf::typed_actor<
    // Answers with at least one address, or `network`.
    caf::replies_to<resolve_request>::with<resolved>>;

/// Opens sockets, on a thread of its own, many at a time; each with its deadline.
using connector_actor = caf::typed_actor<
    // Answers with an open socket, or `network` naming each address that failed.
    caf::replies_to<connect_request>::with<connected>,
    // INTERNAL: looks after the attempts under way.
    caf::reacts_to<poll_atom>>;

/// Lets connections make keys, some at a time: many clients that start together would have each
/// other's key exchanges run out of time.
using handshake_gate_actor = caf::typed_actor<
    // Answers when it is the asker's turn.
    caf::replies_to<turn_atom>::with<handshake_turn>,
    // INTERNAL: a turn is over.
    caf::reacts_to<caf::ok_atom>>;

/// What a transport feeds.
using byte_sink_actor = caf::typed_actor<
    // What one read brought; to be followed by `bytes_consumed`.
    caf::reacts_to<bytes_received>,
    // Room in the write buffer: what was sent counts down by this.
    caf::reacts_to<bytes_drained>>;

/// Moves octets between one socket and one byte sink, on the I/O thread, and does nothing else.
/// It ends when the socket does, normally with the reason in its exit message.
using transport_actor = caf::io::connection_handler::extend<
    // Appends to the write buffer and flushes.
    caf::reacts_to<bytes_to_send>,
    // Gives back credit; without it the transport stops to read at 1 MiB.
    caf::reacts_to<bytes_consumed>,
    // Sends what was written, for two seconds at most, closes the socket and ends.
    caf::reacts_to<caf::close_atom>,
    // INTERNAL: the kernel took octets.
    caf::reacts_to<caf::io::data_transferred_msg>,
    // INTERNAL: the I/O loop knows the socket.
    caf::reacts_to<caf::ok_atom>,
    // INTERNAL: the two seconds are over.
    caf::reacts_to<caf::tick_atom>>;

/// Who owns a connection hears of it by these; the pool does.
using connection_owner_actor = caf::typed_actor<
    // A connection has the outcome of a call, or of several.
    caf::reacts_to<call_settled>, caf::reacts_to<calls_settled>,
    // A connection has changed its phase.
    caf::reacts_to<connection_report>,
    // A connection has made a permanent key.
    caf::reacts_to<dc_key>,
    // A connection has made a temporary key, and it is bound.
    caf::reacts_to<temporary_key>,
    // A connection has been told another salt.
    caf::reacts_to<key_salt>,
    // The server refuses a key, or has destroyed it.
    caf::reacts_to<key_news>,
    // From the wire, in any order.
    caf::reacts_to<raw_updates>,
    // Updates may be missing.
    caf::reacts_to<updates_suspect>>;

/// Where updates go; the hub is one.
using update_sink_actor = caf::typed_actor<
    // From the wire, in any order.
    caf::reacts_to<raw_updates>,
    // Something may be missing: asks for the difference.
    caf::reacts_to<updates_suspect>>;

/// One line to one data centre with one session on it: framing, key exchange, envelope, session.
/// Reconnects by itself; its requests outlive the socket.
using dc_connection_actor = byte_sink_actor::extend<
    // Takes a call; `call_settled` goes to the pool.
    caf::reacts_to<submit_call>,
    // Forgets a call and tells the server so.
    caf::reacts_to<drop_call>,
    // The keys to use from now on, and whether to make what is missing.
    caf::reacts_to<key_order>,
    // Ends the wait before the next attempt.
    caf::reacts_to<network_available>,
    // INTERNAL: packs what has been submitted meanwhile.
    caf::reacts_to<caf::flush_atom>,
    // INTERNAL: deadlines of session, handshake and back-off.
    caf::reacts_to<caf::tick_atom, std::uint64_t>>;

/// Keeps every request with its deadline and promise until it is settled; restarts connections
/// and fills them again.
using dc_pool_actor = connection_owner_actor::extend<
    // Answers once: the result, or one typed error.
    caf::replies_to<invoke_request>::with<invoke_answer>,
    // Gives up calls that carry a tag, and tells their connections.
    caf::reacts_to<cancel_calls>,
    // Moves home: calls without a data centre of their own go there from now on. Where logged in,
    // the login is carried there first; answers when calls may go there, or why it stays.
    caf::replies_to<caf::migrate_atom, std::int32_t>::with<home_move>,
    // Where data centres are reached from now on.
    caf::reacts_to<addresses_learned>,
    // Whether a login hangs on the keys: decides which may be given up.
    caf::reacts_to<login_noted>,
    // Tells the servers to forget all keys and begins with new ones. Answers when that is done, or
    // after five seconds.
    caf::replies_to<destroy_keys>::with<caf::ok_atom>,
    // Passed on to the connections.
    caf::reacts_to<network_available>,
    // Where updates go from now on.
    caf::reacts_to<caf::put_atom, update_sink_actor>,
    // Counts and the phase of the main connection.
    caf::replies_to<status_atom>::with<client_status>,
    // INTERNAL: fails calls past their deadline, starts connections again.
    caf::reacts_to<caf::tick_atom, std::uint64_t>>;

/// Writes states of any sessions on threads of their own: storage blocks. One per runtime, with a
/// few more of its kind behind it, that do the work.
using session_writer_actor = caf::typed_actor<
    // Answers when it is written, after a copy where one is asked for; `storage` when that failed.
    // By then the session is let go here, and where nobody else has it, closed.
    caf::replies_to<session_write>::with<void>,
    // Reads a page of the inbox, or a peer; empty where a backend has none. `storage` when that
    // fails.
    caf::replies_to<inbox_read>::with<inbox_page>, caf::replies_to<peer_read>::with<stored_peer>,
    // Reads a row of the user's own; `bad_argument` where a backend keeps no rows.
    caf::replies_to<value_read>::with<stored_value>,
    // The session as a string, as it is written.
    caf::replies_to<export_read>::with<exported_session>,
    // Ends when all is written that it was given before.
    caf::reacts_to<shutdown_atom>>;

/// Holds the newest state of a session and has it written.
using session_store_actor = caf::typed_actor<
    // The state as it is; the first one loads it. `storage` when it cannot be read.
    caf::replies_to<load_atom>::with<session_snapshot>,
    // Changes the state. The answer comes when it is written, if `at_once`; else at once.
    caf::replies_to<session_change>::with<void>,
    // A page of the inbox, as it is written.
    caf::replies_to<inbox_request>::with<inbox_page>,
    // A row of the user's own, written or not.
    caf::replies_to<value_lookup>::with<stored_value>,
    // Writes what is unwritten, and answers with the whole as a string. `storage` when one of the
    // two fails.
    caf::replies_to<session_export>::with<exported_session>,
    // Those that are new are written within a second, or with what is written before.
    caf::reacts_to<peers_came>,
    // A peer that the account has seen, written or not.
    caf::replies_to<peer_lookup>::with<peer_found>,
    // Writes what is unwritten.
    caf::replies_to<caf::flush_atom>::with<void>,
    // Puts a copy aside, writes the end. `storage` when there is no copy: nothing is written
    // before.
    caf::replies_to<session_ended>::with<void>,
    // INTERNAL: the second of grace has passed.
    caf::reacts_to<caf::tick_atom>>;

/// What the client hears of its pool.
using pool_owner_actor = caf::typed_actor<
    // The main connection has changed its phase.
    caf::reacts_to<connection_report>,
    // The key of the login is no good any more.
    caf::reacts_to<login_lost>>;

/// Puts updates in order, fetches what is missing, writes each into the inbox and hands it to the
/// subscribers, until it is finished.
using update_hub_actor = update_sink_actor::extend<
    // The result of a call of ours: what it did to the counters is no gap.
    caf::reacts_to<own_result>,
    // Adds a receiver of `update_event`; a dead one is forgotten.
    caf::reacts_to<caf::subscribe_atom, caf::actor>,
    // The receiver that finishes updates; it may take them in batches.
    caf::reacts_to<update_claim>,
    // Asks for a channel's updates again and again, or no more. Answers when it is known from where
    // on; `not_found` where nothing addresses it, or what the server says.
    caf::replies_to<channel_follow>::with<void>,
    // From that receiver.
    caf::reacts_to<update_failed>, caf::reacts_to<update_sent>, caf::reacts_to<update_waits>,
    caf::reacts_to<updates_finished>,
    // The same receiver asks what it has stored: as it is after all of which it has told the end.
    caf::replies_to<value_request>::with<stored_value>,
    // Ends, when all is done that was sent before: what is finished by then is not handled again.
    caf::reacts_to<caf::close_atom>,
    // Begins for an account: the stored state is continued, or a fresh one fetched.
    caf::reacts_to<hub_start>,
    // What is not finished.
    caf::replies_to<status_atom>::with<inbox_picture>,
    // INTERNAL: gap and silence timers.
    caf::reacts_to<caf::tick_atom, std::uint64_t>>;

/// The account: login, calls, updates. What bots and programs hold; `client` wraps it.
using client_actor = caf::typed_actor<
    // Makes a call: paces sends if it is to, waits out short flood limits, follows migrations,
    // makes again what may be repeated.
    caf::replies_to<invoke_request>::with<invoke_answer>,
    // The same for callers that are no actors.
    caf::reacts_to<callback_call>,
    // Gives up calls that carry a tag, under way or held.
    caf::reacts_to<cancel_calls>,
    // How a peer that the account has seen is addressed; for a username that it has not the server
    // is asked, by persons for a phone too. `not_found` for any other, but that bots name users and
    // channels without a hash; `deadline` when that takes too long.
    caf::replies_to<peer_request>::with<resolved_peer>,
    // From its session's store.
    caf::replies_to<session_export>::with<exported_session>,
    // Answers when the session is logged in as this bot.
    caf::replies_to<bot_login>::with<account>,
    // Adds a receiver of `update_event`.
    caf::reacts_to<caf::subscribe_atom, caf::actor>,
    // The same as of the hub, which is told again should it be started anew; `limit` where there
    // are enough, `logged_out`.
    caf::replies_to<channel_follow>::with<void>,
    // `bad_argument` where another one has claimed the updates, and lives.
    caf::replies_to<update_claim>::with<void>, caf::replies_to<status_atom>::with<client_status>,
    caf::reacts_to<network_available>,
    // Answers when all is saved and closed; the actor ends.
    caf::replies_to<stop_request>::with<caf::ok_atom>,
    // INTERNAL: the main connection's phase, from the pool.
    caf::reacts_to<connection_report>,
    // INTERNAL: from the pool.
    caf::reacts_to<login_lost>,
    // INTERNAL: waits that are over.
    caf::reacts_to<caf::tick_atom, std::uint64_t>>;

} // namespace cafegram
