#pragma once

#include <cafegram/actors/messages.hpp>
#include <cafegram/actors/options.hpp>
#include <cafegram/actors/peers.hpp>
#include <cafegram/actors/system.hpp>
#include <cafegram/base/bytes.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/crypto/secure.hpp>
#include <cafegram/storage/string_store.hpp>

#include <caf/fwd.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>

namespace cafegram {

/// One account on one session. A handle: copies share the client; when the last one goes, it is
/// stopped. Blocking members are for `main` and command lines: on a thread that runs actors they
/// are refused with `bad_argument`. Actors use `invoke(self, client.actor(), ...)` of invoke.hpp.
///
/// ```
/// runtime rt;
/// auto me = client::start(rt, {.api_id = 1, .api_hash = "...", .bot_token = "..."});
/// auto config = me->invoke_sync(tl::help::getConfig{});
/// ```
class client {
public:
  /// Opens the session and begins to connect; does not wait for the connection.
  /// Errors: `bad_argument` (options), `session_in_use` (by another process or client),
  /// `storage` (damaged, not readable).
  static result<client> start(runtime& on, client_options options);

  /// Makes a call and waits for its typed result. Defined in invoke.hpp.
  template <class Function>
  result<typename Function::result_type> invoke_sync(const Function& function,
                                                     invoke_options options = {});

  /// The same with bytes both ways: a boxed function, a boxed result.
  result<bytes> invoke_bytes(bytes function, invoke_options options = {});

  /// `done` is called once, on a scheduler thread, and must not block.
  void invoke_bytes_async(bytes function, invoke_options options,
                          std::function<void(result<bytes>)> done);

  /// How a user, group or channel that this account has ever seen is addressed. For a username that
  /// it has not seen the server is asked, for a phone too where the account is a person's. A bot
  /// may leave out hashes: of a user or channel that it has seen no more than a part of, or
  /// nothing, it gets the id with hash 0, and a call tells whether the server takes it. Errors:
  /// `not_found` for any other, `bad_argument` for what is no id, `deadline`, `storage`, and what
  /// the server says.
  result<tl::InputPeer> resolve_peer(const peer_name& name,
                                     std::chrono::milliseconds timeout = peer_patience);

  /// Login, keys, counters and some peers as one line of text, as they are now: of a session in
  /// memory too, which nothing else can read. It is a secret, whoever has it has the account:
  /// `client_options::session_path` takes it as `string:TEXT`, and `cafegram session import` too.
  /// Not while this client runs: the server ends a login that is used in two places at once.
  /// Errors: `storage`, `deadline`, and `cancelled` where the client has ended.
  result<crypto::secret> export_session(const storage::string_options& options = {});

  /// A tag that no call of this client carries yet; any number of calls may share one.
  call_tag new_tag();

  /// Gives up all calls that were made with `tag`, held or under way: each gets `cancelled`, and
  /// the server is told that its answer is not wanted. A call that has left may still run.
  void cancel(call_tag tag);

  /// Logs in as a bot unless the session already is that bot; returns the account. What passes is
  /// tried again (docs/limits-and-retries.md), after `timeout` too: `deadline` names the last
  /// trouble.
  result<account> login_bot(std::string_view token,
                            std::chrono::milliseconds timeout = std::chrono::seconds{60});

  /// The receiver gets each update as an `update_event` request; its answer says "finished".
  void subscribe(const caf::actor& receiver);

  /// The same, for the one receiver whose answer finishes an update: until then the inbox keeps it,
  /// over restarts too. `in_batches`: it takes `update_events` (a bot does); what it says last
  /// counts for what is handed out then. Errors: `bad_argument` where another one has done so, and
  /// lives.
  result<void> claim_updates(const caf::actor& receiver, bool in_batches = false);

  /// Fetches the updates of a channel that Telegram does not push: of a public one that this
  /// account has not joined. They come as all others do, to the same receivers, from now on or,
  /// where the channel is known, from where it was last. Asked for again and again, with the pauses
  /// that the server wants; at most `most_followed_channels` at once. Until `unfollow_channel`, or
  /// the end of the client or the login: what is to be followed longer is followed anew after the
  /// start.
  ///
  /// `channel`: as in `tl::channel::id`, of one that was seen before (`resolve_peer` of its
  /// username does that). One that the server does not show any more is told as lost, and stands
  /// still. Errors: `not_found`, `limit`, `logged_out`, `deadline`, and what the server says.
  result<void> follow_channel(std::int64_t channel,
                              std::chrono::milliseconds timeout = peer_patience);
  void unfollow_channel(std::int64_t channel);

  /// Do not wait out the back-off: the network is back.
  void network_available();

  client_status status();
  /// As given to `start`.
  const client_options& options() const;

  /// Drains for at most `timeout`, saves, closes. Later calls fail with `cancelled`. Idempotent.
  void stop(std::chrono::milliseconds timeout = std::chrono::seconds{5});

  /// The handle for actors: a `client_actor` (interfaces.hpp), as CAF's untyped handle.
  caf::actor untyped_actor() const;
  caf::actor_system& system() const;

private:
  struct state;
  explicit client(std::shared_ptr<state> s);
  std::shared_ptr<state> state_;
};

} // namespace cafegram
