#pragma once

#include <cafegram/protocol/envelope.hpp>
#include <cafegram/protocol/service.hpp>
#include <cafegram/protocol/session.hpp>

#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

#include "kit.hpp"

namespace cafegram::protocol::test {

using namespace std::chrono_literals;

/// A message that the puppet got from the client.
struct got_message {
  msg_id id{};
  std::int32_t seqno = 0;
  bytes body;
  message_header packet;
  bool contained = false;

  std::uint32_t constructor() const { return constructor_of(body); }
};

struct sending {
  bool content = true;
  bool is_answer = true;
  duration time_off{};
  std::optional<std::uint64_t> session{};
  std::optional<msg_id> id{};
};

/// A server that does exactly what the test says, and the client that it does it to.
class puppet {
public:
  explicit puppet(session_options options = {}, duration client_ahead = {})
    : client{key, salt_list{1},
             server_clock{clock.steady_now(), clock.wall_now() + client_ahead, true}, random,
             options} {
    client.connected(now());
  }

  steady_time now() const { return clock.steady_now(); }
  duration unix_time() const {
    return std::chrono::duration_cast<duration>(clock.wall_now().time_since_epoch());
  }

  static bytes query(std::uint32_t number, std::size_t words = 0) {
    bytes out(8 + 4 * words, 'q');
    const std::uint32_t constructor = 0x22222222;
    std::memcpy(out.data(), &constructor, 4);
    std::memcpy(out.data() + 4, &number, 4);
    return out;
  }

  /// Submits request `number`, whose body is `query(number)`.
  void ask(std::uint32_t number, const request_options& options = {}) {
    const auto taken = client.submit(request_id{number}, query(number), options);
    EXPECT_TRUE(taken) << taken.error().what;
  }

  /// What the client sends now, out of its containers.
  std::vector<got_message> take() {
    std::vector<outgoing_packet> packets;
    while (client.take_packets(packets, now())) {
    }
    std::vector<got_message> out;
    packet_sizes.clear();
    for (auto& packet : packets) {
      packet_sizes.push_back(packet.octets.size());
      const auto opened = open(key, side::client, packet.octets);
      EXPECT_EQ(opened.status, open_status::ok);
      last_token = opened.token;
      last_quick_ack = packet.quick_ack;
      if (constructor_of(opened.body) != ids::msg_container) {
        out.push_back(
            {opened.header.id, opened.header.seqno, to_bytes(opened.body), opened.header});
        continue;
      }
      const auto items = read_container(opened.body);
      EXPECT_TRUE(items);
      for (const auto& item : *items) {
        EXPECT_LT(item.id, opened.header.id);
        out.push_back({item.id, item.seqno, to_bytes(item.body), opened.header, true});
      }
    }
    return out;
  }

  /// Of what the client sends, the requests.
  std::vector<got_message> take_calls() {
    auto all = take();
    std::erase_if(all, [](const got_message& m) { return (m.seqno & 1) == 0; });
    return all;
  }

  /// Of what the client sends, the messages of one constructor.
  std::vector<got_message> take(std::uint32_t constructor) {
    auto all = take();
    std::erase_if(all, [&](const got_message& m) { return m.constructor() != constructor; });
    return all;
  }

  /// The message that carries request `number`; fails the test when it is not among what is sent.
  got_message take_query(std::uint32_t number) {
    for (auto& message : take()) {
      if (message.body == query(number)) {
        return message;
      }
    }
    ADD_FAILURE() << "request " << number << " was not sent";
    return {};
  }

  msg_id next_id(const sending& how = {}) {
    return how.id ? *how.id : source.next(unix_time() + how.time_off, how.is_answer ? 1U : 3U);
  }

  /// Encrypts a message as the server does.
  bytes packet(bytes_view body, const sending& how = {}) {
    const message_header header{.salt = 1,
                                .session_id = how.session.value_or(client.session_id()),
                                .id = next_id(how),
                                .seqno = how.content ? 2 * count++ + 1 : 2 * count};
    last_sent = header.id;
    return seal(key, side::server, {header, body}, *random).octets;
  }

  void send(bytes_view body, const sending& how = {}) {
    auto octets = packet(body, how);
    client.receive(octets, now());
  }

  /// Sends messages in one container.
  void send_container(const std::vector<bytes>& bodies) {
    std::vector<container_item> items;
    for (const auto& body : bodies) {
      items.push_back({next_id(), 2 * count++ + 1, body});
    }
    inner_ids.clear();
    for (const auto& item : items) {
      inner_ids.push_back(item.id);
    }
    send(write_container(items), {.content = false, .is_answer = false});
  }

  static bytes result_of(msg_id call, bytes_view body) {
    auto out = write_longs(ids::rpc_result, {number(call)});
    append(out, body);
    return out;
  }

  void answer(msg_id call, bytes_view body = query(7)) { send(result_of(call, body)); }

  void refuse(msg_id bad, std::int32_t code, std::optional<std::uint64_t> salt = {},
              const sending& how = {.content = false}) {
    send(write_bad_message({bad, 0, code, salt}), how);
  }

  void reconnect() {
    client.disconnected();
    client.connected(now());
  }

  /// All events of a kind; the others are kept for later calls.
  template <class T>
  std::vector<T> events() {
    while (auto event = client.next_event()) {
      pending.push_back(*std::move(event));
    }
    std::vector<T> out;
    std::erase_if(pending, [&](session_event& event) {
      if (auto* found = std::get_if<T>(&event)) {
        out.push_back(std::move(*found));
        return true;
      }
      return false;
    });
    return out;
  }

  bool broken() { return !events<must_reconnect>().empty(); }

  /// The one failure that there must be.
  error failure() {
    const auto all = events<request_failed>();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? error{} : all.front().why;
  }

  manual_clock clock;
  std::shared_ptr<seeded_random> random = std::make_shared<seeded_random>(5);
  auth_key key = some_key();
  client_session client;
  msg_id_source source;
  std::int32_t count = 0;
  msg_id last_sent{};
  std::vector<msg_id> inner_ids;
  std::vector<std::size_t> packet_sizes;
  std::uint32_t last_token = 0;
  bool last_quick_ack = false;
  std::vector<session_event> pending;
};

} // namespace cafegram::protocol::test
