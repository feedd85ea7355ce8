#pragma once

#include <cafegram/protocol/envelope.hpp>
#include <cafegram/protocol/received_ids.hpp>
#include <cafegram/protocol/request_table.hpp>
#include <cafegram/protocol/service.hpp>
#include <cafegram/protocol/session.hpp>

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace cafegram::protocol {

/// A service message that the client sent, kept to know answers and refusals.
struct sent_service {
  enum class kind : std::uint8_t {
    acks,
    ping,
    salts,
    question,
    resend,
    drop,
    destroy,
    bind,
    reply
  };
  kind what = kind::acks;
  std::vector<msg_id> which; ///< the ids that it is about
};

/// What is to be sent beside requests.
struct due_services {
  std::vector<msg_id> acks;
  std::optional<steady_time> acks_by; ///< the oldest of them goes out then
  bool ping = false;
  bool destroy = false;
  bool bind = false;             ///< `auth.bindTempAuthKey`: before anything else
  std::vector<msg_id> questions; ///< `msgs_state_req`
  std::vector<msg_id> resends;   ///< `msg_resend_req`: answers that did not come
  std::vector<msg_id> answers;   ///< `msg_resend_ans_req`: requests whose answers did not come
  std::vector<msg_id> drops;     ///< `rpc_drop_answer`
  std::set<request_id> exact;    ///< the server wants these messages again, as they were
  std::deque<bytes> replies;     ///< `msgs_state_info`
};

/// A message as it came: alone, or out of a container or gzip.
struct incoming {
  msg_id id{};
  std::int32_t seqno = 0;
  bytes_view body;
  msg_id outer{}; ///< of the packet
  bool contained = false;
  int depth = 0; ///< of gzip
};

/// What the session's key, a temporary one, hangs on.
struct binding_terms {
  auth_key permanent;
  std::int32_t expires_at = 0;
  bool bound = false;
};

/// A packet being put together. Bodies lie in `owned` or in the requests.
struct draft {
  std::vector<bytes> owned;
  std::vector<container_item> items;
  std::vector<request_id> quick_ack;
  std::vector<request*> requests; ///< their `outer` is set when it is known
  std::size_t octets = 0;
  bool contain = false; ///< in a container even if alone
};

/// Events until they are taken. Of the room that many needed it keeps none.
class event_queue {
public:
  template <class Event>
  void emplace_back(Event what) {
    events_.emplace_back(std::move(what));
  }

  std::optional<session_event> take() {
    if (taken_ == events_.size()) {
      return std::nullopt;
    }
    std::optional out{std::move(events_[taken_++])};
    if (taken_ == events_.size()) {
      taken_ = 0;
      events_.clear();
      if (events_.capacity() > kept) {
        events_ = {};
      }
    }
    return out;
  }

private:
  static constexpr std::size_t kept = 4;
  std::vector<session_event> events_;
  std::size_t taken_ = 0;
};

struct client_session::state {
  state(auth_key k, salt_list s, server_clock c, std::shared_ptr<random_source> r,
        session_options o);

  // -- client_session.cpp: requests, connection, timers
  result<void> submit(request_id id, shared_bytes body, const request_options& o);
  void cancel(request_id id, error why);
  void settle(request_id id, session_event with);
  void fail_request(request_id id, error why);
  /// Counts a refusal; false when it was one too many and the request has failed.
  bool one_more_refusal(request& which, std::string_view why);
  /// Sends a refused request again, unless that has been done too often.
  void send_again(request& which, std::string_view why);
  void break_off(errc code, std::string why);
  void connect(steady_time now, bool over_padded);
  void disconnect();
  void poll(steady_time now);
  steady_time next_deadline() const;
  void replace_session(steady_time now, const std::vector<msg_id>& refused);
  std::vector<released_request> release();

  // -- client_receive.cpp: from packets to single messages, results
  void receive(std::span<const mutable_bytes_view> packets, steady_time now);
  void take_packet(const opening& packet, steady_time now);
  void take_corrections(const incoming& message, steady_time now);
  void take_container(const incoming& container, steady_time now);
  void take_contained(const incoming& message, steady_time now);
  void take_message(const incoming& message, steady_time now);
  void dispatch(const incoming& message, steady_time now);
  void take_gzip(const incoming& message, steady_time now);
  void acknowledge(msg_id id, steady_time now);
  void acknowledge_again(const incoming& message, steady_time now);
  bool in_window(msg_id id, steady_time now) const;
  /// Drops the message, and nothing else. `why` is a literal.
  void ignore(std::string_view why) { drop(counters.ignored, why); }
  void drop(std::uint64_t& kind, std::string_view why) {
    ++kind;
    counters.last_dropped = why;
  }
  void take_result(const incoming& message);
  void finish(request& which, bytes_view body);
  void finish_error(request& which, bytes_view body);

  // -- client_service.cpp: service messages
  void dispatch_service(const incoming& message, std::uint32_t constructor, steady_time now);
  void take_acks(bytes_view body, steady_time now);
  void take_bad_message(const incoming& message, steady_time now);
  void refuse(const bad_message& what, steady_time now);
  void refuse_service(msg_id id, steady_time now);
  void take_new_session(bytes_view body);
  void take_pong(bytes_view body);
  void take_salts(bytes_view body, steady_time now);
  void take_state_info(bytes_view body, steady_time now);
  void take_all_info(bytes_view body, steady_time now);
  void take_detailed_info(bytes_view body, steady_time now);
  void take_state_question(const incoming& message);
  void take_resend_question(const incoming& message);
  void take_key_destroyed(std::uint32_t constructor);
  void apply_state(msg_id id, std::uint8_t status, bool asked_for, steady_time now);
  /// It may have run, and no answer will come: goes out again if it may, else fails.
  void resend_or_give_up(request& which, std::string_view why);
  void ask(request& which);
  void expect_answer(request& which, std::uint8_t status, steady_time now);
  void chase_answers(steady_time now);
  bytes states_of(const std::vector<msg_id>& which) const;

  // -- client_binding.cpp: a temporary key
  void bind_to(auth_key permanent, std::int32_t expires_at, bool is_bound);
  bool unbound() const { return terms && !terms->bound; }
  void add_binding(draft& d, steady_time now);
  void take_binding(bytes_view body);
  void bind_again();

  // -- client_send.cpp: packing
  bool something_to_send(steady_time now);
  bool take_packets(std::vector<outgoing_packet>& out, steady_time now, std::size_t max);
  draft compose(steady_time now);
  void add_services(draft& d, steady_time now);
  void add_exact(draft& d);
  void add_requests(draft& d, steady_time now);
  void add_request(draft& d, request& which, steady_time now);
  void add_service(draft& d, sent_service record, bytes body, bool content, steady_time now);
  bytes with_prefixes(request& which);
  message_header finish_draft(draft& d, bytes_view& body, steady_time now);
  void forget_containers();
  std::int32_t next_seqno(bool content);
  std::uint64_t current_salt(steady_time now);

  auth_key key;
  salt_list salts;
  server_clock clock;
  std::shared_ptr<random_source> random;
  session_options options;

  std::uint64_t session_id;
  std::deque<std::uint64_t> left_sessions; ///< over this connection, the last ones
  msg_id_source source;
  std::int32_t content_count = 0;
  received_ids received;
  std::deque<std::int64_t> created; ///< unique ids of `new_session_created`

  bool connected = false;
  bool padded = false; ///< packets of this connection may carry the transport's octets behind them
  bool broken = false; ///< nothing more is taken from this connection
  std::uint64_t connection = 0;
  std::uint64_t proven = 0; ///< the last connection over which the session was seen to live
  steady_time next_ping = steady_time::max();
  std::optional<steady_time> ping_sent;  ///< and nothing heard since
  std::optional<steady_time> ping_stuck; ///< due since then, but nothing is taken from us
  std::optional<steady_time> question_sent;
  std::optional<steady_time> salts_asked;
  std::optional<steady_time> answers_by; ///< the first of the requests' `answer_by`

  std::optional<binding_terms> terms;

  request_table requests;
  due_services due;
  bytes prefix;
  bool introduced = false;

  std::map<msg_id, sent_service> services;
  std::map<msg_id, std::vector<msg_id>> containers;
  std::deque<std::pair<std::uint32_t, std::vector<request_id>>> tokens;
  int service_refusals = 0; ///< since the last answer
  std::size_t unpack_left = 0;

  event_queue events;
  session_counters counters;
};

} // namespace cafegram::protocol
