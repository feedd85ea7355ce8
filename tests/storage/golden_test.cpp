#include <cafegram/storage/file_store.hpp>
#include <cafegram/storage/inbox.hpp>
#include <cafegram/storage/peers.hpp>
#include <cafegram/storage/session_file.hpp>
#include <cafegram/storage/session_rows.hpp>
#include <cafegram/storage/string_store.hpp>

#include <nlohmann/json.hpp>

#include <fstream>
#include <utility>

#include "sample.hpp"

// Octets that programs of before have written, each once, by the code of their day: what today's
// code writes and reads by itself does not show that theirs is read. They never change.

namespace cafegram::storage {

namespace {

using nlohmann::json;
using test::temporary_folder;

json golden(const std::string& name) {
  return json::parse(test::read_text(test::source_folder() / "tests/storage/golden_sessions.json"))
      .at(name);
}

/// What the first program put into its session: every field that there was.
session_state of_version_1() {
  session_state out;
  out.home_dc = 4;
  out.test = true;
  out.signing_secret = test::secret_of(32, 7);
  out.data_centres[2] = {test::secret_of(256, 3), 0xfedcba9876543210, 1'750'000'000, {}};
  out.data_centres[4] = {
      nullptr, 0, 0, {{"149.154.167.91", 443, false, false}, {"2001:67c::a", 8443, true, true}}};
  out.user = user_record{7'000'000'001, true, "Écho", "echo_bot"};
  out.updates = update_state{100, 2, 1'750'000'100, 9};
  out.channels = {{1'000'000'000'001, {55}}};
  out.peers = {{peer_kind::user, 42, -5, {"alice"}, "123"},
               {peer_kind::channel, 77, 1LL << 60, {}, ""}};
  return out;
}

/// What had come by the last one of that version.
session_state of_late_version_1() {
  auto out = of_version_1();
  auto& addresses = out.data_centres[4].addresses;
  addresses[0].cdn = addresses[0].is_static = true;
  addresses[1].tcpo_only = addresses[1].this_port_only = true;
  addresses[1].secret = {1, 2, 3};
  out.data_centres[4].authorised = true;
  out.peers[0].usernames = {"alice", "al"};
  out.peers.push_back({peer_kind::user, 43, 9, {}, "", {{peer_kind::channel, 77, 5}}});
  return out;
}

session_state of_version_2() {
  auto out = of_late_version_1();
  out.ended = true;
  out.updates->named_until = 1'750'000'050;
  out.channels = {{1'000'000'000'001, {55, true, false, 1'750'000'000}}};
  return out;
}

void expect_holds(backend& store, session_state expected) {
  for (const auto& peer : std::exchange(expected.peers, {})) {
    const auto found = find_peer(store, peer.kind, peer.id);
    ASSERT_TRUE(found && *found) << peer.id;
    EXPECT_EQ(**found, peer);
  }
  const auto session = read_session(store);
  ASSERT_TRUE(session) << to_string(session.error());
  ASSERT_TRUE(*session);
  test::expect_equal(expected, **session);
}

void expect_golden(const std::string& name, std::uint32_t version, const session_state& expected) {
  SCOPED_TRACE(name);
  const auto one = golden(name);
  const auto octets = test::hex(one.at("file").get<std::string>());
  ASSERT_TRUE(unwrap_session_file(octets));
  EXPECT_EQ(unwrap_session_file(octets)->version, version);
  temporary_folder folder;
  std::ofstream{folder.file("s"), std::ios::binary} << as_text(octets);
  const auto from_file = open_file_store(folder.file("s"));
  ASSERT_TRUE(from_file) << to_string(from_file.error());
  expect_holds(**from_file, expected);
  const auto from_string = open_string_store(one.at("string").get<std::string>());
  ASSERT_TRUE(from_string) << to_string(from_string.error());
  expect_holds(**from_string, expected);
}

} // namespace

TEST(golden_session, one_of_version_1_is_read_from_file_and_string) {
  expect_golden("version_1", 1, of_version_1());
  expect_golden("version_1_last", 1, of_late_version_1());
}

TEST(golden_session, one_of_version_2_is_read_from_file_and_string) {
  expect_golden("version_2", 2, of_version_2());
}

TEST(golden_session, the_inbox_of_version_2_is_read) {
  const auto octets = test::hex(golden("version_2").at("file").get<std::string>());
  temporary_folder folder;
  std::ofstream{folder.file("s"), std::ios::binary} << as_text(octets);
  const auto store = open_file_store(folder.file("s"));
  ASSERT_TRUE(store) << to_string(store.error());
  const auto unfinished = read_unfinished(**store, 0);
  ASSERT_TRUE(unfinished) << to_string(unfinished.error());
  ASSERT_EQ(unfinished->rows.size(), 1U);
  EXPECT_EQ(unfinished->rows[0].number, 5U);
  EXPECT_EQ(unfinished->rows[0].update, (bytes{1, 0, 255}));
  EXPECT_EQ(unfinished->rows[0].last_failure, "no such thing");
  ASSERT_EQ(unfinished->sends.size(), 1U);
  EXPECT_EQ(unfinished->sends[0].random_id, -5);
  EXPECT_EQ(unfinished->sends[0].sent_id, 6);
  const auto dead = read_dead_letters(**store, 0);
  ASSERT_TRUE(dead) << to_string(dead.error());
  ASSERT_EQ(dead->records.size(), 1U);
  EXPECT_EQ(dead->records[0].update.number, 4U);
  EXPECT_EQ(dead->records[0].died_at, 1'750'000'300);
  EXPECT_EQ(*(*store)->get(table::value, "mine"), to_blob(as_bytes("a value")));
}

} // namespace cafegram::storage
