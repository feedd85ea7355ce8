#include <cafegram/protocol/gzip.hpp>
#include <cafegram/protocol/server_state.hpp>
#include <cafegram/tl/codec.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace cafegram::protocol {
namespace {

constexpr unsigned answer_bits = 1;
constexpr unsigned notice_bits = 3;
constexpr std::size_t max_kept_replies = 4096;
constexpr std::size_t session_salt_at = 20; ///< in new_session_created

duration unix_time(wall_time now) {
  return std::chrono::duration_cast<duration>(now.time_since_epoch());
}

} // namespace

/// Queues the answer to a call that is open; any other is dropped.
void server_session::state::answer(msg_id call, bytes_view body, bool packable) {
  if (calls.erase(call) == 0) {
    return;
  }
  auto packed =
      options.gzip && packable && body.size() > gzip_from ? gzip_pack(body) : std::nullopt;
  const bytes_view content = packed ? bytes_view{*packed} : body;
  tl::writer out;
  out.reserve(12 + content.size());
  out.u32(ids::rpc_result);
  out.i64(number(call));
  out.raw(content);
  keep({.body = out.take(), .is_answer = true, .call = call});
}

void server_session::state::keep(kept_message message) {
  const auto order = next_order++;
  kept_octets += message.body.size();
  if (message.is_answer) {
    kept_by_call.emplace(message.call, order);
  }
  kept.emplace(order, std::move(message));
  queue.insert(order);
  trim();
}

void server_session::state::trim() {
  while (kept.size() > options.max_unacked || kept_octets > options.max_unacked_octets) {
    auto victim = std::ranges::find_if(
        kept, [this](const auto& entry) { return !queue.contains(entry.first); });
    if (victim == kept.end()) {
      victim =
          std::ranges::find_if(kept, [](const auto& entry) { return !entry.second.is_answer; });
    }
    if (victim == kept.end() || victim->first + 1 == next_order) {
      return;
    }
    forget(victim->first);
  }
}

void server_session::state::forget(std::uint64_t order) {
  const auto node = kept.extract(order);
  const auto& message = node.mapped();
  kept_octets -= message.body.size();
  queue.erase(order);
  if (message.id) {
    kept_by_id.erase(*message.id);
  }
  if (message.is_answer) {
    kept_by_call.erase(message.call);
  }
}

void server_session::state::reply(bytes body) {
  if (replies.size() < max_kept_replies) {
    replies.emplace_back(std::move(body), answer_bits);
  }
}

void server_session::state::refuse(msg_id bad, std::int32_t seqno, std::int32_t code) {
  reply(write_bad_message({.bad = bad, .seqno = seqno, .code = code, .salt = {}}));
}

void server_session::state::acknowledge(msg_id id, wall_time now) {
  if (acks.size() < max_ids) {
    acks.push_back(id);
  }
  if (!acks_by) {
    acks_by = now + std::chrono::duration_cast<wall_time::duration>(options.ack_delay);
  }
}

void server_session::state::attached() {
  for (const auto& [order, message] : kept) {
    queue.insert(order);
  }
  replies.clear();
}

container_item server_session::state::number_item(bytes_view body, bool content, unsigned low_bits,
                                                  wall_time now) {
  const auto seqno = content ? 2 * content_count++ + 1 : 2 * content_count;
  return {.id = source.next(unix_time(now), low_bits), .seqno = seqno, .body = body};
}

/// Gathers one packet: acknowledgements, what must be acknowledged in its order, replies.
/// `exact`: something keeps an id that it went out with before.
void server_session::state::collect(std::vector<container_item>& items, std::vector<bytes>& owned,
                                    bool& exact, wall_time now) {
  std::size_t octets = 0;
  const auto add = [&](const container_item& item) {
    items.push_back(item);
    octets += container_item_header + item.body.size();
  };
  const auto fits = [&](std::size_t size) {
    return items.empty() ||
           (octets + size <= options.container_octets && items.size() < max_container_messages);
  };
  if (!acks.empty()) {
    owned.push_back(write_ids(ids::msgs_ack, acks));
    acks.clear();
    acks_by.reset();
    add(number_item(owned.back(), false, notice_bits, now));
  }
  while (!queue.empty()) {
    const auto order = *queue.begin();
    auto& message = kept.at(order);
    // A large one still goes with the small ones before it: acknowledgements must not wait alone.
    const bool small_company = octets + message.body.size() <= max_container_octets / 2;
    if (!fits(message.body.size()) && (items.size() >= 2 || !small_company)) {
      break;
    }
    queue.erase(queue.begin());
    if (message.announces) {
      const auto salt = salts->at(unix_time(now));
      std::memcpy(message.body.data() + session_salt_at, &salt, sizeof(salt));
    }
    if (message.id && message.body.size() > max_container_octets) {
      kept_by_id.erase(*message.id); // too long for a container: it goes under a new id
      message.id.reset();
    }
    if (message.id) {
      exact = true;
      add({.id = *message.id, .seqno = message.seqno, .body = message.body});
      continue;
    }
    const auto item =
        number_item(message.body, true, message.is_answer ? answer_bits : notice_bits, now);
    message.id = item.id;
    message.seqno = item.seqno;
    kept_by_id.emplace(item.id, order);
    add(item);
  }
  while (!replies.empty() && fits(replies.front().first.size())) {
    owned.push_back(std::move(replies.front().first));
    const auto low_bits = replies.front().second;
    replies.pop_front();
    add(number_item(owned.back(), false, low_bits, now));
  }
}

bool server_session::state::take_packet(bytes& out, wall_time now) {
  const bool acks_due = acks_by && now >= *acks_by;
  if (queue.empty() && replies.empty() && !acks_due) {
    return false;
  }
  std::vector<container_item> items;
  std::vector<bytes> owned;
  bool exact = false;
  collect(items, owned, exact, now);
  bytes body;
  container_item alone = items.front();
  if (items.size() > 1 || exact) {
    body = write_container(items);
    alone = number_item(body, false, notice_bits, now);
  }
  const message_header header{.salt = salts->at(unix_time(now)),
                              .session_id = session_id,
                              .id = alone.id,
                              .seqno = alone.seqno};
  out = seal(key, side::server, {.header = header, .body = alone.body}, *random).octets;
  return true;
}

// -- the public face -------------------------------------------------------------------------

server_session::server_session(auth_key key, std::uint64_t session_id, std::int64_t unique_id,
                               std::shared_ptr<server_salts> salts,
                               std::shared_ptr<random_source> random,
                               server_session_options options)
  : state_{std::make_unique<state>(std::move(key), session_id, unique_id, std::move(salts),
                                   std::move(random), options)} {}
server_session::server_session(server_session&&) noexcept = default;
server_session& server_session::operator=(server_session&&) noexcept = default;
server_session::~server_session() = default;

result<void> server_session::receive(const opening& packet, wall_time now) {
  return state_->receive(packet, now);
}

void server_session::attached() {
  state_->attached();
}

void server_session::answer(msg_id call, bytes_view body, bool packable) {
  state_->answer(call, body, packable);
}

void server_session::answer_error(msg_id call, std::int32_t code, std::string_view text) {
  state_->answer(call, write_rpc_error(code, text), false);
}

void server_session::push(bytes body) {
  state_->keep({.body = std::move(body)});
}

void server_session::session_destroyed(std::uint64_t session_id, bool existed) {
  state_->reply(write_longs(existed ? ids::destroy_session_ok : ids::destroy_session_none,
                            {static_cast<std::int64_t>(session_id)}));
}

void server_session::key_destroyed() {
  state_->reply(write_longs(ids::destroy_auth_key_ok, {}));
}

wall_time server_session::next_deadline() const {
  return state_->acks_by.value_or(wall_time::max());
}

bool server_session::take_packet(bytes& out, wall_time now) {
  return state_->take_packet(out, now);
}

std::optional<server_event> server_session::next_event() {
  if (state_->events.empty()) {
    return std::nullopt;
  }
  std::optional<server_event> out{std::in_place};
  *out = std::move(state_->events.front());
  state_->events.pop_front();
  return out;
}

std::uint64_t server_session::session_id() const {
  return state_->session_id;
}

std::size_t server_session::open_calls() const {
  return state_->calls.size();
}

std::size_t server_session::unacknowledged() const {
  return state_->kept.size();
}

} // namespace cafegram::protocol
