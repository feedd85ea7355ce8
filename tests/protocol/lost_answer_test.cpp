#include "puppet.hpp"

// Answers that went into a connection that was cut, of servers that do not send them again.

namespace cafegram::protocol {
namespace {

using namespace std::chrono_literals;
using test::puppet;

/// A server that has taken a request and lost its answer with the line.
class lost_answer : public testing::Test {
protected:
  void lose(bool may_repeat) {
    p.take();
    p.ask(1, {.may_repeat = may_repeat});
    name = p.take_query(1).id;
    p.reconnect();
    tell(p.take(ids::msgs_state_req), message_state::received);
  }

  void tell(const std::vector<test::got_message>& questions, std::uint8_t status) {
    for (const auto& question : questions) {
      EXPECT_EQ(read_ids(question.body), std::vector{name});
      p.send(write_state_info(question.id, bytes{status}), {.content = false});
    }
  }

  /// What the client sends when so much time has passed, the server being there.
  std::vector<test::got_message> after(duration time) {
    p.clock.advance(std::chrono::duration_cast<std::chrono::nanoseconds>(time));
    p.client.heard();
    p.client.poll(p.now());
    return p.take();
  }

  static std::vector<test::got_message> of(std::uint32_t constructor,
                                           const std::vector<test::got_message>& all) {
    std::vector<test::got_message> out;
    for (const auto& one : all) {
      if (one.constructor() == constructor) {
        out.push_back(one);
      }
    }
    return out;
  }

  static bool asks(const std::vector<test::got_message>& all) {
    return of(ids::msgs_state_req, all).size() == 1 && of(ids::msg_resend_ans_req, all).size() == 1;
  }

  static std::size_t calls(const std::vector<test::got_message>& all) {
    return of(constructor_of(puppet::query(1)), all).size();
  }

  puppet p;
  msg_id name{};
};

TEST_F(lost_answer, is_asked_for_after_five_seconds) {
  lose(false);
  EXPECT_FALSE(asks(after(4s)));
  EXPECT_EQ(p.client.next_deadline(), p.now() + 1s);
  EXPECT_TRUE(asks(after(1s)));
  p.answer(name);
  EXPECT_EQ(p.events<request_answered>().size(), 1U);
  EXPECT_FALSE(asks(after(5s)));
}

TEST_F(lost_answer, of_what_may_be_repeated_is_waited_for_ten_seconds) {
  lose(true);
  const auto questions = after(5s);
  EXPECT_TRUE(asks(questions));
  EXPECT_EQ(calls(questions), 0U);
  tell(of(ids::msgs_state_req, questions), message_state::received);
  const auto again = after(5s);
  EXPECT_EQ(calls(again), 1U);
  EXPECT_FALSE(asks(again));
  // Over one and the same connection answers are not lost.
  for (int i = 0; i < 10; ++i) {
    const auto later = after(5s);
    EXPECT_EQ(calls(later), 0U);
    EXPECT_FALSE(asks(later));
  }
  p.answer(name);
  EXPECT_EQ(p.events<request_answered>().size(), 1U) << "either name settles it";
}

TEST_F(lost_answer, of_what_may_not_run_twice_is_an_unknown_outcome_in_the_end) {
  lose(false);
  for (int i = 0; i < 6; ++i) {
    const auto questions = after(5s);
    EXPECT_TRUE(asks(questions)) << i;
    tell(of(ids::msgs_state_req, questions), message_state::received);
    EXPECT_TRUE(p.events<request_failed>().empty()) << i;
  }
  EXPECT_EQ(calls(after(5s)), 0U);
  EXPECT_EQ(p.failure().code, errc::unknown_outcome);
}

TEST_F(lost_answer, is_waited_for_as_long_as_the_server_is_at_it) {
  lose(false);
  for (int i = 0; i < 20; ++i) {
    const auto questions = after(5s);
    EXPECT_TRUE(asks(questions)) << i;
    tell(of(ids::msgs_state_req, questions), message_state::received | message_state::processed);
  }
  EXPECT_TRUE(p.events<request_failed>().empty());
  p.answer(name);
  EXPECT_EQ(p.events<request_answered>().size(), 1U);
}

TEST_F(lost_answer, of_a_request_that_is_forgotten_later_is_an_unknown_outcome) {
  lose(false);
  tell(of(ids::msgs_state_req, after(5s)), message_state::forgotten);
  EXPECT_EQ(p.failure().code, errc::unknown_outcome);
}

TEST_F(lost_answer, questions_that_the_server_does_not_know_do_no_harm) {
  lose(true);
  for (const auto& question : of(ids::msg_resend_ans_req, after(5s))) {
    p.answer(question.id, write_rpc_error(400, "INPUT_METHOD_INVALID"));
  }
  EXPECT_TRUE(p.events<request_failed>().empty());
  EXPECT_EQ(calls(after(5s)), 1U);
}

TEST_F(lost_answer, is_asked_for_anew_over_the_next_connection) {
  lose(false);
  EXPECT_TRUE(asks(after(5s)));
  p.reconnect();
  const auto question = p.take(ids::msgs_state_req);
  ASSERT_EQ(question.size(), 1U);
  EXPECT_EQ(calls(after(5s)), 0U);
  tell(question, message_state::not_received);
  EXPECT_EQ(p.take_calls().size(), 1U) << "it had not come";
}

} // namespace
} // namespace cafegram::protocol
