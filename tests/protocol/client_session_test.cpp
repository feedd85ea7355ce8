#include <cafegram/protocol/gzip.hpp>
#include <cafegram/tl/codec.hpp>

#include "puppet.hpp"

namespace cafegram::protocol {
namespace {

using namespace std::chrono_literals;
using test::puppet;

TEST(client_session, packs_what_is_due_into_one_container) {
  puppet p;
  p.ask(1);
  p.ask(2);
  const auto sent = p.take();
  ASSERT_EQ(p.packet_sizes.size(), 1U);
  ASSERT_EQ(sent.size(), 4U); // ping, get_future_salts, two requests
  msg_id last{};
  for (const auto& message : sent) {
    EXPECT_TRUE(message.contained);
    EXPECT_GT(message.id, last);
    EXPECT_EQ(number(message.id) % 4, 0);
    EXPECT_NE(number(message.id) & 0xffffffff, 0);
    last = message.id;
  }
  EXPECT_EQ(sent[0].constructor(), ids::ping_delay_disconnect);
  EXPECT_EQ(sent[1].constructor(), ids::get_future_salts);
  EXPECT_EQ(sent[2].seqno, 1);
  EXPECT_EQ(sent[3].seqno, 3);
  EXPECT_EQ(sent[0].seqno % 2, 0);
  EXPECT_EQ(sent[3].packet.seqno, 4);
  EXPECT_TRUE(p.take().empty());
}

TEST(client_session, sends_a_message_alone_without_a_container) {
  puppet p;
  p.take();
  p.ask(1);
  const auto sent = p.take();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_FALSE(sent[0].contained);
  EXPECT_EQ(sent[0].seqno, 1);
}

TEST(client_session, fills_packets_to_about_32_kib) {
  puppet p;
  for (std::uint32_t i = 0; i < 200; ++i) {
    ASSERT_TRUE(
        p.client.submit(request_id{i}, puppet::query(i, 250), {.gzip = false})); // about 1 KiB
  }
  EXPECT_EQ(p.take().size(), 202U);
  ASSERT_GE(p.packet_sizes.size(), 6U);
  for (const auto size : p.packet_sizes) {
    EXPECT_LE(size, (32U << 10) + 400);
  }
}

TEST(client_session, never_puts_more_than_1020_messages_into_a_container) {
  puppet p;
  for (std::uint32_t i = 0; i < 3000; ++i) {
    p.ask(i);
  }
  std::vector<outgoing_packet> packets;
  while (p.client.take_packets(packets, p.now())) {
  }
  std::size_t messages = 0;
  for (auto& packet : packets) {
    const auto opened = open(p.key, side::client, packet.octets);
    const auto items = read_container(opened.body);
    ASSERT_TRUE(items);
    EXPECT_LE(items->size(), max_container_messages);
    messages += items->size();
  }
  EXPECT_EQ(messages, 3002U);
}

// The largest request that there may be, with what introduces it: only that can come so far.
TEST(client_session, never_puts_more_than_1044448_octets_into_a_container) {
  int together = 0;
  int alone = 0;
  for (std::size_t prefix = 44'000; prefix <= 44'448; prefix += 16) {
    puppet p; // has a ping and a question about salts to say too
    p.client.introduce_with(bytes(prefix, 'p'));
    ASSERT_TRUE(p.client.submit(request_id{1}, bytes(max_request_octets, 'x'), {.gzip = false}));
    std::vector<outgoing_packet> packets;
    while (p.client.take_packets(packets, p.now())) {
    }
    for (auto& packet : packets) {
      const auto opened = open(p.key, side::client, packet.octets);
      const bool has_it = opened.body.size() >= max_request_octets;
      if (constructor_of(opened.body) == ids::msg_container) {
        const auto items = opened.body.subspan(8); // behind constructor and count
        EXPECT_LE(items.size(), max_container_octets) << prefix;
        together += has_it ? 1 : 0;
      } else {
        alone += has_it ? 1 : 0;
      }
    }
  }
  EXPECT_GT(together, 0);
  EXPECT_GT(alone, 0);
  EXPECT_EQ(together + alone, 29);
}

TEST(client_session, a_large_request_goes_out_whole) {
  puppet p;
  ASSERT_TRUE(p.client.submit(request_id{1}, bytes(600'000, 'x'), {.gzip = false}));
  p.ask(2);
  const auto sent = p.take();
  ASSERT_EQ(p.packet_sizes.size(), 2U);
  EXPECT_EQ(sent.back().body, puppet::query(2));
}

TEST(client_session, refuses_requests_that_cannot_be) {
  puppet p{{.max_requests = 2}};
  EXPECT_EQ(p.client.submit(request_id{1}, {}, {}).error().code, errc::bad_argument);
  EXPECT_EQ(p.client.submit(request_id{1}, bytes(5), {}).error().code, errc::bad_argument);
  seeded_random random{1};
  EXPECT_EQ(p.client.submit(request_id{1}, test::random_octets(random, max_request_octets + 4), {})
                .error()
                .code,
            errc::limit);
  p.ask(1);
  EXPECT_EQ(p.client.submit(request_id{1}, puppet::query(1), {}).error().code, errc::bad_argument);
  p.ask(2);
  EXPECT_EQ(p.client.submit(request_id{3}, puppet::query(3), {}).error().code, errc::limit);
}

TEST(client_session, compresses_long_requests_but_not_file_parts) {
  puppet p;
  ASSERT_TRUE(p.client.submit(request_id{1}, puppet::query(1, 1000), {}));
  ASSERT_TRUE(p.client.submit(request_id{2}, puppet::query(2, 1000), {.gzip = false}));
  ASSERT_TRUE(p.client.submit(request_id{3}, puppet::query(3, 100), {}));
  const auto sent = p.take();
  ASSERT_EQ(sent.size(), 5U);
  EXPECT_EQ(sent[2].constructor(), ids::gzip_packed);
  EXPECT_EQ(gzip_unpack(*read_gzip(sent[2].body), 1 << 20), puppet::query(1, 1000));
  EXPECT_EQ(sent[3].body, puppet::query(2, 1000));
  EXPECT_EQ(sent[4].body, puppet::query(3, 100));
}

TEST(client_session, settles_a_request_with_its_result_once) {
  puppet p;
  p.ask(1);
  const auto sent = p.take_query(1);
  p.answer(sent.id, puppet::query(42));
  p.answer(sent.id, puppet::query(43));
  const auto answers = p.events<request_answered>();
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].body, puppet::query(42));
  EXPECT_EQ(p.client.under_way(), 0U);
  EXPECT_EQ(p.client.counters().unknown_results, 1U);
}

TEST(client_session, unpacks_results) {
  puppet p;
  p.ask(1);
  const auto sent = p.take_query(1);
  p.answer(sent.id, *gzip_pack(puppet::query(42, 1000)));
  const auto answers = p.events<request_answered>();
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].body, puppet::query(42, 1000));
}

TEST(client_session, gives_rpc_errors_typed) {
  puppet p;
  p.ask(1);
  p.answer(p.take_query(1).id, write_rpc_error(420, "FLOOD_WAIT_30"));
  const auto why = p.failure();
  EXPECT_EQ(why.code, errc::rpc);
  EXPECT_TRUE(why.is_rpc("FLOOD_WAIT"));
  EXPECT_EQ(why.rpc->value, 30);
}

TEST(client_session, a_result_that_cannot_be_read_is_a_typed_error) {
  puppet p;
  std::uint32_t number = 0;
  bytes broken_error = write_rpc_error(400, "SOMETHING_LONGER_THAN_IT_IS");
  broken_error.resize(12);
  for (const auto& body : {bytes{}, broken_error, bytes{0xa1, 0xcf, 0x72, 0x30, 3, 1, 2, 3}}) {
    p.ask(++number);
    p.answer(p.take_query(number).id, body);
    EXPECT_EQ(p.failure().code, errc::protocol_violation);
  }
}

TEST(client_session, bounds_what_gzip_unpacks_to) {
  puppet p{{.max_unpacked = 5000}};
  p.ask(1);
  const auto sent = p.take_query(1);
  p.answer(sent.id, *gzip_pack(bytes(6000, 'x')));
  EXPECT_EQ(p.failure().code, errc::protocol_violation);
  p.ask(2);
  p.ask(3);
  const auto both = p.take_calls();
  ASSERT_EQ(both.size(), 2U);
  // The bound is for all of a packet.
  p.send_container({puppet::result_of(both[0].id, *gzip_pack(puppet::query(1, 1000))),
                    puppet::result_of(both[1].id, *gzip_pack(puppet::query(1, 1000)))});
  EXPECT_EQ(p.events<request_answered>().size(), 1U);
  EXPECT_EQ(p.failure().code, errc::protocol_violation);
}

TEST(client_session, bounds_the_nesting_of_gzip) {
  puppet p;
  const auto wrap = [](bytes_view inner) { return *gzip_pack(inner); };
  bytes body = puppet::query(1, 1 << 18);
  for (int i = 0; i < 2; ++i) {
    body = wrap(body);
  }
  p.send(body);
  EXPECT_EQ(p.events<update_arrived>().size(), 1U);
  const auto nested = [](bytes_view inner) {
    bytes out{0xa1, 0xcf, 0x72, 0x30};
    // stored: a gzip of its own that does not shrink
    const auto size = static_cast<std::uint16_t>(inner.size());
    const auto inverse = static_cast<std::uint16_t>(~size);
    bytes packed{0x78, 0x01, 0x01};
    append(packed, as_bytes({reinterpret_cast<const char*>(&size), 2}));
    append(packed, as_bytes({reinterpret_cast<const char*>(&inverse), 2}));
    append(packed, inner);
    std::uint32_t a = 1;
    std::uint32_t b = 0;
    for (const auto octet : inner) {
      a = (a + octet) % 65521;
      b = (b + a) % 65521;
    }
    const auto sum = __builtin_bswap32(b << 16 | a);
    append(packed, as_bytes({reinterpret_cast<const char*>(&sum), 4}));
    out.push_back(static_cast<std::uint8_t>(packed.size()));
    append(out, packed);
    out.resize((out.size() + 3) / 4 * 4);
    return out;
  };
  body = puppet::query(1);
  for (int i = 0; i < 4; ++i) {
    body = nested(body);
  }
  p.send(body);
  EXPECT_EQ(p.events<update_arrived>().size(), 1U);
  p.send(nested(body));
  EXPECT_TRUE(p.events<update_arrived>().empty());
  EXPECT_EQ(p.client.counters().ignored, 1U);
}

TEST(client_session, hands_out_what_answers_nothing_as_an_update) {
  puppet p;
  p.send(puppet::query(5), {.is_answer = false});
  const auto updates = p.events<update_arrived>();
  ASSERT_EQ(updates.size(), 1U);
  EXPECT_EQ(updates[0].body, puppet::query(5));
}

TEST(client_session, drops_a_container_in_a_container) {
  puppet p;
  const auto inner =
      write_container(std::vector<container_item>{{p.next_id(), 1, puppet::query(1)}});
  p.send_container({inner, puppet::query(2)});
  EXPECT_EQ(p.events<update_arrived>().size(), 1U);
  EXPECT_EQ(p.client.counters().ignored, 1U);
  EXPECT_FALSE(p.broken());
}

TEST(client_session, a_cancelled_request_is_dropped_at_the_server) {
  puppet p;
  p.ask(1);
  p.ask(2);
  p.client.cancel(request_id{2}); // never sent: nothing to drop
  EXPECT_EQ(p.failure().code, errc::cancelled);
  const auto sent = p.take_query(1);
  p.client.cancel(request_id{1});
  EXPECT_EQ(p.failure().code, errc::cancelled);
  const auto drops = p.take(ids::rpc_drop_answer);
  ASSERT_EQ(drops.size(), 1U);
  EXPECT_EQ(read_long(drops[0].body), number(sent.id));
  EXPECT_EQ(drops[0].seqno % 2, 1);
  p.answer(drops[0].id, write_longs(ids::rpc_answer_dropped_running, {}));
  EXPECT_EQ(p.client.counters().unknown_results, 0U);
  p.answer(sent.id);
  EXPECT_EQ(p.client.counters().unknown_results, 1U);
  p.client.cancel(request_id{1});
  EXPECT_TRUE(p.events<request_failed>().empty());
  EXPECT_TRUE(p.events<request_answered>().empty());
}

TEST(client_session, a_deadline_ends_a_request_sent_or_not) {
  puppet p;
  p.ask(1, {.deadline = p.now() + 60s});
  p.take();
  p.client.disconnected();
  p.ask(2, {.deadline = p.now() + 30s});
  p.ask(3);
  EXPECT_EQ(p.client.next_deadline(), p.now() + 30s);
  p.clock.advance(30s);
  p.client.poll(p.now());
  EXPECT_EQ(p.failure().code, errc::deadline);
  p.clock.advance(30s);
  p.client.poll(p.now());
  EXPECT_EQ(p.failure().code, errc::deadline);
  p.clock.advance(24h);
  p.client.poll(p.now());
  EXPECT_EQ(p.client.under_way(), 1U); // no deadline: waits for ever
}

TEST(client_session, quick_acknowledgements_are_told) {
  puppet p;
  p.take();
  p.ask(1, {.quick_ack = true});
  p.take();
  EXPECT_TRUE(p.last_quick_ack);
  p.client.quick_acked(p.last_token + 1);
  EXPECT_TRUE(p.events<request_received>().empty());
  p.client.quick_acked(p.last_token);
  ASSERT_EQ(p.events<request_received>().size(), 1U);
  p.ask(2);
  p.take();
  EXPECT_FALSE(p.last_quick_ack);
}

TEST(client_session, a_request_can_wait_for_another_at_the_server) {
  puppet p;
  p.ask(1);
  p.ask(2, {.after = {request_id{1}}});
  auto sent = p.take();
  ASSERT_EQ(sent.size(), 4U);
  EXPECT_EQ(sent[3].constructor(), ids::invoke_after_msg);
  EXPECT_EQ(read_long(sent[3].body), number(sent[2].id));
  auto last = sent[3].id;
  for (const auto* text : {"MSG_WAIT_FAILED", "MSG_WAIT_TIMEOUT"}) {
    p.answer(last, write_rpc_error(400, text));
    sent = p.take_calls();
    ASSERT_EQ(sent.size(), 1U) << text;
    EXPECT_EQ(sent[0].constructor(), ids::invoke_after_msg);
    last = sent[0].id;
  }
  p.answer(last);
  EXPECT_EQ(p.events<request_answered>().size(), 1U);
  p.ask(3, {.after = {request_id{2}}}); // settled: nothing to wait for
  EXPECT_EQ(p.take_query(3).body, puppet::query(3));
}

TEST(client_session, a_request_can_wait_for_several_others_at_the_server) {
  puppet p;
  p.take();
  p.client.introduce_with(bytes(8, 'i'));
  p.ask(1);
  p.answer(p.take_calls().back().id); // introduced
  p.ask(2);
  p.ask(3);
  p.ask(4, {.after = {request_id{1}, request_id{2}, request_id{3}}});
  auto sent = p.take_calls();
  ASSERT_EQ(sent.size(), 3U);
  tl::reader in{sent[2].body};
  EXPECT_EQ(in.u32(), ids::invoke_after_msgs);
  ASSERT_EQ(in.vector_count(true, 8, 8), 2U) << "of those that are under way";
  EXPECT_EQ(in.i64(), number(sent[0].id));
  EXPECT_EQ(in.i64(), number(sent[1].id));
  EXPECT_EQ(to_bytes(in.take_rest()), puppet::query(4));
  p.answer(sent[0].id);
  p.refuse(sent[2].id, 48, 77);
  const auto again = p.take_calls();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].constructor(), ids::invoke_after_msg);
  EXPECT_EQ(read_long(again[0].body), number(sent[1].id));
  const std::vector<request_id> many(max_requests_before + 1, request_id{3});
  EXPECT_EQ(p.client.submit(request_id{5}, puppet::query(5), {.after = many}).error().code,
            errc::bad_argument);
}

TEST(client_session, introduces_each_connection_until_an_answer_came) {
  puppet p;
  p.client.introduce_with(bytes(8, 'i'));
  const auto introduced = [&](std::uint32_t number) {
    bytes out(8, 'i');
    append(out, puppet::query(number));
    return out;
  };
  p.ask(1);
  p.ask(2, {.after = {request_id{1}}});
  auto sent = p.take();
  EXPECT_EQ(sent[2].body, introduced(1));
  EXPECT_EQ(sent[3].constructor(), ids::invoke_after_msg); // outermost
  EXPECT_EQ(to_bytes(bytes_view{sent[3].body}.subspan(12)), introduced(2));
  p.answer(sent[2].id);
  p.ask(3);
  auto last = p.take_query(3).id;
  for (const auto* text : {"CONNECTION_NOT_INITED", "CONNECTION_LAYER_INVALID"}) {
    p.answer(last, write_rpc_error(400, text));
    sent = p.take_calls();
    ASSERT_EQ(sent.size(), 1U) << text;
    EXPECT_EQ(sent[0].body, introduced(3));
    last = sent[0].id;
  }
  p.answer(last);
  EXPECT_EQ(p.events<request_answered>().size(), 2U);
  p.reconnect();
  p.ask(4);
  sent = p.take();
  EXPECT_EQ(sent.back().body, introduced(4));
}

TEST(client_session, asks_to_destroy_its_key) {
  for (const bool wrapped : {false, true}) {
    puppet p;
    p.take();
    p.client.destroy_key();
    const auto sent = p.take(ids::destroy_auth_key);
    ASSERT_EQ(sent.size(), 1U);
    const auto ok = write_longs(ids::destroy_auth_key_ok, {});
    p.send(wrapped ? puppet::result_of(sent[0].id, ok) : ok);
    const auto events = p.events<key_destroyed>();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].what, key_destroyed::outcome::ok);
  }
}

TEST(client_session, passes_over_words_of_destroyed_sessions) {
  puppet p;
  p.take();
  p.send(write_longs(ids::destroy_session_ok, {55}), {.content = false});
  p.send(write_longs(ids::destroy_session_none, {55}), {.content = false});
  EXPECT_EQ(p.client.counters().ignored, 2U);
  EXPECT_TRUE(p.events<update_arrived>().empty());
  EXPECT_FALSE(p.broken());
}

TEST(client_session, takes_no_word_of_a_destroyed_key_unasked) {
  puppet p;
  p.take();
  for (const auto word :
       {ids::destroy_auth_key_ok, ids::destroy_auth_key_none, ids::destroy_auth_key_fail}) {
    const auto before = p.client.counters().ignored;
    p.send(write_longs(word, {}));
    EXPECT_EQ(p.client.counters().ignored, before + 1);
  }
  EXPECT_TRUE(p.events<key_destroyed>().empty());
  EXPECT_NE(p.client.counters().last_dropped.find("nobody asked for"), std::string_view::npos);
}

TEST(client_session, releases_what_is_not_settled) {
  puppet p;
  p.ask(1);
  p.take();
  p.ask(2, {.may_repeat = true});
  const auto released = p.client.release();
  ASSERT_EQ(released.size(), 2U);
  EXPECT_EQ(released[0].id, request_id{1});
  EXPECT_EQ(released[0].body, puppet::query(1));
  EXPECT_TRUE(released[0].may_have_run);
  EXPECT_FALSE(released[1].may_have_run);
  EXPECT_TRUE(released[1].options.may_repeat);
  EXPECT_EQ(p.client.under_way(), 0U);
}

} // namespace
} // namespace cafegram::protocol
