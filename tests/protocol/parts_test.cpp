#include <cafegram/protocol/dc_options.hpp>
#include <cafegram/protocol/gzip.hpp>
#include <cafegram/protocol/received_ids.hpp>
#include <cafegram/protocol/salts.hpp>
#include <cafegram/protocol/server_clock.hpp>
#include <cafegram/protocol/service.hpp>

#include <zlib.h>

#include <set>

#include "kit.hpp"

namespace cafegram::protocol {
namespace {

using namespace std::chrono_literals;
using test::hex;

constexpr duration some_time = 1'750'000'000s;

TEST(msg_ids, rise_strictly_even_when_time_stands_still_or_falls) {
  msg_id_source source;
  auto last = source.next(some_time, 0);
  for (int i = 0; i < 10'000; ++i) {
    const auto id = source.next(some_time - std::chrono::milliseconds{i}, 0);
    ASSERT_GT(id, last);
    ASSERT_EQ(number(id) % 4, 0);
    last = id;
  }
}

TEST(msg_ids, are_server_time_with_lower_bits) {
  msg_id_source source;
  const auto whole = source.next(some_time, 0);
  EXPECT_EQ(number(whole) >> 32, 1'750'000'000);
  EXPECT_NE(number(whole) & 0xffffffff, 0); // empty lower bits are refused
  const auto half = source.next(some_time + 500ms, 1);
  EXPECT_EQ(number(half) & 0xffffffff, 0x80000001);
  EXPECT_EQ(number(source.next(some_time + 600ms, 3)) % 4, 3);
  EXPECT_EQ(number(source.next(some_time + 600ms, 1)) % 4, 1);
  EXPECT_LT(time_of(half) - some_time - 500ms, 1us);
}

TEST(msg_ids, survive_times_out_of_range) {
  msg_id_source source;
  EXPECT_GT(number(source.next(-5s, 0)), 0);
  EXPECT_GT(number(source.next(duration::max(), 0)), 0);
}

TEST(server_clock, follows_the_server_and_its_own_steady_clock) {
  const steady_time start{1h};
  server_clock clock{start, wall_time{std::chrono::seconds{1000}}, false};
  EXPECT_EQ(clock.unix_time(start + 5s), 1005s);
  msg_id_source source;
  EXPECT_NEAR(static_cast<double>(clock.correct(source.next(4600s, 1), start + 5s).count()), 3595e9,
              10);
  EXPECT_TRUE(clock.synchronised());
  EXPECT_NEAR(static_cast<double>(clock.unix_time(start + 6s).count()), 4601e9, 10);
  clock.raise(msg_id{std::int64_t{4000} << 32}, start + 6s);
  EXPECT_NEAR(static_cast<double>(clock.unix_time(start + 6s).count()), 4601e9, 10);
  clock.raise(msg_id{std::int64_t{4610} << 32}, start + 6s);
  EXPECT_EQ(clock.unix_time(start + 6s), 4610s);
}

TEST(received_ids, knows_the_last_thousand) {
  received_ids ids;
  for (std::int64_t i = 1; i <= 1000; ++i) {
    EXPECT_EQ(ids.check(msg_id{i * 4}), received_ids::verdict::fresh);
    ids.add(msg_id{i * 4});
    EXPECT_EQ(ids.check(msg_id{i * 4}), received_ids::verdict::seen);
  }
  EXPECT_EQ(ids.check(msg_id{2}), received_ids::verdict::old);
  EXPECT_EQ(ids.check(msg_id{6}), received_ids::verdict::fresh);
  for (std::int64_t i = 1001; i <= 5000; ++i) {
    ids.add(msg_id{i * 4});
    ASSERT_EQ(ids.check(msg_id{(i - 999) * 4}), received_ids::verdict::seen);
    ASSERT_EQ(ids.check(msg_id{(i - 999) * 4 - 1}), received_ids::verdict::old);
    ASSERT_EQ(ids.check(msg_id{(i - 999) * 4 + 1}), received_ids::verdict::fresh);
  }
  EXPECT_EQ(ids.highest(), msg_id{20'000});
}

TEST(received_ids, takes_them_in_any_order) {
  received_ids ids;
  for (const std::int64_t id : {50, 10, 30, 20, 40}) {
    ids.add(msg_id{id});
  }
  for (const std::int64_t id : {10, 20, 30, 40, 50}) {
    EXPECT_EQ(ids.check(msg_id{id}), received_ids::verdict::seen);
  }
  EXPECT_EQ(ids.check(msg_id{5}), received_ids::verdict::fresh); // places are left
}

TEST(salts, are_used_while_they_hold) {
  salt_list salts{1, {{100, 200, 11}, {150, 250, 12}, {300, 400, 13}}};
  EXPECT_EQ(salts.at(50s), 1U);
  EXPECT_EQ(salts.at(120s), 11U);
  EXPECT_EQ(salts.at(180s), 11U); // still good: no reason to change
  EXPECT_EQ(salts.at(210s), 12U);
  EXPECT_EQ(salts.at(260s), 12U); // nothing better is known
  EXPECT_EQ(salts.at(310s), 13U);
  salts.replace(77);
  EXPECT_EQ(salts.at(310s), 77U);
  EXPECT_TRUE(salts.later().empty());
}

// A server whose clock is some minutes off names one of the announced salts that is not the one of
// our time: the schedule would bring the refused one back each time.
TEST(salts, the_servers_word_is_above_what_it_announced) {
  const std::vector<future_salt> announced{{0, 200, 10}, {100, 300, 11}, {200, 400, 12}};
  salt_list ahead{10, announced};
  EXPECT_EQ(ahead.at(120s), 10U);
  ahead.replace(12);
  EXPECT_EQ(ahead.at(120s), 12U);
  EXPECT_EQ(ahead.at(121s), 12U);
  salt_list behind{12, announced};
  EXPECT_EQ(behind.at(250s), 12U);
  behind.replace(10); // over by our clock
  EXPECT_EQ(behind.at(250s), 10U);
  salt_list together{10, announced};
  together.replace(11);
  EXPECT_EQ(together.at(120s), 11U);
  EXPECT_EQ(together.at(310s), 12U) << "it fits: what was announced still holds";
}

TEST(salts, are_asked_for_before_they_run_out) {
  salt_list salts{1};
  EXPECT_TRUE(salts.runs_out(0s));
  salts.learn({{0, 3600, 1}, {1800, 5400, 2}});
  EXPECT_FALSE(salts.runs_out(1800s));
  EXPECT_TRUE(salts.runs_out(1801s));
  salts.learn({{10, 10, 3}, {20, 5, 4}}); // make no sense
  EXPECT_TRUE(salts.later().empty());
}

TEST(salts, of_the_server_overlap_and_follow_from_the_key) {
  const server_salts salts{test::some_key()};
  const server_salts same{test::some_key()};
  const server_salts other{test::some_key(8)};
  const auto now = 3600s * 1000;
  EXPECT_EQ(salts.at(now), same.at(now));
  EXPECT_NE(salts.at(now), other.at(now));
  const auto coming = salts.coming(now, 1);
  ASSERT_EQ(coming.size(), 2U); // one alone makes some clients ask again with every packet
  EXPECT_EQ(salts.coming(now, 1000).size(), 64U);
  for (const auto& salt : salts.coming(now, 64)) {
    EXPECT_TRUE(salts.good(salt.salt, std::chrono::seconds{salt.valid_since}));
    EXPECT_TRUE(salts.good(salt.salt, std::chrono::seconds{salt.valid_until - 1}));
    EXPECT_FALSE(salts.good(salt.salt, std::chrono::seconds{salt.valid_until}));
    EXPECT_FALSE(salts.good(salt.salt, std::chrono::seconds{salt.valid_since - 1}));
  }
}

TEST(salts, of_the_server_can_be_added_and_rotated) {
  server_salts salts{test::some_key()};
  EXPECT_FALSE(salts.good(99, some_time));
  salts.accept(99, some_time);
  EXPECT_TRUE(salts.good(99, some_time + 59min));
  EXPECT_FALSE(salts.good(99, some_time + 61min));
  const auto before = salts.at(some_time);
  salts.rotate();
  EXPECT_FALSE(salts.good(before, some_time));
  EXPECT_FALSE(salts.good(99, some_time));
  EXPECT_TRUE(salts.good(salts.at(some_time), some_time));
}

bytes compressed(bytes_view data, int form) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, form, 8, Z_DEFAULT_STRATEGY), Z_OK);
  bytes out(data.size() + 1000);
  stream.next_in = const_cast<Bytef*>(data.data());
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

TEST(gzip, unpacks_both_forms) {
  seeded_random random{test::seed()};
  for (const std::size_t size : {0, 1, 100, 5000, 3'000'000}) {
    auto data = test::random_octets(random, size / 2);
    data.resize(size);
    for (const int form : {15, 15 + 16}) {
      const auto back = gzip_unpack(compressed(data, form), (64U << 20));
      ASSERT_TRUE(back) << back.error().what;
      EXPECT_EQ(*back, data);
    }
  }
}

TEST(gzip, stops_at_the_bound) {
  const bytes zeros(4U << 20);
  const auto packed = compressed(zeros, 31);
  EXPECT_LT(packed.size(), 10'000U);
  EXPECT_EQ(gzip_unpack(packed, zeros.size() - 1).error().code, errc::limit);
  EXPECT_EQ(gzip_unpack(packed, 0).error().code, errc::limit);
  EXPECT_TRUE(gzip_unpack(packed, zeros.size() + 1));
}

TEST(gzip, survives_damage) {
  seeded_random random{test::seed()};
  const auto packed = compressed(bytes(2000, 'x'), 31);
  for (std::size_t cut = 0; cut < packed.size(); ++cut) {
    EXPECT_FALSE(gzip_unpack(bytes_view{packed}.first(cut), 1 << 20)) << cut;
  }
  for (int i = 0; i < 2000; ++i) {
    auto damaged = packed;
    damaged[random.next() % damaged.size()] ^= static_cast<std::uint8_t>(1 + random.next() % 255);
    const auto out = gzip_unpack(damaged, 1 << 16);
    EXPECT_TRUE(!out || out->size() <= 1 << 16);
  }
}

TEST(gzip, packs_only_what_shrinks) {
  seeded_random random{test::seed()};
  const bytes text(4096, 'a');
  const auto packed = gzip_pack(text);
  ASSERT_TRUE(packed);
  EXPECT_LT(packed->size(), 100U);
  EXPECT_EQ(packed->size() % 4, 0U);
  EXPECT_EQ(gzip_unpack(*read_gzip(*packed), 1 << 20), text);
  EXPECT_FALSE(gzip_pack(test::random_octets(random, 4096)));
}

TEST(service, containers_come_back_as_written) {
  const bytes first{1, 2, 3, 4};
  const bytes second(40, 7);
  const std::vector<container_item> items{{msg_id{5}, 1, first}, {msg_id{9}, 2, second}};
  const auto octets = write_container(items);
  EXPECT_EQ(to_hex(octets).substr(0, 64), "dcf8f173020000000500000000000000010000000400000001020304"
                                          "09000000");
  const auto back = read_container(octets);
  ASSERT_TRUE(back);
  ASSERT_EQ(back->size(), 2U);
  EXPECT_EQ((*back)[1].id, msg_id{9});
  EXPECT_EQ(to_bytes((*back)[1].body), second);
  for (std::size_t cut = 0; cut < octets.size(); ++cut) {
    EXPECT_FALSE(read_container(bytes_view{octets}.first(cut)));
  }
}

TEST(service, bounds_are_held_before_memory_is_taken) {
  EXPECT_FALSE(read_container(hex("dcf8f173ffffff7f")));
  EXPECT_FALSE(read_ids(hex("59b4d66215c4b51cffffff7f")));
  const std::vector<msg_id> most(max_ids, msg_id{1});
  EXPECT_TRUE(read_ids(write_ids(ids::msgs_ack, most)));
  const std::vector<msg_id> more(max_ids + 1, msg_id{1});
  EXPECT_FALSE(read_ids(write_ids(ids::msgs_ack, more)));
  const std::vector<container_item> full(max_container_messages);
  EXPECT_TRUE(read_container(write_container(full)));
  const std::vector<container_item> over(max_container_messages + 1);
  EXPECT_FALSE(read_container(write_container(over)));
}

TEST(service, vectors_are_boxed_or_bare_as_the_schema_says) {
  EXPECT_EQ(to_hex(write_ids(ids::msgs_ack, std::vector{msg_id{1}})),
            "59b4d66215c4b51c010000000100000000000000");
  EXPECT_EQ(to_hex(write_future_salts({msg_id{1}, 2, {{3, 4, 5}}})),
            "950850ae0100000000000000020000000100000003000000040000000500000000000000");
  const auto back = read_future_salts(write_future_salts({msg_id{1}, 2, {{3, 4, 5}, {6, 7, 8}}}));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->salts, (std::vector<future_salt>{{3, 4, 5}, {6, 7, 8}}));
}

TEST(service, other_messages_come_back_as_written) {
  const auto bad = read_bad_message(write_bad_message({msg_id{4}, 3, 48, 99}));
  EXPECT_EQ(bad->bad, msg_id{4});
  EXPECT_EQ(bad->code, 48);
  EXPECT_EQ(bad->salt, 99U);
  EXPECT_FALSE(read_bad_message(write_bad_message({msg_id{4}, 3, 16, {}}))->salt);
  const auto session = read_new_session(write_new_session({msg_id{4}, 5, 6}));
  EXPECT_EQ(session->unique_id, 5);
  EXPECT_EQ(session->salt, 6U);
  const auto ping = read_ping(write_ping(8, 75));
  EXPECT_EQ(ping->id, 8);
  EXPECT_EQ(ping->delay, 75);
  const auto written = write_rpc_error(420, "FLOOD_WAIT_3");
  const auto error = read_rpc_error(written);
  EXPECT_EQ(error->code, 420);
  EXPECT_EQ(error->text, "FLOOD_WAIT_3");
  EXPECT_EQ(constructor_of(hex("aabb")), 0U);
}

TEST(dc_options, have_addresses_for_every_data_centre) {
  std::set<std::int32_t> dcs;
  for (const auto& address : builtin_addresses(false)) {
    dcs.insert(number(address.dc));
    EXPECT_EQ(address.host.contains(':'), address.ipv6);
  }
  EXPECT_EQ(dcs, (std::set<std::int32_t>{1, 2, 3, 4, 5}));
  EXPECT_EQ(builtin_addresses(true).size(), 6U);
}

TEST(dc_options, tell_test_and_media_on_the_wire) {
  EXPECT_EQ(wire_dc(dc_id{2}, false, false), 2);
  EXPECT_EQ(wire_dc(dc_id{2}, true, false), 10002);
  EXPECT_EQ(wire_dc(dc_id{2}, false, true), -2);
  EXPECT_EQ(wire_dc(dc_id{2}, true, true), -10002);
}

} // namespace
} // namespace cafegram::protocol
