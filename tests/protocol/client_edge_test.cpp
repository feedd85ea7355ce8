#include <cafegram/protocol/gzip.hpp>

#include <limits>

#include "puppet.hpp"

namespace cafegram::protocol {
namespace {

using namespace std::chrono_literals;
using test::puppet;

bytes introduced(std::uint32_t number) {
  bytes out(8, 'i');
  append(out, puppet::query(number));
  return out;
}

// -- what is refused -------------------------------------------------------------------------

TEST(client_edges, a_container_is_known_as_long_as_its_requests_are_open) {
  puppet p{{.container_octets = 100}};
  p.take();
  constexpr std::uint32_t count = 1500;
  for (std::uint32_t i = 0; i < count; ++i) {
    p.ask(i);
  }
  const auto sent = p.take_calls();
  ASSERT_EQ(sent.size(), count);
  ASSERT_GT(p.packet_sizes.size(), 256U);
  ASSERT_TRUE(sent[0].contained);
  p.refuse(sent[0].packet.id, 48, 77);
  const auto again = p.take_calls();
  ASSERT_FALSE(again.empty());
  EXPECT_EQ(again[0].body, sent[0].body);
}

TEST(client_edges, refused_acknowledgements_do_not_wait_for_company) {
  puppet p;
  p.take();
  p.send(puppet::query(1));
  p.clock.advance(5s);
  const auto acks = p.take(ids::msgs_ack);
  ASSERT_EQ(acks.size(), 1U);
  p.refuse(acks[0].id, 48, 77);
  const auto again = p.take(ids::msgs_ack);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].body, acks[0].body);
}

TEST(client_edges, code_20_and_never_received_do_not_go_round_for_ever) {
  puppet p{{.max_resends = 3}};
  p.take();
  p.ask(1);
  auto call = p.take_query(1);
  int rounds = 0;
  for (; p.client.under_way() != 0 && rounds < 50; ++rounds) {
    p.refuse(call.id, 20);
    const auto question = p.take(ids::msgs_state_req);
    if (question.empty()) {
      break;
    }
    p.send(write_state_info(question[0].id, bytes{2}), {.content = false});
    call = p.take_query(1);
  }
  EXPECT_EQ(rounds, 3);
  EXPECT_EQ(p.failure().code, errc::protocol_violation);
}

// -- a session that begins anew --------------------------------------------------------------

TEST(client_edges, a_session_lost_during_a_connection_may_have_run_what_was_not_acknowledged) {
  for (const bool announced : {false, true}) {
    puppet p;
    p.take();
    if (announced) {
      p.send(write_new_session({msg_id{4}, 1, 1}));
    } else {
      p.send(puppet::query(9)); // so there is a session
    }
    p.ask(1);
    p.ask(2, {.may_repeat = true});
    p.take();
    p.clock.advance(1s);
    p.ask(3);
    p.send(write_new_session({p.take_query(3).id, 2, 1}));
    const auto again = p.take_calls();
    ASSERT_EQ(again.size(), 1U);
    EXPECT_EQ(again[0].body, puppet::query(2));
    EXPECT_EQ(p.failure().code, errc::unknown_outcome);
  }
}

TEST(client_edges, a_refused_salt_is_no_sign_of_a_session) {
  puppet p;
  p.take();
  p.ask(1);
  const auto first = p.take_query(1);
  p.ask(2);
  p.take_query(2);
  p.refuse(first.id, 48, 77);
  const auto second = p.take_query(1);
  p.send(write_new_session({second.id, 1, 77}));
  EXPECT_EQ(p.take_query(2).body, puppet::query(2)); // was refused as well
  EXPECT_TRUE(p.events<request_failed>().empty());
}

TEST(client_edges, an_answer_from_an_earlier_connection_introduces_nothing) {
  puppet p;
  p.client.introduce_with(bytes(8, 'i'));
  p.ask(1);
  const auto sent = p.take().back();
  ASSERT_EQ(sent.body, introduced(1));
  p.reconnect();
  p.take();
  p.answer(sent.id);
  p.ask(2);
  EXPECT_EQ(p.take().back().body, introduced(2));
}

TEST(client_edges, a_new_session_is_introduced) {
  puppet p;
  p.client.introduce_with(bytes(8, 'i'));
  p.ask(1);
  p.answer(p.take().back().id);
  p.ask(2);
  p.refuse(p.take_query(2).id, 33);
  EXPECT_EQ(p.take_calls().back().body, introduced(2));
}

// -- what comes again ------------------------------------------------------------------------

TEST(client_edges, the_members_of_a_repeated_container_are_acknowledged_again) {
  puppet p{{.ack_count = 1}};
  p.take();
  const auto first = puppet::query(1);
  const auto second = puppet::query(2);
  const auto quiet = puppet::query(3);
  const std::vector<container_item> items{
      {p.next_id(), 1, first}, {p.next_id(), 3, second}, {p.next_id(), 4, quiet}};
  auto packet = p.packet(write_container(items), {.content = false});
  auto again = packet;
  p.client.receive(packet, p.now());
  EXPECT_EQ(p.events<update_arrived>().size(), 3U);
  const std::vector content{items[0].id, items[1].id};
  auto acks = p.take(ids::msgs_ack);
  ASSERT_EQ(acks.size(), 1U);
  EXPECT_EQ(read_ids(acks[0].body), content);
  p.client.receive(again, p.now());
  EXPECT_TRUE(p.events<update_arrived>().empty());
  acks = p.take(ids::msgs_ack);
  ASSERT_EQ(acks.size(), 1U);
  EXPECT_EQ(read_ids(acks[0].body), content);
}

TEST(client_edges, an_answer_sent_again_settles_its_request_however_old_its_id_is) {
  puppet p;
  p.take();
  const auto old = p.next_id();
  p.ask(1);
  const auto call = p.take_query(1);
  for (int i = 0; i < 1000; ++i) {
    p.send(puppet::query(2));
  }
  const auto answer = puppet::result_of(call.id, puppet::query(7));
  const auto update = puppet::query(3);
  p.events<update_arrived>();
  const std::vector<container_item> items{{old, 1, answer}, {msg_id{number(old) + 4}, 3, update}};
  p.send(write_container(items), {.content = false});
  EXPECT_FALSE(p.broken());
  EXPECT_EQ(p.events<request_answered>().size(), 1U);
  p.send(write_container(items), {.content = false});
  EXPECT_TRUE(p.events<request_answered>().empty());
}

TEST(client_edges, acknowledgements_outlive_their_connection) {
  puppet p;
  p.take();
  p.send(puppet::query(1));
  p.reconnect();
  const auto acks = p.take(ids::msgs_ack);
  ASSERT_EQ(acks.size(), 1U);
  EXPECT_EQ(read_ids(acks[0].body), std::vector{p.last_sent});
}

TEST(client_edges, an_answer_that_nobody_waits_for_is_acknowledged_not_fetched) {
  puppet p{{.ack_count = 1}};
  p.take();
  auto info = write_longs(ids::msg_detailed_info, {4, 12'345});
  append(info, bytes{9, 0, 0, 0, 0, 0, 0, 0});
  p.send(info, {.content = false});
  const auto sent = p.take();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].constructor(), ids::msgs_ack);
  EXPECT_EQ(read_ids(sent[0].body), std::vector{msg_id{12'345}});
}

TEST(client_edges, what_was_to_follow_a_request_follows_nothing_once_that_is_answered) {
  puppet p;
  p.take();
  p.ask(1);
  p.ask(2, {.after = {request_id{1}}});
  const auto sent = p.take_calls();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[1].constructor(), ids::invoke_after_msg);
  p.answer(sent[0].id);
  p.refuse(sent[1].id, 48, 77);
  p.take_query(2);
}

// -- time ------------------------------------------------------------------------------------

TEST(client_edges, a_socket_that_takes_nothing_more_is_found_dead) {
  puppet p;
  p.take();
  p.client.heard();
  p.clock.advance(60s);
  p.client.poll(p.now());
  p.clock.advance(p.client.next_deadline() - p.now());
  p.client.poll(p.now()); // nobody could take the ping meanwhile
  EXPECT_TRUE(p.broken());
}

TEST(client_edges, a_slow_socket_is_not_dead) {
  puppet p;
  p.take();
  p.client.heard();
  p.clock.advance(60s);
  p.client.poll(p.now());
  for (int i = 0; i < 3; ++i) {
    p.clock.advance(14s); // the ping waits behind a long upload
    p.client.poll(p.now());
    EXPECT_FALSE(p.broken());
    p.client.drained();
  }
  EXPECT_EQ(p.take(ids::ping_delay_disconnect).size(), 1U);
  p.client.drained(); // the ping itself: the answer is what counts now
  p.clock.advance(14s);
  p.client.poll(p.now());
  EXPECT_FALSE(p.broken());
  p.clock.advance(1s);
  p.client.poll(p.now());
  EXPECT_TRUE(p.broken());
}

TEST(client_edges, pings_more_frequent_than_patience_do_not_hide_a_dead_connection) {
  puppet p{{.ping_interval = 10s, .dead_after = 15s}};
  p.take();
  const auto begin = p.now();
  while (!p.broken() && p.now() < begin + 60s) {
    p.clock.advance(p.client.next_deadline() - p.now());
    p.client.poll(p.now());
    p.take();
  }
  EXPECT_EQ(p.now() - begin, 15s);
}

TEST(client_edges, ids_rise_also_at_the_end_of_time) {
  msg_id_source source;
  const auto end = std::chrono::seconds{std::numeric_limits<std::int32_t>::max()} + 999'999'999ns;
  auto last = source.next(end, 0);
  for (int i = 0; i < 100; ++i) {
    const auto next = source.next(end, 0);
    ASSERT_GT(next, last);
    ASSERT_EQ(number(next) % 4, 0);
    last = next;
  }
}

// -- size ------------------------------------------------------------------------------------

TEST(client_edges, a_request_beyond_all_bounds_is_not_even_compressed) {
  puppet p{{.max_unpacked = 1U << 20}};
  const bytes large((1U << 20) + 4, 0); // compressed it would fit
  const auto taken = p.client.submit(request_id{1}, large, {});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, errc::limit);
  EXPECT_TRUE(p.client.submit(request_id{1}, bytes(1U << 20, 0), {}));
}

bytes packed(std::size_t octets) {
  return *gzip_pack(puppet::query(1, octets / 4));
}

TEST(client_edges, a_packet_unpacks_to_no_more_than_one_message_may) {
  puppet p{{.max_unpacked = 1U << 20}};
  p.take();
  for (int round = 0; round < 2; ++round) { // the next packet begins anew
    p.send_container(std::vector<bytes>(20, packed(400'000)));
    EXPECT_EQ(p.events<update_arrived>().size(), 2U);
  }
  // Answers count as well.
  std::vector<bytes> answers;
  for (std::uint32_t i = 1; i <= 5; ++i) {
    p.ask(i);
    answers.push_back(puppet::result_of(p.take_query(i).id, packed(400'000)));
  }
  p.send_container(answers);
  EXPECT_EQ(p.events<request_answered>().size(), 2U);
  EXPECT_EQ(p.events<request_failed>().size(), 3U);
}

} // namespace
} // namespace cafegram::protocol
