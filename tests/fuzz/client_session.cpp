// For: protocol/client_session.cpp protocol/client_receive.cpp protocol/client_service.cpp
//      protocol/client_send.cpp protocol/client_binding.cpp protocol/request_table.cpp
//      protocol/received_ids.cpp protocol/server_clock.cpp
#include <cafegram/protocol/envelope.hpp>
#include <cafegram/protocol/session.hpp>

#include <set>
#include <vector>

#include "messages.hpp"

// A server that has the key, and sends a client any sequence of messages between what the client
// does itself. Whatever comes: each request is settled once, and what goes out is in order.
//
//     setup:u8 step*        see `play::step`
namespace {

using namespace cafegram;
using namespace cafegram::protocol;
using fuzz::holds;
using namespace std::chrono_literals;

const auth_key temporary = fuzz::some_key();
const auth_key permanent = fuzz::some_key(9);

session_options options_of(std::uint8_t setup) {
  session_options out;
  out.max_requests = 64;
  out.max_unpacked = 1U << 18;
  if ((setup & 2) != 0) {
    out.ack_count = 2;
    out.container_octets = 256;
  }
  return out;
}

class play {
public:
  explicit play(std::uint8_t setup)
    : padded_{(setup & 1) != 0}
    , client_{temporary, salt_list{1}, server_clock{now_, wall_now(), (setup & 4) != 0},
              fuzz::repeatable(), options_of(setup)} {
    if ((setup & 8) != 0) {
      client_.introduce_with(bytes(16, 'i'));
    }
    if ((setup & 16) != 0) {
      client_.bind_to(permanent, 1'750'086'400, (setup & 32) != 0);
    }
    client_.connected(now_, padded_);
    take();
  }

  void step(fuzz::input& in) {
    const auto what = in.octet();
    switch (what & 15) {
    case 0:
      submit(in);
      break;
    case 1:
      client_.cancel(request_id{in.octet() % (submitted_ + 1U)});
      break;
    case 2:
    case 3:
      send(fuzz::read_body(in, sent_), in.octet());
      break;
    case 4:
      send_container(in);
      break;
    case 5:
      answer(in, (what & 16) != 0);
      break;
    case 6:
      refuse(in, (what & 16) != 0);
      break;
    case 7:
      pass(in.number<std::uint16_t>());
      break;
    case 8:
      client_.disconnected();
      settle();
      client_.connected(now_, padded_);
      break;
    case 9:
      raw(in);
      break;
    case 10:
      client_.quick_acked((what & 16) != 0 ? token_ : in.number<std::uint32_t>());
      break;
    case 11:
      repeat();
      break;
    case 12:
      client_.destroy_key();
      break;
    case 13:
      client_.heard();
      client_.drained();
      break;
    case 14:
      client_.bind_to(permanent, 1'750'086'400, (what & 16) != 0);
      break;
    default:
      client_.introduce_with(bytes(4 * (in.octet() & 7), 'i'));
      break;
    }
    settle();
    take();
  }

  /// Everything that is left comes back.
  void end() {
    for (const auto& one : client_.release()) {
      holds(open_.erase(one.id) == 1, "only what is open is released");
    }
    holds(open_.empty() && client_.under_way() == 0, "nothing is lost");
  }

private:
  wall_time wall_now() const {
    return fuzz::start + std::chrono::duration_cast<wall_time::duration>(now_ - fuzz::steady_start);
  }

  msg_id next_id(std::uint8_t how) {
    const auto time = std::chrono::duration_cast<duration>(wall_now().time_since_epoch());
    switch (how >> 2 & 7) {
    case 5:
      return msg_id{number(last_)}; // one that was there
    case 6:
      return msg_id_source{}.next(time - 400s, 1);
    case 7:
      return msg_id_source{}.next(time + 100s, 3);
    default:
      return ids_.next(time, (how & 1) != 0 ? 1U : 3U);
    }
  }

  void submit(fuzz::input& in) {
    const auto how = in.octet();
    request_options options{
        .may_repeat = (how & 1) != 0, .gzip = (how & 2) != 0, .quick_ack = (how & 4) != 0};
    if ((how & 8) != 0) {
      options.deadline = now_ + std::chrono::milliseconds{in.number<std::uint16_t>()};
    }
    if ((how & 16) != 0) {
      options.after = request_id{in.octet() % (submitted_ + 1U)};
    }
    const auto id = request_id{++submitted_};
    const auto words = std::size_t{in.octet()} << ((how & 32) != 0 ? 6 : 0);
    if (client_.submit(id, bytes(4 * words, 'q'), options)) {
      open_.insert(id);
    }
  }

  void deliver(msg_id id, std::int32_t seqno, bytes_view body, std::uint8_t how) {
    last_ = id;
    const message_header header{.salt = 1,
                                .session_id =
                                    (how & 0x60) == 0x60 ? old_session_ : client_.session_id(),
                                .id = id,
                                .seqno = seqno};
    last_packet_ = seal(client_.key(), side::server, {header, body}, *random_).octets;
    auto packet = last_packet_;
    client_.receive(packet, now_);
  }

  std::int32_t next_seqno(std::uint8_t how) {
    return (how & 2) != 0 ? 2 * count_++ + 1 : 2 * count_;
  }

  void send(bytes_view body, std::uint8_t how) {
    deliver(next_id(how), next_seqno(how), body, how);
  }

  void send_container(fuzz::input& in) {
    const auto how = in.octet();
    std::vector<bytes> bodies;
    std::vector<container_item> items;
    const auto count = in.octet() & 15;
    for (int i = 0; i < count && !in.empty(); ++i) {
      const auto each = in.octet();
      const auto id = next_id(each);
      const auto seqno = next_seqno(each);
      bodies.push_back(fuzz::read_body(in, sent_));
      items.push_back({.id = id, .seqno = seqno, .body = {}});
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
      items[i].body = bodies[i];
    }
    auto body = write_container(items);
    if ((how & 1) != 0) {
      body = fuzz::packed(std::move(body));
    }
    deliver(next_id(0), 2 * count_, body, how & 0x7f);
  }

  /// `rpc_result` to one of the last messages.
  void answer(fuzz::input& in, bool compressed) {
    auto body = write_longs(ids::rpc_result, {number(sent_.at(in.octet()))});
    auto content = fuzz::read_body(in, sent_);
    append(body, compressed ? fuzz::packed(std::move(content)) : content);
    send(body, 3);
  }

  void refuse(fuzz::input& in, bool with_salt) {
    bad_message what{.bad = sent_.at(in.octet()), .seqno = 0, .code = in.octet(), .salt = {}};
    if (with_salt) {
      what.salt = in.number<std::uint64_t>();
    }
    send(write_bad_message(what), 1);
  }

  /// A packet as it comes, or the last one changed.
  void raw(fuzz::input& in) {
    auto packet = to_bytes(in.piece());
    if (packet.size() < 8 && !last_packet_.empty()) {
      auto changed = last_packet_;
      for (const auto octet : packet) {
        changed[(octet * 7U) % changed.size()] ^= octet;
      }
      packet = std::move(changed);
    }
    auto second = last_packet_;
    const mutable_bytes_view both[] = {packet, second};
    client_.receive(std::span{both}.first(second.empty() ? 1 : 2), now_);
  }

  void repeat() {
    auto packet = last_packet_;
    client_.receive(packet, now_);
  }

  void pass(std::uint16_t milliseconds) {
    now_ += std::chrono::milliseconds{std::uint32_t{milliseconds} * 16U};
    client_.poll(now_);
  }

  /// Takes what there is to tell.
  void settle() {
    bool reconnect = false;
    while (auto event = client_.next_event()) {
      if (const auto* answered = std::get_if<request_answered>(&*event)) {
        holds(open_.erase(answered->id) == 1, "an answer settles an open request");
      } else if (const auto* failed = std::get_if<request_failed>(&*event)) {
        holds(open_.erase(failed->id) == 1, "a failure settles an open request");
      } else if (const auto* received = std::get_if<request_received>(&*event)) {
        holds(static_cast<std::uint64_t>(received->id) <= submitted_, "a request of ours");
      } else if (std::get_if<session_replaced>(&*event) != nullptr) {
        newest_sent_ = msg_id{};
      } else if (std::get_if<must_reconnect>(&*event) != nullptr) {
        reconnect = true;
      }
    }
    holds(client_.under_way() == open_.size(), "as many are open as were not settled");
    if (reconnect) {
      client_.disconnected();
      client_.connected(now_, padded_);
    }
  }

  /// Takes what there is to send, and looks at it as a server does.
  void take() {
    client_.poll(now_);
    settle();
    std::vector<outgoing_packet> packets;
    while (client_.take_packets(packets, now_)) {
      holds(packets.size() < 5000, "sending comes to an end");
    }
    settle();
    for (auto& packet : packets) {
      const auto opened = open(client_.key(), side::client, packet.octets);
      holds(opened.status == open_status::ok, "what is sent can be opened");
      holds(opened.header.session_id == client_.session_id(), "in the session that there is");
      holds((number(opened.header.id) & 3) == 0, "with a client's id");
      holds(opened.header.id > newest_sent_, "ids rise");
      newest_sent_ = opened.header.id;
      old_session_ = opened.header.session_id;
      token_ = opened.token;
      note(opened);
    }
    holds(client_.next_deadline() > now_, "nothing is due any more");
  }

  void note(const opening& packet) {
    if (constructor_of(packet.body) != ids::msg_container) {
      sent_.add(packet.header.id);
      return;
    }
    const auto items = read_container(packet.body);
    holds(items.has_value() && !items->empty(), "containers are well formed");
    for (const auto& item : *items) {
      holds(constructor_of(item.body) != ids::msg_container, "and not within each other");
      holds(item.id < packet.header.id, "members come before their container");
      sent_.add(item.id);
    }
    sent_.add(packet.header.id);
  }

  steady_time now_ = fuzz::steady_start;
  std::shared_ptr<seeded_random> random_ = fuzz::repeatable(6);
  bool padded_;
  client_session client_;
  std::uint64_t submitted_ = 0;
  std::set<request_id> open_;
  fuzz::known_ids sent_;
  msg_id newest_sent_{};
  msg_id_source ids_;
  msg_id last_{};
  std::int32_t count_ = 0;
  bytes last_packet_;
  std::uint64_t old_session_ = 0;
  std::uint32_t token_ = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in{data, size};
  play all{in.octet()};
  for (int i = 0; i < 300 && !in.empty(); ++i) {
    all.step(in);
  }
  all.end();
  return 0;
}
