#pragma once

#include <cafegram/protocol/received_ids.hpp>
#include <cafegram/protocol/server_clock.hpp>
#include <cafegram/protocol/server_session.hpp>
#include <cafegram/protocol/service.hpp>

#include <deque>
#include <map>
#include <set>
#include <vector>

namespace cafegram::protocol {

/// A message that the client must acknowledge: an answer, a push. Kept until it does.
struct kept_message {
  bytes body;
  bool is_answer = false;
  msg_id call{};              ///< what an answer is to
  std::optional<msg_id> id{}; ///< once it was sent
  std::int32_t seqno = 0;
  bool announces = false; ///< `new_session_created`: gets the salt of when it is sent
};

/// A message of a client, alone or out of a container or gzip.
struct client_message {
  msg_id id{};
  std::int32_t seqno = 0;
  bytes_view body;
  bool contained = false;
  int depth = 0; ///< of gzip
};

struct server_session::state {
  state(auth_key k, std::uint64_t session, std::int64_t unique, std::shared_ptr<server_salts> s,
        std::shared_ptr<random_source> r, server_session_options o)
    : key{std::move(k)}
    , session_id{session}
    , unique_id{unique}
    , salts{std::move(s)}
    , random{std::move(r)}
    , options{o} {}

  // -- server_receive.cpp
  result<void> receive(const opening& packet, wall_time now);
  bool refuse_outside(const message_header& header, wall_time now);
  void announce(const client_message& message);
  void take_container(const client_message& message, wall_time now);
  void take_message(const client_message& message, wall_time now);
  void dispatch(const client_message& message, wall_time now);
  void take_gzip(const client_message& message, wall_time now);
  void take_call(const client_message& message);
  void take_repeated(const client_message& message, wall_time now);
  void take_acks(bytes_view body);
  void take_ping(const client_message& message);
  void take_salts_question(const client_message& message, wall_time now);
  void take_state_question(const client_message& message);
  void take_resend_question(const client_message& message);
  void take_drop(const client_message& message);
  void take_destroy(const client_message& message);
  std::uint8_t state_of(msg_id id);

  // -- server_session.cpp
  void answer(msg_id call, bytes_view body, bool packable);
  void keep(kept_message message);
  void forget(std::uint64_t order);
  /// Gives up what is over the bounds: first what was sent, then pushes; answers not sent stay.
  void trim();
  void reply(bytes body);
  void refuse(msg_id bad, std::int32_t seqno, std::int32_t code);
  void acknowledge(msg_id id, wall_time now);
  void attached();
  bool take_packet(bytes& out, wall_time now);
  void collect(std::vector<container_item>& items, std::vector<bytes>& owned, bool& exact,
               wall_time now);
  container_item number_item(bytes_view body, bool content, unsigned low_bits, wall_time now);

  auth_key key;
  std::uint64_t session_id;
  std::int64_t unique_id;
  std::shared_ptr<server_salts> salts;
  std::shared_ptr<random_source> random;
  server_session_options options;

  msg_id_source source;
  std::int32_t content_count = 0;
  received_ids received;
  std::optional<msg_id> first; ///< the first message of this life
  std::set<msg_id> calls;      ///< not answered yet
  std::set<msg_id> denied;     ///< the client was told that they had not come

  std::map<std::uint64_t, kept_message> kept; ///< by order
  std::map<msg_id, std::uint64_t> kept_by_id;
  std::map<msg_id, std::uint64_t> kept_by_call;
  std::set<std::uint64_t> queue; ///< of `kept`, to be sent
  std::uint64_t next_order = 0;
  std::size_t kept_octets = 0;

  std::deque<std::pair<bytes, unsigned>> replies; ///< with the low bits of their ids
  std::vector<msg_id> acks;
  std::optional<wall_time> acks_by;
  std::deque<server_event> events;
  std::size_t unpack_left = 0;
};

} // namespace cafegram::protocol
