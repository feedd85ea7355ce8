#pragma once

#include <cafegram/actors/client.hpp>
#include <cafegram/base/environment.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/bots/handle.hpp>
#include <cafegram/bots/updates.hpp>

#include <caf/fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace cafegram {

struct stream_options {
  /// False: without a bot the account's inbox keeps each update until this stream has finished it.
  /// A program that does not pull holds the account back, a bot and all other receivers too, once
  /// 2,048 updates wait for it. True: the stream looks on. It takes each update as finished at once
  /// and holds nobody up; over `capacity` its oldest go, and one `updates_lost` stands in their
  /// place.
  bool looks_on = false;
  /// Updates that wait in a stream that looks on. (256 at most in one that does not.)
  std::size_t capacity = 1'024;
};

/// The updates of an account, typed, pulled by a thread that may wait: for `main`, tools and tests.
/// Any number of streams stand beside each other and beside a bot; each gets all updates in the
/// account's order. One thread pulls from one stream. It ends before its client's runtime.
///
/// Finished is an update, as far as the stream is concerned, when the next one is asked for, or
/// `done` is called. It leaves the inbox when all receivers have finished it; where a bot runs over
/// the same client, when the bot has. What was not finished before the end comes again with the
/// next start. Sends for such an update are made by the client (`client::invoke_sync`): the verbs
/// of a bot's `context` are for its conversations.
class update_stream {
public:
  /// Best before the login: no update is missed then. Behind `bot::start`, where a bot runs over
  /// the same client: what streams finish before it is there does not come to it. Errors:
  /// `bad_argument` on a thread that runs actors, `cancelled` where the client has stopped.
  static result<update_stream> open(client& of, stream_options options = {});

  /// Finishes the update before, and waits for the next one. Errors: `deadline`, the time is over;
  /// `cancelled`, the stream is closed or its client has stopped; `bad_argument` on a thread that
  /// runs actors. The first one after a login asks the client for the account's name, for five
  /// seconds at most, whatever `timeout` says.
  result<any_update> next(duration timeout);
  /// Without a limit of time.
  result<any_update> next();
  /// The next one if it is there; it does not wait for one. Finishes the one before. None on a
  /// thread that runs actors.
  std::optional<any_update> try_next();
  /// The update pulled last is finished.
  void done();

  /// The blocking loop: pulls until the stream is closed or its client stops, and calls the first
  /// handler that takes an update of its kind (`handle`). What a handler throws comes out; its
  /// update is not finished then, but who goes on to pull says that it is.
  template <class... Fs>
  result<void> run(Fs... handlers) {
    for (;;) {
      const auto update = next();
      if (!update) {
        return update.error().code == errc::cancelled ? result<void>{}
                                                      : std::unexpected(update.error());
      }
      handle(*update, handlers...);
      done();
    }
  }

  /// No more updates; ends a `next` that waits, and `run`. From any thread, from a handler too:
  /// what that handles is finished. What waits is not. Idempotent.
  void close();
  /// In all, of one that looks on.
  std::uint64_t dropped() const;

  /// INTERNAL: over any actor that takes `subscribe_atom` as a client does.
  static update_stream over(caf::actor_system& system, const caf::actor& client, account self,
                            stream_options options);

private:
  struct state;
  explicit update_stream(std::shared_ptr<state> s);
  std::shared_ptr<state> state_;
};

} // namespace cafegram
