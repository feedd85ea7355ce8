#include <cafegram/protocol/gzip.hpp>
#include <cafegram/protocol/protections.hpp>
#include <cafegram/protocol/server_state.hpp>
#include <cafegram/tl/codec.hpp>

#include <algorithm>
#include <utility>

namespace cafegram::protocol {
namespace {

constexpr auto accepted_past = std::chrono::seconds{300};
constexpr auto accepted_future = std::chrono::seconds{30};
constexpr int max_gzip_depth = 4;
constexpr std::size_t max_calls = 4096;
constexpr std::size_t max_denied = max_ids;

duration unix_time(wall_time now) {
  return std::chrono::duration_cast<duration>(now.time_since_epoch());
}

} // namespace

result<void> server_session::state::receive(const opening& packet, wall_time now) {
  if (packet.status != open_status::ok || packet.header.session_id != session_id) {
    return fail(errc::protocol_violation, "a packet that is not of this session");
  }
  const auto& header = packet.header;
  unpack_left = options.max_unpacked;
  const client_message message{.id = header.id, .seqno = header.seqno, .body = packet.body};
  switch (received.check(header.id)) {
  case received_ids::verdict::seen:
    take_repeated(message, now);
    return {};
  case received_ids::verdict::old:
    refuse(header.id, header.seqno, 20);
    return {};
  case received_ids::verdict::fresh:
    break;
  }
  if (denied.contains(header.id) || refuse_outside(header, now)) {
    return {};
  }
  received.add(header.id);
  announce(message);
  take_message(message, now);
  return {};
}

/// Id, time and salt of a packet; true when it is refused for them.
bool server_session::state::refuse_outside(const message_header& header, wall_time now) {
  if ((number(header.id) & 3) != 0) {
    refuse(header.id, header.seqno, 18);
    return true;
  }
  const auto ahead = time_of(header.id) - unix_time(now);
  if (options.check_time && (ahead < -accepted_past || ahead > accepted_future)) {
    refuse(header.id, header.seqno, ahead < duration::zero() ? 16 : 17);
    return true;
  }
  if (options.check_salt && !salts->good(header.salt, unix_time(now))) {
    reply(write_bad_message(
        {.bad = header.id, .seqno = header.seqno, .code = 48, .salt = salts->at(unix_time(now))}));
    return true;
  }
  return false;
}

/// The first message of this life of the session. Some clients compare the ids of containers with
/// what is announced, some those of the members: the lowest of all is right for both.
void server_session::state::announce(const client_message& message) {
  if (first) {
    return;
  }
  first = message.id;
  if (constructor_of(message.body) == ids::msg_container) {
    const auto items = read_container(message.body).value_or(std::vector<container_item>{});
    for (const auto& item : items) {
      first = std::min(*first, item.id);
    }
  }
  if (options.announce) {
    // The salt is put in when it is sent: that is when the time is known.
    keep({.body = write_new_session({.first = *first, .unique_id = unique_id}), .announces = true});
  }
}

void server_session::state::take_message(const client_message& message, wall_time now) {
  const auto constructor = constructor_of(message.body);
  if ((message.seqno & 1) != 0 && constructor != ids::msg_container &&
      constructor != ids::msgs_ack) {
    acknowledge(message.id, now);
  }
  dispatch(message, now);
}

void server_session::state::take_container(const client_message& container, wall_time now) {
  const auto items = read_container(container.body);
  if (container.contained || !items) {
    return refuse(container.id, container.seqno, 64);
  }
  for (const auto& item : *items) {
    const client_message message{.id = item.id,
                                 .seqno = item.seqno,
                                 .body = item.body,
                                 .contained = true,
                                 .depth = container.depth};
    if ((number(item.id) & 3) != 0) {
      refuse(item.id, item.seqno, 18);
      continue;
    }
    switch (received.check(item.id)) {
    case received_ids::verdict::fresh:
      if (!denied.contains(item.id)) {
        received.add(item.id);
        take_message(message, now);
      }
      break;
    case received_ids::verdict::seen:
      take_repeated(message, now);
      break;
    case received_ids::verdict::old:
      refuse(item.id, item.seqno, 20);
      break;
    }
  }
}

void server_session::state::dispatch(const client_message& message, wall_time now) {
  switch (constructor_of(message.body)) {
  case 0:
  case ids::http_wait:
  case ids::msgs_state_info:
  case ids::msgs_all_info:
    return;
  case ids::msg_container:
    return take_container(message, now);
  case ids::gzip_packed:
    return take_gzip(message, now);
  case ids::msgs_ack:
    return take_acks(message.body);
  case ids::ping:
  case ids::ping_delay_disconnect:
    return take_ping(message);
  case ids::get_future_salts:
    return take_salts_question(message, now);
  case ids::msgs_state_req:
  case ids::msg_resend_ans_req:
    return take_state_question(message);
  case ids::msg_resend_req:
    return take_resend_question(message);
  case ids::rpc_drop_answer:
    return take_drop(message);
  case ids::destroy_session:
  case ids::destroy_auth_key:
    return take_destroy(message);
  default:
    return take_call(message);
  }
}

void server_session::state::take_gzip(const client_message& message, wall_time now) {
  const auto packed = read_gzip(message.body);
  auto unpacked = packed && message.depth < max_gzip_depth
                      ? gzip_unpack(*packed, unpack_left)
                      : result<bytes>{fail(errc::malformed, "gzip_packed is malformed")};
  if (!unpacked) {
    calls.insert(message.id);
    const bool too_long = unpacked.error().code == errc::limit;
    return answer(message.id,
                  write_rpc_error(400, too_long ? "INPUT_REQUEST_TOO_LONG" : "INPUT_FETCH_ERROR"),
                  false);
  }
  unpack_left -= unpacked->size();
  auto inner = message;
  inner.body = *unpacked;
  ++inner.depth;
  dispatch(inner, now);
}

void server_session::state::take_call(const client_message& message) {
  calls.insert(message.id);
  if (calls.size() > max_calls) {
    return answer(message.id, write_rpc_error(420, "FLOOD_WAIT_1"), false);
  }
  events.emplace_back(call_arrived{.id = message.id, .body = to_bytes(message.body)});
}

/// Came before: never run again. An answer that is still here goes out once more.
void server_session::state::take_repeated(const client_message& message, wall_time now) {
  if (constructor_of(message.body) == ids::msg_container && !message.contained) {
    return take_container(message, now);
  }
  if constexpr (!protections::duplicate_check) {
    return dispatch(message, now);
  }
  if (const auto answered = kept_by_call.find(message.id); answered != kept_by_call.end()) {
    queue.insert(answered->second);
  } else if ((message.seqno & 1) != 0) {
    acknowledge(message.id, now);
  }
}

void server_session::state::take_acks(bytes_view body) {
  const auto which = read_ids(body).value_or(std::vector<msg_id>{});
  for (const auto id : which) {
    if (const auto found = kept_by_id.find(id); found != kept_by_id.end()) {
      forget(found->second);
    }
  }
}

void server_session::state::take_ping(const client_message& message) {
  const auto ping = read_ping(message.body);
  if (!ping) {
    return;
  }
  reply(write_longs(ids::pong, {number(message.id), ping->id}));
  if (ping->delay) {
    events.emplace_back(
        disconnect_delay_set{.delay = std::chrono::seconds{std::max(*ping->delay, 0)}});
  }
}

void server_session::state::take_salts_question(const client_message& message, wall_time now) {
  tl::reader in{message.body};
  in.u32();
  const auto count = in.i32();
  const auto time = unix_time(now);
  reply(write_future_salts({.request = message.id,
                            .now = static_cast<std::int32_t>(
                                std::chrono::duration_cast<std::chrono::seconds>(time).count()),
                            .salts = salts->coming(time, count)}));
}

/// What is known of a message. Of which it is said that it was not received, it is not taken any
/// more either: the client sends it again under another id, and a late packet must not run it
/// twice.
std::uint8_t server_session::state::state_of(msg_id id) {
  switch (received.check(id)) {
  case received_ids::verdict::old:
    return message_state::forgotten;
  case received_ids::verdict::fresh:
    if (id < *first) {
      return message_state::forgotten;
    }
    if (id > received.highest()) {
      return message_state::too_new;
    }
    denied.insert(id);
    while (denied.size() > max_denied) {
      denied.erase(denied.begin());
    }
    return message_state::not_received;
  case received_ids::verdict::seen:
    break;
  }
  std::uint8_t out = message_state::received;
  if (calls.contains(id)) {
    out |= message_state::processed;
  }
  if (kept_by_call.contains(id)) {
    out |= message_state::answered;
  }
  return out;
}

void server_session::state::take_state_question(const client_message& message) {
  const auto which = read_ids(message.body);
  if (!which) {
    return;
  }
  bytes info;
  info.reserve(which->size());
  for (const auto id : *which) {
    info.push_back(state_of(id));
    // An answer that got lost with an earlier connection.
    if (const auto answered = kept_by_call.find(id); answered != kept_by_call.end()) {
      queue.insert(answered->second);
    }
  }
  reply(write_state_info(message.id, info));
}

void server_session::state::take_resend_question(const client_message& message) {
  const auto which = read_ids(message.body);
  if (!which) {
    return;
  }
  bytes info;
  bool all_here = true;
  for (const auto id : *which) {
    const auto found = kept_by_id.find(id);
    if (found != kept_by_id.end()) {
      queue.insert(found->second);
    } else {
      all_here = false;
    }
    info.push_back(found != kept_by_id.end() ? message_state::received : message_state::forgotten);
  }
  if (!all_here) {
    reply(write_state_info(message.id, info));
  }
}

void server_session::state::take_drop(const client_message& message) {
  const auto raw = read_long(message.body);
  if (!raw) {
    return;
  }
  const msg_id call{*raw};
  tl::writer out;
  if (calls.erase(call) != 0) {
    events.emplace_back(call_dropped{.id = call});
    out.u32(ids::rpc_answer_dropped_running);
  } else if (const auto found = kept_by_call.find(call); found != kept_by_call.end()) {
    const auto& dropped = kept.at(found->second);
    out.u32(ids::rpc_answer_dropped);
    out.i64(number(dropped.id.value_or(msg_id{})));
    out.i32(dropped.seqno);
    out.i32(static_cast<std::int32_t>(dropped.body.size()));
    forget(found->second);
  } else {
    out.u32(ids::rpc_answer_unknown);
  }
  calls.insert(message.id);
  answer(message.id, out.view(), false);
}

void server_session::state::take_destroy(const client_message& message) {
  if (constructor_of(message.body) == ids::destroy_auth_key) {
    events.emplace_back(destroy_key_asked{.id = message.id});
  } else if (const auto session = read_long(message.body)) {
    events.emplace_back(destroy_session_asked{.id = message.id,
                                              .session_id = static_cast<std::uint64_t>(*session)});
  }
}

} // namespace cafegram::protocol
