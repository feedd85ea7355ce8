#include <algorithm>
#include <array>

#include "crafted.hpp"
#include "scene.hpp"

/// Section 3, the session: a server with the right key that says one thing it may not.
namespace cafegram {
namespace {

using namespace std::chrono_literals;
using protocol::container_item;
using test::gzip_packed;
using test::line;
using test::nested_gzip;
using test::open_call;
using test::poison;
using test::reaction;
using test::result_of;
using test::scene;
using test::words;

namespace ids = protocol::ids;

constexpr std::uint32_t vector_id = 0x1cb5c415;

/// A message that comes before the right answer.
scene beside(std::string name, std::string logged,
             const std::function<bytes(line&, const open_call&)>& body) {
  return {.name = std::move(name),
          .what = {.at_call =
                       [body](line& to, const open_call& call) {
                         to.message(call, body(to, call));
                         return true;
                       }},
          .expected = reaction::drops,
          .logged = std::move(logged)};
}

/// An answer that settles the call with an error; the right one comes after it.
scene failing(std::string name, errc code,
              const std::function<bytes(line&, const open_call&)>& body) {
  auto out = beside(std::move(name), "a result for no request of ours", body);
  out.expected = reaction::fails;
  out.code = code;
  return out;
}

bytes container_of(line& to, std::size_t count, bytes_view body) {
  std::vector<container_item> items;
  for (std::size_t i = 0; i < count; ++i) {
    items.push_back({to.next_id(), 1, body});
  }
  return protocol::write_container(items);
}

// -- containers and gzip ------------------------------------------------------------------------

void add_containers(std::vector<scene>& rows) {
  rows.push_back(beside("a_container_in_a_container", "a container in a container",
                        [](line& to, const open_call& call) {
                          const auto inner = container_of(to, 1, result_of(call.id, poison()));
                          return container_of(to, 1, inner);
                        }));
  rows.push_back(
      beside("1021_messages", "malformed container", [](line& to, const open_call& call) {
        return container_of(to, 1021, result_of(call.id, poison()));
      }));
  rows.push_back(beside("2_31_messages", "malformed container", [](line&, const open_call&) {
    return words({ids::msg_container, 0x7fffffff, 0, 0});
  }));
  rows.push_back(beside("minus_1_messages", "malformed container", [](line&, const open_call&) {
    return words({ids::msg_container, 0xffffffff, 0, 0});
  }));
  rows.push_back(beside("one_message_more_than_there_is", "malformed container",
                        [](line& to, const open_call& call) {
                          auto out = container_of(to, 1, result_of(call.id, poison()));
                          out[4] = 2;
                          return out;
                        }));
  rows.push_back(beside("one_message_fewer_than_there_are", "malformed container",
                        [](line& to, const open_call& call) {
                          auto out = container_of(to, 2, result_of(call.id, poison()));
                          out[4] = 1;
                          return out;
                        }));
  rows.push_back(beside("a_member_that_is_longer_than_its_container", "malformed container",
                        [](line& to, const open_call& call) {
                          auto out = container_of(to, 1, result_of(call.id, poison()));
                          out[8 + 12 + 2] = 1;
                          return out;
                        }));
  rows.push_back(beside("a_member_of_no_whole_words", "malformed container",
                        [](line& to, const open_call& call) {
                          auto out = container_of(to, 1, result_of(call.id, poison()));
                          out[8 + 12] = 19;
                          return out;
                        }));
  rows.push_back(beside("a_member_with_the_id_of_a_client", "id of a client's in a container",
                        [](line& to, const open_call& call) {
                          const auto body = result_of(call.id, poison());
                          const container_item item{
                              protocol::msg_id{protocol::number(to.next_id()) - 1}, 1, body};
                          return protocol::write_container({&item, 1});
                        }));
  rows.push_back(beside("an_empty_member", "too short for a message",
                        [](line& to, const open_call&) { return container_of(to, 1, {}); }));
}

void add_gzip(std::vector<scene>& rows) {
  const auto poisoned = [](const open_call& call) { return result_of(call.id, poison()); };
  rows.push_back(
      beside("gzip_nested_five_deep", "nested too deep",
             [poisoned](line&, const open_call& call) { return nested_gzip(poisoned(call), 5); }));
  rows.push_back(
      beside("gzip_of_a_bomb", "within its bound", [poisoned](line&, const open_call& c) {
        return gzip_packed(poisoned(c), test::bomb_size);
      }));
  rows.push_back(beside("gzip_of_a_bomb_two_deep", "within its bound",
                        [poisoned](line&, const open_call& call) {
                          return gzip_packed(gzip_packed(poisoned(call), test::bomb_size));
                        }));
  // Each is within the bound, all together are not.
  rows.push_back(beside("gzip_bombs_in_a_container", "within its bound",
                        [poisoned](line& to, const open_call& call) {
                          const auto harmless = gzip_packed({}, test::bomb_size / 2);
                          const auto last = gzip_packed(poisoned(call), test::bomb_size / 2);
                          const std::array<container_item, 2> items{
                              {{to.next_id(), 1, harmless}, {to.next_id(), 1, last}}};
                          return protocol::write_container(items);
                        }));
  rows.push_back(beside("gzip_that_is_no_gzip", "within its bound",
                        [](line&, const open_call&) { return test::no_gzip(); }));
  rows.push_back(
      beside("gzip_that_is_cut", "within its bound", [poisoned](line&, const open_call& call) {
        auto out = gzip_packed(poisoned(call));
        out[4] -= 8;
        out.resize(out.size() - 8);
        return out;
      }));
  rows.push_back(beside("gzip_of_nothing", "too short for a message",
                        [](line&, const open_call&) { return gzip_packed({}); }));
  // Packed when it is sent: that takes its time.
  const auto answer = [](const std::function<bytes()>& body) {
    return [body](line&, const open_call& call) { return result_of(call.id, body()); };
  };
  using enum errc;
  rows.push_back(failing("an_answer_that_is_a_bomb", protocol_violation,
                         answer([] { return gzip_packed(poison(), test::bomb_size); })));
  rows.push_back(failing("an_answer_nested_five_deep", protocol_violation,
                         answer([] { return nested_gzip(poison(), 5); })));
  rows.push_back(failing("an_answer_of_gzip_of_nothing", protocol_violation,
                         answer([] { return gzip_packed({}); })));
}

// -- vectors ------------------------------------------------------------------------------------

void add_vectors(std::vector<scene>& rows) {
  const std::pair<std::uint32_t, std::pair<std::string, std::string>> takers[] = {
      {ids::msgs_ack, {"msgs_ack", "malformed msgs_ack"}},
      {ids::msgs_state_req, {"msgs_state_req", "a state question that is malformed"}},
      {ids::msg_resend_req, {"msg_resend_req", "malformed msg_resend_req"}}};
  const auto unanswered = [](const test::server_record& seen) {
    EXPECT_EQ(std::ranges::count(seen.constructors, ids::msgs_state_info), 0);
  };
  for (const auto& taker : takers) {
    const auto constructor = taker.first;
    const auto& [name, logged] = taker.second;
    auto many = beside(name + "_of_8193_ids", logged, [constructor](line&, const open_call&) {
      return protocol::write_ids(constructor, std::vector<protocol::msg_id>(8193));
    });
    auto endless =
        beside(name + "_of_2_31_less_1_ids", logged, [constructor](line&, const open_call&) {
          return words({constructor, vector_id, 0x7fffffff, 0, 0});
        });
    auto bare = beside(name + "_in_a_bare_vector", logged, [constructor](line&, const open_call&) {
      return words({constructor, 1, 4, 0});
    });
    many.check = endless.check = bare.check = unanswered;
    rows.insert(rows.end(), {std::move(many), std::move(endless), std::move(bare)});
  }
  rows.push_back(
      beside("msgs_all_info_of_8193_ids", "malformed msgs_all_info", [](line&, const open_call&) {
        auto out = protocol::write_ids(ids::msgs_all_info, std::vector<protocol::msg_id>(8193));
        tl::writer info;
        info.byte_string(bytes(8193, 1));
        append(out, info.view());
        return out;
      }));
  rows.push_back(beside("msgs_all_info_with_too_few_states", "malformed msgs_all_info",
                        [](line&, const open_call& call) {
                          auto out = protocol::write_ids(ids::msgs_all_info,
                                                         std::vector{call.id, call.id});
                          tl::writer info;
                          info.byte_string(bytes(1, protocol::message_state::not_received));
                          append(out, info.view());
                          return out;
                        }));
  rows.push_back(beside("future_salts_of_2_31_less_1", "future_salts that answer nothing",
                        [](line&, const open_call& call) {
                          auto out =
                              protocol::write_longs(ids::future_salts, {protocol::number(call.id)});
                          append(out, words({0, 0x7fffffff, 0, 0, 0, 0}));
                          return out;
                        }));
}

// -- what nobody asked for ----------------------------------------------------------------------

void add_unasked(std::vector<scene>& rows) {
  const auto unasked = [&rows](std::string name, std::string logged, const bytes& body) {
    rows.push_back(beside(std::move(name), std::move(logged),
                          [body](line&, const open_call&) { return body; }));
  };
  unasked("a_pong", "a pong that answers nothing", protocol::write_longs(ids::pong, {4, 4}));
  unasked("future_salts", "future_salts that answer nothing",
          protocol::write_future_salts({.request = protocol::msg_id{4}, .now = 0, .salts = {}}));
  unasked("states", "states that answer nothing",
          protocol::write_state_info(protocol::msg_id{4}, bytes(3, 4)));
  unasked("an_answer_to_destroy_session", "a service message that answers nothing",
          protocol::write_longs(ids::destroy_session_ok, {4}));
  for (const auto word :
       {ids::destroy_auth_key_ok, ids::destroy_auth_key_none, ids::destroy_auth_key_fail}) {
    unasked("word_of_a_destroyed_key_" + std::to_string(word >> 28), "nobody asked for",
            words({word}));
  }
  unasked("an_error_outside_of_a_result", "a service message that answers nothing",
          protocol::write_rpc_error(500, "X"));
  unasked("a_result_for_no_request", "a result for no request of ours",
          result_of(protocol::msg_id{4}, poison()));
  unasked("a_refusal_of_what_was_not_sent", "not sent lately",
          protocol::write_bad_message({protocol::msg_id{4}, 0, 32, {}}));
  unasked("a_salt_for_what_was_not_sent", "not sent lately",
          protocol::write_bad_message({protocol::msg_id{4}, 0, 48, 77}));
  rows.push_back(beside("a_second_answer", "a result for no request of ours",
                        [](line& to, const open_call& call) {
                          to.message(call, result_of(call.id, test::right_answer()));
                          return result_of(call.id, poison());
                        }));
  rows.push_back(beside("the_state_of_the_call_is_nonsense", "", [](line&, const open_call& call) {
    auto out = protocol::write_ids(ids::msgs_all_info, std::vector{call.id});
    tl::writer info;
    info.byte_string(bytes(1, 0xff));
    append(out, info.view());
    return out;
  }));
  rows.push_back(
      beside("the_call_is_said_not_to_have_come_unasked", "", [](line&, const open_call& call) {
        auto out = protocol::write_ids(ids::msgs_all_info, std::vector{call.id});
        tl::writer info;
        info.byte_string(bytes(1, protocol::message_state::not_received));
        append(out, info.view());
        return out;
      }));
  rows.push_back(beside("an_unknown_constructor", "",
                        [](line&, const open_call&) { return words({0xdeadbeef, 1, 2, 3}); }));
  rows.push_back(beside("an_unknown_constructor_alone", "",
                        [](line&, const open_call&) { return words({0xdeadbeef}); }));
  rows.push_back(beside("an_object_that_is_no_update", "updates that cannot be read",
                        [](line&, const open_call&) { return words({tl::bool_true_id}); }));
}

// -- truncation ---------------------------------------------------------------------------------

/// All beginnings of a message, one after the other. The log tells of each read the last reason
/// alone, and how many of them come in one read nobody knows: so the empty one is the last.
scene cut(std::string name, const std::function<bytes(const open_call&)>& whole) {
  return {.name = std::move(name),
          .what = {.at_call =
                       [whole](line& to, const open_call& call) {
                         const auto body = whole(call);
                         for (auto words = (body.size() + 3) / 4; words-- > 0;) {
                           to.message(call, bytes_view{body}.first(4 * words));
                         }
                         return true;
                       }},
          .expected = reaction::drops,
          .logged = "too short for a message"};
}

std::vector<scene> cut_rows() {
  std::vector<scene> rows;
  const auto add = [&rows](std::string name, auto whole) {
    rows.push_back(cut(std::move(name), whole));
  };
  const auto number = [](const open_call& call) { return protocol::number(call.id); };
  add("msgs_ack", [](const open_call& c) {
    return protocol::write_ids(ids::msgs_ack, std::vector{c.id, c.id});
  });
  add("bad_msg_notification",
      [](const open_call& c) { return protocol::write_bad_message({c.id, 1, 32, {}}); });
  add("bad_server_salt",
      [](const open_call& c) { return protocol::write_bad_message({c.id, 1, 48, 7}); });
  add("new_session_created", [number](const open_call& c) {
    return protocol::write_longs(ids::new_session_created, {number(c) + 4, 9, 9});
  });
  add("pong",
      [number](const open_call& c) { return protocol::write_longs(ids::pong, {number(c), 9}); });
  add("future_salts", [](const open_call& c) {
    return protocol::write_future_salts({.request = c.id, .now = 1, .salts = {{1, 2, 3}}});
  });
  add("msgs_state_req", [](const open_call& c) {
    return protocol::write_ids(ids::msgs_state_req, std::vector{c.id, c.id});
  });
  add("msgs_state_info",
      [](const open_call& c) { return protocol::write_state_info(c.id, bytes(4, 2)); });
  add("msgs_all_info", [](const open_call& c) {
    auto out = protocol::write_ids(ids::msgs_all_info, std::vector{c.id});
    append(out, words({0x0201}));
    return out;
  });
  add("msg_detailed_info", [number](const open_call& c) {
    auto out = protocol::write_longs(ids::msg_detailed_info, {number(c), number(c) + 1});
    append(out, words({20, 0}));
    return out;
  });
  add("msg_new_detailed_info", [number](const open_call& c) {
    auto out = protocol::write_longs(ids::msg_new_detailed_info, {number(c) + 1});
    append(out, words({20, 0}));
    return out;
  });
  add("msg_resend_req", [](const open_call& c) {
    return protocol::write_ids(ids::msg_resend_req, std::vector{c.id});
  });
  add("gzip_packed", [](const open_call& c) { return gzip_packed(result_of(c.id, poison())); });
  add("msg_container", [](const open_call& c) {
    const auto body = result_of(c.id, poison());
    const container_item item{protocol::msg_id{protocol::number(c.id) + 1}, 1, body};
    return protocol::write_container({&item, 1});
  });
  add("rpc_result", [](const open_call& c) { return result_of(c.id, {}); });
  return rows;
}

// -- answers ------------------------------------------------------------------------------------

std::vector<scene> answer_rows() {
  std::vector<scene> rows;
  using enum errc;
  const auto answer = [&rows](std::string name, errc code, const bytes& body) {
    rows.push_back(failing(std::move(name), code, [body](line&, const open_call& call) {
      return result_of(call.id, body);
    }));
  };
  answer("empty", protocol_violation, {});
  const auto whole = protocol::write_rpc_error(400, "PEER_ID_INVALID");
  for (std::size_t size = 4; size < whole.size(); size += 4) {
    answer("an_error_cut_at_" + std::to_string(size), protocol_violation,
           to_bytes(bytes_view{whole}.first(size)));
  }
  answer("an_error_with_a_text_of_16_mib", protocol_violation,
         words({ids::rpc_error, 400, 0xfffffffe}));
  answer("an_error_without_a_name", rpc, protocol::write_rpc_error(400, ""));
  answer("an_error_of_code_0", rpc, protocol::write_rpc_error(0, "X"));
  answer("an_error_with_control_characters", rpc, protocol::write_rpc_error(400, "A\n\x1b[2J\x01"));
  answer("an_error_with_a_text_of_512_kib", rpc,
         protocol::write_rpc_error(400, std::string(512U << 10, 'x')));
  answer("gzip_that_is_none", protocol_violation, words({ids::gzip_packed, 0x04040404, 0, 0}));
  return rows;
}

// -- refusals without end -----------------------------------------------------------------------

std::vector<scene> refusing_rows() {
  std::vector<scene> rows;
  const auto add = [&rows](std::string name, std::int32_t code, std::optional<std::uint64_t> salt,
                           int times) {
    scene out{.name = std::move(name),
              .what = {.times = times,
                       .at_call =
                           [code, salt](line& to, const open_call& call) {
                             to.message(call,
                                        protocol::write_bad_message({call.id, 1, code, salt}));
                             return false;
                           }},
              .expected = times > 5 ? reaction::fails : reaction::repeats,
              .code = errc::protocol_violation};
    rows.push_back(std::move(out));
  };
  for (const int code : {16, 18, 19, 34, 35, 64}) {
    add("code_" + std::to_string(code) + "_once", code, {}, 1);
    add("code_" + std::to_string(code) + "_for_ever", code, {}, 1000);
  }
  add("another_salt_once", 48, 77, 1);
  add("another_salt_for_ever", 48, 77, 1000);
  add("no_salt_for_ever", 48, {}, 1000);
  add("an_unknown_code_once", 1234, {}, 1);
  add("an_unknown_code_for_ever", 1234, {}, 1000);
  for (const int code : {17, 32, 33}) {
    add("code_" + std::to_string(code) + "_once", code, {}, 1);
    add("code_" + std::to_string(code) + "_for_ever", code, {}, 1000);
  }
  return rows;
}

/// Code 20 says nothing of the call itself: its state is asked, and what is said then counts.
std::vector<scene> doubting_rows() {
  namespace state = protocol::message_state;
  std::vector<scene> rows;
  const auto add = [&rows](std::string name, int times, std::uint8_t said) {
    scene out{.name = std::move(name)};
    out.what.times = times;
    out.what.state = said;
    out.what.at_call = [said](line& to, const open_call& call) {
      to.message(call, protocol::write_bad_message({call.id, 1, 20, {}}));
      return said == state::received;
    };
    out.check = [](const test::server_record& seen) {
      EXPECT_GE(std::ranges::count(seen.constructors, ids::msgs_state_req), 1);
    };
    rows.push_back(std::move(out));
  };
  add("code_20_and_it_had_not_come", 1, state::not_received);
  rows.back().expected = reaction::repeats;
  add("code_20_and_it_is_there", 1, state::received);
  rows.back().expected = reaction::drops;
  add("code_20_and_it_is_forgotten", 1, state::forgotten);
  rows.back().expected = reaction::fails;
  rows.back().code = errc::unknown_outcome;
  add("code_20_for_ever", 1000, state::not_received);
  rows.back().expected = reaction::fails;
  rows.back().code = errc::protocol_violation;
  return rows;
}

std::vector<scene> dropped_rows() {
  std::vector<scene> rows;
  add_containers(rows);
  add_gzip(rows);
  add_vectors(rows);
  add_unasked(rows);
  return rows;
}

class wrong_content : public testing::TestWithParam<scene> {};

TEST_P(wrong_content, is_dropped_or_ends_one_call) {
  test::play(GetParam());
}

INSTANTIATE_TEST_SUITE_P(beside, wrong_content, testing::ValuesIn(dropped_rows()),
                         test::name_of<scene>);
INSTANTIATE_TEST_SUITE_P(cut_anywhere, wrong_content, testing::ValuesIn(cut_rows()),
                         test::name_of<scene>);
INSTANTIATE_TEST_SUITE_P(answer, wrong_content, testing::ValuesIn(answer_rows()),
                         test::name_of<scene>);
INSTANTIATE_TEST_SUITE_P(refused_with, wrong_content, testing::ValuesIn(refusing_rows()),
                         test::name_of<scene>);
INSTANTIATE_TEST_SUITE_P(doubted_with, wrong_content, testing::ValuesIn(doubting_rows()),
                         test::name_of<scene>);

} // namespace
} // namespace cafegram
