#pragma once

#include <cafegram/actors/messages.hpp>
#include <cafegram/actors/peers.hpp>
#include <cafegram/bots/messages.hpp>

#include <caf/typed_actor.hpp>

// The wiring diagram of a bot. An arrow is "sends to"; a thicker one is "owns, monitors, restarts".
//
//   client --update_events-> +------------+ ==deliver==> conversation   (one per chat, on demand)
//       <--updates_finished--| dispatcher | <--finished, suspended, sends_made-- |
//            update_failed   |            |    wake_at                           |
//            update_sent     |            |    value_request, values_stored      |
//            update_waits    |            |                                      |
//            value_request   |            |                                      |
//                            +------------+                                      |
//   client <----------------------invoke_request, peer_request-------------------+
//
// The dispatcher holds the queue of each chat and gives a conversation one update at a time, the
// next one when that is finished, or suspended in a coroutine; what fails it gives again. What the
// account's inbox keeps is answered when it is finished, or given up. `deliver`, `finished`,
// `sends_made`, `suspended` and `values_stored` can be serialized.

namespace cafegram {

/// What handlers make calls through: the part of `client_actor` that they need.
using caller_actor = caf::typed_actor<
    // Answers once: the result, or one typed error.
    caf::replies_to<invoke_request>::with<invoke_answer>,
    // How a chat is addressed that an update does not tell the hash of.
    caf::replies_to<peer_request>::with<resolved_peer>>;

/// One chat: runs the handlers of its updates, owns their coroutines and behaviors.
using conversation_actor = caf::typed_actor<
    // The next update. `finished` follows, perhaps after `suspended`.
    caf::reacts_to<deliver>,
    // The time that it asked for by `wake_at` has come.
    caf::reacts_to<wake_atom>>;

/// Spreads the updates of one account over its conversations.
using dispatcher_actor = caf::typed_actor<
    // An update from the account. One with a number is answered when it is finished, or given up;
    // one without when it is in the queue: at once, unless that is full.
    caf::replies_to<update_event>::with<void>,
    // Several with numbers, from the account's hub: it is told of their ends in batches too.
    caf::reacts_to<update_events>,
    // The same for an update that is made already.
    caf::replies_to<local_update>::with<void>,
    // Who the bot is. Updates of the account wait until then.
    caf::reacts_to<account>,
    // A conversation is done with an update.
    caf::reacts_to<finished>,
    // A conversation's coroutine waits: the next update may come.
    caf::reacts_to<suspended>,
    // A conversation's send is answered, and its update goes on.
    caf::reacts_to<sends_made>,
    // A conversation loads a value: as it is after all ends that it has told.
    caf::replies_to<value_request>::with<stored_value>,
    // A conversation has stored values that end no update.
    caf::reacts_to<values_stored>,
    // A conversation wants to be woken, or no more.
    caf::reacts_to<wake_at>,
    // Takes nothing more, lets handlers end, ends the conversations; answers and ends.
    caf::replies_to<stop_request>::with<void>,
    // Counts, for people and tests.
    caf::replies_to<status_atom>::with<dispatcher_status>,
    // INTERNAL: tells the ends of what came in batches.
    caf::reacts_to<caf::flush_atom>,
    // INTERNAL: deadlines of conversations, sleep of idle ones.
    caf::reacts_to<caf::tick_atom, std::uint64_t>>;

} // namespace cafegram
