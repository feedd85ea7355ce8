#pragma once

#include <cafegram/actors/alarm.hpp>
#include <cafegram/actors/backoff.hpp>
#include <cafegram/actors/client_core.hpp>
#include <cafegram/tl/api/types.hpp>

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace cafegram {

using answer_function = std::function<void(const result<shared_bytes>&)>;
using account_promise = caf::typed_response_promise<account>;

constexpr std::chrono::milliseconds client_retry_least{500};
constexpr std::chrono::milliseconds client_retry_most{8'000};
constexpr std::chrono::milliseconds config_retry_least{30'000};
constexpr std::chrono::milliseconds config_retry_most{600'000};

/// A call between its caller and the pool.
struct running_call {
  invoke_request request;
  answer_function done;
  int migrations = 0;
  int waits = 0;
  int retries = 0;
};

/// A login with a bot's token and who waits for it.
struct running_login {
  std::string token;
  std::vector<account_promise> waiting;
};

/// The id before the colon of a bot's token; 0 where it is no token.
std::int64_t bot_id_of(std::string_view token);

/// What a client actor holds. Its parts: children and end (client_core.cpp), calls
/// (client_calls.cpp), login (client_login.cpp), data centres (client_places.cpp).
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
  std::deque<steady_time> restarts;
  std::vector<caf::actor> subscribers;

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
  backoff login_waits{client_retry_least, client_retry_most};
  std::optional<steady_time> login_at;

  bool fetching_config = false;
  backoff config_waits{config_retry_least, config_retry_most};
  std::optional<steady_time> config_at;
  std::vector<std::function<void()>> after_config;

  std::map<std::uint64_t, running_call> calls;
  std::multimap<steady_time, std::uint64_t> resend_at;
  std::uint64_t next_id = 1;
  alarm ticks;

  bool stopping = false;
  bool closing = false;
  steady_time stop_at = steady_time::max();
  std::vector<caf::typed_response_promise<caf::ok_atom>> stops;
  std::size_t children = 0;

  steady_time now() const { return services.clock->steady_now(); }

  // -- children
  void start();
  void start_store();
  void start_pool();
  void start_hub();
  void begin_updates(updates_from from);
  void child_ended(const caf::down_msg& down);
  bool may_restart();

  // -- calls
  void call(invoke_request request, answer_function done);
  caf::typed_response_promise<invoke_answer> invoke(const invoke_request& request);
  void send(std::uint64_t id);
  void succeeded(std::uint64_t id, const invoke_answer& answer);
  void failed(std::uint64_t id, const error& why);
  bool tried_again(std::uint64_t id, running_call& call, const error& why);
  void resend_later(std::uint64_t id, std::chrono::milliseconds pause);
  void finish(std::uint64_t id, const result<shared_bytes>& outcome);

  // -- data centres (client_places.cpp)
  bool followed(std::uint64_t id, running_call& call, const error& why);
  void go_to(std::uint64_t id, std::int32_t dc, bool with_home);
  void fetch_config();
  void config_came(const result<shared_bytes>& outcome);
  bool take_config(bytes_view object);
  void take_stored_addresses();

  // -- login
  account_promise log_in(const bot_login& how);
  void log_in_bot();
  void bot_logged_in(const result<shared_bytes>& outcome);
  void take_authorization(bytes_view object);
  void logged_in(const tl::user& user);
  void fetch_first_state();
  void logged_out(const error& why);
  void keep_login() const;
  void end_login(std::function<void()> then);

  // -- end, time, picture
  void stop(const stop_request& how);
  void close_when_idle();
  void ended();
  void schedule();
  void tick(std::uint64_t number);
  client_status status() const;
  void report(const connection_report& what);
};

} // namespace cafegram
