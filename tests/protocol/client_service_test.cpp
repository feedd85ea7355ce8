#include <set>

#include "puppet.hpp"

namespace cafegram::protocol {
namespace {

using namespace std::chrono_literals;
using test::puppet;

// -- acknowledgements ------------------------------------------------------------------------

TEST(client_acks, go_with_the_next_request) {
  puppet p;
  p.take();
  p.send(puppet::query(1));
  EXPECT_TRUE(p.take().empty());
  p.ask(1);
  const auto sent = p.take();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].constructor(), ids::msgs_ack);
  EXPECT_EQ(sent[0].seqno % 2, 0);
  EXPECT_EQ(read_ids(sent[0].body), std::vector{p.last_sent});
}

TEST(client_acks, go_at_sixteen_waiting) {
  puppet p;
  p.take();
  for (int i = 0; i < 15; ++i) {
    p.send(puppet::query(1));
  }
  EXPECT_TRUE(p.take().empty());
  p.send(puppet::query(1));
  const auto sent = p.take(ids::msgs_ack);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(read_ids(sent[0].body)->size(), 16U);
}

TEST(client_acks, go_after_five_seconds) {
  puppet p;
  p.take();
  p.send(puppet::query(1));
  p.clock.advance(4999ms);
  EXPECT_TRUE(p.take(ids::msgs_ack).empty());
  EXPECT_EQ(p.client.next_deadline(), p.now() + 1ms);
  p.clock.advance(1ms);
  EXPECT_EQ(p.take(ids::msgs_ack).size(), 1U);
}

TEST(client_acks, are_for_content_inner_ones_and_unknown_results_never_for_containers) {
  puppet p{{.ack_count = 1}};
  p.take();
  p.send(puppet::query(1), {.content = false});
  EXPECT_TRUE(p.take(ids::msgs_ack).empty());
  p.send_container({puppet::query(1), puppet::result_of(msg_id{4}, puppet::query(2))});
  auto sent = p.take(ids::msgs_ack);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(read_ids(sent[0].body), p.inner_ids);
  // A server that numbers everything 0 still has its results acknowledged.
  p.send(puppet::result_of(msg_id{4}, puppet::query(2)), {.content = false});
  sent = p.take(ids::msgs_ack);
  ASSERT_EQ(sent.size(), 1U);
}

TEST(client_acks, are_sent_again_for_what_comes_again) {
  puppet p{{.ack_count = 1}};
  p.take();
  auto packet = p.packet(puppet::query(1));
  auto again = packet;
  p.client.receive(packet, p.now());
  EXPECT_EQ(p.take(ids::msgs_ack).size(), 1U);
  p.client.receive(again, p.now());
  EXPECT_EQ(p.take(ids::msgs_ack).size(), 1U);
  EXPECT_EQ(p.events<update_arrived>().size(), 1U);
  EXPECT_EQ(p.client.counters().duplicates, 1U);
}

// -- salts -----------------------------------------------------------------------------------

TEST(client_salts, a_wrong_salt_is_replaced_and_the_request_sent_again) {
  puppet p;
  p.take();
  p.ask(1);
  const auto first = p.take_query(1);
  EXPECT_EQ(first.packet.salt, 1U);
  p.refuse(first.id, 48, 77);
  const auto second = p.take_query(1);
  EXPECT_EQ(second.packet.salt, 77U);
  EXPECT_GT(second.id, first.id);
  ASSERT_EQ(p.events<salt_changed>().size(), 1U);
  p.refuse(first.id, 48, 78); // not ours any more
  EXPECT_TRUE(p.take().empty());
  EXPECT_TRUE(p.events<salt_changed>().empty());
}

TEST(client_salts, a_notification_about_a_container_concerns_all_its_members) {
  puppet p;
  p.ask(1);
  p.ask(2);
  const auto first = p.take();
  p.refuse(first[0].packet.id, 48, 77);
  const auto second = p.take();
  ASSERT_EQ(second.size(), first.size());
  std::set<std::uint32_t> kinds;
  for (const auto& message : second) {
    EXPECT_EQ(message.packet.salt, 77U);
    EXPECT_GT(message.id, first.back().packet.id);
    kinds.insert(message.constructor());
  }
  EXPECT_TRUE(kinds.contains(ids::ping_delay_disconnect));
  EXPECT_TRUE(kinds.contains(ids::get_future_salts));
}

TEST(client_salts, are_asked_for_and_used_in_their_time) {
  puppet p;
  const auto asked = p.take(ids::get_future_salts);
  ASSERT_EQ(asked.size(), 1U);
  const auto now = static_cast<std::int32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(p.unix_time()).count());
  p.send(write_future_salts(
             {asked[0].id, now, {{now - 100, now + 1800, 11}, {now + 1500, now + 9000, 12}}}),
         {.content = false});
  p.ask(1);
  EXPECT_EQ(p.take_query(1).packet.salt, 11U);
  p.clock.advance(1900s);
  p.ask(2);
  EXPECT_EQ(p.take_query(2).packet.salt, 12U);
  p.clock.advance(4000s); // less than an hour is covered: time to ask
  p.ask(3);
  EXPECT_EQ(p.take(ids::get_future_salts).size(), 1U);
  p.ask(4);
  EXPECT_TRUE(p.take(ids::get_future_salts).empty()); // not with every packet
}

TEST(client_salts, salts_that_nobody_asked_for_are_ignored) {
  puppet p;
  p.take();
  p.send(write_future_salts({msg_id{8}, 0, {{0, 2'000'000'000, 66}}}), {.content = false});
  p.ask(1);
  EXPECT_EQ(p.take_query(1).packet.salt, 1U);
}

// -- bad_msg_notification --------------------------------------------------------------------

TEST(client_bad_msg, code_16_corrects_the_clock) {
  puppet p{{}, -1h};
  p.take();
  p.ask(1);
  const auto first = p.take_query(1);
  p.refuse(first.id, 16);
  const auto second = p.take_query(1);
  EXPECT_LT(std::chrono::abs(time_of(second.id) - p.unix_time()), 1s);
  EXPECT_EQ(second.packet.session_id, first.packet.session_id);
  const auto corrected = p.events<clock_corrected>();
  ASSERT_EQ(corrected.size(), 1U);
  EXPECT_LT(std::chrono::abs(corrected[0].by - 1h), 1s);
}

TEST(client_bad_msg, code_17_corrects_the_clock_in_a_new_session) {
  puppet p{{}, 1h};
  p.take();
  p.ask(1);
  const auto first = p.take_query(1);
  p.ask(2); // refused too, though nothing was said of it yet
  p.take_query(2);
  p.refuse(first.id, 17);
  const auto sent = p.take_calls();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].body, puppet::query(1));
  EXPECT_EQ(sent[1].body, puppet::query(2));
  EXPECT_EQ(sent[0].seqno, 1);
  EXPECT_NE(sent[0].packet.session_id, first.packet.session_id);
  EXPECT_LT(std::chrono::abs(time_of(sent[0].id) - p.unix_time()), 1s);
  EXPECT_EQ(p.events<session_replaced>().size(), 1U);
  // What the old session still says over this connection does no harm.
  p.refuse(first.id, 17, {}, {.session = first.packet.session_id});
  EXPECT_FALSE(p.broken());
  EXPECT_TRUE(p.events<request_failed>().empty());
}

TEST(client_bad_msg, code_32_and_33_open_a_new_session) {
  for (const int code : {32, 33}) {
    puppet p;
    p.take();
    p.ask(1);
    p.ask(2, {.may_repeat = true});
    p.take();
    p.ask(3);
    const auto bad = p.take_query(3);
    p.refuse(bad.id, code);
    const auto sent = p.take_calls();
    ASSERT_EQ(sent.size(), 2U);
    EXPECT_EQ(sent[0].body, puppet::query(2)); // may be repeated
    EXPECT_EQ(sent[1].body, puppet::query(3)); // was refused, so it did not run
    EXPECT_EQ(p.failure().code, errc::unknown_outcome);
    EXPECT_NE(sent[0].packet.session_id, bad.packet.session_id);
  }
}

TEST(client_bad_msg, code_18_19_and_48_without_a_salt_send_again_under_a_new_id) {
  for (const int code : {18, 19, 48, 99}) {
    puppet p;
    p.take();
    p.ask(1);
    const auto first = p.take_query(1);
    p.refuse(first.id, code);
    const auto second = p.take_query(1);
    EXPECT_GT(second.id, first.id);
    EXPECT_EQ(second.packet.session_id, first.packet.session_id);
  }
}

TEST(client_bad_msg, code_20_asks_before_anything_is_sent_again) {
  puppet p;
  p.take();
  p.ask(1);
  p.ask(2, {.may_repeat = true});
  const auto sent = p.take_calls();
  p.refuse(sent[0].packet.id, 20);
  const auto question = p.take();
  ASSERT_EQ(question.size(), 1U);
  ASSERT_EQ(question[0].constructor(), ids::msgs_state_req);
  EXPECT_EQ(read_ids(question[0].body), (std::vector{sent[0].id, sent[1].id}));
  p.send(write_state_info(question[0].id, bytes{1, 1}), {.content = false});
  EXPECT_EQ(p.failure().code, errc::unknown_outcome);
  p.take_query(2);
}

TEST(client_bad_msg, code_34_and_35_change_the_parity_of_the_seqno) {
  puppet p;
  p.take();
  p.ask(1);
  const auto odd = p.take_query(1);
  EXPECT_EQ(odd.seqno % 2, 1);
  p.refuse(odd.id, 34);
  const auto even = p.take_query(1);
  EXPECT_EQ(even.seqno % 2, 0);
  p.refuse(even.id, 35);
  EXPECT_EQ(p.take_query(1).seqno % 2, 1);
}

TEST(client_bad_msg, code_64_sends_the_members_singly) {
  puppet p;
  p.ask(1);
  p.ask(2);
  const auto sent = p.take();
  p.refuse(sent[0].packet.id, 64);
  const auto again = p.take_calls();
  ASSERT_EQ(again.size(), 2U);
  EXPECT_FALSE(again[0].contained);
  EXPECT_FALSE(again[1].contained);
}

TEST(client_bad_msg, ends_in_an_error_when_it_does_not_end) {
  puppet p{{.max_resends = 3}};
  p.take();
  p.ask(1);
  int sent = 0;
  for (auto all = p.take_calls(); !all.empty() && sent < 100; all = p.take_calls()) {
    ++sent;
    p.refuse(all.back().id, 19);
  }
  EXPECT_EQ(sent, 4);
  EXPECT_EQ(p.failure().code, errc::protocol_violation);
}

TEST(client_bad_msg, refused_service_messages_do_not_go_round_for_ever) {
  puppet p;
  int rounds = 0;
  for (auto all = p.take(); !all.empty() && rounds < 100; all = p.take()) {
    ++rounds;
    for (const auto& message : all) {
      p.refuse(message.id, 48, 77);
    }
  }
  EXPECT_LT(rounds, 10);
}

TEST(client_bad_msg, about_what_was_not_sent_is_ignored) {
  puppet p{{}, 0s};
  p.take();
  const auto time = p.client.clock().unix_time(p.now());
  p.refuse(msg_id{4}, 17);
  p.refuse(msg_id{4}, 48, 99);
  EXPECT_LT(p.client.clock().unix_time(p.now()) - time, 1s);
  EXPECT_TRUE(p.events<session_replaced>().empty());
  p.ask(1);
  EXPECT_EQ(p.take_query(1).packet.salt, 1U);
}

// -- new_session_created ---------------------------------------------------------------------

TEST(client_new_session, is_acknowledged_and_told_once) {
  puppet p{{.ack_count = 1}};
  p.take();
  for (int i = 0; i < 3; ++i) {
    p.send(write_new_session({msg_id{4}, 1234, 55}));
    EXPECT_EQ(p.take(ids::msgs_ack).size(), 1U);
  }
  EXPECT_EQ(p.events<server_session_created>().size(), 1U);
  p.ask(1);
  EXPECT_EQ(p.take_query(1).packet.salt, 55U);
}

TEST(client_new_session, sends_again_what_came_before_it) {
  puppet p;
  p.take();
  p.ask(1);
  const auto before = p.take_query(1);
  p.clock.advance(1s);
  p.ask(2);
  p.ask(3);
  const auto container = p.take_calls();
  // The container's id counts, not the members' own, which are lower.
  p.send(write_new_session({container[0].packet.id, 1, 1}));
  const auto again = p.take_calls();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].body, puppet::query(1));
  EXPECT_GT(again[0].id, before.id);
}

TEST(client_new_session, does_not_repeat_what_an_earlier_life_may_have_run) {
  puppet p;
  p.take();
  p.ask(1);
  p.ask(2, {.may_repeat = true});
  const auto sent = p.take_calls();
  const std::vector taken{sent[0].id, sent[1].id};
  p.send(write_ids(ids::msgs_ack, taken), {.content = false});
  p.clock.advance(1s);
  p.ask(3);
  const auto later = p.take_query(3);
  p.send(write_new_session({later.id, 1, 1}));
  const auto again = p.take_calls();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].body, puppet::query(2));
  EXPECT_EQ(p.failure().code, errc::unknown_outcome);
}

// -- states ----------------------------------------------------------------------------------

TEST(client_states, nothing_is_sent_again_before_the_server_was_asked) {
  puppet p;
  std::vector<msg_id> ids_sent;
  p.take();
  for (std::uint32_t i = 1; i <= 4; ++i) {
    p.ask(i, {.may_repeat = i == 4});
    ids_sent.push_back(p.take_query(i).id);
  }
  p.ask(5, {.may_repeat = true});
  ids_sent.push_back(p.take_query(5).id);
  p.reconnect();
  const auto first = p.take();
  std::vector<test::got_message> questions;
  for (const auto& message : first) {
    EXPECT_NE(message.constructor(), constructor_of(puppet::query(1)));
    if (message.constructor() == ids::msgs_state_req) {
      questions.push_back(message);
    }
  }
  ASSERT_EQ(questions.size(), 1U);
  EXPECT_EQ(read_ids(questions[0].body), ids_sent);
  p.send(write_state_info(questions[0].id, bytes{1, 2, 3, 1, 4 | 8}), {.content = false});
  const auto again = p.take_calls();
  ASSERT_EQ(again.size(), 3U);
  EXPECT_EQ(again[0].body, puppet::query(2)); // not received
  EXPECT_EQ(again[1].body, puppet::query(3)); // not received
  EXPECT_EQ(again[2].body, puppet::query(4)); // forgotten, but may be repeated
  for (const auto& message : again) {
    EXPECT_GT(message.id, ids_sent.back());
  }
  EXPECT_EQ(p.failure().code, errc::unknown_outcome); // 1: forgotten
  p.answer(ids_sent[4]);                              // 5: received, its answer comes
  EXPECT_EQ(p.events<request_answered>().size(), 1U);
}

TEST(client_states, an_answer_under_an_earlier_name_counts) {
  puppet p;
  p.take();
  p.ask(1);
  const auto first = p.take_query(1);
  p.reconnect();
  const auto question = p.take(ids::msgs_state_req);
  ASSERT_EQ(question.size(), 1U);
  p.send(write_state_info(question[0].id, bytes{2}), {.content = false});
  EXPECT_NE(p.take_query(1).id, first.id);
  p.answer(first.id);
  EXPECT_EQ(p.events<request_answered>().size(), 1U);
}

TEST(client_states, an_unanswered_question_is_asked_again) {
  puppet p;
  p.ask(1);
  p.take();
  p.reconnect();
  EXPECT_EQ(p.take(ids::msgs_state_req).size(), 1U);
  p.clock.advance(14s);
  p.client.heard();
  p.client.poll(p.now());
  EXPECT_TRUE(p.take(ids::msgs_state_req).empty());
  p.clock.advance(1s);
  p.client.poll(p.now());
  EXPECT_EQ(p.take(ids::msgs_state_req).size(), 1U);
}

TEST(client_states, an_answer_of_the_wrong_length_is_ignored) {
  puppet p;
  p.ask(1);
  p.take();
  p.reconnect();
  const auto question = p.take(ids::msgs_state_req);
  ASSERT_EQ(question.size(), 1U);
  p.send(write_state_info(question[0].id, bytes{2, 2}), {.content = false});
  p.send(write_state_info(msg_id{4}, bytes{2}), {.content = false});
  EXPECT_TRUE(p.take_calls().empty());
  p.send(write_state_info(question[0].id, bytes{2}), {.content = false});
  EXPECT_EQ(p.take_calls().size(), 1U);
}

TEST(client_states, unasked_news_is_believed_only_when_it_is_good) {
  puppet p;
  p.take();
  p.ask(1);
  const auto sent = p.take_query(1);
  bytes body = write_ids(ids::msgs_all_info, std::vector{sent.id});
  append(body, bytes{1, 2, 0, 0});
  p.send(body);
  EXPECT_TRUE(p.take_calls().empty());
  EXPECT_EQ(p.client.under_way(), 1U);
}

TEST(client_states, the_servers_questions_are_answered) {
  puppet p;
  p.take();
  p.send(puppet::query(1));
  const auto seen = p.last_sent;
  const std::vector asked{seen, msg_id{number(seen) - 4}, msg_id{number(seen) + (1LL << 40)}};
  p.send(write_ids(ids::msgs_state_req, asked), {.content = false});
  const auto question = p.last_sent;
  const auto sent = p.take(ids::msgs_state_info);
  ASSERT_EQ(sent.size(), 1U);
  const auto info = read_state_info(sent[0].body);
  EXPECT_EQ(info->request, question);
  EXPECT_EQ(to_bytes(info->info), (bytes{4, 2, 3}));
}

TEST(client_states, what_the_server_wants_again_goes_out_as_it_was) {
  puppet p;
  p.take();
  p.ask(1);
  const auto sent = p.take_query(1);
  p.send(write_ids(ids::msg_resend_req, std::vector{sent.id}), {.content = false});
  const auto again = p.take_query(1);
  EXPECT_EQ(again.id, sent.id);
  EXPECT_EQ(again.seqno, sent.seqno);
  EXPECT_TRUE(again.contained);
  p.send(write_ids(ids::msg_resend_req, std::vector{msg_id{4}}), {.content = false});
  EXPECT_EQ(p.take(ids::msgs_state_info).size(), 1U);
}

TEST(client_states, answers_that_got_lost_are_asked_for) {
  puppet p{{.ack_count = 1}};
  p.take();
  p.ask(1);
  const auto sent = p.take_query(1);
  const auto detailed = [](msg_id call, msg_id answer) {
    auto body = write_longs(ids::msg_detailed_info, {number(call), number(answer)});
    append(body, bytes{9, 0, 0, 0, 0, 0, 0, 0});
    return body;
  };
  p.send(detailed(sent.id, msg_id{777}), {.content = false});
  auto asked = p.take(ids::msg_resend_req);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(read_ids(asked[0].body), std::vector{msg_id{777}});
  p.answer(sent.id);
  const auto answer = p.last_sent;
  p.take();
  p.send(detailed(sent.id, answer), {.content = false}); // is here: acknowledged
  const auto acks = p.take();
  ASSERT_EQ(acks.size(), 1U);
  EXPECT_EQ(read_ids(acks[0].body), std::vector{answer});
  auto unasked = write_longs(ids::msg_new_detailed_info, {779});
  append(unasked, bytes{9, 0, 0, 0, 0, 0, 0, 0});
  p.send(unasked, {.content = false});
  asked = p.take(ids::msg_resend_req);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(read_ids(asked[0].body), std::vector{msg_id{779}});
}

} // namespace
} // namespace cafegram::protocol
