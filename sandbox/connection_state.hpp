#pragma once

#include <cafegram/actors/transport.hpp>
#include <cafegram/protocol/envelope.hpp>
#include <cafegram/protocol/fake_tls.hpp>
#include <cafegram/sandbox/connection.hpp>

namespace cafegram::sandbox {

/// One client's connection: framing, key exchange, envelope and its sessions, on scheduler
/// threads. Internal to sandbox/.
///
/// Where the router has to be asked (an unknown key, a session that may be elsewhere) the packet is
/// held, and so is all that comes behind it; the transport's credit bounds what can pile up.
struct connection_state {
  explicit connection_state(connection_actor::pointer owner)
    : self{owner} {}

  void start(connection_parts given, std::uint64_t number, std::string remote,
             caf::io::scribe_ptr socket);

  // -- octets
  void received(const bytes_received& read);
  void drained(std::size_t count);
  /// Ends in good order; asked a second time, at once.
  void close();
  void lost(const caf::actor_addr& who);

  // -- from the router
  void mail(const session_mail& letter);
  session_answer release(const session_name& name);
  void tick(std::uint64_t generation);
  /// Sends all that the sessions have, as far as the transport has room.
  void flush();
  void key_ended(std::uint64_t id);

  connection_actor::pointer self;
  transport_actor wire;

private:
  void end();
  wall_time now() const { return parts_.clock->wall_now(); }
  void feed(const std::vector<char>& data);
  void start_framing();
  void pass_gate(bytes_view data);
  void refuse(std::string_view why);
  bool admit(const protocol::detected_transport& found);
  void send_raw(bytes out);
  void pump();
  void take_frame(const protocol::frame& frame);
  void exchange(bytes_view payload);
  void keep_key(const protocol::exchange_result& made, bytes last);
  void ask_key(std::uint64_t id);
  void open_packet(const std::shared_ptr<known_key>& key);
  void ask_session(const session_name& name);
  void take_session(const session_name& name, std::shared_ptr<live_session> session);
  void take_packet(live_session& session);
  void resume();

  void handle_events(const session_name& name, live_session& session);
  void handle(const session_name& name, live_session& session, const protocol::call_arrived& event);
  void handle(const session_name& name, live_session& session,
              const protocol::destroy_session_asked& event);
  void handle(const session_name& name, live_session& session,
              const protocol::destroy_key_asked& event);
  void handle(const session_name& name, live_session& session, const protocol::call_dropped& event);
  void handle(const session_name& name, live_session& session,
              const protocol::disconnect_delay_set& event);
  void learn(live_session& session, const opened_call& call);

  void send(bytes out);
  void send_error(std::int32_t code);
  void schedule();
  void note();

  connection_parts parts_;
  page_connection about_;
  std::optional<protocol::fake_tls_server> gate_; ///< until the client has proven the secret
  bool gate_waits_ = false;                       ///< for the gatekeeper
  std::optional<protocol::server_transport> framing_;
  std::optional<protocol::server_key_exchange> exchange_;
  std::map<std::uint64_t, std::shared_ptr<known_key>> keys_;
  std::map<session_name, std::shared_ptr<live_session>> sessions_;
  std::optional<protocol::frame> held_; ///< waits for the router, in the framing's buffer
  protocol::opening opening_;           ///< of the held frame, once its key is here
  std::deque<std::shared_ptr<std::vector<char>>> backlog_;
  std::size_t credit_ = 0;                       ///< octets to be given back to the transport
  std::size_t outstanding_ = 0;                  ///< octets that the kernel has not taken
  duration idle_limit_{std::chrono::minutes{2}}; ///< 0: none
  wall_time last_heard_;
  wall_time scheduled_ = wall_time::max();
  std::uint64_t generation_ = 0;
  bool flush_asked_ = false;
  bool closing_ = false;
};

} // namespace cafegram::sandbox
