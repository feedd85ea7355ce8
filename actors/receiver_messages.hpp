#pragma once

#include <caf/actor.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// Between an account's hub and who receives its updates. Part of messages.hpp, which declares them
// local-only.

namespace cafegram {

struct made_send;       // <cafegram/actors/updates.hpp>
struct received_update; // the same

/// One update, sent as a request: the answer (a handler that returns `void` gives it) says that it
/// is finished. At most 256 are unanswered per subscriber; who has claimed the updates gets all.
struct update_event {
  std::shared_ptr<const received_update> update;
  std::uint64_t number = 0;   ///< in the inbox; the same when it comes again
  bool kept = true;           ///< until it is finished; else it comes once
  std::uint32_t failures = 0; ///< so often it has failed before
  std::shared_ptr<const std::vector<made_send>> sends = {}; ///< null: none were made before
};

/// Updates in their order, to a receiver that has claimed them in batches. No request: a message
/// for each would cost more than the updates themselves. Their ends come as `updates_finished`.
struct update_events {
  std::vector<update_event> events;
};

/// Makes `receiver` the one whose answer to an `update_event` finishes the update, whatever other
/// receivers answer. An answer with `cancelled` leaves the update as it is, with any other error it
/// goes to the dead letters. What it has not answered when it dies the next one gets.
struct update_claim {
  caf::actor receiver;
  /// It gets `update_events`, and what it does not tell of has not ended. Claimed again by the
  /// same receiver, this counts for what is handed out from then on.
  bool in_batches = false;
};

/// The update has failed and will be tried again, by the same receiver.
struct update_failed {
  std::uint64_t number = 0;
  std::string why;
};

/// A send for an update that is not finished is answered: kept, so that it is not made again.
struct update_sent {
  std::uint64_t number = 0;
  std::shared_ptr<const made_send> what;
};

/// The update waits in a conversation for somebody to say something, or is worked on again.
struct update_waits {
  std::uint64_t number = 0;
  bool waits = false;
};

/// A value of a chat, as it is to be.
struct chat_value {
  std::string key;
  std::string value = {};
  bool erased = false; ///< it is not to be there
};

/// Ended in one change: those that were handled as one (an album; before the answers of those of
/// it that came as requests), or that came in batches. With values it is a request, answered when
/// they are written. Errors: `unknown_outcome` (the store has them, and nobody is left to say how
/// that went), `cancelled` (they are not stored: the account is another one).
struct updates_finished {
  std::vector<std::uint64_t> numbers;
  std::optional<std::string> given_up = {}; ///< why; then they go to the dead letters
  /// What was stored while they were handled, by one chat: written in the same change. Null:
  /// nothing. Not once more where none of `numbers` is there any more: it was told before.
  std::shared_ptr<const std::vector<chat_value>> values = {};
  std::int64_t chat = 0;    ///< by its marked id
  std::int64_t account = 0; ///< whose values they are
};

/// Asks for a value of a chat: as it is after all the ends that were told before. Error:
/// `cancelled`, the account is another one.
struct value_request {
  std::int64_t chat = 0;
  std::string key;
  std::int64_t account = 0; ///< whose value it is
};

struct stored_value {
  std::optional<std::string> value; ///< none: it is not there
};

} // namespace cafegram
