#pragma once

#include <cafegram/base/environment.hpp>
#include <cafegram/sandbox/event_writer.hpp>
#include <cafegram/sandbox/page_feed.hpp>
#include <cafegram/sandbox/wire.hpp>
#include <cafegram/sandbox/world.hpp>

#include <caf/typed_response_promise.hpp>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace cafegram::sandbox {

/// What a router is made of.
struct router_parts {
  std::unique_ptr<world> model;
  std::shared_ptr<const layer_set> layers;
  std::shared_ptr<page_feed> feed;
  std::shared_ptr<const clock_source> clock;
  page_state about;       ///< address, data centre, layers, fingerprint, start: what never changes
  event_sink events = {}; ///< null: no log is kept
};

/// Connections that want a session while it moves to another one. Each connection waits for its
/// answer before it asks again: there are never more than connections.
class waiting_connections {
public:
  struct request {
    std::uint64_t connection = 0;
    caf::typed_response_promise<session_answer> promise;
  };

  waiting_connections() = default;
  waiting_connections(const waiting_connections&) = delete;
  waiting_connections& operator=(const waiting_connections&) = delete;
  /// Answers those who still wait: there is no session.
  ~waiting_connections();

  void add(std::uint64_t connection, caf::typed_response_promise<session_answer> promise);
  std::optional<request> take();

private:
  std::deque<request> asked_;
};

/// What comes for a session while it moves, or while its client is away. Answers are bounded by
/// the calls that wait for them; of updates so many may come that those of one channel, or all, are
/// given up, and the client is told to fetch them.
class kept_letters {
public:
  static constexpr std::size_t most_news = 256;
  static constexpr std::size_t most_of_channel = 64;

  void add(std::shared_ptr<const session_letter> letter);
  /// Gives all updates up.
  void lose();
  std::vector<std::shared_ptr<const session_letter>> take();
  bool empty() const { return letters_.empty() && !lost_ && behind_.empty(); }

private:
  void give_up(std::int64_t channel);

  std::vector<std::shared_ptr<const session_letter>> letters_;
  std::map<std::int64_t, std::size_t> of_channel_; ///< how many, by channel
  std::map<std::int64_t, json> behind_; ///< channels given up, with what their client is told
  std::size_t news_ = 0;
  bool lost_ = false;
};

/// The world, who is connected, and where each session is. One per sandbox.
struct router_state {
  explicit router_state(router_actor::pointer owner)
    : self{owner} {}

  void start(router_parts given);
  wall_time now() const { return parts.clock->wall_now(); }

  // -- connections and keys
  void joined(std::uint64_t number, const connection_actor& who);
  void left(const caf::actor_addr& who);
  void noted(const connection_note& note);
  /// `dc` 0: wherever it belongs.
  std::shared_ptr<known_key> find_key(std::uint64_t id, std::int32_t dc = 0);
  std::shared_ptr<known_key> keep_key(const key_made& made);
  bool end_key(std::uint64_t id);
  /// Key and sessions are gone from here and from the connections; with `asked`, not from the one
  /// that is being served: it has something left to say in its session, and lets go by itself.
  void drop_key(std::uint64_t id, bool asked = false);
  void learn_layer(const layer_told& told);

  // -- sessions
  caf::result<session_answer> give_session(const session_query& query);
  void park(const session_parked& parked);
  bool end_session(const session_name& name);

  // -- calls
  void call(const api_call& what);
  void refused(const call_refused& what);
  /// Sends what a step of the world brought: the settled calls, the updates, the page's events.
  void spread(const outcome& out);
  void deliver(const session_mail& mail);
  void tick();

  /// To all connections, also to those that come later.
  void tell_faults(const faults_told& told);

  /// Ends all connections, and with the last one the router.
  void stop();

  /// All that the page shows.
  page_state describe() const;

  struct slot {
    std::uint64_t connection = 0; ///< 0: parked here
    std::shared_ptr<live_session> session;
    wall_time parked_at;
    bool moving = false;       ///< from one connection to another
    kept_letters letters;      ///< that came while it moved or was away
    waiting_connections asked; ///< for it while it moved
    bool wants_updates = false;
    std::deque<std::int64_t> failed; ///< msg_ids of calls that were refused, the latest
  };
  /// Who has been told of the queries that wait.
  struct told_session {
    session_name session;
    account_id user = 0;
  };
  struct peer {
    connection_actor actor;
    page_connection about;
  };

  router_actor::pointer self;
  router_parts parts;
  std::map<std::uint64_t, std::shared_ptr<known_key>> keys;
  std::map<session_name, slot> sessions;
  std::map<std::uint64_t, session_name> main_session; ///< by permanent key: where updates go
  std::map<std::uint64_t, told_session> told_last;    ///< by permanent key
  std::map<std::uint64_t, peer> peers;
  std::deque<page_call> latest_calls;
  bool stopping = false;
  std::optional<faults_told> faults; ///< where they have changed since the start
  std::int64_t logged = 0;           ///< number of the last message in the log of the run

private:
  bool is_sender(const connection_actor& who) const;
  account_id user_of(std::string_view key_hex) const;
  void hand_over(const session_query& query, caf::typed_response_promise<session_answer> promise);
  void hand_news(slot& at, live_session& session);
  session_answer take_parked(const session_name& name);
  void moved(const session_name& name);
  std::optional<session_name> updates_go_to(std::uint64_t permanent);
  std::shared_ptr<known_key> keep_temporary_key(const key_made& made);
  void bound(std::uint64_t temporary);
  void subscribe(const api_call& what, slot& at);
  void tell_what_waits(const session_name& name);
  void record(std::uint64_t connection, std::string_view method, std::string error,
              wall_time started);
  void log_call(const session_name& name, call_event event) const;
  void log_messages();
  void push_out(const push& what);
  bool is_connected(account_id user) const;
  void publish(page_event event);
  /// Somebody has come or gone: the page hears whether that account is there now.
  void publish_presence(account_id user);
  void reply(const session_name& name, std::uint64_t call, answer value);
  void drop_stale();
};

/// Starts the router; it ends by `exit_reason::user_shutdown`.
/// `own_thread`: it writes to the store, and a disk may be slow.
router_actor spawn_router(caf::actor_system& system, router_parts parts, bool own_thread = false);

} // namespace cafegram::sandbox
