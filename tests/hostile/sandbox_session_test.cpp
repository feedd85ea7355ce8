#include <cafegram/tests/protocol/forged_packet.hpp>

#include <algorithm>

#include "crafted.hpp"
#include "sandbox_kit.hpp"

/// Sections 2 and 3 the other way round: a client with a good key that does one thing wrong.
namespace cafegram {
namespace {

using namespace std::chrono_literals;
using protocol::message_header;
using protocol::msg_id;
using protocol::side;
using test::gzip_packed;
using test::words;

namespace ids = protocol::ids;

/// What the sandbox said, out of containers.
struct said {
  msg_id id{};
  bytes body;
};

/// A client with a key that seals by hand.
class forger {
public:
  explicit forger(const test::attacked_sandbox& at)
    : wire_{at.settings()} {
    EXPECT_TRUE(wire_.exchange());
    key_.emplace(wire_.session().key());
    test::attacked_sandbox::expect_service(wire_);
    spoken_.emplace(at.settings());
  }

  const protocol::auth_key& key() const { return *key_; }
  test::raw_client& wire() { return *spoken_; }
  /// Another client under the same key that does nothing wrong.
  test::raw_client& honest() { return wire_; }

  message_header header(std::chrono::seconds off = {}) {
    const auto time = std::chrono::system_clock::now().time_since_epoch();
    const auto fresh = ids_.next(std::chrono::duration_cast<duration>(time), 0);
    return {.salt = salt_,
            .session_id = 0x5e55,
            .id = msg_id{protocol::number(fresh) + (off.count() << 32)},
            .seqno = 1};
  }
  bytes sealed(const message_header& header, bytes_view body) const {
    return protocol::seal(*key_, side::client, {header, body}, *crypto::system_random()).octets;
  }
  void send(const message_header& header, bytes_view body) {
    wire().send_payload(sealed(header, body));
  }
  msg_id send(bytes_view body) {
    const auto with = header();
    send(with, body);
    return with.id;
  }

  /// Learns the salt as clients do: from a refusal.
  void learn_salt() {
    salt_ = 0;
    send(words({ids::ping, 1, 0}));
    const auto refusal = next(ids::bad_server_salt);
    salt_ = refusal ? protocol::read_bad_message(refusal->body)->salt.value() : 0;
  }

  /// The next message of this constructor; none when the connection ends before.
  std::optional<said> next(std::uint32_t constructor) {
    for (;;) {
      const auto found = std::ranges::find(
          heard_, constructor, [](const said& one) { return protocol::constructor_of(one.body); });
      if (found != heard_.end()) {
        auto out = std::move(*found);
        heard_.erase(found);
        return out;
      }
      auto payload = wire().next_payload();
      if (!payload) {
        return std::nullopt;
      }
      take(*payload);
    }
  }

  /// The code of the next refusal, which must name this message.
  std::int32_t refusal_of(msg_id id) {
    const auto found = next(ids::bad_msg_notification);
    const auto what = found ? protocol::read_bad_message(found->body) : std::nullopt;
    EXPECT_EQ(what ? what->bad : msg_id{}, id);
    return what ? what->code : 0;
  }

  /// The answer to a call, unpacked from `rpc_result`.
  bytes answer_of(msg_id call) {
    for (;;) {
      const auto found = next(ids::rpc_result);
      const auto result = found ? protocol::read_rpc_result(found->body) : std::nullopt;
      if (!result || result->request == call) {
        return result ? to_bytes(result->body) : bytes{};
      }
    }
  }

  /// True if the session is served: pings are answered.
  bool is_served() {
    send(words({ids::ping, ++pings_, 0}));
    for (;;) {
      const auto pong = next(ids::pong);
      if (!pong || protocol::read_long(pong->body, 1) == pings_) {
        return pong.has_value();
      }
    }
  }

private:
  void take(bytes& payload) {
    const auto opened = protocol::open(*key_, side::server, payload);
    ASSERT_EQ(opened.status, protocol::open_status::ok);
    if (protocol::constructor_of(opened.body) != ids::msg_container) {
      heard_.push_back({opened.header.id, to_bytes(opened.body)});
      return;
    }
    const auto items = protocol::read_container(opened.body).value();
    for (const auto& item : items) {
      heard_.push_back({item.id, to_bytes(item.body)});
    }
  }

  test::raw_client wire_;
  std::optional<protocol::auth_key> key_;
  std::optional<test::raw_client> spoken_;
  protocol::msg_id_source ids_;
  std::uint64_t salt_ = 0;
  std::uint32_t pings_ = 100;
  std::vector<said> heard_;
};

/// A row: what is sent, and what must come of it.
struct forger_row {
  std::string name;
  std::function<void(forger&)> act; ///< with its expectations
  std::string logged = {};
};

void PrintTo(const forger_row& of, std::ostream* out) {
  *out << of.name;
}

void expect_served(forger& who) {
  EXPECT_TRUE(who.is_served());
}

// -- packets: the connection is closed ----------------------------------------------------------

forger_row spoiled(std::string name, std::string logged,
                   const std::function<void(bytes&)>& change) {
  return {std::move(name),
          [change](forger& who) {
            auto octets = who.sealed(who.header(), words({ids::ping, 1, 0}));
            change(octets);
            who.wire().send_payload(octets);
            EXPECT_TRUE(who.wire().sees_close());
          },
          std::move(logged)};
}

forger_row measured(std::string name, std::string logged, std::uint32_t length,
                    std::size_t behind) {
  return {std::move(name),
          [length, behind](forger& who) {
            const auto plain = protocol::test::plaintext(who.header(), length, behind);
            who.wire().send_payload(protocol::test::encrypted(who.key(), side::client, plain));
            EXPECT_TRUE(who.wire().sees_close());
          },
          std::move(logged)};
}

std::vector<forger_row> packet_rows() {
  std::vector<forger_row> rows;
  const std::string msg_key = "msg_key does not fit";
  rows.push_back(spoiled("msg_key_is_wrong", msg_key, [](bytes& p) { p[8] ^= 1; }));
  rows.push_back(spoiled("the_text_is_wrong", msg_key, [](bytes& p) { p.back() ^= 1; }));
  rows.push_back(spoiled("a_block_is_missing", msg_key, [](bytes& p) { p.resize(p.size() - 16); }));
  rows.push_back(
      spoiled("a_word_is_missing", "not whole blocks", [](bytes& p) { p.resize(p.size() - 4); }));
  for (const std::size_t size : {8, 24, 40, 68}) {
    rows.push_back(spoiled("only_" + std::to_string(size) + "_octets", "shorter than any message",
                           [size](bytes& p) { p.resize(size); }));
  }
  rows.push_back({"another_key",
                  [](forger& who) {
                    auto octets = who.sealed(who.header(), words({ids::ping, 1, 0}));
                    octets[0] ^= 1;
                    who.wire().send_payload(octets);
                    EXPECT_EQ(who.wire().word(), -404);
                  },
                  "the key of a packet is not known"});
  rows.push_back({"sealed_as_a_server_does",
                  [](forger& who) {
                    const auto body = words({ids::ping, 1, 0});
                    who.wire().send_payload(protocol::seal(who.key(), side::server,
                                                           {who.header(), body},
                                                           *crypto::system_random())
                                                .octets);
                    EXPECT_TRUE(who.wire().sees_close());
                  },
                  msg_key});
  const std::string length = "message length does not fit";
  rows.push_back(measured("length_of_no_whole_words", length, 6, 32));
  rows.push_back(measured("length_beyond_the_packet", length, 20, 16));
  rows.push_back(measured("length_of_minus_4", length, 0xfffffffc, 16));
  const std::string padding = "padding outside";
  rows.push_back(measured("no_padding", padding, 16, 16));
  rows.push_back(measured("8_octets_of_padding", padding, 8, 16));
  rows.push_back(measured("1028_octets_of_padding", padding, 12, 1040));
  return rows;
}

// -- messages: one is refused, the session goes on ----------------------------------------------

forger_row refused(std::string name, std::int32_t code, std::chrono::seconds time_off,
                   std::int64_t id_off, const std::function<bytes(forger&)>& body) {
  return {std::move(name), [code, time_off, id_off, body](forger& who) {
            who.learn_salt();
            const auto octets = body(who);
            auto header = who.header(time_off);
            header.id = msg_id{protocol::number(header.id) + id_off};
            who.send(header, octets);
            EXPECT_EQ(who.refusal_of(header.id), code);
          }};
}

bytes container_of(forger& who, std::size_t count, bytes_view body) {
  std::vector<protocol::container_item> items;
  for (std::size_t i = 0; i < count; ++i) {
    items.push_back({who.header().id, 1, body});
  }
  return protocol::write_container(items);
}

void add_refusals(std::vector<forger_row>& rows) {
  const auto ping = [](forger&) { return words({ids::ping, 1, 0}); };
  for (const int off : {1, 2, 3}) {
    rows.push_back(refused("id_" + std::to_string(off) + "_mod_4", 18, {}, off, ping));
  }
  rows.push_back(refused("an_id_310_seconds_old", 16, -310s, 0, ping));
  rows.push_back(refused("an_id_60_seconds_ahead", 17, 60s, 0, ping));
  rows.push_back({"a_container_in_a_container", [](forger& who) {
                    who.learn_salt();
                    const auto inner = container_of(who, 1, words({ids::ping, 1, 0}));
                    const auto id = who.header().id;
                    const protocol::container_item item{id, 1, inner};
                    who.send(protocol::write_container({&item, 1}));
                    EXPECT_EQ(who.refusal_of(id), 64) << "the inner one";
                  }});
  rows.push_back(refused("1021_messages", 64, {}, 0, [](forger& who) {
    return container_of(who, 1021, words({ids::ping, 1, 0}));
  }));
  rows.push_back(refused("2_31_messages", 64, {}, 0,
                         [](forger&) { return words({ids::msg_container, 0x7fffffff, 0, 0}); }));
  rows.push_back(refused("a_member_beyond_its_container", 64, {}, 0, [](forger& who) {
    auto out = container_of(who, 1, words({ids::ping, 1, 0}));
    out[8 + 12 + 2] = 1;
    return out;
  }));
  rows.push_back({"a_wrong_salt", [](forger& who) {
                    who.learn_salt();
                    auto header = who.header();
                    header.salt ^= 1;
                    who.send(header, words({ids::ping, 1, 0}));
                    const auto refusal = who.next(ids::bad_server_salt);
                    ASSERT_TRUE(refusal);
                    EXPECT_EQ(protocol::read_bad_message(refusal->body)->bad, header.id);
                  }});
  rows.push_back({"an_id_below_the_last_thousand", [](forger& who) {
                    who.learn_salt();
                    const auto late = who.header(-100s);
                    for (int i = 0; i < 1000; ++i) {
                      who.send(protocol::write_ids(ids::msgs_ack, {}));
                    }
                    who.send(late, words({ids::ping, 1, 0}));
                    EXPECT_EQ(who.refusal_of(late.id), 20);
                  }});
}

/// Members of a container that are wrong by themselves: refused singly.
void add_members(std::vector<forger_row>& rows) {
  rows.push_back({"a_member_with_the_id_of_a_server", [](forger& who) {
                    who.learn_salt();
                    const auto ping = words({ids::ping, 1, 0});
                    const msg_id id{protocol::number(who.header().id) + 1};
                    const protocol::container_item item{id, 1, ping};
                    who.send(protocol::write_container({&item, 1}));
                    EXPECT_EQ(who.refusal_of(id), 18);
                  }});
  rows.push_back({"a_member_below_the_last_thousand", [](forger& who) {
                    who.learn_salt();
                    const auto late = who.header(-100s).id;
                    for (int i = 0; i < 1000; ++i) {
                      who.send(protocol::write_ids(ids::msgs_ack, {}));
                    }
                    const auto ping = words({ids::ping, 1, 0});
                    const protocol::container_item item{late, 1, ping};
                    who.send(protocol::write_container({&item, 1}));
                    EXPECT_EQ(who.refusal_of(late), 20);
                  }});
}

/// A call that is answered by this error.
forger_row failing(std::string name, std::string error, const std::function<bytes()>& call) {
  return {std::move(name), [error, call](forger& who) {
            who.learn_salt();
            const auto answer = who.answer_of(who.send(call()));
            const auto text = protocol::read_rpc_error(answer);
            ASSERT_TRUE(text);
            EXPECT_EQ(text->code, 400);
            EXPECT_NE(text->text.find(error), std::string_view::npos) << text->text;
          }};
}

void add_calls(std::vector<forger_row>& rows) {
  const auto call = words({0xc4f9186b}); // help.getConfig
  rows.push_back(failing("a_bomb", "INPUT_REQUEST_TOO_LONG",
                         [call] { return gzip_packed(call, test::bomb_size); }));
  rows.push_back(failing("a_bomb_in_gzip", "INPUT_REQUEST_TOO_LONG",
                         [call] { return gzip_packed(gzip_packed(call, test::bomb_size)); }));
  rows.push_back(failing("gzip_five_deep", "INPUT_FETCH_ERROR",
                         [call] { return test::nested_gzip(call, 5); }));
  rows.push_back(failing("no_gzip", "INPUT_FETCH_ERROR", [] { return test::no_gzip(); }));
  rows.push_back(failing("an_unknown_function", "INPUT_METHOD_INVALID_",
                         [] { return words({0xdeadbeef, 1}); }));
  rows.push_back({"the_same_call_twice", [call](forger& who) {
                    who.learn_salt();
                    const auto header = who.header();
                    who.send(header, call);
                    const auto first = who.answer_of(header.id);
                    EXPECT_FALSE(first.empty());
                    who.send(header, call);
                    EXPECT_EQ(to_hex(who.answer_of(header.id)), to_hex(first)) << "the kept answer";
                    const protocol::container_item item{header.id, 1, call};
                    who.send(protocol::write_container({&item, 1}));
                    EXPECT_EQ(to_hex(who.answer_of(header.id)), to_hex(first)) << "in a container";
                  }});
}

/// Passed over in silence.
forger_row silent(std::string name, const bytes& body) {
  return {std::move(name), [body](forger& who) {
            who.learn_salt();
            who.send(body);
          }};
}

void add_silence(std::vector<forger_row>& rows) {
  constexpr std::uint32_t vector_id = 0x1cb5c415;
  const std::pair<std::string, std::uint32_t> takers[] = {{"msgs_ack", ids::msgs_ack},
                                                          {"msgs_state_req", ids::msgs_state_req},
                                                          {"msg_resend_req", ids::msg_resend_req}};
  for (const auto& [name, constructor] : takers) {
    rows.push_back(
        silent(name + "_of_8193_ids", protocol::write_ids(constructor, std::vector<msg_id>(8193))));
    rows.push_back(
        silent(name + "_of_2_31_less_1_ids", words({constructor, vector_id, 0x7fffffff, 0, 0})));
    rows.push_back(silent(name + "_in_a_bare_vector", words({constructor, 1, 4, 0})));
    rows.push_back(silent(name + "_alone", words({constructor})));
  }
  rows.push_back(silent("nothing", {}));
  rows.push_back(silent("a_ping_without_its_number", words({ids::ping})));
  rows.push_back(silent("rpc_drop_answer_of_nothing", words({ids::rpc_drop_answer})));
  rows.push_back(silent("destroy_session_of_nothing", words({ids::destroy_session})));
  rows.push_back(silent("get_future_salts_of_2_31", words({ids::get_future_salts, 0x7fffffff})));
  rows.push_back(silent("get_future_salts_of_minus_1", words({ids::get_future_salts, 0xffffffff})));
  rows.push_back(silent("an_empty_container", words({ids::msg_container, 0})));
}

std::vector<forger_row> message_rows() {
  std::vector<forger_row> rows;
  add_refusals(rows);
  add_members(rows);
  add_calls(rows);
  add_silence(rows);
  return rows;
}

class wrong_client : public testing::TestWithParam<forger_row> {};

/// Whatever it does, others are served, it leaves no secret in the log, and its key still works.
TEST_P(wrong_client, harms_nobody_but_itself) {
  const auto& row = GetParam();
  test::captured_log log;
  test::attacked_sandbox sandbox;
  forger who{sandbox};
  row.act(who);
  sandbox.expect_unharmed();
  who.honest().open();
  test::attacked_sandbox::expect_service(who.honest());
  EXPECT_TRUE(log.says(row.logged)) << log.text();
  test::expect_no_secrets(log.text(), {to_bytes(who.key().view())});
}

class wrong_message_to_the_sandbox : public wrong_client {};

/// The same, and its session goes on over the same connection.
TEST_P(wrong_message_to_the_sandbox, is_answered_and_the_session_goes_on) {
  const auto& row = GetParam();
  test::captured_log log;
  test::attacked_sandbox sandbox;
  forger who{sandbox};
  row.act(who);
  expect_served(who);
  sandbox.expect_unharmed();
  test::expect_no_secrets(log.text(), {to_bytes(who.key().view())});
}

INSTANTIATE_TEST_SUITE_P(packet, wrong_client, testing::ValuesIn(packet_rows()),
                         test::name_of<forger_row>);
INSTANTIATE_TEST_SUITE_P(message, wrong_message_to_the_sandbox, testing::ValuesIn(message_rows()),
                         test::name_of<forger_row>);

/// A call cut at each word: one error each, and the session goes on.
TEST(cut_call, is_one_error_at_any_length) {
  test::attacked_sandbox sandbox;
  forger who{sandbox};
  who.learn_salt();
  const auto whole = test::raw_client::codec()
                         .encode(test::json{{"_", "auth.importBotAuthorization"},
                                            {"flags", 0},
                                            {"api_id", 1},
                                            {"api_hash", "0123456789abcdef0123456789abcdef"},
                                            {"bot_auth_token", test::hostile_token}})
                         .value();
  for (std::size_t size = 4; size < whole.size(); size += 4) {
    const auto answer = who.answer_of(who.send(bytes_view{whole}.first(size)));
    const auto text = protocol::read_rpc_error(answer);
    ASSERT_TRUE(text) << size;
    EXPECT_EQ(text->code, 400) << size << ' ' << text->text;
  }
  expect_served(who);
  sandbox.expect_unharmed();
}

TEST(many_sessions, of_one_connection_are_bounded) {
  test::attacked_sandbox sandbox;
  forger who{sandbox};
  who.learn_salt();
  for (int i = 0; i < 80; ++i) {
    auto header = who.header();
    header.session_id += static_cast<std::uint64_t>(i);
    who.send(header, words({ids::ping, 1, 0}));
  }
  EXPECT_TRUE(who.wire().sees_close());
  sandbox.expect_unharmed();
}

} // namespace
} // namespace cafegram
