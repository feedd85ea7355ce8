#include <cafegram/protocol/envelope.hpp>

#include <algorithm>
#include <cstring>
#include <set>

#include "kit.hpp"

namespace cafegram::protocol {
namespace {

using test::hex;

side sender(const nlohmann::json& one) {
  return one["x"].get<int>() == 0 ? side::client : side::server;
}

auth_key key_of(const nlohmann::json& one) {
  return *auth_key::from(hex(one["auth_key"].get<std::string>()));
}

plain_message message_of(const bytes& plain) {
  plain_message out;
  std::memcpy(&out.header.salt, plain.data(), 8);
  std::memcpy(&out.header.session_id, plain.data() + 8, 8);
  std::memcpy(&out.header.id, plain.data() + 16, 8);
  std::memcpy(&out.header.seqno, plain.data() + 24, 4);
  out.body = bytes_view{plain}.subspan(32);
  return out;
}

TEST(envelope, seals_as_recorded) {
  CAFEGRAM_NEEDS_SHARED();
  int seen = 0;
  for (const auto& one : test::vectors("message_crypto.json")) {
    if (!one.contains("quick_ack_token")) {
      continue;
    }
    const auto plain = hex(one["plaintext"].get<std::string>());
    const auto padding = hex(one["padding"].get<std::string>());
    const auto least = (plain.size() + 12 + 15) / 16 * 16;
    bytes script{static_cast<std::uint8_t>((plain.size() + padding.size() - least) / 16)};
    append(script, padding);
    script.resize(268); // all that one packet draws
    test::scripted_random random{script};
    const auto sealed = seal(key_of(one), sender(one), message_of(plain), random);
    EXPECT_EQ(to_hex(sealed.octets), one["packet"].get<std::string>());
    EXPECT_EQ(sealed.token, one["quick_ack_token"].get<std::uint32_t>());
    ++seen;
  }
  EXPECT_EQ(seen, 8);
}

TEST(envelope, opens_as_recorded) {
  CAFEGRAM_NEEDS_SHARED();
  int good = 0;
  int bad = 0;
  for (const auto& one : test::vectors("message_crypto.json")) {
    if (one.contains("note")) {
      continue; // its plaintext is no message
    }
    const auto kind = one.value("kind", "");
    SCOPED_TRACE(one["source"].get<std::string>() + kind);
    auto packet = hex(one["packet"].get<std::string>());
    const auto opened = open(key_of(one), sender(one), packet, true);
    if (kind.starts_with("BAD") && kind != "BAD session_id") {
      ++bad;
      EXPECT_EQ(opened.status, kind == "BAD msg_key"        ? open_status::wrong_msg_key
                               : kind == "BAD padding size" ? open_status::bad_padding
                                                            : open_status::bad_message_length);
      EXPECT_TRUE(opened.body.empty());
      continue;
    }
    ++good;
    ASSERT_EQ(opened.status, open_status::ok);
    if (one.contains("session_id")) {
      EXPECT_EQ(static_cast<std::int64_t>(opened.header.session_id),
                one["session_id"].get<std::int64_t>());
      EXPECT_EQ(static_cast<std::int64_t>(opened.header.salt), one["salt"].get<std::int64_t>());
      EXPECT_EQ(number(opened.header.id), one["msg_id"].get<std::int64_t>());
      EXPECT_EQ(opened.header.seqno, one["seq_no"].get<std::int32_t>());
      EXPECT_EQ(opened.body.size(), one["length"].get<std::size_t>());
    }
    if (one.contains("quick_ack_token")) {
      EXPECT_EQ(opened.token, one["quick_ack_token"].get<std::uint32_t>());
    }
  }
  EXPECT_EQ(good, 13);
  EXPECT_EQ(bad, 4);
}

TEST(envelope, several_packets_come_out_as_they_went_in) {
  seeded_random random{test::seed()};
  const auto key = test::some_key();
  std::vector<bytes> bodies;
  std::vector<plain_message> messages;
  for (std::size_t i = 0; i < 20; ++i) {
    bodies.push_back(test::random_octets(random, 4 * (i * i)));
  }
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    messages.push_back(
        {{i, 2 * i, msg_id{static_cast<std::int64_t>(4 * i)}, static_cast<std::int32_t>(i)},
         bodies[i]});
  }
  for (const auto from : {side::client, side::server}) {
    auto sealed = seal(key, from, messages, random);
    std::vector<opening> openings(sealed.size());
    for (std::size_t i = 0; i < sealed.size(); ++i) {
      openings[i].packet = sealed[i].octets;
    }
    openings[3].packet[40] ^= 1; // one bad packet does not disturb the others
    open(key, from, openings);
    for (std::size_t i = 0; i < sealed.size(); ++i) {
      if (i == 3) {
        EXPECT_EQ(openings[i].status, open_status::wrong_msg_key);
        continue;
      }
      ASSERT_EQ(openings[i].status, open_status::ok);
      EXPECT_EQ(to_bytes(openings[i].body), bodies[i]);
      EXPECT_EQ(openings[i].header.session_id, 2 * i);
      EXPECT_EQ(openings[i].token, sealed[i].token);
    }
  }
}

TEST(envelope, padding_is_of_random_length_within_bounds) {
  seeded_random random{test::seed()};
  const auto key = test::some_key();
  std::set<std::size_t> sizes;
  for (int i = 0; i < 200; ++i) {
    const auto sealed = seal(key, side::client, {{}, bytes_view{}}, random);
    sizes.insert(sealed.octets.size());
    EXPECT_EQ((sealed.octets.size() - 24) % 16, 0U);
  }
  EXPECT_GT(sizes.size(), 8U);
  EXPECT_GE(*sizes.begin(), 24U + 48U);
  EXPECT_LE(*sizes.rbegin(), 24U + 32U + 1024U);
}

open_status opened_with(const auth_key& key, side from, bytes packet) {
  return open(key, from, packet).status;
}

TEST(envelope, says_why_a_packet_is_not_opened) {
  seeded_random random{test::seed()};
  const auto key = test::some_key();
  const auto packet = seal(key, side::server, {{}, bytes_view{}}, random).octets;
  const auto status = [&](bytes changed, bool tail = false) {
    return open(key, side::server, changed, tail).status;
  };
  EXPECT_EQ(status(packet), open_status::ok);
  EXPECT_EQ(status({}), open_status::too_short);
  EXPECT_EQ(status(bytes(71)), open_status::too_short);
  EXPECT_EQ(opened_with(test::some_key(8), side::server, packet), open_status::wrong_key);
  for (std::size_t extra = 1; extra < 16; ++extra) {
    auto longer = packet;
    longer.resize(packet.size() + extra);
    EXPECT_EQ(status(longer), open_status::odd_length);
    EXPECT_EQ(status(longer, true), open_status::ok);
  }
  auto cut = packet;
  cut.resize(packet.size() - 16);
  if (cut.size() >= 72) {
    EXPECT_EQ(status(cut), open_status::wrong_msg_key);
  }
  EXPECT_EQ(opened_with(key, side::client, packet), open_status::wrong_msg_key);
}

TEST(envelope, any_changed_bit_is_noticed) {
  seeded_random random{test::seed()};
  const auto key = test::some_key();
  const auto packet = seal(key, side::server, {{}, bytes_view{}}, random).octets;
  for (std::size_t bit = 0; bit < packet.size() * 8; ++bit) {
    auto changed = packet;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const auto opened = open(key, side::server, changed);
    EXPECT_EQ(opened.status, bit < 64 ? open_status::wrong_key : open_status::wrong_msg_key);
    EXPECT_TRUE(opened.body.empty());
  }
}

TEST(envelope, names_the_key_of_a_packet) {
  seeded_random random{1};
  const auto key = test::some_key();
  EXPECT_EQ(key_id_of(seal(key, side::client, {{}, bytes_view{}}, random).octets), key.id());
  EXPECT_EQ(key_id_of(bytes(24)), 0U);
  EXPECT_EQ(key_id_of(bytes(7, 1)), 0U);
  EXPECT_EQ(auth_key::from(bytes(255)).error().code, errc::bad_argument);
}

} // namespace
} // namespace cafegram::protocol
