#pragma once

#include <cafegram/actors/dc_connection.hpp>
#include <cafegram/protocol/framing.hpp>
#include <cafegram/protocol/key_exchange.hpp>
#include <cafegram/protocol/session.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <variant>

namespace cafegram {

/// The key exchange has ended well.
struct line_key_made {
  dc_key key;
};
/// A transport error word: -404, -429, -444.
struct line_refused {
  std::int32_t code = 0;
  bool exchanging = false; ///< it answered the key exchange
};
/// This socket is of no use any more.
struct line_broken {
  error why;
};

using line_event = std::variant<line_key_made, line_refused, line_broken, protocol::session_event>;

/// Framing, key exchange and session of one connection: octets and times in, octets and events
/// out. Outlives its sockets, of which it has one at a time. No actor, no clock of its own.
class dc_line {
public:
  dc_line(connection_setup setup, std::shared_ptr<random_source> random,
          std::shared_ptr<crypto::prime_cache> primes);

  /// A fresh socket is open. Begins with the key exchange where there is no key.
  void opened(steady_time now, wall_time wall);
  /// The socket is gone; requests stay.
  void closed();

  void receive(bytes_view data, steady_time now, wall_time wall);
  void poll(steady_time now);
  steady_time next_deadline() const;

  /// Octets for the socket, until about `limit` or nothing is left.
  bytes take_output(std::size_t limit, steady_time now);
  std::optional<line_event> next_event();

  /// True while a session with its key stands ready.
  bool ready() const { return session_.has_value(); }
  bool is_open() const { return framing_.has_value(); }
  protocol::client_session& session() { return *session_; }
  const protocol::client_session& session() const { return *session_; }

  /// Forgets the key and with it the session; what was under way is handed back.
  std::vector<protocol::released_request> drop_key();

private:
  void begin_exchange(wall_time wall);
  void begin_session(const dc_key& key, protocol::server_clock clock, protocol::salt_list salts);
  void take_frame(mutable_bytes_view payload, steady_time now, wall_time wall);
  void advance_exchange(bytes_view payload, steady_time now, wall_time wall);
  void send(bytes_view payload, bool quick_ack);
  void break_off(error why);

  connection_setup setup_;
  std::shared_ptr<random_source> random_;
  std::shared_ptr<crypto::prime_cache> primes_;
  std::optional<protocol::client_transport> framing_;
  std::optional<protocol::client_key_exchange> exchange_;
  std::optional<protocol::client_session> session_;
  std::deque<line_event> events_;
  std::vector<protocol::outgoing_packet> packets_;
  bytes output_;
  bool broken_ = false;
};

} // namespace cafegram
