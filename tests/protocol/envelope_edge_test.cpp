#include <cafegram/crypto/aes.hpp>
#include <cafegram/crypto/kdf.hpp>

#include <cstring>
#include <utility>

#include "puppet.hpp"

namespace cafegram::protocol {
namespace {

using test::puppet;

/// Encrypts octets as a server does that has the key and no manners: whatever they are.
bytes encrypted(const auth_key& key, bytes plain) {
  constexpr auto from = crypto::direction::to_client;
  const auto msg_key = crypto::middle_of(crypto::message_key_large(key.view(), plain, from));
  const auto keys = crypto::message_keys_v2(key.view(), msg_key, from);
  crypto::ige_encrypt(crypto::ige_job{keys.key.view(), keys.iv.view(), plain, plain});
  bytes out(8);
  const auto id = key.id();
  std::memcpy(out.data(), &id, sizeof(id));
  append(out, msg_key);
  append(out, plain);
  return out;
}

/// salt session_id msg_id seqno length, then `behind` octets of body and padding.
bytes plaintext(const message_header& header, std::uint32_t length, std::size_t behind) {
  bytes out(32 + behind, 'p');
  std::memcpy(out.data(), &header.salt, 8);
  std::memcpy(out.data() + 8, &header.session_id, 8);
  std::memcpy(out.data() + 16, &header.id, 8);
  std::memcpy(out.data() + 24, &header.seqno, 4);
  std::memcpy(out.data() + 28, &length, 4);
  return out;
}

struct form {
  std::uint32_t length;
  std::size_t behind;
  open_status status;
};

constexpr form forms[] = {
    {4, 16, open_status::ok},                  // 12 of padding
    {8, 16, open_status::bad_padding},         // 8
    {16, 16, open_status::bad_padding},        // none
    {20, 32, open_status::ok},                 // 12
    {16, 1040, open_status::ok},               // 1024
    {12, 1040, open_status::bad_padding},      // 1028
    {16, 1056, open_status::bad_padding},      // 1040
    {4, 65536, open_status::bad_padding},      //
    {5, 32, open_status::bad_message_length},  // no whole words
    {6, 32, open_status::bad_message_length},  //
    {20, 16, open_status::bad_message_length}, // beyond the packet
    {0x80000000, 16, open_status::bad_message_length},
    {0xfffffff0, 1024, open_status::bad_message_length},
    {0xfffffffc, 16, open_status::bad_message_length},
};

TEST(envelope_edges, length_and_padding_are_checked_under_a_right_msg_key) {
  const auto key = test::some_key();
  for (const auto& one : forms) {
    SCOPED_TRACE(std::to_string(one.length) + " of " + std::to_string(one.behind));
    auto packet = encrypted(key, plaintext({.id = msg_id{5}}, one.length, one.behind));
    const auto opened = open(key, side::server, packet);
    EXPECT_EQ(opened.status, one.status);
    EXPECT_EQ(opened.body.size(), one.status == open_status::ok ? one.length : 0);
  }
}

TEST(envelope_edges, a_session_closes_the_connection_for_each) {
  for (const auto& one : forms) {
    SCOPED_TRACE(std::to_string(one.length) + " of " + std::to_string(one.behind));
    puppet p;
    p.take();
    p.ask(1);
    p.take();
    const message_header header{
        .salt = 1, .session_id = p.client.session_id(), .id = p.next_id(), .seqno = 1};
    auto packet = encrypted(p.key, plaintext(header, one.length, one.behind));
    p.client.receive(packet, p.now());
    const bool good = one.status == open_status::ok;
    EXPECT_EQ(p.broken(), !good);
    EXPECT_EQ(p.events<update_arrived>().size(), good ? 1U : 0U);
    EXPECT_EQ(p.client.under_way(), 1U);
  }
}

} // namespace
} // namespace cafegram::protocol
