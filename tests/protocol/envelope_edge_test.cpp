#include <utility>

#include "forged_packet.hpp"
#include "puppet.hpp"

namespace cafegram::protocol {
namespace {

using test::puppet;

constexpr auto server = side::server;

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
    auto packet =
        test::encrypted(key, server, test::plaintext({.id = msg_id{5}}, one.length, one.behind));
    const auto opened = open(key, server, packet);
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
    auto packet = test::encrypted(p.key, server, test::plaintext(header, one.length, one.behind));
    p.client.receive(packet, p.now());
    const bool good = one.status == open_status::ok;
    EXPECT_EQ(p.broken(), !good);
    EXPECT_EQ(p.events<update_arrived>().size(), good ? 1U : 0U);
    EXPECT_EQ(p.client.under_way(), 1U);
  }
}

} // namespace
} // namespace cafegram::protocol
