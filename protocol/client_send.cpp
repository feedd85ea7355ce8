#include <cafegram/protocol/client_state.hpp>
#include <cafegram/tl/codec.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace cafegram::protocol {
namespace {

constexpr std::size_t max_acks_at_once = 1024;
constexpr std::size_t max_ids_at_once = 4096;
constexpr std::size_t kept_services = 256;
constexpr std::size_t kept_containers = 32;
constexpr std::size_t kept_tokens = 64;
constexpr int wanted_salts = 64;
constexpr auto salts_patience = std::chrono::seconds{60};

/// Moves up to `most` ids from the front.
std::vector<msg_id> take_front(std::vector<msg_id>& from, std::size_t most) {
  const auto end = from.begin() + static_cast<std::ptrdiff_t>(std::min(most, from.size()));
  std::vector<msg_id> out(from.begin(), end);
  from.erase(from.begin(), end);
  return out;
}

template <class Map>
void keep_last(Map& map, std::size_t count) {
  while (map.size() > count) {
    map.erase(map.begin());
  }
}

std::size_t size_in_container(const container_item& item) {
  return container_item_header + item.body.size();
}

/// What stands before a request that waits for so many others.
std::size_t after_octets(std::size_t count) {
  constexpr std::size_t each = 8;
  constexpr std::size_t vector_header = 8;
  return count == 0 ? 0 : 4 + count * each + (count > 1 ? vector_header : 0);
}

} // namespace

bool client_session::state::something_to_send(steady_time now) {
  if (!connected || broken) {
    return false;
  }
  return due.bind || due.ping || due.destroy || !due.questions.empty() || !due.resends.empty() ||
         !due.answers.empty() || !due.drops.empty() || !due.exact.empty() || !due.replies.empty() ||
         due.acks.size() >= options.ack_count || (due.acks_by && now >= *due.acks_by) ||
         (!unbound() && requests.any_waiting());
}

bool client_session::state::take_packets(std::vector<outgoing_packet>& out, steady_time now,
                                         std::size_t max) {
  std::vector<draft> drafts;
  std::vector<plain_message> messages;
  while (drafts.size() < max && something_to_send(now)) {
    auto d = compose(now);
    if (d.items.empty()) {
      continue; // what was due has become needless
    }
    bytes_view body;
    const auto header = finish_draft(d, body, now);
    messages.push_back({.header = header, .body = body});
    drafts.push_back(std::move(d));
  }
  auto sealed = seal(key, side::client, messages, *random);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    const bool quick = !drafts[i].quick_ack.empty();
    out.push_back({.octets = std::move(sealed[i].octets), .quick_ack = quick});
    if (quick) {
      tokens.emplace_back(sealed[i].token, std::move(drafts[i].quick_ack));
    }
  }
  while (tokens.size() > kept_tokens) {
    tokens.pop_front();
  }
  return something_to_send(now);
}

draft client_session::state::compose(steady_time now) {
  draft d;
  if (due.bind) {
    add_binding(d, now);
    return d;
  }
  if (unbound()) {
    add_services(d, now);
    return d;
  }
  auto* first = requests.first_waiting();
  if (first != nullptr && first->singly) {
    add_request(d, *first, now);
    return d;
  }
  add_services(d, now);
  add_exact(d);
  add_requests(d, now);
  return d;
}

std::int32_t client_session::state::next_seqno(bool content) {
  return content ? 2 * content_count++ + 1 : 2 * content_count;
}

void client_session::state::add_service(draft& d, sent_service record, bytes body, bool content,
                                        steady_time now) {
  const auto id = source.next(clock.unix_time(now), 0);
  d.owned.push_back(std::move(body));
  d.items.push_back({.id = id, .seqno = next_seqno(content), .body = d.owned.back()});
  d.octets += size_in_container(d.items.back());
  services.emplace(id, std::move(record));
  keep_last(services, kept_services);
}

void client_session::state::add_services(draft& d, steady_time now) {
  using kind = sent_service::kind;
  const auto add = [&](kind what, std::vector<msg_id> which, bytes body, bool content = false) {
    add_service(d, {.what = what, .which = std::move(which)}, std::move(body), content, now);
  };
  const auto add_list = [&](kind what, std::uint32_t constructor, std::vector<msg_id>& from,
                            std::size_t most) {
    if (!from.empty()) {
      auto which = take_front(from, most);
      auto body = write_ids(constructor, which);
      add(what, std::move(which), std::move(body));
    }
  };
  add_list(kind::acks, ids::msgs_ack, due.acks, max_acks_at_once);
  due.acks_by = due.acks.empty() ? std::nullopt : std::optional{now};
  if (!due.questions.empty()) {
    question_sent = now;
  }
  add_list(kind::question, ids::msgs_state_req, due.questions, max_ids_at_once);
  add_list(kind::resend, ids::msg_resend_req, due.resends, max_ids_at_once);
  // Who knows the second sends the answers, and says what is asked by the first, too.
  auto overdue = due.answers;
  add_list(kind::question, ids::msgs_state_req, overdue, max_ids_at_once);
  add_list(kind::question, ids::msg_resend_ans_req, due.answers, max_ids_at_once);
  if (std::exchange(due.ping, false)) {
    const auto delay = std::chrono::duration_cast<std::chrono::seconds>(options.disconnect_delay);
    add(kind::ping, {},
        write_ping(random->integer<std::int64_t>(), static_cast<std::int32_t>(delay.count())));
    ping_sent = ping_sent.value_or(now);
    ping_stuck.reset();
  }
  if (salts.runs_out(clock.unix_time(now)) &&
      (!salts_asked || now - *salts_asked >= salts_patience)) {
    salts_asked = now;
    tl::writer question;
    question.u32(ids::get_future_salts);
    question.i32(wanted_salts);
    add(kind::salts, {}, question.take());
  }
  for (; !due.replies.empty(); due.replies.pop_front()) {
    add(kind::reply, {}, std::move(due.replies.front()));
  }
  while (!due.drops.empty() && d.items.size() < kept_services / 2) {
    const auto dropped = take_front(due.drops, 1);
    add(kind::drop, dropped, write_longs(ids::rpc_drop_answer, {number(dropped.front())}), true);
  }
  if (std::exchange(due.destroy, false)) {
    add(kind::destroy, {}, write_longs(ids::destroy_auth_key, {}), true);
  }
}

/// Messages that the server asked for once more keep their id and number, inside a container.
void client_session::state::add_exact(draft& d) {
  while (!due.exact.empty()) {
    auto* which = requests.find(*due.exact.begin());
    if (which == nullptr || which->now == request::phase::waiting) {
      due.exact.erase(due.exact.begin());
      continue;
    }
    const auto size = container_item_header + which->body->size() + prefix.size() +
                      after_octets(which->after.size());
    const bool full =
        d.items.size() + 1 >= max_container_messages || d.octets + size > max_container_octets / 2;
    if (full && !d.items.empty()) {
      return;
    }
    due.exact.erase(due.exact.begin());
    d.owned.push_back(with_prefixes(*which));
    d.items.push_back({.id = which->name, .seqno = which->seqno, .body = d.owned.back()});
    d.octets += size_in_container(d.items.back());
    d.contain = true;
  }
}

void client_session::state::add_requests(draft& d, steady_time now) {
  bool first = true;
  while (auto* which = requests.first_waiting()) {
    const auto size = container_item_header + which->body->size() + prefix.size() +
                      after_octets(which->options.after.size());
    const bool room = d.octets + size <= options.container_octets;
    const bool alone = first && d.octets + size <= max_container_octets;
    if ((!room && !alone && !d.items.empty()) || which->singly ||
        d.items.size() >= max_container_messages) {
      return;
    }
    add_request(d, *which, now);
    first = false;
  }
}

/// The octets of a request with what goes around it: `invokeAfterMsg(s)` outermost.
bytes client_session::state::with_prefixes(request& which) {
  tl::writer out;
  out.reserve(after_octets(which.after.size()) + prefix.size() + which.body->size());
  if (which.after.size() == 1) {
    out.u32(ids::invoke_after_msg);
  } else if (!which.after.empty()) {
    out.u32(ids::invoke_after_msgs);
    out.vector_header(true, which.after.size());
  }
  for (const auto before : which.after) {
    out.i64(number(before));
  }
  if (which.introduced) {
    out.raw(prefix);
  }
  out.raw(*which.body);
  return out.take();
}

void client_session::state::add_request(draft& d, request& which, steady_time now) {
  which.after.clear();
  for (const auto one : which.options.after) {
    const auto* before = requests.find(one);
    if (before != nullptr && before->now != request::phase::waiting) {
      which.after.push_back(before->name);
    }
  }
  which.introduced = !introduced && !prefix.empty();
  const auto id = source.next(clock.unix_time(now), 0);
  which.seqno = next_seqno(!which.even_seqno);
  which.outer = id;
  which.connection = connection;
  requests.sent(which, id);
  bytes_view body = *which.body;
  if (!which.after.empty() || which.introduced) {
    d.owned.push_back(with_prefixes(which));
    body = d.owned.back();
  }
  d.items.push_back({.id = id, .seqno = which.seqno, .body = body});
  d.octets += size_in_container(d.items.back());
  d.requests.push_back(&which);
  if (which.options.quick_ack) {
    d.quick_ack.push_back(which.id);
  }
}

/// A container is known as long as one of its requests is open: a notification may name it. Of the
/// others the last ones stay; the rest goes when it is more than what can be open.
void client_session::state::forget_containers() {
  if (containers.size() <= 2 * (kept_containers + requests.size())) {
    return;
  }
  const auto recent = std::prev(containers.end(), kept_containers)->first;
  std::erase_if(containers, [this, recent](const auto& entry) {
    return entry.first < recent && std::ranges::none_of(
                                       entry.second,
                                       [this](msg_id id) {
                                         const auto* which = requests.find(id);
                                         return which != nullptr && which->name == id &&
                                                which->now != request::phase::waiting;
                                       });
  });
}

std::uint64_t client_session::state::current_salt(steady_time now) {
  const auto before = salts.last_used();
  const auto salt = salts.at(clock.unix_time(now));
  if (salt != before) {
    events.emplace_back(salt_changed{.salt = salt});
  }
  return salt;
}

/// One message goes as it is, several in a container, whose id is above all of theirs.
message_header client_session::state::finish_draft(draft& d, bytes_view& body, steady_time now) {
  message_header header{.salt = current_salt(now), .session_id = session_id};
  if (d.items.size() == 1 && !d.contain) {
    header.id = d.items.front().id;
    header.seqno = d.items.front().seqno;
    body = d.items.front().body;
    return header;
  }
  header.id = source.next(clock.unix_time(now), 0);
  header.seqno = next_seqno(false);
  std::vector<msg_id> members;
  members.reserve(d.items.size());
  for (const auto& item : d.items) {
    members.push_back(item.id);
  }
  for (auto* which : d.requests) {
    which->outer = header.id;
  }
  containers.emplace(header.id, std::move(members));
  forget_containers();
  d.owned.push_back(write_container(d.items));
  body = d.owned.back();
  return header;
}

} // namespace cafegram::protocol
