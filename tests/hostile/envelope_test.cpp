#include <cafegram/tests/protocol/forged_packet.hpp>

#include "scene.hpp"

/// Section 2, encrypted messages: a server that sends an answer which is wrong in one thing, and
/// for the rest one that the client would believe.
namespace cafegram {
namespace {

using namespace std::chrono_literals;
using protocol::message_header;
using protocol::side;
using protocol::test::encrypted;
using protocol::test::inner_header;
using test::line;
using test::open_call;
using test::poison;
using test::reaction;
using test::result_of;
using test::scene;

/// Octets of a sealed message, to be spoiled: key id, msg_key, ciphertext.
bytes sealed(line& to, const open_call& call) {
  const auto body = result_of(call.id, poison());
  return protocol::seal(call.key, side::server, {to.header(call), body}, *crypto::system_random())
      .octets;
}

/// A packet in the place of the answer; then the server waits for another connection.
scene packet(std::string name, std::string logged,
             const std::function<bytes(line&, const open_call&)>& make) {
  return {.name = std::move(name),
          .what = {.at_call =
                       [make](line& to, const open_call& call) {
                         to.frame(make(to, call));
                         return true;
                       },
                   .mute = true},
          .logged = std::move(logged)};
}

scene spoiled(std::string name, std::string logged, const std::function<void(bytes&)>& change) {
  return packet(std::move(name), std::move(logged), [change](line& to, const open_call& call) {
    auto out = sealed(to, call);
    change(out);
    return out;
  });
}

/// The poison under a right msg_key, with this length and so much padding.
scene measured(std::string name, std::string logged, std::int64_t length_off, std::size_t padding) {
  return packet(std::move(name), std::move(logged),
                [length_off, padding](line& to, const open_call& call) {
                  const auto body = result_of(call.id, poison());
                  const auto length = static_cast<std::int64_t>(body.size()) + length_off;
                  auto plain = inner_header(to.header(call), static_cast<std::uint32_t>(length));
                  append(plain, body);
                  plain.resize(plain.size() + padding, 0x77);
                  return encrypted(call.key, side::server, plain);
                });
}

/// A header that is changed.
scene headed(std::string name, std::string logged,
             const std::function<void(message_header&)>& change) {
  return {.name = std::move(name),
          .what = {.at_call =
                       [change](line& to, const open_call& call) {
                         auto header = to.header(call);
                         change(header);
                         to.sealed(call, header, result_of(call.id, poison()));
                         return true;
                       },
                   .mute = true},
          .logged = std::move(logged)};
}

void add_outside(std::vector<scene>& rows) {
  const std::string no_key = "encrypted with another key";
  const std::string too_short = "shorter than any message";
  rows.push_back(spoiled("another_key_id", no_key, [](bytes& p) { p[7] ^= 1; }));
  rows.push_back(spoiled("no_key_id", no_key, [](bytes& p) { std::fill_n(p.begin(), 8, 0); }));
  rows.push_back(spoiled("one_block_is_missing", "msg_key does not fit",
                         [](bytes& p) { p.resize(p.size() - 16); }));
  rows.push_back(spoiled("one_block_too_many", "msg_key does not fit",
                         [](bytes& p) { p.resize(p.size() + 16); }));
  rows.push_back(
      spoiled("one_word_is_missing", "not whole blocks", [](bytes& p) { p.resize(p.size() - 4); }));
  rows.push_back(
      spoiled("one_word_too_many", "not whole blocks", [](bytes& p) { p.resize(p.size() + 4); }));
  for (const std::size_t size : {8, 20, 24, 40, 56, 68}) {
    rows.push_back(spoiled("only_" + std::to_string(size) + "_octets", too_short,
                           [size](bytes& p) { p.resize(size); }));
  }
}

void add_msg_key(std::vector<scene>& rows) {
  const std::string wrong = "msg_key does not fit";
  rows.push_back(spoiled("the_first_bit_of_msg_key", wrong, [](bytes& p) { p[8] ^= 1; }));
  rows.push_back(spoiled("the_last_bit_of_msg_key", wrong, [](bytes& p) { p[23] ^= 0x80; }));
  rows.push_back(spoiled("the_first_bit_of_the_text", wrong, [](bytes& p) { p[24] ^= 1; }));
  rows.push_back(spoiled("the_last_bit_of_the_text", wrong, [](bytes& p) { p.back() ^= 0x80; }));
  rows.push_back(packet("sealed_as_a_client_does", wrong, [](line& to, const open_call& call) {
    return protocol::seal(call.key, side::client, {to.header(call), result_of(call.id, poison())},
                          *crypto::system_random())
        .octets;
  }));
  rows.push_back(packet("the_clients_own_octets", wrong, [](line&, const open_call& call) {
    // Sent back as they came: the same key, the other direction.
    return protocol::seal(
               call.key, side::client,
               {{.salt = 1, .session_id = call.session, .id = call.packet}, test::first_call()},
               *crypto::system_random())
        .octets;
  }));
}

void add_length(std::vector<scene>& rows) {
  const std::string wrong = "message length does not fit";
  // The body has 20 octets, the header 32.
  rows.push_back(measured("length_is_no_multiple_of_4", wrong, -2, 12));
  rows.push_back(measured("length_is_odd", wrong, 1, 28));
  rows.push_back(measured("length_goes_beyond_the_packet", wrong, 16, 12));
  rows.push_back(measured("length_is_minus_4", wrong, -24, 12));
  rows.push_back(measured("length_is_2_31", wrong, (std::int64_t{1} << 31) - 20, 12));
  rows.push_back(measured("no_padding", "padding outside", 12, 12));
  rows.push_back(measured("8_octets_of_padding", "padding outside", 4, 12));
  rows.push_back(measured("1036_octets_of_padding", "padding outside", 0, 1036));
  rows.push_back(measured("64_kib_of_padding", "padding outside", 0, 65536 + 12));
}

void add_header(std::vector<scene>& rows) {
  rows.push_back(headed("another_session", "a message of another session",
                        [](message_header& h) { h.session_id ^= 1; }));
  rows.push_back(headed("no_session", "a message of another session",
                        [](message_header& h) { h.session_id = 0; }));
  const auto id = [&rows](std::string name, std::string logged, std::int64_t off) {
    rows.push_back(headed(std::move(name), std::move(logged), [off](message_header& h) {
      h.id = protocol::msg_id{protocol::number(h.id) + off};
    }));
  };
  id("msg_id_of_a_client", "id of a client's", -1);
  id("msg_id_2_mod_4", "id of a client's", 1);
  id("msg_id_310_seconds_old", "outside of the time window", -(310LL << 32));
  id("msg_id_60_seconds_ahead", "outside of the time window", 60LL << 32);
  rows.push_back(headed("msg_id_from_the_beginning", "outside of the time window",
                        [](message_header& h) { h.id = protocol::msg_id{1}; }));
  rows.push_back(headed("msg_id_is_negative", "outside of the time window",
                        [](message_header& h) { h.id = protocol::msg_id{-1}; }));
  rows.push_back({.name = "msg_id_below_the_last_thousand",
                  .what = {.at_call =
                               [](line& to, const open_call& call) {
                                 const auto late = to.header(call, -30s);
                                 const auto nothing =
                                     protocol::write_ids(protocol::ids::msgs_ack, {});
                                 for (int i = 0; i < 1000; ++i) {
                                   to.message(call, nothing);
                                 }
                                 to.sealed(call, late, result_of(call.id, poison()));
                                 return true;
                               },
                           .mute = true},
                  .logged = "too old to know"});
}

std::vector<scene> closing_rows() {
  std::vector<scene> rows;
  add_outside(rows);
  add_msg_key(rows);
  add_length(rows);
  add_header(rows);
  return rows;
}

/// Under forward secrecy the same packets come under the temporary key.
std::vector<scene> temporary_packet_rows() {
  auto rows = closing_rows();
  for (auto& one : rows) {
    one.options = [](client_options& o) { o.forward_secrecy = true; };
    one.check = [](const test::server_record& seen) {
      EXPECT_EQ(seen.exchanges, 2) << "both keys stay";
    };
  }
  return rows;
}

std::vector<scene> permanent_rows() {
  auto rows = closing_rows();
  for (auto& one : rows) {
    one.check = [](const test::server_record& seen) {
      EXPECT_EQ(seen.exchanges, 1) << "the key stays";
    };
  }
  return rows;
}

class wrong_packet : public testing::TestWithParam<scene> {};

TEST_P(wrong_packet, costs_the_connection_and_no_call) {
  test::play(GetParam());
}

INSTANTIATE_TEST_SUITE_P(permanent, wrong_packet, testing::ValuesIn(permanent_rows()),
                         test::name_of<scene>);
INSTANTIATE_TEST_SUITE_P(temporary, wrong_packet, testing::ValuesIn(temporary_packet_rows()),
                         test::name_of<scene>);

// -- what is dropped singly ---------------------------------------------------------------------

/// Something under an id that came before, in between; then the right answer.
std::vector<scene> repeated_rows() {
  std::vector<scene> rows;
  const auto twice = [](line& to, const open_call& call, bytes_view first) {
    const auto header = to.header(call);
    to.sealed(call, header, first);
    to.sealed(call, header, result_of(call.id, poison()));
    return true;
  };
  const auto acknowledged_twice = [](const test::server_record& seen) {
    std::map<protocol::msg_id, int> times;
    int most = 0;
    for (const auto id : seen.acknowledged) {
      most = std::max(most, ++times[id]);
    }
    EXPECT_EQ(most, 2);
  };
  rows.push_back({.name = "an_id_that_came_before",
                  .what = {.at_call =
                               [twice](line& to, const open_call& call) {
                                 const auto pong =
                                     protocol::write_longs(protocol::ids::pong, {1, 1});
                                 return twice(to, call, pong);
                               }},
                  .expected = reaction::drops,
                  .logged = "a message that came before",
                  .check = acknowledged_twice});
  rows.push_back({.name = "an_id_that_came_before_in_a_container",
                  .what = {.at_call =
                               [](line& to, const open_call& call) {
                                 const auto header = to.header(call);
                                 to.sealed(call, header,
                                           protocol::write_longs(protocol::ids::pong, {1, 1}));
                                 const auto body = result_of(call.id, poison());
                                 const protocol::container_item item{header.id, 1, body};
                                 to.message(call, protocol::write_container({&item, 1}));
                                 return true;
                               }},
                  .expected = reaction::drops,
                  .logged = "a message that came before",
                  .check = acknowledged_twice});
  return rows;
}

class wrong_message : public testing::TestWithParam<scene> {};

TEST_P(wrong_message, is_dropped_and_the_connection_stays) {
  test::play(GetParam());
}

INSTANTIATE_TEST_SUITE_P(repeated, wrong_message, testing::ValuesIn(repeated_rows()),
                         test::name_of<scene>);

// What looks odd and is right.

TEST(odd_packet, with_1020_octets_of_padding_is_taken) {
  test::play({.name = "1020_octets",
              .what = {.at_call =
                           [](line& to, const open_call& call) {
                             const auto body = result_of(call.id, test::right_answer());
                             auto plain = inner_header(to.header(call), 20);
                             append(plain, body);
                             plain.resize(plain.size() + 1020, 0x77);
                             to.frame(encrypted(call.key, side::server, plain));
                             return true;
                           }},
              .expected = reaction::drops});
}

TEST(odd_packet, with_the_tail_of_the_padded_transport_is_taken) {
  test::play({.name = "tail",
              .what = {.at_call =
                           [](line& to, const open_call& call) {
                             auto octets =
                                 protocol::seal(
                                     call.key, side::server,
                                     {to.header(call), result_of(call.id, test::right_answer())},
                                     *crypto::system_random())
                                     .octets;
                             octets.resize(octets.size() + 12, 0x33);
                             to.frame(octets);
                             return true;
                           }},
              .expected = reaction::drops,
              .options = [](client_options& o) { o.transport.kind = transport_kind::padded; }});
}

TEST(odd_packet, of_an_old_message_in_a_container_is_taken) {
  test::play({.name = "old",
              .what = {.at_call =
                           [](line& to, const open_call& call) {
                             const auto body = result_of(call.id, test::right_answer());
                             const protocol::container_item item{to.next_id(-310s), 1, body};
                             to.message(call, protocol::write_container({&item, 1}));
                             return true;
                           }},
              .expected = reaction::drops});
}

} // namespace
} // namespace cafegram
