#include <cafegram/actors/connect_attempt.hpp>
#include <cafegram/actors/connect_plan.hpp>
#include <cafegram/tests/support.hpp>

namespace cafegram {

namespace {

const std::vector<endpoint> mixed{{"10.0.0.1", 1},  {"10.0.0.2", 1},    {"10.0.0.3", 1},
                                  {"a.example", 1}, {"2001:db8::1", 1}, {"2001:db8::2", 1}};

std::string hosts(const std::vector<endpoint>& of) {
  std::string out;
  for (const auto& one : of) {
    out += one.host + " ";
  }
  return out;
}

} // namespace

TEST(connect_plan, takes_the_families_in_turn) {
  EXPECT_EQ(hosts(in_turn(mixed, ip_choice::ipv4_first)),
            "10.0.0.1 2001:db8::1 10.0.0.2 2001:db8::2 10.0.0.3 a.example ");
  EXPECT_EQ(hosts(in_turn(mixed, ip_choice::ipv6_first)),
            "2001:db8::1 10.0.0.1 2001:db8::2 10.0.0.2 10.0.0.3 a.example ");
  EXPECT_EQ(hosts(in_turn(mixed, ip_choice::ipv4_only)), "10.0.0.1 10.0.0.2 10.0.0.3 a.example ");
  EXPECT_EQ(hosts(in_turn(mixed, ip_choice::ipv6_only)), "2001:db8::1 2001:db8::2 a.example ");
  EXPECT_TRUE(in_turn({}, ip_choice::ipv4_first).empty());
}

TEST(connect_plan, tries_each_target_by_every_address_of_the_proxy) {
  const endpoint v4{"192.0.2.1", 1080};
  const endpoint v6{"2001:db8::5", 1080};
  const endpoint dc{"10.0.0.1", 443};
  const endpoint dc_v6{"2001:db8::1", 443};
  const std::vector<connect_step> expected{{v4, dc}, {v6, dc}, {v4, dc_v6}, {v6, dc_v6}};
  EXPECT_EQ(plan_steps({v6, v4}, {dc_v6, dc}, ip_choice::ipv4_first), expected);
  EXPECT_EQ(plan_steps({v4}, {}, ip_choice::ipv4_first), (std::vector<connect_step>{{v4, v4}}));
  EXPECT_TRUE(plan_steps({v4}, {}, ip_choice::ipv6_only).empty());
  EXPECT_TRUE(plan_steps({}, {dc}, ip_choice::ipv4_first).empty());
}

TEST(connect_plan, addresses_have_their_octets) {
  EXPECT_EQ(to_hex(address_octets("192.0.2.1")), "c0000201");
  EXPECT_EQ(to_hex(address_octets("2001:db8::1")), "20010db8000000000000000000000001");
  EXPECT_TRUE(address_octets("a.example").empty());
}

} // namespace cafegram
