#include <cafegram/storage/file_store.hpp>
#include <cafegram/storage/log_file.hpp>
#include <cafegram/storage/session_file.hpp>
#include <cafegram/storage/session_rows.hpp>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sample.hpp"

namespace cafegram::storage {

namespace {

using test::temporary_folder;

std::unique_ptr<backend> open_or_fail(const std::string& path) {
  auto store = open_file_store(path);
  EXPECT_TRUE(store) << to_string(store.error());
  return store ? *std::move(store) : nullptr;
}

std::string value_of(backend& in, const std::string& key) {
  const auto got = in.get(table::value, key);
  EXPECT_TRUE(got);
  return got && *got ? std::string{as_text(**got)} : "none";
}

batch one_value(std::string key, std::string_view value, bool durable = false) {
  batch out;
  out.put(table::value, std::move(key), to_blob(as_bytes(value)));
  out.durable = durable;
  return out;
}

void write_file(const std::string& path, bytes_view content) {
  std::ofstream out{path, std::ios::binary};
  out << as_text(content);
}

bytes content_of(const std::string& path) {
  return to_bytes(as_bytes(test::read_text(path)));
}

/// A store as a process that was killed leaves it: batches 2 to 5 are in the log.
void leave_a_log(const std::string& path) {
  const auto child = ::fork();
  if (child == 0) {
    auto store = open_file_store(path);
    for (int number = 1; number <= 5; ++number) {
      if (!store || !(*store)->apply(one_value(std::to_string(number), "x", number == 3))) {
        ::_exit(1);
      }
    }
    ::_exit(0);
  }
  int status = 1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
}

/// Where each record of a log begins; the last one is where it ends.
std::vector<std::size_t> records_of(const bytes& log) {
  std::vector<std::size_t> out{log_magic.size()};
  while (out.back() < log.size()) {
    const auto length = log[out.back() + 4] + 256U * log[out.back() + 5];
    out.push_back(out.back() + log_record_header + length);
  }
  return out;
}

} // namespace

TEST(session_file, one_of_version_1_is_read_and_written_anew) {
  temporary_folder folder;
  const auto path = folder.file("old.session");
  const auto payload = encode_session(test::sample_session());
  write_file(path, wrap_session_file(payload.view(), 1).view());
  auto expected = test::sample_session();
  expected.peers.clear();
  {
    auto backend = open_file_backend(path);
    ASSERT_TRUE(backend) << to_string(backend.error());
    EXPECT_EQ((*backend)->place(), path);
    const auto back = (*backend)->load();
    ASSERT_TRUE(back && *back);
    test::expect_equal(expected, **back);
    EXPECT_EQ(unwrap_session_file(content_of(path))->version, 1U) << "reading changes nothing";
    expected.home_dc = 1;
    ASSERT_TRUE((*backend)->commit({expected}));
  }
  EXPECT_EQ(unwrap_session_file(content_of(path))->version, 2U);
  auto backend = open_file_backend(path);
  ASSERT_TRUE(backend);
  test::expect_equal(expected, **(*backend)->load());
}

TEST(session_file, is_for_its_owner_only) {
  temporary_folder folder;
  const auto path = folder.file("s");
  write_file(path + ".tmp", {});
  ::chmod((path + ".tmp").c_str(), 0666);
  const auto store = open_or_fail(path);
  ASSERT_TRUE(store->apply(one_value("a", "1")));
  for (const auto* suffix : {"", ".log", ".lock"}) {
    struct stat status{};
    ASSERT_EQ(::stat((path + suffix).c_str(), &status), 0) << suffix;
    EXPECT_EQ(status.st_mode & 0777, 0600U) << suffix;
  }
  EXPECT_FALSE(std::filesystem::exists(path + ".tmp"));
}

TEST(session_file, after_an_orderly_end_one_file_is_the_whole_store) {
  temporary_folder folder;
  const auto path = folder.file("s");
  {
    const auto store = open_or_fail(path);
    ASSERT_TRUE(store->apply(one_value("a", "1")));
    ASSERT_TRUE(store->apply(one_value("b", "2")));
  }
  std::filesystem::copy_file(path, folder.file("copy"));
  EXPECT_EQ(value_of(*open_or_fail(folder.file("copy")), "b"), "2");
}

TEST(session_file, a_damaged_file_is_named_copied_and_kept) {
  temporary_folder folder;
  const auto path = folder.file("s");
  ASSERT_TRUE(open_or_fail(path)->apply(one_value("a", std::string(100, '1'))));
  const auto good = content_of(path);
  struct damage {
    std::size_t at;
    std::int64_t told;
  };
  for (const auto [at, told] : {damage{0, 0}, damage{8, 8}, damage{12, 12}, damage{20, 16},
                                damage{60, 16}, damage{good.size() - 1, 16}}) {
    auto bad = good;
    bad[at] ^= 0x5a;
    write_file(path, bad);
    for (int time = 0; time < 2; ++time) {
      const auto store = open_file_store(path);
      ASSERT_FALSE(store) << at;
      EXPECT_EQ(store.error().code, errc::storage);
      EXPECT_EQ(store.error().number, told) << at;
      EXPECT_NE(store.error().what.find(path), std::string::npos);
      EXPECT_NE(store.error().what.find(".damaged"), std::string::npos);
    }
    EXPECT_EQ(content_of(path), bad) << "the damaged file was touched";
  }
  // Each of them once, however often it was opened.
  EXPECT_TRUE(std::filesystem::exists(path + ".damaged"));
  EXPECT_TRUE(std::filesystem::exists(path + ".damaged-6"));
  EXPECT_FALSE(std::filesystem::exists(path + ".damaged-7"));
}

TEST(session_file, a_file_cut_off_anywhere_is_refused) {
  row_map rows;
  rows.apply(one_value("a", "1"));
  const auto good = wrap_session_file(encode_snapshot(rows, 3).view());
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_FALSE(read_session_file(good.view().first(length))) << length;
  }
  const auto whole = read_session_file(good.view());
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->number, 3U);
}

TEST(session_file, a_newer_version_is_refused_by_its_number) {
  const auto file = wrap_session_file({}, session_file_version + 1);
  const auto out = unwrap_session_file(file.view());
  ASSERT_FALSE(out);
  EXPECT_NE(out.error().what.find("version 3"), std::string::npos);
}

TEST(session_file, what_was_not_written_whole_is_cut_off_and_kept) {
  const test::quiet_log quiet;
  temporary_folder folder;
  const auto path = folder.file("s");
  leave_a_log(path);
  const auto log = content_of(path + ".log");
  const auto at = records_of(log);
  ASSERT_EQ(at.size(), 5U) << "batch 1 is in the snapshot";
  for (auto length = at[3]; length < log.size(); ++length) {
    write_file(path + ".log", bytes_view{log}.first(length));
    std::filesystem::copy_file(path, folder.file("s2"),
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::copy_file(path + ".log", folder.file("s2.log"),
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::remove(folder.file("s2.log.cut"));
    {
      const auto store = open_or_fail(folder.file("s2"));
      ASSERT_TRUE(store) << length;
      EXPECT_EQ(value_of(*store, "4"), "x");
      EXPECT_EQ(value_of(*store, "5"), "none");
      EXPECT_EQ(std::filesystem::exists(folder.file("s2.log.cut")), length > at[3]) << length;
      ASSERT_TRUE(store->apply(one_value("6", "y")));
    }
    EXPECT_EQ(value_of(*open_or_fail(folder.file("s2")), "6"), "y");
  }
}

TEST(session_file, damage_of_what_was_synced_is_told_and_nothing_is_cut) {
  temporary_folder folder;
  const auto path = folder.file("s");
  leave_a_log(path);
  const auto log = content_of(path + ".log");
  const auto at = records_of(log);
  ASSERT_EQ(at.size(), 5U);
  // Batch 3 was durable, so that batch 4 knows of 2 and 3.
  for (const std::size_t batch : {0, 1}) {
    for (const auto where : {at[batch], at[batch] + 5, at[batch] + 30, at[batch + 1] - 1}) {
      auto bad = log;
      bad[where] ^= 0x5a;
      write_file(path + ".log", bad);
      const auto store = open_file_store(path);
      ASSERT_FALSE(store) << where;
      EXPECT_EQ(store.error().number, static_cast<std::int64_t>(at[batch]));
      EXPECT_EQ(content_of(path + ".log"), bad);
      EXPECT_TRUE(std::filesystem::exists(path + ".log.damaged"));
    }
  }
  auto gap = log;
  gap.erase(gap.begin() + static_cast<std::ptrdiff_t>(at[0]),
            gap.begin() + static_cast<std::ptrdiff_t>(at[1]));
  write_file(path + ".log", gap);
  const auto store = open_file_store(path);
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().what.find("missing between 1 and 3"), std::string::npos);
  write_file(path + ".log", log);
  EXPECT_EQ(value_of(*open_or_fail(path), "5"), "x") << "what was not touched can still be read";
}

TEST(session_file, a_log_of_before_its_snapshot_is_skipped) {
  temporary_folder folder;
  const auto path = folder.file("s");
  leave_a_log(path);
  const auto log = content_of(path + ".log");
  {
    const auto store = open_or_fail(path);
    ASSERT_TRUE(store->apply(one_value("3", "changed")));
  }
  write_file(path + ".log", log);
  EXPECT_EQ(value_of(*open_or_fail(path), "3"), "changed");
}

TEST(session_file, a_second_owner_is_refused_and_told_the_first) {
  temporary_folder folder;
  const auto path = folder.file("s");
  int ready[2];
  int done[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(done), 0);
  const auto child = ::fork();
  if (child == 0) {
    auto store = open_file_store(path);
    char signal = store ? 'y' : 'n';
    (void)!::write(ready[1], &signal, 1);
    (void)!::read(done[0], &signal, 1);
    // Ends without a destructor, as a crash does.
    ::_exit(0);
  }
  char signal = 0;
  ASSERT_EQ(::read(ready[0], &signal, 1), 1);
  ASSERT_EQ(signal, 'y');
  const auto second = open_file_store(path);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, errc::session_in_use);
  EXPECT_EQ(second.error().number, child);
  char host[256] = {};
  ASSERT_EQ(::gethostname(host, sizeof host - 1), 0);
  const auto owner = "process " + std::to_string(child) + " on " + host + " since 20";
  EXPECT_NE(second.error().what.find(owner), std::string::npos) << second.error().what;
  ASSERT_EQ(::write(done[1], &signal, 1), 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(open_file_store(path)) << "free again after a crash";
  for (const int fd : {ready[0], ready[1], done[0], done[1]}) {
    ::close(fd);
  }
}

TEST(session_file, a_link_to_one_is_the_same_session) {
  temporary_folder folder;
  const auto path = folder.file("s");
  const auto link = folder.file("link");
  std::filesystem::create_symlink("s", folder.file("between"));
  std::filesystem::create_symlink(folder.file("between"), link);
  {
    const auto first = open_or_fail(path);
    const auto second = open_file_store(link);
    ASSERT_FALSE(second) << "it would not see the log, and begin one of its own";
    EXPECT_EQ(second.error().number, ::getpid());
  }
  leave_a_log(path);
  {
    const auto store = open_or_fail(link);
    EXPECT_EQ(value_of(*store, "5"), "x");
    ASSERT_TRUE(store->apply(one_value("6", "y")));
  }
  EXPECT_TRUE(std::filesystem::is_symlink(link)) << "a new snapshot does not take its place";
  EXPECT_EQ(value_of(*open_or_fail(path), "6"), "y");
}

TEST(session_file, stays_where_it_is_wherever_the_process_goes) {
  temporary_folder folder, elsewhere;
  const test::inside there{folder.path()};
  {
    const auto store = open_file_store("s", {.shortest_log = 20});
    ASSERT_TRUE(store);
    std::filesystem::current_path(elsewhere.path());
    for (int number = 0; number < 10; ++number) {
      ASSERT_TRUE((*store)->apply(one_value(std::to_string(number), "x")));
    }
  }
  EXPECT_TRUE(std::filesystem::is_empty(elsewhere.path()));
  EXPECT_EQ(value_of(*open_or_fail(folder.file("s")), "9"), "x");
}

TEST(session_file, a_circle_of_links_is_told) {
  temporary_folder folder;
  std::filesystem::create_symlink("b", folder.file("a"));
  std::filesystem::create_symlink("a", folder.file("b"));
  const auto store = open_file_store(folder.file("a"));
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().number, ELOOP);
}

TEST(session_file, what_cannot_be_written_leaves_the_old_state) {
  temporary_folder folder;
  const auto path = folder.file("s");
  ASSERT_TRUE(open_or_fail(path)->apply(one_value("a", "1")));
  const auto good = content_of(path);
  // A folder in the place of the temporary file: it cannot be opened for writing, as root neither.
  std::filesystem::create_directory(path + ".tmp");
  {
    auto store = open_file_store(path, {.shortest_log = 20});
    ASSERT_TRUE(store);
    ASSERT_TRUE((*store)->apply(one_value("b", "2"))) << "the log has room";
    const auto outcome = (*store)->apply(one_value("c", "3"));
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, errc::storage);
    EXPECT_EQ(value_of(**store, "c"), "none");
    EXPECT_EQ(content_of(path), good);
    std::filesystem::remove(path + ".tmp");
    EXPECT_TRUE((*store)->apply(one_value("c", "3"))) << "tried again";
  }
  const auto store = open_or_fail(path);
  EXPECT_EQ(value_of(*store, "b"), "2");
  EXPECT_EQ(value_of(*store, "c"), "3");
}

} // namespace cafegram::storage
