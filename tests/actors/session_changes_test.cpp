#include <cafegram/actors/session_changes.hpp>
#include <cafegram/storage/inbox.hpp>
#include <cafegram/storage/session_rows.hpp>
#include <cafegram/tests/support.hpp>

namespace cafegram {

namespace {

using storage::update_progress;

storage::change row(std::uint64_t number, std::string what) {
  storage::inbox_row out;
  out.number = number;
  out.identity = std::move(what);
  storage::batch rows;
  put(rows, out);
  return rows.changes.front();
}

storage::change finished(std::uint64_t number) {
  storage::batch rows;
  erase_inbox(rows, number);
  return rows.changes.front();
}

/// A session in a store, and what is to be written of it.
struct changes : testing::Test {
  std::shared_ptr<storage::backend> store = storage::make_memory_store();
  std::unique_ptr<storage::session_backend> kept = storage::keep_session(store);
  storage::session_state session;
  session_changes unwritten;

  changes() {
    session.user = storage::user_record{7, true, "Bot", "bot"};
    unwritten.note_login();
    write();
  }
  void write() {
    EXPECT_TRUE(kept->commit(*unwritten.take(session)));
    unwritten.written();
  }
  void add(update_progress what) { unwritten.add(what, session); }
  std::vector<std::string> inbox() const {
    std::vector<std::string> out;
    const auto page = read_inbox(*store, 0);
    for (const auto& one : page->records) {
      out.push_back(one.identity);
    }
    return out;
  }
  storage::session_state stored() const { return **storage::keep_session(store)->load(); }

  using names = std::vector<std::string>;
};

} // namespace

TEST_F(changes, counters_and_rows_are_one_batch) {
  add({.account = 7, .counters = storage::update_state{5, 1, 1, 1}, .rows = {row(1, "a")}});
  add({.account = 7,
       .counters = storage::update_state{6, 1, 1, 1},
       .channels = {{70, {9, true, false}}},
       .rows = {row(2, "b")}});
  const auto batch = unwritten.take(session);
  EXPECT_FALSE(batch->session) << "of what has not changed nothing is written";
  EXPECT_EQ(batch->rows->changes.size(), 4U) << "the common counters, of which the last, a channel";
  EXPECT_FALSE(batch->rows->durable);
  ASSERT_TRUE(kept->commit(*batch));
  EXPECT_EQ(inbox(), (names{"a", "b"}));
  EXPECT_EQ(stored().updates->pts, 6);
  EXPECT_EQ(stored().channels.at(70), (storage::channel_counter{9, true}));
}

TEST_F(changes, what_ends_before_it_is_written_is_not_written) {
  add({.account = 7, .rows = {row(1, "a")}});
  add({.account = 7, .rows = {finished(1)}});
  const auto batch = unwritten.take(session);
  ASSERT_EQ(batch->rows->changes.size(), 1U);
  EXPECT_EQ(batch->rows->changes.front().what, storage::change::kind::erase);
}

TEST_F(changes, what_could_not_be_written_goes_again_but_for_what_has_changed_since) {
  add({.account = 7,
       .counters = storage::update_state{5, 1, 1, 1},
       .channels = {{70, {9}}, {71, {3}}},
       .rows = {row(1, "a"), row(2, "b")}});
  unwritten.take(session);
  add({.account = 7, .channels = {{70, {10}}}, .rows = {row(2, "c"), row(3, "d")}});
  unwritten.failed();
  write();
  EXPECT_EQ(inbox(), (names{"a", "c", "d"}));
  EXPECT_EQ(stored().updates->pts, 5);
  EXPECT_EQ(stored().channels.at(70).pts, 10);
  EXPECT_EQ(stored().channels.at(71).pts, 3);
}

TEST_F(changes, all_counters_are_forgotten_together) {
  add({.account = 7,
       .counters = storage::update_state{5, 1, 1, 1},
       .channels = {{70, {9}}, {71, {3}}}});
  write();
  add({.account = 7,
       .forget = true,
       .counters = storage::update_state{50, 1, 1, 1},
       .channels = {{72, {4}}}});
  write();
  EXPECT_EQ(stored().updates->pts, 50);
  ASSERT_EQ(stored().channels.size(), 1U);
  EXPECT_EQ(stored().channels.at(72).pts, 4);
}

TEST_F(changes, another_account_gets_nothing_of_the_one_before) {
  add({.account = 7, .counters = storage::update_state{5, 1, 1, 1}, .rows = {row(1, "a")}});
  unwritten.take(session); // fails
  add({.account = 7, .channels = {{70, {9}}}, .rows = {row(2, "b")}});
  session.user->id = 8;
  session.updates.reset();
  session.channels.clear();
  unwritten.note_login();
  unwritten.forget_account();
  unwritten.failed();
  add({.account = 8, .rows = {row(3, "c")}});
  write();
  EXPECT_EQ(inbox(), (names{"c"}));
  EXPECT_FALSE(stored().updates);
  EXPECT_TRUE(stored().channels.empty());
}

// Counters that rows have moved are in the session too, which is compared with an older one.
TEST_F(changes, a_session_that_is_written_again_has_its_counters) {
  add({.account = 7,
       .counters = storage::update_state{5, 1, 1, 1},
       .channels = {{70, {9}}, {71, {3}}}});
  write();
  add({.account = 7, .forget = true, .counters = storage::update_state{6, 1, 1, 1}});
  write();
  session.home_dc = 4;
  unwritten.note_login();
  write();
  EXPECT_EQ(stored().home_dc, 4);
  EXPECT_EQ(stored().updates->pts, 6);
  EXPECT_TRUE(stored().channels.empty());
}

} // namespace cafegram
