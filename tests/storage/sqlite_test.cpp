#include <cafegram/storage/session_rows.hpp>
#include <cafegram/storage/sqlite_store.hpp>

#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

#include "sample.hpp"

namespace cafegram::storage {

namespace {

using test::temporary_folder;

void write_session(const std::string& path) {
  auto store = open_sqlite_store(path);
  ASSERT_TRUE(store) << to_string(store.error());
  batch what;
  put(what, test::sample_session());
  ASSERT_TRUE((*store)->apply(what));
}

/// Runs a statement on the file itself.
void run(const std::string& path, const char* text) {
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &handle), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(handle, text, nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(handle);
  sqlite3_close(handle);
}

} // namespace

TEST(sqlite_store, is_for_its_owner_only) {
  temporary_folder folder;
  const auto path = folder.file("s.db");
  auto store = open_sqlite_store(path);
  ASSERT_TRUE(store) << to_string(store.error());
  batch what;
  what.put(table::value, "a", {});
  ASSERT_TRUE((*store)->apply(what));
  for (const auto* suffix : {"", "-wal", ".lock"}) {
    struct stat status{};
    ASSERT_EQ(::stat((path + suffix).c_str(), &status), 0) << suffix;
    EXPECT_EQ(status.st_mode & 0777, 0600U) << suffix;
  }
  EXPECT_EQ((*store)->place(), path);
}

TEST(sqlite_store, a_second_owner_is_refused) {
  temporary_folder folder;
  const auto path = folder.file("s.db");
  const auto first = open_sqlite_store(path);
  ASSERT_TRUE(first);
  const auto second = open_sqlite_store(path);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, errc::session_in_use);
  EXPECT_EQ(second.error().number, ::getpid());
}

TEST(sqlite_store, a_second_owner_by_a_link_is_told_the_first) {
  temporary_folder folder;
  const auto path = folder.file("s.db");
  std::filesystem::create_symlink("s.db", folder.file("link"));
  const auto first = open_sqlite_store(folder.file("link"));
  ASSERT_TRUE(first) << to_string(first.error());
  const auto second = open_sqlite_store(path);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().number, ::getpid());
}

TEST(sqlite_store, what_is_not_ours_is_left_alone) {
  temporary_folder folder;
  const auto path = folder.file("theirs.db");
  run(path, "CREATE TABLE session(id INTEGER)");
  const auto before = test::read_text(path);
  const auto opened = open_sqlite_store(path);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().what.find("another program"), std::string::npos);
  EXPECT_EQ(test::read_text(path), before);
}

TEST(sqlite_store, a_newer_version_is_refused_by_its_number) {
  temporary_folder folder;
  const auto path = folder.file("s.db");
  write_session(path);
  run(path, "PRAGMA user_version=2");
  const auto opened = open_sqlite_store(path);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().number, 2);
  EXPECT_NE(opened.error().what.find("version 2"), std::string::npos);
}

TEST(sqlite_store, a_damaged_file_is_named_and_not_written_to) {
  temporary_folder folder;
  const auto path = folder.file("s.db");
  write_session(path);
  const auto good = test::read_text(path);
  int noticed = 0;
  // The file's head, and each page: its kind stands in its first octet.
  for (std::size_t at = 0; at < good.size(); at += at == 0 ? 100 : at == 100 ? 3996 : 4096) {
    auto bad = good;
    bad.replace(at, 12, 12, '\x5a');
    std::ofstream{path, std::ios::binary} << bad;
    auto store = open_sqlite_store(path);
    error why;
    if (!store) {
      why = store.error();
    } else if (const auto session = read_session(**store); !session) {
      why = session.error();
      batch what;
      what.put(table::session, "login", {});
      EXPECT_FALSE((*store)->apply(what)) << at;
    }
    if (why.code != errc::none) {
      ++noticed;
      EXPECT_EQ(why.code, errc::storage);
      EXPECT_NE(why.what.find(path), std::string::npos) << why.what;
      store = nullptr;
      EXPECT_EQ(test::read_text(path), bad) << "the damaged file was touched";
    }
  }
  // Damage of a table that a session does not lie in shows when that is read.
  EXPECT_GE(noticed, 4);
}

namespace {

std::string why_not(const std::string& path) {
  const auto store = open_sqlite_store(path);
  EXPECT_FALSE(store);
  return store ? "" : store.error().what;
}

bool lies_there(const std::string& path) {
  return std::filesystem::exists(path);
}

} // namespace

TEST(sqlite_store, a_damaged_file_is_copied_once_and_over_nothing) {
  temporary_folder folder;
  const auto path = folder.file("s.db");
  std::ofstream{path, std::ios::binary} << std::string(5000, 'x');
  const auto first = why_not(path);
  EXPECT_NE(first.find("with a copy in " + path + ".damaged,"), std::string::npos) << first;
  EXPECT_EQ(test::read_text(path + ".damaged"), std::string(5000, 'x'));
  struct stat status{};
  ASSERT_EQ(::stat((path + ".damaged").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  EXPECT_EQ(why_not(path), first);
  EXPECT_FALSE(lies_there(path + ".damaged-2")) << "the same is kept already";
  std::ofstream{path, std::ios::binary} << std::string(5000, 'y');
  EXPECT_NE(why_not(path).find(path + ".damaged-2,"), std::string::npos);
  EXPECT_EQ(test::read_text(path + ".damaged"), std::string(5000, 'x'));
  EXPECT_EQ(test::read_text(path + ".damaged-2"), std::string(5000, 'y'));
  EXPECT_FALSE(lies_there(path + ".damaged-wal"));
  std::ofstream{path, std::ios::binary} << std::string(5000, 'z');
  EXPECT_NE(why_not(path).find(path + ".damaged-3,"), std::string::npos);
  std::ofstream{path, std::ios::binary} << std::string(5000, 'w');
  EXPECT_NE(why_not(path).find("no copy is kept: 3 others are there"), std::string::npos);
  EXPECT_FALSE(lies_there(path + ".damaged-4")) << "a program that begins again fills no disk";
}

// As the death of a process leaves it: the WAL holds what the database does not have.
TEST(sqlite_store, the_wal_of_a_damaged_file_is_kept_with_it) {
  temporary_folder folder;
  const auto path = folder.file("s.db");
  write_session(path);
  std::string wal;
  {
    const auto store = open_sqlite_store(path);
    ASSERT_TRUE(store);
    batch what;
    what.put(table::value, "a", to_blob(as_bytes("in the WAL alone")));
    ASSERT_TRUE((*store)->apply(what));
    wal = test::read_text(path + "-wal");
    ASSERT_NE(wal.find("in the WAL alone"), std::string::npos);
  }
  auto bad = test::read_text(path);
  bad.replace(0, 100, 100, 'x');
  std::ofstream{path, std::ios::binary} << bad;
  std::ofstream{path + "-wal", std::ios::binary} << wal;
  EXPECT_NE(why_not(path).find(".damaged,"), std::string::npos);
  for (const auto* of : {"", ".damaged"}) {
    EXPECT_EQ(test::read_text(path + of), bad) << of;
    EXPECT_EQ(test::read_text(path + of + "-wal"), wal) << of;
  }
}

TEST(sqlite_store, damage_that_is_met_while_it_is_used_is_copied_too) {
  temporary_folder folder;
  const auto path = folder.file("s.db");
  write_session(path);
  auto bad = test::read_text(path);
  for (std::size_t at = 4096; at < bad.size(); at += 4096) {
    bad.replace(at, 12, 12, '\x5a');
  }
  std::ofstream{path, std::ios::binary} << bad;
  const auto store = open_sqlite_store(path);
  ASSERT_TRUE(store) << "its head is whole";
  EXPECT_FALSE(lies_there(path + ".damaged"));
  const auto session = read_session(**store);
  ASSERT_FALSE(session);
  EXPECT_NE(session.error().what.find(path + ".damaged"), std::string::npos);
  EXPECT_EQ(test::read_text(path + ".damaged"), bad);
}

// What is written before may not be moved into it behind that.
TEST(sqlite_store, damage_that_is_met_behind_a_commit_is_left_as_it_is) {
  constexpr std::size_t page = 4096;
  bool met = false;
  for (std::size_t at = page; !met; at += page) {
    temporary_folder folder;
    const auto path = folder.file("s.db");
    write_session(path);
    auto bad = test::read_text(path);
    ASSERT_LT(at, bad.size()) << "no page is read alone";
    bad.replace(at, 12, 12, '\x5a');
    std::ofstream{path, std::ios::binary} << bad;
    if (auto store = open_sqlite_store(path)) {
      batch what;
      what.put(table::value, "a", to_blob(as_bytes("before the damage is met")));
      met = (*store)->apply(what) && !read_session(**store);
    }
    EXPECT_TRUE(!met || test::read_text(path) == bad) << "page at " << at;
    EXPECT_TRUE(!met || lies_there(path + ".damaged-wal")) << "page at " << at;
  }
}

TEST(sqlite_store, a_place_that_cannot_be_opened_is_named) {
  temporary_folder folder;
  const auto opened = open_sqlite_store(folder.file("no/such/folder.db"));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().number, ENOENT);
  EXPECT_NE(opened.error().what.find("no/such"), std::string::npos);
}

// An INSERT that fails within a batch: what came before it in the batch is not kept.
TEST(sqlite_store, a_batch_that_fails_halfway_leaves_nothing) {
  temporary_folder folder;
  const auto path = folder.file("s.db");
  write_session(path);
  run(path, "CREATE TRIGGER full BEFORE INSERT ON value WHEN new.key = x'62' "
            "BEGIN SELECT RAISE(ABORT, 'no room'); END");
  auto store = open_sqlite_store(path);
  ASSERT_TRUE(store);
  batch what;
  what.put(table::value, "a", {});
  what.put(table::value, "b", {});
  what.durable = true;
  const auto done = (*store)->apply(what);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().what.find("no room"), std::string::npos);
  EXPECT_EQ(*(*store)->get(table::value, "a"), std::nullopt);
  what = {};
  what.put(table::value, "c", {});
  EXPECT_TRUE((*store)->apply(what)) << "the next one is not held up";
}

} // namespace cafegram::storage
