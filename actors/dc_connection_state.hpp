#pragma once

#include <cafegram/actors/alarm.hpp>
#include <cafegram/actors/backoff.hpp>
#include <cafegram/actors/dc_connection.hpp>
#include <cafegram/actors/dc_line.hpp>

#include <caf/typed_event_based_actor.hpp>

#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace cafegram {

/// What a connection actor holds. Its parts: calls (dc_connection_calls.cpp), the rest
/// (dc_connection.cpp).
struct dc_connection_state {
  explicit dc_connection_state(dc_connection_actor::pointer actor)
    : self{actor} {}
  ~dc_connection_state() { close_wire(); }

  dc_connection_actor::pointer self;
  runtime::services services;
  connection_setup setup;
  connection_owner_actor owner;

  std::optional<dc_line> line;
  std::vector<endpoint> candidates;
  std::vector<disguised_address> disguised;
  transport_actor wire;
  std::optional<connected> silent; ///< waits for the turn to make keys
  connection_phase phase = connection_phase::waiting;
  std::uint64_t attempt = 0;
  duration clock_ahead{};   ///< the server's, before this machine's
  std::size_t failures = 0; ///< in a row, since the server was last heard
  backoff flood_waits{std::chrono::seconds{1}, std::chrono::seconds{60}};
  steady_time phase_deadline = steady_time::max();
  std::uint64_t reports = 0; ///< of keys: an order that knows of fewer is out of date
  std::size_t in_flight = 0;
  std::uint64_t messages_dropped = 0;
  handshake_turn turn;                         ///< while it makes keys
  steady_time turn_until = steady_time::max(); ///< while there is no socket

  std::unordered_map<call_id, submit_call> calls;
  std::deque<call_id> waiting;
  std::vector<call_settled> settled; ///< and the pool does not know yet
  bool pump_due = false;

  alarm ticks;

  steady_time now() const { return services.clock->steady_now(); }

  // -- the socket
  void start();
  void connect();
  template <class Then>
  void take_turn(std::uint64_t which, Then then);
  void give_turn_back();
  void open_socket(std::uint64_t which);
  steady_time deadline_of_wait(std::chrono::milliseconds pause) const;
  void opened(std::uint64_t which, const connected& socket);
  void begin(const connected& socket);
  void close_wire();
  void lost(const error& why, std::optional<std::chrono::milliseconds> wait = {});
  void received(const bytes_received& read);
  void drained(std::size_t count);
  void enter(connection_phase to, std::string detail, bool failed = false);
  void progress(std::string_view step, std::string_view detail) const;
  std::string way_to(const endpoint& where) const;
  void note_clock();

  // -- calls
  void submit(const submit_call& call);
  void drop(call_id id);
  void give_calls();
  void settle(call_id id, shared_bytes result, error failure);
  void tell_settled();
  template <class Message>
  void tell(Message what) {
    tell_settled();
    self->send(owner, std::move(what));
  }
  void answered(protocol::request_answered& event);
  void failed(protocol::request_failed& event);
  void released(const std::vector<protocol::released_request>& requests);

  // -- keys
  void use(const key_order& order);
  template <class Report>
  void report_key(Report what) {
    ++reports;
    tell(std::move(what));
  }

  // -- the line's events
  void pump();
  void flush(steady_time at);
  void take(line_event event);
  void take(protocol::session_event event);
  void take_key_event(line_event& event);
  void refused(const line_refused& event);
  void dropped(const line_dropped& event);

  // -- time
  void schedule(steady_time at);
  void tick(std::uint64_t number);
};

} // namespace cafegram
