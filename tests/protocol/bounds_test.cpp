#include <cafegram/protocol/exchange_messages.hpp>
#include <cafegram/protocol/server_session.hpp>

#include "puppet.hpp"

namespace cafegram::protocol {
namespace {

using namespace std::chrono_literals;
using test::puppet;

// What a side is told to remember, it remembers up to a bound, however often it is told.

void send_many(puppet& p, std::size_t count, const bytes& body) {
  for (std::size_t i = 0; i < count; i += 1000) {
    p.send_container(std::vector<bytes>(1000, body));
  }
}

std::size_t ids_in(puppet& p, std::uint32_t constructor) {
  std::size_t out = 0;
  const auto sent = p.take(constructor);
  for (const auto& message : sent) {
    out += read_ids(message.body)->size();
  }
  return out;
}

TEST(client_bounds, acknowledgements) {
  puppet p;
  p.take();
  send_many(p, 10'000, puppet::query(1));
  EXPECT_EQ(ids_in(p, ids::msgs_ack), max_ids);
}

TEST(client_bounds, answers_to_be_fetched) {
  puppet p;
  p.take();
  auto info = write_longs(ids::msg_new_detailed_info, {12'345});
  append(info, bytes{9, 0, 0, 0, 0, 0, 0, 0});
  send_many(p, 10'000, info);
  EXPECT_EQ(ids_in(p, ids::msg_resend_req), max_ids);
}

TEST(client_bounds, answers_to_the_servers_questions) {
  puppet p;
  p.take();
  send_many(p, 1000, write_ids(ids::msgs_state_req, std::vector{msg_id{4}}));
  EXPECT_EQ(p.take(ids::msgs_state_info).size(), 16U);
}

TEST(client_bounds, announced_sessions) {
  puppet p;
  p.take();
  for (std::int64_t i = 0; i < 33; ++i) {
    p.send(write_new_session({msg_id{4}, i, 1}));
  }
  EXPECT_EQ(p.events<server_session_created>().size(), 33U);
  p.send(write_new_session({msg_id{4}, 1, 1}));
  EXPECT_TRUE(p.events<server_session_created>().empty()); // of the last 32
  p.send(write_new_session({msg_id{4}, 0, 1}));
  EXPECT_EQ(p.events<server_session_created>().size(), 1U); // forgotten
}

TEST(client_bounds, quick_acknowledgements) {
  puppet p;
  p.take();
  std::vector<std::uint32_t> tokens;
  for (std::uint32_t i = 0; i < 65; ++i) {
    p.ask(i, {.quick_ack = true});
    p.take();
    tokens.push_back(p.last_token);
  }
  p.client.quick_acked(tokens[0]);
  EXPECT_TRUE(p.events<request_received>().empty());
  p.client.quick_acked(tokens[1]);
  EXPECT_EQ(p.events<request_received>().size(), 1U);
}

TEST(client_bounds, service_messages) {
  puppet p;
  const auto first = p.take(ids::ping_delay_disconnect).at(0).id;
  msg_id last{};
  for (int i = 0; i < 256; ++i) {
    p.client.heard();
    p.clock.advance(60s);
    p.client.poll(p.now());
    last = p.take(ids::ping_delay_disconnect).at(0).id;
  }
  const auto ignored = p.client.counters().ignored;
  p.send(write_longs(ids::pong, {number(last), 1}), {.content = false});
  EXPECT_EQ(p.client.counters().ignored, ignored);
  p.send(write_longs(ids::pong, {number(first), 1}), {.content = false});
  EXPECT_EQ(p.client.counters().ignored, ignored + 1);
}

TEST(client_bounds, containers_whose_requests_are_settled) {
  puppet p;
  p.take();
  std::vector<msg_id> containers;
  for (std::uint32_t i = 0; i < 200; i += 2) {
    p.ask(i);
    p.ask(i + 1);
    const auto sent = p.take_calls();
    ASSERT_EQ(sent.size(), 2U);
    containers.push_back(sent[0].packet.id);
    p.answer(sent[0].id);
    p.answer(sent[1].id);
  }
  p.refuse(containers.front(), 48, 98);
  EXPECT_TRUE(p.events<salt_changed>().empty());
  p.refuse(containers.back(), 48, 99);
  EXPECT_EQ(p.events<salt_changed>().size(), 1U);
}

TEST(client_bounds, salts) {
  puppet p;
  const auto asked = p.take(ids::get_future_salts).at(0).id;
  std::vector<future_salt> salts;
  for (std::int32_t i = 0; i < 1000; ++i) {
    salts.push_back({i, 2'000'000'000, 5});
  }
  p.send(write_future_salts({asked, 0, salts}), {.content = false});
  EXPECT_EQ(p.client.salts().later().size(), 64U);
}

/// A server's session, and a client that asks without end and reads nothing.
struct flooded {
  void send(const std::vector<bytes>& bodies) {
    const auto time = std::chrono::duration_cast<duration>(clock.wall_now().time_since_epoch());
    std::vector<container_item> items;
    for (const auto& body : bodies) {
      items.push_back({source.next(time, 0), 1, body});
    }
    const auto container = write_container(items);
    const message_header header{
        .salt = salts->at(time), .session_id = 77, .id = source.next(time, 0), .seqno = 2};
    auto packet = seal(key, side::client, {header, container}, *random).octets;
    EXPECT_TRUE(server.receive(open(key, side::client, packet), clock.wall_now()));
  }

  std::size_t count(std::uint32_t constructor) {
    std::size_t out = 0;
    bytes packet;
    while (server.take_packet(packet, clock.wall_now())) {
      const auto opened = open(key, side::server, packet);
      const auto items = read_container(opened.body).value_or(std::vector<container_item>{});
      for (const auto& item : items) {
        out += constructor_of(item.body) == constructor ? 1 : 0;
      }
    }
    return out;
  }

  manual_clock clock;
  std::shared_ptr<seeded_random> random = std::make_shared<seeded_random>(5);
  auth_key key = test::some_key();
  std::shared_ptr<server_salts> salts = std::make_shared<server_salts>(key);
  msg_id_source source;
  server_session server{key, 77, 1234, salts, random};
};

TEST(server_bounds, calls_that_are_not_answered) {
  flooded f;
  for (int i = 0; i < 5; ++i) {
    f.send(std::vector<bytes>(1000, puppet::query(1)));
  }
  EXPECT_EQ(f.server.open_calls(), 4096U);
  EXPECT_EQ(f.count(ids::rpc_result), 5000U - 4096U); // each refused one hears of it
}

TEST(server_bounds, replies_that_are_not_taken) {
  flooded f;
  for (int i = 0; i < 5; ++i) {
    f.send(std::vector<bytes>(1000, write_ping(1, 75)));
  }
  EXPECT_EQ(f.count(ids::pong), 4096U);
}

TEST(exchange_bounds, pq_has_one_to_eight_octets) {
  for (std::size_t size = 0; size <= 9; ++size) {
    tl::writer out;
    out.u32(0x05162463);
    out.i128({});
    out.i128({});
    out.byte_string(bytes(size, 1));
    out.vector_header(true, 1);
    out.i64(5);
    EXPECT_EQ(exchange::read_res_pq(out.view()).has_value(), size >= 1 && size <= 8) << size;
  }
}

} // namespace
} // namespace cafegram::protocol
