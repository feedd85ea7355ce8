#include <cafegram/protocol/client_state.hpp>
#include <cafegram/protocol/gzip.hpp>
#include <cafegram/protocol/in_place.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>

namespace cafegram::protocol {
namespace {

constexpr auto accepted_past = std::chrono::seconds{300};
constexpr auto accepted_future = std::chrono::seconds{30};
constexpr int max_gzip_depth = 4;
constexpr std::size_t opened_at_once = 16;
constexpr std::string_view repeated = "a message that came before";

bool content_related(const incoming& message) {
  return (message.seqno & 1) != 0 || constructor_of(message.body) == ids::rpc_result;
}

/// Messages that set salt or clock right are taken at any time.
bool corrects(bytes_view body) {
  const auto constructor = constructor_of(body);
  return constructor == ids::bad_server_salt || constructor == ids::bad_msg_notification;
}

} // namespace

void client_session::state::receive(std::span<const mutable_bytes_view> packets, steady_time now) {
  if (!connected || broken) {
    return;
  }
  ping_sent.reset();
  ping_stuck.reset();
  while (!packets.empty() && !broken) {
    std::array<opening, opened_at_once> room;
    const auto some = std::span{room}.first(std::min(packets.size(), room.size()));
    for (auto& one : some) {
      one.packet = packets.front();
      packets = packets.subspan(1);
    }
    open(key, side::server, some, padded);
    for (const auto& one : some) {
      if (broken) {
        break;
      }
      ++counters.packets_in;
      take_packet(one, now);
    }
  }
}

void client_session::state::take_packet(const opening& packet, steady_time now) {
  if (packet.status != open_status::ok) {
    return break_off(errc::protocol_violation,
                     "a packet was not opened: " + std::string{to_string(packet.status)});
  }
  const auto& header = packet.header;
  if (header.session_id != session_id) {
    if (std::ranges::find(left_sessions, header.session_id) != left_sessions.end()) {
      return ignore("of a session that was left");
    }
    return break_off(errc::protocol_violation, "a message of another session");
  }
  if ((number(header.id) & 1) == 0) {
    return break_off(errc::protocol_violation, "a message with the id of a client's");
  }
  const incoming message{
      .id = header.id, .seqno = header.seqno, .body = packet.body, .outer = header.id};
  switch (received.check(header.id)) {
  case received_ids::verdict::old:
    return break_off(errc::protocol_violation, "a message too old to know whether it was seen");
  case received_ids::verdict::seen:
    drop(counters.duplicates, repeated);
    return acknowledge_again(message, now);
  case received_ids::verdict::fresh:
    break;
  }
  unpack_left = options.max_unpacked;
  if (!in_window(header.id, now)) {
    return take_corrections(message, now);
  }
  received.add(header.id);
  clock.raise(header.id, now);
  take_message(message, now);
}

bool client_session::state::in_window(msg_id id, steady_time now) const {
  if (!clock.synchronised()) {
    return true;
  }
  const auto ahead = time_of(id) - clock.unix_time(now);
  return ahead >= -accepted_past && ahead <= accepted_future;
}

/// Of a message from outside of the time window only what sets salt or clock right is taken.
void client_session::state::take_corrections(const incoming& message, steady_time now) {
  bool corrected = false;
  const auto take = [&](const incoming& one) {
    if (corrects(one.body) && received.check(one.id) == received_ids::verdict::fresh) {
      corrected = true;
      received.add(one.id);
      take_message(one, now);
    }
  };
  if (constructor_of(message.body) == ids::msg_container) {
    const auto items = read_container(message.body).value_or(std::vector<container_item>{});
    for (const auto& item : items) {
      take({.id = item.id,
            .seqno = item.seqno,
            .body = item.body,
            .outer = message.outer,
            .contained = true});
    }
  } else {
    take(message);
  }
  if (!corrected) {
    break_off(errc::protocol_violation, "a message from outside of the time window");
  }
}

/// A message that came before is not taken again; that its acknowledgement was lost is likely.
void client_session::state::acknowledge_again(const incoming& message, steady_time now) {
  if (constructor_of(message.body) != ids::msg_container) {
    if (content_related(message)) {
      acknowledge(message.id, now);
    }
    return;
  }
  if (const auto items = read_container(message.body)) {
    for (const auto& item : *items) {
      if (content_related({.id = item.id, .seqno = item.seqno, .body = item.body})) {
        acknowledge(item.id, now);
      }
    }
  }
}

void client_session::state::acknowledge(msg_id id, steady_time now) {
  if (due.acks.size() >= max_ids) {
    return;
  }
  due.acks.push_back(id);
  if (!due.acks_by) {
    due.acks_by = now + std::chrono::duration_cast<steady_time::duration>(options.ack_delay);
  }
}

void client_session::state::take_container(const incoming& container, steady_time now) {
  if (container.contained || !is_whole_container(container.body)) {
    return ignore(container.contained ? "a container in a container" : "malformed container");
  }
  const auto session = session_id;
  container_reader items{container.body};
  // One of them may make us leave the session.
  for (auto item = items.next(); item && session_id == session; item = items.next()) {
    take_contained({.id = item->id,
                    .seqno = item->seqno,
                    .body = item->body,
                    .outer = container.outer,
                    .contained = true,
                    .depth = container.depth},
                   now);
  }
}

void client_session::state::take_contained(const incoming& message, steady_time now) {
  if ((number(message.id) & 1) == 0) {
    return ignore("the id of a client's in a container");
  }
  const auto verdict = received.check(message.id);
  if (verdict == received_ids::verdict::fresh) {
    received.add(message.id);
    take_message(message, now);
  } else if (verdict == received_ids::verdict::old &&
             constructor_of(message.body) == ids::rpc_result) {
    take_message(message, now); // sent again; a request is settled once in any case
  } else {
    drop(counters.duplicates, repeated);
    acknowledge_again(message, now);
  }
}

void client_session::state::take_message(const incoming& message, steady_time now) {
  ++counters.messages_in;
  if (constructor_of(message.body) != ids::msg_container && content_related(message)) {
    acknowledge(message.id, now);
  }
  dispatch(message, now);
}

void client_session::state::dispatch(const incoming& message, steady_time now) {
  const auto constructor = constructor_of(message.body);
  switch (constructor) {
  case 0:
    return ignore("too short for a message");
  case ids::msg_container:
    return take_container(message, now);
  case ids::gzip_packed:
    return take_gzip(message, now);
  case ids::rpc_result:
    proven = connection;
    return take_result(message);
  case ids::bad_msg_notification:
  case ids::bad_server_salt:
  case ids::new_session_created: // come before there is a session, or with it
    return dispatch_service(message, constructor, now);
  default:
    proven = connection;
    return dispatch_service(message, constructor, now);
  }
}

void client_session::state::take_gzip(const incoming& message, steady_time now) {
  const auto packed = read_gzip(message.body);
  if (!packed || message.depth >= max_gzip_depth) {
    return ignore("gzip that is malformed or nested too deep");
  }
  const auto unpacked = gzip_unpack(*packed, unpack_left);
  if (!unpacked) {
    return ignore("gzip that does not unpack within its bound");
  }
  unpack_left -= unpacked->size();
  auto inner = message;
  inner.body = *unpacked;
  ++inner.depth;
  dispatch(inner, now);
}

void client_session::state::take_result(const incoming& message) {
  const auto answer = read_rpc_result(message.body);
  if (!answer) {
    return ignore("malformed rpc_result");
  }
  clock.confirm();
  service_refusals = 0;
  if (const auto service = services.find(answer->request); service != services.end()) {
    const auto what = service->second.what;
    if (what == sent_service::kind::destroy) {
      return take_key_destroyed(constructor_of(answer->body));
    }
    services.erase(service);
    if (what == sent_service::kind::bind) {
      take_binding(answer->body);
    }
    return;
  }
  auto* which = requests.find(answer->request);
  if (which == nullptr) {
    return drop(counters.unknown_results, "a result for no request of ours");
  }
  introduced = introduced || (which->introduced && which->connection == connection);
  finish(*which, answer->body);
}

/// Settles a request with its result, unpacked.
void client_session::state::finish(request& which, bytes_view body) {
  bytes unpacked;
  for (int depth = 0; constructor_of(body) == ids::gzip_packed; ++depth) {
    const auto packed = read_gzip(body);
    auto inner = packed && depth < max_gzip_depth
                     ? gzip_unpack(*packed, unpack_left)
                     : result<bytes>{fail(errc::malformed, "gzip_packed is malformed")};
    if (!inner) {
      return fail_request(which.id,
                          error::make(errc::protocol_violation,
                                      "the answer was not unpacked: " + inner.error().what));
    }
    unpack_left -= inner->size();
    unpacked = *std::move(inner);
    body = unpacked;
  }
  if (body.size() < 4) {
    return fail_request(which.id, error::make(errc::protocol_violation, "the answer is empty"));
  }
  if (constructor_of(body) == ids::rpc_error) {
    return finish_error(which, body);
  }
  const auto id = which.id;
  settle(id, request_answered{.id = id,
                              .body = unpacked.empty() ? shared_bytes::copy_of(body)
                                                       : shared_bytes{std::move(unpacked)}});
}

void client_session::state::finish_error(request& which, bytes_view body) {
  const auto answer = read_rpc_error(body);
  if (!answer) {
    return fail_request(which.id,
                        error::make(errc::protocol_violation, "the rpc_error is malformed"));
  }
  const bool not_introduced =
      answer->text == "CONNECTION_NOT_INITED" || answer->text == "CONNECTION_LAYER_INVALID";
  if (not_introduced && !prefix.empty()) {
    introduced = false;
    return send_again(which, answer->text);
  }
  if (answer->text == "AUTH_KEY_PERM_EMPTY" && terms) {
    bind_again();
    return send_again(which, answer->text);
  }
  // What it was to follow went out under another id, or has ended: that is what it waited for.
  const bool waited = answer->text == "MSG_WAIT_FAILED" || answer->text == "MSG_WAIT_TIMEOUT";
  if (waited && !which.after.empty()) {
    return send_again(which, answer->text);
  }
  fail_request(which.id, error::from_rpc(answer->code, answer->text));
}

} // namespace cafegram::protocol
