#pragma once

#include <cafegram/actors/transport.hpp>
#include <cafegram/protocol/envelope.hpp>
#include <cafegram/protocol/fake_tls.hpp>
#include <cafegram/sandbox/connection.hpp>
#include <cafegram/sandbox/faulty_line.hpp>

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
  void take_letter(const session_mail& letter);
  session_answer release(const session_name& name);
  void tick(std::uint64_t generation);
  /// Sends all that the sessions have, as far as the transport has room.
  void flush();
  void key_ended(std::uint64_t id);

  // -- faults
  /// Null: nothing goes wrong from now on.
  void use_faults(std::shared_ptr<const fault_plan> plan);

  connection_actor::pointer self;
  transport_actor wire;

private:
  void end();
  wall_time now() const { return parts_.clock->wall_now(); }
  /// The time as the sessions are told it; `wrong_time` moves it.
  wall_time told_now() const;
  bool waits() const;
  bool is_choked() const;
  void read_backlog();
  void feed(bytes_view data);
  void start_framing();
  void start_exchange();
  void pass_gate(bytes_view data);
  void refuse(std::string_view why);
  bool admit(const protocol::detected_transport& found);
  void pump();
  void take_frame(const protocol::frame& frame);
  void exchange(bytes_view payload);
  void keep_key(const protocol::exchange_result& made, bytes last);
  void ask_key(std::uint64_t id);
  void open_packet(const std::shared_ptr<known_key>& key);
  void ask_session(const session_name& name);
  void take_session(const session_name& name, std::shared_ptr<live_session> session);
  std::shared_ptr<live_session> make_session(const std::shared_ptr<known_key>& key,
                                             std::uint64_t id) const;
  void take_packet(const session_name& name);
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

  void no_stranger();

  // -- connection_write.cpp
  bool has_room(const bytes& out) const;
  void frame_out(bytes_view payload, bytes& out);
  void send(bytes_view payload);
  void send_error(std::int32_t code);
  void write(bytes out);
  void write_at_once(bytes out);

  // -- connection_faults.cpp; each does nothing where no faults are wanted
  void count(const fault& what, const fault_place& where);
  bool takes_nothing() const;
  bool reads_nothing() const;
  bool sends_something() const;
  void put_frame(const protocol::frame& frame);
  bool take_queued();
  bool act_on(const queued_frame& frame);
  void spoil_session(const session_name& name);
  void put_frame_out(bytes_view payload, bytes& out);
  void take_queued_out(bytes& out);
  void emit(const queued_frame& frame, bytes& out);
  bool break_off();
  bool writes_slowly(bytes& out);
  bool call_fails(const session_name& name, live_session& session, protocol::msg_id id,
                  const api_call& call);
  bool holds_back(const session_mail& letter);
  bool spoils_news(const session_mail& letter);
  void hold(const session_mail& letter, std::chrono::milliseconds time, bool until_next = false);
  void release_swapped();
  bool loses_sessions();
  void give_back_letters();
  wall_time next_fault() const;
  void poll_faults();
  void trickle();

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
  std::deque<shared_bytes> backlog_;
  std::size_t backlog_read_ = 0;                 ///< octets of its first one
  std::size_t credit_ = 0;                       ///< octets to be given back to the transport
  std::size_t outstanding_ = 0;                  ///< octets that the kernel has not taken
  duration idle_limit_{std::chrono::minutes{2}}; ///< 0: none
  wall_time last_heard_;
  wall_time stranger_until_ = wall_time::max(); ///< max: it has shown a key
  wall_time scheduled_ = wall_time::max();
  std::uint64_t generation_ = 0;
  bool flush_asked_ = false;
  bool closing_ = false;
  /// The number of the connection stands above it. A session that is forgotten may have a successor
  /// of the same name, here or elsewhere, while answers to its calls are on their way.
  std::uint64_t last_call_ = 0;
  std::unique_ptr<faulty_line> faults_; ///< null: nothing has ever gone wrong here
};

} // namespace cafegram::sandbox
