#include <cafegram/protocol/framing.hpp>

#include <cstring>

#include "kit.hpp"

namespace cafegram::protocol {
namespace {

using test::hex;

struct style {
  framing kind;
  bool obfuscated;
  bool with_secret;
  bool records = false; ///< in fake TLS
};

const std::vector<style> styles{
    {framing::abridged, false, false},   {framing::intermediate, false, false},
    {framing::padded, false, false},     {framing::full, false, false},
    {framing::abridged, true, false},    {framing::intermediate, true, false},
    {framing::padded, true, false},      {framing::abridged, true, true},
    {framing::intermediate, true, true}, {framing::padded, true, true},
    {framing::padded, true, true, true},
};

constexpr proxy_secret a_secret{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

struct pair_of_ends {
  client_transport client;
  server_transport server;
};

pair_of_ends connect_ends(const style& how, std::shared_ptr<random_source> random) {
  const auto secret = how.with_secret ? std::optional{a_secret} : std::nullopt;
  auto client = client_transport::make({how.kind, how.obfuscated, secret, 2, how.records}, random);
  EXPECT_TRUE(client);
  return {*std::move(client), server_transport{random, secret, how.records}};
}

/// Everything that an end has, frames as copies. Padding of the padded framing is cut off.
template <class End>
std::vector<transport_event> drain(End& end, std::vector<bytes>& payloads) {
  std::vector<transport_event> out;
  while (true) {
    auto event = end.next();
    EXPECT_TRUE(event) << event.error().what;
    if (!event || !*event) {
      return out;
    }
    if (const auto* got = std::get_if<frame>(&**event)) {
      payloads.push_back(to_bytes(got->payload));
    }
    out.push_back(**event);
  }
}

void expect_payloads(const std::vector<bytes>& got, const std::vector<bytes>& sent, framing kind) {
  ASSERT_EQ(got.size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    ASSERT_GE(got[i].size(), sent[i].size());
    EXPECT_LE(got[i].size(), sent[i].size() + (kind == framing::padded ? 3 : 0));
    EXPECT_TRUE(std::equal(sent[i].begin(), sent[i].end(), got[i].begin()));
  }
}

std::vector<bytes> sample_payloads(seeded_random& random) {
  std::vector<bytes> out;
  for (const std::size_t size : {24, 40, 504, 508, 512, 72}) {
    out.push_back(test::random_octets(random, size));
  }
  return out;
}

TEST(framing, agrees_with_recorded_frames) {
  CAFEGRAM_NEEDS_SHARED();
  auto random = std::make_shared<seeded_random>(1);
  int seen = 0;
  auto full = client_transport::make({framing::full}, random);
  for (const auto& one : test::vectors("transport_frames.json")) {
    if (one["payload_hex"].is_null()) {
      continue;
    }
    const auto payload = hex(one["payload_hex"].get<std::string>());
    for (const auto kind : {framing::abridged, framing::intermediate}) {
      auto transport = client_transport::make({kind}, random);
      bytes out;
      ASSERT_TRUE(transport->encode(payload, false, out));
      EXPECT_EQ(to_hex(out), one[std::string{to_string(kind)}].get<std::string>());
    }
    bytes out;
    ASSERT_TRUE(full->encode(payload, false, out));
    EXPECT_EQ(to_hex(out), one["full_seq" + std::to_string(seen)].get<std::string>());
    ++seen;
  }
  EXPECT_EQ(seen, 4);
}

TEST(framing, opens_a_connection_with_its_tag) {
  auto random = std::make_shared<seeded_random>(1);
  const auto opening = [&](framing kind) {
    return to_hex(client_transport::make({kind}, random)->opening());
  };
  EXPECT_EQ(opening(framing::abridged), "ef");
  EXPECT_EQ(opening(framing::intermediate), "eeeeeeee");
  EXPECT_EQ(opening(framing::padded), "dddddddd");
  EXPECT_EQ(opening(framing::full), "");
  EXPECT_EQ(client_transport::make({framing::padded, true}, random)->opening().size(), 64U);
}

TEST(framing, refuses_what_cannot_be) {
  auto random = std::make_shared<seeded_random>(1);
  EXPECT_EQ(client_transport::make({framing::full, true}, random).error().code, errc::bad_argument);
  EXPECT_EQ(client_transport::make({framing::padded, false, a_secret}, random).error().code,
            errc::bad_argument);
  auto transport = client_transport::make({framing::abridged}, random);
  bytes out;
  EXPECT_EQ(transport->encode({}, false, out).error().code, errc::bad_argument);
  EXPECT_EQ(transport->encode(bytes(26), false, out).error().code, errc::bad_argument);
  EXPECT_EQ(transport->encode(bytes(max_frame + 4), false, out).error().code, errc::limit);
  EXPECT_TRUE(out.empty());
  server_transport server{random};
  EXPECT_EQ(server.encode(bytes(24), out).error().code, errc::bad_argument);
}

TEST(framing, takes_any_split_in_two_of_the_octets) {
  auto random = std::make_shared<seeded_random>(test::seed());
  for (const auto& how : styles) {
    SCOPED_TRACE(std::string{to_string(how.kind)} + (how.obfuscated ? " obfuscated" : ""));
    const auto sent = sample_payloads(*random);
    auto ends = connect_ends(how, random);
    auto stream = ends.client.opening();
    for (const auto& payload : sent) {
      ASSERT_TRUE(ends.client.encode(payload, false, stream));
    }
    for (std::size_t split = 0; split <= stream.size(); ++split) {
      server_transport server{random, how.with_secret ? std::optional{a_secret} : std::nullopt,
                              how.records};
      std::vector<bytes> got;
      server.feed(bytes_view{stream}.first(split));
      drain(server, got);
      server.feed(bytes_view{stream}.subspan(split));
      drain(server, got);
      expect_payloads(got, sent, how.kind);
      ASSERT_EQ(server.detected()->kind, how.kind);
      ASSERT_EQ(server.detected()->obfuscated, how.obfuscated);
      ASSERT_EQ(server.buffered(), 0U);
    }
  }
}

TEST(framing, takes_one_octet_at_a_time_in_both_directions) {
  auto random = std::make_shared<seeded_random>(test::seed());
  for (const auto& how : styles) {
    const auto sent = sample_payloads(*random);
    auto ends = connect_ends(how, random);
    auto up = ends.client.opening();
    for (const auto& payload : sent) {
      ASSERT_TRUE(ends.client.encode(payload, false, up));
    }
    std::vector<bytes> at_server;
    for (const auto octet : up) {
      ends.server.feed({&octet, 1});
      drain(ends.server, at_server);
    }
    expect_payloads(at_server, sent, how.kind);
    bytes down;
    for (const auto& payload : sent) {
      ASSERT_TRUE(ends.server.encode(payload, down));
    }
    std::vector<bytes> at_client;
    for (const auto octet : down) {
      ends.client.feed({&octet, 1});
      drain(ends.client, at_client);
    }
    expect_payloads(at_client, sent, how.kind);
  }
}

TEST(framing, frames_stay_good_until_more_is_fed) {
  auto random = std::make_shared<seeded_random>(1);
  auto ends = connect_ends(styles[0], random);
  auto stream = ends.client.opening();
  const auto first = test::random_octets(*random, 40);
  const auto second = test::random_octets(*random, 72);
  ASSERT_TRUE(ends.client.encode(first, false, stream));
  ASSERT_TRUE(ends.client.encode(second, false, stream));
  ends.server.feed(stream);
  const auto one = std::get<frame>(**ends.server.next());
  const auto two = std::get<frame>(**ends.server.next());
  EXPECT_EQ(to_bytes(one.payload), first);
  EXPECT_EQ(to_bytes(two.payload), second);
}

TEST(framing, quick_acknowledgements_go_round) {
  auto random = std::make_shared<seeded_random>(test::seed());
  for (const auto& how : styles) {
    auto ends = connect_ends(how, random);
    auto up = ends.client.opening();
    ASSERT_TRUE(ends.client.encode(bytes(512), true, up));
    ASSERT_TRUE(ends.client.encode(bytes(24), true, up));
    ASSERT_TRUE(ends.client.encode(bytes(24), false, up));
    ends.server.feed(up);
    std::vector<bytes> payloads;
    const auto events = drain(ends.server, payloads);
    ASSERT_EQ(events.size(), 3U);
    const bool possible = how.kind != framing::full;
    EXPECT_EQ(std::get<frame>(events[0]).quick_ack, possible);
    EXPECT_EQ(std::get<frame>(events[1]).quick_ack, possible);
    EXPECT_FALSE(std::get<frame>(events[2]).quick_ack);
    bytes down;
    ends.server.encode_quick_ack(0x12345678, down);
    EXPECT_EQ(down.empty(), !possible);
    ASSERT_TRUE(ends.server.encode(bytes(40), down));
    for (const auto octet : down) {
      ends.client.feed({&octet, 1});
      for (const auto& event : drain(ends.client, payloads)) {
        if (const auto* ack = std::get_if<quick_ack>(&event)) {
          EXPECT_EQ(ack->token, 0x92345678U);
        }
      }
    }
    EXPECT_EQ(payloads.size(), 4U);
  }
}

TEST(framing, abridged_sends_the_token_of_a_quick_ack_backwards) {
  auto random = std::make_shared<seeded_random>(1);
  auto ends = connect_ends(styles[0], random);
  ends.server.feed(hex("ef"));
  bytes out;
  ends.server.encode_quick_ack(0x92345678, out);
  EXPECT_EQ(to_hex(out), "92345678");
}

TEST(framing, error_words_arrive_in_every_framing) {
  auto random = std::make_shared<seeded_random>(test::seed());
  for (const auto& how : styles) {
    auto ends = connect_ends(how, random);
    auto up = ends.client.opening();
    ASSERT_TRUE(ends.client.encode(bytes(24), false, up));
    ends.server.feed(up);
    std::vector<bytes> payloads;
    drain(ends.server, payloads);
    bytes down;
    ASSERT_TRUE(ends.server.encode_error(-404, down));
    ends.client.feed(down);
    const auto events = drain(ends.client, payloads);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(std::get<transport_error>(events[0]).code, -404);
  }
  auto padded = client_transport::make({framing::padded}, random);
  padded->feed(hex("13000000"
                   "6cfeffff" +
                   std::string(30, '7')));
  EXPECT_EQ(std::get<transport_error>(**padded->next()).code, -404);
}

TEST(framing, refuses_frames_that_are_too_long_when_announced) {
  auto random = std::make_shared<seeded_random>(1);
  const auto refused = [&](framing kind, std::string_view announced) {
    auto transport = client_transport::make({kind}, random);
    transport->feed(hex(announced));
    const auto event = transport->next();
    return !event && event.error().code == errc::limit;
  };
  EXPECT_TRUE(refused(framing::abridged, "7f010040"));
  EXPECT_TRUE(refused(framing::intermediate, "04000001"));
  EXPECT_TRUE(refused(framing::padded, "10000001"));
  EXPECT_TRUE(refused(framing::full, "10000001"));
  EXPECT_FALSE(refused(framing::abridged, "7f000040"));
  EXPECT_FALSE(refused(framing::intermediate, "00000001"));
  EXPECT_FALSE(refused(framing::padded, "0f000001"));
  EXPECT_FALSE(refused(framing::full, "0c000001"));
}

TEST(framing, an_announced_length_takes_no_memory) {
  auto random = std::make_shared<seeded_random>(1);
  auto transport = client_transport::make({framing::intermediate}, random);
  transport->feed(hex("00000001"));
  ASSERT_TRUE(transport->next());
  EXPECT_EQ(transport->buffered(), 4U);
}

TEST(framing, refuses_lengths_without_a_meaning) {
  auto random = std::make_shared<seeded_random>(1);
  for (const auto& [kind, octets] :
       {std::pair{framing::abridged, "00"}, std::pair{framing::abridged, "7f000000"},
        std::pair{framing::intermediate, "00000000"}, std::pair{framing::padded, "03000000"},
        std::pair{framing::full, "0c000000"}, std::pair{framing::full, "00000000"},
        std::pair{framing::full, "11000000"}}) {
    auto transport = client_transport::make({kind}, random);
    transport->feed(hex(octets));
    const auto event = transport->next();
    ASSERT_FALSE(event) << octets;
    EXPECT_EQ(event.error().code, errc::protocol_violation);
  }
}

TEST(framing, full_checks_sequence_and_sum) {
  auto random = std::make_shared<seeded_random>(1);
  auto writer = client_transport::make({framing::full}, random);
  bytes first;
  bytes second;
  ASSERT_TRUE(writer->encode(bytes(24, 1), false, first));
  ASSERT_TRUE(writer->encode(bytes(24, 2), false, second));
  auto skipping = client_transport::make({framing::full}, random);
  skipping->feed(second);
  EXPECT_EQ(skipping->next().error().code, errc::protocol_violation);
  for (std::size_t at = 0; at < first.size(); ++at) {
    auto reader = client_transport::make({framing::full}, random);
    auto damaged = first;
    damaged[at] ^= 0x10;
    reader->feed(damaged);
    const auto event = reader->next();
    EXPECT_TRUE(!event || !*event) << at; // refused, or waits for a longer frame
  }
  auto good = client_transport::make({framing::full}, random);
  good->feed(first);
  good->feed(second);
  EXPECT_TRUE(*good->next());
  EXPECT_TRUE(*good->next());
}

TEST(framing, other_protocols_are_named) {
  auto random = std::make_shared<seeded_random>(1);
  const auto says = [&](bytes_view octets, std::optional<proxy_secret> secret = {}) {
    server_transport server{random, secret};
    server.feed(octets);
    const auto event = server.next();
    EXPECT_EQ(event.has_value(), server.foreign() == foreign_protocol::none);
    return server.foreign();
  };
  EXPECT_EQ(says(as_bytes("GET / HTTP/1.1\r\n")), foreign_protocol::http);
  EXPECT_EQ(says(as_bytes("POST /api")), foreign_protocol::http);
  EXPECT_EQ(says(hex("16030102")), foreign_protocol::tls);
  bytes hello(80, 5);
  hello[0] = 0x16;
  hello[1] = 0x03;
  hello[2] = 0x01;
  EXPECT_EQ(says(hello), foreign_protocol::tls);
  EXPECT_EQ(says(bytes(64, 0x55)), foreign_protocol::unknown);
  EXPECT_EQ(says(bytes(63, 0x55)), foreign_protocol::none);
  EXPECT_EQ(says(hex("ef"), a_secret), foreign_protocol::none);
  EXPECT_EQ(says(bytes(64, 0xef), a_secret), foreign_protocol::unknown);
}

TEST(framing, an_obfuscated_connection_names_its_data_centre) {
  auto random = std::make_shared<seeded_random>(test::seed());
  auto client = client_transport::make({framing::padded, true, std::nullopt, -10002}, random);
  server_transport server{random};
  server.feed(client->opening());
  ASSERT_TRUE(server.detected());
  EXPECT_EQ(server.detected()->dc, -10002);
}

TEST(framing, releases_memory_of_what_was_handed_out) {
  auto random = std::make_shared<seeded_random>(1);
  auto ends = connect_ends(styles[1], random);
  auto stream = ends.client.opening();
  ASSERT_TRUE(ends.client.encode(bytes(1 << 20), false, stream));
  append(stream, hex("18000000aabb"));
  ends.server.feed(stream);
  ASSERT_TRUE(*ends.server.next());
  ends.server.release();
  EXPECT_EQ(ends.server.buffered(), 6U);
  ends.server.feed(bytes(22, 0xcc));
  EXPECT_EQ(to_hex(std::get<frame>(**ends.server.next()).payload).substr(0, 8), "aabbcccc");
}

/// Whatever comes: no crash, and an end to it.
TEST(framing, survives_random_octets) {
  auto random = std::make_shared<seeded_random>(test::seed());
  for (int round = 0; round < 3000; ++round) {
    const auto& how = styles[random->next() % styles.size()];
    auto ends = connect_ends(how, random);
    bytes stream;
    if (random->next() % 2 == 0) {
      stream = ends.client.opening();
      for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(ends.client.encode(bytes(24 + 4 * (random->next() % 200)), false, stream));
      }
      stream[random->next() % stream.size()] ^= static_cast<std::uint8_t>(random->next() | 1);
    } else {
      stream = test::random_octets(*random, random->next() % 300);
    }
    std::size_t at = 0;
    bool ended = false;
    while (at < stream.size() && !ended) {
      const auto step = std::min<std::size_t>(1 + random->next() % 40, stream.size() - at);
      ends.server.feed(bytes_view{stream}.subspan(at, step));
      at += step;
      for (auto event = ends.server.next(); !ended; event = ends.server.next()) {
        ended = !event;
        if (!event || !*event) {
          break;
        }
      }
    }
    ASSERT_LE(ends.server.buffered(), stream.size());
  }
}

} // namespace
} // namespace cafegram::protocol
