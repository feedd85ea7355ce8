// For: protocol/client_session.cpp protocol/client_receive.cpp protocol/client_service.cpp
//      protocol/client_send.cpp protocol/client_binding.cpp protocol/request_table.cpp
//      protocol/received_ids.cpp protocol/server_clock.cpp
#include <set>
#include <vector>

#include "play.hpp"

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
      client_.introduce_with(bytes(std::size_t{4} * (in.octet() & 7U), 'i'));
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
    return numbers_.id(how >> 2, last_, time, (how & 1) != 0 ? 1U : 3U);
  }

  void submit(fuzz::input& in) {
    const auto how = in.octet();
    request_options options{
        .may_repeat = (how & 1) != 0, .gzip = (how & 2) != 0, .quick_ack = (how & 4) != 0};
    if ((how & 8) != 0) {
      options.deadline = now_ + std::chrono::milliseconds{in.number<std::uint16_t>()};
    }
    if ((how & 16) != 0) {
      const auto last = in.octet() % (submitted_ + 1U);
      options.after = {request_id{last}};
      if ((how & 64) != 0) {
        options.after.push_back(request_id{last / 2});
      }
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

  std::int32_t next_seqno(std::uint8_t how) { return numbers_.seqno((how & 2) != 0); }

  void send(bytes_view body, std::uint8_t how) {
    deliver(next_id(how), next_seqno(how), body, how);
  }

  void send_container(fuzz::input& in) {
    const auto how = in.octet();
    auto body = fuzz::read_items(
        in, sent_, [this](std::uint8_t each) { return std::pair{next_id(each), next_seqno(each)}; },
        [](msg_id) {});
    if ((how & 1) != 0) {
      body = fuzz::packed(std::move(body));
    }
    deliver(next_id(0), numbers_.seqno(false), body, how & 0x7f);
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
        changed[(std::size_t{octet} * 7) % changed.size()] ^= octet;
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
      const auto opened =
          fuzz::opened_packet(client_.key(), side::client, client_.session_id(), packet.octets);
      holds((number(opened.header.id) & 3) == 0, "with a client's id");
      holds(opened.header.id > newest_sent_, "ids rise");
      newest_sent_ = opened.header.id;
      old_session_ = opened.header.session_id;
      token_ = opened.token;
      for (const auto id : fuzz::members_of(opened)) {
        sent_.add(id);
      }
      sent_.add(opened.header.id);
    }
    holds(client_.next_deadline() > now_, "nothing is due any more");
  }

  steady_time now_ = fuzz::steady_start;
  std::shared_ptr<seeded_random> random_ = fuzz::repeatable(6);
  bool padded_;
  client_session client_;
  std::uint64_t submitted_ = 0;
  std::set<request_id> open_;
  fuzz::known_ids sent_;
  msg_id newest_sent_{};
  fuzz::message_numbers numbers_{1, 3};
  msg_id last_{};
  bytes last_packet_;
  std::uint64_t old_session_ = 0;
  std::uint32_t token_ = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run<play>(data, size);
}
