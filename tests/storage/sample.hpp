#pragma once

#include <cafegram/base/log.hpp>
#include <cafegram/storage/inbox.hpp>
#include <cafegram/storage/session.hpp>
#include <cafegram/tests/support.hpp>
#include <cafegram/tests/temporary_folder.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <numeric>

namespace cafegram::test {

inline storage::shared_secret secret_of(std::size_t size, std::uint8_t first) {
  crypto::secret out{size};
  std::iota(out.view().begin(), out.view().end(), first);
  return std::make_shared<const crypto::secret>(std::move(out));
}

/// A session in which every field holds something.
inline storage::session_state sample_session() {
  storage::session_state out;
  out.home_dc = 4;
  out.test = true;
  out.signing_secret = secret_of(32, 7);
  out.data_centres[2] = {secret_of(256, 3), 0xfedcba9876543210, 1'750'000'000, {}};
  out.data_centres[4] = {nullptr,
                         0,
                         0,
                         {{"149.154.167.91", 443, false, false, false, true, true, false, {}},
                          {"2001:67c::a", 8443, true, true, true, false, false, true, {1, 2, 3}}},
                         true};
  out.user = storage::user_record{7'000'000'001, true, "Écho", "echo_bot"};
  out.ended = true;
  out.updates = storage::update_state{100, 2, 1'750'000'100, 9, 1'750'000'050};
  out.channels = {{1'000'000'000'001, {55, true, false, 1'750'000'000}}};
  out.peers = {{storage::peer_kind::user, 42, -5, {"alice", "al"}, "123"},
               {storage::peer_kind::channel, 77, 1LL << 60, {}, ""},
               {storage::peer_kind::user, 43, 9, {}, "", {{storage::peer_kind::channel, 77, 5}}}};
  return out;
}

/// An update in which every field holds something.
inline storage::inbox_row sample_update(std::uint64_t number, std::string chat) {
  storage::inbox_row out;
  out.number = number;
  out.identity = "message/7/" + chat + "/" + std::to_string(number);
  out.account = 7'000'000'001;
  out.chat = std::move(chat);
  out.update = {1, 0, 255};
  out.users = {{2}, {}};
  out.chats = {{3, 4}};
  out.layer = 228;
  out.date = 1'750'000'200;
  out.received_at = 1'750'000'201;
  out.failures = 2;
  out.last_failure = "no such thing";
  return out;
}

inline storage::send_record sample_send(std::uint64_t number, std::uint32_t place) {
  storage::send_record out;
  out.number = number;
  out.place = place;
  out.request.fill(static_cast<std::uint8_t>(place + 1));
  out.random_id = -static_cast<std::int64_t>(number) - place;
  out.settled = place % 2 == 0;
  if (out.settled) {
    out.answer = {9, 8, 7};
    out.sent_id = 1 + number;
  }
  out.was_duplicate = !out.settled;
  return out;
}

inline bool same(const storage::shared_secret& a, const storage::shared_secret& b) {
  return (!a && !b) || (a && b && std::ranges::equal(a->view(), b->view()));
}

inline void expect_equal(const storage::session_state& a, const storage::session_state& b) {
  EXPECT_EQ(a.home_dc, b.home_dc);
  EXPECT_EQ(a.test, b.test);
  EXPECT_TRUE(same(a.signing_secret, b.signing_secret));
  ASSERT_EQ(a.data_centres.size(), b.data_centres.size());
  for (const auto& [id, dc] : a.data_centres) {
    ASSERT_TRUE(b.data_centres.contains(id));
    const auto& other = b.data_centres.at(id);
    EXPECT_TRUE(same(dc.auth_key, other.auth_key)) << id;
    EXPECT_EQ(dc.salt, other.salt);
    EXPECT_EQ(dc.created_at, other.created_at);
    EXPECT_EQ(dc.addresses, other.addresses);
  }
  EXPECT_EQ(a.user, b.user);
  EXPECT_EQ(a.ended, b.ended);
  EXPECT_EQ(a.updates, b.updates);
  EXPECT_EQ(a.channels, b.channels);
  EXPECT_EQ(a.peers, b.peers);
}

/// Warnings are what a test expects while this lives.
struct quiet_log {
  quiet_log() { log::configure({.threshold = log::level::error}); }
  quiet_log(const quiet_log&) = delete;
  quiet_log& operator=(const quiet_log&) = delete;
  ~quiet_log() { log::configure({}); }
};

} // namespace cafegram::test
