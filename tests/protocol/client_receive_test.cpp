#include "puppet.hpp"

namespace cafegram::protocol {
namespace {

using namespace std::chrono_literals;
using test::puppet;

// -- checks on receipt -----------------------------------------------------------------------

TEST(client_receipt, whatever_cannot_be_opened_ends_the_connection_alike) {
  const auto reaction = [](auto&& change) {
    puppet p;
    p.take();
    p.ask(1);
    p.take();
    auto packet = p.packet(puppet::query(1));
    change(packet);
    p.client.receive(packet, p.now());
    const auto broken = p.events<must_reconnect>();
    EXPECT_EQ(broken.size(), 1U);
    EXPECT_EQ(broken.front().why.code, errc::protocol_violation);
    EXPECT_TRUE(p.events<update_arrived>().empty());
    EXPECT_EQ(p.client.under_way(), 1U); // no request is lost
    p.send(puppet::query(2));            // nothing more is taken
    EXPECT_TRUE(p.events<update_arrived>().empty());
    p.reconnect();
    p.send(puppet::query(3));
    EXPECT_EQ(p.events<update_arrived>().size(), 1U);
  };
  reaction([](bytes& packet) { packet[0] ^= 1; });                   // auth_key_id
  reaction([](bytes& packet) { packet[9] ^= 1; });                   // msg_key
  reaction([](bytes& packet) { packet[60] ^= 1; });                  // content
  reaction([](bytes& packet) { packet.resize(71); });                // too short
  reaction([](bytes& packet) { packet.resize(packet.size() + 4); }); // not whole blocks
  reaction([](bytes& packet) { packet.clear(); });
}

TEST(client_receipt, the_padded_transports_octets_are_cut) {
  puppet p;
  p.client.connected(p.now(), true);
  p.take();
  const auto with_tail = [&p] {
    auto packet = p.packet(puppet::query(1));
    packet.resize(packet.size() + 3);
    return packet;
  };
  auto packet = with_tail();
  p.client.receive(packet, p.now());
  EXPECT_EQ(p.events<update_arrived>().size(), 1U);
  p.reconnect(); // over another transport
  packet = with_tail();
  p.client.receive(packet, p.now());
  EXPECT_TRUE(p.events<update_arrived>().empty());
  EXPECT_TRUE(p.broken());
}

TEST(client_receipt, a_message_of_another_session_is_refused) {
  puppet p;
  p.send(puppet::query(1), {.session = p.client.session_id() + 1});
  EXPECT_TRUE(p.broken());
  EXPECT_TRUE(p.events<update_arrived>().empty());
}

TEST(client_receipt, what_comes_for_any_session_that_was_left_ends_nothing) {
  puppet p;
  p.take();
  const auto first = p.client.session_id();
  p.ask(1);
  for (int n = 0; n < 3; ++n) {
    p.refuse(p.take_query(1).id, 33);
  }
  p.send(puppet::query(7), {.session = first});
  EXPECT_FALSE(p.broken());
  EXPECT_NE(p.client.session_id(), first);
  p.send(puppet::query(7), {.session = first + 1});
  EXPECT_TRUE(p.broken());
}

TEST(client_receipt, an_even_id_is_refused) {
  puppet p;
  p.send(puppet::query(1), {.id = msg_id{number(p.next_id()) & ~3LL}});
  EXPECT_TRUE(p.broken());
  EXPECT_TRUE(p.events<update_arrived>().empty());
}

TEST(client_receipt, a_message_from_outside_of_the_time_window_is_refused) {
  for (const auto off : {duration{-301s}, duration{31s}}) {
    puppet p;
    p.send(puppet::query(1), {.time_off = off});
    EXPECT_TRUE(p.broken());
    EXPECT_TRUE(p.events<update_arrived>().empty());
  }
  for (const auto off : {duration{-299s}, duration{29s}}) {
    puppet p;
    p.send(puppet::query(1), {.time_off = off});
    EXPECT_FALSE(p.broken());
    EXPECT_EQ(p.events<update_arrived>().size(), 1U);
  }
}

TEST(client_receipt, before_the_clock_is_synchronised_any_time_is_taken) {
  puppet p;
  p.take();
  p.reconnect(); // the machine may have slept
  p.send(puppet::query(1), {.time_off = 2h});
  EXPECT_EQ(p.events<update_arrived>().size(), 1U);
  EXPECT_FALSE(p.client.clock().synchronised());
  const auto pinged = p.take(ids::ping_delay_disconnect);
  ASSERT_EQ(pinged.size(), 1U);
  p.send(write_longs(ids::pong, {number(pinged[0].id), 1}), {.content = false, .time_off = 2h});
  EXPECT_TRUE(p.client.clock().synchronised());
  EXPECT_LT(std::chrono::abs(p.client.clock().unix_time(p.now()) - p.unix_time() - 2h), 1s);
  p.send(puppet::query(2), {.time_off = 3h});
  EXPECT_TRUE(p.broken());
}

TEST(client_receipt, what_corrects_salt_or_clock_is_taken_at_any_time) {
  puppet p;
  p.take();
  p.ask(1);
  const auto sent = p.take_query(1);
  p.refuse(sent.id, 16, {}, {.content = false, .time_off = 2h});
  EXPECT_FALSE(p.broken());
  EXPECT_LT(std::chrono::abs(time_of(p.take_query(1).id) - p.unix_time() - 2h), 1s);
}

TEST(client_receipt, inside_a_container_only_the_outer_id_is_held_to_the_window) {
  puppet p;
  const auto old = p.next_id({.time_off = -2h});
  const auto even = msg_id{number(p.next_id()) & ~3LL};
  p.send(write_container(
             std::vector<container_item>{{old, 1, puppet::query(1)}, {even, 3, puppet::query(2)}}),
         {.content = false});
  EXPECT_FALSE(p.broken());
  EXPECT_EQ(p.events<update_arrived>().size(), 1U); // the even one is dropped
}

TEST(client_receipt, a_message_is_taken_once_in_a_container_or_not) {
  puppet p;
  const auto id = p.next_id();
  p.send(puppet::query(1), {.id = id});
  const auto first = puppet::query(1);
  const auto second = puppet::query(2);
  const std::vector<container_item> twice{{id, 1, first}, {p.next_id(), 3, second}, {id, 1, first}};
  p.send(write_container(twice), {.content = false});
  EXPECT_EQ(p.events<update_arrived>().size(), 2U);
  EXPECT_EQ(p.client.counters().duplicates, 2U);
}

TEST(client_receipt, what_is_older_than_a_thousand_messages_is_refused) {
  puppet p;
  const auto first = p.next_id();
  for (int i = 0; i < 1000; ++i) {
    p.send(puppet::query(1));
  }
  EXPECT_FALSE(p.broken());
  p.send(puppet::query(1), {.id = first});
  EXPECT_TRUE(p.broken());
}

// -- the connection's life -------------------------------------------------------------------

TEST(client_life, pings_on_its_own_timer) {
  puppet p;
  auto pings = p.take(ids::ping_delay_disconnect);
  ASSERT_EQ(pings.size(), 1U); // the server learns of the session
  EXPECT_EQ(read_ping(pings[0].body)->delay, 75);
  p.client.heard();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(p.client.next_deadline(), p.now() + 60s);
    p.clock.advance(59s);
    p.client.poll(p.now());
    EXPECT_TRUE(p.take(ids::ping_delay_disconnect).empty());
    p.clock.advance(1s);
    p.client.poll(p.now());
    pings = p.take(ids::ping_delay_disconnect);
    ASSERT_EQ(pings.size(), 1U);
    p.send(write_longs(ids::pong, {number(pings[0].id), 1}), {.content = false});
  }
  EXPECT_FALSE(p.broken());
}

TEST(client_life, is_dead_after_fifteen_seconds_of_silence) {
  puppet p;
  p.take();
  p.clock.advance(14999ms);
  p.client.poll(p.now());
  EXPECT_FALSE(p.broken());
  p.clock.advance(1ms);
  p.client.poll(p.now());
  const auto broken = p.events<must_reconnect>();
  ASSERT_EQ(broken.size(), 1U);
  EXPECT_EQ(broken[0].why.code, errc::network);
}

TEST(client_life, half_a_frame_is_a_sign_of_life) {
  puppet p;
  p.take();
  p.clock.advance(10s);
  p.client.heard(); // no pong yet: a long download delays it
  p.clock.advance(10s);
  p.client.poll(p.now());
  EXPECT_FALSE(p.broken());
}

TEST(client_life, a_half_open_connection_is_found_within_80_seconds) {
  puppet p;
  p.take();
  p.client.heard();
  const auto silent_since = p.now();
  while (!p.broken() && p.now() < silent_since + 200s) {
    p.clock.advance(p.client.next_deadline() - p.now());
    p.client.poll(p.now());
    p.take();
  }
  EXPECT_LE(p.now() - silent_since, 80s);
}

TEST(client_life, disconnected_it_sends_and_takes_nothing) {
  puppet p;
  p.client.disconnected();
  p.ask(1);
  EXPECT_TRUE(p.take().empty());
  p.send(puppet::query(1));
  EXPECT_TRUE(p.events<update_arrived>().empty());
  p.client.connected(p.now());
  p.take_query(1);
}

// -- hostile ---------------------------------------------------------------------------------

bytes random_service(seeded_random& random, const std::vector<msg_id>& known) {
  constexpr std::uint32_t kinds[] = {
      ids::msg_container,
      ids::gzip_packed,
      ids::rpc_result,
      ids::msgs_ack,
      ids::bad_server_salt,
      ids::pong,
      ids::bad_msg_notification,
      ids::msgs_state_info,
      ids::msgs_state_req,
      ids::msgs_all_info,
      ids::msg_detailed_info,
      ids::msg_resend_req,
      ids::future_salts,
      ids::new_session_created,
      ids::destroy_auth_key_ok,
      ids::rpc_error,
      0x22222222,
  };
  bytes out = write_longs(kinds[random.next() % std::size(kinds)], {});
  const auto words = random.next() % 12;
  for (std::size_t i = 0; i < words; ++i) {
    const auto which = random.next() % 6;
    if (which < 3 && !known.empty()) {
      append(out,
             bytes_view{write_longs(0, {number(known[random.next() % known.size()])})}.subspan(4));
    } else if (which == 3) {
      append(out, write_longs(kinds[random.next() % std::size(kinds)], {}));
    } else if (which == 4) {
      append(out, write_longs(static_cast<std::uint32_t>(random.next() % 70), {}));
    } else {
      append(out, write_longs(static_cast<std::uint32_t>(random.next()), {}));
    }
  }
  return out;
}

/// A server with the right key that says anything: no crash, no loop, each request settled once.
TEST(client_hostile, survives_anything_under_the_right_key) {
  auto random = std::make_shared<seeded_random>(test::seed());
  for (int round = 0; round < 40; ++round) {
    puppet p;
    std::vector<msg_id> known;
    std::map<std::uint64_t, int> settled;
    std::uint32_t asked = 0;
    for (int i = 0; i < 300; ++i) {
      p.clock.advance(std::chrono::milliseconds{random->next() % 2000});
      p.ask(asked++, {.may_repeat = random->next() % 2 == 0, .deadline = p.now() + 60s});
      p.client.poll(p.now());
      std::vector<outgoing_packet> packets;
      int bursts = 0;
      while (p.client.take_packets(packets, p.now()) && ++bursts < 50) {
      }
      ASSERT_LT(bursts, 50);
      for (auto& packet : packets) {
        const auto opened = open(p.key, side::client, packet.octets);
        known.push_back(opened.header.id);
        for (const auto& item :
             read_container(opened.body).value_or(std::vector<container_item>{})) {
          known.push_back(item.id);
        }
      }
      if (known.size() > 100) {
        known.erase(known.begin(), known.end() - 100);
      }
      if (random->next() % 3 == 0) {
        p.send_container({random_service(*random, known), random_service(*random, known)});
      } else {
        p.send(random_service(*random, known));
      }
      if (p.broken()) {
        p.reconnect();
      }
      for (const auto& answer : p.events<request_answered>()) {
        ++settled[static_cast<std::uint64_t>(answer.id)];
      }
      for (const auto& failed : p.events<request_failed>()) {
        ++settled[static_cast<std::uint64_t>(failed.id)];
      }
      p.pending.clear();
    }
    ASSERT_EQ(settled.size() + p.client.under_way(), asked);
    for (const auto& [id, times] : settled) {
      ASSERT_EQ(times, 1);
    }
    p.clock.advance(61s);
    p.client.poll(p.now());
    ASSERT_EQ(p.client.under_way(), 0U);
  }
}

} // namespace
} // namespace cafegram::protocol
