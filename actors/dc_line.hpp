#pragma once

#include <cafegram/actors/dc_connection.hpp>
#include <cafegram/protocol/framing.hpp>
#include <cafegram/protocol/key_exchange.hpp>
#include <cafegram/protocol/session.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>

namespace cafegram {

/// A permanent key was made.
struct line_key_made {
  dc_key key;
};
/// A temporary key was made and bound; the session under it has taken over.
struct line_key_bound {
  temporary_key key;
};
/// The server has its word about a key, other than an answer to a key exchange.
struct line_key_news {
  key_news news;
};
/// A transport error word: -404, -429, -444. This socket is of no use any more.
struct line_refused {
  std::int32_t code = 0;
};
/// This socket is of no use any more.
struct line_broken {
  error why;
};
/// The key of these requests is gone: to be sent again, or given up.
struct line_released {
  std::vector<protocol::released_request> requests;
};
/// Messages of the server were dropped, and nothing else happened.
struct line_dropped {
  std::uint64_t count = 0;
  std::string_view why; ///< of the last one
};

using line_event = std::variant<line_key_made, line_key_bound, line_key_news, line_refused,
                                line_broken, line_released, line_dropped, protocol::session_event>;

/// Framing, key exchange and session of one connection: octets and times in, octets and events
/// out. Outlives its sockets, of which it has one at a time. No actor, no clock of its own.
///
/// Under perfect forward secrecy it makes the permanent key where there is none, then the temporary
/// one over the same socket, and has it bound before anything else. A temporary key is renewed over
/// the socket in use: the new session takes over when it is bound, and the old one ends when its
/// last request is answered, so that no request is lost or sent under both.
class dc_line {
public:
  dc_line(connection_setup setup, std::shared_ptr<random_source> random,
          std::shared_ptr<crypto::prime_cache> primes);

  /// A fresh socket to `peer` is open. Begins with the key exchange where there is no key.
  void opened(const endpoint& peer, steady_time now, wall_time wall);
  /// The socket is gone; requests stay.
  void closed();
  /// Takes the pool's word about keys.
  void use(key_order order, steady_time now, wall_time wall);

  void receive(bytes_view data, steady_time now, wall_time wall);
  void poll(steady_time now);
  steady_time next_deadline() const;
  /// The socket took some of what had waited for it.
  void drained();

  /// Octets for the socket, until about `limit` or nothing is left.
  bytes take_output(std::size_t limit, steady_time now);
  std::optional<line_event> next_event();

  /// True while a session with its key stands ready.
  bool ready() const { return session_.has_value(); }
  bool is_open() const { return framing_.has_value(); }
  /// There is something that a socket is good for: a session, or a key to make.
  bool has_work() const { return session_ || next_ || key_in_use() || order_.make; }
  /// A socket would be used for a key exchange first.
  bool makes_keys() const { return !session_ && !next_ && !key_in_use() && order_.make; }
  /// A valid message of a session came over this socket.
  bool proven() const { return proven_; }
  /// The session that new requests go to.
  protocol::client_session& session() { return *session_; }
  /// Gives a request up, whichever session has it.
  void cancel(protocol::request_id id);

private:
  using session_slot = std::optional<protocol::client_session>;
  struct frame_batch;

  std::shared_ptr<const protocol::auth_key> key_in_use() const;
  void proceed(steady_time now, wall_time wall);
  void begin_exchange(steady_time now, wall_time wall);
  void begin_session(steady_time now, wall_time wall);
  protocol::client_session make_session(const protocol::auth_key& key, std::int64_t salt,
                                        protocol::server_clock clock) const;
  void take_frame(mutable_bytes_view payload, frame_batch& batch);
  void receive(frame_batch& batch);
  void advance_exchange(bytes_view payload, steady_time now, wall_time wall);
  void made_permanent(const protocol::exchange_result& made, steady_time now, wall_time wall);
  void made_temporary(const protocol::exchange_result& made, steady_time now, wall_time wall);
  void take_word(std::int32_t code);
  void take_next_event(protocol::session_event event);
  void refused_binding(const protocol::client_session& by, error why);
  void hand_back(session_slot& from);
  void retire();
  void send(bytes_view payload, bool quick_ack);
  void break_off(error why);

  connection_setup setup_;
  key_order order_;
  std::shared_ptr<random_source> random_;
  std::shared_ptr<crypto::prime_cache> primes_;
  std::optional<protocol::client_transport> framing_;
  std::optional<protocol::client_key_exchange> exchange_;
  bool exchange_is_temporary_ = false;
  steady_time exchange_until_ = steady_time::max(); ///< of making keys on this socket
  steady_time exchange_began_;

  session_slot session_;
  session_slot next_;    ///< under a temporary key that is not bound yet
  session_slot retired_; ///< waits for its last answers
  std::optional<temporary_key> next_key_;
  steady_time session_until_ = steady_time::max(); ///< the end of its temporary key
  steady_time retired_until_ = steady_time::max();

  std::deque<line_event> events_;
  std::vector<protocol::outgoing_packet> packets_;
  bytes output_;
  steady_time now_;     ///< of the last call, for what an event brings about
  bool padded_ = false; ///< this socket's transport
  bool proven_ = false;
  bool broken_ = false;
};

} // namespace cafegram
