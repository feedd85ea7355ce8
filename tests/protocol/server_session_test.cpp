#include <cafegram/protocol/gzip.hpp>
#include <cafegram/protocol/server_clock.hpp>
#include <cafegram/protocol/server_session.hpp>
#include <cafegram/protocol/service.hpp>
#include <cafegram/tl/codec.hpp>

#include "puppet.hpp"

namespace cafegram::protocol {
namespace {

using namespace std::chrono_literals;
using test::got_message;
using test::puppet;

struct client_sending {
  std::optional<msg_id> id{};
  bool content = true;
  duration time_off{};
  std::optional<std::uint64_t> salt{};
  std::optional<std::int32_t> seqno{};
};

/// A client that sends exactly what the test says, and the server's session that it talks to.
class bench {
public:
  explicit bench(server_session_options options = {})
    : server{key, 77, 1234, salts, random, options} {}

  wall_time now() const { return clock.wall_now(); }
  duration unix_time() const {
    return std::chrono::duration_cast<duration>(now().time_since_epoch());
  }

  msg_id send(bytes_view body, const client_sending& how = {}) {
    const message_header header{.salt = how.salt.value_or(salts->at(unix_time())),
                                .session_id = 77,
                                .id = how.id.value_or(source.next(unix_time() + how.time_off, 0)),
                                .seqno =
                                    how.seqno.value_or(how.content ? 2 * count++ + 1 : 2 * count)};
    auto packet = seal(key, side::client, {header, body}, *random).octets;
    EXPECT_TRUE(server.receive(open(key, side::client, packet), now()));
    return header.id;
  }

  std::vector<msg_id> send_container(const std::vector<bytes>& bodies) {
    std::vector<container_item> items;
    std::vector<msg_id> out;
    for (const auto& body : bodies) {
      items.push_back({source.next(unix_time(), 0), 2 * count++ + 1, body});
      out.push_back(items.back().id);
    }
    out.push_back(send(write_container(items), {.content = false}));
    return out;
  }

  std::vector<got_message> take() {
    std::vector<got_message> out;
    bytes packet;
    packets = 0;
    while (server.take_packet(packet, now())) {
      ++packets;
      const auto opened = open(key, side::server, packet);
      EXPECT_EQ(opened.status, open_status::ok);
      EXPECT_EQ(opened.header.session_id, 77U);
      EXPECT_EQ(number(opened.header.id) % 2, 1);
      if (constructor_of(opened.body) != ids::msg_container) {
        out.push_back(
            {opened.header.id, opened.header.seqno, to_bytes(opened.body), opened.header});
        continue;
      }
      const auto items = read_container(opened.body);
      for (const auto& item : *items) {
        EXPECT_LT(item.id, opened.header.id);
        out.push_back({item.id, item.seqno, to_bytes(item.body), opened.header, true});
      }
    }
    return out;
  }

  std::vector<got_message> take(std::uint32_t constructor) {
    auto all = take();
    std::erase_if(all, [&](const got_message& m) { return m.constructor() != constructor; });
    return all;
  }

  template <class T>
  std::vector<T> events() {
    std::vector<T> out;
    while (auto event = server.next_event()) {
      if (auto* found = std::get_if<T>(&*event)) {
        out.push_back(std::move(*found));
      }
    }
    return out;
  }

  /// The code of the one refusal among what the server sends now, 0 if there is none.
  std::int32_t refusal(msg_id about) {
    for (const auto& message : take()) {
      const auto constructor = message.constructor();
      if (constructor == ids::bad_msg_notification || constructor == ids::bad_server_salt) {
        const auto what = read_bad_message(message.body);
        EXPECT_EQ(what->bad, about);
        last_salt = what->salt;
        return what->code;
      }
    }
    return 0;
  }

  manual_clock clock;
  std::shared_ptr<seeded_random> random = std::make_shared<seeded_random>(5);
  auth_key key = test::some_key();
  std::shared_ptr<server_salts> salts = std::make_shared<server_salts>(key);
  server_session server;
  msg_id_source source;
  std::int32_t count = 0;
  int packets = 0;
  std::optional<std::uint64_t> last_salt;
};

TEST(server_session, delivers_a_call_and_sends_its_answer) {
  bench b;
  const auto id = b.send(puppet::query(1));
  const auto calls = b.events<call_arrived>();
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].id, id);
  EXPECT_EQ(calls[0].body, puppet::query(1));
  b.server.answer(id, puppet::query(2));
  const auto sent = b.take(ids::rpc_result);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(read_rpc_result(sent[0].body)->request, id);
  EXPECT_EQ(number(sent[0].id) % 4, 1);
  EXPECT_EQ(sent[0].seqno % 2, 1);
  b.server.answer(id, puppet::query(3)); // once
  EXPECT_TRUE(b.take(ids::rpc_result).empty());
}

TEST(server_session, announces_itself_first_with_the_lowest_id) {
  bench b;
  const auto sent_ids = b.send_container({puppet::query(1), puppet::query(2)});
  const auto sent = b.take();
  ASSERT_FALSE(sent.empty());
  const auto session = std::ranges::find(sent, ids::new_session_created, &got_message::constructor);
  ASSERT_NE(session, sent.end());
  const auto what = read_new_session(session->body);
  EXPECT_EQ(what->first, sent_ids[0]);
  EXPECT_EQ(what->unique_id, 1234);
  EXPECT_EQ(what->salt, b.salts->at(b.unix_time()));
  EXPECT_EQ(session->seqno % 2, 1);
  EXPECT_EQ(number(session->id) % 4, 3);
  b.send(puppet::query(3));
  EXPECT_TRUE(b.take(ids::new_session_created).empty());
  bench silent{{.announce = false}};
  silent.send(puppet::query(1));
  EXPECT_TRUE(silent.take(ids::new_session_created).empty());
}

TEST(server_session, a_push_that_looks_like_its_announcement_goes_out_as_it_is) {
  bench b;
  b.send(test::puppet::query(1));
  b.take();
  for (const std::size_t size : {12U, 32U}) { // too short for its salt, and with room for it
    bytes body(size);
    std::memcpy(body.data(), &ids::new_session_created, 4);
    b.server.push(body);
    const auto sent = b.take(ids::new_session_created);
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].body, body);
  }
}

TEST(server_session, never_delivers_a_call_twice) {
  bench b;
  const auto id = b.send(puppet::query(1));
  b.send(puppet::query(1), {.id = id});
  EXPECT_EQ(b.events<call_arrived>().size(), 1U);
  b.server.answer(id, puppet::query(2));
  const auto first = b.take(ids::rpc_result);
  ASSERT_EQ(first.size(), 1U);
  b.send(puppet::query(1), {.id = id}); // the answer may have been lost: it goes out again
  const auto second = b.take(ids::rpc_result);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].id, first[0].id);
  EXPECT_TRUE(second[0].contained);
  EXPECT_TRUE(b.events<call_arrived>().empty());
  b.send(write_container(std::vector<container_item>{{id, 1, puppet::query(1)}}));
  EXPECT_TRUE(b.events<call_arrived>().empty());
}

TEST(server_session, refuses_wrong_salts_times_and_ids) {
  bench b;
  auto id = b.send(puppet::query(1), {.salt = 5});
  EXPECT_EQ(b.refusal(id), 48);
  EXPECT_EQ(b.last_salt, b.salts->at(b.unix_time()));
  msg_id_source past;
  id = b.send(puppet::query(1), {.id = past.next(b.unix_time() - 301s, 0)});
  EXPECT_EQ(b.refusal(id), 16);
  msg_id_source future;
  id = b.send(puppet::query(1), {.id = future.next(b.unix_time() + 31s, 0)});
  EXPECT_EQ(b.refusal(id), 17);
  id = b.send(puppet::query(1), {.id = msg_id{number(b.source.next(b.unix_time(), 0)) + 1}});
  EXPECT_EQ(b.refusal(id), 18);
  EXPECT_TRUE(b.events<call_arrived>().empty());
  bench lax{{.check_salt = false, .check_time = false}};
  lax.send(puppet::query(1), {.time_off = -2h, .salt = 5});
  EXPECT_EQ(lax.events<call_arrived>().size(), 1U);
}

TEST(server_session, says_when_an_id_is_too_old_to_know) {
  bench b;
  const auto old = b.source.next(b.unix_time(), 0);
  for (int i = 0; i < 1000; ++i) {
    b.send(write_ids(ids::msgs_ack, {}), {.content = false});
  }
  b.take();
  b.send(puppet::query(1), {.id = old});
  EXPECT_EQ(b.refusal(old), 20);
  EXPECT_TRUE(b.events<call_arrived>().empty());
}

TEST(server_session, never_refuses_for_the_parity_of_a_seqno) {
  bench b;
  b.send(write_ids(ids::msgs_ack, {}), {.seqno = 7});
  b.send(puppet::query(1), {.seqno = 0});
  b.send(puppet::query(2), {.seqno = 2});
  b.send(puppet::query(3), {.seqno = -1});
  EXPECT_EQ(b.events<call_arrived>().size(), 3U);
  EXPECT_EQ(b.refusal({}), 0);
}

TEST(server_session, refuses_broken_containers_and_containers_in_them) {
  bench b;
  auto broken = write_container(std::vector<container_item>{{msg_id{4}, 1, puppet::query(1)}});
  broken.resize(broken.size() - 4);
  const auto id = b.send(broken);
  EXPECT_EQ(b.refusal(id), 64);
  const auto inner = write_container(std::vector<container_item>{{msg_id{4}, 1, puppet::query(1)}});
  const auto nested = b.send_container({inner, puppet::query(2)});
  EXPECT_EQ(b.refusal(nested[0]), 64);
  EXPECT_EQ(b.events<call_arrived>().size(), 1U);
}

TEST(server_session, answers_service_questions_outside_of_rpc_result) {
  bench b;
  const auto ping = b.send(write_ping(99, 75), {.content = false});
  const auto sent = b.take(ids::pong);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(read_long(sent[0].body), number(ping));
  EXPECT_EQ(read_long(sent[0].body, 1), 99);
  EXPECT_EQ(b.events<disconnect_delay_set>().front().delay, 75s);
  tl::writer question;
  question.u32(ids::get_future_salts);
  question.i32(1);
  const auto asked = b.send(question.view());
  const auto salts = b.take(ids::future_salts);
  ASSERT_EQ(salts.size(), 1U);
  const auto what = read_future_salts(salts[0].body); // reads a bare vector
  ASSERT_TRUE(what);
  EXPECT_EQ(what->request, asked);
  EXPECT_EQ(what->salts.size(), 2U);
  EXPECT_EQ(what->salts[0].salt, b.salts->at(b.unix_time()));
  b.send(write_longs(ids::destroy_session, {55}));
  EXPECT_EQ(b.events<destroy_session_asked>().front().session_id, 55U);
  b.server.session_destroyed(55, false);
  EXPECT_EQ(b.take(ids::destroy_session_none).size(), 1U);
  b.send(write_longs(ids::destroy_auth_key, {}));
  EXPECT_EQ(b.events<destroy_key_asked>().size(), 1U);
  b.server.key_destroyed();
  EXPECT_EQ(b.take(ids::destroy_auth_key_ok).size(), 1U);
}

TEST(server_session, tells_what_it_knows_of_messages) {
  bench b;
  const auto before = b.source.next(b.unix_time(), 0);
  const auto running = b.send(puppet::query(1));
  const auto missing = b.source.next(b.unix_time(), 0);
  const auto answered = b.send(puppet::query(2));
  b.server.answer(answered, puppet::query(3));
  b.take();
  const std::vector asked{before, running, missing, answered,
                          msg_id{number(answered) + (1LL << 40)}};
  const auto question = b.send(write_ids(ids::msgs_state_req, asked), {.content = false});
  const auto sent = b.take();
  const auto reply = std::ranges::find(sent, ids::msgs_state_info, &got_message::constructor);
  ASSERT_NE(reply, sent.end());
  const auto info = read_state_info(reply->body);
  EXPECT_EQ(info->request, question);
  EXPECT_EQ(to_bytes(info->info), (bytes{1, 4 | 32, 2, 4 | 64, 3}));
  // The answer that the client lacks comes along.
  EXPECT_NE(std::ranges::find(sent, ids::rpc_result, &got_message::constructor), sent.end());
}

TEST(server_session, does_not_take_later_what_it_said_had_not_come) {
  bench b;
  b.send(puppet::query(1));
  const auto late = b.source.next(b.unix_time(), 0);
  b.send(write_ids(ids::msgs_state_req, std::vector{late}), {.content = false});
  b.send(puppet::query(2), {.id = late});
  EXPECT_EQ(b.events<call_arrived>().size(), 1U);
  b.take();
  b.send(write_ids(ids::msgs_state_req, std::vector{late}), {.content = false});
  const auto sent = b.take(ids::msgs_state_info);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(to_bytes(read_state_info(sent[0].body)->info), bytes{2}); // still
}

TEST(server_session, sends_again_what_is_asked_for) {
  bench b;
  const auto id = b.send(puppet::query(1));
  b.server.answer(id, puppet::query(2));
  const auto first = b.take(ids::rpc_result);
  ASSERT_EQ(first.size(), 1U);
  b.send(write_ids(ids::msg_resend_req, std::vector{first[0].id}), {.content = false});
  const auto again = b.take(ids::rpc_result);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].id, first[0].id);
  EXPECT_EQ(again[0].body, first[0].body);
  b.send(write_ids(ids::msg_resend_ans_req, std::vector{id}), {.content = false});
  EXPECT_EQ(b.take(ids::rpc_result).size(), 1U) << "named by what it answers";
  b.send(write_ids(ids::msgs_ack, std::vector{first[0].id}), {.content = false});
  b.send(write_ids(ids::msg_resend_req, std::vector{first[0].id}), {.content = false});
  const auto gone = b.take(ids::msgs_state_info);
  ASSERT_EQ(gone.size(), 1U);
  EXPECT_EQ(to_bytes(read_state_info(gone[0].body)->info), bytes{1});
}

TEST(server_session, drops_answers_that_nobody_wants) {
  bench b;
  const auto drop = [&](msg_id call) {
    const auto id = b.send(write_longs(ids::rpc_drop_answer, {number(call)}));
    for (const auto& message : b.take(ids::rpc_result)) {
      const auto result = read_rpc_result(message.body);
      if (result->request == id) {
        return constructor_of(result->body);
      }
    }
    return 0U;
  };
  const auto running = b.send(puppet::query(1));
  EXPECT_EQ(drop(running), ids::rpc_answer_dropped_running);
  EXPECT_EQ(b.events<call_dropped>().front().id, running);
  b.server.answer(running, puppet::query(2));
  EXPECT_TRUE(b.take(ids::rpc_result).empty());
  const auto answered = b.send(puppet::query(3));
  b.server.answer(answered, puppet::query(4));
  EXPECT_EQ(drop(answered), ids::rpc_answer_dropped);
  EXPECT_EQ(drop(answered), ids::rpc_answer_unknown);
}

TEST(server_session, compresses_large_answers_that_shrink) {
  bench b;
  const auto answer = [&](const bytes& body, bool packable) {
    const auto id = b.send(puppet::query(1));
    b.server.answer(id, body, packable);
    const auto sent = b.take(ids::rpc_result);
    return to_bytes(read_rpc_result(sent.at(0).body)->body);
  };
  const auto packed = answer(puppet::query(2, 1000), true);
  ASSERT_EQ(constructor_of(packed), ids::gzip_packed);
  EXPECT_EQ(gzip_unpack(*read_gzip(packed), 1 << 20), puppet::query(2, 1000));
  EXPECT_EQ(answer(puppet::query(2, 1000), false), puppet::query(2, 1000));
  EXPECT_EQ(answer(puppet::query(2, 10), true), puppet::query(2, 10));
}

TEST(server_session, unpacks_calls_within_bounds) {
  bench b{{.max_unpacked = 5000}};
  b.send(*gzip_pack(puppet::query(1, 1000)));
  const auto calls = b.events<call_arrived>();
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].body, puppet::query(1, 1000));
  const auto bomb = b.send(*gzip_pack(puppet::query(1, 2000)));
  EXPECT_TRUE(b.events<call_arrived>().empty());
  const auto sent = b.take(ids::rpc_result);
  ASSERT_EQ(sent.size(), 1U);
  const auto result = read_rpc_result(sent[0].body);
  EXPECT_EQ(result->request, bomb);
  EXPECT_EQ(read_rpc_error(result->body)->text, "INPUT_REQUEST_TOO_LONG");
}

TEST(server_session, acknowledges_calls_that_take_their_time) {
  bench b;
  const auto id = b.send(puppet::query(1));
  b.take();
  const auto second = b.send(puppet::query(2));
  EXPECT_TRUE(b.take().empty());
  EXPECT_EQ(b.server.next_deadline(), b.now() + 1s);
  b.clock.advance(1s);
  const auto acks = b.take(ids::msgs_ack);
  ASSERT_EQ(acks.size(), 1U);
  EXPECT_EQ(read_ids(acks[0].body), std::vector{second});
  EXPECT_EQ(b.server.open_calls(), 2U);
  b.server.answer(id, puppet::query(1));
  EXPECT_EQ(b.take(ids::rpc_result).size(), 1U);
}

TEST(server_session, sends_what_is_not_acknowledged_again_over_a_fresh_connection) {
  bench b;
  const auto id = b.send(puppet::query(1));
  b.server.answer(id, puppet::query(2));
  b.server.push(puppet::query(3));
  const auto first = b.take();
  EXPECT_EQ(b.server.unacknowledged(), 3U);
  EXPECT_TRUE(b.take().empty());
  b.clock.advance(10min); // the packet's own id is fresh, that of its members is not
  b.server.attached();
  const auto again = b.take();
  ASSERT_EQ(again.size(), 3U);
  EXPECT_LT(std::chrono::abs(time_of(again[0].packet.id) - b.unix_time()), 1s);
  std::vector<msg_id> known;
  for (const auto& message : again) {
    EXPECT_TRUE(message.contained);
    known.push_back(message.id);
  }
  b.send(write_ids(ids::msgs_ack, known), {.content = false});
  EXPECT_EQ(b.server.unacknowledged(), 0U);
  b.server.attached();
  EXPECT_TRUE(b.take().empty());
}

TEST(server_session, keeps_no_more_than_it_may_and_never_drops_an_answer_unsent) {
  bench b{{.max_unacked = 10, .max_unacked_octets = 1000}};
  std::vector<msg_id> calls;
  for (std::uint32_t i = 0; i < 20; ++i) {
    calls.push_back(b.send(puppet::query(i)));
  }
  for (const auto call : calls) {
    b.server.answer(call, puppet::query(1, 40));
  }
  EXPECT_EQ(b.take(ids::rpc_result).size(), 20U);
  for (int i = 0; i < 100; ++i) {
    b.server.push(puppet::query(2, 10));
  }
  EXPECT_LE(b.server.unacknowledged(), 10U);
}

TEST(server_session, splits_much_into_packets) {
  bench b;
  b.send(puppet::query(1));
  b.take();
  for (int i = 0; i < 200; ++i) {
    b.server.push(puppet::query(2, 250));
  }
  EXPECT_EQ(b.take(constructor_of(puppet::query(2))).size(), 200U);
  EXPECT_GE(b.packets, 6);
  EXPECT_LE(b.packets, 9);
}

TEST(server_session, survives_anything_under_the_right_key) {
  seeded_random random{test::seed()};
  constexpr std::uint32_t kinds[] = {
      ids::msg_container,    ids::gzip_packed,    ids::msgs_ack,        ids::ping,
      ids::get_future_salts, ids::msgs_state_req, ids::msg_resend_req,  ids::rpc_drop_answer,
      ids::destroy_session,  ids::http_wait,      ids::msgs_state_info, 0x22222222,
  };
  for (int round = 0; round < 30; ++round) {
    bench b{{.max_unacked = 50}};
    std::vector<msg_id> known{msg_id{4}};
    for (int i = 0; i < 300; ++i) {
      b.clock.advance(std::chrono::milliseconds{random.next() % 3000});
      bytes body = write_longs(kinds[random.next() % std::size(kinds)], {});
      for (auto words = random.next() % 10; words > 0; --words) {
        if (random.next() % 2 == 0) {
          append(body, write_longs(static_cast<std::uint32_t>(random.next() % 5), {}));
        } else {
          const auto id = number(known[random.next() % known.size()]);
          append(body, bytes_view{write_longs(0, {id})}.subspan(4));
        }
      }
      known.push_back(b.send(body));
      for (const auto& call : b.events<call_arrived>()) {
        b.server.answer(call.id, puppet::query(1));
      }
      for (const auto& message : b.take()) {
        known.push_back(message.id);
      }
      ASSERT_LE(b.server.unacknowledged(), 51U);
    }
  }
}

} // namespace
} // namespace cafegram::protocol
