#pragma once

#include <cafegram/actors/alarm.hpp>
#include <cafegram/actors/backoff.hpp>
#include <cafegram/actors/client_core.hpp>
#include <cafegram/actors/flood_gate.hpp>
#include <cafegram/actors/pacer.hpp>
#include <cafegram/actors/peers.hpp>
#include <cafegram/actors/time_budget.hpp>
#include <cafegram/tl/api/types.hpp>

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace cafegram {

using answer_function = std::function<void(const result<shared_bytes>&)>;
using account_promise = caf::typed_response_promise<account>;

constexpr std::chrono::milliseconds login_retry_least{500};
constexpr std::chrono::milliseconds login_retry_most{8'000};
constexpr std::chrono::milliseconds config_retry_least{30'000};
constexpr std::chrono::milliseconds config_retry_most{600'000};

/// Where a call is.
enum class call_place : std::uint8_t {
  with_pool,
  at_gate,  ///< waits out a flood limit
  in_pacer, ///< waits for its turn
  resting,  ///< between two attempts, or until there is a pool again
  moving,   ///< until home has moved, or addresses have come
};

/// A call between its caller and the pool.
struct running_call {
  invoke_request request;
  answer_function done;
  time_budget time;
  call_place place = call_place::with_pool;
  int migrations = 0;
  int waits = 0;
  int attempts = 0;
  bool of_hub = false;
  bool paced = false;                           ///< has had its turn for the attempt to come
  std::optional<call_scope> scope = {};         ///< once a flood limit made it matter
  std::optional<error> doubt = {};              ///< said by a home that is being left
  steady_time hold_until = steady_time::max();  ///< of flood waits, from the first one on
  steady_time rests_until = steady_time::max(); ///< its place in `resting`
  steady_time silent_at = steady_time::max();   ///< the pool should have answered long ago
};

/// A question for a peer, until it is answered.
struct running_lookup {
  peer_name what;
  std::function<void(const result<tl::InputPeer>&)> done;
  steady_time deadline;
};

/// A login with a bot's token and who waits for it.
struct running_login {
  std::string token;
  std::vector<account_promise> waiting;
  int duplicated_keys = 0; ///< that it was refused for
};

/// The id before the colon of a bot's token; 0 where it is no token.
std::int64_t bot_id_of(std::string_view token);

/// What a client actor holds. Its parts: children and end (client_core.cpp), calls
/// (client_calls.cpp), login (client_login.cpp), data centres (client_places.cpp),
/// peers (client_peers.cpp).
struct client_state {
  explicit client_state(client_actor::pointer actor)
    : self{actor} {}
  ~client_state();

  client_actor::pointer self;
  runtime::services services;
  client_setup setup;

  session_store_actor store;
  update_hub_actor hub;
  dc_pool_actor pool;
  bool has_pool = false;
  std::deque<steady_time> deaths;    ///< of parts, within a minute
  std::vector<std::uint64_t> parked; ///< calls that wait for a pool
  /// Parts that are to be started again, and when.
  std::optional<steady_time> pool_at;
  std::optional<steady_time> hub_at;
  /// What ends the client, if it is not its own stop.
  std::optional<error> fatal;
  std::vector<caf::actor> subscribers;
  caf::actor finisher;     ///< who has claimed the updates; null: nobody
  bool in_batches = false; ///< that one takes them so
  std::set<std::int64_t> followed_channels;

  connection_phase phase = connection_phase::waiting;
  std::uint64_t reconnects = 0;
  bool key_unknown = false;
  login_state login = login_state::unknown;
  account who;
  std::int32_t home_dc = 0;
  std::string last_error;
  std::optional<running_login> logging_in;
  /// A login is told when it is known from where on its updates count.
  std::vector<account_promise> after_state;
  bool fetching_state = false;
  backoff login_waits{login_retry_least, login_retry_most};
  std::optional<steady_time> login_at;

  bool fetching_config = false;
  backoff config_waits{config_retry_least, config_retry_most};
  std::optional<steady_time> config_at;
  std::optional<steady_time> config_taken; ///< the last time that one came
  bool addresses_doubted = false;
  std::vector<std::function<void()>> after_config;
  std::map<std::int32_t, std::vector<std::uint64_t>> moves; ///< of home, and the calls that wait

  std::map<std::uint64_t, running_call> calls;
  std::unordered_multimap<call_tag, std::uint64_t> tagged;
  flood_gate gate{1};
  std::optional<pacer> pacing;
  std::set<std::pair<steady_time, std::uint64_t>> resting;
  steady_time silence_at = steady_time::max(); ///< no call's `silent_at` is before
  limits_picture limits;                       ///< its counts "so far"
  std::uint64_t next_id = 1;
  alarm ticks;

  std::map<std::uint64_t, running_lookup> lookups;
  std::set<std::pair<steady_time, std::uint64_t>> lookups_due;

  bool stopping = false;
  bool closing = false;
  steady_time stop_at = steady_time::max();
  std::vector<caf::typed_response_promise<caf::ok_atom>> stops;
  std::vector<caf::typed_response_promise<client_status>> status_asked;
  std::size_t children = 0;

  steady_time now() const { return services.clock->steady_now(); }

  // -- children
  void start();
  void start_store();
  void start_pool();
  void start_hub();
  void begin_updates(updates_from from);
  void subscribe(const caf::actor& receiver);
  caf::result<void> claimed(const update_claim& by);
  caf::result<void> follow(const channel_follow& what);
  bool forget(const caf::actor_addr& receiver);
  void child_ended(const caf::down_msg& down);
  std::size_t count_death();
  void restart_due(steady_time at);
  void restart_pool();
  void restart_hub();
  void end_for(error why);

  // -- calls
  void call(invoke_request request, answer_function done, bool of_hub = false);
  caf::typed_response_promise<invoke_answer> invoke(const invoke_request& request);
  void send(std::uint64_t id);
  void succeeded(std::uint64_t id, const invoke_answer& answer);
  void failed(std::uint64_t id, const error& why);
  bool tried_again(std::uint64_t id, running_call& call, const error& why);
  void take_in(const running_call& call, const shared_bytes& result);
  void finish(std::uint64_t id, const result<shared_bytes>& outcome);
  void cancel(call_tag tag);

  // -- what holds calls back (client_waits.cpp)
  void proceed(std::uint64_t id);
  bool held_at_gate(std::uint64_t id, running_call& call);
  bool held_for_pace(std::uint64_t id, running_call& call);
  bool waited_out(std::uint64_t id, running_call& call, const error& why);
  bool made_again(std::uint64_t id, running_call& call, const error& why);
  void note_outcome(std::uint64_t id, const running_call& call);
  /// What a flood wait of so many seconds is here: never less, and a little more.
  std::chrono::milliseconds flood_pause(std::int64_t seconds) const;
  std::chrono::milliseconds threshold_of(const running_call& call) const;
  gate_ticket ticket_of(std::uint64_t id, running_call& call) const;
  void hold(running_call& call, call_place where);
  void let_go(running_call& call, steady_time at);
  void rest(std::uint64_t id, running_call& call, steady_time until);
  void leave_place(std::uint64_t id, const running_call& call);
  void release_due(steady_time at);
  void release_from_gate(steady_time at);
  void release_from_pacer(steady_time at);
  void give_up_held();
  void expect_answer(running_call& call, std::chrono::milliseconds left);
  void give_up_silent(steady_time at);
  steady_time next_release() const;
  limits_picture limits_now() const;

  // -- data centres (client_places.cpp)
  bool followed(std::uint64_t id, running_call& call, const error& why);
  void go_to(std::uint64_t id, std::int32_t dc, bool with_home);
  void send_on(std::uint64_t id);
  bool doubted(std::uint64_t id, running_call& call, const error& why);
  void home_moved(std::int32_t dc, const home_move& outcome);
  void fetch_config();
  void config_came(const result<shared_bytes>& outcome);
  bool take_config(bytes_view object);
  void note_trouble(const connection_report& what);
  void take_stored_addresses();

  // -- peers (client_peers.cpp)
  caf::typed_response_promise<resolved_peer> resolve(const peer_request& what);
  void ask_store(std::uint64_t id, peer_name what,
                 std::function<void(const std::shared_ptr<const storage::peer_address>&)> then);
  void peer_came(std::uint64_t id, const storage::peer_address& peer);
  void ask_server(std::uint64_t id);
  void ask_for_name(std::uint64_t id, bytes question);
  void looked_up(std::uint64_t id, const result<tl::InputPeer>& outcome);
  void give_up_lookups(steady_time at);

  // -- login
  account_promise log_in(const bot_login& how);
  void log_in_bot();
  void bot_logged_in(const result<shared_bytes>& outcome);
  void log_in_later(const error& why);
  void take_authorization(bytes_view object);
  void logged_in(const tl::user& user);
  void fetch_first_state();
  void logged_out(const error& why);
  void keep_login() const;
  void end_login(std::function<void(const result<void>&)> then);

  // -- end, time, picture
  void stop(const stop_request& how);
  void close_when_idle();
  void close_store();
  void let_go_of_session();
  void not_followed(std::int64_t channel, const caf::error& why);
  void ended();
  void schedule();
  void tick(std::uint64_t number);
  client_status status() const;
  caf::typed_response_promise<client_status> whole_status();
  void ask_hub_too(const client_status& known);
  void tell_status(const client_status& of_parts);
  void report(const connection_report& what);
};

} // namespace cafegram
