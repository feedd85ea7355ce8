#pragma once

#include <cafegram/actors/alarm.hpp>
#include <cafegram/actors/circuit_breaker.hpp>
#include <cafegram/actors/dc_keys.hpp>
#include <cafegram/actors/dc_pool.hpp>

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <array>
#include <compare>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

namespace cafegram {

/// The place of one connection in a pool.
struct line_slot {
  std::int32_t dc = 0;
  connection_purpose purpose = connection_purpose::main;
  std::uint32_t index = 0;

  friend auto operator<=>(const line_slot&, const line_slot&) = default;
};
std::string to_string(const line_slot& slot);

/// A call until it is settled.
struct held_call {
  caf::typed_response_promise<invoke_answer> promise;
  std::function<void(result<shared_bytes>)>
      internal; ///< of the pool itself, in the promise's place
  submit_call call;
  std::int32_t dc = 0;
  connection_purpose purpose = connection_purpose::main;
  std::optional<line_slot> at; ///< none: waits until the login is carried to its data centre
  bool may_have_left = false;  ///< its connection was ready: the server may have it
  int imports = 0;             ///< of the login, for its sake
  call_tag tag = 0;
  call_tag after = 0; ///< see `invoke_options`
};

/// A connection, and when to start it again after its death.
struct held_connection {
  dc_connection_actor actor;
  connection_phase phase = connection_phase::waiting;
  std::string trouble; ///< why it was lost last, until it is ready again
  bool media = false;
  std::size_t load = 0; ///< calls that it has
  steady_time idle_since;
  steady_time started_at;
  std::optional<steady_time> restart_at;
  std::size_t deaths = 0; ///< in a row
  key_order told;
  std::uint64_t key_reports = 0;
};

/// What a home has said to an export.
struct refused_export {
  error why;
  std::int32_t from = 0;   ///< that home
  std::uint64_t login = 0; ///< see `dc_pool_state::login_number`
};

/// How the login comes to a data centre beside home.
struct foreign_login {
  enum class step : std::uint8_t { none, exporting, doubted, importing, done } now = step::none;
  std::optional<refused_export> doubt; ///< while home moves: it may be no home any more
  bool was_done = false; ///< as far as was known, before a move had it carried once more
  int refused = 0;       ///< imports, since the carrying began
  std::vector<call_id> waiting;
  std::vector<caf::typed_response_promise<home_move>> moves; ///< of home
};

/// What a pool knows of a data centre.
struct data_centre {
  data_centre(key_policy policy, const breaker_options& breaker)
    : keys{policy}
    , circuit{breaker} {}
  dc_keys keys;
  circuit_breaker circuit;
  std::array<std::optional<line_slot>, 2> makers; ///< of keys: for plain and for media addresses
  foreign_login login;
  bool key_unknown = false;
};

/// The RSA keys of a CDN's data centres, as `help.getCdnConfig` has told them.
struct cdn_knowledge {
  std::map<std::int32_t, std::vector<crypto::rsa_public_key>> keys;
  std::vector<call_id> waiting; ///< calls that go nowhere before
  bool asked = false;           ///< and not answered
  steady_time again_at;         ///< not before
};

/// A connection that has a key destroyed.
struct farewell {
  std::int32_t dc = 0;
  dc_connection_actor actor;
};

/// What a pool actor holds. Its parts: calls (dc_pool_calls.cpp), connections (dc_pool_lines.cpp),
/// keys (dc_pool_keys.cpp), logins (dc_pool_logins.cpp), CDNs (dc_pool_cdn.cpp), the rest
/// (dc_pool.cpp).
struct dc_pool_state {
  explicit dc_pool_state(dc_pool_actor::pointer owning)
    : self{owning} {}
  ~dc_pool_state();

  dc_pool_actor::pointer self;
  runtime::services services;
  pool_setup setup;
  session_store_actor store;
  pool_owner_actor owner;
  update_sink_actor updates;

  std::map<line_slot, held_connection> connections;
  std::map<std::int32_t, data_centre> centres;
  std::unordered_map<call_id, held_call> calls;
  std::set<std::pair<steady_time, call_id>> deadlines;
  std::unordered_multimap<call_tag, call_id> tagged;
  call_id next_id = 1;
  std::uint64_t reconnects = 0;
  std::uint64_t login_number = 0; ///< what was asked for an earlier login says nothing of this one
  alarm ticks;

  cdn_knowledge cdn;
  std::vector<farewell> farewells;
  std::vector<caf::typed_response_promise<caf::ok_atom>> farewell_waiters;
  steady_time farewell_until = steady_time::max();

  steady_time now() const { return services.clock->steady_now(); }
  line_slot home_line() const { return {setup.home_dc, connection_purpose::main, 0}; }
  data_centre& centre(std::int32_t dc);

  // -- calls
  caf::typed_response_promise<invoke_answer> invoke(const invoke_request& request);
  void call_internally(std::int32_t dc, bytes function,
                       std::function<void(result<shared_bytes>)> done);
  call_id hold(held_call call, std::chrono::milliseconds timeout);
  void place(call_id id);
  void give(call_id id, const line_slot& at);
  std::vector<call_id> calls_before(call_id id) const;
  void settle(const call_settled& outcome);
  void answer(call_id id, result<shared_bytes> outcome);
  void cancel(call_tag tag);
  void drop(call_id id);
  void sweep(steady_time at);
  error late(const held_call& call);

  // -- connections
  std::optional<line_slot> pick(std::int32_t dc, connection_purpose purpose) const;
  std::size_t most_of(connection_purpose purpose) const;
  held_connection& connection_at(const line_slot& slot);
  void start(const line_slot& slot, held_connection& connection);
  void report(const connection_report& what);
  void ended(const caf::down_msg& down);
  template <class Which>
  std::vector<call_id> calls_of(const line_slot& slot, Which which) const;
  void give_up_running(const line_slot& slot);
  void give_up(const line_slot& slot);
  void restart_due(steady_time at);
  void close_idle(steady_time at);
  void close(const line_slot& slot);
  bool may_idle(const line_slot& slot, const held_connection& connection) const;
  std::map<line_slot, held_connection>::iterator find(const caf::strong_actor_ptr& actor);
  bool is_main(const caf::strong_actor_ptr& sender);
  caf::typed_response_promise<home_move> migrate(std::int32_t dc);
  void move_home(std::int32_t dc);
  void tell_home();
  void connect_home();

  // -- keys (dc_pool_keys.cpp)
  void choose_makers(std::int32_t dc);
  void tell_keys(std::int32_t dc, const caf::strong_actor_ptr& always = {});
  void key_made(const dc_key& key);
  void key_bound(const temporary_key& key);
  void salted(const key_salt& salt);
  void heard(const key_news& news);
  void store_key(std::int32_t dc, bool at_once);
  void forget_key(std::int32_t dc);
  void renew_keys(steady_time at);
  void note_unknown(std::int32_t dc, bool unknown);

  // -- logins (dc_pool_logins.cpp)
  void noted(const login_noted& what);
  void login_ended();
  bool needs_login(std::int32_t dc) const;
  void await_login(call_id id, std::int32_t dc);
  void carry_login(std::int32_t dc);
  void carry_anew(std::int32_t dc);
  void export_login(std::int32_t dc);
  void export_refused(std::int32_t dc, refused_export what);
  bool home_moves_elsewhere(std::int32_t dc) const;
  void settle_doubts(bool undecided);
  void login_not_exported(std::int32_t dc, const error& why);
  void import_login(std::int32_t dc, bytes_view exported);
  void login_imported(std::int32_t dc, const result<shared_bytes>& outcome);
  void login_arrived(std::int32_t dc);
  void login_stayed(std::int32_t dc, const error& why, bool kept_back);
  void store_authorised(std::int32_t dc, bool is) const;
  bool try_after_import(call_id id, const error& why);
  caf::typed_response_promise<caf::ok_atom> destroy_all();
  void say_farewell(std::int32_t dc, const dc_key& key);
  void farewell_over(const caf::strong_actor_ptr& to);
  void end_farewells();

  // -- CDNs (dc_pool_cdn.cpp)
  bool is_cdn(std::int32_t dc) const;
  void await_cdn_keys(call_id id);
  void ask_cdn_keys();
  void cdn_keys_came(const result<shared_bytes>& outcome);
  void doubt_cdn_keys(std::int32_t dc);
  void renew_cdn_lines(std::int32_t dc);
  std::shared_ptr<const connection_profile> cdn_profile(std::int32_t dc) const;

  client_status status() const;
  void schedule(steady_time at);
  void tick(std::uint64_t number);
};

} // namespace cafegram
