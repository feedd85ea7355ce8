#include <algorithm>
#include <deque>

#include "sandbox_kit.hpp"

/// Strangers at the sandbox's port: frames that are wrong, and too many or too slow guests.
namespace cafegram {
namespace {

using namespace std::chrono_literals;
using protocol::framing;

namespace exchange = protocol::exchange;

struct stranger_row {
  std::string name;
  protocol::transport_options transport;
  std::string hex; ///< sent behind the transport's opening
  std::string logged;
};

void PrintTo(const stranger_row& of, std::ostream* out) {
  *out << of.name;
}

std::vector<stranger_row> stranger_rows() {
  const std::string large = "over 16 MiB";
  const std::string senseless = "length has no meaning";
  const std::string foreign = "speaks no MTProto transport";
  using enum framing;
  // 28 octets of nothing, as the first frame of a connection.
  const std::string frame = "2800000000000000" + std::string(std::size_t{2} * 28, '0');
  const std::string sum = "02c1e503";
  return {
      {"abridged_64_mib", {.kind = abridged}, "7fffffff", large},
      {"abridged_nothing", {.kind = abridged}, "00", senseless},
      {"intermediate_2_gib", {.kind = intermediate}, "ffffff7f", large},
      {"intermediate_nothing", {.kind = intermediate}, "00000000", senseless},
      {"intermediate_3_octets", {.kind = intermediate}, "03000000aabbcc", senseless},
      {"padded_2_gib", {.kind = padded}, "ffffff7f", large},
      {"padded_nothing", {.kind = padded}, "00000000", senseless},
      {"full_4_gib", {.kind = full}, "fcffffff00000000", large},
      {"full_12_octets", {.kind = full}, "0c0000000000000000000000", senseless},
      {"full_with_a_wrong_sum", {.kind = full}, frame + "11223344", "wrong CRC-32"},
      {"full_with_the_same_number_again",
       {.kind = full},
       frame + sum + frame + sum,
       "wrong sequence number"},
      // What speaks another protocol brings no opening of MTProto's: `full` has none.
      {"http", {.kind = full}, "474554202f20485454502f312e310d0a0d0a", foreign},
      {"tls", {.kind = full}, "1603010200010001fc0303" + std::string(120, 'a'), foreign},
      {"ssh",
       {.kind = full},
       "5353482d322e302d4f70656e5353485f392e32" + std::string(120, '1'),
       foreign},
      {"ones", {.kind = full}, std::string(128, 'f'), foreign},
  };
}

class wrong_stranger : public testing::TestWithParam<stranger_row> {};

TEST_P(wrong_stranger, is_shown_the_door) {
  const auto& row = GetParam();
  test::captured_log log;
  test::attacked_sandbox sandbox;
  test::raw_client who{sandbox.settings(row.transport)};
  who.write(test::hex(row.hex));
  bool closed = false;
  for (int i = 0; i < 200 && !closed; ++i) {
    closed = who.closes_within(100ms); // there may be an error word before
  }
  EXPECT_TRUE(closed);
  sandbox.expect_unharmed();
  EXPECT_TRUE(log.says(row.logged)) << log.text();
}

INSTANTIATE_TEST_SUITE_P(, wrong_stranger, testing::ValuesIn(stranger_rows()),
                         test::name_of<stranger_row>);

sandbox::server_options limited(std::size_t count, duration time) {
  sandbox::server_options out;
  out.strangers = {.count = count, .time = time};
  return out;
}

/// Guests that open a connection each and go no further than `act` does.
template <class Act>
void expect_bounded(const Act& act) {
  constexpr std::size_t most = 16;
  test::captured_log log;
  test::attacked_sandbox sandbox{limited(most, 1h)};
  std::deque<test::raw_client> guests;
  for (std::size_t i = 0; i < 5 * most; ++i) {
    act(guests.emplace_back(sandbox.settings()));
  }
  for (std::size_t i = 0; i < 4 * most; ++i) {
    EXPECT_TRUE(guests[i].sees_close()) << i;
  }
  for (std::size_t i = 4 * most; i < 5 * most; ++i) {
    EXPECT_FALSE(guests[i].closes_within(0ms)) << i;
  }
  sandbox.expect_unharmed();
}

TEST(strangers, that_say_nothing_are_bounded) {
  expect_bounded([](test::raw_client&) {});
}

TEST(strangers, that_begin_a_frame_are_bounded) {
  expect_bounded([](test::raw_client& who) { who.write(test::hex("00000100")); });
}

TEST(strangers, with_half_made_keys_are_bounded) {
  expect_bounded([](test::raw_client& who) {
    who.send_payload(exchange::wrap(protocol::msg_id{4}, exchange::write_req_pq({})));
    who.next_payload();
  });
}

TEST(strangers, that_feed_one_octet_at_a_time_are_closed_in_their_time) {
  test::captured_log log;
  test::attacked_sandbox sandbox{limited(100, 300ms)};
  test::raw_client slow{sandbox.settings()};
  slow.write(test::hex("00001000"));
  // Each octet is a sign of life; it comes to an end all the same.
  int octets = 0;
  while (!slow.closes_within(10ms) && ++octets < 2000) {
    slow.write(test::hex("00"));
  }
  EXPECT_LT(octets, 2000);
  EXPECT_GT(octets, 0);
  sandbox.expect_unharmed();
  EXPECT_TRUE(log.says("no key was shown in time")) << log.text();
}

TEST(strangers, with_a_key_are_none) {
  test::attacked_sandbox sandbox{limited(100, 300ms)};
  test::raw_client stranger{sandbox.settings()};
  EXPECT_TRUE(stranger.sees_close()) << "which tells that the time has passed";
  sandbox.expect_unharmed();
}

} // namespace
} // namespace cafegram
