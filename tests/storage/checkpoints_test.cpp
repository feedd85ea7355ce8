#include <cafegram/storage/sqlite_checkpoints.hpp>

#include <sqlite3.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <thread>

#include "conformance.hpp"
#include "power_vfs.hpp"

// Checkpoints of a SQLite store, beside whoever writes to it.

namespace cafegram::test {

namespace {

constexpr std::size_t page_in_wal = 4096 + 24;

result<void> write(backend& store, int number) {
  batch what;
  what.put(table::value, std::to_string(number % 50), blob(3000, std::uint8_t(number)));
  return store.apply(what);
}

/// Has the last of `count` batches that were written so.
void expect_all(backend& store, int count) {
  for (int number = std::max(0, count - 50); number < count; ++number) {
    EXPECT_EQ(*store.get(table::value, std::to_string(number % 50)),
              blob(3000, std::uint8_t(number)));
  }
}

std::size_t threads() {
  const std::filesystem::directory_iterator tasks{"/proc/self/task"};
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

class signal {
public:
  void raise() {
    const std::lock_guard lock{mutex_};
    raised_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return raised_; });
  }
  bool is_raised() {
    const std::lock_guard lock{mutex_};
    return raised_;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool raised_ = false;
};

/// What another program gets to know when it reads the store.
bool others_can_read(const std::string& path) {
  const auto command = "python3 -c \"import sqlite3; sqlite3.connect('" + path +
                       "', timeout=0).execute('SELECT * FROM value').fetchall()\" 2>/dev/null";
  return std::system(command.c_str()) == 0;
}

/// A store whose checkpoints, where `held` says so, stop behind the WAL's and before the database's
/// sync: only they write to that.
class held_checkpoints : public testing::Test {
protected:
  temporary_folder folder;
  std::string path = folder.file("store");
  std::shared_ptr<disk> on = std::make_shared<disk>();
  std::atomic<bool> held = false;
  signal has_begun;
  signal may_end;
  disk_vfs vfs{on, [this](std::string_view name, disk_vfs::step what) {
                 if (held && name == path && what == disk_vfs::step::sync) {
                   has_begun.raise();
                   may_end.wait();
                 }
                 return SQLITE_OK;
               }};
  std::unique_ptr<backend> store;

  void open(sqlite_options options) {
    options.vfs = vfs.name();
    auto opened = open_sqlite_store(path, options);
    ASSERT_TRUE(opened) << to_string(opened.error());
    store = *std::move(opened);
  }
  std::size_t pages_in_wal() {
    const std::lock_guard lock{vfs.mutex};
    return on->content(on->id(path + "-wal")).size() / page_in_wal;
  }
};

/// A store whose database takes no writes while `code` is not 0.
class failing_checkpoints : public testing::TestWithParam<bool> {
protected:
  temporary_folder folder;
  std::string path = folder.file("store");
  std::shared_ptr<disk> on = std::make_shared<disk>();
  std::atomic<int> code = SQLITE_OK;
  std::atomic<int> tried = 0;
  disk_vfs vfs{on, [this](std::string_view name, disk_vfs::step what) {
                 if (name != path || what != disk_vfs::step::write) {
                   return SQLITE_OK;
                 }
                 ++tried;
                 return code.load();
               }};
};

} // namespace

TEST_F(held_checkpoints, batches_go_on_meanwhile) {
  ASSERT_NO_FATAL_FAILURE(open({.checkpoint_pages = 12, .most_pages = 1'000'000}));
  held = true;
  int count = 0;
  while (!has_begun.is_raised()) {
    ASSERT_TRUE(write(*store, count++));
  }
  // It is under way, and stays so.
  for (int more = 0; more < 300; ++more) {
    ASSERT_TRUE(write(*store, count++));
  }
  expect_all(*store, count);
  held = false;
  may_end.raise();
  ASSERT_TRUE(write(*store, count++));
  expect_all(*store, count);
}

TEST_F(held_checkpoints, a_durable_batch_does_not_wait_for_them_either) {
  ASSERT_NO_FATAL_FAILURE(open({.checkpoint_pages = 12, .most_pages = 1'000'000}));
  held = true;
  int count = 0;
  while (!has_begun.is_raised()) {
    ASSERT_TRUE(write(*store, count++));
  }
  batch what;
  what.erase(table::peer, "not there");
  what.durable = true;
  EXPECT_TRUE(store->apply(what));
  held = false;
  may_end.raise();
}

TEST_F(held_checkpoints, one_is_under_way_while_the_store_is_closed) {
  ASSERT_NO_FATAL_FAILURE(open({.checkpoint_pages = 12, .most_pages = 1'000'000}));
  held = true;
  int count = 0;
  while (!has_begun.is_raised()) {
    ASSERT_TRUE(write(*store, count++));
  }
  ASSERT_TRUE(write(*store, count++));
  held = false;
  const std::jthread later{[this] { may_end.raise(); }};
  store = nullptr;
  EXPECT_FALSE(on->exists(path + "-wal")) << "all of it was moved";
  ASSERT_NO_FATAL_FAILURE(open({}));
  expect_all(*store, count);
}

// The WAL that has become too long waits for the checkpoint that is under way, and no longer.
TEST_F(held_checkpoints, who_writes_faster_than_they_are_made_waits_in_the_end) {
  ASSERT_NO_FATAL_FAILURE(open({.checkpoint_pages = 12, .most_pages = 50}));
  held = true;
  constexpr int count = 400;
  std::jthread writer{[this] {
    for (int number = 0; number < count; ++number) {
      EXPECT_TRUE(write(*store, number));
    }
  }};
  has_begun.wait();
  while (pages_in_wal() < 100) {
    std::this_thread::yield();
  }
  held = false;
  may_end.raise();
  writer.join();
  EXPECT_LT(pages_in_wal(), 110U);
  expect_all(*store, count);
}

TEST(checkpoints, keep_the_log_bounded) {
  for (const bool own_thread : {true, false}) {
    temporary_folder folder;
    const auto path = folder.file("store");
    auto store = open_sqlite_store(
        path, {.checkpoint_pages = 20, .most_pages = 80, .own_thread = own_thread});
    ASSERT_TRUE(store) << to_string(store.error());
    for (int number = 0; number < 1000; ++number) {
      ASSERT_TRUE(write(**store, number));
    }
    EXPECT_LT(std::filesystem::file_size(path + "-wal"), 170 * page_in_wal);
    EXPECT_FALSE(std::filesystem::exists(path + "-shm")) << "its index is in memory";
    store = nullptr;
    EXPECT_FALSE(std::filesystem::exists(path + "-wal"));
    store = open_sqlite_store(path);
    ASSERT_TRUE(store) << to_string(store.error());
    expect_all(**store, 1000);
  }
}

TEST(checkpoints, find_the_file_wherever_the_process_goes) {
  temporary_folder folder, elsewhere;
  const inside there{folder.path()};
  auto store = open_sqlite_store("store", {.checkpoint_pages = 20, .most_pages = 80});
  ASSERT_TRUE(store) << to_string(store.error());
  std::filesystem::current_path(elsewhere.path());
  for (int number = 0; number < 1000; ++number) {
    ASSERT_TRUE(write(**store, number));
  }
  EXPECT_LT(std::filesystem::file_size(folder.file("store-wal")), 170 * page_in_wal);
  store = nullptr;
  EXPECT_FALSE(std::filesystem::exists(folder.file("store-wal")));
  EXPECT_TRUE(std::filesystem::is_empty(elsewhere.path()));
}

// A connection that ends would take a lock of the process on the file along, were it not SQLite's.
TEST(checkpoints, leave_the_file_to_its_owner) {
  temporary_folder folder;
  const auto path = folder.file("store");
  auto store = open_sqlite_store(path);
  ASSERT_TRUE(store) << to_string(store.error());
  ASSERT_TRUE(write(**store, 1));
  const auto before = std::filesystem::file_size(path);
  ASSERT_TRUE(checkpoint(path, {}, beside::writer));
  EXPECT_GT(std::filesystem::file_size(path), before) << "it has moved something";
  EXPECT_FALSE(others_can_read(path));
  EXPECT_FALSE(open_sqlite_store(path));
  ASSERT_TRUE(write(**store, 2));
  store = nullptr;
  EXPECT_TRUE(others_can_read(path));
}

TEST_P(failing_checkpoints, are_told_and_lose_nothing) {
  auto store = open_sqlite_store(
      path, {.vfs = vfs.name(), .checkpoint_pages = 12, .own_thread = GetParam()});
  ASSERT_TRUE(store) << to_string(store.error());
  code = SQLITE_FULL;
  tried = 0;
  testing::internal::CaptureStderr();
  int count = 0;
  for (; count < 200; ++count) {
    EXPECT_TRUE(write(**store, count)) << "the batch is written";
  }
  while (tried == 0) {
    EXPECT_TRUE(write(**store, count++));
  }
  // The pages of 200 batches: one each 12 would be dozens, and each says one line.
  EXPECT_LT(tried, 12) << "they come further and further apart";
  expect_all(**store, count);
  code = SQLITE_OK;
  tried = 0;
  while (tried < 2) {
    ASSERT_TRUE(write(**store, count++)) << "the next one works";
  }
  const auto full = path + ": no checkpoint: database or disk is full";
  auto log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find(full), std::string::npos) << log;
  // So is the last one's, with which the store is closed.
  code = SQLITE_FULL;
  testing::internal::CaptureStderr();
  ASSERT_TRUE(write(**store, count++));
  store = nullptr;
  log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find(full), std::string::npos) << log;
  code = SQLITE_OK;
  store = open_sqlite_store(path, {.vfs = vfs.name()});
  ASSERT_TRUE(store) << to_string(store.error());
  expect_all(**store, count);
}

INSTANTIATE_TEST_SUITE_P(all, failing_checkpoints, testing::Bool(),
                         [](const auto& of) { return of.param ? "by_a_thread" : "by_the_writer"; });

TEST(checkpoints, many_stores_at_rest_have_no_threads) {
  temporary_folder folder;
  const auto before = threads();
  std::vector<std::unique_ptr<backend>> stores;
  for (int number = 0; number < 50; ++number) {
    auto store = open_sqlite_store(folder.file(std::to_string(number)));
    ASSERT_TRUE(store) << to_string(store.error());
    ASSERT_TRUE(write(**store, number));
    stores.push_back(*std::move(store));
  }
  EXPECT_LE(threads(), before) << "before their first checkpoint";
  auto busy = open_sqlite_store(folder.file("busy"), {.checkpoint_pages = 12});
  ASSERT_TRUE(busy) << to_string(busy.error());
  for (int number = 0; number < 50; ++number) {
    ASSERT_TRUE(write(**busy, number));
  }
  while (threads() > before) {
    std::this_thread::yield(); // until the last one has ended
  }
}

} // namespace cafegram::test
