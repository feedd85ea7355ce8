#pragma once

#include <cafegram/protocol/envelope.hpp>
#include <cafegram/protocol/session.hpp>

#include <utility>
#include <vector>

#include "messages.hpp"

/// What the fuzzers of both sides' sessions share: they play the other side, which has the key and
/// sends any sequence of messages, step by step.
namespace cafegram::fuzz {

/// Ids and sequence numbers of the side that is played.
class message_numbers {
public:
  /// The lowest bits of ids that are out of time, late and early.
  message_numbers(unsigned late, unsigned early)
    : late_{late}
    , early_{early} {}

  /// `which`: 5 is `last` again, 6 too late, 7 too early, any other the next one with these bits.
  protocol::msg_id id(unsigned which, protocol::msg_id last, duration time, unsigned bits) {
    switch (which & 7) {
    case 5:
      return last;
    case 6:
      return protocol::msg_id_source{}.next(time - 400s, late_);
    case 7:
      return protocol::msg_id_source{}.next(time + 100s, early_);
    default:
      return ids_.next(time, bits);
    }
  }
  std::int32_t seqno(bool content) { return content ? 2 * count_++ + 1 : 2 * count_; }

private:
  unsigned late_;
  unsigned early_;
  protocol::msg_id_source ids_;
  std::int32_t count_ = 0;
};

/// `count:u8 (each:u8 body)*`, at most 15: a container. `number` makes id and sequence number from
/// `each`, `added` hears of each id behind its body.
template <class Number, class Added>
bytes read_items(input& in, const known_ids& known, Number number, Added added) {
  std::vector<bytes> bodies;
  std::vector<protocol::container_item> items;
  const auto count = in.octet() & 15;
  for (int i = 0; i < count && !in.empty(); ++i) {
    const auto [id, seqno] = number(in.octet());
    bodies.push_back(read_body(in, known));
    items.push_back({.id = id, .seqno = seqno, .body = {}});
    added(id);
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    items[i].body = bodies[i];
  }
  return protocol::write_container(items);
}

/// What the session under test has sent, as the other side opens it.
inline protocol::opening opened_packet(const protocol::auth_key& key, protocol::side from,
                                       std::uint64_t session, mutable_bytes_view packet) {
  auto out = protocol::open(key, from, packet);
  holds(out.status == protocol::open_status::ok, "what is sent can be opened");
  holds(out.header.session_id == session, "in the session that there is");
  return out;
}

/// The ids of the messages in a packet's container; none where it is one message.
inline std::vector<protocol::msg_id> members_of(const protocol::opening& packet) {
  std::vector<protocol::msg_id> out;
  if (protocol::constructor_of(packet.body) != protocol::ids::msg_container) {
    return out;
  }
  const auto items = protocol::read_container(packet.body);
  holds(items.has_value() && !items->empty(), "containers are well formed");
  for (const auto& item : *items) {
    holds(protocol::constructor_of(item.body) != protocol::ids::msg_container,
          "and not within each other");
    holds(item.id < packet.header.id, "members come before their container");
    out.push_back(item.id);
  }
  return out;
}

/// `setup:u8 step*`: plays them, and ends the play where it has an end.
template <class Play>
int run(const std::uint8_t* data, std::size_t size) {
  constexpr int most_steps = 300;
  input in{data, size};
  Play all{in.octet()};
  for (int i = 0; i < most_steps && !in.empty(); ++i) {
    all.step(in);
  }
  if constexpr (requires { all.end(); }) {
    all.end();
  }
  return 0;
}

} // namespace cafegram::fuzz
